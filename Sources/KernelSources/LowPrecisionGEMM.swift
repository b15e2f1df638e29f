import CPUFeatures
import Kernels
import VectorOperations

/// The number of pixels in a full register tile; a panel's offsets are padded to a multiple of it.
package var lowPrecisionTileRows: Int { FullLowPrecisionTile<TwoLowPrecisionColumns<BytePairs>>.count }

/// Computes a convolution of unsigned 8-bit inputs and signed 8-bit weights with integer sums, which are the
/// same in every instruction set.
package func convolveBytes(_ panel: UnsafePointer<LowPrecisionPanel>) {
    if flippedBits == 0 { return allRows(panel.pointee, BytePairs.self) }
    withUnsafeTemporaryAllocation(of: IntVector.self, capacity: 2) { starts in
        var p = panel.pointee
        sumsOfFlippedZeros(p, starts.baseAddress!)
        p.starts = UnsafeRawPointer(starts.baseAddress!)
        allRows(p, BytePairs.self)
    }
}

/// Computes what sums of flipped bytes must start from so that pixels of zeros have sums of zero.
private func sumsOfFlippedZeros(_ p: LowPrecisionPanel, _ starts: UnsafeMutablePointer<IntVector>) {
    let vectors = p.channels > lanes ? 2 : 1, zeros = IntVector(repeating: flippedBits)
    for vector in 0..<vectors {
        var weights = p.weights + vector &* BytePairs.weightStep, sum = IntVector(repeating: 0)
        for run in 0..<p.runCount {
            for _ in 0..<Int(p.runs[run].length) / BytePairs.pixelStep {
                BytePairs.accumulate(&sum, zeros, BytePairs.weights(weights))
                weights += vectors &* BytePairs.weightStep
            }
        }
        starts[vector] = 0 &- sum
    }
}

/// Computes a convolution of bfloat16 numbers held in floats; each sum of two products starts with the second
/// and is rounded after each addition, bit for bit as VDPBF16PS does it.
///
/// A product of two bfloat16 numbers is exact in single precision, so that a separate multiplication and
/// addition also rounds once.
package func convolveRounded(_ panel: UnsafePointer<LowPrecisionPanel>) {
    let state = vector_ignore_denormals()
    allRows(panel.pointee, RoundedPairs.self)
    vector_restore_denormals(state)
}

@inline(__always) private func allRows<P: Product>(_ p: LowPrecisionPanel, _ product: P.Type) {
    if p.channels > lanes {
        allRows(p, TwoLowPrecisionColumns<P>.self)
    } else {
        allRows(p, OneLowPrecisionColumn<P>.self)
    }
}

@inline(__always) func allRows<Sums: LowPrecisionColumns>(_ p: LowPrecisionPanel, _ sums: Sums.Type) {
    var row = 0
    // Each step of the innermost loop prefetches its share of the next weights.
    let tiles = (p.pixels &+ FullLowPrecisionTile<Sums>.count &- 1) / FullLowPrecisionTile<Sums>.count
    let bytes = Sums.vectors &* Sums.P.weightStep, share = (bytes &+ tiles &- 1) / tiles
    var next = p.nextWeights
    while row &+ FullLowPrecisionTile<Sums>.count <= p.pixels {
        tile(p, row, &next, share, FullLowPrecisionTile<Sums>.self)
        row &+= FullLowPrecisionTile<Sums>.count
    }
    let left = p.pixels &- row
    if left == 0 { return }
    if left <= SmallLowPrecisionTile<Sums>.count {
        tile(p, row, &next, share, SmallLowPrecisionTile<Sums>.self)
    } else if left <= MediumLowPrecisionTile<Sums>.count {
        tile(p, row, &next, share, MediumLowPrecisionTile<Sums>.self)
    } else {
        tile(p, row, &next, share, FullLowPrecisionTile<Sums>.self)
    }
}

@inline(__always) private func tile<Tile: LowPrecisionRows>(
    _ p: LowPrecisionPanel, _ row: Int, _ next: inout UnsafeRawPointer, _ share: Int, _ type: Tile.Type
) {
    var sums = Tile(p.starts)
    let pixels = Tile.places(p.input, p.inputOffsets + row)
    var weights = p.weights
    for run in 0..<p.runCount {
        let places = Tile.moved(pixels, Int(p.runs[run].offset)), length = Int(p.runs[run].length)
        var k = 0
        while k < length {
            sums.accumulate(places, k, Tile.Sums.weights(weights))
            weights += Tile.Sums.vectors &* Tile.Sums.P.weightStep
            cpu_prefetch(next)
            next += share
            k &+= Tile.Sums.P.pixelStep
        }
    }
    sums.write(p.sums)
    finish(p, row, min(Tile.count, p.pixels &- row), Tile.Sums.self)
}

