import Foundation
import TestSupport
import Testing

@testable import NetworkReading

@Suite("The list of supported operations")
struct OperationListTests {
    /// The names in backquotes in the list's items below a heading.
    static func names(below heading: String) throws -> [String] {
        let file = SharedData.project.appendingPathComponent("Sources/NetworkReading/Operations.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let section = text.components(separatedBy: "## " + heading).last ?? ""
        let lines = section.components(separatedBy: "\n## ")[0].split(separator: "\n")
        return lines.filter { $0.hasPrefix("- ") }.flatMap { $0.dropFirst(2).split(separator: " ") }.map {
            $0.trimmingCharacters(in: ["`"])
        }
    }

    @Test("is that of the readers")
    func lists() throws {
        #expect(try Self.names(below: "GraphDef").sorted() == GraphReader.supportedOperations)
        #expect(try Self.names(below: "ONNX").sorted() == ONNXReader.supportedOperators)
        #expect(
            try Self.names(below: "Operators of com.microsoft").sorted() == ONNXReader.supportedFusedOperators
        )
    }
}
