extension LayerList {
    /// Lets matrix products take up what surrounds them in attention: the slices and transpositions that make
    /// their factors, which become views of the values that hold the factors, constant factors, the tensor
    /// that is added to their result, and the result's transposition.
    mutating func joinProducts() {
        var readers = [Int](repeating: 0, count: extents.count)
        var reader = [Int?](repeating: nil, count: extents.count)
        var maker = [Int?](repeating: nil, count: extents.count)
        for (index, layer) in layers.enumerated() {
            for value in layer.inputs { (readers[value], reader[value]) = (readers[value] + 1, index) }
            maker[layer.output] = index
        }
        for value in outputs { readers[value] += 1 }

        var removed = Set<Int>()
        for index in layers.indices {
            guard case .matrixProduct(var product) = layers[index].computation else { continue }
            while readers[layers[index].output] == 1, let next = reader[layers[index].output],
                let joined = joined(product, layers[index].output, with: layers[next]),
                joined.addend.map({ maker[$0] ?? -1 < index }) ?? true
            {
                product = joined
                (layers[index].name, layers[index].output) = (layers[next].name, layers[next].output)
                maker[layers[next].output] = index
                removed.insert(next)
            }
            let factors = [layers[index].input, product.other]
            let isSecondOfDepth = product.transposesSecond
            var origins = factors.map { ViewedValue(value: $0) }
            for place in 0...1 {
                let rank = shape(of: factors[place]).count
                origins[place] = origin(factors[place], maker) { view in
                    place == 0
                        ? view.isContiguous(product.transposesFirst ? rank - 2 : rank - 1)
                        : view.isContiguous(isSecondOfDepth ? rank - 2 : rank - 1)
                            || view.isContiguous(isSecondOfDepth ? rank - 1 : rank - 2)
                }
                readers[factors[place]] -= 1
                readers[origins[place].value] += 1
                product.scale *= origins[place].scale
            }
            (layers[index].input, product.other) = (origins[0].value, origins[1].value)
            (product.firstChanges, product.secondChanges) = (origins[0].changes, origins[1].changes)
            layers[index].computation = .matrixProduct(product)
        }
        for index in layers.indices.reversed()
        where !removed.contains(index) && readers[layers[index].output] == 0 {
            removed.insert(index)
            for value in layers[index].inputs { readers[value] -= 1 }
        }
        layers = layers.indices.filter { !removed.contains($0) }.map { layers[$0] }
    }

    /// Returns a product that also does what the only reader of its result does; nil where it cannot.
    private func joined(_ product: MatrixProduct, _ result: Value, with next: Layer) -> MatrixProduct? {
        guard product.permutation == nil, type(of: next.output) == .float32 else { return nil }
        var joined = product
        let shape = shape(of: result)
        if case .transpose(let permutation) = next.computation, permutation.last == shape.count - 1 {
            joined.permutation = permutation
            return joined
        }
        guard product.addend == nil, self.shape(of: next.output) == shape else { return nil }
        if let factor = factor(next), next.input == result {
            joined.scale *= factor
            return joined
        }
        let other: Value
        switch next.computation {
        case .binary(.add, let second): other = second == result ? next.input : second
        case .affine(let affine):
            guard affine.scale == nil, affine.shift == nil, affine.clamp == .none, let addend = affine.addend
            else { return nil }
            other = addend == result ? next.input : addend
        default: return nil
        }
        guard self.shape(of: other).last == shape.last, type(of: other) == .float32 else { return nil }
        joined.addend = other
        return joined
    }

    /// Returns the value of which a factor is a view, the changes that lead to it, and the constants that
    /// multiply it; the farthest one that a product can read as fast as the factor.
    private func origin(_ factor: Value, _ maker: [Int?], _ suits: (TensorView) -> Bool) -> ViewedValue {
        var viewed = ViewedValue(value: factor), best = viewed
        while let index = maker[viewed.value], type(of: layers[index].input) == .float32 {
            let layer = layers[index]
            if let scale = self.factor(layer) {
                viewed.scale *= scale
            } else if let change = change(layer) {
                viewed.changes.insert(change, at: 0)
            } else {
                break
            }
            viewed.value = layer.input
            let view = viewed.changes.reduce(TensorView(contiguous: shape(of: viewed.value))) {
                $0.changed($1)
            }
            if suits(view) { best = viewed }
        }
        return best
    }

    /// Returns the constant by which a layer multiplies its input, where it does nothing else.
    private func factor(_ layer: Layer) -> Float? {
        switch layer.computation {
        case .affine(let affine):
            guard let scale = affine.scale, affine.shift == nil, affine.addend == nil, affine.clamp == .none
            else { return nil }
            return scale.allSatisfy { $0 == scale[0] } ? scale.first : nil
        case .binary(let function, let other):
            guard let numbers = constants[other], extents[other].count == 1,
                shape(of: layer.output) == shape(of: layer.input),
                let number = numbers.array(of: Float.self).first
            else { return nil }
            return function == .multiply ? number : function == .divide && number != 0 ? 1 / number : nil
        default: return nil
        }
    }

    /// Returns a layer as a change of its input's view.
    private func change(_ layer: Layer) -> ViewChange? {
        let before = shape(of: layer.input), after = shape(of: layer.output)
        switch layer.computation {
        case .transpose(let permutation): return .transpose(permutation)
        case .reshape:
            return before.filter { $0 != 1 } == after.filter { $0 != 1 } ? .spread(after) : nil
        case .selection(let selection):
            guard selection.places.count == before.count else { return nil }
            return selection.ranges.map { .slice($0) }
        default: return nil
        }
    }
}

/// A value, the changes that make a tensor of it, and the constant by which the tensor is multiplied.
private struct ViewedValue {
    var value: Value
    var changes: [ViewChange] = []
    var scale: Float = 1
}
