/// A difference between two files.
public struct Difference: Sendable, Codable, Equatable {
    public let what: String
    /// The values; nil if the file lacks it.
    public let first, second: String?
    /// The number of different elements and their maximum difference; nil if no numbers are compared.
    public var count: Int?
    public var maximum: Double?

    init(_ what: String, _ first: String?, _ second: String?) {
        (self.what, self.first, self.second) = (what, first, second)
    }

    var text: String {
        switch (first, second) {
        case (let first?, let second?): "\(what): \(first) → \(second)"
        case (let first?, nil): "\(what): \(first), only in the first"
        case (nil, let second?): "\(what): \(second), only in the second"
        case (nil, nil): what
        }
    }
}

/// The comparison of two files.
///
///     let comparison = try Comparison(Inspection("a.pb"), Inspection("b.pb"))
///     print(comparison.text())
public struct Comparison: Sendable {
    let first, second: Inspection
    /// The differences in the facts that `inspect` shows and in the items compared one by one.
    public let differences: [Difference]
    /// The comparison of two graphs, in packages or not; nil for other files.
    public let graph: GraphComparison?
    /// Whether the bytes, or for folders all contents, are equal.
    public let isSame: Bool

    public init(_ first: Inspection, _ second: Inspection) throws {
        (self.first, self.second) = (first, second)
        var differences: [Difference] = []
        if first.kind != second.kind { differences.append(Difference("kind", first.kind, second.kind)) }
        if let a = first.bytes, let b = second.bytes, a != b {
            differences.append(Difference("bytes", "\(a)", "\(b)"))
        }
        let (a, b) = (first.findings, second.findings)
        // Fields that are compared item by item are not reported twice.
        let told = Set(["labels", "members", "networks"] + a.items.keys + b.items.keys)
        differences += Self.differences(
            a.facts.filter { !told.contains($0.name) }.items, b.facts.filter { !told.contains($0.name) }.items
        )
        differences += Self.differences(a.items, b.items)
        graph = if let a = a.file, let b = b.file { try GraphComparison(a, b) } else { nil }
        if differences.isEmpty, graph?.isEmpty ?? true,
            !first.contents.region.hasSameBytes(as: second.contents.region)
        {
            differences.append(
                Difference("bytes are as many and differ; nothing that is told of them does", nil, nil))
        }
        self.differences = differences
        isSame = differences.isEmpty && graph?.isEmpty ?? true
    }

    /// Returns the differences by name, with the maximum difference of numbers.
    static func differences(_ first: [String: Item], _ second: [String: Item]) -> [Difference] {
        Set(first.keys).union(second.keys).sorted().compactMap { name in
            switch (first[name], second[name]) {
            case (.numbers(let a)?, .numbers(let b)?) where a.count > 1 && a.count == b.count:
                let count = zip(a, b).count { $0 != $1 }
                guard count > 0 else { return nil }
                let sizes = zip(a, b).map { abs(Double($0) - Double($1)) }
                let maximum = sizes.reduce(0) { $1.isFinite ? max($0, $1) : $0 }
                let strange = sizes.count { !$0.isFinite }
                var difference = Difference(
                    "\(name): \(count) of \(a.count) numbers differ, by \(Float(maximum)) at most"
                        + (strange > 0 ? ", \(strange) of them NaN or infinite" : ""), nil, nil)
                (difference.count, difference.maximum) = (count, maximum)
                return difference
            case (let a, let b): return a == b ? nil : Difference(name, a?.text, b?.text)
            }
        }
    }

    /// Returns the comparison as text.
    ///
    /// - Parameter limit: The maximum number of differences to show per kind.
    public func text(limit: Int = 10) -> String {
        if isSame { return "\(first.path) and \(second.path) are the same" }
        var lines = ["\(first.path) (\(first.kind)) and \(second.path) (\(second.kind)) differ"]
        lines += differences.prefix(3 * limit).map(\.text)
        if differences.count > 3 * limit { lines.append("… and \(differences.count - 3 * limit) more") }
        if let graph, graph.isEmpty { lines.append("their graphs are the same, node by node") }
        return (lines + (graph?.lines(limit: limit) ?? [])).printable
    }

    /// Returns a JSON object: `same`, `first`, `second`, `differences` and, for graphs, `graph`.
    public func json() throws -> String { try JSON.text(self) }
}

extension Comparison: Encodable {
    private struct Side: Encodable { let path, kind: String; let bytes: Int? }
    private enum Keys: String, CodingKey { case same, first, second, differences, graph }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(isSame, forKey: .same)
        try container.encode(
            Side(path: "\(first.path)", kind: first.kind, bytes: first.bytes), forKey: .first)
        try container.encode(
            Side(path: "\(second.path)", kind: second.kind, bytes: second.bytes), forKey: .second)
        try container.encode(differences, forKey: .differences)
        try container.encodeIfPresent(graph, forKey: .graph)
    }
}

extension Item {
    fileprivate var text: String {
        switch self {
        case .text(let text): text
        case .numbers(let numbers): numbers.count == 1 ? "\(numbers[0])" : "\(numbers.count) numbers"
        }
    }
}

extension [Fact] {
    fileprivate var items: [String: Item] {
        Dictionary(map { ($0.name, .text($0.value.description)) }, uniquingKeysWith: { first, _ in first })
    }
}
