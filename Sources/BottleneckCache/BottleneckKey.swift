import Compression

/// What a cached vector is the answer to: these bytes, seen by this network in this way.
package struct BottleneckKey: Hashable, Sendable {
    /// The digest of the image file's bytes: a moved or renamed file is found again, an edited one is not.
    package var image: SHA256.Digest
    package var fingerprint: Fingerprint

    package init(image: SHA256.Digest, fingerprint: Fingerprint) {
        (self.image, self.fingerprint) = (image, fingerprint)
    }

    /// Everything besides the image that decides a vector's bits.
    package struct Fingerprint: Hashable, Sendable {
        package var digest: SHA256.Digest

        /// - Parameter description: network digest, taps, preprocessing, precision, … in any fixed wording.
        package init(_ description: String) { digest = SHA256.hash(Array(description.utf8)) }
    }
}

/// A key as records hold it and the index hashes it: the sixteen words of its two digests.
struct StoredKey: Hashable, Sendable {
    var image, fingerprint: SIMD8<UInt32>

    init(_ key: BottleneckKey) { (image, fingerprint) = (key.image.words, key.fingerprint.digest.words) }

    /// Reads 64 bytes.
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

    // SHA-256 is as good a hash as there is: any of its words will do.
    func hash(into hasher: inout Hasher) {
        hasher.combine(image[0])
        hasher.combine(fingerprint[0])
    }
}
