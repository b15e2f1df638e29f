/// A file of weights in Core ML's blob storage of version 2: a header of 64 bytes, then for each blob a
/// description of 64 bytes and its data, all aligned to 64 bytes.
///
/// - Source: https://github.com/apple/coremltools/blob/main/mlmodel/src/MILBlob/Blob/StorageFormat.hpp
struct MILBlob {
    private static let alignment = 64, version: UInt32 = 2, sentinel: UInt32 = 0xDEAD_BEEF

    /// A `BlobDataType`.
    private enum ElementType: UInt32 { case float16 = 1, float32 = 2, int8 = 4 }

    private var blobs: [UInt8] = []
    private var count: UInt32 = 0

    /// The bytes of the file.
    var bytes: [UInt8] {
        var file: [UInt8] = []
        file.reserveCapacity(Self.alignment + blobs.count)
        Self.append(count, to: &file)
        Self.append(Self.version, to: &file)
        file.append(contentsOf: repeatElement(0, count: Self.alignment - file.count))
        return file + blobs
    }

    /// Appends a blob.
    ///
    /// - Returns: The offset of its description in the file.
    mutating func append(_ halves: [UInt16]) -> Int {
        append(halves.withUnsafeBytes { [UInt8]($0) }, .float16)
    }
    mutating func append(_ floats: [Float]) -> Int {
        append(floats.withUnsafeBytes { [UInt8]($0) }, .float32)
    }
    mutating func append(_ codes: [Int8]) -> Int { append(codes.withUnsafeBytes { [UInt8]($0) }, .int8) }

    private mutating func append(_ data: [UInt8], _ type: ElementType) -> Int {
        pad()
        let place = Self.alignment + blobs.count
        Self.append(Self.sentinel, to: &blobs)
        Self.append(type.rawValue, to: &blobs)
        Self.append(UInt64(data.count), to: &blobs)
        Self.append(UInt64(place + Self.alignment), to: &blobs)
        pad()
        blobs += data
        count += 1
        return place
    }

    private mutating func pad() {
        blobs.append(contentsOf: repeatElement(0, count: (0 - blobs.count) & (Self.alignment - 1)))
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
