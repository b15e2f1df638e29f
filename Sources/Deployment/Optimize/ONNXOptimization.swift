import NetworkReading
import ONNXFormat
import TensorGraph

/// Optimizes an ONNX model where results stay the same up to rounding.
///
///     let (smaller, report) = try ONNXOptimization(outputs: ["probabilities"]).apply(to: model)
///
/// Nodes on which no output depends are removed, and `Identity` and `Dropout` are spliced out. Values that
/// depend on weights alone become weights. Normalizations, scalings and sums by channel are folded into the
/// weights and the bias of the preceding convolution. Zero padding is merged into the following convolution,
/// and equal weights are merged. Unchanged nodes keep their bytes.
package struct ONNXOptimization: Sendable {
    package let outputs: [String]
    /// Values that are kept although no output depends on them.
    package let kept: [String]

    /// - Parameters:
    ///   - outputs: The names of the outputs.
    ///   - kept: Names of values to keep; names that the model lacks are ignored.
    package init(outputs: [String], keeping kept: [String] = []) {
        (self.outputs, self.kept) = (outputs, kept)
    }

    /// - Throws: `DeploymentError` with the node for control flow and for weights that cannot be computed.
    package func apply(to model: ONNXModel) throws(DeploymentError) -> (ONNXModel, Optimization.Report) {
        var report = Optimization.Report(nodesBefore: model.graph.nodes.count)
        if let node = model.graph.nodes.first(where: { $0.attributes.values.contains(where: \.isGraph) }) {
            throw .unsupported(node: node.name, operation: node.operation, what: "controls the flow")
        }
        let names = Set(model.names), roots = outputs + kept.filter(names.contains)
        for output in outputs where !names.contains(output) { throw .noSuchTensor(output, node: "") }
        var draft = ONNXDraft(model.reachable(from: roots), pinned: Set(roots))
        report.spliced = draft.splice()
        try draft.foldConstants()
        report.folded = draft.foldAffineChains()
        report.paddings = draft.fusePadding()
        report.duplicates = draft.mergeConstants()
        var result = draft.model.reachable(from: roots)
        // A shape that an exporter declared may be that of a value which means something else now.
        result.graph.values = []
        report.nodesAfter = result.graph.nodes.count
        return (result, report)
    }
}

/// An ONNX model that is being rewritten.
private struct ONNXDraft {
    var model: ONNXModel
    private let pinned: Set<String>
    private var names: Set<String>
    private var constants: [String: Tensor]

