import TensorGraph

/// TensorFlow's `GraphDef` message: a frozen graph as `retrain.py` reads and writes it.
///
///     let graph = try GraphDef.read(try ByteRegion(mapping: "classify_image_graph_def.pb"))
///     try GraphDef.write(graph, to: descriptor)
///
/// Reading does not copy weights: constants are slices of the region. Unchanged nodes are written byte for
/// byte, so that reading and writing a graph gives the same bytes if the nodes precede the other fields, as
/// in TensorFlow's files. Changed nodes lose the fields 6 and 7 of `NodeDef` (debug information and inferred
/// type).
///
/// - Source: tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto
package enum GraphDef {
    /// The maximum size in bytes of all constants given by one repeated value, because a file of 40 bytes can
    /// declare petabytes.
    static let maximumExpandedBytes = 1 << 28

    /// Reads a graph.
    ///
    /// - Throws: `GraphDefError` if the bytes are not a GraphDef, are truncated or malformed.
    package static func read(_ region: ByteRegion) throws(GraphDefError) -> Graph {
        try region.withUnsafeBytes { (file) throws(GraphDefError) -> Graph in
            var reader = NodeReader(region: region)
            var nodes: [Node] = []
            do throws(GraphDefError) {
                let trailer = try fields(of: file, nodes: &nodes, with: &reader)
                guard !nodes.isEmpty else { throw .notGraphDef(ForeignFile(file)) }
                return Graph(nodes: nodes, trailer: trailer)
            } catch {
                // An error before the first complete node probably means another kind of file.
                guard nodes.isEmpty else { throw error }
                let kind = ForeignFile(file)
                throw kind == .unknown && file.first == Field.nodeTag ? error : .notGraphDef(kind)
            }
        }
    }

    /// Maps a file and reads its graph.
    package static func read(path: String) throws(GraphDefError) -> Graph {
        let region: ByteRegion
        do throws(MappingError) { region = try ByteRegion(mapping: path) } catch {
            throw .inputOutput(errno: error.errno)
        }
        return try read(region)
    }

    private enum Field {
        static let node = 1
        /// The tag of field 1, length-delimited, with which TensorFlow's GraphDefs begin.
        static let nodeTag: UInt8 = 0x0A
    }

    /// Appends the nodes, and returns all other fields as read.
    private static func fields(
        of file: UnsafeRawBufferPointer, nodes: inout [Node], with reader: inout NodeReader
    ) throws(GraphDefError) -> [UInt8] {
        var message = WireReader(file: file)
        var trailer: [UInt8] = []
        while let field = try message.next() {
            if field.number == Field.node {
                try message.expect(.lengthDelimited, field)
                nodes.append(try reader.node(try message.message()))
            } else {
                try message.skip(field)
                trailer.append(contentsOf: file[field.offset..<message.offset])
            }
        }
        return trailer
    }
}
