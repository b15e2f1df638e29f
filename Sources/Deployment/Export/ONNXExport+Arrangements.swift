import Network
import ONNXFormat
import TensorGraph

extension ONNXExport {
    /// Writes an operation that rearranges elements.
    mutating func writeArrangement(_ step: PortableNetwork.Step, _ operation: Network.Operation) {
        let name = step.name, input = current(step.inputs[0])
        switch operation {
        case .pad(let borders, let padding):
            let ordered = input.order.map { borders[$0] }
            let pads = constant(name + "/pads", ordered.map(\.before) + ordered.map(\.after))
            var inputs = [input.name, pads], mode = "constant"
            switch padding {
            case .constant(let value):
                if value != 0 { inputs.append(constant(name + "/value", [value], [])) }
            case .reflect: mode = "reflect"
            case .edge: mode = "edge"
            case .symmetric: preconditionFailure("refused")
            }
            append("Pad", inputs, name, ["mode": .string(Array(mode.utf8))])
            define(step, input.order)
        case .transpose(let axes):
            // The tensor stays as it is; only its axes get other numbers.
            define(step, as: Written(name: input.name, order: input.order.map { axes.inverted[$0] }))
        case .slice(let stretches):
            let shape = network.shapes[step.inputs[0]]!
            let cut = input.order.indices.filter { place in
                let axis = input.order[place]
                return stretches[axis] != .init(begin: 0, count: shape[axis])
            }
            let parts = cut.map { stretches[input.order[$0]] }
            append(
                "Slice",
                [
                    input.name, constant(name + "/starts", parts.map(\.begin)),
                    constant(
                        name + "/ends",
                        parts.map { part in
                            let end = part.begin + part.count * part.step
                            // Negative numbers count from the end: the least one is before the beginning.
                            return end < 0 ? Int(Int32.min) : end
                        }),
                    constant(name + "/axes", cut), constant(name + "/steps", parts.map(\.step)),
                ], name)
            define(step, input.order)
        case .gather(let axis, let indices):
            append(
                "Gather", [input.name, constant(name + "/indices", indices)], name,
                ["axis": .int(Int64(input.order.firstIndex(of: axis)!))])
            define(step, input.order)
        case .broadcast(let shape):
            let isSameRank = network.shapes[step.inputs[0]]!.count == shape.count
            let order = isSameRank ? input.order : Array(shape.indices)
            let source = isSameRank ? input.name : plain(step.inputs[0])
            append("Expand", [source, constant(name + "/sizes", order.map { shape[$0] })], name)
            define(step, order)
        case .tile(let counts):
            append(
                "Tile", [input.name, constant(name + "/counts", input.order.map { counts[$0] })], name)
            define(step, input.order)
        default: preconditionFailure("\(operation.name) rearranges nothing")
        }
    }

    /// Writes a reshape in the network's element order.
    ///
    /// Axes are grouped: each group consists of the fewest neighbouring old axes with as many elements as
    /// some new axes. If the axes of every group are adjacent in the written tensor, it is reshaped directly;
    /// otherwise it is transposed to the network's order first.
    mutating func writeReshape(_ step: PortableNetwork.Step) {
        let old = network.shapes[step.inputs[0]]!, new = network.shapes[step.name]!
        let input = current(step.inputs[0])
        let groups = ReshapeGroup.groups(old, new)
        let sorted = groups.sorted { a, b in
            input.order.firstIndex(of: a.old.first ?? 0)! < input.order.firstIndex(of: b.old.first ?? 0)!
        }
        let isDirect = sorted.flatMap(\.old) == input.order.filter { old[$0] > 1 }
        var order = (isDirect ? sorted : groups).flatMap(\.new)
        // An axis of size 1 follows the axis before it.
        for axis in new.indices where new[axis] == 1 {
            order.insert(axis, at: axis == 0 ? 0 : order.firstIndex(of: axis - 1)! + 1)
        }
        var sizes = order.map { new[$0] }
        if takesBatches { sizes[order.firstIndex(of: 0)!] = -1 }
        let source = isDirect ? input.name : plain(step.inputs[0])
        append("Reshape", [source, constant(step.name + "/sizes", sizes)], step.name)
        define(step, order)
    }
}

/// Neighbouring axes of two shapes, all larger than 1, with equally many elements.
struct ReshapeGroup {
    var old: [Int]
    var new: [Int]

    /// Returns the smallest groups of two shapes with the same number of elements.
    static func groups(_ old: [Int], _ new: [Int]) -> [ReshapeGroup] {
        var groups: [ReshapeGroup] = []
        let olds = old.indices.filter { old[$0] > 1 }, news = new.indices.filter { new[$0] > 1 }
        var i = 0, j = 0
        while i < olds.count, j < news.count {
            var group = ReshapeGroup(old: [olds[i]], new: [news[j]])
            var left = old[olds[i]], right = new[news[j]]
            (i, j) = (i + 1, j + 1)
            while left != right {
                if left < right {
                    left *= old[olds[i]]
                    group.old.append(olds[i])
                    i += 1
                } else {
                    right *= new[news[j]]
                    group.new.append(news[j])
                    j += 1
                }
            }
            groups.append(group)
        }
        return groups
    }
}
