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

    /// The system hands out zeros: what no scan touches takes no memory.
    private(set) var planes: [Plane] = []

    /// What they take: 69 numbers of 16 bits a block.
    static func bytes(_ frame: JPEGFrame) -> Int {
        138 * frame.components.reduce(0) { $0 + $1.paddedAcross * $1.paddedDown }
    }

    init(_ frame: JPEGFrame) throws(ImageError) {
        let bytes = Self.bytes(frame)
        for component in frame.components {
            let count = component.paddedAcross * component.paddedDown
            // Transforms take four blocks at a time, and three that do not matter at the end.
            let blocks = calloc(64 * (count + 3), MemoryLayout<Int16>.stride),
                dc = calloc(count, MemoryLayout<Int16>.stride)
            let masks = calloc(count, MemoryLayout<UInt64>.stride)
            guard let blocks, let dc, let masks else {
                for memory in [blocks, dc, masks] { free(memory) }
                throw .outOfMemory(bytes: bytes)
            }
            planes.append(
                Plane(
                    across: component.paddedAcross, down: component.paddedDown,
                    blocks: blocks.assumingMemoryBound(to: Int16.self),
                    dc: dc.assumingMemoryBound(to: Int16.self),
                    masks: masks.assumingMemoryBound(to: UInt64.self)))
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