/// Scales a tile's sums, adds the residual, clamps, and writes the output's values. It is a separate function
/// because the tile's sums need all registers.
@inline(never) private func finish<Sums: LowPrecisionColumns>(
    _ p: LowPrecisionPanel, _ row: Int, _ count: Int, _ sums: Sums.Type
) {
    switch p.outputKind {
    case .uint8: finish(p, row, count, sums, ByteAccess.self)
    case .bfloat16: finish(p, row, count, sums, BFloat16Access.self)
    case .roundedFloat32: finish(p, row, count, sums, RoundedAccess.self)
    case .float32: finish(p, row, count, sums, FloatAccess.self)
    }
}

@inline(__always) private func finish<Sums: LowPrecisionColumns, Output: StorageAccess>(
    _ p: LowPrecisionPanel, _ row: Int, _ count: Int, _ sums: Sums.Type, _ output: Output.Type
) {
    let lowest = Vector(repeating: p.lowest), highest = Vector(repeating: p.highest)
    for vector in 0..<Sums.vectors {
        let channel = vector &* lanes, width = min(lanes, p.channels &- channel)
        for pixel in 0..<count {
            let sum = p.sums + (pixel &* Sums.vectors &+ vector) &* lanes &* 4
            var value = Sums.P.value(sum, p.factors + channel, p.bias + channel)
            if let residual = p.residual, let offsets = p.residualOffsets {
                let place = residual + Int(offsets[row &+ pixel]) + channel &* size(of: p.residualKind)
                value += read(place, p.residualKind) * Vector(repeating: p.residualFactor)
            }
            let place = p.output + Int(p.outputOffsets[row &+ pixel]) + channel &* Output.size
            Output.write(clamp(value, lowest, highest), place, count: width)
        }
    }
}

enum BytePairs: Product {
    static var pixelStep: Int { 4 }
    static var weightStep: Int { 4 &* lanes }
    @inline(__always) static func factor(_ p: UnsafeRawPointer) -> IntVector {
        IntVector(repeating: p.loadUnaligned(as: Int32.self)) ^ IntVector(repeating: flippedBits)
    }
    @inline(__always) static func weights(_ p: UnsafeRawPointer) -> IntVector {
        p.loadUnaligned(as: IntVector.self)
    }
    @inline(__always) static func start(_ p: UnsafeRawPointer) -> IntVector {
        flippedBits == 0 ? IntVector(repeating: 0) : p.loadUnaligned(as: IntVector.self)
    }
    @inline(__always) static func accumulate(_ sum: inout IntVector, _ x: IntVector, _ weights: IntVector) {
        sum = dot(sum, x, weights)
    }
    @inline(__always) static func value(
        _ sum: UnsafeRawPointer, _ factors: UnsafePointer<Float>, _ bias: UnsafePointer<Float>
    ) -> Vector {
        floats(sum.loadUnaligned(as: IntVector.self)) * load(factors) + load(bias)
    }
}

enum RoundedPairs: Product {
    static var pixelStep: Int { 8 }
    static var weightStep: Int { 8 &* lanes }
    @inline(__always) static func factor(_ p: UnsafeRawPointer) -> (Float, Float) {
        (p.load(fromByteOffset: 4, as: Float.self), p.load(as: Float.self))
    }
    @inline(__always) static func weights(_ p: UnsafeRawPointer) -> (Vector, Vector) {
        (p.loadUnaligned(as: Vector.self), p.loadUnaligned(fromByteOffset: 4 &* lanes, as: Vector.self))
    }
    @inline(__always) static func start(_ p: UnsafeRawPointer) -> Vector { p.loadUnaligned(as: Vector.self) }
    @inline(__always) static func accumulate(
        _ sum: inout Vector, _ x: (Float, Float), _ weights: (Vector, Vector)
    ) {
        sum.accumulate(Vector(repeating: x.0), weights.0)
        sum.accumulate(Vector(repeating: x.1), weights.1)
    }
    @inline(__always) static func value(
        _ sum: UnsafeRawPointer, _ factors: UnsafePointer<Float>, _ bias: UnsafePointer<Float>
    ) -> Vector {
        sum.loadUnaligned(as: Vector.self)
    }
}
