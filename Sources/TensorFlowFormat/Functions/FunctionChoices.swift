import TensorGraph

extension FunctionLibrary {
    /// Returns whether a node calls one of two functions, as a condition tells.
    static func isChoice(_ node: Node) -> Bool { ["If", "StatelessIf"].contains(node.operation) }
}

extension Inliner {
    /// Replaces a choice by a Switch of the condition and of each argument, calls of both functions, and a Merge of each result.
    ///
    /// - Source: tensorflow/core/common_runtime/lower_if_op.cc
    mutating func lower(_ choice: Call) throws(FunctionError) {
        let name = choice.node.name, data = choice.node.inputs.filter { !$0.hasPrefix("^") }
        let branches = ["else", "then"].map { choice.node.attributes[$0 + "_branch"] }
        var functions: [Function] = []
        for branch in branches {
            functions.append(
                try function(FunctionLibrary.functionName(branch) ?? "", calledBy: choice.node))
        }
        let count = functions[0].results.count
        guard let condition = data.first, functions[1].results.count == count else {
            throw .argumentMismatch(
                function: name, node: name, expected: count, found: functions[1].results.count)
        }

        let bool = ["T": Attribute.type(.bool)], pivot = name + "/condition"
        var made = [Node("Switch", name: pivot, inputs: [condition, condition], attributes: bool)]
        for (index, argument) in zip(functions[0].arguments.indices, data.dropFirst()) {
            made.append(
                Node(
                    "Switch", name: "\(name)/argument_\(index)", inputs: [argument, condition],
                    attributes: Self.type(functions[0].arguments[index])))
        }
        for (index, branch) in ["else", "then"].enumerated() {
            func side(_ node: String) -> String { index == 0 ? node : node + ":1" }
            let call = "\(name)/\(branch)"
            pending.append(
                Call(
                    node: Node(
                        "PartitionedCall", name: call,
                        inputs: data.indices.dropLast().map { side("\(name)/argument_\($0)") },
                        attributes: branches[index].map { ["f": $0] } ?? [:]), parent: choice.parent))
            made.append(Node("Identity", name: call + "_pivot", inputs: [side(pivot)], attributes: bool))
            // A result belongs to its branch though no argument reach it.
            for (result, argument) in functions[index].results.enumerated() {
                made.append(
                    Node(
                        "Identity", name: "\(call)_\(result)",
                        inputs: [result == 0 ? call : "\(call):\(result)", "^\(call)_pivot"],
                        attributes: Self.type(argument)))
            }
        }
        for (result, argument) in functions[0].results.enumerated() {
            made.append(
                Node(
                    "Merge", name: "\(name)/result_\(result)",
                    inputs: ["\(name)/else_\(result)", "\(name)/then_\(result)"],
                    attributes: Self.type(argument).merging(["N": .int(2)]) { type, _ in type }))
        }
        try spend(made, prefix: name)
        nodes += made
        appendNames(name, of: (0..<count).map { "\(name)/result_\($0)" }, functions[0])
    }

    private static func type(_ argument: Function.Argument) -> [String: Attribute] {
        argument.type.map { ["T": .type($0)] } ?? [:]
    }
}
