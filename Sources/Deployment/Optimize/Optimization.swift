import TensorGraph

/// What TensorFlow's `optimize_for_inference` does to a frozen graph, and further where the results stay the same.
///
///     let (smaller, report) = try Optimization(inputs: ["Mul"], outputs: ["final_result"]).apply(to: graph)
///
/// Inputs become placeholders; what no output needs goes, and with it decoders and training nodes; `Identity`, `CheckNumerics` and
/// `PlaceholderWithDefault` are spliced out; chains of normalizations, scalings and sums with constants become the weights and one bias of
/// the convolution before them; zero padding becomes a part of the convolution after it; equal constants become one. The nodes that
/// are left come each after what it reads, those that did not change with their bytes.
///
/// - Source: tensorflow/python/tools/optimize_for_inference_lib.py; the order of steps is its own.
package struct Optimization: Sendable {
    package struct Report: Sendable, Equatable, Codable {
        package var nodesBefore = 0, nodesAfter = 0
        /// `Identity`, `CheckNumerics`, `PlaceholderWithDefault`.
        package var spliced = 0
        /// Normalizations, scalings and sums that are now a convolution's.
        package var folded = 0
        package var paddings = 0
        /// Constants that said what another says.
        package var duplicates = 0
    }

    package let inputs, outputs: [String]
    /// Nodes that are kept although no output needs them.
    package let kept: [String]

    /// Whether weights written as bytes and factors become plain floats.
    package let unpacksWeights: Bool
    /// The shape that the first input's placeholder declares; nil for what the graph declares.
    package let inputShape: [Int]?

    /// - Parameters:
    ///   - inputs, outputs: names of nodes.
    ///   - kept: names; those that the graph does not have are of no account.
    ///   - unpacksWeights: for what rounds weights anew, and for runtimes that know no `Dequantize`. Otherwise they
    ///     stay as they are: packed because they take little room, or because one grid does not suit them all.
    ///   - inputShape: of the first input, -1 for a free size.
    package init(
        inputs: [String], outputs: [String], keeping kept: [String] = [], unpacksWeights: Bool = false,
        inputShape: [Int]? = nil
    ) {
        (self.inputs, self.outputs, self.kept, self.unpacksWeights) = (inputs, outputs, kept, unpacksWeights)
        self.inputShape = inputShape
    }

    /// - Throws: also for what is not understood well enough, by node: control flow, variables, side effects, training normalization.
    package func apply(to graph: Graph) throws(DeploymentError) -> (Graph, Report) {
        var report = Report(nodesBefore: graph.nodes.count)
        let present = Set(graph.nodes.map(\.name))
        let inputs = inputs.map { TensorReference($0).node }
        let roots = outputs.map { TensorReference($0).node } + kept.filter(present.contains)
        var draft = try GraphDraft(graph, pinned: Set(inputs + roots))

        for (index, input) in inputs.enumerated() {
            draft.makePlaceholder(input, shape: index == 0 ? inputShape : nil)
        }
        draft.strip(to: roots)
        try draft.requireInference(inputs: Set(inputs))
        report.spliced = try draft.splice()
        try draft.dropControlEdges()
        draft.strip(to: roots)
        try draft.foldConstants(unpacking: unpacksWeights)
        report.folded = try draft.foldAffineChains()
        report.paddings = draft.fusePadding()
        draft.strip(to: roots)
        report.duplicates = try draft.mergeConstants()
        draft.strip(to: roots)
        draft.dropColocation()

        let result = try draft.graph()
        report.nodesAfter = result.nodes.count
        return (result, report)
    }
}
