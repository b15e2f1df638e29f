import Network
import TensorGraph

/// Operations that rearrange elements, and the arithmetic of shapes.
extension GraphReader {
    static let arrangements: [String: Handler] = [
        "Shape": { (reader, call) throws(GraphReadingError) in
            reader.define(call, .constant(integerTensor(try reader.shape(call))))
        },
        "Rank": { (reader, call) throws(GraphReadingError) in
            reader.define(call, .constant(Tensor([Int32(try reader.shape(call).count)], shape: [])))
        },
        "Size": { (reader, call) throws(GraphReadingError) in
            let count = Int32(clamping: Network.count(try reader.shape(call)) ?? 0)
            reader.define(call, .constant(Tensor([count], shape: [])))
        },
        "Range": { (reader, call) throws(GraphReadingError) in try reader.readRange(call) },
        "XlaDynamicUpdateSlice": { (reader, call) throws(GraphReadingError) in try reader.readUpdate(call) },
        "Fill": { (reader, call) throws(GraphReadingError) in
            let sizes = try reader.integers(call, 0)
            try reader.spend(sizes, call)
            try reader.make(.broadcast(sizes), [.constant(try reader.constant(call, 1))], call)
        },
        "BroadcastTo": { (reader, call) throws(GraphReadingError) in
            try reader.make(.broadcast(try reader.integers(call, 1)), [try reader.value(call)], call)
        },
        "Tile": { (reader, call) throws(GraphReadingError) in
            try reader.make(.tile(try reader.integers(call, 1)), [try reader.value(call)], call)
        },
        "MatrixDiag": { (reader, call) throws(GraphReadingError) in try reader.readDiagonal(call) },
        "MatrixDiagV2": { (reader, call) throws(GraphReadingError) in try reader.readDiagonal(call) },
        "MatrixDiagV3": { (reader, call) throws(GraphReadingError) in try reader.readDiagonal(call) },
        "Reshape": { (reader, call) throws(GraphReadingError) in try reader.readReshape(call) },
        "Squeeze": { (reader, call) throws(GraphReadingError) in
            let from = try reader.shape(call)
            let list = call.ints("squeeze_dims") ?? call.ints("axis") ?? []
            let axes = try reader.axes(list, rank: from.count, call)
            guard axes.allSatisfy({ from[$0] == 1 }) else {
                throw call.malformed("squeezes \(axes) of \(from)")
            }
            let shape = from.indices.filter { axes.isEmpty ? from[$0] != 1 : !axes.contains($0) }.map {
                from[$0]
            }
            try reader.make(.reshape(shape), [try reader.value(call)], call)
        },
        "ExpandDims": { (reader, call) throws(GraphReadingError) in
            var shape = try reader.shape(call)
            let axis = try reader.axes(try reader.integers(call, 1), rank: shape.count + 1, call)
            guard axis.count == 1 else { throw call.malformed("axes \(axis)") }
            shape.insert(1, at: axis[0])
            try reader.make(.reshape(shape), [try reader.value(call)], call)
        },
        "Transpose": { (reader, call) throws(GraphReadingError) in
            try reader.make(.transpose(try reader.integers(call, 1)), [try reader.value(call)], call)
        },
        "Concat": { (reader, call) throws(GraphReadingError) in
            try reader.readConcatenation(call, axis: 0, parts: 1..<max(call.sources.count, 1))
        },
        "ConcatV2": { (reader, call) throws(GraphReadingError) in
            let last = max(call.sources.count - 1, 0)
            try reader.readConcatenation(call, axis: last, parts: 0..<last)
        },
        "Pack": { (reader, call) throws(GraphReadingError) in try reader.readPack(call) },
        "Slice": { (reader, call) throws(GraphReadingError) in
            let shape = try reader.shape(call), begins = try reader.integers(call, 1)
            let sizes = try reader.integers(call, 2)
            guard begins.count == shape.count, sizes.count == shape.count else {
                throw call.malformed("begins \(begins) and sizes \(sizes) of \(shape)")
            }
            var stretches: [Network.Stretch] = []
            for axis in shape.indices {
                guard (0..<shape[axis]).contains(begins[axis]) else {
                    throw call.malformed("begins \(begins)")
                }
                let count = sizes[axis] == -1 ? shape[axis] - begins[axis] : sizes[axis]
                stretches.append(.init(begin: begins[axis], count: count))
            }
            try reader.make(.slice(stretches), [try reader.value(call)], call)
        },
        "StridedSlice": { (reader, call) throws(GraphReadingError) in try reader.readStridedSlice(call) },
        "Split": { (reader, call) throws(GraphReadingError) in
            let count = try call.int("num_split", default: 0), shape = try reader.shape(call, 1)
            let axis = try reader.axes(try reader.integers(call, 0), rank: shape.count, call)
            guard axis.count == 1, (1...4096).contains(count), shape[axis[0]] % count == 0 else {
                throw call.malformed("\(count) parts of \(shape)")
            }
            let sizes = [Int](repeating: shape[axis[0]] / count, count: count)
            try reader.split(call, try reader.value(call, 1), shape, axis[0], sizes)
        },
        "SplitV": { (reader, call) throws(GraphReadingError) in
            let shape = try reader.shape(call)
            var sizes = try reader.integers(call, 1)
            let axis = try reader.axes(try reader.integers(call, 2), rank: shape.count, call)
            guard axis.count == 1, sizes.count <= 4096,
                sizes.allSatisfy({ (-1...shape[axis[0]]).contains($0) }),
                sizes.count(where: { $0 == -1 }) <= 1
            else { throw call.malformed("parts of \(sizes)") }
            if let open = sizes.firstIndex(of: -1) { sizes[open] = shape[axis[0]] - sizes.reduce(1, +) }
            guard sizes.reduce(0, +) == shape[axis[0]] else { throw call.malformed("parts of \(sizes)") }
            try reader.split(call, try reader.value(call), shape, axis[0], sizes)
        },
        "Unpack": { (reader, call) throws(GraphReadingError) in
            var shape = try reader.shape(call)
            let axis = try reader.axes([try call.int("axis", default: 0)], rank: shape.count, call)[0]
            let count = try call.int("num", default: 0), whole = shape
            guard count == shape[axis], count <= 4096 else {
                throw call.malformed("\(count) parts of \(shape)")
            }
            shape.remove(at: axis)
            for index in 0..<count {
                var stretches = whole.map { Network.Stretch(begin: 0, count: $0) }
                stretches[axis] = .init(begin: index, count: 1)
                let name = call.name(output: index)
                let part = try reader.apply(.slice(stretches), [try reader.value(call)], name: name, call)
                reader.define(
                    call, output: index, try reader.apply(.reshape(shape), [part], name: name, call))
            }
        },
        "ZerosLike": { (reader, call) throws(GraphReadingError) in try reader.fill(call, 0) },
        "OnesLike": { (reader, call) throws(GraphReadingError) in try reader.fill(call, 1) },
        "Gather": { (reader, call) throws(GraphReadingError) in try reader.readGather(call, axis: 0) },
        "GatherV2": { (reader, call) throws(GraphReadingError) in try reader.readGather(call) },
        "Pad": { (reader, call) throws(GraphReadingError) in try reader.readPad(call, .constant(0)) },
        "PadV2": { (reader, call) throws(GraphReadingError) in
            let fill = try reader.floats(call, 2)
            guard fill.count == 1 else { throw call.malformed("the fill is no scalar") }
            try reader.readPad(call, .constant(fill[0]))
        },
        "MirrorPad": { (reader, call) throws(GraphReadingError) in
            try reader.readPad(call, call.string("mode") == "SYMMETRIC" ? .symmetric : .reflect)
        },
    ]

