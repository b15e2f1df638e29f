import TensorGraph

extension Graph {
    /// Returns the graph with an input that takes raw channel values 0 to 255; the input's former readers
    /// read `(v - mean) * scale`.
    ///
    /// - Parameters:
    ///   - input: The node that is fed, which becomes a placeholder.
    ///   - mean: The value to subtract.
    ///   - scale: The factor.
    /// - Throws: `DeploymentError.noSuchTensor` if there is no such node.
    package func normalizingInput(_ input: String, mean: Float, scale: Float) throws(DeploymentError) -> Graph
    {
        let input = TensorReference(input).node
        var draft = try GraphDraft(self, pinned: [input])
        draft.makePlaceholder(input, shape: nil)
        let difference = draft.freshName(input + "/centred"),
            normalized = draft.freshName(input + "/normalized")
        try draft.mapInputs { (reference, _) in
            var reference = reference
            if reference.node == input, !reference.isControl { reference.node = normalized }
            return reference
        }
        let float = ["T": Attribute.type(.float32)]
        for (name, value) in [(difference + "/mean", mean), (normalized + "/scale", scale)] {
            draft[name] = .constant(name, Tensor([value], shape: []))
        }
        draft[difference] = Node(
            "Sub", name: difference, inputs: [input, difference + "/mean"], attributes: float)
        draft[normalized] = Node(
            "Mul", name: normalized, inputs: [difference, normalized + "/scale"], attributes: float)
        return try draft.graph()
    }
}
