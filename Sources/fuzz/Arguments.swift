import Foundation

/// The parsed command line.
struct Arguments {
    static let usage = """
        usage: fuzz FILE|FOLDER... [flags]

        Mutates the given pictures and puts each through every decoder, inflate and the EXIF reader. Files do not depend on each other: a
        range of numbers is a run of its own, and the same seed and number give the same file everywhere.

          --seed N             which files are made. Default: 1
          --first N            the first number. Default: 0
          --count N            how many. Default: 10000
          --dictionaries DIR   byte strings worth writing somewhere, in the format of AFL and libFuzzer
          --largest BYTES      leave out larger pictures. Default: 20000
          --crashers DIR       where a file goes that ends the program or takes over 2 s, as SEED-NUMBER. Default: crashers

        Exit code 1: a file takes over 2 s, or memory grows. A file that traps ends the program.
        """

    var pictures: [String] = []
    var count = 10000, first = 0, largest = 20000
    var seed: UInt64 = 1
    var dictionaries: String?
    var crashers = "crashers"

    init(_ words: ArraySlice<String>) {
        var rest = words
        while let word = rest.popFirst() {
            func value() -> String {
                guard let value = rest.popFirst() else { fail("\(word) needs a value") }
                return value
            }
            func number() -> Int {
                let text = value()
                guard let number = Int(text), number >= 0 else {
                    fail("\(word) \(text): needs a whole number")
                }
                return number
            }
            switch word {
            case "--help":
                print(Self.usage)
                exit(0)
            case "--count": count = number()
            case "--first": first = number()
            case "--largest": largest = number()
            case "--seed": seed = UInt64(number())
            case "--dictionaries": dictionaries = value()
            case "--crashers": crashers = value()
            case _ where word.hasPrefix("--"): fail("unknown flag \(word)")
            default: pictures.append(word)
            }
        }
        if pictures.isEmpty { fail("name pictures or folders of them; --help lists the flags") }
    }
}

func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("fuzz: \(message)\n".utf8))
    exit(2)
}

/// Returns the file itself, or all files in a folder and its subfolders in a stable order.
func files(_ path: String) -> [URL] {
    let url = URL(fileURLWithPath: path)
    guard url.hasDirectoryPath else { return [url] }
    let found = FileManager.default.enumerator(at: url, includingPropertiesForKeys: nil)
    return (found?.compactMap { $0 as? URL } ?? []).filter { !$0.hasDirectoryPath }.sorted {
        $0.path < $1.path
    }
}
