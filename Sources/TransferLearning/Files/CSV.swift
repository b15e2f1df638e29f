/// Comma-separated values by RFC 4180.
package enum CSV {
    /// A field as it stands in a line: in quotes, with quotes doubled, where it holds a comma, a quote or a line's end.
    package static func field(_ bytes: [UInt8]) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        guard bytes.contains(where: { $0 == UInt8(ascii: ",") || $0 == quote || $0 == 10 || $0 == 13 }) else {
            return bytes
        }
        return [quote] + bytes.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }

    package static func line(_ fields: [String]) -> String {
        fields.map { String(decoding: field(Array($0.utf8)), as: UTF8.self) }.joined(separator: ",")
    }
}
