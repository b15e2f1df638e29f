/// A `ProgramTable` reads the integers of an instruction. They lie among the codes of a program, which no
/// instruction writes, as little-endian numbers of 32 bits.
struct ProgramTable {
    private let bytes: UnsafeRawPointer

    /// - Parameters:
    ///   - codes: The codes of the program.
    ///   - offset: The offset of the first integer, in bytes.
    init(_ codes: UnsafePointer<UInt8>, at offset: Int32) {
        bytes = UnsafeRawPointer(codes) + Int(offset)
    }

    subscript(index: Int) -> Int { Int(integer(index)) }

    func integer(_ index: Int) -> Int32 {
        bytes.loadUnaligned(fromByteOffset: 4 &* index, as: Int32.self)
    }
}

/// A `PlacedLoop` iterates over up to four tensors of one shape, whose values may lie at any distances.
///
/// Its table holds the number of axes, the offset of each operand's first value in the block, and for each axis
/// its size and the operands' strides along it, in floats.
package struct PlacedLoop {
    private let table: ProgramTable

    init(_ table: ProgramTable) { self.table = table }

    /// The number of operands that a table has room for.
    package static let operands = 4
    private static let first = 1 + operands, perAxis = 1 + operands

    /// Returns the integers of a loop.
    ///
    /// - Parameters:
    ///   - offsets: The offset of each operand's first value.
    ///   - sizes: The sizes of the axes.
    ///   - strides: The operands' strides along each axis.
    package static func integers(offsets: [Int], sizes: [Int], strides: [[Int]]) -> [Int32] {
        func whole(_ numbers: [Int]) -> [Int32] {
            (0..<operands).map { Int32($0 < numbers.count ? numbers[$0] : 0) }
        }
        return [Int32(sizes.count)] + whole(offsets)
            + zip(sizes, strides).flatMap { [Int32($0)] + whole($1) }
    }

    /// Returns the size of a table in bytes.
    static func byteCount(axes: Int64) -> Int64 { 4 &* (Int64(first) + axes &* Int64(perAxis)) }

    var axes: Int { table[0] }
    func offset(_ operand: Int) -> Int { table[1 &+ operand] }
    func size(_ axis: Int) -> Int { table[Self.first &+ axis &* Self.perAxis] }
    func stride(_ operand: Int, along axis: Int) -> Int {
        table[Self.first &+ axis &* Self.perAxis &+ 1 &+ operand]
    }

    /// Returns the number of positions along the first axes.
    func count(ofFirst axes: Int) -> Int {
        var count = 1
        for axis in 0..<axes { count &*= size(axis) }
        return count
    }

    /// Returns the operands' offsets at a position along the first axes, the last of which varies fastest.
    func place(_ index: Int, ofFirst axes: Int) -> (first: Int, second: Int, third: Int, fourth: Int) {
        var place = (first: offset(0), second: offset(1), third: offset(2), fourth: offset(3)), left = index
        var axis = axes &- 1
        while axis >= 0 {
            let size = size(axis), step = left % size
            left /= size
            place.first &+= step &* stride(0, along: axis)
            place.second &+= step &* stride(1, along: axis)
            place.third &+= step &* stride(2, along: axis)
            place.fourth &+= step &* stride(3, along: axis)
            axis &-= 1
        }
        return place
    }
}

/// A `PlacedSelection` takes positions along each axis of a tensor.
///
/// Its table holds the number of axes, the offsets of the input's and the output's first values in the block, the size
/// and the output's stride of each axis, and, for each position of each axis, the distance from the input's first
/// value, in floats; −1 where there is no value.
package struct PlacedSelection {
    private let table: ProgramTable

    init(_ table: ProgramTable) { self.table = table }

    /// Returns the integers of a selection.
    ///
    /// - Parameters:
    ///   - input: The offset of the input's first value.
    ///   - output: The offset of the output's first value.
    ///   - strides: The output's strides.
    ///   - distances: The distances of the positions, for each axis.
    package static func integers(input: Int, output: Int, strides: [Int], distances: [[Int]]) -> [Int32] {
        [Int32(distances.count), Int32(input), Int32(output)]
            + zip(distances, strides).flatMap { [Int32($0.count), Int32($1)] }
            + distances.flatMap { $0.map { Int32($0) } }
    }

    static let fixed = 3, perAxis = 2

    var axes: Int { table[0] }
    var input: Int { table[1] }
    var output: Int { table[2] }
    func size(_ axis: Int) -> Int { table[Self.fixed &+ axis &* Self.perAxis] }
    func outputStride(_ axis: Int) -> Int { table[Self.fixed &+ axis &* Self.perAxis &+ 1] }
    /// Returns an entry of the distances of all axes, one after another.
    func distance(_ index: Int) -> Int { table[Self.fixed &+ axes &* Self.perAxis &+ index] }
}

/// `PlacedTaps` are the resizing of one axis: each pixel of the result is a sum of the same number of pixels.
///
/// Their table holds this number, the places of the pixels, `[size, taps]`, and the bits of their weights.
package struct PlacedTaps {
    private let table: ProgramTable
    private let size: Int

    /// - Parameter size: The size of the result's axis.
    init(_ table: ProgramTable, size: Int) { (self.table, self.size) = (table, size) }

    /// Returns the integers of the resizing of an axis.
    ///
    /// - Parameters:
    ///   - taps: The number of pixels in a sum.
    ///   - places: The places of the pixels, `[size, taps]`.
    ///   - weights: Their weights.
    package static func integers(taps: Int, places: [Int32], weights: [Float]) -> [Int32] {
        [Int32(taps)] + places + weights.map { Int32(bitPattern: $0.bitPattern) }
    }

    var taps: Int { table[0] }
    func place(_ index: Int) -> Int { table[1 &+ index] }
    func weight(_ index: Int) -> Float {
        Float(bitPattern: UInt32(bitPattern: table.integer(1 &+ size &* taps &+ index)))
    }
}
