/// Writes comma-separated values (RFC 4180).
package enum CSV {
    /// Returns a field as it appears in a line; a field with a comma, a quote or a line break is quoted and
    /// its quotes are doubled.
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
