import Compression
import Synchronization

/// A persistent cache of bottleneck vectors, keyed by the image and by everything that determines the vector.
///
/// The cache is a directory of append-only segment files (`SegmentFormat`). Each process appends to a segment
/// of its own and reads all segments, so that any number of processes and machines can share a directory
/// without locks. A segment whose writer was killed is complete up to its last record. No process changes
/// another's segment, and other files in the directory are ignored.
///
/// ```swift
/// let cache = try BottleneckCache(directory: "bottlenecks")
/// let fingerprint = BottleneckKey.Fingerprint("efficientnet_lite0 3f9a… features 224 fp32")
/// let key = BottleneckKey(image: SHA256.hash(bytes), fingerprint: fingerprint)
/// let vector = try cache.vector(for: key) ?? compute()
/// try cache.insert(vector, for: key)
/// cache.close()
/// ```
/// All methods may be called from any thread.
package final class BottleneckCache: Sendable {
    package let directory: String
    private let root: BytePath
    private let state: Mutex<State>

    private struct State {
        var segments: [Segment] = []
        var known: Set<BytePath> = []
        var entries: [Place] = []
        /// The index in `entries` of each key's newest record; older records are linked from it.
        var index: [StoredKey: Int] = [:]
        var imported: [Place] = []
        var warnings: [CacheWarning] = []
        var readers: [Int: OpenFile] = [:]
        var writer: SegmentWriter
        var ownSegment: Int?
    }

    /// The location of a record, and the index of an older record with the same key.
    private struct Place {
        var segment, offset, size: Int
        var older: Int?
    }

    /// Opens a directory, creating it if needed, and lists the records of its segments.
    ///
    /// - Throws: `CacheError.system` if the directory cannot be created or listed.
    package init(directory: String) throws(CacheError) {
        self.directory = directory
        root = BytePath(directory)
        try createDirectory(root)
        var state = State(writer: SegmentWriter(directory: root))
        try Self.list(root, &state)
        self.state = Mutex(state)
    }

    deinit { close() }

    /// The number of distinct keys.
    package var count: Int { state.withLock { $0.index.count } }

    /// The segments and records that were skipped so far, while listing and in lookups.
    package var warnings: [CacheWarning] { state.withLock { $0.warnings } }

    /// Lists the records that other processes have added since.
    package func refresh() throws(CacheError) {
        try state.withLock { state throws(CacheError) in try Self.list(root, &state) }
    }

    package func contains(_ key: BottleneckKey) -> Bool { state.withLock { $0.index[StoredKey(key)] != nil } }

    /// Returns the vector for a key after verifying its checksum; nil if there is none or if all its records
    /// are damaged (see `warnings`).
    package func vector(for key: BottleneckKey) -> [Float]? {
        guard let bytes = record(for: StoredKey(key)) else { return nil }
        return bytes.withUnsafeBytes { record in
            let body = UnsafeRawBufferPointer(rebasing: record[..<(record.count - 4)])
            let isHalf = body.littleEndian(at: 4) == SegmentFormat.Kind.halves.rawValue
            return isHalf
                ? body.halves(from: SegmentFormat.recordHeaderSize)
                : body.floats(from: SegmentFormat.recordHeaderSize)
        }
    }

    /// Stores a vector; a known key keeps its vector.
    ///
    /// The record is written completely or not at all. A vector that is exact in half precision is stored in
    /// half the space.
    ///
    /// - Throws: `CacheError.system` if the disk is full or the directory is not writable; existing records
    ///   stay usable.
    package func insert(_ vector: [Float], for key: BottleneckKey) throws(CacheError) {
        guard !vector.isEmpty, vector.count <= SegmentFormat.largestPayload / 4 else {
            throw .unsupportedLength(vector.count)
        }
        if contains(key) { return }
        let key = StoredKey(key)
        let record: [UInt8]
        if vector.count % 2 == 0, let halves = HalfPrecision.exactBits(vector) {
            record = halves.map(\.littleEndian).withUnsafeBytes {
                SegmentFormat.record(.halves, key, payload: $0)
            }
        } else {
            record = vector.map { $0.bitPattern.littleEndian }.withUnsafeBytes {
                SegmentFormat.record(.vector, key, payload: $0)
            }
        }
        try state.withLock { state throws(CacheError) in
            let place = try Self.append(record, &state)
            Self.remember(place, key, &state)
        }
    }

    /// Finishes this process's segment; a later `insert` begins a new one.
    package func close() {
        state.withLock { state in
            if let own = state.ownSegment { state.segments[own].markScanned(to: state.writer.size) }
            state.writer.close()
            state.ownSegment = nil
            state.readers = [:]
        }
    }

    // MARK: - Records

    private static func list(_ root: BytePath, _ state: inout State) throws(CacheError) {
        let suffix = SegmentFormat.suffix
        for name in try namesInDirectory(root)
        where name.count > suffix.count && name.suffix(suffix.count).elementsEqual(suffix) {
            let path = root.appending(name)
            guard !state.known.contains(path), isRegularFile(path) else { continue }
            state.known.insert(path)
            state.segments.append(Segment(path: path))
        }
        for number in state.segments.indices where number != state.ownSegment {
            var warnings: [CacheWarning] = []
            let entries = state.segments[number].scan(&warnings)
            for warning in warnings where !state.warnings.contains(warning) { state.warnings.append(warning) }
            for entry in entries {
                let place = Place(segment: number, offset: entry.offset, size: entry.size)
                switch SegmentFormat.Kind(rawValue: entry.kind) {
                case .vector, .halves: remember(place, entry.key, &state)
                case .imported: state.imported.append(place)
                case nil: continue
                }
            }
        }
    }

    private static func remember(_ place: Place, _ key: StoredKey, _ state: inout State) {
        var place = place
        place.older = state.index[key]
        state.index[key] = state.entries.count
        state.entries.append(place)
    }

    private static func append(_ record: [UInt8], _ state: inout State) throws(CacheError) -> Place {
        let offset = try state.writer.append(record)
        let number: Int
        if let own = state.ownSegment {
            number = own
        } else if let path = state.writer.path {
            number = state.segments.count
            state.segments.append(Segment(path: path))
            state.known.insert(path)
            state.ownSegment = number
        } else {
            preconditionFailure("a writer that wrote has a file")
        }
        return Place(segment: number, offset: offset, size: record.count)
    }

    /// Returns the bytes of a key's newest intact record.
    private func record(for key: StoredKey) -> [UInt8]? {
        while true {
            guard
                let (number, place) = state.withLock({ state in
                    state.index[key].map { ($0, state.entries[$0]) }
                })
            else { return nil }
            if let bytes = read(place) { return bytes }
            state.withLock { state in
                // The record is damaged: an older one replaces it, unless another thread has already done so.
                if state.index[key] == number { state.index[key] = place.older }
            }
        }
    }

    /// Returns a record's bytes, or adds a warning and returns nil.
    private func read(_ place: Place) -> [UInt8]? {
        let (path, reader) = state.withLock { state in
            (state.segments[place.segment].path, state.readers[place.segment])
        }
        do throws(CacheError) {
            let file = if let reader { reader } else { try openReader(place.segment, path) }
            if let bytes = try file.bytes(at: place.offset, count: place.size),
                bytes.withUnsafeBytes({ SegmentFormat.isIntact(record: $0) })
            {
                return bytes
            }
            state.withLock { $0.warnings.append(.damaged(path: path.text, offset: place.offset)) }
        } catch .system(_, _, let code) {
            state.withLock { $0.warnings.append(.unreadable(path: path.text, code: code)) }
        } catch {}
        return nil
    }

    private func openReader(_ segment: Int, _ path: BytePath) throws(CacheError) -> OpenFile {
        let file: OpenFile
        do { file = try OpenFile.forReading(path) } catch {
            // The process may have no more files.
            state.withLock { $0.readers = [:] }
            file = try OpenFile.forReading(path)
        }
        state.withLock { state in
            // A directory may hold thousands of segments, more than the process may have open files.
            if state.readers.count >= 32 { state.readers = [:] }
            state.readers[segment] = file
        }
        return file
    }
}

extension BottleneckCache {
    /// Returns the payloads of all intact imported records.
    func importedPayloads() -> [[UInt8]] {
        state.withLock { $0.imported }.compactMap { place in
            read(place).map { Array($0[SegmentFormat.recordHeaderSize..<$0.count - 4]) }
        }
    }

    func insertImported(_ payload: [UInt8], key: BottleneckKey) throws(CacheError) {
        let record = payload.withUnsafeBytes { SegmentFormat.record(.imported, StoredKey(key), payload: $0) }
        try state.withLock { state throws(CacheError) in
            let place = try Self.append(record, &state)
            state.imported.append(place)
        }
    }
}
