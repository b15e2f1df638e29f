/// Assigns every value of a layer list a place in one arena.
///
/// The parts of a concatenation are placed side by side so that concatenating is free, slices are read where
/// they lie in what they are cut from, images that convolutions pad carry their zero padding, and buffers whose
/// lifetimes do not overlap share memory.
struct Layout {
    private let lanes: Int
    private(set) var placements: [ArenaPlacement] = []
    private(set) var buffers: [ImageBuffer] = []
    /// The buffer of each value.
    private(set) var bufferOf: [Int] = []
    /// The size of the arena in floats.
    private(set) var arenaSize = 0
    /// Values that already lie within another when their layer, a concatenation or reshape, is reached.
    private(set) var placedParts: [Value: Value] = [:]

    /// Values that reinterpret the memory of another value in a different shape.
    private(set) var aliases: [Value: Value] = [:]
    /// Slices that lie in the value from which they are cut.
    private(set) var cuts: [Value: Cut] = [:]

    /// - Parameter lanes: The vector width of the kernels, which decides which convolutions use Winograd
    ///   tiles.
    init(_ list: LayerList, lanes: Int) {
        self.lanes = lanes
        place(list)
        reserveMargins(list)
        findLifetimes(list)
        allocate()
        for value in list.extents.indices { placements.append(placement(of: value, list)) }
    }

    /// The concatenation that contains a value, and the channel at which it begins.
    private var parents: [Value: (value: Value, channel: Int)] = [:]

    /// Returns the value in whose memory a value lies; nil where it has a buffer of its own or begins one.
    private func holder(of value: Value) -> Value? {
        aliases[value] ?? cuts[value]?.source ?? parents[value]?.value
    }

    private func placement(of value: Value, _ list: LayerList) -> ArenaPlacement {
        var chain = [value]
        while let next = holder(of: chain[chain.count - 1]) { chain.append(next) }
        let buffer = buffers[bufferOf[value]]
        var placement = ArenaPlacement(
            extent: list.extents[value], type: buffer.type, offset: buffer.origin,
            pixelStride: buffer.pixelStride, rowStride: buffer.rowStride)
        for value in chain.reversed().dropFirst() {
            let extent = list.extents[value]
            if aliases[value] != nil {
                (placement.pixelStride, placement.rowStride) = (
                    extent.channels, extent.width * extent.channels
                )
            } else if let cut = cuts[value] {
                placement.offset = placement.offset(y: cut.y, x: cut.x) + cut.channel
                if !cut.keepsRows { placement.rowStride = extent.width * placement.pixelStride }
            } else if let parent = parents[value] {
                placement.offset += parent.channel
            }
        }
        return placement
    }

    private mutating func place(_ list: LayerList) {
        var made = Set<Value>()
        let possibleCuts = Cut.cuts(in: list), bound = boundValues(list, possibleCuts)
        for layer in list.layers {
            switch layer.computation {
            case .concatenation(let parts):
                var channel = 0
                for part in parts {
                    if made.contains(part), holder(of: part) == nil {
                        parents[part] = (layer.output, channel)
                        placedParts[part] = layer.output
                    }
                    channel += list.extents[part].channels
                }
            case .reshape
            where list.extents[layer.input] == list.extents[layer.output]
                && list.extents[layer.output].pixels == 1
                && made.contains(layer.input) && holder(of: layer.input) == nil:
                parents[layer.input] = (layer.output, 0)
                placedParts[layer.input] = layer.output
            case .reshape where !bound.contains(layer.input) && !bound.contains(layer.output):
                aliases[layer.output] = aliases[layer.input] ?? layer.input
            case .selection:
                if let cut = possibleCuts[layer.output] { cuts[layer.output] = cut.within(cuts[cut.source]) }
            default: break
            }
            made.insert(layer.output)
        }
        var bufferOfRoot: [Value: Int] = [:]
        for value in list.extents.indices {
            var root = value
            while let next = holder(of: root) { root = next }
            if bufferOfRoot[root] == nil {
                bufferOfRoot[root] = buffers.count
                buffers.append(ImageBuffer(extent: list.extents[root], type: list.type(of: root)))
            }
            bufferOf.append(bufferOfRoot[root]!)
        }
    }

