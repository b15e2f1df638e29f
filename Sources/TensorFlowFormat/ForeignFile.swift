/// The kind of a file that is not a GraphDef, recognized by its first bytes.
package enum ForeignFile: String, Equatable, Sendable {
    case empty, savedModel, textGraphDef, onnx, tflite, hdf5, zip, gzip, tar, jpeg, png, gif, html,
        gitLFSPointer, text, unknown

    /// Recognizes the formats that users pass by mistake.
    package init(_ bytes: UnsafeRawBufferPointer) {
        func starts(_ prefix: [UInt8], at offset: Int = 0) -> Bool {
            bytes.count >= offset + prefix.count
                && bytes[offset..<(offset + prefix.count)].elementsEqual(prefix)
        }
        func starts(_ prefix: StaticString, at offset: Int = 0) -> Bool {
            prefix.withUTF8Buffer { starts([UInt8]($0), at: offset) }
        }
        if bytes.isEmpty {
            self = .empty
        } else if starts("version https://git-lfs") {
            self = .gitLFSPointer
        }
        // SavedModel's saved_model_schema_version is 1; ONNX's ir_version has been at least 3 since its
        // release.
        else if starts([0x08, 0x01, 0x12]) {
            self = .savedModel
        } else if starts([0x08]), bytes.count > 2, (3...20).contains(bytes[1]),
            [0x12, 0x3A, 0x42].contains(bytes[2])
        {
            self = .onnx
        } else if starts("TFL3", at: 4) {
            self = .tflite
        } else if starts([0x89, 0x48, 0x44, 0x46]) {
            self = .hdf5
        } else if starts("PK\u{3}\u{4}") || starts("PK\u{5}\u{6}") {
            self = .zip
        } else if starts([0x1F, 0x8B]) {
            self = .gzip
        } else if starts([0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if starts([0x89, 0x50, 0x4E, 0x47]) {
            self = .png
        } else if starts("GIF8") {
            self = .gif
        } else if starts("ustar", at: 257) {
            self = .tar
        } else {
            self = Self.text(bytes)
        }
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> ForeignFile {
        let opening = bytes.prefix(512)
        // Text consists of tabs, line feeds, form feeds, carriage returns, printable characters and bytes
        // beyond ASCII.
        guard opening.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || [9, 10, 12, 13].contains($0) }) else {
            return .unknown
        }
        let words = String(decoding: opening, as: UTF8.self).lowercased().drop {
            $0.isWhitespace || $0 == "\u{FEFF}"
        }
        if words.hasPrefix("<") { return .html }
        if words.hasPrefix("node {") || words.hasPrefix("node{") || words.hasPrefix("versions {") {
            return .textGraphDef
        }
        return bytes.prefix(512).contains { $0 >= 0x80 } && !isUTF8(opening) ? .unknown : .text
    }

    /// Returns whether `bytes` are UTF-8, possibly with an incomplete last character.
    private static func isUTF8(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        (0...3).contains { String(validating: bytes.dropLast($0), as: UTF8.self) != nil }
    }
}
