import NetworkReading
import TensorFlowFormat
import TensorGraph

/// Optimizes a frozen graph like TensorFlow's `optimize_for_inference`, and further where results stay the
/// same.
///
///     let (smaller, report) = try Optimization(inputs: ["Mul"], outputs: ["final_result"]).apply(to: graph)
///
/// Inputs become placeholders. Calls of functions are inlined. Of a condition that asks whether the network is being
/// trained, or is constant, the branch that runs remains. Nodes on which no output depends are removed, such as
/// decoders and training nodes, and `Identity`, `CheckNumerics` and `PlaceholderWithDefault` are spliced out. Chains of
/// normalizations, scalings and sums with constants are folded into the weights and one bias of the preceding
/// convolution. Zero padding is merged into the following convolution, a batch of 1 in the shape of a
/// `Reshape` becomes free, and equal constants are merged. The remaining nodes are in topological order, and unchanged
/// ones keep their bytes.
///
/// - Source: tensorflow/python/tools/optimize_for_inference_lib.py; the order of the steps differs.
package struct Optimization: Sendable {
    package struct Report: Sendable, Equatable, Codable {
        package var nodesBefore = 0, nodesAfter = 0
        /// The number of `Identity`, `CheckNumerics` and `PlaceholderWithDefault` nodes removed.
        package var spliced = 0
        /// The number of normalizations, scalings and sums folded into convolutions.
        package var folded = 0
        package var paddings = 0
        /// The number of duplicate constants removed.
        package var duplicates = 0
    }

    package let inputs, outputs: [String]
    /// Nodes that are kept although no output depends on them.
    package let kept: [String]

    /// Whether quantized weights become plain floats.
    package let unpacksWeights: Bool
    /// Whether squared differences are written as differences and squares, and axes as OpenCV reads them.
    package let isForOpenCV: Bool
    /// The shape that the first input's placeholder declares; nil keeps the graph's.
    package let inputShape: [Int]?

    /// - Parameters:
    ///   - inputs: The names of the input nodes.
    ///   - outputs: The names of the output nodes.
    ///   - kept: Names of nodes to keep; names that the graph lacks are ignored.
    ///   - unpacksWeights: Whether quantized weights become floats, for steps that quantize anew and for
    ///     runtimes without `Dequantize`. Otherwise they stay packed, to save space or because they have
    ///     several grids.
    ///   - isForOpenCV: Whether squared differences are written as differences and squares, and axes as
    ///     OpenCV reads them; otherwise differences and squares are merged.
    ///   - inputShape: The shape of the first input, in which -1 is a free size.
    package init(
        inputs: [String], outputs: [String], keeping kept: [String] = [], unpacksWeights: Bool = false,
        isForOpenCV: Bool = false, inputShape: [Int]? = nil
    ) {
        (self.inputs, self.outputs, self.kept, self.unpacksWeights) = (inputs, outputs, kept, unpacksWeights)
        self.isForOpenCV = isForOpenCV
        self.inputShape = inputShape
    }

    /// - Throws: `DeploymentError` with the node, also for what is not supported: other control flow, variables,
    ///   side effects and training normalization.
    package func apply(to graph: Graph) throws(DeploymentError) -> (Graph, Report) {
        var report = Report(nodesBefore: graph.nodes.count)
        let present = Set(graph.nodes.map(\.name))
        let inputs = inputs.map { TensorReference($0).node }
        let roots = outputs.map { TensorReference($0).node } + kept.filter(present.contains)
        let flat: Graph
        do throws(FunctionError) { flat = try graph.flattened(for: inputs + roots) } catch {
            throw DeploymentError(.function(error))
        }
        var draft = try GraphDraft(flat, pinned: Set(inputs + roots))

        for (index, input) in inputs.enumerated() {
            draft.makePlaceholder(input, shape: index == 0 ? inputShape : nil)
        }
        draft.strip(to: roots)
        try draft.requireInference(inputs: Set(inputs))
        report.spliced = try draft.splice()
        try draft.dropControlEdges()
        draft.mergeSquaredDifferences()
        draft.strip(to: roots)
        try draft.foldConstants(unpacking: unpacksWeights)
        report.folded = try draft.foldAffineChains()
        report.paddings = draft.fusePadding()
        draft.freeBatches()
        draft.strip(to: roots)
        report.duplicates = try draft.mergeConstants()
        draft.strip(to: roots)
        if isForOpenCV {
            draft.expandSquaredDifferences()
            draft.encodeScalars()
        }
        draft.dropColocation()

        let result = try draft.graph()
        report.nodesAfter = result.nodes.count
        return (result, report)
    }
}
