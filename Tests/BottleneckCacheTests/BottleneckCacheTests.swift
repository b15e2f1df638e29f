import Foundation
import Testing

@testable import BottleneckCache

@Suite struct BottleneckCacheTests {
    @Test("finds vectors by content and fingerprint, in this process and the next")
    func roundTrip() throws {
        let scratch = try ScratchDirectory()
        let cache = try BottleneckCache(directory: scratch.path)
        #expect(cache.count == 0 && cache.vector(for: key(1)) == nil)
        for i in 0..<20 { try cache.insert(vector(i, count: 1 + i * 7), for: key(i)) }
        let special: [Float] = [0, -0.0, .infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
        try cache.insert(special, for: key(99))
        for opened in [cache, try BottleneckCache(directory: scratch.path)] {
            #expect(opened.count == 21)
            for i in 0..<20 { #expect(opened.vector(for: key(i)) == vector(i, count: 1 + i * 7)) }
            #expect(opened.vector(for: key(99))?.map(\.bitPattern) == special.map(\.bitPattern))
            #expect(opened.vector(for: key(3, .init("another network"))) == nil)
            #expect(opened.warnings.isEmpty)
        }
    }

    @Test("keeps the vector it has when a key comes again")
    func duplicate() throws {
        let scratch = try ScratchDirectory()
        let cache = try BottleneckCache(directory: scratch.path)
        try cache.insert(vector(1), for: key(1))
        let size = try scratch.onlySegment().bytes.count
        try cache.insert(vector(2), for: key(1))
        #expect(cache.vector(for: key(1)) == vector(1))
        #expect(try scratch.onlySegment().bytes.count == size)
    }

    @Test("leaves no file behind when nothing was added")
    func nothingAdded() throws {
        let scratch = try ScratchDirectory()
        let cache = try BottleneckCache(directory: scratch.path + "/deep/er")
        cache.close()
        #expect(try scratch.names() == ["deep"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/deep/er").isEmpty)
    }

    @Test("gives each opening a segment of its own, and all see all")
    func sharing() throws {
        let scratch = try ScratchDirectory()
        let a = try BottleneckCache(directory: scratch.path), b = try BottleneckCache(directory: scratch.path)
        for i in 0..<10 { try (i % 2 == 0 ? a : b).insert(vector(i), for: key(i)) }
        #expect(try scratch.names().count == 2)
        #expect(a.vector(for: key(1)) == nil)
        try a.refresh()
        for i in 0..<10 { #expect(a.vector(for: key(i)) == vector(i)) }
        try b.insert(vector(10), for: key(10))
        try a.refresh()
        #expect(a.vector(for: key(10)) == vector(10) && a.count == 11)
        a.close()
        try a.insert(vector(11), for: key(11))
        try a.refresh()
        #expect(a.count == 12)
        #expect(try scratch.names().count == 3)
        #expect(try BottleneckCache(directory: scratch.path).count == 12)
    }

    @Test("takes insertions from many threads at once")
    func threads() throws {
        let scratch = try ScratchDirectory()
        let cache = try BottleneckCache(directory: scratch.path)
        DispatchQueue.concurrentPerform(iterations: 200) { i in
            try? cache.insert(vector(i % 100), for: key(i % 100))
            _ = cache.vector(for: key(i / 2))
        }
        let again = try BottleneckCache(directory: scratch.path)
        #expect(again.count == 100 && again.warnings.isEmpty)
        for i in 0..<100 { #expect(again.vector(for: key(i)) == vector(i)) }
    }

    @Test("survives a process killed at any byte of its last record")
    func tornTail() throws {
        let scratch = try ScratchDirectory()
        let writer = try BottleneckCache(directory: scratch.path)
        for i in 0..<3 { try writer.insert(vector(i), for: key(i)) }
        let (url, bytes) = try scratch.onlySegment()
        let record = (bytes.count - 16) / 3
        for size in 0..<bytes.count {
            try Data(bytes[..<size]).write(to: url)
            let cache = try BottleneckCache(directory: scratch.path)
            let whole = max(0, size - 16) / record
            #expect(cache.count == whole)
            for i in 0..<3 { #expect(cache.vector(for: key(i)) == (i < whole ? vector(i) : nil)) }
            #expect(cache.warnings.isEmpty == (size <= 16 || (size - 16) % record == 0))
        }
        // And goes on: what was lost is computed again, into a segment of its own.
        let cache = try BottleneckCache(directory: scratch.path)
        try cache.insert(vector(2), for: key(2))
        cache.close()
        let again = try BottleneckCache(directory: scratch.path)
        for i in 0..<3 { #expect(again.vector(for: key(i)) == vector(i)) }
    }

    @Test("follows a record that is written while it looks")
    func growing() throws {
        let scratch = try ScratchDirectory()
        let writer = try BottleneckCache(directory: scratch.path)
        for i in 0..<2 { try writer.insert(vector(i), for: key(i)) }
        let (url, bytes) = try scratch.onlySegment()
        try Data(bytes[..<(bytes.count - 9)]).write(to: url)
        let reader = try BottleneckCache(directory: scratch.path)
        #expect(reader.count == 1)
        try Data(bytes).write(to: url)
        try reader.refresh()
        #expect(reader.vector(for: key(1)) == vector(1))
    }

    @Test("never gives a wrong vector, whichever byte is damaged, and finds the records behind it")
    func damage() throws {
        let scratch = try ScratchDirectory()
        let writer = try BottleneckCache(directory: scratch.path)
        for i in 0..<3 { try writer.insert(vector(i), for: key(i)) }
        let (url, bytes) = try scratch.onlySegment()
        let record = (bytes.count - 16) / 3
        for position in 16..<bytes.count {
            var broken = bytes
            broken[position] ^= 0x10
            try Data(broken).write(to: url)
            let cache = try BottleneckCache(directory: scratch.path)
            let hit = (position - 16) / record
            for i in 0..<3 { #expect(cache.vector(for: key(i)) == (i == hit ? nil : vector(i))) }
            #expect(!cache.warnings.isEmpty)
        }
    }

    @Test("a damaged record is replaced for good by a new one")
    func repair() throws {
        let scratch = try ScratchDirectory()
        let writer = try BottleneckCache(directory: scratch.path)
        for i in 0..<3 { try writer.insert(vector(i), for: key(i)) }
        var (url, bytes) = try scratch.onlySegment()
        bytes[bytes.count - 6] ^= 1
        try Data(bytes).write(to: url)
        let cache = try BottleneckCache(directory: scratch.path)
        #expect(cache.vector(for: key(2)) == nil)
        try cache.insert(vector(2), for: key(2))
        #expect(cache.vector(for: key(2)) == vector(2))
        cache.close()
        for _ in 0..<2 {
            let again = try BottleneckCache(directory: scratch.path)
            #expect(again.vector(for: key(2)) == vector(2))
        }
    }

    @Test("skips a hole of zeros longer than its search window")
    func hole() throws {
        let scratch = try ScratchDirectory()
        let writer = try BottleneckCache(directory: scratch.path)
        for i in 0..<2 { try writer.insert(vector(i), for: key(i)) }
        let (url, bytes) = try scratch.onlySegment()
        let middle = 16 + (bytes.count - 16) / 2
        try Data(bytes[..<middle] + [UInt8](repeating: 0, count: 3_000_004) + bytes[middle...]).write(to: url)
        let cache = try BottleneckCache(directory: scratch.path)
        for i in 0..<2 { #expect(cache.vector(for: key(i)) == vector(i)) }
        #expect(cache.warnings == [.damaged(path: url.path, offset: middle)])
    }

    @Test("passes over files that are no segments, and leaves them as they are")
    func foreignFiles() throws {
        let scratch = try ScratchDirectory()
        let html = Data("<html>a page of more than sixteen bytes</html>".utf8)
        var newer = SegmentFormat.fileHeader
        newer[8] = 9
        try html.write(to: scratch.file("page.bottlenecks"))
        try Data(newer + [1, 2, 3]).write(to: scratch.file("newer.bottlenecks"))
        try Data().write(to: scratch.file("empty.bottlenecks"))
        try html.write(to: scratch.file("image.jpg_inception_v3.txt"))
        try FileManager.default.createDirectory(
            at: scratch.file("folder.bottlenecks"), withIntermediateDirectories: false)
        let cache = try BottleneckCache(directory: scratch.path)
        try cache.insert(vector(1), for: key(1))
        cache.close()
        #expect(Set(cache.warnings.map(String.init(describing:))).count == 2 && cache.warnings.count == 2)
        #expect(cache.warnings.contains(.notASegment(path: scratch.file("page.bottlenecks").path)))
        #expect(cache.warnings.contains(.notASegment(path: scratch.file("newer.bottlenecks").path)))
        #expect(try scratch.names().count == 6)
        #expect(try Data(contentsOf: scratch.file("page.bottlenecks")) == html)
        #expect(try BottleneckCache(directory: scratch.path).vector(for: key(1)) == vector(1))
    }

    @Test("names the path it cannot make a directory of")
    func unusableDirectory() throws {
        let scratch = try ScratchDirectory()
        try Data("x".utf8).write(to: scratch.file("file"))
        let path = scratch.path + "/file/cache"
        #expect { try BottleneckCache(directory: path) } throws: { error in
            guard case CacheError.system(.createDirectory, let at, let code) = error else { return false }
            return at == path && code == ENOTDIR
        }
    }

    @Test("refuses an empty vector")
    func emptyVector() throws {
        let scratch = try ScratchDirectory()
        let cache = try BottleneckCache(directory: scratch.path)
        #expect(throws: CacheError.unsupportedLength(0)) { try cache.insert([], for: key(1)) }
    }
}
