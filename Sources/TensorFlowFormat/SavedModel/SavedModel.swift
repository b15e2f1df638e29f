import SystemFiles
import TensorGraph

/// A SavedModel folder of TensorFlow's, frozen: what `model.export`, TensorFlow Hub and Kaggle give.
///
///     let model = try SavedModel.read(folder: "mobilenet/")
///     model.graph             // constants in the place of variables, no functions
///     model.inputs[0].tensor  // "serving_default_images:0"
///
/// The variables come from the checkpoint beside the graph, by what the graph itself restores into them; functions are put in the
/// place of their calls. Weights lie where the checkpoint has them, mapped.
///
/// - Source: https://www.tensorflow.org/guide/saved_model
package struct SavedModel: Sendable {
    /// A tensor by the name that callers use.
    package struct Endpoint: Sendable, Equatable {
        package var name: String
        /// As nodes name it: `node:0`.
        package var tensor: String
        package var type: ElementType?
        /// nil: unknown rank; -1: unknown dimension.
        package var shape: [Int]?
    }

    /// The signature that was chosen.
    package let signature: String
    /// Only what the signature's outputs depend on.
    package let graph: Graph
    /// In the order of their names.
    package let inputs: [Endpoint]
    package let outputs: [Endpoint]

    private static let fileName = "saved_model.pb"

    /// Whether a folder holds a SavedModel.
    package static func isPresent(in folder: FilePath) -> Bool {
        FileSystem.exists(folder.appending(FilePath(fileName)))
    }

    /// - Parameters:
    ///   - signature: nil for `serving_default`, or the only one that there is.
    ///   - tensors: wanted beside the signature's outputs, such as taps.
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
        var freezing = Freezing(flat, folder: folder)
        let frozen = try freezing.frozen(for: wanted)
        let names = Set(frozen.nodes.map(\.name))
        for end in ends.inputs + ends.outputs
        where !names.contains(FunctionInlining.nodeName(end.tensor)) {
            throw .noSuchTensor(signature: name, tensor: end.tensor)
        }
        return SavedModel(signature: name, graph: frozen, inputs: ends.inputs, outputs: ends.outputs)
    }

    /// The graph for serving on a processor, or the only one that there is.
    private static func chosen(of graphs: [MetaGraph]) -> MetaGraph? {
        graphs.first { $0.tags == ["serve"] } ?? graphs.first { $0.tags.contains("serve") }
            ?? graphs.first { $0.tags.isEmpty } ?? (graphs.count == 1 ? graphs[0] : nil)
    }

    private static func signature(
        _ wanted: String?, of graph: MetaGraph
    ) throws(SavedModelError) -> (String, MetaGraph.Signature) {
        // What initializes the model has no inputs.
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
