import Compression
import SystemFiles
import TensorGraph

/// Takes the wanted files out of an archive whose digest was checked, under their plain names in one folder and nowhere else.
///
/// The whole archive is read before any file appears: one with a single unsafe entry leaves nothing. The graph appears last, so that where
/// it is, all is.
struct ArchiveUnpacking {
    let archive: NetworkArchive
    /// With a slash at its end.
    let directory: String

    func run(_ file: ByteRegion) throws(DownloadError) {
        var parts: [String: PartFile] = [:]
        try file.withUnsafeBytes { (bytes) throws(DownloadError) in
            var reader = TarReader(gzip: bytes)
            while let entry = try Self.next(&reader) {
                guard !entry.isDirectory,
                    entry.name == archive.graph.name || archive.others.contains(entry.name)
                else { continue }
                // Of two entries of one name the later counts, as tar has it.
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

/// A file under a temporary name beside its place; removed unless it is put there.
private final class PartFile {
    let path: String
    private let file: AtomicFile

    init(_ path: String) throws(DownloadError) {
        self.path = path
        do { file = try AtomicFile(FilePath(path)) } catch { throw .system(path: path, code: error.errno) }
    }

    var temporary: String { file.temporaryPath.description }

    func write(_ bytes: UnsafeRawBufferPointer) throws(DownloadError) {
        do { try file.write(bytes) } catch { throw .system(path: path, code: error.errno) }
    }

    /// - Parameter replacing: false leaves a file alone that has the name already: the folder may be used for more than networks.
    func place(replacing: Bool) throws(DownloadError) {
        var information = stat()
        if !replacing, FilePath(path).withCString({ lstat($0, &information) }) == 0 { return }
        do { try file.commit() } catch { throw .system(path: path, code: error.errno) }
    }
}
