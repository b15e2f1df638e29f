import Compression
import TensorGraph
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

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
                try part.finish()
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
    let temporary: String
    private var descriptor: Int32

    init(_ path: String) throws(DownloadError) {
        self.path = path
        temporary = "\(path).\(getpid()).partial"
        unlink(temporary)
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system(path: path, code: errno) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        unlink(temporary)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(DownloadError) {
        var done = 0
        while done < bytes.count {
            let count = systemWrite(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system(path: path, code: count < 0 ? errno : ENOSPC) }
            done += count
        }
    }

    /// Its bytes are on the disk when this returns.
    func finish() throws(DownloadError) {
        defer { descriptor = -1 }
        let isSynchronized = fsync(descriptor) == 0 || errno == EINVAL
        guard close(descriptor) == 0, isSynchronized else { throw .system(path: path, code: errno) }
    }

    /// - Parameter replacing: false leaves a file alone that has the name already: the folder may be used for more than networks.
    func place(replacing: Bool) throws(DownloadError) {
        var information = stat()
        if !replacing, lstat(path, &information) == 0 { return }
        guard rename(temporary, path) == 0 else { throw .system(path: path, code: errno) }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
