import TensorGraph

/// An error of reading a SavedModel. Files are named relative to its folder.
package enum SavedModelError: Error, Equatable, Sendable {
    /// The file could not be opened or mapped; `errno` is the system's error number.
    case inputOutput(file: String, errno: Int32)
    /// The file's Protocol Buffers messages are malformed.
    case malformed(file: String, GraphDefError)
    /// No graph has the tag for serving; `tags` are those of each graph.
    case noServingGraph(tags: [[String]])
    /// The requested signature, or the default one, is missing; `present` are the names of those in the file.
    case noSignature(String?, present: [String])
    /// No node computes a tensor of the signature.
    case noSuchTensor(signature: String, tensor: String)
    /// The graph's functions cannot be inlined.
    case function(FunctionError)
    /// The checkpoint's index, `variables/variables.index`, is malformed.
    case index(SortedTableFault)
    /// The checkpoint does not give the value of a variable.
    case variable(name: String, VariableFault)
}

/// The reason why a variable has no value.
package enum VariableFault: Equatable, Sendable {
    /// The graph restores nothing into the variable.
    case notRestored
    /// The checkpoint's index does not contain the key.
    case missing(key: String)
    /// The value is divided among several entries of the checkpoint.
    case partitioned
    /// The type, such as strings or resources, is not that of a dense array.
    case unsupportedType(ElementType?)
    /// The entry's shape or type differs from the one that the graph declares.
    case mismatch
    /// The entry lies in a shard that does not exist.
    case noSuchShard(Int, of: Int)
    /// The entry extends beyond the end of its shard, which is probably truncated.
    case outsideShard(offset: Int, size: Int, shard: Int)
    /// The entry's size in bytes does not fit its type and shape.
    case sizeMismatch(expected: Int, found: Int)
    /// The entry's bytes do not match their checksum.
    case checksum
}

/// A fault of a sorted table. Offsets are bytes from the start of the file.
package enum SortedTableFault: Error, Equatable, Sendable {
    /// The file does not end with a table's footer; it is another kind of file or truncated.
    case notTable
    case block(offset: Int, size: Int)
    /// A block is compressed; TensorFlow does not compress checkpoints.
    case compressedBlock(offset: Int, kind: Int)
    /// A block's bytes do not match their checksum.
    case checksum(offset: Int)
    case entry(offset: Int)
    case overLimit(offset: Int, limit: Int)
    /// The header entry is missing or declares another byte order.
    case header
}
