#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A path as the system has it: bytes, which need not be UTF-8.
struct BytePath: Hashable, Sendable {
    /// Without the closing 0.
    var bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }
    init(_ path: String) { bytes = Array(path.utf8) }

    /// For people; a byte that is not UTF-8 shows as U+FFFD.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    func appending(_ name: [UInt8]) -> BytePath {
        BytePath(
            bytes: bytes.last == UInt8(ascii: "/") || bytes.isEmpty
                ? bytes + name : bytes + [UInt8(ascii: "/")] + name)
    }

    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (bytes + [0]).withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { body($0.baseAddress!) }
        }
    }
}

/// An open file, closed with its last owner; reads name their offset, so that threads can share it.
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

    /// A new file, never one that exists; writes go to its end.
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

    /// Fills `buffer` from `offset` as far as the file goes; answers how far.
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

    /// `count` bytes from `offset`; nil if the file ends before.
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
        let code: Int32 = bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                // Qualified by nothing: the method of the same name takes an array.
                let count = systemWrite(descriptor, buffer.baseAddress! + done, buffer.count - done)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { return count == 0 ? ENOSPC : errno }
                done += count
            }
            return 0
        }
        if code != 0 { throw .system(.write, path: path.text, code: code) }
    }

    func truncate(to size: Int) { _ = ftruncate(descriptor, off_t(size)) }
    func synchronize() { _ = fsync(descriptor) }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

func removeFile(_ path: BytePath) { _ = path.withCString { unlink($0) } }

func renameFile(_ from: BytePath, to: BytePath) throws(CacheError) {
    let failed = from.withCString { a in to.withCString { b in rename(a, b) } } != 0
    if failed { throw .system(.rename, path: to.text, code: errno) }
}

/// Puts a file in place of another, whole or not at all.
func replaceFile(_ path: BytePath, _ bytes: [UInt8]) throws(CacheError) {
    let temporary = BytePath(bytes: path.bytes + Array(".\(currentProcess()).partial".utf8))
    removeFile(temporary)
    do throws(CacheError) {
        try OpenFile.creating(temporary).write(bytes)
        try renameFile(temporary, to: path)
    } catch {
        removeFile(temporary)
        throw error
    }
}

/// Names in a directory in the order of their bytes, without those that begin with a dot.
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

/// Makes a directory and those above it; fine if it exists.
func createDirectory(_ path: BytePath) throws(CacheError) {
    let slash = UInt8(ascii: "/")
    var end = 0
    while end < path.bytes.count {
        end = path.bytes[(end + 1)...].firstIndex(of: slash) ?? path.bytes.count
        let part = BytePath(bytes: Array(path.bytes[..<end]))
        if part.withCString({ mkdir($0, 0o777) }) != 0 {
            let code = errno
            // Another process may have made it, or it may be a mount that refuses even what exists: only the last one must be there.
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

/// Milliseconds since 1970.
func currentTime() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return UInt64(now.tv_sec) * 1000 + UInt64(now.tv_nsec) / 1_000_000
}
