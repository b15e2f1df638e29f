import TensorGraph

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The files that hold a model's external weights, each mapped once.
///
/// An untrusted model must not cause other files to be read: a location must be relative and without `..`, and
/// its folder must lie in the model's after symbolic links are resolved. The file itself may be a link to a
/// regular file.
///
/// - Source: https://github.com/onnx/onnx/blob/main/docs/ExternalData.md
struct ExternalFiles {
    private let folder: String?
    private var mapped: [String: ByteRegion] = [:]

    init(folder: String?) { self.folder = folder }

    /// Returns the `count` bytes that `external_data` refers to.
    mutating func region(
        _ entries: [(key: String, value: String)], count: Int, tensor: String
    ) throws(ONNXError) -> ByteRegion {
        func value(_ key: String) -> String? { entries.last { $0.key == key }?.value }
        func number(_ key: String, else other: Int) throws(ONNXError) -> Int {
            guard let text = value(key) else { return other }
            guard let number = Int(text), number >= 0 else {
                throw .externalData(tensor: tensor, .malformedEntry(key: key))
            }
            return number
        }
        guard let location = value("location"), !location.isEmpty else {
            throw .externalData(tensor: tensor, .malformedEntry(key: "location"))
        }
        let offset = try number("offset", else: 0), length = try number("length", else: count)
        let file = try file(location, tensor: tensor)
        guard length == count else {
            throw .externalData(
                tensor: tensor, .sizeMismatch(path: location, expected: count, found: length))
        }
        guard offset <= file.count, length <= file.count - offset else {
            throw .externalData(
                tensor: tensor,
                .beyondFile(path: location, offset: offset, length: length, size: file.count))
        }
        return file[offset..<(offset + length)]
    }

    private mutating func file(_ location: String, tensor: String) throws(ONNXError) -> ByteRegion {
        if let region = mapped[location] { return region }
        guard let folder else { throw .externalData(tensor: tensor, .noFolder) }
        guard !location.hasPrefix("/"), !location.utf8.contains(0),
            !location.split(separator: "/").contains("..")
        else { throw .externalData(tensor: tensor, .outsideFolder(location: location)) }
        let path = folder + "/" + location
        // The file itself may be a link, for Hugging Face's cache links to files named by their hashes; the
        // folders on the way to it may not lead elsewhere.
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        guard let root = Self.realPath(folder), let real = Self.realPath(parent), Self.isFile(path) else {
            throw .externalData(tensor: tensor, .inputOutput(path: path, errno: errno))
        }
        guard real == root || real.hasPrefix(root.hasSuffix("/") ? root : root + "/") else {
            throw .externalData(tensor: tensor, .outsideFolder(location: location))
        }
        do throws(MappingError) {
            let region = try ByteRegion(mapping: path)
            mapped[location] = region
            return region
        } catch {
            throw .externalData(tensor: tensor, .inputOutput(path: path, errno: error.errno))
        }
    }

    /// Returns whether the path leads to a regular file; where not, `errno` says why.
    private static func isFile(_ path: String) -> Bool {
        var information = stat()
        guard stat(path, &information) == 0 else { return false }
        if information.st_mode & S_IFMT == S_IFREG { return true }
        errno = EISDIR
        return false
    }

    private static func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
