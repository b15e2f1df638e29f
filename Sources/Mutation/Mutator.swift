import Compression

/// Generates damaged files deterministically from a seed, in ways that typically break decoders.
///
/// It does not use coverage feedback, so that a number identifies the same file in a test of one second and
/// in a run of a night.
package struct Mutator: Sendable {
    private let seed: UInt64
    private let corpus: [[UInt8]]
    private let dictionary: [[UInt8]]

    /// - Parameters:
    ///   - seed: The seed.
    ///   - corpus: At least one file. Embedded streams and EXIF directories are added as separate inputs.
    ///   - dictionary: Byte strings that are inserted.
    package init(seed: UInt64, corpus: [[UInt8]], dictionary: [[UInt8]]) {
        precondition(!corpus.isEmpty)
        (self.seed, self.dictionary) = (seed, dictionary)
        self.corpus = corpus + corpus.enumerated().flatMap { index, file in Self.pieces(file, index) }
    }

    /// Extracts inputs for inflate and the EXIF reader from every eighth file: a zlib stream, also raw and as
    /// gzip, and a TIFF structure.
    private static func pieces(_ file: [UInt8], _ index: Int) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        let zlib = PNGSurgery.packedImageData(file)
        if index % 8 == 0, zlib.count > 6 {
            let bare = Array(zlib[2..<(zlib.count - 4)])
            pieces += [
                zlib, bare, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255] + bare + [0, 0, 0, 0, 0, 0, 0, 0],
            ]
        }
        for start in [[0x49, 0x49, 42, 0], [0x4d, 0x4d, 0, 42]] as [[UInt8]] {
            if let found = file.firstRange(of: start) {
                pieces.append(Array(file[found.lowerBound...].prefix(256)))
            }
        }
        return pieces
    }

    /// Returns the mutated file with a number; files are independent of each other.
    package func file(_ number: Int) -> [UInt8] {
        var random = SplitMix64(state: seed &+ UInt64(truncatingIfNeeded: number) &* 0xd134_2543_de82_ef95)
        var bytes = corpus.randomElement(using: &random) ?? []
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1:
            guard var raw = PNGSurgery.imageData(bytes) else { fallthrough }
            // This mutation passes the checksums and the compression and reaches filters and rows.
            mutate(&raw, &random)
            bytes = PNGSurgery.replacingImageData(of: bytes, with: raw)
        case 2: splice(&bytes, &random)
        case 3:
            splice(&bytes, &random)
            mutate(&bytes, &random)
        default: mutate(&bytes, &random)
        }
        // A wrong checksum stops most PNG decoding at once, and what lies beyond the declared size of a WebP is
        // ignored, so both are usually corrected.
        if Int.random(in: 0..<8, using: &random) > 0 {
            PNGSurgery.fixChecksums(&bytes)
            RIFFSurgery.fixSize(&bytes)
        }
        return bytes
    }

    /// Drops, duplicates or moves a segment, or inserts one from another file.
    private func splice(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        var pieces = FileSegments.split(bytes)
        let at = Int.random(in: 0..<pieces.count, using: &random)
        let to = Int.random(in: 0...pieces.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: pieces.remove(at: at)
        case 1: pieces.insert(pieces[at], at: to)
        case 2: pieces.swapAt(at, Int.random(in: 0..<pieces.count, using: &random))
        default:
            let others = FileSegments.split(corpus.randomElement(using: &random) ?? [])
            if let piece = others.randomElement(using: &random) { pieces.insert(piece, at: to) }
        }
        bytes = Array(pieces.joined())
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        // One or two changes are most frequent, because many mask each other.
        let changes =
            1 + Int.random(in: 0..<64, using: &random).leadingZeroBitCount - 58
            + Int.random(in: 0..<2, using: &random)
        for _ in 0..<max(1, changes) { mutateOnce(&bytes, &random) }
    }

    private static let edges: [UInt64] = [
        0, 1, 2, 7, 8, 15, 16, 127, 128, 255, 256, 257, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff,
        0x8000_0000, 0xffff_ffff,
    ]

    private func mutateOnce(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &random)) }
        let at = place(bytes.count, &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 3:
            let (value, width) = (
                Self.edges.randomElement(using: &random) ?? 0, [1, 2, 4].randomElement(using: &random) ?? 1
            )
            let isBig = Bool.random(using: &random)
            for i in 0..<min(width, bytes.count - at) {
                bytes[at + i] = UInt8(truncatingIfNeeded: value >> UInt64(8 * (isBig ? width - 1 - i : i)))
            }
        case 4: bytes.removeSubrange(at...)
        case 5: bytes.removeSubrange(at..<min(bytes.count, at + length(&random)))
        case 6:
            let piece = Array(bytes[at..<min(bytes.count, at + length(&random))])
            bytes.insert(contentsOf: piece, at: place(bytes.count, &random))
        case 7:
            // This writes a segment of another file over or between the bytes.
            let other = corpus.randomElement(using: &random) ?? []
            guard !other.isEmpty else { return }
            let from = place(other.count, &random)
            let piece = other[from..<min(other.count, from + length(&random))]
            if Bool.random(using: &random) {
                bytes.insert(contentsOf: piece, at: at)
            } else {
                overwrite(&bytes, at, piece)
            }
        case 8:
            guard let token = dictionary.randomElement(using: &random) else { return }
            if Bool.random(using: &random) {
                bytes.insert(contentsOf: token, at: at)
            } else {
                overwrite(&bytes, at, token[...])
            }
        default:
            let fill: UInt8 = Bool.random(using: &random) ? 0 : 255
            for i in at..<min(bytes.count, at + length(&random)) { bytes[i] = fill }
        }
    }

    private func overwrite(_ bytes: inout [UInt8], _ at: Int, _ piece: ArraySlice<UInt8>) {
        for (i, byte) in piece.enumerated() where at + i < bytes.count { bytes[at + i] = byte }
    }

    /// Returns a random position; half of the time it is near the beginning, where the headers are.
    private func place(_ count: Int, _ random: inout SplitMix64) -> Int {
        Int.random(in: 0..<(Bool.random(using: &random) ? min(count, 64) : count), using: &random)
    }

    private func length(_ random: inout SplitMix64) -> Int {
        1 + Int.random(in: 0..<(1 << Int.random(in: 0..<10, using: &random)), using: &random)
    }
}

/// The SplitMix64 generator.
///
/// - Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
