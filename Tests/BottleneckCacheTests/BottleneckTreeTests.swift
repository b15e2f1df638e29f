import Foundation
import TestSupport
import Testing

@testable import BottleneckCache

@Suite("retrain.py's bottleneck trees")
struct BottleneckTreeTests {
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())")

    func write(_ path: String, _ text: String) throws {
        let url = scratch.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    @Test("are read in every naming retrain.py had, and what is no bottleneck is named")
    func reading() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        try write("tree/cats/a.jpg.txt", "0.25,1.5,-3e-05")
        try write("tree/cats/b.jpg_inception_v3.txt", "1,2,3")
        try write("tree/dogs/c.jpg_https~~~tfhub.dev~google~1.txt", "4, 5 ,6\n")
        try write("tree/dogs/cut.jpg.txt", "4,5")
        try write("tree/dogs/nan.jpg.txt", "1,nan,3")
        try write("tree/dogs/word.jpg.txt", "1,two,3")
        try write("tree/dogs/empty.jpg.txt", "")
        try write("tree/readme.txt", "1,2,3")
        let (found, problems) = try BottleneckTree.read(scratch.appendingPathComponent("tree").path)
        #expect(
            found == [
                ImportedBottleneck(folder: "cats", file: "a.jpg", vector: [0.25, 1.5, -3e-05]),
                ImportedBottleneck(
                    folder: "cats", file: "b.jpg", network: "inception_v3", vector: [1, 2, 3]),
                ImportedBottleneck(
                    folder: "dogs", file: "c.jpg", network: "https~~~tfhub.dev~google~1", vector: [4, 5, 6]),
            ])
        #expect(problems.count == 4)
        for name in ["cut.jpg", "nan.jpg", "word.jpg", "empty.jpg"] {
            #expect(problems.contains { $0.path.contains(name) })
        }
    }

    @Test(
        "tell the picture's name from the network's by the last picture extension, in any case",
        arguments: [
            ("a.jpg_mobilenet_1.0_224", "a.jpg", "mobilenet_1.0_224"), ("p.Jpg_n", "p.Jpg", "n"),
            ("q.PNG_inception_v3", "q.PNG", "inception_v3"), ("x.jpg_1.jpg_n", "x.jpg_1.jpg", "n"),
            ("x.jpg_1.jpg", "x.jpg_1.jpg", ""), ("b.bmp_n", "b.bmp", "n"), ("c.jpeg_n_2", "c.jpeg", "n_2"),
            ("plain_name", "plain_name", ""), (".jpg_n", ".jpg_n", ""), ("İ.jpg_n", "İ.jpg_n", ""),
            ("", "", ""),
        ])
    func names(name: String, picture: String, network: String) {
        #expect(BottleneckTree.names(name) == (picture, network))
    }

    @Test(
        "keep the bottlenecks of several networks apart, each with its own length, through the cache and back"
    )
    func severalNetworks() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        try write("tree/cats/a.jpg_mobilenet_1.0_224.txt", "1,2,3")
        try write("tree/cats/a.jpg_mobilenet_0.25_128.txt", "4,5,6")
        try write("tree/cats/b.jpg_inception_v3.txt", "7,8")
        let tree = scratch.appendingPathComponent("tree").path
        let cache = try BottleneckCache(directory: scratch.appendingPathComponent("cache").path)
        let (found, added, problems) = try cache.importTree(tree)
        #expect(found == 3 && added == 3 && problems.isEmpty)
        #expect(
            cache.imported().map(\.fileName) == [
                "a.jpg_mobilenet_0.25_128", "a.jpg_mobilenet_1.0_224", "b.jpg_inception_v3",
            ])
        let copy = scratch.appendingPathComponent("copy").path
        #expect(try cache.exportTree(to: copy) == 3)
        #expect(try BottleneckTree.read(copy).bottlenecks == cache.imported())
    }

    @Test("are taken up once, survive in the cache, and are written out as they were")
    func roundTrip() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        try write("tree/cats/a.jpg.txt", "0.1,0.2")
        try write("tree/dogs/b.jpg.txt", "3.4028235e+38,1e-45")
        let (tree, directory, copy) = (
            scratch.appendingPathComponent("tree").path, scratch.appendingPathComponent("cache").path,
            scratch.appendingPathComponent("copy").path
        )
        let cache = try BottleneckCache(directory: directory)
        #expect(try cache.importTree(tree).added == 2)
        #expect(try cache.importTree(tree).added == 0)
        cache.close()
        let later = try BottleneckCache(directory: directory)
        #expect(later.imported().map(\.vector) == [[0.1, 0.2], [3.4028235e+38, 1e-45]])
        #expect(try later.exportTree(to: copy) == 2)
        #expect(try later.exportTree(to: copy) == 0)
        #expect(try BottleneckTree.read(copy).bottlenecks == later.imported())
    }

    @Test(
        "of the real retrain.py are read to the last bit",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
    func real() throws {
        let (found, problems) = try BottleneckTree.read(SharedData.url("bottlenecks_retrain_py").path)
        #expect(found.count == 280 && problems.isEmpty)
        #expect(Set(found.map(\.folder)) == ["laughing_pepe", "rare_pepe", "sad_pepe"])
        #expect(found.allSatisfy { $0.vector.count == 2048 })
        // As strtof reads them, which rounds decimals correctly.
        let file = try #require(
            try FileManager.default.contentsOfDirectory(
                atPath: SharedData.url("bottlenecks_retrain_py/sad_pepe").path
            ).sorted().first)
        let text = try String(
            decoding: SharedData.data("bottlenecks_retrain_py/sad_pepe/" + file), as: UTF8.self)
        let right = text.split(separator: ",").map { strtof(String($0), nil) }
        #expect(found.first { $0.folder == "sad_pepe" }?.vector == right)
    }
}
