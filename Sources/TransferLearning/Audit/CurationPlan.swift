import Compression
import SystemFiles
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A list of what to do with the files of a data set, which a person may edit before it is applied.
///
/// `audit --plan` and the buttons of the report write it, `audit --apply` carries it out. It is a JSON object; each
/// file has the size and digest of the content that was judged, by which a file that changed meanwhile is recognized.
public struct CurationPlan: Sendable, Codable, Equatable {
    public enum Action: String, Sendable, Codable, CaseIterable {
        /// The file stays where it is.
        case keep
        /// The file is moved into the folder of the class `to`.
        case move
        /// The file is moved into the folder `setAside`, below a folder of its class's name.
        case setAside = "set_aside"
        /// The file is moved to the path `to`; undo files consist of these.
        case restore
    }

    /// A class with the folders that hold its pictures, several in a ready-made split.
    public struct Class: Sendable, Codable, Equatable {
        public let label: String
        public let folders: [String]

        public init(label: String, folders: [String]) { (self.label, self.folders) = (label, folders) }
    }

    public struct Entry: Sendable, Codable, Equatable {
        public let path: String
        public var action: Action
        /// The label of a class for `move`, a path for `restore`, and nil otherwise.
        public var to: String?
        /// The explanation for people.
        public var reason: String?
        /// The number of bytes and the SHA-256 of the judged content, in hexadecimal digits.
        public let bytes: Int
        public let sha256: String

        public init(
            path: String, action: Action, to: String? = nil, reason: String? = nil, bytes: Int, sha256: String
        ) {
            (self.path, self.action, self.to, self.reason) = (path, action, to, reason)
            (self.bytes, self.sha256) = (bytes, sha256)
        }
    }

    /// The version of the format; this program reads 1.
    public var plan = 1
    /// The working directory in which relative paths start, for people.
    public let startedIn: String
    public let classes: [Class]
    /// The folder for files that are set aside.
    public let setAside: String
    public var files: [Entry]

    public init(classes: [Class], setAside: FilePath, files: [Entry] = []) {
        (self.classes, self.setAside, self.files) = (classes, "\(setAside)", files)
        startedIn = "\(FileSystem.destination(of: "."))"
    }

    /// Returns the folder for files that are set aside from a data set: beside it, so that it is no class of it.
    public static func setAsideFolder(beside directory: FilePath) -> FilePath {
        var path = directory
        while path.bytes.count > 1, path.bytes.last == UInt8(ascii: "/") {
            path = FilePath(bytes: path.bytes.dropLast())
        }
        if ["", ".", "..", "/"].contains(path.lastComponent) { path = FileSystem.destination(of: path) }
        return FilePath(bytes: path.bytes + Array(".set_aside".utf8))
    }

    // MARK: - Files

    /// Reads a plan.
    ///
    /// - Throws: `.file` if it cannot be read, `.option` if it is no plan.
    public static func read(_ path: FilePath) throws(TransferLearningError) -> CurationPlan {
        let bytes: [UInt8]
        do { bytes = try FileSystem.read(path) } catch { throw .file(error, while: "reading the plan") }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let plan: CurationPlan
        do { plan = try decoder.decode(CurationPlan.self, from: Data(bytes)) } catch {
            throw .option("apply", reason: "\(path) is no plan of audit's: \(Self.words(error))")
        }
        guard plan.plan == 1 else {
            throw .option("apply", reason: "\(path) is a plan of version \(plan.plan); this program reads 1")
        }
        return plan
    }

    /// Writes the plan.
    ///
    /// - Throws: `.output`.
    public func write(to path: FilePath, flag: String = "plan") throws(TransferLearningError) {
        do {
            let file = try AtomicFile(path)
            try file.write(Array((try JSON.text(self) + "\n").utf8))
            try file.commit()
        } catch let error as FileError {
            throw .output(error, flag: flag)
        } catch { throw .internalFailure("\(error)") }
    }

    private static func words(_ error: any Error) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.map { $0.intValue.map { "\($0 + 1)" } ?? $0.stringValue }.joined(separator: " ")
        }
        switch error as? DecodingError {
        case .keyNotFound(let key, let context):
            let parent = place(context.codingPath)
            return "'\(key.stringValue)' is missing" + (parent.isEmpty ? "" : " in '\(parent)'")
        case .typeMismatch(_, let context) where !context.codingPath.isEmpty,
            .valueNotFound(_, let context) where !context.codingPath.isEmpty:
            return "'\(place(context.codingPath))' is of the wrong type"
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "'\(place(context.codingPath))' \(context.fault)"
        case .dataCorrupted: return "it is not JSON"
        default: return "it is no JSON object"
        }
    }
}
