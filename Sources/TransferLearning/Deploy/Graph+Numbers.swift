import NetworkReading
import TensorGraph

extension Graph {
    /// Returns what makes every result of the graph NaN: a constant that holds NaN, or a batch normalization by a
    /// negative variance; nil if there is nothing of the kind.
    ///
    /// Infinity is allowed, because attention masks hold it.
    var numberFault: String? {
        let read = Set(nodes.flatMap { $0.inputs.map { String($0.prefix { $0 != ":" }) } })
        for node in nodes where read.contains(node.name) {
            if let tensor = node.constant, tensor.holdsNaN {
                return "node '\(node.name)' (\(node.operation)) holds NaN"
            }
        }
        var constants = GraphConstants(self)
        for node in nodes {
            guard let (input, epsilon) = node.variance, node.inputs.indices.contains(input),
                let variance = try? constants.value(of: node.inputs[input]), let values = variance.floats
            else { continue }
            if let least = values.min(), least + epsilon < 0 {
                return "node '\(node.name)' (\(node.operation)) normalizes by a variance of \(least)"
            }
        }
        return nil
    }
}

extension Tensor {
    /// Whether an element of a float32 tensor is NaN.
    fileprivate var holdsNaN: Bool {
        guard type == .float32, case .dense(let region) = contents else { return false }
        return region.withElements(of: Float.self) { $0.contains { $0.isNaN } }
    }
}

extension Node {
    /// The index of the input with the variance of a batch normalization, and what is added to it; nil for other
    /// operations and in training, when the variance is computed.
    fileprivate var variance: (input: Int, epsilon: Float)? {
        switch operation {
        case "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3":
            if case .bool(true)? = attributes["is_training"] ?? .bool(true) { return nil }
            guard case .float(let epsilon) = attributes["epsilon"] ?? .float(1e-4) else { return nil }
            return (4, epsilon)
        case "BatchNormWithGlobalNormalization":
            guard case .float(let epsilon)? = attributes["variance_epsilon"] else { return nil }
            return (2, epsilon)
        default: return nil
        }
    }
}
