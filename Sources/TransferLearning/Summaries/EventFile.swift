import FinalLayer
import SystemFiles
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// An event file in a folder that TensorBoard watches; each record is written when `append` returns.
///
/// A new file with a unique name is created beside those of earlier runs. Nothing is removed or overwritten,
/// whereas retrain.py deletes the whole folder.
package final class EventFile {
    package let path: String
    private let descriptor: Int32

    package struct WriteError: Error, Equatable, CustomStringConvertible {
        package let path: String
        package let errno: Int32
        package var description: String { "\(path): \(String(cString: strerror(errno)))" }
    }

    /// - Parameter directory: The folder, which is created with its parents if needed.
    package init(in directory: String, time: Double = Date().timeIntervalSince1970) throws(WriteError) {
        do { try FileSystem.makeDirectory(FilePath(directory)) } catch {
            throw WriteError(path: directory, errno: error.errno)
        }
        let stem = "\(directory)/events.out.tfevents.\(Self.seconds(time)).\(Self.host)"
        var (path, tries) = (stem, 0)
        // Runs that start within the same second get different names.
        var file = Self.create(path)
        while file < 0, errno == EEXIST {
            tries += 1
            path = "\(stem).\(tries)"
            file = Self.create(path)
        }
        guard file >= 0 else { throw WriteError(path: path, errno: errno) }
        (self.path, descriptor) = (path, file)
        var event = SummaryMessage()
        event.field(1, time)
        event.field(3, "brain.Event:2")
        try write(TFRecord.framed(event.bytes))
        // A session log that starts tells TensorBoard that no later step belongs to an earlier session.
        var session = SummaryMessage(), log = SummaryMessage()
        log.field(1, Int64(1))
        session.field(1, time)
        session.field(7, log)
        try write(TFRecord.framed(session.bytes))
    }

    package func append(_ summary: Summary, step: Int, time: Double = Date().timeIntervalSince1970)
        throws(WriteError)
    {
        var event = SummaryMessage()
        event.field(1, time)
        event.field(2, Int64(step))
        event.field(5, summary.message)
        try write(TFRecord.framed(event.bytes))
    }

    private func write(_ bytes: [UInt8]) throws(WriteError) {
        let failure = Descriptors.writeAll(descriptor, bytes)
        if failure != 0 { throw WriteError(path: path, errno: failure) }
    }

    /// - Returns: A descriptor, or -1 with `errno` set.
    private static func create(_ path: String) -> Int32 {
        FilePath(path).withCString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666) }
    }

    private static func seconds(_ time: Double) -> String {
        let digits = String(Int64(max(0, min(time, 1e15))))
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    private static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? "localhost" : text
    }

    deinit { close(descriptor) }
}
