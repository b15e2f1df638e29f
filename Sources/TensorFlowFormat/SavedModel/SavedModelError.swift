import TensorGraph

/// Why a SavedModel folder could not be read. Files are named as they lie in the folder.
package enum SavedModelError: Error, Equatable, Sendable {
    /// The file could not be opened or mapped; the system's error number.
    case inputOutput(file: String, errno: Int32)
    /// The file's messages are no Protocol Buffers as they should be.
    case malformed(file: String, GraphDefError)
    /// No graph in the file is meant for serving; the tags of those that there are.
    case noServingGraph(tags: [[String]])
    /// The signature that was asked for, or the default one, is missing; those that there are.
    case noSignature(String?, present: [String])
    /// A tensor of the signature that no node makes.
    case noSuchTensor(signature: String, tensor: String)
    /// Functions that cannot be put in the place of their calls.
    case function(FunctionError)
    /// The checkpoint's index, `variables/variables.index`, is no sorted table as it should be.
    case index(SortedTableFault)
    /// A variable whose value the checkpoint does not give.
    case variable(name: String, VariableFault)
}

/// What is wrong with a variable's value.
package enum VariableFault: Equatable, Sendable {
    /// The graph restores nothing into it.
    case notRestored
    /// The checkpoint's index has no such key.
    case missing(key: String)
    /// The value is spread over several entries of the checkpoint.
    case partitioned
    /// Strings, resources and what else is no dense array.
    case unsupportedType(ElementType?)
    /// The entry's shape or type is not what the graph declares.
    case mismatch
    /// The entry lies in a shard that the checkpoint does not have.
    case noSuchShard(Int, of: Int)
    /// The entry reaches beyond the end of its shard, which is likely cut short.
    case outsideShard(offset: Int, size: Int, shard: Int)
    /// The entry has not as many bytes as its type and shape need.
    case sizeMismatch(expected: Int, found: Int)
    /// The bytes are not those that were written.
    case checksum
}

/// What is wrong with a sorted table. Offsets are bytes from the start of the file.
package enum SortedTableFault: Error, Equatable, Sendable {
    /// The file does not end as a table does: another kind of file, or one that is cut short.
    case notTable
    case block(offset: Int, size: Int)
    /// A block that is compressed, which TensorFlow's checkpoints are not.
    case compressedBlock(offset: Int, kind: Int)
    /// The block's bytes are not those that were written.
    case checksum(offset: Int)
    case entry(offset: Int)
    case overLimit(offset: Int, limit: Int)
    /// The first entry, which says how the checkpoint is laid out, is missing or of another byte order.
    case header
}
