import TensorGraph

/// TensorFlow's `GraphDef` message: a frozen graph as `retrain.py` reads and writes it.
///
///     let graph = try GraphDef.read(try ByteRegion(mapping: "classify_image_graph_def.pb"))
///     try GraphDef.write(graph, to: descriptor)
///
/// Reading copies no weights: the constants are slices of the region. A node that was not changed is written exactly as it came,
/// so that reading a graph and writing it gives the same bytes where the nodes precede the other fields, as TensorFlow writes them.
/// Of a changed node, the fields 6 and 7 of `NodeDef` (debug information and inferred type) are not kept.
///
/// - Source: tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto
package enum GraphDef {
    /// Constants given as one repeated value may grow to this many bytes in all: a file of 40 bytes can declare petabytes.
    static let maximumExpandedBytes = 1 << 28

    /// - Throws: `GraphDefError`: not a GraphDef at all, cut short, or malformed at an offset.
    package static func read(_ region: ByteRegion) throws(GraphDefError) -> Graph {
        try region.withUnsafeBytes { (file) throws(GraphDefError) -> Graph in
            var reader = NodeReader(region: region)
            var nodes: [Node] = []
            do throws(GraphDefError) {
                let trailer = try fields(of: file, nodes: &nodes, with: &reader)
                guard !nodes.isEmpty else { throw .notGraphDef(ForeignFile(file)) }
                return Graph(nodes: nodes, trailer: trailer)
            } catch {
                // Trouble before the first whole node: likely another kind of file.
                guard nodes.isEmpty else { throw error }
                let kind = ForeignFile(file)
                throw kind == .unknown && file.first == Field.nodeTag ? error : .notGraphDef(kind)
            }
        }
    }

    /// Reads the graph in the file at `path`, mapped into memory.
    package static func read(path: String) throws(GraphDefError) -> Graph {
        let region: ByteRegion
        do throws(MappingError) { region = try ByteRegion(mapping: path) } catch {
            throw .inputOutput(errno: error.errno)
        }
        return try read(region)
    }

    private enum Field {
        static let node = 1
        /// Field 1, length-delimited: what every GraphDef with nodes that TensorFlow wrote starts with.
        static let nodeTag: UInt8 = 0x0A
    }

    /// Appends the nodes as they are read, and returns all other fields as they came.
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
