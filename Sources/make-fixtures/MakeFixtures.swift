#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Draws the images in `Fixtures`, with the same bytes on every machine, or checks that a folder contains
/// them.
@main
enum MakeFixtures {
    static func main() {
        let words = CommandLine.arguments.dropFirst()
        let folders = words.filter { $0 != "--check" }
        guard folders.count == 1, let folder = folders.first else {
            print("usage: make-fixtures [--check] FOLDER")
            exit(2)
        }
        do {
            let files = Collection.files()
            let root = URL(fileURLWithPath: folder)
            if words.contains("--check") {
                let complaints = differences(between: root, and: files)
                complaints.forEach { print($0) }
                guard complaints.isEmpty else {
                    print(
                        "\(complaints.count) differences: 'swift run -c release make-fixtures \(folder)' draws the pictures again"
                    )
                    exit(1)
                }
            } else {
                for file in files { try write(file, in: root) }
            }
            print("\(files.count) files, \(files.reduce(0) { $0 + $1.bytes.count } / 1000) kB")
        } catch {
            print("make-fixtures: \(error)")
            exit(1)
        }
    }

    private static func write(_ file: Collection.File, in root: URL) throws {
        let url = root.appending(path: file.path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.bytes).write(to: url, options: .atomic)
    }

    private static func differences(between root: URL, and files: [Collection.File]) -> [String] {
        let drawn = files.compactMap { file in
            guard let data = try? Data(contentsOf: root.appending(path: file.path)) else {
                return "missing: \(file.path)"
            }
            return data == Data(file.bytes) ? nil : "differs: \(file.path)"
        }
        let known = Set(files.map(\.path))
        let folders = Set(files.map { $0.path.split(separator: "/").dropLast().joined(separator: "/") })
            .sorted()
        let strangers = folders.flatMap { folder in
            let names =
                (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path))
                ?? []
            return names.sorted().map { "\(folder)/\($0)" }.filter { !known.contains($0) }.map {
                "not one of them: \($0)"
            }
        }
        return drawn + strangers
    }
}
