import SystemFiles
import TensorGraph

/// A frozen TensorFlow SavedModel, the folder that `model.export`, TensorFlow Hub and Kaggle provide.
///
///     let model = try SavedModel.read(folder: "mobilenet/")
///     model.graph             // constants in the place of variables, no functions
///     model.inputs[0].tensor  // "serving_default_images:0"
///
/// The variables' values come from the checkpoint beside the graph, by the nodes with which the graph
/// restores them. Functions are inlined. Weights are views of the mapped checkpoint.
///
/// - Source: https://www.tensorflow.org/guide/saved_model
package struct SavedModel: Sendable {
    /// A tensor under the name that callers use.
    package struct Endpoint: Sendable, Equatable {
        package var name: String
        /// The tensor's name in the graph, `node:0`.
        package var tensor: String
        package var type: ElementType?
        /// The shape, in which -1 is an unknown dimension; nil for an unknown rank.
        package var shape: [Int]?
    }

    /// The name of the signature that was read.
    package let signature: String
    /// The nodes that the signature's outputs and the requested tensors depend on.
    package let graph: Graph
    /// The inputs, sorted by name.
    package let inputs: [Endpoint]
    package let outputs: [Endpoint]

    private static let fileName = "saved_model.pb"

    /// Returns whether a folder contains a SavedModel.
    package static func isPresent(in folder: FilePath) -> Bool {
        FileSystem.exists(folder.appending(FilePath(fileName)))
    }

    /// Reads a SavedModel.
    ///
    /// - Parameters:
    ///   - folder: The folder that contains `saved_model.pb`.
    ///   - signature: The name of a signature; nil for `serving_default` or the only one.
    ///   - tensors: Tensors that are kept besides the signature's outputs, such as taps.
    package static func read(
        folder: FilePath, signature: String? = nil, tensors: [String] = []
    ) throws(SavedModelError) -> SavedModel {
        let region = try mapped(fileName, in: folder)
        let graphs: [MetaGraph]
        do throws(GraphDefError) { graphs = try MetaGraph.all(in: region) } catch {
            throw .malformed(file: fileName, error)
        }
        guard let meta = chosen(of: graphs), let graph = meta.graph else {
            throw .noServingGraph(tags: graphs.map(\.tags))
        }
        let (name, ends) = try self.signature(signature, of: meta)

        let wanted = ends.outputs.map(\.tensor) + tensors
        let flat: Graph
        do throws(FunctionError) {
            flat = try FunctionInlining.inlined(graph, for: wanted + [meta.restoring].compactMap { $0 })
        } catch { throw .function(error) }
        var freezing = Freezing(flat, of: graph, folder: folder)
        let frozen = try freezing.frozen(for: wanted)
        let names = Set(frozen.nodes.map(\.name))
        for end in ends.inputs + ends.outputs
        where !names.contains(FunctionInlining.nodeName(end.tensor)) {
            throw .noSuchTensor(signature: name, tensor: end.tensor)
        }
        return SavedModel(signature: name, graph: frozen, inputs: ends.inputs, outputs: ends.outputs)
    }

    /// Returns the graph for serving on a CPU, or the only graph.
    private static func chosen(of graphs: [MetaGraph]) -> MetaGraph? {
        graphs.first { $0.tags == ["serve"] } ?? graphs.first { $0.tags.contains("serve") }
            ?? graphs.first { $0.tags.isEmpty } ?? (graphs.count == 1 ? graphs[0] : nil)
    }

    private static func signature(
        _ wanted: String?, of graph: MetaGraph
    ) throws(SavedModelError) -> (String, MetaGraph.Signature) {
        // Signatures that initialize the model have no inputs.
        let usable = graph.signatures.filter { !$0.value.inputs.isEmpty && !$0.value.outputs.isEmpty }
        let name = wanted ?? (usable.count == 1 ? usable.first!.key : "serving_default")
        guard let signature = usable[name] else {
            throw .noSignature(wanted, present: usable.keys.sorted())
        }
        return (name, signature)
    }

    static func mapped(_ name: String, in folder: FilePath) throws(SavedModelError) -> ByteRegion {
        do throws(MappingError) {
            return try ByteRegion(mapping: folder.appending(FilePath(name)).description)
        } catch { throw .inputOutput(file: name, errno: error.errno) }
    }
}
