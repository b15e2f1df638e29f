import Compression
import Foundation

@testable import BottleneckCache

/// A directory of a test's own, removed with it.
final class ScratchDirectory {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
        "cartoonctl-cache-\(UUID().uuidString)")
    var path: String { url.path }

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    /// The bytes of the one segment there is.
    func onlySegment() throws -> (url: URL, bytes: [UInt8]) {
        let names = try names().filter { $0.hasSuffix(".bottlenecks") }
        guard names.count == 1 else { throw CocoaError(.fileNoSuchFile) }
        return (file(names[0]), [UInt8](try Data(contentsOf: file(names[0]))))
    }
}

let network = BottleneckKey.Fingerprint("network")
func key(_ number: Int, _ fingerprint: BottleneckKey.Fingerprint = network) -> BottleneckKey {
    BottleneckKey(image: SHA256.hash(Array("picture \(number)".utf8)), fingerprint: fingerprint)
}
/// Numbers that no other picture has.
func vector(_ number: Int, count: Int = 5) -> [Float] { (0..<count).map { Float(number) + Float($0) / 16 } }
