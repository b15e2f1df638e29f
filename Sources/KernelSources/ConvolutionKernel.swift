import CPUFeatures
import Kernels

/// The number of pixels in a full register tile; a panel's offsets are padded to a multiple of it.
package var convolutionTileRows: Int { FullTile<TwoVectors>.count }

/// Computes all pixels of a panel, one full tile at a time; the remaining pixels go to the smallest tile that
/// holds them.
package func convolve(_ panel: UnsafePointer<ConvolutionPanel>) {
    let p = panel.pointee
    if p.channels > lanes { allRows(p, TwoVectors.self) } else { allRows(p, OneVector.self) }
}

@inline(__always) private func allRows<Sums: Columns>(_ p: ConvolutionPanel, _ sums: Sums.Type) {
    var row = 0
    // Each step of the innermost loop prefetches its share of the next weights, a cache line possibly more
    // than once.
    let tiles = (p.pixels &+ FullTile<Sums>.count &- 1) / FullTile<Sums>.count
    let bytes = Sums.vectors &* lanes &* 4, share = (bytes &+ tiles &- 1) / tiles
    var next = UnsafeRawPointer(p.nextWeights)
    while row < p.pixels {
        let left = p.pixels &- row
        if left > MediumTile<Sums>.count {
            tile(p, row, &next, share, FullTile<Sums>.self)
        } else if left > SmallTile<Sums>.count {
            tile(p, row, &next, share, MediumTile<Sums>.self)
        } else {
            tile(p, row, &next, share, SmallTile<Sums>.self)
        }
        row &+= FullTile<Sums>.count
    }
}

@inline(__always) private func tile<Tile: Rows>(
    _ p: ConvolutionPanel, _ row: Int, _ next: inout UnsafeRawPointer, _ share: Int, _ type: Tile.Type
) {
    var sums = Tile(repeating: p.isFirst ? Tile.Sums(reading: p.bias) : .zero)
    let pixels = Tile.places(p.input, p.inputOffsets + row)
    var weights = p.weights
    for run in 0..<p.runCount {
        let places = Tile.moved(pixels, Int(p.runs[run].offset)), length = Int(p.runs[run].length)
        var k = 0
        while k < length {
            sums.accumulate(places, k, Tile.Sums(reading: weights))
            weights += Tile.Sums.vectors &* lanes
            cpu_prefetch(next)
            next += share
            k &+= 1
        }
    }
    // Sums of few products are added to sums of few: the rounding error grows less than in one long sum.
    if !p.isFirst { sums.add(Tile(reading: p.output, p.outputOffsets + row, channels: p.channels)) }
    if p.isLast {
        if let residual = p.residual, let offsets = p.residualOffsets {
            sums.add(Tile(reading: residual, offsets + row, channels: p.channels))
        }
        sums.restrict(Vector(repeating: p.lowest), Vector(repeating: p.highest))
    }
    sums.write(p.output, p.outputOffsets + row, channels: p.channels)
}
