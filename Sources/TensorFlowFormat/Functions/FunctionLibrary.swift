import TensorGraph

/// The functions that a GraphDef stores beside its nodes.
///
/// Only their names are read at first; the body of a function is read when it is called.
///
/// - Source: tensorflow/core/framework/{function,op_def}.proto
struct FunctionLibrary {
    private let region: ByteRegion
    private var places: [String: Range<Int>] = [:]
    private var tensors: NodeReader

    /// - Parameter trailer: The fields of the GraphDef other than its nodes.
    init(_ trailer: [UInt8]) throws(FunctionError) {
        region = ByteRegion(trailer)
        tensors = NodeReader(region: region)
        do throws(GraphDefError) {
            places = try region.withUnsafeBytes { (bytes) throws(GraphDefError) in
                try Self.places(in: bytes)
            }
        } catch { throw .malformed(error) }
    }

    var isEmpty: Bool { places.isEmpty }
    func contains(_ name: String) -> Bool { places[name] != nil }

    /// Reads a function's body; nil if there is no function with the name.
    mutating func function(_ name: String) throws(FunctionError) -> Function? {
        guard let place = places[name] else { return nil }
        let body = region[place]
        var nodes = NodeReader(region: body)
        swap(&nodes.tensors.budget, &tensors.tensors.budget)
        defer { swap(&nodes.tensors.budget, &tensors.tensors.budget) }
        do throws(GraphDefError) {
            return try body.withUnsafeBytes { (bytes) throws(GraphDefError) in
                try Function(WireReader(file: bytes), &nodes)
            }
        } catch { throw .malformed(error) }
    }

    private static func places(
        in bytes: UnsafeRawBufferPointer
    ) throws(GraphDefError) -> [String: Range<Int>] {
        var places: [String: Range<Int>] = [:]
        var graph = WireReader(file: bytes)
        while let field = try graph.next() {
            // GraphDef.library
            guard field.number == 2, field.type == .lengthDelimited else {
                try graph.skip(field)
                continue
            }
            var library = try graph.message()
            while let field = try library.next() {
                // FunctionDefLibrary.function
                guard field.number == 1, field.type == .lengthDelimited else {
                    try library.skip(field)
                    continue
                }
                let function = try library.message()
                if let name = try name(of: function) { places[name] = function.offset..<function.end }
            }
        }
        return places
    }

    private static func name(of function: WireReader) throws(GraphDefError) -> String? {
        var function = function
        while let field = try function.next() {
            guard field.number == 1, field.type == .lengthDelimited else {
                try function.skip(field)
                continue
            }
            var signature = try function.message()
            while let field = try signature.next() {
                if field.number == 1, field.type == .lengthDelimited { return try signature.string() }
                try signature.skip(field)
            }
        }
        return nil
    }
}

/// A function as `FunctionDef` defines it.
struct Function {
    struct Argument {
        var name = ""
        /// The type; nil where it is an attribute of the call.
        var type: ElementType?
        /// Whether the argument takes any number of tensors.
        var isList = false
    }

    private(set) var arguments: [Argument] = []
    private(set) var results: [Argument] = []
    /// The tensor of each result as the function's nodes name it: `node:output:index`, or an argument.
    private(set) var returned: [String: String] = [:]
    private(set) var nodes: [Node] = []

    init(_ message: WireReader, _ reader: inout NodeReader) throws(GraphDefError) {
        var message = message
        while let field = try message.next() {
            switch field.number {
            case 1:
                try message.expect(.lengthDelimited, field)
                var signature = try message.message()
                while let field = try signature.next() {
                    switch field.number {
                    case 2:
                        try signature.expect(.lengthDelimited, field)
                        arguments.append(try Self.argument(try signature.message()))
                    case 3:
                        try signature.expect(.lengthDelimited, field)
                        results.append(try Self.argument(try signature.message()))
                    default: try signature.skip(field)
                    }
                }
            case 3:
                try message.expect(.lengthDelimited, field)
                nodes.append(try reader.node(try message.message()))
            case 4:
                try message.expect(.lengthDelimited, field)
                let (key, value) = try message.message().mapEntry()
                returned[key] = try value?.text ?? ""
            default: try message.skip(field)
            }
        }
    }

    private static func argument(_ message: WireReader) throws(GraphDefError) -> Argument {
        var message = message, argument = Argument()
        while let field = try message.next() {
            switch field.number {
            case 1:
                try message.expect(.lengthDelimited, field)
                argument.name = try message.string()
            case 3:
                try message.expect(.varint, field)
                argument.type = ElementType(encoded: try message.varint())
            case 5, 6:
                try message.skip(field)
                argument.isList = true
            default: try message.skip(field)
            }
        }
        return argument
    }
}
