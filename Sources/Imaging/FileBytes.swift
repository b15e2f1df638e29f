#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Reads files and reports the system's error numbers.
enum FileBytes {
    /// Returns the whole file. It is read, not mapped, because a file that shrinks under a mapping would kill
    /// the process.
    static func read(_ path: String) throws(ImageError) -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw .unreadableFile(path: path, errno: errno) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var information = stat()
        if fstat(fileno(file), &information) == 0 { bytes.reserveCapacity(max(0, Int(information.st_size))) }
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { break }
            bytes += piece[..<count]
        }
        guard ferror(file) == 0 else { throw .unreadableFile(path: path, errno: errno) }
        return bytes
    }
}
