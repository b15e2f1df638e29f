/// Inverse transforms of a block's lowest frequencies to 4 × 4, 2 × 2 or 1 sample, bit-exact with libjpeg
/// (jidctred.c).
extension JPEGTransform {
    static func reduced(
        _ block: UnsafePointer<Int16>, _ m: UnsafePointer<Int16>, size: Int,
        to output: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        switch size {
        case 4: reducedTo4(block, m, output, stride)
        case 2: reducedTo2(block, m, output, stride)
        default: flat(block[0], m[0], .accurate, size: 1, to: output, stride: stride)
        }
    }

    private static func sample(_ value: Int32, _ shift: Int32) -> UInt8 {
        UInt8(min(max(((value &+ 1 << (shift - 1)) >> shift) &+ 128, 0), 255))
    }

    private static func reducedTo4(
        _ block: UnsafePointer<Int16>, _ m: UnsafePointer<Int16>, _ output: UnsafeMutablePointer<UInt8>,
        _ stride: Int
    ) {
        func four(_ x: (Int) -> Int32) -> (Int32, Int32, Int32, Int32) {
            let even = x(0) &<< 14, e = x(2) &* 15137 &- x(6) &* 6270
            let high = even &+ e, low = even &- e
            let o0 = x(7) &* -1730 &+ x(5) &* 11893 &- x(3) &* 17799 &+ x(1) &* 8697
            let o2 = x(7) &* -4176 &- x(5) &* 4926 &+ x(3) &* 7373 &+ x(1) &* 20995
            return (high &+ o2, low &+ o0, low &- o0, high &- o2)
        }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 32) { work in
            for column in 0..<8 where column != 4 {
                let r = four { Int32(block[8 &* $0 &+ column] &* m[8 &* $0 &+ column]) }
                (work[column], work[8 + column]) = ((r.0 &+ 2048) >> 12, (r.1 &+ 2048) >> 12)
                (work[16 + column], work[24 + column]) = ((r.2 &+ 2048) >> 12, (r.3 &+ 2048) >> 12)
            }
            for row in 0..<4 {
                let r = four { work[8 * row + $0] }, line = output + row * stride
                (line[0], line[1], line[2], line[3]) = (
                    sample(r.0, 19), sample(r.1, 19), sample(r.2, 19), sample(r.3, 19)
                )
            }
        }
    }

    private static func reducedTo2(
        _ block: UnsafePointer<Int16>, _ m: UnsafePointer<Int16>, _ output: UnsafeMutablePointer<UInt8>,
        _ stride: Int
    ) {
        func two(_ x: (Int) -> Int32) -> (Int32, Int32) {
            let even = x(0) &<< 15
            let odd = x(7) &* -5906 &+ x(5) &* 6967 &- x(3) &* 10426 &+ x(1) &* 29692
            return (even &+ odd, even &- odd)
        }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 16) { work in
            for column in 0..<8 where column & 1 == 1 || column == 0 {
                let r = two { Int32(block[8 &* $0 &+ column] &* m[8 &* $0 &+ column]) }
                (work[column], work[8 + column]) = ((r.0 &+ 4096) >> 13, (r.1 &+ 4096) >> 13)
            }
            for row in 0..<2 {
                let r = two { work[8 * row + $0] }, line = output + row * stride
                (line[0], line[1]) = (sample(r.0, 20), sample(r.1, 20))
            }
        }
    }
}
