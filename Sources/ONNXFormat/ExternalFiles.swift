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
/// An untrusted model must not cause other files to be read: a location must be relative and without `..`,
/// and the file must lie in the model's folder after symbolic links are resolved.
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
        guard let root = Self.realPath(folder), let real = Self.realPath(path) else {
            throw .externalData(tensor: tensor, .inputOutput(path: path, errno: errno))
        }
        guard real.hasPrefix(root.hasSuffix("/") ? root : root + "/") else {
            throw .externalData(tensor: tensor, .outsideFolder(location: location))
        }
        do throws(MappingError) {
            let region = try ByteRegion(mapping: real)
            mapped[location] = region
            return region
        } catch {
            throw .externalData(tensor: tensor, .inputOutput(path: path, errno: error.errno))
        }
    }

    private static func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
