/// A low-precision dot product of a few channels, and the conversion of its sums to floats.
protocol Product {
    associatedtype Sum: BitwiseCopyable
    associatedtype Factor
    associatedtype Weights
    /// The number of bytes of a pixel, and of a vector's weights, that one step takes.
    static var pixelStep: Int { get }
    static var weightStep: Int { get }
    static func factor(_ p: UnsafeRawPointer) -> Factor
    static func weights(_ p: UnsafeRawPointer) -> Weights
    /// Returns what the sums of a vector of channels start from.
    static func start(_ p: UnsafeRawPointer) -> Sum
    static func accumulate(_ sum: inout Sum, _ x: Factor, _ weights: Weights)
    static func value(_ sum: UnsafeRawPointer, _ factors: UnsafePointer<Float>, _ bias: UnsafePointer<Float>)
        -> Vector
}

/// The sums for neighbouring output channels; see `Columns`.
protocol LowPrecisionColumns {
    associatedtype P: Product
    associatedtype Weights
    static var vectors: Int { get }
    static func weights(_ p: UnsafeRawPointer) -> Weights
    init(_ starts: UnsafeRawPointer)
    mutating func accumulate(_ x: P.Factor, _ weights: Weights)
    func write(_ p: UnsafeMutableRawPointer)
}

struct OneLowPrecisionColumn<P: Product>: LowPrecisionColumns {
    private var a: P.Sum
    static var vectors: Int { 1 }
    @inline(__always) static func weights(_ p: UnsafeRawPointer) -> P.Weights { P.weights(p) }
    @inline(__always) init(_ starts: UnsafeRawPointer) { a = P.start(starts) }
    @inline(__always) mutating func accumulate(_ x: P.Factor, _ weights: P.Weights) {
        P.accumulate(&a, x, weights)
    }
    @inline(__always) func write(_ p: UnsafeMutableRawPointer) { p.storeBytes(of: a, as: P.Sum.self) }
}

struct TwoLowPrecisionColumns<P: Product>: LowPrecisionColumns {
    private var a, b: P.Sum
    static var vectors: Int { 2 }
    @inline(__always) static func weights(_ p: UnsafeRawPointer) -> (P.Weights, P.Weights) {
        (P.weights(p), P.weights(p + P.weightStep))
    }
    @inline(__always) init(_ starts: UnsafeRawPointer) {
        (a, b) = (P.start(starts), P.start(starts + 4 &* lanes))
    }
    @inline(__always) mutating func accumulate(_ x: P.Factor, _ weights: (P.Weights, P.Weights)) {
        P.accumulate(&a, x, weights.0)
        P.accumulate(&b, x, weights.1)
    }
    @inline(__always) func write(_ p: UnsafeMutableRawPointer) {
        p.storeBytes(of: a, as: P.Sum.self)
        p.storeBytes(of: b, toByteOffset: 4 &* lanes, as: P.Sum.self)
    }
}

/// The sums for several pixels; see `Rows`.
protocol LowPrecisionRows {
    associatedtype Sums: LowPrecisionColumns
    associatedtype Places
    static var count: Int { get }
    static func places(_ image: UnsafeRawPointer, _ offsets: UnsafePointer<Int32>) -> Places
    static func moved(_ places: Places, _ distance: Int) -> Places
    init(_ starts: UnsafeRawPointer)
    mutating func accumulate(_ places: Places, _ k: Int, _ weights: Sums.Weights)
    /// Writes the sums as `[count, Sums.vectors, lanes]`.
    func write(_ p: UnsafeMutableRawPointer)
}

struct LowPrecisionRow<Sums: LowPrecisionColumns>: LowPrecisionRows {
    private var sums: Sums
    static var count: Int { 1 }
    @inline(__always) static func places(_ image: UnsafeRawPointer, _ offsets: UnsafePointer<Int32>)
        -> UnsafeRawPointer
    {
        image + Int(offsets[0])
    }
    @inline(__always) static func moved(_ places: UnsafeRawPointer, _ distance: Int) -> UnsafeRawPointer {
        places + distance
    }
    @inline(__always) init(_ starts: UnsafeRawPointer) { sums = Sums(starts) }
    @inline(__always) mutating func accumulate(_ places: UnsafeRawPointer, _ k: Int, _ weights: Sums.Weights)
    {
        sums.accumulate(Sums.P.factor(places + k), weights)
    }
    @inline(__always) func write(_ p: UnsafeMutableRawPointer) { sums.write(p) }
}

/// A tile that combines the pixels of two smaller ones.
struct LowPrecisionStack<A: LowPrecisionRows, B: LowPrecisionRows>: LowPrecisionRows where A.Sums == B.Sums {
    typealias Sums = A.Sums
    private var a: A, b: B
    static var count: Int { A.count &+ B.count }
    @inline(__always) static func places(_ image: UnsafeRawPointer, _ offsets: UnsafePointer<Int32>) -> (
        a: A.Places, b: B.Places
    ) {
        (A.places(image, offsets), B.places(image, offsets + A.count))
    }
    @inline(__always) static func moved(_ places: (a: A.Places, b: B.Places), _ distance: Int) -> (
        a: A.Places, b: B.Places
    ) {
        (A.moved(places.a, distance), B.moved(places.b, distance))
    }
    @inline(__always) init(_ starts: UnsafeRawPointer) { (a, b) = (A(starts), B(starts)) }
    @inline(__always) mutating func accumulate(
        _ places: (a: A.Places, b: B.Places), _ k: Int, _ weights: A.Sums.Weights
    ) {
        a.accumulate(places.a, k, weights)
        b.accumulate(places.b, k, weights)
    }
    @inline(__always) func write(_ p: UnsafeMutableRawPointer) {
        a.write(p)
        b.write(p + A.count &* Sums.vectors &* lanes &* 4)
    }
}

typealias TwoLowPrecisionRows<Sums: LowPrecisionColumns> = LowPrecisionStack<
    LowPrecisionRow<Sums>, LowPrecisionRow<Sums>
>
typealias FourLowPrecisionRows<Sums: LowPrecisionColumns> = LowPrecisionStack<
    TwoLowPrecisionRows<Sums>, TwoLowPrecisionRows<Sums>
>
typealias SixLowPrecisionRows<Sums: LowPrecisionColumns> = LowPrecisionStack<
    FourLowPrecisionRows<Sums>, TwoLowPrecisionRows<Sums>
>
typealias EightLowPrecisionRows<Sums: LowPrecisionColumns> = LowPrecisionStack<
    FourLowPrecisionRows<Sums>, FourLowPrecisionRows<Sums>
>
typealias TwelveLowPrecisionRows<Sums: LowPrecisionColumns> = LowPrecisionStack<
    EightLowPrecisionRows<Sums>, FourLowPrecisionRows<Sums>
>
