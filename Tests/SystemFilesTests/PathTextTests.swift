import Testing

@testable import SystemFiles

@Suite("Paths as text")
struct PathTextTests {
    @Test(
        "every sequence of bytes comes back from its text",
        arguments: [
            Array("plain".utf8), Array("漫画 é 😀".utf8), [0x63, 0xE9, 0x2E], [0xFF, 0xFE, 0x80],
            // Overlong, a surrogate, a sequence cut short.
            [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0x61, 0xF0, 0x9F, 0x98],
            // The scalars that stand for bytes, themselves.
            Array("\u{10FFE9}".utf8), Array("\u{10FF80}x\u{10FFFF}".utf8), [0xF4, 0x8F, 0xBF, 0xA9, 0xE9],
        ] as [[UInt8]])
    func roundTrip(bytes: [UInt8]) {
        let path = FilePath(bytes: bytes)
        #expect(FilePath(path.description).bytes == bytes)
    }

    @Test("names of other bytes have other texts")
    func distinct() {
        let names: [[UInt8]] = [[0xE9], Array("\u{10FFE9}".utf8), Array("\u{FFFD}".utf8), [0xC3, 0xA9]]
        #expect(Set(names.map { FilePath(bytes: $0).description }).count == names.count)
    }

    @Test(
        "what a terminal would obey is escaped, other text stays",
        arguments: [
            ("cat (score = 0.9)", "cat (score = 0.9)"), ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1B}[31m\u{7}", "\\x1b[31m\\x07"), ("\u{9B}31m", "\\u009b31m"), ("a\u{2028}b", "a\\u2028b"),
            ("\u{202E}gpj", "\\u202egpj"), ("\u{2066}x\u{2069}", "\\u2066x\\u2069"), ("é 漫画 👩‍💻", "é 漫画 👩‍💻"),
            ("caf\u{10FFE9}", "caf\\xe9"), ("C:\\n", "C:\\n"),
        ])
    func printable(text: String, expected: String) { #expect(text.printable == expected) }

    @Test("JSON's own escapes stay, and what it lets through is escaped")
    func json() {
        #expect(
            "{\"a\":\"\\n\u{9B}\u{2028}é\u{10FFE9}\"}".escapingDisplayControlsInJSON
                == "{\"a\":\"\\n\\u009b\\u2028é\\udbff\\udfe9\"}")
    }
}
