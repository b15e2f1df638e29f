/// A path as the bytes that the system uses, because file names are not always UTF-8.
public struct FilePath: Hashable, Sendable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
    public let bytes: [UInt8]

    /// Creates the path whose text (`description`) this is; ordinary text is encoded as UTF-8.
    public init(_ text: String) { bytes = CarriedBytes.bytes(text) }
    package init(cString: UnsafePointer<CChar>) {
        bytes = Array(UnsafeRawBufferPointer(start: cString, count: strlen(cString)))
    }
    public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }
    public init(stringLiteral value: String) { self.init(value) }

    /// The path as text that maps back to the same bytes; U+10FF80 to U+10FFFF represent bytes that are not
    /// UTF-8.
    ///
    /// Its `printable` form is for display.
    public var description: String { CarriedBytes.text(bytes) }

    public static func < (left: FilePath, right: FilePath) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// Appends a component like Python's `os.path.join`, with exactly one slash in between.
    public func appending(_ component: FilePath) -> FilePath {
        if bytes.isEmpty || component.bytes.first == slash { return component }
        return FilePath(
            bytes: bytes.last == slash ? bytes + component.bytes : bytes + [slash] + component.bytes)
    }

    public var lastComponent: FilePath {
        let trimmed = bytes[..<(bytes.lastIndex { $0 != slash }.map { $0 + 1 } ?? 0)]
        return FilePath(bytes: trimmed[(trimmed.lastIndex(of: slash).map { $0 + 1 } ?? 0)...])
    }

    /// The folder that contains the file; `.` if the path has no slash.
    public var parent: FilePath {
        guard let end = bytes.lastIndex(of: slash) else { return "." }
        return end == 0 ? "/" : FilePath(bytes: bytes[..<end])
    }

    package func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        try (bytes + [0]).withUnsafeBufferPointer { buffer in
            try buffer.withMemoryRebound(to: CChar.self) { try body($0.baseAddress!) }
        }
    }
}

private let slash = UInt8(ascii: "/")
