import Foundation
import Network
import ONNXFormat
import TensorGraph
import TestSupport

@testable import NetworkReading

/// One operator of ONNX's own conformance tests: a model whose unused initializers are the input and what must come out.
struct OperatorCase {
    /// The largest difference, relative to the largest expected value.
    static func difference(_ path: String) throws -> Float {
        let model = try ONNXModel.read(path: path)
        func tensor(_ name: String) -> Tensor? {
            model.graph.initializers.first { $0.name == name }?.tensor?.asFloat32
        }
        guard let input = tensor("__input"), let expected = tensor("__output") else {
            throw NetworkEvaluator.Failure.input
        }
        let network = try ONNXReader.read(model)
        try network.verify()
        let results = try NetworkEvaluator.run(network, arranged(input).floats ?? [])
        guard results[0].shape == expected.shape else { return .infinity }
        let values = expected.floats ?? [], largest = values.map { abs($0) }.max() ?? 0
        return (zip(values, results[0].values).map { $0 == $1 ? 0 : abs($0 - $1) }.max() ?? 0)
            / max(largest, 1e-6)
    }

    /// The input as the network takes it: images channels-last.
    static func arranged(_ tensor: Tensor) -> Tensor {
        let shape = tensor.shape
        guard shape.count == 4, ![1, 3].contains(shape[3]) || [1, 3].contains(shape[1]) else { return tensor }
        return tensor.transposed([0, 2, 3, 1])
    }
}
