import Network
import TensorGraph

extension PortableNetwork {
    /// Returns the network with two products by constant matrices in the place of each resize that TensorFlow and
    /// TensorFlow Lite have no operation for, such as a bicubic one by PyTorch's rule.
    func composingResizes() -> PortableNetwork {
        var result = self
        result.steps = []
        for step in steps {
            if case .plain(.resize(let resize)) = step.operation,
                !resize.isPlain(from: shapes[step.inputs[0]]!)
            {
                result.appendProducts(step, resize)
            } else {
                result.steps.append(step)
            }
        }
        return result
    }

    private mutating func appendProducts(_ step: Step, _ resize: Network.Resize) {
        let old = shapes[step.inputs[0]]!, new = shapes[step.name]!, (count, channels) = (old[0], old[3])
        let axes = resize.axes(from: old)
        var source = step.inputs[0]
        func named(_ part: String) -> String {
            var name = step.name + part
            while shapes[name] != nil { name += "_" }
            return name
        }
        func append(_ operation: Network.Operation, _ name: String, _ inputs: [String], _ shape: [Int]) {
            steps.append(Step(name: name, operation: .plain(operation), inputs: inputs))
            shapes[name] = shape
            source = name
        }
        func multiply(_ axis: Network.Resize.Axis, _ part: String, _ shape: [Int]) {
            append(.reshape(shape), named("/\(part)/source"), [source], shape)
            let weights = named("/\(part)/weights"), matrix = [1, axis.size, shape[1]]
            constants[weights] = Tensor(axis.matrix(from: shape[1]), shape: matrix)
            shapes[weights] = matrix
            append(
                .matrixProduct(transposesLeft: false, transposesRight: false), named("/\(part)"),
                [weights, source], [shape[0], axis.size, shape[2]])
        }
        multiply(axes.vertical, "rows", [count, old[1], old[2] * channels])
        multiply(axes.horizontal, "columns", [count * new[1], old[2], channels])
        append(.reshape(new), step.name, [source], new)
    }
}

extension Network.Resize {
    /// Returns whether TensorFlow has this interpolation between these sizes.
    func isPlain(from shape: [Int]) -> Bool {
        func isPlain(_ scale: Float?, _ old: Int, _ new: Int) -> Bool {
            scale.map { abs($0 * Float(old) - Float(new)) < 1e-3 } ?? true
        }
        return modes != nil && isPlain(scaleY, shape[1], height) && isPlain(scaleX, shape[2], width)
    }
}
