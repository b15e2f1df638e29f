import ONNXFormat
import TensorGraph

extension EightBitWeights {
    /// Stores large float32 weights of an ONNX model as bytes, which `DequantizeLinear` converts back.
    ///
    /// The weights of convolutions and matrix products have a step for each output channel from operator set
    /// 13 on, and others one step. Before operator set 10, which introduced `DequantizeLinear`, a cast and a
    /// product convert the bytes. The second matrices of products are stored transposed, because ONNX Runtime
    /// rounds the product's first matrix to 8 bits too where it reads what `DequantizeLinear` gives.
    ///
    /// - Throws: `DeploymentError` for weights that are no finite numbers.
    package func apply(to model: ONNXModel) throws(DeploymentError) -> ONNXModel {
        let names = Set(model.names), version = model.operatorSet ?? 0, axes = model.channelAxes
        let products = model.productWeights
        func fresh(_ wish: String) -> String { names.contains(wish) ? fresh(wish + "_") : wish }
        var result = model, nodes: [ONNXNode] = []
        result.graph.initializers = []
        let inputs = Set(model.graph.inputs.map(\.name))
        for given in model.graph.initializers {
            guard let uses = axes[given.name], let tensor = given.tensor, let values = tensor.floats,
                values.count >= Self.minimumCount, model.formatVersion >= 4 || inputs.contains(given.name)
            else {
                result.graph.initializers.append(given)
                continue
            }
            guard values.allSatisfy(\.isFinite) else {
                throw .unsupported(node: given.name, operation: "weights", what: "are no finite numbers")
            }
            // Weights that several nodes read have channels only if all agree.
            let axis = uses.count == 1 ? uses.first! : nil
            let byChannel = axis.flatMap { version >= 13 && tensor.shape.indices.contains($0) ? $0 : nil }
            let grid = AxisGrid(values, tensor.shape, axis: byChannel)
            // Initializers before IR version 4 are inputs too, which the new ones become.
            result.graph.inputs.removeAll { $0.name == given.name }
            let codes = fresh(given.name + "/codes"), steps = fresh(given.name + "/steps")
            let isTransposed = version >= 10 && tensor.shape.count == 2 && products.contains(given.name)
            result.add(
                codes,
                Tensor(
                    type: .int8, shape: isTransposed ? tensor.shape.reversed() : tensor.shape,
                    contents: .dense(
                        ByteRegion(
                            of: isTransposed ? grid.transposed(columns: tensor.shape[1]) : grid.codes))))
            result.add(steps, Tensor(grid.steps, shape: byChannel == nil ? [] : [grid.steps.count]))
            if isTransposed {
                let rows = fresh(given.name + "/transposed")
                nodes.append(
                    ONNXNode(
                        "DequantizeLinear", name: rows, inputs: [codes, steps], outputs: [rows],
                        attributes: byChannel.map { ["axis": .int(Int64(1 - $0))] } ?? [:]))
                nodes.append(
                    ONNXNode(
                        "Transpose", name: given.name, inputs: [rows], outputs: [given.name],
                        attributes: ["perm": .ints([1, 0])]))
            } else if version >= 10 {
                nodes.append(
                    ONNXNode(
                        "DequantizeLinear", name: given.name, inputs: [codes, steps], outputs: [given.name],
                        attributes: byChannel.map { ["axis": .int(Int64($0))] } ?? [:]))
            } else {
                let levels = fresh(given.name + "/levels")
                nodes.append(
                    ONNXNode(
                        "Cast", name: levels, inputs: [codes], outputs: [levels],
                        attributes: ["to": .int(ElementType.float32.onnx!)]))
                nodes.append(
                    ONNXNode("Mul", name: given.name, inputs: [levels, steps], outputs: [given.name]))
            }
        }
        result.graph.nodes = nodes + result.graph.nodes
        return result
    }
}

extension RoundedWeights {
    /// Rounds the large float32 weights of an ONNX model to few distinct values.
    package func apply(to model: ONNXModel) throws(DeploymentError) -> ONNXModel {
        var result = model
        let read = Set(model.graph.nodes.flatMap(\.inputs))
        for (index, given) in model.graph.initializers.enumerated() where read.contains(given.name) {
            guard let tensor = given.tensor, let values = tensor.floats,
                values.count >= EightBitWeights.minimumCount
            else { continue }
            if let rounded = try rounded(values, node: given.name, operation: "initializer") {
                result.graph.initializers[index] = ONNXInitializer(
                    given.name, Tensor(rounded, shape: tensor.shape))
            }
        }
        return result
    }
}

extension ONNXModel {
    /// The uses of each weight tensor: the axis of its output channels, or nil where it has none.
    fileprivate var channelAxes: [String: Set<Int?>] {
        let ranks = Dictionary(
            graph.initializers.map { ($0.name, $0.shape.count) }, uniquingKeysWith: { first, _ in first })
        var axes: [String: Set<Int?>] = [:]
        for node in graph.nodes {
            for (place, input) in node.inputs.enumerated() {
                guard let rank = ranks[input] else { continue }
                let axis: Int? =
                    switch (node.operation, place) {
                    case ("Conv", 1): 0
                    case ("Gemm", 1): node.isSet("transB") ? 0 : 1
                    case ("MatMul", 1): rank - 1
                    default: nil
                    }
                axes[input, default: []].insert(axis)
            }
        }
        return axes
    }
}

extension ONNXModel {
    /// The names of the tensors that are the second matrices of products, as they lie.
    fileprivate var productWeights: Set<String> {
        Set(
            graph.nodes.compactMap { node in
                node.inputs.count > 1
                    && (node.operation == "MatMul" || node.operation == "Gemm" && !node.isSet("transB"))
                    ? node.inputs[1] : nil
            })
    }
}

extension ONNXNode {
    fileprivate func isSet(_ name: String) -> Bool {
        if case .int(let value)? = attributes[name] { value != 0 } else { false }
    }
}

/// Weights of any axis order on a grid of 8 bits with a step per entry of an axis: w = code · step.
private struct AxisGrid {
    let codes: [Int8]
    let steps: [Float]

    /// - Parameter axis: The axis; nil for one step.
    init(_ values: [Float], _ shape: [Int], axis: Int?) {
        let channels = axis.map { shape[$0] } ?? 1
        let inner = axis.map { shape[($0 + 1)...].reduce(1, *) } ?? values.count
        func channel(_ index: Int) -> Int { index / inner % channels }
        var greatest = [Float](repeating: 0, count: channels)
        for index in values.indices {
            greatest[channel(index)] = max(greatest[channel(index)], abs(values[index]))
        }
        let steps = greatest.map { $0 >= .leastNormalMagnitude * 127 ? $0 / 127 : 1 }
        codes = values.indices.map {
            Int8(max(-127, min(127, (values[$0] / steps[channel($0)]).rounded())))
        }
        self.steps = steps
    }

    /// Returns the codes of a matrix with its axes exchanged.
    func transposed(columns: Int) -> [Int8] {
        let rows = codes.count / max(1, columns)
        return [Int8](unsafeUninitializedCapacity: codes.count) { result, count in
            for column in 0..<columns {
                for row in 0..<rows { result[column * rows + row] = codes[row * columns + column] }
            }
            count = codes.count
        }
    }
}
