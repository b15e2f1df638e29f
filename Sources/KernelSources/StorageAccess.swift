import Kernels
import VectorOperations

/// A storage type that is read and written one vector at a time. Reading may go beyond the last channel,
/// writing does not.
protocol StorageAccess {
    static var size: Int { get }
    static func read(_ p: UnsafeRawPointer) -> Vector
    /// Writes the first `count` values, rounded to the storage type; 8-bit values require 0 to 255.
    static func write(_ v: Vector, _ p: UnsafeMutableRawPointer, count: Int)
}

enum ByteAccess: StorageAccess {
    static var size: Int { 1 }
    @inline(__always) static func read(_ p: UnsafeRawPointer) -> Vector {
        floats(p.loadUnaligned(as: ByteVector.self))
    }
    @inline(__always) static func write(_ v: Vector, _ p: UnsafeMutableRawPointer, count: Int) {
        put(bytes(v), p, count: count)
    }
}

enum FloatAccess: StorageAccess {
    static var size: Int { 4 }
    @inline(__always) static func read(_ p: UnsafeRawPointer) -> Vector { p.loadUnaligned(as: Vector.self) }
    @inline(__always) static func write(_ v: Vector, _ p: UnsafeMutableRawPointer, count: Int) {
        put(v, p, count: count)
    }
}

enum RoundedAccess: StorageAccess {
    static var size: Int { 4 }
    @inline(__always) static func read(_ p: UnsafeRawPointer) -> Vector { p.loadUnaligned(as: Vector.self) }
    @inline(__always) static func write(_ v: Vector, _ p: UnsafeMutableRawPointer, count: Int) {
        put(rounded(v), p, count: count)
    }
}

enum BFloat16Access: StorageAccess {
    static var size: Int { 2 }
    @inline(__always) static func read(_ p: UnsafeRawPointer) -> Vector {
        floats(p.loadUnaligned(as: HalfVector.self))
    }
    @inline(__always) static func write(_ v: Vector, _ p: UnsafeMutableRawPointer, count: Int) {
        put(bfloat16(rounded(v)), p, count: count)
    }
}

@inline(__always) private func put<Lanes: SIMD & BitwiseCopyable>(
    _ v: Lanes, _ p: UnsafeMutableRawPointer, count: Int
) {
    if count >= lanes {
        p.storeBytes(of: v, as: Lanes.self)
    } else {
        var v = v
        p.copyMemory(from: &v, byteCount: count &* (MemoryLayout<Lanes>.size / lanes))
    }
}

// MARK: - Of a kind that is known at run time only

@inline(__always) func size(of kind: StorageKind) -> Int {
    switch kind {
    case .uint8: 1
    case .bfloat16: 2
    case .float32, .roundedFloat32: 4
    }
}

@inline(__always) func read(_ p: UnsafeRawPointer, _ kind: StorageKind) -> Vector {
    switch kind {
    case .uint8: ByteAccess.read(p)
    case .bfloat16: BFloat16Access.read(p)
    case .float32, .roundedFloat32: FloatAccess.read(p)
    }
}

@inline(__always) func write(_ v: Vector, _ p: UnsafeMutableRawPointer, _ kind: StorageKind, count: Int) {
    switch kind {
    case .uint8: ByteAccess.write(v, p, count: count)
    case .bfloat16: BFloat16Access.write(v, p, count: count)
    case .roundedFloat32: RoundedAccess.write(v, p, count: count)
    case .float32: FloatAccess.write(v, p, count: count)
    }
}
