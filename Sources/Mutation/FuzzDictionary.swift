/// The dictionary format of AFL and libFuzzer: a line `name="bytes"` per entry, with the escapes `\xNN`, `\"`
/// and `\\`.
package enum FuzzDictionary {
    package static func parse(_ text: String) -> [[UInt8]] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            guard !line.hasPrefix("#"), let open = line.firstIndex(of: "\""),
                let close = line.lastIndex(of: "\""), open < close
            else { return nil }
            return token(Array(line[line.index(after: open)..<close].utf8))
        }
    }

    private static func token(_ text: [UInt8]) -> [UInt8]? {
        var (bytes, i) = ([UInt8](), 0)
        while i < text.count {
            guard text[i] == UInt8(ascii: "\\") else {
                bytes.append(text[i])
                i += 1
                continue
            }
            if i + 1 < text.count, text[i + 1] == UInt8(ascii: "x") {
                guard i + 3 < text.count,
                    let byte = UInt8(String(decoding: text[(i + 2)..<(i + 4)], as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(byte)
                i += 4
            } else if i + 1 < text.count {
                bytes.append(text[i + 1])
                i += 2
            } else {
                return nil
            }
        }
        return bytes.isEmpty ? nil : bytes
    }
}
