import Compression

/// The contents of a cache, read record by record without writing anything or creating the directory.
package struct CacheContents: Sendable {
    /// A vector's key: the digests of the image and the network in hexadecimal.
    package struct Key: Hashable, Sendable, CustomStringConvertible {
        package let image, network: String
        package var description: String { "\(image.prefix(12)) by network \(network.prefix(12))" }
    }

    package struct Vector: Equatable, Sendable {
        /// The number of elements.
        package let length: Int
        /// The SHA-256 digest of its bytes.
        package let digest: String
    }

    package private(set) var segments = 0
    package private(set) var vectors: [Key: Vector] = [:]
    /// The bottlenecks imported from retrain.py, by `folder/file`.
    package private(set) var imported: [String: Vector] = [:]
    /// The number of records that a newer record with the same key replaces.
    package private(set) var repeated = 0
    package private(set) var warnings: [CacheWarning] = []

    /// The first eight bytes of every segment.
    package static let segmentMagic = SegmentFormat.magic

    package static func isDirectory(_ path: String) -> Bool {
        ((try? namesInDirectory(BytePath(path))) ?? []).contains { isSegment($0) }
    }

    package init(directory: String) throws(CacheError) {
        let root = BytePath(directory)
        for name in try namesInDirectory(root) where Self.isSegment(name) { try add(root.appending(name)) }
    }

    package init(segment path: String) throws(CacheError) { try add(BytePath(path)) }

    private static func isSegment(_ name: [UInt8]) -> Bool {
        name.suffix(SegmentFormat.suffix.count).elementsEqual(SegmentFormat.suffix)
    }

    private mutating func add(_ path: BytePath) throws(CacheError) {
        let file = try OpenFile.forReading(path)
        var segment = Segment(path: path)
        segments += 1
        for entry in segment.scan(&warnings) {
            guard let record = try file.bytes(at: entry.offset, count: entry.size),
                record.withUnsafeBytes({ SegmentFormat.isIntact(record: $0) })
            else {
                warnings.append(.damaged(path: path.text, offset: entry.offset))
                continue
            }
            let payload = Array(record[SegmentFormat.recordHeaderSize..<(record.count - 4)])
            let kind = SegmentFormat.Kind(rawValue: entry.kind)
            switch kind {
            case .vector, .halves:
                let digests = entry.key.bytes
                let key = Key(
                    image: Self.hexadecimal(digests.prefix(32)), network: Self.hexadecimal(digests.suffix(32))
                )
                if vectors.updateValue(
                    Vector(
                        length: payload.count / (kind == .halves ? 2 : 4), digest: "\(SHA256.hash(payload))"),
                    forKey: key) != nil
                {
                    repeated += 1
                }
            case .imported:
                guard let bottleneck = BottleneckCache.bottleneck(payload) else { continue }
                imported["\(bottleneck.folder)/\(bottleneck.fileName)"] = Vector(
                    length: bottleneck.vector.count, digest: "\(SHA256.hash(payload))")
            case nil: continue
            }
        }
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension CacheWarning: CustomStringConvertible {
    package var description: String {
        switch self {
        case .damaged(let path, let offset): "\(path): damaged at byte \(offset)"
        case .tornTail(let path, let offset): "\(path): ends inside a record, at byte \(offset)"
        case .notASegment(let path): "\(path): is no segment"
        case .unreadable(let path, let code): "\(path): cannot be read (error \(code))"
        }
    }
}