    private static func integerTensor(_ values: [Int]) -> Tensor {
        Tensor(values.map { Int32(clamping: $0) }, shape: [values.count])
    }

    /// Returns the value that a handler has defined for the node.
    func made(_ call: NodeCall) throws(GraphReadingError) -> Value {
        guard let value = defined(.init(node: call.index, index: 0)) else { throw .noSuchTensor(call.name) }
        return value
    }

    /// Reads square matrices whose main diagonals are given and that are 0 elsewhere, as `tf.eye` makes them.
    private mutating func readDiagonal(_ call: NodeCall) throws(GraphReadingError) {
        let shape = try shape(call)
        guard let size = shape.last, size > 0, size <= 1 << 16 else {
            throw call.malformed("a diagonal of shape \(shape)")
        }
        if call.sources.count > 1 {
            let place = try integers(call, 1), padding = Numbers(try constant(call, 4))?.values ?? []
            guard place.allSatisfy({ $0 == 0 }), padding.allSatisfy({ $0 == 0 }),
                try integers(call, 2).allSatisfy({ [-1, size].contains($0) }),
                try integers(call, 3).allSatisfy({ [-1, size].contains($0) })
            else { throw call.unsupported("other than a main diagonal of a square matrix, with zeros") }
        }
        // Behind each number of the diagonal come as many zeros as the matrix has columns.
        let outer = Array(shape.dropLast()), none = outer.map { _ in Network.Border(0, 0) }
        let column = try apply(.reshape(shape + [1]), [try value(call)], name: call.name, call)
        let spread = try apply(
            .pad(none + [.init(0, 0), .init(0, size)], .constant(0)), [column], name: call.name, call)
        let row = try apply(.reshape(outer + [size * (size + 1)]), [spread], name: call.name, call)
        let whole = try apply(
            .slice((outer + [size * size]).map { .init(begin: 0, count: $0) }), [row], name: call.name, call)
        try make(.reshape(shape + [size]), [whole], call)
    }

