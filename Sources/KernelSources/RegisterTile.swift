// The sums of a few pixels times a few vectors of channels, held in registers. Tiles are composed from
// smaller ones at compile time, so that one source yields the tile that fits each instruction set.

/// Vectors of neighbouring channels, either sums or weights.
protocol Columns {
    static var vectors: Int { get }
    static var zero: Self { get }
    init(reading p: UnsafePointer<Float>)
    /// Reads vectors that are `distance` floats apart.
    init(reading p: UnsafePointer<Float>, distance: Int)
    /// Reads `channels` floats, fewer than the vectors hold; the rest is zero.
    init(reading p: UnsafePointer<Float>, channels: Int)
    func write(_ p: UnsafeMutablePointer<Float>)
    func write(_ p: UnsafeMutablePointer<Float>, channels: Int)
    mutating func accumulate(_ x: Vector, _ weights: Self)
    /// Multiplies each channel by a weight of its own and adds the products.
    mutating func accumulate(_ x: Self, _ weights: Self)
    mutating func add(_ other: Self)
    mutating func restrict(_ lowest: Vector, _ highest: Vector)
}

struct OneVector: Columns {
    private var a: Vector
    static var vectors: Int { 1 }
    @inline(__always) static var zero: OneVector { OneVector(a: .zero) }
    @inline(__always) private init(a: Vector) { self.a = a }
    @inline(__always) init(reading p: UnsafePointer<Float>) { a = load(p) }
    @inline(__always) init(reading p: UnsafePointer<Float>, distance: Int) { a = load(p) }
    @inline(__always) init(reading p: UnsafePointer<Float>, channels: Int) { a = loadFirst(channels, p) }
    @inline(__always) func write(_ p: UnsafeMutablePointer<Float>) { store(a, p) }
    @inline(__always) func write(_ p: UnsafeMutablePointer<Float>, channels: Int) {
        storeFirst(channels, a, p)
    }
    @inline(__always) mutating func accumulate(_ x: Vector, _ weights: OneVector) {
        a.accumulate(x, weights.a)
    }
    @inline(__always) mutating func accumulate(_ x: OneVector, _ weights: OneVector) {
        a.accumulate(x.a, weights.a)
    }
    @inline(__always) mutating func add(_ other: OneVector) { a += other.a }
    @inline(__always) mutating func restrict(_ lowest: Vector, _ highest: Vector) {
        a = clamp(a, lowest, highest)
    }
}

struct TwoVectors: Columns {
    private var a, b: Vector
    static var vectors: Int { 2 }
    @inline(__always) static var zero: TwoVectors { TwoVectors(a: .zero, b: .zero) }
    @inline(__always) private init(a: Vector, b: Vector) { (self.a, self.b) = (a, b) }
    @inline(__always) init(reading p: UnsafePointer<Float>) { (a, b) = (load(p), load(p + lanes)) }
    @inline(__always) init(reading p: UnsafePointer<Float>, distance: Int) {
        (a, b) = (load(p), load(p + distance))
    }
    @inline(__always) init(reading p: UnsafePointer<Float>, channels: Int) {
        (a, b) = (load(p), loadFirst(channels &- lanes, p + lanes))
    }
    @inline(__always) func write(_ p: UnsafeMutablePointer<Float>) { store(a, p); store(b, p + lanes) }
    @inline(__always) func write(_ p: UnsafeMutablePointer<Float>, channels: Int) {
        store(a, p)
        storeFirst(channels &- lanes, b, p + lanes)
    }
    @inline(__always) mutating func accumulate(_ x: Vector, _ weights: TwoVectors) {
        a.accumulate(x, weights.a)
        b.accumulate(x, weights.b)
    }
    @inline(__always) mutating func accumulate(_ x: TwoVectors, _ weights: TwoVectors) {
        a.accumulate(x.a, weights.a)
        b.accumulate(x.b, weights.b)
    }
    @inline(__always) mutating func add(_ other: TwoVectors) { a += other.a; b += other.b }
    @inline(__always) mutating func restrict(_ lowest: Vector, _ highest: Vector) {
        (a, b) = (clamp(a, lowest, highest), clamp(b, lowest, highest))
    }
}

