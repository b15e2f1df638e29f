import Backbones
import NetworkReading
import TensorGraph
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The differences between two graphs, node by node.
public struct GraphComparison: Sendable, Codable {
    public struct NodeName: Sendable, Codable, Equatable {
        public let node, operation: String
    }

    public struct NodeChange: Sendable, Codable, Equatable {
        public let node, first, second: String
    }

    /// A difference of a tensor that both graphs compute from constants, such as a constant or its
    /// dequantization.
    public struct ConstantChange: Sendable, Codable, Equatable {
        public let node, first, second: String
        /// The number of different elements and their maximum difference; nil if they cannot be compared.
        public let count: Int?
        public let maximum: Double?
        /// The number of different elements that are NaN or infinite in either graph, which `maximum`
        /// ignores.
        public var notFinite: Int?
    }

    /// The nodes that only the second, and only the first graph has.
    public private(set) var added: [NodeName] = [], removed: [NodeName] = []
    public private(set) var operations: [NodeChange] = [], inputs: [NodeChange] = [],
        attributes: [NodeChange] = []
    public private(set) var constants: [ConstantChange] = []
    /// The differences between the models' descriptions: labels, sizes, taps, novelty, …
    public private(set) var description: [Difference] = []
    /// Whether common nodes are in a different order.
    public private(set) var isReordered = false

    /// Whether there are no differences.
    public var isEmpty: Bool {
        added.isEmpty && removed.isEmpty && operations.isEmpty && inputs.isEmpty && attributes.isEmpty
            && constants.isEmpty && description.isEmpty
            && !isReordered
    }

