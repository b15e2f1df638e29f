import Kernels

extension LayerList {
    /// Returns the layers with their images in another precision, and with conversions where a layer needs
    /// another storage type.
    ///
    /// An image is held in less than single precision if a convolution reads it so, directly or through pools
    /// and concatenations. What only other layers read is written in single precision, and layers over one
    /// pixel keep theirs.
    ///
    /// - Parameter input: The name under which the input's range is known.
    func converted(to precision: Precision, input: String, kernels: InstructionSet) -> LayerList {
        let types: [StorageType?]
        switch precision {
        case .fp32: return self
        case .bf16:
            // Only conversions write the padding that an odd channel count needs.
            types = extents.indices.map { value in
                extents[value].pixels > 1
                    && (extents[value].channels % kernels.lowPrecision.bfloat16.group == 0
                        || value == self.input)
                    ? StorageType(kind: kernels.lowPrecision.bfloat16) : nil
            }
        case .int8(let ranges): types = byteTypes(ranges, input, highest: kernels.highestByte)
        }
        return PrecisionPass(list: self, types: types, kernels: kernels).run()
    }

    /// Returns the 8-bit storage type of every value whose range is known.
    private func byteTypes(_ known: ActivationRanges, _ input: String, highest: Int) -> [StorageType?] {
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
        return extents.indices.map { value in
            ranges[groups.root(value)].map { StorageType.bytes($0, highest: highest) }
        }
    }
}

private struct PrecisionPass {
    let list: LayerList
    /// The low-precision storage type of each value; nil if the value must stay in single precision.
    let types: [StorageType?]
    let kernels: InstructionSet
    private var result: LayerList
    private var conversions: [Conversion: Value] = [:]

    private struct Conversion: Hashable {
        var value: Value
        var kind: StorageKind
        var scale, zero: Float
    }

    init(list: LayerList, types: [StorageType?], kernels: InstructionSet) {
        (self.list, self.types, self.kernels, result) = (list, types, kernels, list)
        result.layers = []
    }

    func run() -> LayerList {
        var pass = self
        let wanted = pass.wanted()
        for layer in list.layers { pass.append(layer, isWanted: wanted.contains(layer.output)) }
        pass.result.outputs = list.outputs.map { pass.value($0, as: .float32) }
        return pass.result
    }

    /// Returns whether a convolution is computed in low precision.
    ///
    /// Grouped and dilated depthwise ones have no such kernels. Kernels that add pairs of products in 16 bits
    /// are twice as fast as single precision; Winograd's algorithm is faster where it saves more than that.
    private func isLowPrecision(_ convolution: Convolution, of layer: Layer) -> Bool {
        guard let type = types[layer.input], convolution.groups == 1,
            !(convolution.isDepthwise && convolution.window.isDilated)
        else { return false }
        let input = list.extents[layer.input], output = list.extents[layer.output]
        return type.kind != .uint8 || type.pairLimit == nil
            || !(WinogradConvolution.suits(convolution, input, output, lanes: kernels.lanes)
                && WinogradConvolution.savesMost(convolution, output))
    }

    /// Returns the values that layers read in less than single precision.
    private func wanted() -> Set<Value> {
        var wanted = Set<Value>()
        for layer in list.layers.reversed() {
            switch layer.computation {
            case .convolution(let convolution) where isLowPrecision(convolution, of: layer):
                wanted.insert(layer.input)
                if let residual = convolution.residual, types[residual] != nil { wanted.insert(residual) }
            case .maximumPool, .averagePool, .concatenation:
                if wanted.contains(layer.output), types[layer.output] != nil {
                    wanted.formUnion(layer.inputs.filter { types[$0] != nil })
                }
            default: break
            }
        }
        return wanted
    }

    private mutating func append(_ layer: Layer, isWanted: Bool) {
        var layer = layer
        let output = isWanted ? types[layer.output] ?? .float32 : .float32
        switch layer.computation {
        case .convolution(var convolution)
        where isLowPrecision(convolution, of: layer):
            layer.input = value(layer.input, as: types[layer.input]!)
            convolution.residual = convolution.residual.map { value($0, as: types[$0] ?? .float32) }
            layer.computation = .convolution(convolution)
            result.types[layer.output] = output
        case .maximumPool, .averagePool:
            // The input keeps its storage type if the result is wanted in low precision.
            let input = output != .float32 ? types[layer.input] ?? .float32 : .float32
            layer.input = value(layer.input, as: input)
            result.types[layer.output] = output
        case .concatenation(let parts):
            layer.computation = .concatenation(parts.map { value($0, as: output) })
            layer.input = layer.inputs[0]
            result.types[layer.output] = output
        default: layer = layer.mappingInputs { value($0, as: .float32) }
        }
        result.layers.append(layer)
    }

    /// Returns a value in a storage type: itself, an earlier conversion of it, or a new one.
    private mutating func value(_ value: Value, as type: StorageType) -> Value {
        if result.type(of: value) == type { return value }
        let conversion = Conversion(
            value: value, kind: type.kind, scale: type.scale, zero: type.zero)
        if let known = conversions[conversion] { return known }
        let converted = result.newValue(like: value)
        result.types[converted] = type
        conversions[conversion] = converted
        let name = list.layers.first { $0.output == value }?.name ?? "input"
        result.layers.append(Layer(name: name, input: value, output: converted, computation: .conversion))
        return converted
    }
}
