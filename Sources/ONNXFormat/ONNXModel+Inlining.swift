import TensorGraph
import WireFormat

extension ONNXModel {
    /// Returns the model with its nodes in order and its functions put in the place of the nodes that call them.
    ///
    /// The values of a function are named after the call and themselves, such as `layer1/convolved`.
    ///
    /// - Throws: `ONNXError.function` for a function that calls itself, and for calls without end.
    package func inlined() throws(ONNXError) -> ONNXModel {
        var model = sorted()
        guard hasFunctions else { return model }
        let graph = model.graph
        var inlining = Inlining(model: self, functions: try functions())
        for names in [graph.inputs.map(\.name), graph.initializers.map(\.name)] {
            inlining.taken.formUnion(names)
        }
        for node in graph.nodes { inlining.taken.formUnion(node.outputs) }
        model.graph.nodes = []
        var scope = Scope.outermost
        try inlining.append(graph.nodes, &scope, path: [], to: &model.graph.nodes)
        model.others.removeAll { $0.number == Field.Model.functions }
        return model
    }

    /// The depth of functions that call each other, and of graphs within graphs, above which a file is refused.
    package static let maximumDepth = 64
}

/// What the names and attribute references in a function's body stand for.
private struct Scope {
    /// Whether these are the nodes of the model's own graph, whose names stay.
    var isOutermost = false
    /// The names in the model's graph by those in the body.
    var names: [String: String] = [:]
    var attributes: [String: ONNXAttribute] = [:]
    /// What the names of values that only the body has begin with.
    var prefix = ""
    var operatorSet: Int64?

    static let outermost = Scope(isOutermost: true)
}

private struct Inlining {
    let model: ONNXModel
    let functions: [ONNXFunction.Key: ONNXFunction]
    var taken: Set<String> = []
    /// The number that makes a wished name that is taken a new one, by the wished name: functions that call others
    /// several times wish for the same names again and again.
    private var numbers: [String: Int] = [:]
    private var calls = 0
    /// The most calls, which bounds the time for functions that call others several times.
    private static let mostCalls = 1 << 16

    init(model: ONNXModel, functions: [ONNXFunction.Key: ONNXFunction]) {
        (self.model, self.functions) = (model, functions)
    }

    /// Appends nodes with the names that they have in the model's graph.
    ///
    /// - Parameter path: The functions that are being expanded, from the outermost on.
    mutating func append(
        _ nodes: [ONNXNode], _ scope: inout Scope, path: [ONNXFunction.Key], to result: inout [ONNXNode]
    ) throws(ONNXError) {
        for node in nodes {
            let node = try placed(node, &scope, path: path)
            guard let function = functions[node.key] else {
                guard result.count < ONNXModel.maximumNodes else {
                    throw .function(
                        name: path.last?.name ?? "", .tooManyNodes(limit: ONNXModel.maximumNodes))
                }
                result.append(node)
                continue
            }
            calls += 1
            guard calls <= Self.mostCalls else {
                throw .function(name: function.key.name, .tooManyCalls(limit: Self.mostCalls))
            }
            guard !path.contains(node.key) else {
                throw .function(name: function.key.name, .callsItself)
            }
            guard path.count < ONNXModel.maximumDepth else {
                throw .function(name: function.key.name, .tooDeep(limit: ONNXModel.maximumDepth))
            }
            var inner = Scope()
            inner.attributes = function.defaults.merging(node.attributes) { $1 }
            inner.prefix = node.name.isEmpty ? node.outputs.first ?? node.operation : node.name
            inner.operatorSet = function.operatorSet == model.operatorSet ? nil : function.operatorSet
            for (index, name) in function.inputs.enumerated() {
                inner.names[name] = index < node.inputs.count ? node.inputs[index] : ""
            }
            var passed: [ONNXNode] = []
            for (name, output) in zip(function.outputs, node.outputs) where !output.isEmpty {
                if let known = inner.names[name] {
                    // A parameter, or another output, is returned.
                    passed.append(ONNXNode("Identity", name: output, inputs: [known], outputs: [output]))
                } else {
                    inner.names[name] = output
                }
            }
            try append(function.nodes, &inner, path: path + [node.key], to: &result)
            result += passed
        }
    }

    /// Returns a node with the names and attributes for which those in a function's body stand.
    private mutating func placed(
        _ node: ONNXNode, _ scope: inout Scope, path: [ONNXFunction.Key]
    ) throws(ONNXError) -> ONNXNode {
        var placed = node
        if !scope.isOutermost {
            placed.inputs = node.inputs.map { name($0, &scope) }
            placed.outputs = node.outputs.map { name($0, &scope) }
            placed.name = scope.prefix + "/" + (node.name.isEmpty ? node.operation : node.name)
            placed.operatorSet = scope.operatorSet
            for (key, attribute) in node.attributes {
                if let reference = attribute.reference {
                    placed.attributes[key] = scope.attributes[reference]
                }
            }
        }
        for (key, attribute) in placed.attributes {
            guard path.count < ONNXModel.maximumDepth else {
                throw .function(name: node.operation, .tooDeep(limit: ONNXModel.maximumDepth))
            }
            guard let graph = try model.graph(of: attribute) else { continue }
            let whole = try self.graph(graph, scope, path: path + [node.key])
            placed.attributes[key] = .graph(whole, name: key)
        }
        return placed
    }

    /// Returns the graph of a control-flow node with functions in the place of their calls.
    private mutating func graph(
        _ graph: ONNXGraph, _ outer: Scope, path: [ONNXFunction.Key]
    ) throws(ONNXError) -> ONNXGraph {
        var scope = outer, placed = graph
        placed.nodes = []
        // The graph's own values shadow none of the function's.
        try append(graph.nodes, &scope, path: path, to: &placed.nodes)
        guard !scope.isOutermost else { return placed }
        placed.initializers = graph.initializers.map { $0.renamed(name($0.name, &scope)) }
        placed.inputs = graph.inputs.map { $0.renamed(name($0.name, &scope)) }
        placed.outputs = graph.outputs.map { $0.renamed(name($0.name, &scope)) }
        placed.values = []
        return placed
    }

    private mutating func name(_ name: String, _ scope: inout Scope) -> String {
        if name.isEmpty { return "" }
        if let known = scope.names[name] { return known }
        let wish = scope.prefix + "/" + name
        var number = numbers[wish, default: 0], new = number == 0 ? wish : "\(wish)_\(number)"
        while !taken.insert(new).inserted {
            number += 1
            new = "\(wish)_\(number)"
        }
        numbers[wish] = number + 1
        scope.names[name] = new
        return new
    }
}

extension ONNXInitializer {
    fileprivate func renamed(_ name: String) -> ONNXInitializer {
        ONNXInitializer(name: name, dataType: dataType, shape: shape, tensor: tensor, encoded: nil)
    }
}

extension ONNXValue {
    fileprivate func renamed(_ name: String) -> ONNXValue {
        ONNXValue(name: name, dataType: dataType, shape: shape, encoded: nil)
    }
}