/// The sums for several pixels.
protocol Rows {
    associatedtype Sums: Columns
    /// The address of the filter window for each pixel.
    associatedtype Places
    static var count: Int { get }
    static func places(_ image: UnsafePointer<Float>, _ offsets: UnsafePointer<Int32>) -> Places
    static func moved(_ places: Places, _ distance: Int) -> Places
    init(repeating sums: Sums)
    init(reading image: UnsafePointer<Float>, _ offsets: UnsafePointer<Int32>, channels: Int)
    func write(_ image: UnsafeMutablePointer<Float>, _ offsets: UnsafePointer<Int32>, channels: Int)
    mutating func accumulate(_ places: Places, _ k: Int, _ weights: Sums)
    mutating func add(_ other: Self)
    mutating func restrict(_ lowest: Vector, _ highest: Vector)
}

struct OneRow<Sums: Columns>: Rows {
    private var sums: Sums
    static var count: Int { 1 }
    @inline(__always) static func places(_ image: UnsafePointer<Float>, _ offsets: UnsafePointer<Int32>)
        -> UnsafePointer<Float>
    {
        image + Int(offsets[0])
    }
    @inline(__always) static func moved(_ places: UnsafePointer<Float>, _ distance: Int) -> UnsafePointer<
        Float
    > { places + distance }
    @inline(__always) init(repeating sums: Sums) { self.sums = sums }
    @inline(__always) init(
        reading image: UnsafePointer<Float>, _ offsets: UnsafePointer<Int32>, channels: Int
    ) {
        let p = image + Int(offsets[0])
        sums = channels == Sums.vectors &* lanes ? Sums(reading: p) : Sums(reading: p, channels: channels)
    }
    @inline(__always) func write(
        _ image: UnsafeMutablePointer<Float>, _ offsets: UnsafePointer<Int32>, channels: Int
    ) {
        let p = image + Int(offsets[0])
        if channels == Sums.vectors &* lanes { sums.write(p) } else { sums.write(p, channels: channels) }
    }
    @inline(__always) mutating func accumulate(_ places: UnsafePointer<Float>, _ k: Int, _ weights: Sums) {
        sums.accumulate(Vector(repeating: places[k]), weights)
    }
    @inline(__always) mutating func add(_ other: OneRow) { sums.add(other.sums) }
    @inline(__always) mutating func restrict(_ lowest: Vector, _ highest: Vector) {
        sums.restrict(lowest, highest)
    }
}

/// A tile that combines the pixels of two smaller ones.
struct Stack<A: Rows, B: Rows>: Rows where A.Sums == B.Sums {
    private var a: A, b: B
    static var count: Int { A.count &+ B.count }
    @inline(__always) static func places(
        _ image: UnsafePointer<Float>, _ offsets: UnsafePointer<Int32>
    ) -> (a: A.Places, b: B.Places) {
        (A.places(image, offsets), B.places(image, offsets + A.count))
    }
    @inline(__always) static func moved(_ places: (a: A.Places, b: B.Places), _ distance: Int) -> (
        a: A.Places, b: B.Places
    ) {
        (A.moved(places.a, distance), B.moved(places.b, distance))
    }
    @inline(__always) init(repeating sums: A.Sums) { (a, b) = (A(repeating: sums), B(repeating: sums)) }
    @inline(__always) init(
        reading image: UnsafePointer<Float>, _ offsets: UnsafePointer<Int32>, channels: Int
    ) {
        a = A(reading: image, offsets, channels: channels)
        b = B(reading: image, offsets + A.count, channels: channels)
    }
    @inline(__always) func write(
        _ image: UnsafeMutablePointer<Float>, _ offsets: UnsafePointer<Int32>, channels: Int
    ) {
        a.write(image, offsets, channels: channels)
        b.write(image, offsets + A.count, channels: channels)
    }
    @inline(__always) mutating func accumulate(
        _ places: (a: A.Places, b: B.Places), _ k: Int, _ weights: A.Sums
    ) {
        a.accumulate(places.a, k, weights)
        b.accumulate(places.b, k, weights)
    }
    @inline(__always) mutating func add(_ other: Stack) {
        a.add(other.a)
        b.add(other.b)
    }
    @inline(__always) mutating func restrict(_ lowest: Vector, _ highest: Vector) {
        a.restrict(lowest, highest)
        b.restrict(lowest, highest)
    }
}

typealias TwoRows<Sums: Columns> = Stack<OneRow<Sums>, OneRow<Sums>>
typealias FourRows<Sums: Columns> = Stack<TwoRows<Sums>, TwoRows<Sums>>
typealias SixRows<Sums: Columns> = Stack<FourRows<Sums>, TwoRows<Sums>>
typealias EightRows<Sums: Columns> = Stack<FourRows<Sums>, FourRows<Sums>>
typealias TwelveRows<Sums: Columns> = Stack<EightRows<Sums>, FourRows<Sums>>
