import TensorFlowFormat
import TensorGraph

/// Writes a frozen graph as the `saved_model.pb` of a SavedModel, with one meta graph tagged `serve` and the
/// signature `serving_default`. Weights are constants of the graph, so no variables are needed.
///
/// - Source: tensorflow/core/protobuf/saved_model.proto and meta_graph.proto, whose field numbers are used.
package enum SavedModelExport {
    private enum Field {
        static let schemaVersion = 1, metaGraph = 2
        enum MetaGraph { static let info = 1, graph = 2, signatures = 5 }
        enum Info { static let tags = 4, version = 5 }
        enum Entry { static let key = 1, value = 2 }
        enum Signature { static let inputs = 1, outputs = 2, method = 3 }
        enum Tensor { static let name = 1, type = 2, shape = 3 }
        enum Shape { static let dimension = 2, size = 1 }
    }

    /// A tensor in the signature and its shape, in which -1 is a free size.
    package struct Tensor: Sendable {
        package let node: String
        package let shape: [Int]
        package init(_ node: String, _ shape: [Int]) { (self.node, self.shape) = (node, shape) }
    }

    /// - Throws: `GraphDefError.tooLargeToWrite` if the graph has 2 GiB or more.
    package static func write(_ graph: Graph, input: Tensor, outputs: [Tensor]) throws(GraphDefError)
        -> [UInt8]
    {
        var info = WireWriter(), signature = WireWriter(), metaGraph = WireWriter(), model = WireWriter()
        info.field(Field.Info.tags, "serve".utf8)
        // Loaders distinguish TensorFlow 1 and 2 by this version; a frozen graph is of the former kind.
        info.field(Field.Info.version, "1.15.0".utf8)
        signature.field(Field.Signature.inputs, entry(input.node, tensor(input)))
        for output in outputs { signature.field(Field.Signature.outputs, entry(output.node, tensor(output))) }
        signature.field(Field.Signature.method, "tensorflow/serving/predict".utf8)
        metaGraph.field(Field.MetaGraph.info, info)
        metaGraph.field(Field.MetaGraph.graph, ByteRegion(try GraphDef.write(graph)))
        metaGraph.field(Field.MetaGraph.signatures, entry("serving_default", signature))
        model.field(Field.schemaVersion, 1 as Int64)
        model.field(Field.metaGraph, metaGraph)
        return model.bytes
    }

    private static func entry(_ key: String, _ value: WireWriter) -> WireWriter {
        var message = WireWriter()
        message.field(Field.Entry.key, key.utf8)
        message.field(Field.Entry.value, value)
        return message
    }

    private static func tensor(_ tensor: Tensor) -> WireWriter {
        var shape = WireWriter(), message = WireWriter()
        for size in tensor.shape {
            var dimension = WireWriter()
            dimension.field(Field.Shape.size, Int64(size))
            shape.field(Field.Shape.dimension, dimension)
        }
        message.field(Field.Tensor.name, (tensor.node + ":0").utf8)
        message.field(Field.Tensor.type, Int64(ElementType.float32.rawValue))
        message.field(Field.Tensor.shape, shape)
        return message
    }
}
