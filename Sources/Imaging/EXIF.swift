/// Reads the orientation from EXIF metadata.
package enum EXIF {
    /// Returns the orientation, 1...8, in a TIFF structure; 1 if it is missing or invalid.
    package static func orientation(of bytes: UnsafeRawBufferPointer) -> Int {
        storedOrientation(of: bytes) ?? 1
    }

    /// Returns the orientation, 1...8, in a TIFF structure; nil if it is missing or invalid.
    ///
    /// - Source: TIFF 6.0 §2, tag 0x0112 of the first image file directory.
    static func storedOrientation(of bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 14 else { return nil }
        let isLittleEndian: Bool
        switch (bytes[0], bytes[1]) {
        case (0x49, 0x49): isLittleEndian = true
        case (0x4D, 0x4D): isLittleEndian = false
        default: return nil
        }
        func short(_ at: Int) -> Int {
            isLittleEndian
                ? Int(bytes[at]) | Int(bytes[at + 1]) << 8 : Int(bytes[at]) << 8 | Int(bytes[at + 1])
        }
        func long(_ at: Int) -> Int {
            isLittleEndian ? short(at) | short(at + 2) << 16 : short(at) << 16 | short(at + 2)
        }
        guard short(2) == 42 else { return nil }
        let directory = long(4)
        guard directory + 2 <= bytes.count else { return nil }
        for entry in 0..<short(directory) {
            let at = directory + 2 + 12 * entry
            guard at + 12 <= bytes.count else { return nil }
            if short(at) == 0x0112 {
                // The value is one SHORT, but some writers store a LONG.
                let value = short(at + 2) == 4 ? long(at + 8) : short(at + 8)
                return (1...8).contains(value) ? value : nil
            }
        }
        return nil
    }
}
