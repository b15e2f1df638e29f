/// Makes tar archives for tests, sound and unsound ones.
package struct TarWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// - Parameter type: the type character: 0 file, 1 hard link, 2 symbolic link, 3 device, 5 folder, L GNU long name, x pax records.
    package mutating func add(
        _ name: String, _ contents: [UInt8] = [], type: Character = "0", link: String = "",
        prefix: String = ""
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        func octal(_ value: Int, digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        put(name, at: 0)
        put("0000644\u{0}0000000\u{0}0000000\u{0}", at: 100)
        put(octal(contents.count, digits: 11), at: 124)
        put("00000000000", at: 136)
        put("        ", at: 148)
        put(String(type), at: 156)
        put(link, at: 157)
        put("ustar\u{0}00", at: 257)
        put(prefix, at: 345)
        put(octal(header.reduce(0) { $0 + Int($1) }, digits: 6) + "\u{0}", at: 148)
        bytes += header + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }

    /// The archive with its end mark.
    package func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}
