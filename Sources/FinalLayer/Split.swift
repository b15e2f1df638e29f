import Compression

/// The part of the images to which an image belongs.
package enum SplitPart: String, Sendable, CaseIterable { case training, validation, testing }

/// The split of retrain.py: a hash of an image's path determines its part, which therefore does not change
/// when images are added or removed.
///
/// The hash covers the bytes of the path exactly as typed and joined, including the folder from the command
/// line.
package struct Split: Sendable, Equatable {
    /// The modulus that converts a hash to a percentage.
    package enum Rule: Sendable {
        /// The SHA-1 modulo 2²⁷, as in retrain.py since 2017.
        case modulo27
        /// The SHA-1 modulo 2¹⁶, as in retrain.py of 2016.
        case modulo16

        var bits: Int { self == .modulo27 ? 27 : 16 }
    }

    package var testingPercentage = 10
    package var validationPercentage = 10
    package var rule = Rule.modulo27

    package init(testingPercentage: Int = 10, validationPercentage: Int = 10, rule: Rule = .modulo27) {
        (self.testingPercentage, self.validationPercentage, self.rule) = (
            testingPercentage, validationPercentage, rule
        )
    }

    package func part(ofPath path: some Sequence<UInt8>) -> SplitPart {
        let percentage = percentage(ofPath: path)
        if percentage < Double(validationPercentage) { return .validation }
        return percentage < Double(validationPercentage + testingPercentage) ? .testing : .training
    }
    package func part(ofPath path: String) -> SplitPart { part(ofPath: path.utf8) }

    /// Returns the percentage of a path, 0...100, multiplied by the quotient in this order, like retrain.py,
    /// for equal rounding.
    package func percentage(ofPath path: some Sequence<UInt8>) -> Double {
        let digest = SHA1.hash(Self.withoutNoHashSuffix(Array(path)))
        return Double(digest.remainder(bits: rule.bits)) * (100.0 / Double(1 << rule.bits - 1))
    }

    /// Removes `_nohash_` and everything after it, so that images that differ only there share a part.
    ///
    /// It equals Python's `re.sub(r'_nohash_.*$', '', path)`: the dot stops at a line feed, and `$` also
    /// matches before a final one.
    static func withoutNoHashSuffix(_ path: [UInt8]) -> [UInt8] {
        let marker = Array("_nohash_".utf8)
        guard path.count >= marker.count else { return path }
        for start in 0...(path.count - marker.count)
        where path[start..<start + marker.count].elementsEqual(marker) {
            guard let lineFeed = path[(start + marker.count)...].firstIndex(of: 0x0A) else {
                return Array(path[..<start])
            }
            if lineFeed == path.count - 1 { return Array(path[..<start]) + [0x0A] }
        }
        return path
    }

    /// Returns the path that retrain.py hashes: Python's `os.path.join` of the folder as typed, the class
    /// folder and the file name.
    package static func path(imageDirectory: String, folder: String, file: String) -> String {
        func joined(_ a: String, _ b: String) -> String {
            a.isEmpty || a.utf8.last == UInt8(ascii: "/") ? a + b : a + "/" + b
        }
        return joined(joined(imageDirectory, folder), file)
    }
}