    init(_ first: GraphFileContents, _ second: GraphFileContents) throws {
        guard let a = first.graph, let b = second.graph else { return }
        var values = (first: GraphConstants(a), second: GraphConstants(b))
        let old = Dictionary(a.nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let names = Set(b.nodes.map(\.name))
        removed = a.nodes.filter { !names.contains($0.name) }.map {
            NodeName(node: $0.name, operation: $0.operation)
        }
        for node in b.nodes {
            guard let before = old[node.name] else {
                added.append(NodeName(node: node.name, operation: node.operation))
                continue
            }
            // The description is compared field by field.
            if !before.isEncodedLike(node), !ModelDescription.nodeNames.prefix(1).contains(node.name) {
                compare(before, node, &values)
            }
        }
        isReordered =
            a.nodes.lazy.map(\.name).filter(names.contains).elementsEqual(
                b.nodes.lazy.map(\.name).filter { old[$0] != nil }) == false
        description = Comparison.differences(try Self.fields(first.model), try Self.fields(second.model))
    }

    private mutating func compare(
        _ a: Node, _ b: Node, _ values: inout (first: GraphConstants, second: GraphConstants)
    ) {
        if a.operation != b.operation {
            operations.append(NodeChange(node: a.name, first: a.operation, second: b.operation))
        }
        if a.inputs != b.inputs, a.operation == b.operation {
            inputs.append(
                NodeChange(
                    node: a.name, first: a.inputs.joined(separator: ", "),
                    second: b.inputs.joined(separator: ", ")))
        }
        if a.operation == "Const" || b.operation == "Const" {
            // Tensors that cannot be computed are compared by their operations.
            let x = try? values.first.value(of: a.name), y = try? values.second.value(of: b.name)
            if let x = x ?? nil, let y = y ?? nil, let change = ConstantChange(a.name, x, y) {
                constants.append(change)
            }
        }
        guard a.operation == b.operation else { return }
        for name in Set(a.attributes.keys).union(b.attributes.keys).sorted()
        where a.operation != "Const" || name != "value" {
            let (x, y) = (
                a.attributes[name].map { "\($0)" } ?? "none", b.attributes[name].map { "\($0)" } ?? "none"
            )
            if x != y { attributes.append(NodeChange(node: "\(a.name).\(name)", first: x, second: y)) }
        }
        if a.device != b.device {
            attributes.append(NodeChange(node: "\(a.name).device", first: a.device, second: b.device))
        }
    }

    private static func fields(_ model: ModelFile?) throws -> [String: Item] {
        guard let model else { return [:] }
        return try JSONDecoder().decode(JSONValue.self, from: try JSONEncoder().encode(model.description))
            .flattened()
    }

    /// Returns the differences as lines of text.
    func lines(limit: Int) -> [String] {
        func section(_ title: String, _ lines: [String]) -> [String] {
            guard !lines.isEmpty else { return [] }
            let rest = lines.count > limit ? ["  … and \(lines.count - limit) more"] : []
            return ["\(title): \(lines.count)"] + lines.prefix(limit).map { "  " + $0 } + rest
        }
        func named(_ node: NodeName) -> String { "\(node.node) (\(node.operation))" }
        func changed(_ change: NodeChange) -> String { "\(change.node): \(change.first) → \(change.second)" }
        // The largest differences come first.
        let constants = constants.sorted {
            ($1.size, $0.node) < ($0.size, $1.node)
        }
        return section("of the description", description.map(\.text))
            + section("nodes only in the first", removed.map(named))
            + section("nodes only in the second", added.map(named))
            + section("other operations", operations.map(changed))
            + section("other inputs", inputs.map(changed))
            + section("other attributes", attributes.map(changed))
            + section("other constants", constants.map(\.text))
            + (isReordered ? ["the nodes stand in another order"] : [])
    }
}

extension GraphComparison.ConstantChange {
    /// Creates the difference; nil if the tensors are equal.
    init?(_ node: String, _ a: Tensor, _ b: Tensor) {
        func describe(_ tensor: Tensor) -> String { "\(tensor.type) \(tensor.shape)" }
        let (first, second) = (describe(a), describe(b))
        if first == second, a.hasEqualElements(to: b) { return nil }
        guard a.count == b.count, let x = a.numbers, let y = b.numbers else {
            self.init(node: node, first: first, second: second, count: nil, maximum: nil)
            return
        }
        var count = 0, maximum = 0.0
        var strange = 0
        for i in x.indices where x[i] != y[i] && !(x[i].isNaN && y[i].isNaN) {
            count += 1
            let difference = abs(x[i] - y[i])
            if difference.isFinite { maximum = max(maximum, difference) } else { strange += 1 }
        }
        // Zeros of different sign count as equal.
        if count == 0, first == second { return nil }
        self.init(node: node, first: first, second: second, count: count, maximum: maximum)
        if strange > 0 { notFinite = strange }
    }

    /// The size for sorting; a difference that cannot be measured is the largest.
    fileprivate var size: Double { notFinite == nil ? maximum ?? .infinity : .infinity }

    var text: String {
        let shape = first == second ? first : "\(first) → \(second)"
        guard let count, let maximum else { return "\(node): \(shape)" }
        let strange = notFinite.map { ", \($0) of them NaN or infinite" } ?? ""
        return "\(node): \(shape), \(count) numbers differ, by \(Float(maximum)) at most\(strange)"
    }
}

extension Tensor {
    fileprivate func hasEqualElements(to other: Tensor) -> Bool {
        switch (contents, other.contents) {
        case (.dense(let a), .dense(let b)): a.hasSameBytes(as: b)
        case (.strings(let a), .strings(let b)): a == b
        default: false
        }
    }

    /// The elements as numbers; nil for types that are not compared numerically.
    fileprivate var numbers: [Double]? {
        if let floats { return floats.map(Double.init) }
        if let integers { return integers.map(Double.init) }
        guard case .dense(let region) = contents, [.quint8, .uint8].contains(type) else { return nil }
        return region.bytes.map(Double.init)
    }
}

extension Node {
    fileprivate func isEncodedLike(_ other: Node) -> Bool {
        guard let a = encoded, let b = other.encoded else { return false }
        return a.hasSameBytes(as: b)
    }
}
