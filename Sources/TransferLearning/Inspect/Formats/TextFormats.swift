import Backbones
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A labels file with one label per line in the order of a model's outputs.
enum LabelsFormat {
    static func isRecognized(_ contents: FileContents) -> Bool {
        contents.foreign == .text && contents.region.count <= LabelsFile.mostBytes
            && !contents.starts([UInt8(ascii: "{")])
            && !contents.starts([UInt8(ascii: "[")])
    }

    static func inspect(_ contents: FileContents) -> Findings {
        let labels = LabelsText.names(in: contents.region.bytes)
        var facts = [Fact("count", .count(labels.count)), Fact("labels", .list(labels))]
        let repeated = Dictionary(grouping: labels, by: { $0 }).filter { $1.count > 1 }.keys.sorted()
        if !repeated.isEmpty { facts.append(Fact("repeated", .list(repeated))) }
        let items = labels.enumerated().map { ("label \($0)", Item.text($1)) }
        return Findings(facts: facts, items: Dictionary(uniqueKeysWithValues: items))
    }
}

/// The manifest that `retrain` writes beside a model for repeating the run.
enum ManifestFormat {
    static func isRecognized(_ contents: FileContents) -> Bool {
        contents.starts([UInt8(ascii: "{")]) && (try? manifest(contents)) != nil
    }

    static func inspect(_ contents: FileContents) throws -> Findings {
        let fields = try JSONDecoder().decode(JSONValue.self, from: Data(contents.region.bytes)).flattened()
        let facts = fields.sorted { $0.key < $1.key }.map { name, item in
            switch item {
            case .text(let text): Fact(name, .text(text))
            case .numbers(let numbers):
                Fact(
                    name, numbers.count == 1 ? .number(Double(numbers[0])) : .text("\(numbers.count) numbers")
                )
            }
        }
        return Findings(facts: facts, items: fields)
    }

    private static func manifest(_ contents: FileContents) throws -> RunManifest {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(RunManifest.self, from: Data(contents.region.bytes))
    }
}

/// A JSON file that is none of the above: refused by what it is.
enum JSONFormat {
    static func isRecognized(_ contents: FileContents) -> Bool {
        let start = contents.opening.first { !$0.isWhitespace && $0 != "\u{FEFF}" }
        return contents.foreign == .text && (start == "{" || start == "[")
    }

    static func inspect(_ contents: FileContents) throws -> Findings {
        let value = try? JSONDecoder().decode(JSONValue.self, from: Data(contents.region.bytes))
        let found =
            switch value {
            case .object(let fields):
                "JSON with the fields " + fields.keys.sorted().prefix(8).joined(separator: ", ")
                    + (fields.count > 8 ? " and \(fields.count - 8) others" : "")
            case .list(let list): "a JSON list of \(list.count)"
            default: "text that begins as JSON and is none, or is cut short"
            }
        throw TransferLearningError.network(
            .notAGraph(
                contents.path, found: "\(found); no model, nor a manifest or plan that cartoonctl wrote"))
    }
}

/// The page that `--report` writes.
enum ReportFormat {
    static func isRecognized(_ contents: FileContents) -> Bool {
        contents.foreign == .html && contents.opening.contains("<title>cartoonctl ")
    }

    static func inspect(_ contents: FileContents) -> Findings {
        let text = contents.text
        func between(_ start: String, _ end: String) -> [String] {
            text.components(separatedBy: start).dropFirst().map { $0.components(separatedBy: end)[0] }
        }
        // Headings may have an identifier; the text follows the first `>`.
        let sections = between("<h2", "</h2>").map { String($0.drop { $0 != ">" }.dropFirst()) }
        var facts = [
            Fact("title", .text(between("<title>", "</title>").first ?? "")),
            Fact("sections", .list(sections)),
        ]
        let data = between("<script type=\"application/json\" id=\"data\">", "</script>").first ?? ""
        if let page = try? JSONDecoder().decode(Page.self, from: Data(data.utf8)) {
            facts += [
                Fact("made by", .text(page.made)), Fact("labels", .list(page.labels)),
                Fact("pictures", .count(page.pictures.paths.count)),
                Fact("findings", .list(page.findings.map { "\($0.kind) \($0.items.count)" })),
            ]
            if let answers = page.answers { facts.append(Fact("accuracy", .number(answers.accuracy))) }
            facts.append(Fact("advice", .list(page.advice)))
        }
        return Findings(facts: facts)
    }

    /// What is told of the data that a page's script reads.
    private struct Page: Decodable {
        struct Pictures: Decodable { let paths: [String] }
        struct Answers: Decodable { let accuracy: Double }
        struct Findings: Decodable {
            struct Item: Decodable {}
            let kind: String
            let items: [Item]
        }
        let made: String
        let labels, advice: [String]
        let pictures: Pictures
        let answers: Answers?
        let findings: [Findings]
    }
}

/// Any JSON value.
indirect enum JSONValue: Decodable {
    case null, bool(Bool), integer(Int64), number(Double), text(String), list([JSONValue]), object(
        [String: JSONValue])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([JSONValue].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    /// Returns all values by their paths, such as `backbone.taps[1].tensor`; numbers and lists of numbers
    /// become numbers.
    func flattened(_ path: String = "") -> [String: Item] {
        switch self {
        case .null: [path: .text("null")]
        case .bool(let bool): [path: .text("\(bool)")]
        case .integer(let integer): [path: .text("\(integer)")]
        case .number(let number): [path: .numbers([Float(number)])]
        case .text(let text): [path: .text(text)]
        case .object(let fields):
            fields.reduce(into: [:]) {
                $0.merge($1.value.flattened(path.isEmpty ? $1.key : "\(path).\($1.key)")) { first, _ in first
                }
            }
        case .list(let list):
            if let numbers = numbers(list) {
                [path: .numbers(numbers)]
            } else if let words = words(list) {
                [path: .text(words)]
            } else {
                list.enumerated().reduce(into: [:]) {
                    $0.merge($1.element.flattened("\(path)[\($1.offset)]")) { first, _ in first }
                }
            }
        }
    }

    private func numbers(_ list: [JSONValue]) -> [Float]? {
        var numbers: [Float] = []
        for value in list {
            switch value {
            case .number(let number): numbers.append(Float(number))
            case .integer(let integer): numbers.append(Float(integer))
            default: return nil
            }
        }
        return numbers.isEmpty ? nil : numbers
    }

    /// Returns texts as one line of words, those with spaces in quotation marks.
    private func words(_ list: [JSONValue]) -> String? {
        var words: [String] = []
        for case .text(let text) in list {
            words.append(text.contains(" ") || text.isEmpty ? "\"\(text)\"" : text)
        }
        return words.count == list.count ? words.joined(separator: " ") : nil
    }
}
