import Network
import TensorGraph

/// The input, output and features of a network, found in the network itself.
struct NetworkSurvey {
    var input: String
    var height, width: Int
    /// Whether the file leaves the image size open.
    var isSizeGuessed = false
    var output: String
    /// Whether the output is computed by a softmax.
    var endsInSoftmax: Bool
    /// The input of the last matrix product, or the output if the network does not end in a matrix product.
    var features: BackboneDescription.Tap
    /// Whether the first operations of the network normalize its input.
    var scalesItself: Bool
    /// The number of channels of the images, 3 or 1.
    var channels: Int
    /// Whether the input is of bytes, which the network scales itself.
    var takesBytes: Bool

    /// Examines a network.
    ///
    /// - Parameters:
    ///   - file: The network.
    ///   - known: The fields that a description gives.
    ///   - path: The path of the network's file.
    /// - Throws: `BackboneError` if the input or the output is ambiguous.
    init(_ file: NetworkFile, _ known: PartialDescription, path: String) throws(BackboneError) {
        let inputs = file.pictureInputs
        let input: String, output: String
        if let name = known.input {
            input = name
        } else {
            guard inputs.count == 1 else {
                throw Self.open(
                    path, "input",
                    inputs.isEmpty
                        ? "it has no input for pictures" : "it has several: \(Self.list(inputs.map(\.name)))")
            }
            input = inputs[0].name
        }
        self.input = input
        let declared = inputs.first { $0.name == input }
        (channels, takesBytes) = (declared?.channels ?? 3, declared?.isOfBytes ?? false)
        switch (known.height ?? declared?.height, known.width ?? declared?.width, file) {
        case (let height?, let width?, _): (self.height, self.width) = (height, width)
        case (_, _, .onnx): (height, width, isSizeGuessed) = (224, 224, true)
        default: throw Self.open(path, "height", "it does not say how large its pictures are")
        }
        if let name = known.output {
            output = name
        } else {
            let outputs = file.likelyOutputs
            guard outputs.count == 1 else {
                throw Self.open(
                    path, "output",
                    outputs.isEmpty ? "it has no output" : "it has several: \(Self.list(outputs))")
            }
            output = outputs[0]
        }
        self.output = output
        let network = try file.network(
            input: input, height: height, width: width, outputs: [output], path: path)
        if case .softmax = network[Self.computed(network, network.outputs[0])].operation {
            endsInSoftmax = true
        } else {
            endsInSoftmax = false
        }
        let names = Set(file.tensorNames)
        let tensor = Self.headInput(network).flatMap { Self.named(network, $0.input, $0.head, names) }
        let rank = network.shape(tensor?.node ?? network.outputs[0]).count
        features = .init(tensor?.name ?? output, rank > 2 ? .mean : .none)
        scalesItself = Self.scalesItself(network)
    }

    private static func open(_ path: String, _ key: String, _ reason: String) -> BackboneError {
        .description(
            path: path,
            reason: "\(reason); say it in \(DescriptionFile.place(of: path)), as {\"\(key)\": …}")
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
    }

    /// Returns the node behind reshapes and transpositions.
    private static func computed(_ network: Network, _ index: Int) -> Int {
        var index = index
        while true {
            switch network[index].operation {
            case .reshape, .transpose: index = network[index].inputs[0]
            default: return index
            }
        }
    }

    /// Returns the final matrix product and its input, if only a bias, a scale and a softmax follow it.
    private static func headInput(_ network: Network) -> (head: Int, input: Int)? {
        var index = network.outputs[0]
        // The numbers of ImageNet's classes: 2012, with and without background, and 2011.
        let isClassifier = [1000, 1001, 21_841, 21_843].contains(network.shape(index).last)
        while true {
            let node = network[index]
            switch node.operation {
            case .reshape, .transpose, .softmax, .unary(.gridded), .unary(.sigmoid):
                index = node.inputs[0]
            case .binary where node.inputs.contains(where: { network.constant($0) != nil }):
                guard let next = node.inputs.first(where: { network.constant($0) == nil }) else { return nil }
                index = next
            case .matrixProduct, .convolution:
                if isProduct(network, index) { return (index, node.inputs[0]) }
                return nil
            default:
                guard isClassifier,
                    let last = network.nodes.indices.last(where: { isProduct(network, $0) })
                else { return nil }
                return (last, network[last].inputs[0])
            }
        }
    }

    /// Returns whether a node is a product with constant weights.
    private static func isProduct(_ network: Network, _ index: Int) -> Bool {
        let node = network[index]
        switch node.operation {
        case .matrixProduct, .convolution(_, groups: 1): return network.constant(node.inputs[1]) != nil
        default: return false
        }
    }

    /// Returns the file's name of a tensor. Nodes that the reader adds have the name of the node that they are
    /// added for, or a name that the file does not have.
    private static func named(_ network: Network, _ index: Int, _ head: Int, _ names: Set<String>) -> (
        node: Int, name: String
    )? {
        var index = index
        while network[index].name == network[head].name || !names.contains(network[index].name) {
            guard let input = network[index].inputs.first else { return nil }
            index = input
        }
        return (index, network[index].name)
    }

    private static func scalesItself(_ network: Network) -> Bool {
        guard let picture = network.input else { return false }
        let gray = network.nodes.firstIndex { $0.name == network[picture].name + Network.grayName }
        let input = gray ?? picture
        let readers = network.nodes.filter { $0.inputs.contains(input) }
        return !readers.isEmpty
            && readers.allSatisfy { node in
                switch node.operation {
                case .binary(.add), .binary(.subtract), .binary(.multiply), .binary(.divide): true
                default: false
                }
            }
    }
}
