import SystemFiles

/// The text of a labels file: one name per line in the order of the model's outputs.
package enum LabelsText {
    /// Parses UTF-8 or UTF-16, with or without a byte-order mark; trailing white space and empty lines are
    /// ignored.
    ///
    /// If all lines are numbered from 0 on (`0 cat`, `1 dog`, as Teachable Machine writes them), the numbers
    /// are removed.
    package static func names(in bytes: [UInt8]) -> [String] {
        let lines = text(bytes).split(whereSeparator: \.isNewline).map { line in
            String(
                line[
                    ..<(line.lastIndex { !$0.isWhitespace }.map { line.index(after: $0) } ?? line.startIndex)]
            )
        }.filter { !$0.isEmpty }
        let numbered = lines.enumerated().map { number, line -> String? in
            let parts = line.split(separator: " ", maxSplits: 1)
            return parts.count == 2 && parts[0] == "\(number)" ? String(parts[1]) : nil
        }
        // A single class named `0 x` does not indicate numbering.
        return numbered.count > 1 && numbered.allSatisfy { $0 != nil } ? numbered.compactMap { $0 } : lines
    }

    private static func text(_ bytes: [UInt8]) -> String {
        func units(from start: Int, lowFirst: Bool) -> [UInt16] {
            stride(from: start, to: bytes.count - 1, by: 2).map {
                let (a, b) = (UInt16(bytes[$0]), UInt16(bytes[$0 + 1]))
                return lowFirst ? a | b << 8 : a << 8 | b
            }
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            return String(decoding: bytes.dropFirst(3), as: UTF8.self)
        }
        if bytes.starts(with: [0xFF, 0xFE]) {
            return String(decoding: units(from: 2, lowFirst: true), as: UTF16.self)
        }
        if bytes.starts(with: [0xFE, 0xFF]) {
            return String(decoding: units(from: 2, lowFirst: false), as: UTF16.self)
        }
        // Text contains zero bytes only if it is UTF-16.
        if bytes.count >= 4, bytes.count % 2 == 0, bytes.contains(0) {
            let odd = stride(from: 1, to: bytes.count, by: 2).count { bytes[$0] == 0 }
            return String(decoding: units(from: 0, lowFirst: odd * 4 > bytes.count), as: UTF16.self)
        }
        return CarriedBytes.text(bytes)
    }
}
