import TensorGraph
import WireFormat

/// ONNX's `FunctionProto`: an operation that the model itself defines by nodes.
struct ONNXFunction {
    /// What a node names a function by.
    struct Key: Hashable {
        var domain = "", name = "", overload = ""
    }

    var key = Key()
    /// The names of the parameters, of which a call may omit the last ones.
    var inputs: [String] = []
    var outputs: [String] = []
    /// The values of attributes that a call omits.
    var defaults: [String: ONNXAttribute] = [:]
    var nodes: [ONNXNode] = []
    /// The version of the standard operators; nil if the function imports none.
    var operatorSet: Int64?
}

extension ONNXNode {
    var key: ONNXFunction.Key { .init(domain: isStandard ? "" : domain, name: operation, overload: overload) }
}

extension ONNXModel {
    /// Whether the model defines functions, which `inlined` puts in the place of their calls.
    package var hasFunctions: Bool { others.contains { $0.number == Field.Model.functions } }

    func functions() throws(ONNXError) -> [ONNXFunction.Key: ONNXFunction] {
        var functions: [ONNXFunction.Key: ONNXFunction] = [:]
        for field in others where field.number == Field.Model.functions {
            let function = try field.bytes.withUnsafeBytes { (bytes) throws(ONNXError) in
                var message = Reader(file: bytes), reader = ModelReader(region: field.bytes, folder: folder)
                guard let field = try message.next() else { throw .notONNX }
                return try reader.function(message.nested(field))
            }
            functions[function.key] = function
        }
        return functions
    }

    /// Returns the graph of an attribute; nil if it is none.
    package func graph(of attribute: ONNXAttribute) throws(ONNXError) -> ONNXGraph? {
        guard case .encoded(kind: ONNXAttribute.Kind.graph, let region) = attribute else { return nil }
        return try region.withUnsafeBytes { (bytes) throws(ONNXError) in
            var message = Reader(file: bytes), reader = ModelReader(region: region, folder: folder)
            while let field = try message.next() {
                if field.number == Field.Attribute.graph { return try reader.graph(message.nested(field)) }
                try message.skip(field)
            }
            return nil
        }
    }
}

extension ONNXAttribute {
    /// The name of the function's attribute for which this one stands; nil if it has a value of its own.
    var reference: String? {
        guard case .encoded(_, let region) = self else { return nil }
        let name = try? region.withUnsafeBytes { (bytes) throws(ONNXError) -> String? in
            var message = Reader(file: bytes), name: String?
            while let field = try message.next() {
                if field.number == Field.Attribute.reference {
                    name = try message.text(field)
                } else {
                    try message.skip(field)
                }
            }
            return name
        }
        return name ?? nil
    }
}

extension ModelReader {
    mutating func function(_ message: Reader) throws(ONNXError) -> ONNXFunction {
        var message = message, function = ONNXFunction(), domain = ""
        while let field = try message.next() {
            switch field.number {
            case Field.Function.name: function.key.name = try message.text(field)
            case Field.Function.domain: domain = try message.text(field)
            case Field.Function.overload: function.key.overload = try message.text(field)
            case Field.Function.input: function.inputs.append(try message.text(field))
            case Field.Function.output: function.outputs.append(try message.text(field))
            case Field.Function.node:
                guard function.nodes.count < ONNXModel.maximumNodes else {
                    throw .overLimit(offset: field.offset, .nodes, limit: ONNXModel.maximumNodes)
                }
                function.nodes.append(try node(try message.nested(field)))
            case Field.Function.defaults:
                let (name, value) = try attribute(try message.nested(field))
                function.defaults[name] = value
            case Field.Function.operatorSets:
                let set = try operatorSet(message.nested(field))
                if set.isStandard { function.operatorSet = set.version }
            default: try message.skip(field)
            }
        }
        function.key.domain = domain == "ai.onnx" ? "" : domain
        return function
    }
}
