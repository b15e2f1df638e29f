import SystemFiles

typealias BytePath = FilePath

extension FilePath {
    var text: String { description }

    func appending(_ name: [UInt8]) -> FilePath { appending(FilePath(bytes: name)) }
}

/// An open file that is closed when it is released. Reads take an offset, so that threads can share it.
final class OpenFile: Sendable {
    let descriptor: Int32
    let path: BytePath

    private init(_ descriptor: Int32, _ path: BytePath) { (self.descriptor, self.path) = (descriptor, path) }
    deinit { close(descriptor) }

    static func forReading(_ path: BytePath) throws(CacheError) -> OpenFile {
        let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw .system(.open, path: path.text, code: errno) }
        return OpenFile(descriptor, path)
    }

    /// Creates a file for appending; it is an error if the file exists.
    static func creating(_ path: BytePath) throws(CacheError) -> OpenFile {
        let descriptor = path.withCString {
            open($0, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644)
        }
        guard descriptor >= 0 else { throw .system(.create, path: path.text, code: errno) }
        return OpenFile(descriptor, path)
    }

    func size() throws(CacheError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(.read, path: path.text, code: errno) }
        return Int(status.st_size)
    }

    /// Reads from `offset` until `buffer` is full or the file ends, and returns the number of bytes read.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(CacheError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(.read, path: path.text, code: errno)
            }
            done += count
        }
        return done
    }

    /// Returns `count` bytes from `offset`, or nil if the file is too short.
    func bytes(at offset: Int, count: Int) throws(CacheError) -> [UInt8]? {
        var failure: CacheError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(CacheError) {
                filled = try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes.count == count ? bytes : nil
    }

    func contents() throws(CacheError) -> [UInt8] { try bytes(at: 0, count: try size()) ?? [] }

    func write(_ bytes: [UInt8]) throws(CacheError) {
        let code = Descriptors.writeAll(descriptor, bytes)
        if code != 0 { throw .system(.write, path: path.text, code: code) }
    }

    func truncate(to size: Int) { _ = ftruncate(descriptor, off_t(size)) }
    func synchronize() { _ = fsync(descriptor) }
}

func removeFile(_ path: BytePath) { _ = path.withCString { unlink($0) } }

/// Replaces a file atomically.
func replaceFile(_ path: BytePath, _ bytes: [UInt8]) throws(CacheError) {
    do throws(FileError) {
        let file = try AtomicFile(path)
        try file.write(bytes)
        try file.commit()
    } catch { throw .system(.write, path: path.text, code: error.errno) }
}

/// Returns the names in a directory in byte order, without those that begin with a dot.
func namesInDirectory(_ path: BytePath) throws(CacheError) -> [[UInt8]] {
    guard let directory = path.withCString({ opendir($0) }) else {
        throw .system(.listDirectory, path: path.text, code: errno)
    }
    defer { closedir(directory) }
    var names: [[UInt8]] = []
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
        if name.first != UInt8(ascii: ".") { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
}

/// Creates a directory and its missing parents; it is not an error if it exists.
func createDirectory(_ path: BytePath) throws(CacheError) {
    let slash = UInt8(ascii: "/")
    var end = 0
    while end < path.bytes.count {
        end = path.bytes[(end + 1)...].firstIndex(of: slash) ?? path.bytes.count
        let part = BytePath(bytes: Array(path.bytes[..<end]))
        if part.withCString({ mkdir($0, 0o777) }) != 0 {
            let code = errno
            // Another process may have created it, or a mount may refuse even existing directories, so only
            // the last component must exist.
            if end >= path.bytes.count && !isDirectory(part) {
                throw .system(.createDirectory, path: path.text, code: code == EEXIST ? ENOTDIR : code)
            }
        }
    }
}

func isDirectory(_ path: BytePath) -> Bool {
    var status = stat()
    return path.withCString { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
}

func isRegularFile(_ path: BytePath) -> Bool {
    var status = stat()
    return path.withCString { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFREG
}

func currentProcess() -> Int32 { getpid() }
