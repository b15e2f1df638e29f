import NetworkReading
import TensorGraph

@testable import Inference

/// Networks that are written down as graphs.
extension Plan {
    init(
        _ graph: Graph, input: String, inputShape: [Int], outputs: [String], precision: Precision = .fp32,
        instructionSet: InstructionSet = .preferred, threads: Int = 1, keepsImages: Bool = false,
        isForOneRun: Bool = false, mostPictures: Int = 1
    ) throws {
        try self.init(
            GraphReader.read(graph, input: input, inputShape: inputShape, outputs: outputs),
            precision: precision, instructionSet: instructionSet, threads: threads, keepsImages: keepsImages,
            isForOneRun: isForOneRun, mostPictures: mostPictures)
    }
}

extension Calibrator {
    convenience init(_ graph: Graph, input: String, inputShape: [Int], outputs: [String]) throws {
        try self.init(GraphReader.read(graph, input: input, inputShape: inputShape, outputs: outputs))
    }

    static func names(
        in graph: Graph, input: String, inputShape: [Int], outputs: [String]
    ) throws -> Set<String> {
        try names(in: GraphReader.read(graph, input: input, inputShape: inputShape, outputs: outputs))
    }
}
