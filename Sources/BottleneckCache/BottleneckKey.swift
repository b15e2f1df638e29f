import Compression

/// The key of a cached vector: the image's bytes and the way in which the network processed them.
package struct BottleneckKey: Hashable, Sendable {
    /// The digest of the image file's bytes, so that a moved or renamed file is found again and an edited one
    /// is not.
    package var image: SHA256.Digest
    package var fingerprint: Fingerprint

    package init(image: SHA256.Digest, fingerprint: Fingerprint) {
        (self.image, self.fingerprint) = (image, fingerprint)
    }

    /// A digest of everything besides the image that determines the vector's bits.
    package struct Fingerprint: Hashable, Sendable {
        package var digest: SHA256.Digest

        /// - Parameter description: The network's digest, taps, preprocessing, precision and the like, in any
        ///   fixed wording.
        package init(_ description: String) { digest = SHA256.hash(Array(description.utf8)) }
    }
}

/// A key as the eight 32-bit words of each of its digests, as records and the index hold it.
struct StoredKey: Hashable, Sendable {
    var image, fingerprint: SIMD8<UInt32>

    init(_ key: BottleneckKey) { (image, fingerprint) = (key.image.words, key.fingerprint.digest.words) }

    /// Reads the 64 bytes at an offset.
    init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        (image, fingerprint) = (SIMD8(), SIMD8())
        for i in 0..<8 {
            image[i] = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 4 * i, as: UInt32.self))
            fingerprint[i] = UInt32(
                bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 32 + 4 * i, as: UInt32.self))
        }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for words in [image, fingerprint] {
            for i in 0..<8 { bytes.append(littleEndian: words[i].byteSwapped) }
        }
        return bytes
    }

    // Any word of a SHA-256 digest is uniformly distributed, so one of each suffices.
    func hash(into hasher: inout Hasher) {
        hasher.combine(image[0])
        hasher.combine(fingerprint[0])
    }
}
