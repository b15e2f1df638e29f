import Kernels
import VectorOperations

/// Products of bfloat16 pairs by the VDPBF16PS instruction.
package func convolveBFloat16(_ panel: UnsafePointer<LowPrecisionPanel>) {
    let p = panel.pointee, state = vector_ignore_denormals()
    if p.channels > lanes {
        allRows(p, TwoLowPrecisionColumns<BFloat16Pairs>.self)
    } else {
        allRows(p, OneLowPrecisionColumn<BFloat16Pairs>.self)
    }
    vector_restore_denormals(state)
}

enum BFloat16Pairs: Product {
    static var pixelStep: Int { 4 }
    static var weightStep: Int { 4 &* lanes }
    @inline(__always) static func factor(_ p: UnsafeRawPointer) -> IntVector {
        IntVector(repeating: p.loadUnaligned(as: Int32.self))
    }
    @inline(__always) static func weights(_ p: UnsafeRawPointer) -> IntVector {
        p.loadUnaligned(as: IntVector.self)
    }
    @inline(__always) static func start(_ p: UnsafeRawPointer) -> Vector { p.loadUnaligned(as: Vector.self) }
    @inline(__always) static func accumulate(_ sum: inout Vector, _ x: IntVector, _ weights: IntVector) {
        sum = vector_dot_bfloat16_16(sum, x, weights)
    }
    @inline(__always) static func value(
        _ sum: UnsafeRawPointer, _ factors: UnsafePointer<Float>, _ bias: UnsafePointer<Float>
    ) -> Vector {
        sum.loadUnaligned(as: Vector.self)
    }
}
