import Foundation

/// The options of the command line.
struct Settings {
    var seconds = 600.0
    var seed: UInt64 = 1
    /// The path of the program under test; by default the one in this tool's folder.
    var program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("cartoonctl").path
    /// A folder with one subfolder of images per class.
    var pictures = "Fixtures/characters"

    init(_ words: ArraySlice<String>) {
        var words = words
        while let flag = words.popFirst() {
            guard let value = words.popFirst() else { Self.fail("\(flag) needs a value") }
            switch flag {
            case "--seconds": seconds = Self.number(flag, value, { Double($0) })
            case "--seed": seed = Self.number(flag, value, { UInt64($0) })
            case "--program": program = URL(fileURLWithPath: value).path
            case "--pictures": pictures = value
            default: Self.fail("unknown flag \(flag)")
            }
        }
    }

    private static func number<Number>(_ flag: String, _ value: String, _ parse: (String) -> Number?)
        -> Number
    {
        guard let number = parse(value) else { fail("\(flag) \(value): needs a number") }
        return number
    }

    private static func fail(_ reason: String) -> Never {
        FileHandle.standardError.write(Data("torture: \(reason)\n".utf8))
        exit(2)
    }
}

/// Sebastiano Vigna's SplitMix64 generator, which returns the same numbers for the same seed on every
/// platform.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
