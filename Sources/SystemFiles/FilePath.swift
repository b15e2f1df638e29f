/// A path as the bytes the system uses: file names scraped from the web are not always UTF-8.
public struct FilePath: Hashable, Sendable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
    public let bytes: [UInt8]

    /// The path whose text this is (`description`); text that carries no bytes stands for its UTF-8.
    public init(_ text: String) { bytes = CarriedBytes.bytes(text) }
    package init(cString: UnsafePointer<CChar>) {
        bytes = Array(UnsafeRawBufferPointer(start: cString, count: strlen(cString)))
    }
    public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }
    public init(stringLiteral value: String) { self.init(value) }

    /// The path as text that gives the same bytes back: U+10FF80 to U+10FFFF stand for bytes that are not UTF-8.
    ///
    /// People are shown its `printable` form.
    public var description: String { CarriedBytes.text(bytes) }

    public static func < (left: FilePath, right: FilePath) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// Joins as Python's `os.path.join` does: one slash between, none added after one.
    public func appending(_ component: FilePath) -> FilePath {
        if bytes.isEmpty || component.bytes.first == slash { return component }
        return FilePath(
            bytes: bytes.last == slash ? bytes + component.bytes : bytes + [slash] + component.bytes)
    }

    public var lastComponent: FilePath {
        let trimmed = bytes[..<(bytes.lastIndex { $0 != slash }.map { $0 + 1 } ?? 0)]
        return FilePath(bytes: trimmed[(trimmed.lastIndex(of: slash).map { $0 + 1 } ?? 0)...])
    }

    /// The folder that holds the file: `.` where the path has no slash.
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
