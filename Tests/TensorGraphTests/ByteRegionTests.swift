import Foundation
import Testing

@testable import TensorGraph

@Suite("ByteRegion")
struct ByteRegionTests {
    @Test("a mapped file reads the same after its pages were given back")
    func releasedPages() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "released-pages-\(UUID().uuidString)"
        ).path
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let region = try ByteRegion(mapping: path)
        #expect(region.bytes == bytes)
        region[5000..<95_000].releasePages()
        #expect(region.bytes == bytes)
    }

    @Test("memory that is no file's keeps its bytes")
    func heap() {
        let bytes = [UInt8](repeating: 7, count: 100_000)
        let region = ByteRegion(bytes)
        region.releasePages()
        #expect(region.bytes == bytes)
    }

    @Test("a file that is not there")
    func missing() { #expect(throws: MappingError.self) { try ByteRegion(mapping: "/nowhere/at/all") } }
}
