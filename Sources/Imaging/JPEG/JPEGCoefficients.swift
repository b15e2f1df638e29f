#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The coefficients of an image in several scans.
final class JPEGCoefficients {
    /// The coefficients of one component, in blocks of whole MCUs, `[down, across]`.
    struct Plane {
        let across, down: Int
        /// The AC coefficients, 64 per block in natural order; the first of each is unused.
        let blocks: UnsafeMutablePointer<Int16>
        /// The DC coefficient of each block, separate because DC scans and smoothing access only these.
        let dc: UnsafeMutablePointer<Int16>
        /// Per block, the zigzag positions of AC coefficients that may be nonzero, as a bit mask; a block
        /// without any is not read.
        let masks: UnsafeMutablePointer<UInt64>
    }

    /// The planes, in zero-initialized memory: pages that no scan touches take no memory.
    private(set) var planes: [Plane] = []

    /// Returns the bytes that the coefficients take: 69 16-bit numbers per block.
    static func bytes(_ frame: JPEGFrame) -> Int {
        138 * frame.components.reduce(0) { $0 + $1.paddedAcross * $1.paddedDown }
    }

    init(_ frame: JPEGFrame) throws(ImageError) {
        let bytes = Self.bytes(frame)
        for component in frame.components {
            let count = component.paddedAcross * component.paddedDown
            // Transforms read four blocks at a time, so three unused ones follow the last.
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
