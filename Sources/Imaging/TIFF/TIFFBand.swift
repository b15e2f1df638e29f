/// Decompresses one row of strips or tiles at a time and converts it to pixels of 8- or 16-bit samples.
final class TIFFBand {
    private let units: TIFFUnits
    private let layout: TIFFLayout
    private let color: TIFFColor
    private let samples: TIFFSamples
    private let channels: Int
    /// The planes that are needed; one if the samples of a pixel are adjacent.
    private let planes: [Int]
    /// The size of a full unit in bytes.
    private let unitBytes: Int
    /// The decompressed samples of each column and plane; nil if they are read in place.
    private var buffers: [UnsafeMutablePointer<UInt8>?]
    /// The samples of each column and plane.
    private var sources: [UnsafePointer<UInt8>]
    /// A row of a unit after differencing was reversed.
    private let summed: UnsafeMutablePointer<UInt8>
    /// The bits per sample of the result, 8 or 16.
    private let depth: Int
    /// A row of a unit in each plane, converted to samples of `depth` bits.
    private let widened: UnsafeMutableRawPointer
    private let rowCapacity: Int
    /// The first value of each sample of a pixel.
    private let firsts: UnsafeMutableRawPointer
    private let pixels: UnsafeMutableRawPointer
    /// Whether any unit contained data.
    private(set) var hasData = false

    init(_ units: TIFFUnits, _ color: TIFFColor, _ samples: TIFFSamples, channels: Int, depth: Int) {
        (self.units, layout, self.color, self.samples) = (units, units.layout, color, samples)
        (self.channels, self.depth) = (channels, depth)
        planes = units.layout.planes(color, channels: channels)
        unitBytes = layout.bytes(rows: layout.unitHeight(within: layout.height))
        buffers = .init(repeating: nil, count: layout.across * planes.count)
        let perRow = layout.unitWidth * (layout.isPlanar ? 1 : layout.samples) * depth / 8
        // The row as stored or as converted, and what vector instructions write beyond its end.
        rowCapacity = (max(layout.rowBytes, perRow) + TIFFUnits.slack + 1) & ~1
        summed = .allocate(capacity: rowCapacity)
        summed.initialize(repeating: 0, count: rowCapacity)
        sources = .init(repeating: UnsafePointer(summed), count: buffers.count)
        widened = Self.zeros(rowCapacity * planes.count)
        firsts = Self.zeros(max(color.count + 1, layout.samples) * MemoryLayout<UnsafeRawPointer>.stride)
        pixels = Self.zeros(channels * depth / 8 * (layout.width + JPEGKernels.room))
    }

    /// Allocates zeros that are aligned for all types.
    private static func zeros(_ count: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        return memory
    }

    deinit {
        for buffer in buffers { buffer?.deallocate() }
        summed.deallocate()
        widened.deallocate()
        firsts.deallocate()
        pixels.deallocate()
    }

    /// Decompresses a row of units.
    ///
    /// - Parameter row: The index of the row of units.
    /// - Returns: The first incomplete unit and its fault.
    func load(_ row: Int) -> (unit: Int, fault: TIFFUnits.Fault)? {
        let rows = layout.unitHeight(within: layout.height - row * layout.unitHeight)
        let count = layout.bytes(rows: rows)
        var first: (Int, TIFFUnits.Fault)?
        for column in 0..<layout.across {
            for (place, plane) in planes.enumerated() {
                let index = layout.index(plane: plane, row: row, column: column)
                let range = layout.range(of: index, rows: rows)
                let slot = column * planes.count + place
                if let stored = units.stored(range, count: count) {
                    sources[slot] = stored
                    hasData = true
                    continue
                }
                let buffer = buffers[slot] ?? allocate(slot)
                sources[slot] = UnsafePointer(buffer)
                let (came, fault) = units.decode(range, rows: rows, count: count, into: buffer)
                if came > 0 { hasData = true }
                if first == nil, let fault { first = (index, fault) }
            }
        }
        return first
    }

