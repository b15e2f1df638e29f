extension String {
    /// The number of columns that the text takes on a terminal: two for East Asian wide characters and emoji, none for
    /// marks that join the character before (Unicode Standard Annex #11).
    var columns: Int { unicodeScalars.reduce(0) { $0 + $1.columns } }

    /// The text cut to a number of columns, with an ellipsis where something was cut.
    func fitted(_ width: Int) -> String {
        guard columns > width else { return self }
        guard width > 1 else { return width == 1 ? "…" : "" }
        var result = "", used = 0
        for scalar in unicodeScalars {
            guard used + scalar.columns < width else { break }
            result.unicodeScalars.append(scalar)
            used += scalar.columns
        }
        return result + "…"
    }

    /// The text with blanks behind it up to a number of columns.
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - columns)) }
}

extension Unicode.Scalar {
    fileprivate var columns: Int {
        switch value {
        case 0..<0x300: 1
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
            0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            2
        default:
            switch properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format: 0
            default: 1
            }
        }
    }
}
