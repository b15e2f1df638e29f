import TensorGraph

/// A graph of a SavedModel with its tags and signatures.
///
/// - Source: tensorflow/core/protobuf/{saved_model,meta_graph,saver}.proto
struct MetaGraph {
    private(set) var tags: [String] = []
    private(set) var graph: Graph?
    private(set) var signatures: [String: Signature] = [:]
    /// The name of the node that restores every variable; nil if there is none.
    private(set) var restoring: String?

    /// Input and output tensors under the names that callers use.
    struct Signature {
        var inputs: [SavedModel.Endpoint] = []
        var outputs: [SavedModel.Endpoint] = []
    }

    /// Returns the graphs of `saved_model.pb`.
    static func all(in region: ByteRegion) throws(GraphDefError) -> [MetaGraph] {
        try region.withUnsafeBytes { (file) throws(GraphDefError) in
            var message = WireReader(file: file), graphs: [MetaGraph] = []
            while let field = try message.next() {
                guard field.number == 2 else {
                    try message.skip(field)
                    continue
                }
                try message.expect(.lengthDelimited, field)
                graphs.append(try MetaGraph(try message.message(), region))
            }
            return graphs
        }
    }

    private init(_ message: WireReader, _ region: ByteRegion) throws(GraphDefError) {
        var message = message
        while let field = try message.next() {
            switch field.number {
            // meta_info_def, whose field 4 is tags
            case 1:
                try message.expect(.lengthDelimited, field)
                var information = try message.message()
                while let field = try information.next() {
                    guard field.number == 4 else {
                        try information.skip(field)
                        continue
                    }
                    try information.expect(.lengthDelimited, field)
                    tags.append(try information.string())
                }
            // graph_def
            case 2:
                try message.expect(.lengthDelimited, field)
                graph = try GraphDef.read(region[try message.payload()])
            // saver_def, whose field 3 is restore_op_name
            case 3:
                try message.expect(.lengthDelimited, field)
                var saver = try message.message()
                while let field = try saver.next() {
                    guard field.number == 3 else {
                        try saver.skip(field)
                        continue
                    }
                    try saver.expect(.lengthDelimited, field)
                    restoring = try saver.string()
                }
            // signature_def
            case 5:
                try message.expect(.lengthDelimited, field)
                let (key, value) = try message.message().mapEntry()
                if let value { signatures[key] = try Self.signature(value) }
            default: try message.skip(field)
            }
        }
    }

    private static func signature(_ message: WireReader) throws(GraphDefError) -> Signature {
        var message = message, signature = Signature()
        while let field = try message.next() {
            guard field.number == 1 || field.number == 2 else {
                try message.skip(field)
                continue
            }
            try message.expect(.lengthDelimited, field)
            let (key, value) = try message.message().mapEntry()
            guard let value, let endpoint = try endpoint(value, named: key) else { continue }
            if field.number == 1 {
                signature.inputs.append(endpoint)
            } else {
                signature.outputs.append(endpoint)
            }
        }
        // A map has no order.
        signature.inputs.sort { $0.name < $1.name }
        signature.outputs.sort { $0.name < $1.name }
        return signature
    }

    /// - Returns: The tensor, or nil if it is not a dense tensor.
    private static func endpoint(
        _ message: WireReader, named name: String
    ) throws(GraphDefError) -> SavedModel.Endpoint? {
        var message = message, tensor = "", type: ElementType?, shape: [Int]?
        while let field = try message.next() {
            switch field.number {
            case 1:
                try message.expect(.lengthDelimited, field)
                tensor = try message.string()
            case 2:
                try message.expect(.varint, field)
                type = ElementType(encoded: try message.varint())
            case 3:
                try message.expect(.lengthDelimited, field)
                shape = try TensorReader.shape(try message.message(), of: .attribute)
            default: try message.skip(field)
            }
        }
        return tensor.isEmpty
            ? nil : SavedModel.Endpoint(name: name, tensor: tensor, type: type, shape: shape)
    }
}
