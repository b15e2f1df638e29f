import Compression

/// Containers of data sets and programs that have no signature at a fixed place. They often hold images, of which none
/// is what the file is.
extension ImageFormat {
    /// Returns the kind of a container; nil if it is none of these.
    static func container(_ bytes: UnsafeRawBufferPointer) -> ImageFormat? {
        if isRecordFile(bytes) { return ImageFormat("TensorFlow record or event file", isPicture: false) }
        if isPickle(bytes) { return ImageFormat("Python pickle", isPicture: false) }
        if isOldTar(bytes) { return ImageFormat("tar archive", isPicture: false) }
        if isDocument(bytes) { return ImageFormat("BSON document", isPicture: false) }
        return nil
    }

    /// Detects TFRecord and TensorBoard's event files by the checksum of the first record's length.
    private static func isRecordFile(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 12 else { return false }
        let length = UnsafeRawBufferPointer(rebasing: bytes[..<8])
        return bytes.littleEndian32(at: 8) == Int(CRC32C.masked(length))
    }

    /// Detects a pickle of protocol 2 or later, which begins with its protocol and ends with STOP.
    private static func isPickle(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 3, bytes[0] == 0x80, (2...5).contains(bytes[1]) else { return false }
        // From protocol 4 on, the first frame's size follows; PyTorch's older files hold several pickles.
        return bytes.last == 0x2e || bytes[2] == 0x95 || bytes[2] == 0x8a
    }

    /// Detects a tar archive without the signature of POSIX by the checksum of its first header.
    private static func isOldTar(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 512, bytes[0] > 0x20 else { return false }
        var (sum, stored) = (0, 0)
        for (i, byte) in bytes[..<512].enumerated() { sum += (148..<156).contains(i) ? 0x20 : Int(byte) }
        for byte in bytes[148..<156] where (0x30...0x37).contains(byte) {
            stored = stored * 8 + Int(byte - 0x30)
        }
        return sum == stored
    }

    /// Detects BSON by its size, which comes first, the type of its first element, and the final zero.
    private static func isDocument(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count > 12 && bytes.littleEndian32(at: 0) == bytes.count && (1...19).contains(bytes[4])
            && bytes.last == 0
    }
}
