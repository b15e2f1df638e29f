#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The coefficients of a picture in several scans.
final class JPEGCoefficients {
    /// Those of one component, in blocks of whole MCUs: `[down, across]`.
    struct Plane {
        let across, down: Int
        /// 64 a block, in natural order; the first is not kept here.
        let blocks: UnsafeMutablePointer<Int16>
        /// The first coefficient of each block. Scans of DC alone, and smoothing, pass over these only.
        let dc: UnsafeMutablePointer<Int16>
        /// Of each block, by zigzag position, which of the other coefficients may be other than zero; a block without any is not read.
        let masks: UnsafeMutablePointer<UInt64>
    }

    let planes: [Plane]

    init(_ frame: JPEGFrame, maximumBytes: Int) throws(ImageError) {
        let bytes = 138 * frame.components.reduce(0) { $0 + $1.paddedAcross * $1.paddedDown }
        guard bytes <= maximumBytes else { throw .overLimit(what: "bytes", declared: bytes, limit: maximumBytes) }
        planes = frame.components.map { component in
            let count = component.paddedAcross * component.paddedDown
            // The system hands out zeros: what no scan touches takes no memory.
            func zeros<T>(_ count: Int, _: T.Type) -> UnsafeMutablePointer<T> {
                guard let memory = calloc(count, MemoryLayout<T>.stride) else { fatalError("out of memory") }
                return memory.bindMemory(to: T.self, capacity: count)
            }
            return Plane(
                across: component.paddedAcross, down: component.paddedDown, blocks: zeros(64 * count, Int16.self),
                dc: zeros(count, Int16.self), masks: zeros(count, UInt64.self))
        }
    }

    deinit {
        for plane in planes {
            free(plane.blocks)
            free(plane.dc)
            free(plane.masks)
        }
    }
}
