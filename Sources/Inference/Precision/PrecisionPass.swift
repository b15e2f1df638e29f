import Kernels

extension LayerList {
    /// Returns the layers with their images in another precision, and with conversions where a layer needs
    /// another element type.
    ///
    /// An image is held in less than single precision if a convolution reads it so, directly or through pools
    /// and concatenations. What only other layers read is written in single precision, and layers over one
    /// pixel keep theirs.
    ///
    /// - Parameter input: The name under which the input's range is known.
    func converted(to precision: Precision, input: String, kernels: CellKernels) -> LayerList {
        let elements: [Element?]
        switch precision {
        case .fp32: return self
        case .bf16:
            // Only conversions write the padding that an odd channel count needs.
            elements = extents.indices.map { value in
                extents[value].pixels > 1
                    && (extents[value].channels % kernels.bfloat16.group == 0 || value == self.input)
                    ? Element(kind: kernels.bfloat16) : nil
            }
        case .int8(let ranges): elements = byteElements(ranges, input)
        }
        return PrecisionPass(list: self, elements: elements).run()
    }

    /// Returns the 8-bit element of every value whose range is known.
    private func byteElements(_ known: ActivationRanges, _ input: String) -> [Element?] {
        let groups = ActivationGroups(self)
        var ranges: [Value: ClosedRange<Float>] = [:]
        func add(_ value: Value, _ name: String) {
            guard let range = known.ranges[name], extents[value].pixels > 1 else { return }
            let group = groups.root(value), earlier = ranges[group] ?? range
            ranges[group] =
                min(earlier.lowerBound, range.lowerBound)...max(earlier.upperBound, range.upperBound)
        }
        add(self.input, input)
        for layer in layers { add(layer.output, layer.name) }
        return extents.indices.map { value in ranges[groups.root(value)].map(Element.bytes) }
    }
}

private struct PrecisionPass {
    let list: LayerList
    /// The low-precision element of each value; nil if the value must stay in single precision.
    let elements: [Element?]
    private var result: LayerList
    private var conversions: [Conversion: Value] = [:]

    private struct Conversion: Hashable {
        var value: Value
        var kind: CellKind
        var scale, zero: Float
    }

    init(list: LayerList, elements: [Element?]) {
        (self.list, self.elements, result) = (list, elements, list)
        result.layers = []
    }

    func run() -> LayerList {
        var pass = self
        let wanted = pass.wanted()
        for layer in list.layers { pass.append(layer, isWanted: wanted.contains(layer.output)) }
        pass.result.outputs = list.outputs.map { pass.value($0, as: .float32) }
        return pass.result
    }

    /// Returns whether low-precision kernels exist for a convolution: not for grouped nor for dilated
    /// depthwise ones.
    private func isForCells(_ convolution: Convolution) -> Bool {
        convolution.groups == 1 && !(convolution.isDepthwise && convolution.window.isDilated)
    }

    /// Returns the values that layers read in less than single precision.
    private func wanted() -> Set<Value> {
        var wanted = Set<Value>()
        for layer in list.layers.reversed() {
            switch layer.computation {
            case .convolution(let convolution) where isForCells(convolution) && elements[layer.input] != nil:
                wanted.insert(layer.input)
                if let residual = convolution.residual, elements[residual] != nil { wanted.insert(residual) }
            case .maximumPool, .averagePool, .concatenation:
                if wanted.contains(layer.output), elements[layer.output] != nil {
                    wanted.formUnion(layer.inputs.filter { elements[$0] != nil })
                }
            default: break
            }
        }
        return wanted
    }

    private mutating func append(_ layer: Layer, isWanted: Bool) {
        var layer = layer
        let output = isWanted ? elements[layer.output] ?? .float32 : .float32
        switch layer.computation {
        case .convolution(var convolution)
        where isForCells(convolution) && elements[layer.input] != nil:
            layer.input = value(layer.input, as: elements[layer.input]!)
            convolution.residual = convolution.residual.map { value($0, as: elements[$0] ?? .float32) }
            layer.computation = .convolution(convolution)
            result.elements[layer.output] = output
        case .maximumPool, .averagePool:
            // The input keeps its element if the result is wanted in low precision.
            let input = output != .float32 ? elements[layer.input] ?? .float32 : .float32
            layer.input = value(layer.input, as: input)
            result.elements[layer.output] = output
        case .concatenation(let parts):
            layer.computation = .concatenation(parts.map { value($0, as: output) })
            layer.input = layer.inputs[0]
            result.elements[layer.output] = output
        default: layer = layer.mappingInputs { value($0, as: .float32) }
        }
        result.layers.append(layer)
    }

    /// Returns a value in an element: itself, an earlier conversion of it, or a new one.
    private mutating func value(_ value: Value, as element: Element) -> Value {
        if result.element(of: value) == element { return value }
        let conversion = Conversion(
            value: value, kind: element.kind, scale: element.scale, zero: element.zero)
        if let known = conversions[conversion] { return known }
        let converted = result.newValue(like: value)
        result.elements[converted] = element
        conversions[conversion] = converted
        let name = list.layers.first { $0.output == value }?.name ?? "input"
        result.layers.append(Layer(name: name, input: value, output: converted, computation: .conversion))
        return converted
    }
}
