import SystemFiles
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The plan that `audit --plan` or the buttons of a report write, or the undo file of `audit --apply`.
enum PlanFormat {
    static func isRecognized(_ contents: FileContents) -> Bool {
        contents.starts([UInt8(ascii: "{")]) && (try? plan(contents)) != nil
    }

    static func inspect(_ contents: FileContents) throws -> Findings {
        let plan = try plan(contents)
        let counts = CurationPlan.Action.allCases.map { action in
            (action, plan.files.count { $0.action == action })
        }
        let facts = [
            Fact("version", .count(plan.plan)), Fact("started in", .text(plan.startedIn)),
            Fact("labels", .list(plan.classes.map(\.label))), Fact("set aside", .text(plan.setAside)),
            Fact("files", .count(plan.files.count)),
            Fact("actions", .list(counts.filter { $0.1 > 0 }.map { "\($0.rawValue) \($1)" })),
        ]
        let items = plan.files.map { entry in
            (entry.path, Item.text(entry.action.rawValue + (entry.to.map { " to \($0)" } ?? "")))
        }
        return Findings(facts: facts, items: Dictionary(items) { first, _ in first })
    }

    private static func plan(_ contents: FileContents) throws -> CurationPlan {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(CurationPlan.self, from: Data(contents.region.bytes))
    }
}

/// A NumPy array, as `bottlenecks export` writes it.
///
/// - Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".
enum NumPyFormat {
    private static let magic = [0x93] + Array("NUMPY".utf8)

    static func isRecognized(_ contents: FileContents) -> Bool { contents.starts(magic) }

    static func inspect(_ contents: FileContents) -> Findings {
        let header = contents.region.withUnsafeBytes { bytes in
            // The header is a Python dictionary that ends with a line feed.
            let start = min(bytes.count, bytes.count > 6 && bytes[6] == 1 ? 10 : 12)
            return String(
                decoding: bytes[start...].prefix(4096).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        }
        /// Returns what follows a key of the dictionary up to one of some characters.
        func value(_ key: String, upTo ends: String) -> String? {
            guard let place = header.firstRange(of: "'\(key)': ") else { return nil }
            return String(header[place.upperBound...].prefix { !ends.contains($0) })
        }
        let shape = value("shape", upTo: ")")?.drop { $0 == "(" }.split(separator: ",").map {
            String($0.drop { $0 == " " })
        }
        let facts = [
            shape.map { Fact("shape", .list($0)) },
            value("descr", upTo: ",}").map { Fact("type", .text($0.filter { $0 != "'" })) },
            Fact("read by", .text("numpy.load")),
        ]
        return Findings(facts: facts.compactMap { $0 })
    }
}