    init(_ model: ONNXModel, pinned: Set<String>) {
        (self.model, self.pinned) = (model, pinned)
        names = Set(model.names)
        constants = Dictionary(
            model.graph.initializers.compactMap { given in given.tensor.map { (given.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    private mutating func fresh(_ wish: String) -> String {
        var name = wish, number = 1
        while !names.insert(name).inserted {
            name = "\(wish)_\(number)"
            number += 1
        }
        return name
    }

    private mutating func add(_ name: String, _ tensor: Tensor) {
        model.add(name, tensor)
        constants[name] = tensor
    }

    /// The numbers of the nodes that read each value; an output has one more reader.
    private var readers: [String: [Int]] {
        var readers: [String: [Int]] = [:]
        for (index, node) in model.graph.nodes.enumerated() {
            for input in node.inputs where !input.isEmpty { readers[input, default: []].append(index) }
        }
        return readers
    }

    private mutating func remove(_ nodes: Set<Int>) {
        model.graph.nodes = model.graph.nodes.indices.filter { !nodes.contains($0) }.map {
            model.graph.nodes[$0]
        }
    }

    // MARK: - Passes

    /// Removes nodes that pass their input on.
    ///
    /// - Returns: The number of removed nodes.
    mutating func splice() -> Int {
        var sources: [String: String] = [:], removed = Set<Int>()
        for index in model.graph.nodes.indices {
            let inputs = model.graph.nodes[index].inputs.map { sources[$0] ?? $0 }
            if inputs != model.graph.nodes[index].inputs { model.graph.nodes[index].inputs = inputs }
            let node = model.graph.nodes[index]
            guard node.isStandard,
                node.operation == "Identity" || node.operation == "Dropout" && !isTraining(node),
                let input = node.inputs.first, let output = node.outputs.first, !pinned.contains(output),
                node.outputs.dropFirst().allSatisfy(\.isEmpty)
            else { continue }
            sources[output] = input
            removed.insert(index)
        }
        remove(removed)
        return removed.count
    }

    private func isTraining(_ node: ONNXNode) -> Bool {
        guard node.inputs.count > 2, !node.inputs[2].isEmpty else { return false }
        guard let flag = constants[node.inputs[2]], case .dense(let region) = flag.contents else {
            return true
        }
        return region.bytes.contains { $0 != 0 }
    }

    /// Replaces what depends on weights alone by weights, unless that would make the model much larger.
    mutating func foldConstants() throws(DeploymentError) {
        var known = Set(model.graph.initializers.map(\.name)), pure = Set<Int>(), made: [String] = []
        let overridable = Set(model.graph.inputs.map(\.name)).subtracting(known)
        known.subtract(overridable)
        for (index, node) in model.graph.nodes.enumerated() {
            guard node.isStandard, !node.operation.hasPrefix("Random"), node.operation != "DequantizeLinear",
                node.inputs.allSatisfy({ $0.isEmpty || known.contains($0) })
            else { continue }
            pure.insert(index)
            known.formUnion(node.outputs)
            made += node.outputs.filter { !$0.isEmpty }
        }
        let read = Set(
            model.graph.nodes.indices.filter { !pure.contains($0) }.flatMap { model.graph.nodes[$0].inputs })
        let wanted = made.filter { read.contains($0) || pinned.contains($0) }
        guard !wanted.isEmpty else { return }
        let values: [String: Tensor]
        do { values = try ONNXReader.constants(wanted, of: model) } catch {
            throw .unsupported(node: wanted[0], operation: "Constant", what: "\(error)")
        }
        let largest = max(1 << 16, constants.values.map(\.count).max() ?? 0)
        let isFolded = Dictionary(
            uniqueKeysWithValues: values.map {
                ($0.key, $0.value.count <= largest && $0.value.type.onnx != nil)
            })
        // From the last node to the first, because a node that stays needs what it reads.
        var needed = read.union(pinned), removed = Set<Int>()
        for index in pure.sorted(by: >) {
            let node = model.graph.nodes[index], outputs = node.outputs.filter(needed.contains)
            if outputs.allSatisfy({ isFolded[$0] == true }) {
                removed.insert(index)
                for name in outputs { add(name, values[name]!) }
            } else {
                needed.formUnion(node.inputs)
            }
        }
        remove(removed)
    }

    /// Folds normalizations, scalings and sums by channel into the convolutions before them.
    ///
    /// - Returns: The number of folded nodes.
    mutating func foldAffineChains() -> Int {
        var readers = readers, removed = Set<Int>(), count = 0
        for index in model.graph.nodes.indices {
            guard model.graph.nodes[index].operation == "Conv", model.graph.nodes[index].isStandard,
                model.graph.nodes[index].inputs.count >= 2,
                let weights = constants[model.graph.nodes[index].inputs[1]], weights.type == .float32,
                weights.shape.count >= 3,
                model.graph.nodes[index].inputs.dropFirst(2).allSatisfy({ constants[$0]?.floats != nil })
            else { continue }
            var affine = ChannelAffine(channels: weights.shape[0])
            let rank = weights.shape.count
            while let output = model.graph.nodes[index].outputs.first, !pinned.contains(output),
                let next = readers[output], next.count == 1, !removed.contains(next[0]),
                affine.follow(model.graph.nodes[next[0]], reading: output, rank: rank, constants)
            {
                let reader = model.graph.nodes[next[0]]
                model.graph.nodes[index].outputs = [reader.outputs[0]]
                removed.insert(next[0])
                readers[output] = nil
                count += 1
            }
            guard affine.isChanged, let values = weights.floats else { continue }
            let node = model.graph.nodes[index]
            let old = node.inputs.count > 2 ? constants[node.inputs[2]]?.floats : nil
            let name = fresh(node.outputs[0] + "/weights"), bias = fresh(node.outputs[0] + "/bias")
            add(name, Tensor(affine.scaled(values), shape: weights.shape))
            add(bias, Tensor(affine.shifted(old), shape: [affine.factors.count]))
            model.graph.nodes[index].inputs = [node.inputs[0], name, bias]
        }
        remove(removed)
        return count
    }

    /// Merges zero padding of images into the convolutions that alone read it.
    ///
    /// - Returns: The number of merged nodes.
    mutating func fusePadding() -> Int {
        let readers = readers
        var removed = Set<Int>()
        for index in model.graph.nodes.indices {
            let pad = model.graph.nodes[index]
            guard pad.operation == "Pad", pad.isStandard, let output = pad.outputs.first,
                !pinned.contains(output), let next = readers[output], next.count == 1,
                let amounts = pads(of: pad)
            else { continue }
            var node = model.graph.nodes[next[0]]
            guard node.operation == "Conv", node.isStandard, node.inputs.first == output,
                isPlain(node.attributes["auto_pad"])
            else { continue }
            var given = [Int64](repeating: 0, count: 4)
            if case .ints(let values)? = node.attributes["pads"] { given = values }
            guard given.count == 4 else { continue }
            node.attributes["pads"] = .ints(zip(given, amounts).map { $0 &+ $1 })
            node.inputs[0] = pad.inputs[0]
            model.graph.nodes[next[0]] = node
            removed.insert(index)
        }
        remove(removed)
        return removed.count
    }

    private func isPlain(_ attribute: ONNXAttribute?) -> Bool {
        guard case .string(let bytes)? = attribute else { return attribute == nil }
        return bytes == Array("NOTSET".utf8)
    }

    /// Returns the numbers of rows and columns that a node adds around images; nil if it does anything else.
    private func pads(of node: ONNXNode) -> [Int64]? {
        if case .string(let mode)? = node.attributes["mode"], mode != Array("constant".utf8) { return nil }
        var amounts: [Int64] = [], value: Float = 0
        if case .ints(let values)? = node.attributes["pads"] {
            amounts = values
            if case .float(let number)? = node.attributes["value"] { value = number }
        } else {
            guard node.inputs.count >= 2, node.inputs.count < 4,
                let tensor = constants[node.inputs[1]], let values = tensor.integers
            else { return nil }
            amounts = values.map(Int64.init)
            if node.inputs.count > 2, !node.inputs[2].isEmpty {
                guard let number = constants[node.inputs[2]]?.floats?.first else { return nil }
                value = number
            }
        }
        guard value == 0, amounts.count == 8, [0, 1, 4, 5].allSatisfy({ amounts[$0] == 0 }),
            amounts.allSatisfy({ (0...4096).contains($0) })
        else { return nil }
        return [amounts[2], amounts[3], amounts[6], amounts[7]]
    }

    /// Merges equal weights.
    ///
    /// - Returns: The number of removed weights.
    mutating func mergeConstants() -> Int {
        struct Key: Hashable {
            let type: ElementType
            let shape: [Int]
            let hash: Int
        }
        var first: [Key: String] = [:], sources: [String: String] = [:]
        for given in model.graph.initializers where !pinned.contains(given.name) {
            guard let tensor = given.tensor, case .dense(let region) = tensor.contents else { continue }
            let hash = region.withUnsafeBytes { bytes in
                var hasher = Hasher()
                hasher.combine(bytes: bytes)
                return hasher.finalize()
            }
            let key = Key(type: tensor.type, shape: tensor.shape, hash: hash)
            guard let other = first[key], let same = constants[other], case .dense(let equal) = same.contents,
                equal.bytes == region.bytes
            else {
                first[key] = first[key] ?? given.name
                continue
            }
            sources[given.name] = other
        }
        guard !sources.isEmpty else { return 0 }
        for index in model.graph.nodes.indices {
            let inputs = model.graph.nodes[index].inputs
            let merged = inputs.map { sources[$0] ?? $0 }
            if merged != inputs { model.graph.nodes[index].inputs = merged }
        }
        return sources.count
    }
}

/// A factor and a term for each output channel of a convolution.
private struct ChannelAffine {
    private(set) var factors, terms: [Float]
    private(set) var isChanged = false

    init(channels: Int) {
        factors = [Float](repeating: 1, count: channels)
        terms = [Float](repeating: 0, count: channels)
    }

    /// Takes up a node if it is a factor or a term by channel.
    ///
    /// - Parameters:
    ///   - node: The node.
    ///   - value: The value that it reads of these channels.
    ///   - rank: The value's number of axes.
    ///   - constants: The model's weights.
    mutating func follow(
        _ node: ONNXNode, reading value: String, rank: Int, _ constants: [String: Tensor]
    ) -> Bool {
        guard node.isStandard, node.outputs.count == 1 else { return false }
        if node.operation == "BatchNormalization" { return normalize(node, value, constants) }
        guard ["Mul", "Div", "Add", "Sub"].contains(node.operation), node.inputs.count == 2,
            let place = node.inputs.firstIndex(where: { $0 != value }),
            let operand = constants[node.inputs[place]], let numbers = operand.floats,
            isByChannel(operand.shape, rank: rank)
        else { return false }
        let each = numbers.count == 1 ? factors.map { _ in numbers[0] } : numbers
        switch (node.operation, place) {
        case ("Mul", _): apply(each, terms.map { _ in 0 })
        case ("Div", 1) where !each.contains(0): apply(each.map { 1 / $0 }, terms.map { _ in 0 })
        case ("Add", _): apply(factors.map { _ in 1 }, each)
        case ("Sub", 1): apply(factors.map { _ in 1 }, each.map { -$0 })
        default: return false
        }
        return true
    }

    private mutating func normalize(_ node: ONNXNode, _ value: String, _ constants: [String: Tensor]) -> Bool
    {
        guard node.inputs.count == 5, node.inputs[0] == value else { return false }
        if case .int(let mode)? = node.attributes["training_mode"], mode != 0 { return false }
        let numbers = node.inputs[1...].compactMap { constants[$0]?.floats }
        guard numbers.count == 4, numbers.allSatisfy({ $0.count == factors.count }) else { return false }
        var epsilon: Float = 1e-5
        if case .float(let given)? = node.attributes["epsilon"] { epsilon = given }
        let scales = factors.indices.map { numbers[0][$0] / (numbers[3][$0] + epsilon).squareRoot() }
        guard scales.allSatisfy(\.isFinite) else { return false }
        apply(scales, factors.indices.map { numbers[1][$0] - numbers[2][$0] * scales[$0] })
        return true
    }

    /// Returns whether a tensor that broadcasts to `[N, C, …]` has one number or one for each channel.
    private func isByChannel(_ shape: [Int], rank: Int) -> Bool {
        guard shape.count <= rank else { return false }
        let all = [Int](repeating: 1, count: rank - shape.count) + shape
        return all.enumerated().allSatisfy { axis, size in size == 1 || axis == 1 && size == factors.count }
    }

    private mutating func apply(_ scales: [Float], _ shifts: [Float]) {
        for channel in factors.indices {
            factors[channel] *= scales[channel]
            terms[channel] = terms[channel] * scales[channel] + shifts[channel]
        }
        isChanged = true
    }

    /// Returns weights `[C, …]` times the factors.
    func scaled(_ weights: [Float]) -> [Float] {
        let size = weights.count / factors.count
        return weights.indices.map { weights[$0] * factors[$0 / size] }
    }

    /// Returns the bias times the factors plus the terms.
    func shifted(_ bias: [Float]?) -> [Float] {
        factors.indices.map { (bias?[$0] ?? 0) * factors[$0] + terms[$0] }
    }
}