    private mutating func readRange(_ call: NodeCall) throws(GraphReadingError) {
        if case .constant(let start) = try value(call), start.type == .float32 {
            return try readRangeOfFloats(call)
        }
        let bounds = [try integers(call, 0), try integers(call, 1), try integers(call, 2)]
        guard bounds.allSatisfy({ $0.count == 1 && abs(Double($0[0])) < 1e9 }), bounds[2][0] != 0 else {
            throw call.malformed("bounds \(bounds)")
        }
        let values = stride(from: bounds[0][0], to: bounds[1][0], by: bounds[2][0])
        try spend([max(1, abs((bounds[1][0] - bounds[0][0]) / bounds[2][0]))], call)
        define(call, .constant(Self.integerTensor(Array(values))))
    }

    private mutating func readRangeOfFloats(_ call: NodeCall) throws(GraphReadingError) {
        let bounds = [try floats(call, 0), try floats(call, 1), try floats(call, 2)]
        guard bounds.allSatisfy({ $0.count == 1 }), bounds[2][0] != 0 else {
            throw call.malformed("bounds \(bounds)")
        }
        let (start, step) = (bounds[0][0], bounds[2][0])
        let count = ((bounds[1][0] - start) / step).rounded(.up)
        guard count < 0x1p28 else { throw call.malformed("bounds \(bounds)") }
        try spend([max(1, Int(count))], call)
        let values = (0..<max(0, Int(count))).map { start + Float($0) * step }
        define(call, .constant(Tensor(values, shape: [values.count])))
    }

    /// Reads a tensor whose entries in a block are those of another one; a block that does not fit is moved until it does.
    ///
    /// - Source: XLA's `DynamicUpdateSlice`
    private mutating func readUpdate(_ call: NodeCall) throws(GraphReadingError) {
        let from = try shape(call), size = try shape(call, 1), begins = try integers(call, 2)
        guard size.count == from.count, begins.count == from.count,
            zip(size, from).allSatisfy({ $0 > 0 && $0 <= $1 })
        else { throw call.malformed("puts \(size) into \(from) at \(begins)") }
        let whole = try value(call)
        let box = from.indices.map { axis in
            let begin = min(max(begins[axis], 0), from[axis] - size[axis])
            return begin..<begin + size[axis]
        }
        // The block grows axis by axis, from the last one, by what lies before and after it.
        var block = try value(call, 1)
        for axis in box.indices.reversed() {
            func part(_ range: Range<Int>) throws(GraphReadingError) -> Value? {
                if range.isEmpty { return nil }
                let stretches = from.indices.map { other in
                    let range = other < axis ? box[other] : other == axis ? range : 0..<from[other]
                    return Network.Stretch(begin: range.lowerBound, count: range.count)
                }
                return try apply(.slice(stretches), [whole], name: call.name, call)
            }
            let before = try part(0..<box[axis].lowerBound)
            let after = try part(box[axis].upperBound..<from[axis])
            let parts = [before, block, after].compactMap { $0 }
            if parts.count > 1 {
                block = try apply(.concatenation(axis: axis), parts, name: call.name, call)
            }
        }
        define(call, block)
    }

