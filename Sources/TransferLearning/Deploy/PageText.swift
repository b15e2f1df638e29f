/// Bytes as text in a script element of a page: two characters hold 13 bits, so that the text is 1.23 times as long as the
/// bytes, where base64's is 1.33 times.
///
/// The bits are taken from the lowest bit of the first byte on. The alphabet is the 91 printable ASCII characters from `#`
/// on without `<`, which could end the element. A number of 13 bits is its quotient and its remainder by 91; at the end, 6 or
/// fewer bits take one character.
enum PageText {
    private static let base = 91, bits = 13, lastBits = 6

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 16 / 13 + 2)
        var held = 0, count = 0
        func character(_ digit: Int) -> UInt8 {
            let code = UInt8(digit) + UInt8(ascii: "#")
            return code < UInt8(ascii: "<") ? code : code + 1
        }
        for byte in bytes {
            held |= Int(byte) << count
            count += 8
            if count >= bits {
                let number = held & (1 << bits - 1)
                text.append(character(number / base))
                text.append(character(number % base))
                held >>= bits
                count -= bits
            }
        }
        if count > lastBits { text.append(character(held / base)) }
        if count > 0 { text.append(character(held % base)) }
        return text
    }
}
