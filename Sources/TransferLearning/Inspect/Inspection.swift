#if canImport(FoundationEssentials)
import SystemFiles
import FoundationEssentials
#else
import Foundation
#endif

/// The contents of a file that this program writes or reads.
///
///     print(try Inspection("cartoon.zip").text())
public struct Inspection: Sendable {
    public let path: FilePath
    public let kind: String
    /// The size in bytes; nil for a folder.
    public let bytes: Int?
    let findings: Findings
    let contents: FileContents

    /// - Parameters:
    ///   - path: The path of a graph, an export, a package, or a folder.
    ///   - profiles: Whether to run a graph and measure every step.
    ///   - threads: The number of threads for the profile.
    public init(_ path: FilePath, profiles: Bool = false, threads: Int? = nil) throws {
        let isFolder = (try? FileSystem.kind(of: path)) == .directory
        let contents = try isFolder ? FileContents(folder: path) : FileContents(path)
        let format = (isFolder ? FileFormat.folders : FileFormat.all).first { $0.isRecognized(contents) }!
        var findings = try format.inspect(contents)
        if profiles {
            guard findings.graph != nil else {
                throw TransferLearningError.option("profile", reason: "\(path) is no graph (\(format.kind))")
            }
            findings.graph = try GraphInspection(GraphFileContents(path), profiles: true, threads: threads)
        }
        (self.path, self.contents, self.findings, kind) = (path, contents, findings, format.kind)
        bytes = isFolder ? nil : contents.region.count
    }

    /// Returns the facts as text.
    public func text() -> String {
        let size =
            bytes.map { ", \($0 < 100_000 ? "\($0) bytes" : fixed(Double($0) * 1e-6, 2) + " MB")" } ?? ""
        let width = max(11, (findings.facts.map(\.name.count).max() ?? 0) + 1)
        let lines = findings.facts.map {
            $0.name + String(repeating: " ", count: width - $0.name.count) + $0.value.description
        }
        let graph = findings.graph
        return (["\(path): \(kind)\(size)"] + lines + (graph?.drawing ?? []) + (graph?.profileLines ?? []))
            .printable
    }

    /// Returns a JSON object: `path`, `kind`, `bytes` and the facts.
    public func json() throws -> String { try JSON.text(self) }
}

extension Inspection: Encodable {
    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public func encode(to encoder: any Encoder) throws {
        if findings.graphKey == nil { try findings.graph?.encode(to: encoder) }
        var container = encoder.container(keyedBy: Key.self)
        if let key = findings.graphKey {
            try container.encodeIfPresent(findings.graph, forKey: Key(stringValue: key))
        }
        try container.encode("\(path)", forKey: Key(stringValue: "path"))
        try container.encode(kind, forKey: Key(stringValue: "kind"))
        try container.encodeIfPresent(bytes, forKey: Key(stringValue: "bytes"))
        for fact in findings.facts
        where findings.graph == nil || findings.hasOwnGraphFacts
            || !GraphInspection.factNames.contains(fact.name)
        {
            try container.encode(
                fact.value, forKey: Key(stringValue: fact.name.split(separator: " ").joined(separator: "_")))
        }
    }
}

extension Fact.Value: Encodable, CustomStringConvertible {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .count(let count): try container.encode(count)
        case .number(let number): try container.encode(number.isFinite ? number : 0)
        case .list(let list): try container.encode(list)
        }
    }

    var description: String {
        switch self {
        case .text(let text): text
        case .count(let count): "\(count)"
        case .number(let number): "\(Float(number))"
        case .list(let list): list.joined(separator: ", ")
        }
    }
}