    private mutating func readReshape(_ call: NodeCall) throws(GraphReadingError) {
        let from = try shape(call)
        var shape = try integers(call, 1)
        if let open = shape.firstIndex(of: -1) {
            shape[open] = 1
            guard let count = Network.count(from), let known = Network.count(shape), count % known == 0 else {
                throw call.malformed("\(from) does not reshape to \(shape)")
            }
            shape[open] = count / known
        }
        try make(.reshape(shape), [try value(call)], call)
    }

    private mutating func readConcatenation(
        _ call: NodeCall, axis: Int, parts: Range<Int>
    ) throws(GraphReadingError) {
        var values: [Value] = []
        for index in parts {
            let part = try value(call, index)
            // Parts of a shape may be empty.
            if case .constant(let tensor) = part, tensor.shape.contains(0) { continue }
            values.append(part)
        }
        guard let first = parts.first else { throw call.malformed("has no inputs") }
        let axes = try self.axes(try integers(call, axis), rank: try shape(call, first).count, call)
        guard axes.count == 1 else { throw call.malformed("axes \(axes)") }
        if values.isEmpty { return define(call, try value(call, first)) }
        try make(.concatenation(axis: axes[0]), values, call)
    }

    private mutating func readPack(_ call: NodeCall) throws(GraphReadingError) {
        var shape = try shape(call), parts: [Value] = []
        let axis = try axes([try call.int("axis", default: 0)], rank: shape.count + 1, call)[0]
        shape.insert(1, at: axis)
        for index in call.sources.indices {
            parts.append(try apply(.reshape(shape), [try value(call, index)], name: call.name, call))
        }
        try make(.concatenation(axis: axis), parts, call)
    }

    private mutating func split(
        _ call: NodeCall, _ value: Value, _ shape: [Int], _ axis: Int, _ sizes: [Int]
    ) throws(GraphReadingError) {
        var begin = 0
        for (index, size) in sizes.enumerated() {
            var stretches = shape.map { Network.Stretch(begin: 0, count: $0) }
            stretches[axis] = .init(begin: begin, count: size)
            let part = try apply(.slice(stretches), [value], name: call.name(output: index), call)
            define(call, output: index, part)
            begin += size
        }
    }

