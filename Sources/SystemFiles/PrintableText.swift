extension String {
    /// The text on one line, with all characters escaped that could control a terminal.
    ///
    /// Escaped are control characters (C0, DEL and C1), line and paragraph separators, bidirectional controls
    /// (Unicode Standard Annex #9, section 2), and bytes that are not UTF-8 (`CarriedBytes`), as `\n`, `\x1b`,
    /// `\u202e` and `\xe9`. Backslashes are not escaped, because this text is for people; exact lists are written
    /// with `-0`.
    package var printable: String {
        if utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return self }
        var text = ""
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0x0A: text += "\\n"
            case 0x0D: text += "\\r"
            case 0x09: text += "\\t"
            case 0..<0x20, 0x7F: text += "\\x" + Self.hexadecimal(scalar.value, digits: 2)
            case _ where scalar.isDisplayControl: text += "\\u" + Self.hexadecimal(scalar.value, digits: 4)
            default:
                if let byte = CarriedBytes.byte(scalar) {
                    text += "\\x" + Self.hexadecimal(UInt32(byte), digits: 2)
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        return text
    }

    /// The JSON text with all characters escaped that terminals or JavaScript could interpret.
    ///
    /// JSON contains such characters only inside strings, so that the whole text can be treated alike.
    package var escapingDisplayControlsInJSON: String {
        if utf8.allSatisfy({ $0 < 0x7F }) { return self }
        var text = ""
        for scalar in unicodeScalars {
            if scalar.value == 0x7F || scalar.isDisplayControl || CarriedBytes.byte(scalar) != nil {
                for unit in String(scalar).utf16 {
                    text += "\\u" + Self.hexadecimal(UInt32(unit), digits: 4)
                }
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: Swift.max(0, digits - text.count)) + text
    }
}

extension Unicode.Scalar {
    /// Whether the scalar moves, reorders or hides other characters: C1 controls, separators, bidirectional
    /// controls.
    fileprivate var isDisplayControl: Bool {
        switch value {
        case 0x80...0x9F, 0x061C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF,
            0xFFF9...0xFFFB:
            true
        default: false
        }
    }
}
