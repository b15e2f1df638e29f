/// A WebAssembly module with more memory and data than it came with.
///
/// - Source: WebAssembly Core Specification 2.0, §5.5.
package struct WebAssemblyModule {
    private var sections: [(id: UInt8, contents: [UInt8])] = []

    private static let dataID: UInt8 = 11, memoryID: UInt8 = 5
    private static let page = 65536

    package init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]) else { return nil }
        var index = 8
        while index < bytes.count {
            let id = bytes[index]
            index += 1
            let size = Self.read(bytes, &index)
            guard index + size <= bytes.count else { return nil }
            sections.append((id, Array(bytes[index..<index + size])))
            index += size
        }
    }

    package var bytes: [UInt8] {
        sections.reduce([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]) {
            $0 + [$1.id] + Self.write($1.contents.count) + $1.contents
        }
    }

    /// Grows the memory that the module begins with and lets data lie at its end.
    ///
    /// - Returns: where the data lie.
    package mutating func append(data: [UInt8]) -> Int? {
        guard let memory = sections.firstIndex(where: { $0.id == Self.memoryID }) else { return nil }
        var index = 1
        let flags = sections[memory].contents[index]
        index += 1
        // One memory, without a maximum.
        guard sections[memory].contents[0] == 1, flags == 0 else { return nil }
        let pages = Self.read(sections[memory].contents, &index)
        let grown = pages + (data.count + Self.page - 1) / Self.page
        sections[memory].contents = [1, 0] + Self.write(grown)
        let offset = pages * Self.page
        // An active segment of memory 0 at `i32.const offset`.
        let segment = [0, 0x41] + Self.writeSigned(offset) + [0x0B] + Self.write(data.count) + data
        if let place = sections.firstIndex(where: { $0.id == Self.dataID }) {
            var begin = 0
            let count = Self.read(sections[place].contents, &begin)
            sections[place].contents =
                Self.write(count + 1) + sections[place].contents[begin...] + segment
        } else {
            sections.append((Self.dataID, [1] + segment))
        }
        return offset
    }

    private static func read(_ bytes: [UInt8], _ index: inout Int) -> Int {
        var value = 0, shift = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            value |= Int(byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 || shift > 35 { break }
        }
        return value
    }

    private static func write(_ value: Int) -> [UInt8] {
        var value = value, bytes: [UInt8] = []
        while value >= 0x80 {
            bytes.append(UInt8(value & 0x7F) | 0x80)
            value >>= 7
        }
        return bytes + [UInt8(value)]
    }

    private static func writeSigned(_ value: Int) -> [UInt8] {
        var value = value, bytes: [UInt8] = []
        while value >= 0x40 {
            bytes.append(UInt8(value & 0x7F) | 0x80)
            value >>= 7
        }
        return bytes + [UInt8(value)]
    }
}