    /// Reads a strided slice.
    ///
    /// - Source: TensorFlow's `StridedSlice`: negative begins and ends count from the back and are clamped;
    ///   masks have one bit per entry.
    private mutating func readStridedSlice(_ call: NodeCall) throws(GraphReadingError) {
        let from = try shape(call)
        let begins = try integers(call, 1), ends = try integers(call, 2), steps = try integers(call, 3)
        func mask(_ name: String, _ entry: Int) throws(GraphReadingError) -> Bool {
            try call.int(name, default: 0) >> entry & 1 == 1
        }
        guard begins.count == ends.count, begins.count == steps.count, begins.count <= 32 else {
            throw call.malformed("begins \(begins), ends \(ends), strides \(steps)")
        }
        var stretches: [Network.Stretch] = [], shape: [Int] = []
        for entry in begins.indices {
            if try mask("ellipsis_mask", entry) {
                var news = 0
                for later in entry..<begins.count where try mask("new_axis_mask", later) { news += 1 }
                let rest = begins.count - entry - 1 - news
                while stretches.count < from.count - rest {
                    shape.append(from[stretches.count])
                    stretches.append(.init(begin: 0, count: from[stretches.count]))
                }
                continue
            }
            if try mask("new_axis_mask", entry) { shape.append(1); continue }
            guard stretches.count < from.count else { throw call.malformed("more entries than axes") }
            let size = from[stretches.count], isSingle = try mask("shrink_axis_mask", entry)
            let step = isSingle ? 1 : steps[entry]
            guard step != 0, abs(Double(step)) < 1e9, abs(Double(begins[entry])) < 1e18,
                abs(Double(ends[entry])) < 1e18
            else { throw call.malformed("strides \(steps)") }
            let first = step > 0 ? 0 : -1, last = step > 0 ? size : size - 1
            func place(_ index: Int) -> Int { min(max(index < 0 ? index + size : index, first), last) }
            let begin = try mask("begin_mask", entry) ? (step > 0 ? 0 : size - 1) : place(begins[entry])
            let end =
                isSingle
                ? begin + 1 : try mask("end_mask", entry) ? (step > 0 ? size : -1) : place(ends[entry])
            let count = step > 0 ? (end - begin + step - 1) / step : (begin - end - step - 1) / -step
            guard count > 0, (0..<size).contains(begin) else {
                // What lies before or after an axis in a shape may be nothing.
                if from.count == 1, begins.count == 1, !isSingle, case .constant(let tensor) = try value(call)
                {
                    let nothing = Tensor(type: tensor.type, shape: [0], contents: .dense(ByteRegion([])))
                    return define(call, .constant(nothing))
                }
                throw call.unsupported("an empty slice of \(from)")
            }
            stretches.append(.init(begin: begin, count: count, step: step))
            if !isSingle { shape.append(count) }
        }
        while stretches.count < from.count {
            shape.append(from[stretches.count])
            stretches.append(.init(begin: 0, count: from[stretches.count]))
        }
        let slice = try apply(.slice(stretches), [try value(call)], name: call.name, call)
        if shape == stretches.map(\.count) { return define(call, slice) }
        try make(.reshape(shape), [slice], call)
    }

    /// Defines the node's tensor as one number, repeated in the shape of the first input.
    private mutating func fill(_ call: NodeCall, _ number: Double) throws(GraphReadingError) {
        let shape = try self.shape(call)
        try spend(shape, call)
        let type: ElementType =
            if case .type(let type)? = call.node.attributes["T"] { type } else { .float32 }
        let values = [Double](repeating: number, count: shape.reduce(1, *))
        guard let tensor = Numbers(type: type, shape: shape, values: values).tensor else {
            throw call.unsupported("of type \(type)")
        }
        define(call, .constant(tensor))
    }

    private mutating func readGather(_ call: NodeCall, axis fixed: Int? = nil) throws(GraphReadingError) {
        let from = try shape(call)
        let given = if let fixed { [fixed] } else { try integers(call, 2) }
        let axis = try axes(given, rank: from.count, call)
        guard axis.count == 1, try call.int("batch_dims", default: 0) == 0 else {
            throw call.unsupported("batch_dims")
        }
        guard case .constant(let indices) = try value(call, 1) else {
            return try readEntries(call, along: axis[0])
        }
        let places = try integers(call, 1)
        let taken = try apply(
            .gather(axis: axis[0], indices: places), [try value(call)], name: call.name, call)
        if indices.shape.count == 1 { return define(call, taken) }
        let shape = from[..<axis[0]] + indices.shape + from[(axis[0] + 1)...]
        try make(.reshape(Array(shape)), [taken], call)
    }

    private mutating func readPad(
        _ call: NodeCall, _ padding: Network.Padding
    ) throws(GraphReadingError) {
        let amounts = try integers(call, 1)
        guard amounts.count % 2 == 0 else { throw call.malformed("paddings \(amounts)") }
        let borders = stride(from: 0, to: amounts.count, by: 2).map {
            Network.Border(amounts[$0], amounts[$0 + 1])
        }
        try make(.pad(borders, padding), [try value(call)], call)
    }
}
