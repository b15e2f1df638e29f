/// The place of a slice in the value from which it is cut, where the slice can be read without a copy.
struct Cut: Equatable {
    let source: Value
    /// The slice's first pixel and channel.
    let y, x, channel: Int
    /// Whether the slice's rows of pixels are as far apart as the source's; otherwise they follow one another.
    let keepsRows: Bool
    /// Whether the slice leaves out pixels, so that what lies beside it is not the source's margin.
    let isPartOfPixels: Bool

    /// Returns the cuts that selections make.
    ///
    /// The list's input, outputs and constants keep memory of their own. Windows of more than one pixel may read
    /// beyond an image's edges, where a part of an image has its neighbours.
    static func cuts(in list: LayerList) -> [Value: Cut] {
        let kept = Set(list.outputs + [list.input]).union(list.constants.keys)
        var windowed = Set<Value>()
        for layer in list.layers {
            guard case .convolution(let convolution) = layer.computation else { continue }
            let window = convolution.window
            if window.height * window.width > 1 || !window.padding.isEmpty { windowed.insert(layer.input) }
        }
        var cuts: [Value: Cut] = [:]
        for layer in list.layers {
            guard case .selection(let selection) = layer.computation, let ranges = selection.ranges,
                !kept.contains(layer.input), !kept.contains(layer.output),
                list.type(of: layer.input) == .float32, list.type(of: layer.output) == .float32,
                let cut = Cut(ranges, of: layer.input, shape: list.shape(of: layer.input)),
                !cut.isPartOfPixels || !windowed.contains(layer.output)
            else { continue }
            cuts[layer.output] = cut
        }
        return cuts
    }

    /// Returns the cut from what the source is itself cut from, where one cut can say both.
    func within(_ outer: Cut?) -> Cut {
        guard let outer, outer.keepsRows == keepsRows else { return self }
        return Cut(
            source: outer.source, y: outer.y + y, x: outer.x + x, channel: outer.channel + channel,
            keepsRows: keepsRows, isPartOfPixels: outer.isPartOfPixels || isPartOfPixels)
    }

    private init(source: Value, y: Int, x: Int, channel: Int, keepsRows: Bool, isPartOfPixels: Bool) {
        (self.source, self.y, self.x, self.channel) = (source, y, x, channel)
        (self.keepsRows, self.isPartOfPixels) = (keepsRows, isPartOfPixels)
    }

    /// - Parameters:
    ///   - ranges: The positions along each axis.
    ///   - shape: The source's shape.
    private init?(_ ranges: [Range<Int>], of source: Value, shape: [Int]) {
        guard ranges.count == shape.count, let last = ranges.last else { return nil }
        (self.source, channel) = (source, last.lowerBound)
        isPartOfPixels = zip(ranges, shape).dropLast().contains { $0.count != $1 }
        if shape.count == 4 && shape[0] == 1 {
            (y, x, keepsRows) = (ranges[1].lowerBound, ranges[2].lowerBound, true)
            return
        }
        // The pixels of other tensors lie in one row, of which one stretch can be seen.
        let axes = shape.indices.dropLast().filter { shape[$0] > 1 }
        guard axes.dropFirst().allSatisfy({ ranges[$0].count == shape[$0] }) else { return nil }
        let inner = axes.dropFirst().reduce(1) { $0 * shape[$1] }
        (y, x, keepsRows) = (0, (axes.first.map { ranges[$0].lowerBound } ?? 0) * inner, false)
    }
}

extension Selection {
    /// The positions along each axis where they are consecutive and none is filled; nil otherwise.
    var ranges: [Range<Int>]? {
        var ranges: [Range<Int>] = []
        for places in places {
            guard let first = places.first, first >= 0,
                places.indices.allSatisfy({ places[$0] == first + Int32($0) })
            else { return nil }
            ranges.append(Int(first)..<Int(first) + places.count)
        }
        return ranges
    }
}
