/// A row of strips or tiles, decompressed, and its pixels.
final class TIFFBand {
    private let units: TIFFUnits
    private let layout: TIFFLayout
    private let color: TIFFColor
    private let samples: TIFFSamples
    private let channels: Int
    /// Which planes are needed; one where samples lie side by side.
    private let planes: [Int]
    /// Bytes of a whole unit.
    private let unitBytes: Int
    /// Of each column and plane: room for its samples, where they do not lie in the file as they are wanted, and where they are.
    private var buffers: [UnsafeMutablePointer<UInt8>?]
    private var sources: [UnsafePointer<UInt8>]
    /// A row of a unit's samples, of each plane: differences summed, then of 8 bits.
    private let summed, widened: UnsafeMutablePointer<UInt8>
    private let rowCapacity: Int
    /// Of each sample of a pixel.
    private let firsts: UnsafeMutablePointer<UnsafePointer<UInt8>>
    private let pixels: UnsafeMutablePointer<UInt8>
    /// Whether any unit held anything.
    private(set) var hasData = false

    init(_ units: TIFFUnits, _ color: TIFFColor, _ samples: TIFFSamples, channels: Int) {
        (self.units, layout, self.color, self.samples) = (units, units.layout, color, samples)
        self.channels = channels
        planes = Self.planes(units.layout, color, channels: channels)
        unitBytes = layout.bytes(rows: layout.unitHeight(within: layout.height))
        buffers = .init(repeating: nil, count: layout.across * planes.count)
        let perRow = layout.unitWidth * (layout.isPlanar ? 1 : layout.samples)
        // As stored, or of 8 bits, with what vectors write beyond the last one.
        rowCapacity = max(layout.rowBytes, perRow) + TIFFUnits.slack
        summed = .allocate(capacity: rowCapacity)
        summed.initialize(repeating: 0, count: rowCapacity)
        widened = .allocate(capacity: rowCapacity * planes.count)
        widened.initialize(repeating: 0, count: rowCapacity * planes.count)
        sources = .init(repeating: UnsafePointer(summed), count: buffers.count)
        firsts = .allocate(capacity: max(4, color.count + 1, layout.samples))
        firsts.initialize(repeating: UnsafePointer(widened), count: max(4, color.count + 1, layout.samples))
        let row = channels * (layout.width + JPEGKernels.room)
        pixels = .allocate(capacity: row)
        pixels.initialize(repeating: 0, count: row)
    }

    deinit {
        for buffer in buffers { buffer?.deallocate() }
        summed.deallocate()
        widened.deallocate()
        firsts.deallocate()
        pixels.deallocate()
    }

    private static func planes(_ layout: TIFFLayout, _ color: TIFFColor, channels: Int) -> [Int] {
        guard layout.isPlanar else { return [0] }
        var planes = Array(0..<color.count)
        if let alpha = color.alpha, channels == 4 || alpha.isAssociated { planes.append(alpha.sample) }
        return planes
    }

    /// Bytes that a band holds at most, and the bytes of all units that are needed.
    static func sizes(_ layout: TIFFLayout, _ color: TIFFColor, channels: Int) -> (band: Int, all: Int) {
        let planes = planes(layout, color, channels: channels).count
        func times(_ a: Int, _ b: Int) -> Int {
            let (product, overflow) = a.multipliedReportingOverflow(by: b)
            return overflow ? Int.max / 4 : min(product, Int.max / 4)
        }
        let unit = layout.bytes(rows: layout.unitHeight(within: layout.height))
        let band = times(times(unit, layout.across), planes)
        let row = times(layout.unitWidth, layout.samples + planes)
        return (band + row, times(band, layout.down))
    }

    /// Decompresses a row of units.
    ///
    /// - Returns: what was wrong with the first unit that was not whole, and its number.
    func load(_ row: Int) -> (unit: Int, fault: TIFFUnits.Fault)? {
        let rows = layout.unitHeight(within: layout.height - row * layout.unitHeight)
        let count = layout.bytes(rows: rows)
        var first: (Int, TIFFUnits.Fault)?
        for column in 0..<layout.across {
            for (place, plane) in planes.enumerated() {
                let index = layout.index(plane: plane, row: row, column: column)
                let (range, _) = layout.range(of: index, rows: rows)
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

    /// A row of pixels.
    ///
    /// - Parameter y: from the band's first row.
    func row(_ y: Int) -> UnsafePointer<UInt8> {
        if layout.across == 1, isPassedOn { return sources[0] + y * layout.rowBytes }
        for column in 0..<layout.across {
            let x = column * layout.unitWidth
            convert(column, y, count: min(layout.unitWidth, layout.width - x), to: pixels + channels * x)
        }
        return UnsafePointer(pixels)
    }

    /// Whether rows are stored as they are wanted.
    private lazy var isPassedOn: Bool = {
        guard case .rgb = color.model, color.alpha == nil || channels == 4 && color.alpha?.sample == 3,
            !(color.alpha?.isAssociated ?? false)
        else { return false }
        return layout.bits == 8 && layout.samples == channels && !layout.isPlanar && !layout.usesPredictor
    }()

    private func convert(_ column: Int, _ y: Int, count: Int, to output: UnsafeMutablePointer<UInt8>) {
        let first = column * planes.count
        if layout.subsampling != (1, 1) {
            guard case .yCbCr(let converter) = color.model else { return }
            let line = y % layout.subsampling.down, row = y / layout.subsampling.down
            return converter.convert(
                sources[first] + row * layout.rowBytes, line: line, layout.subsampling, count: count,
                to: output, channels: channels)
        }
        let perPixel = layout.isPlanar ? 1 : layout.samples
        for (place, plane) in planes.enumerated() {
            var row = sources[first + place] + y * layout.rowBytes
            if layout.usesPredictor {
                samples.sum(row, count: layout.unitWidth * perPixel, stride: perPixel, to: summed)
                row = UnsafePointer(summed)
            }
            // Rows in the file have nothing readable behind them: what vectors read is copied.
            let isRead = layout.bits == 8 && perPixel > 1
            let target = widened + place * rowCapacity
            if !isRead {
                samples.convert(row, count: count * perPixel, to: target)
                row = UnsafePointer(target)
            }
            if layout.isPlanar {
                firsts[plane] = row
            } else {
                for sample in 0..<layout.samples { firsts[sample] = row + sample }
            }
        }
        color.convert(firsts, step: perPixel, count: count, to: output, channels: channels)
    }
}

extension TIFFLayout {
    /// Rows of a unit that has so many rows of the picture left.
    func unitHeight(within rows: Int) -> Int { min(unitHeight, rows) }
}