    private func allocate(_ slot: Int) -> UnsafeMutablePointer<UInt8> {
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: unitBytes + TIFFUnits.slack)
        LargePages.prefer(for: UnsafeMutableRawBufferPointer(start: buffer, count: unitBytes))
        (buffer + unitBytes).initialize(repeating: 0, count: TIFFUnits.slack)
        buffers[slot] = buffer
        return buffer
    }

    /// Converts a row of pixels.
    ///
    /// - Parameter y: The index of the row within the band.
    /// - Returns: The row, valid until the next call.
    func row(_ y: Int) -> UnsafePointer<UInt8> {
        if isPassedOn { return sources[0] + y * layout.rowBytes }
        for column in 0..<layout.across {
            let x = column * layout.unitWidth, count = min(layout.unitWidth, layout.width - x)
            // Generic code is specialized where the types are known.
            if depth == 16 {
                convert(column, y, count, to: pixels.assumingMemoryBound(to: UInt16.self) + channels * x)
            } else {
                convert(column, y, count, to: pixels.assumingMemoryBound(to: UInt8.self) + channels * x)
            }
        }
        return UnsafePointer(pixels.assumingMemoryBound(to: UInt8.self))
    }

    /// Whether stored rows need no conversion.
    private lazy var isPassedOn: Bool = {
        guard case .rgb = color.model, color.alpha == nil || channels == 4 && color.alpha?.sample == 3,
            !(color.alpha?.isAssociated ?? false)
        else { return false }
        return layout.across == 1 && layout.bits == 8 && layout.samples == channels && !layout.isPlanar
            && !layout.usesPredictor
    }()

    /// Converts the pixels of a unit in a row.
    @inline(__always) private func convert<Sample: TIFFSample>(
        _ column: Int, _ y: Int, _ count: Int, to output: UnsafeMutablePointer<Sample>
    ) {
        let slot = column * planes.count
        if layout.subsampling != (1, 1) {
            guard case .yCbCr(let converter) = color.model,
                let output = output as? UnsafeMutablePointer<UInt8>
            else { return }
            let line = y % layout.subsampling.down, row = y / layout.subsampling.down
            return converter.convert(
                sources[slot] + row * layout.rowBytes, line: line, layout.subsampling, count: count,
                to: output, channels: channels)
        }
        let perPixel = layout.isPlanar ? 1 : layout.samples
        let firsts = firsts.assumingMemoryBound(to: UnsafePointer<Sample>.self)
        for (place, plane) in planes.enumerated() {
            var row = sources[slot + place] + y * layout.rowBytes
            if layout.usesPredictor {
                samples.sum(row, count: layout.unitWidth * perPixel, stride: perPixel, to: summed)
                row = UnsafePointer(summed)
            }
            // Single samples are copied because kernels read beyond the end of a row.
            let target = (widened + place * rowCapacity).assumingMemoryBound(to: Sample.self)
            var first = UnsafePointer(target)
            if layout.bits == 8, perPixel > 1, let stored = row as? UnsafePointer<Sample> {
                first = stored
            } else {
                samples.convert(row, count: count * perPixel, to: target)
            }
            if layout.isPlanar {
                firsts[plane] = first
            } else {
                for sample in 0..<layout.samples { firsts[sample] = first + sample }
            }
        }
        color.convert(firsts, step: perPixel, count: count, to: output, channels: channels)
    }
}

extension TIFFLayout {
    /// Returns the height of a unit that begins `rows` rows above the end of the image.
    func unitHeight(within rows: Int) -> Int { min(unitHeight, rows) }

    /// Returns the planes that are needed, or the only one if the samples of a pixel are adjacent.
    func planes(_ color: TIFFColor, channels: Int) -> [Int] {
        guard isPlanar else { return [0] }
        var planes = Array(0..<color.count)
        if let alpha = color.alpha, channels == 4 || alpha.isAssociated { planes.append(alpha.sample) }
        return planes
    }

    /// Returns the memory for a row of units, and the decompressed size of all units that are needed, in bytes.
    func sizes(_ color: TIFFColor, channels: Int) -> (band: Int, all: Int) {
        let planes = planes(color, channels: channels).count
        func times(_ a: Int, _ b: Int) -> Int {
            let (product, overflow) = a.multipliedReportingOverflow(by: b)
            return overflow ? Int.max / 4 : min(product, Int.max / 4)
        }
        let unit = bytes(rows: unitHeight(within: height))
        let band = times(times(unit, across), planes)
        let row = times(unitWidth, 2 * (samples + planes))
        return (band + row, times(band, down))
    }
}
