import TensorGraph

/// A final layer's weights as powers of two, one a feature, times weights that are all of one magnitude.
///
/// Features differ in scale by some powers of ten, and so do the weights that they meet; a grid for all of them, such as quantize_graph
/// lays over a constant, would leave nothing of most. So the graph multiplies the features first, exactly, and `MatMul` reads weights that
/// one grid suits: the products are the same, bit for bit. The powers are bytes, which `weights_rounded` leaves alone.
struct BalancedWeights {
    /// `[D, labels]`, row-major: 1..<2 times one power of two is the greatest of each row.
    let weights: [Float]
    /// `[D]` each, exponents of two, 0...7, that add up.
    let exponents: [[UInt8]]

    /// - Parameter count: `[D, labels]`.
    init(_ weights: [Float], labels count: Int) {
        let rows = weights.count / count
        // A feature without weights, or one past the range, has the power 1.
        let greatest = (0..<rows).map { row in weights[row * count..<(row + 1) * count].reduce(Float(0)) { max($0, $1.magnitude) } }
        let top = greatest.max()?.exponent ?? 0
        let powers = greatest.map { $0.isNormal ? max(0, Int($0.exponent - top) + Self.largestPower) : 0 }
        let least = zip(powers, greatest).filter { $1.isNormal }.map(\.0).min() ?? 0
        let raised = powers.map { max(0, $0 - least) }
        self.weights = weights.indices.map { Float(sign: .plus, exponent: -raised[$0 / count], significand: weights[$0]) }
        exponents = stride(from: 0, to: max(1, raised.max() ?? 0), by: 7).map { begin in raised.map { UInt8(max(0, min(7, $0 - begin))) } }
    }

    /// Two bytes a feature: weights 2¹⁴ times smaller than the largest are left small.
    private static let largestPower = 14

    /// Adds the nodes that scale a bottleneck `[1, D]`.
    ///
    /// - Returns: the name of what `MatMul` is to read.
    func scale(_ bottleneck: String, scope: String, in graph: inout Graph) -> String {
        let low = scope + "low", high = scope + "high"
        graph.nodes.append(.constant(low, Tensor([Float(0)], shape: [])))
        graph.nodes.append(.constant(high, Tensor([Float(255)], shape: [])))
        var scaled = bottleneck
        for (index, exponents) in exponents.enumerated() {
            let name = scope + "powers_\(index + 1)", values = name + "/values"
            let bytes = ByteRegion(exponents.map { 1 << $0 })
            graph.nodes.append(.constant(name, Tensor(type: .quint8, shape: [exponents.count], contents: .dense(bytes))))
            // 0 + q · (255 − 0) / 255, the byte itself.
            graph.nodes.append(
                Node(
                    "Dequantize", name: values, inputs: [name, low, high],
                    attributes: ["T": .type(.quint8), "mode": .bytes(Array("MIN_COMBINED".utf8))]))
            let product = scope + "scaled_\(index + 1)"
            graph.nodes.append(Node("Mul", name: product, inputs: [scaled, values], attributes: ["T": .type(.float32)]))
            scaled = product
        }
        return scaled
    }
}
