import SystemFiles
import TensorGraph
import Testing

@testable import TransferLearning

@Suite("Ends of networks without a description")
struct StatedEndsTests {
    /// The network of a model without what tells its input and output.
    static func graph(_ change: (inout Graph) -> Void = { _ in }) throws -> Graph {
        var graph = try WebPageTests.model()
        graph.nodes.removeAll { $0.name.hasPrefix("cartoonctl/") }
        change(&graph)
        return graph
    }

    static func export(_ graph: Graph) throws -> ExportResult {
        let scratch = try Scratch(), file = scratch.path.appending("net.pb")
        _ = try graph.write(to: file, flag: "output")
        var options = ExportOptions(output: scratch.path.appending("net.tflite"), format: .tflite)
        (options.input, options.size) = (file, WebPageTests.size)
        return try Exporting(options).run()
    }

    @Test("a single placeholder and a single end are taken")
    func single() throws {
        let result = try Self.export(try Self.graph())
        #expect((result.inputTensor, result.outputTensor) == ("input", "final_result"))
    }

    @Test("of several the user must name one")
    func several() throws {
        func reason(_ change: (inout Graph) -> Void) throws -> String {
            do { _ = try Self.export(try Self.graph(change)) } catch { return "\(error)" }
            return ""
        }
        #expect(
            try reason { $0.nodes.append(Node("Relu", name: "other", inputs: ["features"])) }
                .contains("does not say what its output is"))
        #expect(
            try reason {
                $0.nodes.append(
                    Node("Placeholder", name: "second", attributes: ["dtype": .type(.float32)]))
            }.contains("does not say what its input is"))
    }
}
