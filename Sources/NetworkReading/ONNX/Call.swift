import ONNXFormat
import TensorGraph

/// A node with its inputs.
struct Call {
    let node: ONNXNode
    let inputs: [Value?]
    /// The values by name that the node's graphs read of those around them.
    var captures: [String: Value] = [:]

    /// The name of the tensor that the node computes.
    var name: String { node.outputs.first ?? node.name }
    var title: String { node.title }

    func failure(_ what: String) -> ONNXReadingError {
        .node(operation: node.operation, node: node.title, what: what)
    }
    func optional(_ index: Int) -> Value? { index < inputs.count ? inputs[index] : nil }
    func input(_ index: Int) throws(ONNXReadingError) -> Value {
        guard let value = optional(index) else { throw failure("has no input \(index)") }
        return value
    }
    /// Returns an input that must be constant; nil if it is omitted.
    func constant(_ index: Int, _ role: String) throws(ONNXReadingError) -> Tensor? {
        switch optional(index) {
        case nil: return nil
        case .constant(let tensor)?: return tensor
        case .computed?: throw failure("its \(role) depends on the input")
        }
    }
    func demanded(_ index: Int, _ role: String) throws(ONNXReadingError) -> Tensor {
        guard let tensor = try constant(index, role) else { throw failure("has no \(role)") }
        return tensor
    }
    func integers(_ index: Int, _ role: String) throws(ONNXReadingError) -> [Int]? {
        guard let tensor = try constant(index, role) else { return nil }
        guard let values = tensor.integers else { throw failure("its \(role) are no integers") }
        return values
    }

    // MARK: - Attributes

    func int(_ name: String, else other: Int) throws(ONNXReadingError) -> Int {
        switch node.attributes[name] {
        case nil: return other
        case .int(let value)?: return Int(clamping: value)
        default: throw failure("its \(name) is no integer")
        }
    }
    func ints(_ name: String) throws(ONNXReadingError) -> [Int]? {
        switch node.attributes[name] {
        case nil: return nil
        case .ints(let values)?: return values.map { Int(clamping: $0) }
        default: throw failure("its \(name) are no integers")
        }
    }
    func float(_ name: String, else other: Float) throws(ONNXReadingError) -> Float {
        switch node.attributes[name] {
        case nil: return other
        case .float(let value)?: return value
        default: throw failure("its \(name) is no number")
        }
    }
    func floats(_ name: String) throws(ONNXReadingError) -> [Float]? {
        switch node.attributes[name] {
        case nil: return nil
        case .floats(let values)?: return values
        default: throw failure("its \(name) are no numbers")
        }
    }
    func string(_ name: String, else other: String) throws(ONNXReadingError) -> String {
        switch node.attributes[name] {
        case nil: return other
        case .string(let bytes)?: return String(decoding: bytes, as: UTF8.self)
        default: throw failure("its \(name) is no string")
        }
    }
    /// Returns axes given by an attribute or, since some operator set, by an input.
    func axes() throws(ONNXReadingError) -> [Int]? { try list("axes", input: 1) }

    /// Returns integers given by an attribute or, since some operator set, by an input.
    func list(_ name: String, input: Int) throws(ONNXReadingError) -> [Int]? {
        if let values = try ints(name) { return values }
        return try integers(input, name)
    }
    func axis(_ axis: Int, rank: Int) throws(ONNXReadingError) -> Int {
        guard axis >= -rank, axis < rank else { throw failure("has no axis \(axis): the rank is \(rank)") }
        return axis < 0 ? axis + rank : axis
    }
}

extension ONNXNode {
    /// The node's name or, without one, that of its first output.
    var title: String { name.isEmpty ? outputs.first ?? operation : name }
}
