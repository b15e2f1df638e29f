import Network
import TensorGraph

/// Replaces each function of one tensor that an exporter has decomposed, such as GELU as a quotient, an error
/// function, a sum and two products, by one operation.
///
/// A function is recognized by its values: the results of the operations for some numbers are compared with
/// those of the known functions, so that the order of factors and the form of constants do not matter.
struct Compositions {
    private let network: Network
    private let readers: [Int]

    /// Returns the network with one operation for each decomposed function. Outputs, and tensors that other
    /// nodes read, are kept.
    static func fused(_ network: Network) -> Network {
        var result = network, isAbsorbed = [Bool](repeating: false, count: network.nodes.count)
        let search = Compositions(network: network, readers: network.readerCounts)
        for root in network.nodes.indices.reversed() where !isAbsorbed[root] {
            guard let found = search.match(root) else { continue }
            result.replace(root, by: .unary(found.function), of: found.variable)
            for node in found.interior { isAbsorbed[node] = true }
        }
        return result.pruned()
    }

    private init(network: Network, readers: [Int]) { (self.network, self.readers) = (network, readers) }

    /// The maximum number of operations and constants; the longest function, GELU with tanh, has nine
    /// operations, beside which the search reaches those that compute its variable.
    private static let mostNodes = 24

    private struct Match {
        let function: Network.Unary
        let variable: Int
        /// The nodes between the variable and the root.
        let interior: [Int]
    }

    private func match(_ root: Int) -> Match? {
        switch network[root].operation {
        case .binary(.multiply), .binary(.divide): break
        default: return nil
        }
        let nodes = neighbourhood(of: root)
        guard nodes.contains(where: { isBend(network[$0].operation) }) else { return nil }
        // The nearest variable gives the most specific function.
        for variable in nodes.reversed() where variable != root && network.constant(variable) == nil {
            guard network.shape(variable) == network.shape(root),
                let function = function(of: root, variable, nodes)
            else { continue }
            let interior = dependents(of: variable, root, nodes)
            guard arePrivate(interior, root) else { continue }
            return Match(function: function, variable: variable, interior: interior)
        }
        return nil
    }

    /// Returns the nodes from which a node is computed elementwise, the nearest last.
    private func neighbourhood(of root: Int) -> [Int] {
        var found = [root], index = 0
        while index < found.count, found.count < Self.mostNodes {
            let node = network[found[index]]
            switch node.operation {
            case .unary, .binary:
                for input in node.inputs where !found.contains(input) { found.append(input) }
            default: break
            }
            index += 1
        }
        return found.sorted()
    }

    /// Returns whether the operation is one of those of which every decomposed function contains at least
    /// one.
    private func isBend(_ operation: Network.Operation) -> Bool {
        guard case .unary(let function) = operation else { return false }
        switch function {
        case .sigmoid, .tanh, .erf, .erfc, .clip, .hardSigmoid, .relu, .exp: return true
        default: return false
        }
    }

    /// Returns the known function that computes `root` from `variable`; nil if there is none.
    private func function(of root: Int, _ variable: Int, _ nodes: [Int]) -> Network.Unary? {
        var candidates = Self.known
        let tolerance = areHalf(dependents(of: variable, root, nodes) + [root]) ? 1e-4 : 2e-6
        for x in Self.samples {
            guard let y = value(of: root, variable, nodes, at: x) else { return nil }
            candidates.removeAll { abs($0.function!(x) - y) > tolerance * max(1, abs(x)) }
            if candidates.isEmpty { return nil }
        }
        return candidates.first
    }

    /// Returns whether all constants that nodes read are numbers of half precision, so that those such as √2 may have been
    /// rounded to it, by up to a 2048th.
    private func areHalf(_ nodes: [Int]) -> Bool {
        nodes.allSatisfy { node in
            network[node].inputs.allSatisfy { input in
                guard let floats = network.constant(input)?.floats else { return true }
                return floats.allSatisfy { $0.bitPattern & 0x1FFF == 0 }
            }
        }
    }

    private static let known: [Network.Unary] = [
        .silu, .gelu(isApproximate: false), .gelu(isApproximate: true), .hardSwish, .mish,
        .hardSigmoid(alpha: 1 / 6, beta: 0.5),
    ]

    /// Test values on both sides of every function's breakpoints, at irregular distances.
    private static let samples = [
        0.37, -0.71, 1.9, -2.3, 2.97, -2.97, 3.04, -3.04, -1.13, 0.05, -0.02, 4.6, -4.6, 5.95, -5.95, 7.1,
        -7.1,
        1.2, -1.6, 0.8, 2.4, -0.3, -3.7, 3.6,
    ]

    /// Returns the value of `root` if `variable` is x; nil if the root depends on other computed tensors.
    private func value(of root: Int, _ variable: Int, _ nodes: [Int], at x: Double) -> Double? {
        var values: [Double?] = []
        values.reserveCapacity(nodes.count)
        func known(_ node: Int) -> Double? {
            nodes.firstIndex(of: node).flatMap { $0 < values.count ? values[$0] : nil }
        }
        for node in nodes {
            if node == variable {
                values.append(x)
                continue
            }
            let inputs = network[node].inputs
            switch network[node].operation {
            case .constant(let tensor):
                values.append(tensor.count == 1 ? tensor.floats.map { Double($0[0]) } : nil)
            case .unary(let function):
                values.append(known(inputs[0]).flatMap { function.function?($0) })
            case .binary(let function):
                guard let a = known(inputs[0]), let b = known(inputs[1]), let compute = function.function
                else {
                    values.append(nil)
                    continue
                }
                values.append(compute(a, b))
            default: values.append(nil)
            }
        }
        return values[nodes.firstIndex(of: root)!]
    }

    /// Returns the nodes that depend on the variable and on which the root depends.
    private func dependents(of variable: Int, _ root: Int, _ nodes: [Int]) -> [Int] {
        var needed: Set = [root], dependent: Set = [variable]
        for node in nodes.reversed() where needed.contains(node) && node != variable {
            needed.formUnion(network[node].inputs)
        }
        for node in nodes where node > variable && network[node].inputs.contains(where: dependent.contains) {
            dependent.insert(node)
        }
        return nodes.filter { $0 != root && $0 != variable && needed.contains($0) && dependent.contains($0) }
    }

    /// Returns whether the nodes are read only by the root and each other.
    private func arePrivate(_ interior: [Int], _ root: Int) -> Bool {
        var reads: [Int: Int] = [:]
        for node in interior + [root] { for input in network[node].inputs { reads[input, default: 0] += 1 } }
        return interior.allSatisfy { readers[$0] == reads[$0] }
    }
}