    /// Returns the values that cannot be aliased: padded or Winograd inputs, parts of concatenations, slices,
    /// inputs and outputs.
    private func boundValues(_ list: LayerList, _ cuts: [Value: Cut]) -> Set<Value> {
        var bound = Set(list.outputs + [list.input]).union(cuts.keys), padded = Set<Value>()
        for layer in list.layers {
            switch layer.computation {
            case .convolution(let convolution):
                let (input, output) = (list.extents[layer.input], list.extents[layer.output])
                if !convolution.window.padding.isEmpty
                    || WinogradConvolution.suits(convolution, input, output, lanes: lanes)
                {
                    padded.insert(layer.input)
                }
            case .concatenation(let parts): bound.formUnion(parts)
            case .reshape
            where list.extents[layer.input] == list.extents[layer.output]
                && list.extents[layer.output].pixels == 1:
                bound.formUnion([layer.input, layer.output])
            default: break
            }
            for value in [layer.input, layer.output] where list.type(of: value) != .float32 {
                bound.insert(value)
            }
        }
        // What a slice is cut from has the slice's padding around it, and a concatenation that of its parts.
        for layer in list.layers.reversed() where padded.contains(layer.output) {
            if let cut = cuts[layer.output] { padded.insert(cut.source) }
        }
        for layer in list.layers {
            if case .concatenation(let parts) = layer.computation, !padded.isDisjoint(with: parts) {
                padded.insert(layer.output)
            }
        }
        return bound.union(padded)
    }

    private mutating func reserveMargins(_ list: LayerList) {
        for layer in list.layers {
            if case .convolution(let convolution) = layer.computation {
                let (input, output) = (list.extents[layer.input], list.extents[layer.output])
                var margin = convolution.window.padding
                if convolution.isDepthwise, !list.usesLowPrecision(layer) {
                    // The depthwise kernel skips rows beyond the edges.
                    (margin.top, margin.bottom) = (0, 0)
                } else if !list.usesLowPrecision(layer),
                    WinogradConvolution.suits(convolution, input, output, lanes: lanes)
                {
                    margin = WinogradConvolution.reach(convolution.window, input, output)
                }
                buffers[bufferOf[layer.input]].margin.formUnion(margin)
            }
        }
    }

    private mutating func findLifetimes(_ list: LayerList) {
        for (index, layer) in list.layers.enumerated() {
            for value in layer.inputs + [layer.output] {
                buffers[bufferOf[value]].use(at: list.level(of: index))
            }
        }
        // A run must leave its input and the constants unchanged.
        buffers[bufferOf[list.input]].use(at: -1)
        for value in list.constants.keys { buffers[bufferOf[value]].use(at: -1) }
        for value in [list.input] + list.outputs + list.constants.keys {
            buffers[bufferOf[value]].use(at: .max)
        }
    }

    /// Assigns addresses by decreasing size, each the lowest one that is free during the buffer's lifetime.
    ///
    /// - Source: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020: greedy by size.
    private mutating func allocate() {
        // 16 floats are a cache line and the widest vector.
        let alignment = 16
        var placed: [Int] = []
        let order = buffers.indices.sorted { (buffers[$0].size, $1) > (buffers[$1].size, $0) }
        for index in order {
            guard let lifetime = buffers[index].lifetime else { continue }
            let neighbours = placed.filter { buffers[$0].lifetime!.overlaps(lifetime) }.sorted {
                buffers[$0].begin < buffers[$1].begin
            }
            var begin = 0
            for neighbour in neighbours {
                if begin + buffers[index].size <= buffers[neighbour].begin { break }
                let end = buffers[neighbour].begin + buffers[neighbour].size
                begin = max(begin, (end + alignment - 1) / alignment * alignment)
            }
            buffers[index].begin = begin
            arenaSize = max(arenaSize, (begin + buffers[index].size + alignment - 1) / alignment * alignment)
            placed.append(index)
        }
    }
}
