import Foundation
import TestSupport
import Testing

@Suite("Pictures of all formats", .tags(.endToEnd))
struct PictureFormatTests {
    private let bench: Workbench
    private static let pictures = SharedData.project.appendingPathComponent("Tests/Pictures/sound")

    init() throws { bench = try Workbench() }

    private struct Result: Decodable {
        struct Skipped: Decodable { let path: String }
        struct Bottlenecks: Decodable { let computed, cached: Int }
        let imageCount: Int
        let skipped: [Skipped]
        let bottlenecks: Bottlenecks
    }

    /// Copies the test pictures whose names satisfy a condition into a class folder.
    ///
    /// - Returns: How many there are.
    @discardableResult
    private func copy(to folder: String, where isWanted: (String) -> Bool) throws -> Int {
        try bench.makeFolder(folder)
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.pictures.path).filter(isWanted)
        for name in names {
            try FileManager.default.copyItem(
                at: Self.pictures.appendingPathComponent(name), to: bench.url("\(folder)/\(name)"))
        }
        return names.count
    }

    private func retrain(_ more: [String]) throws -> Result {
        let outcome = try bench.run(
            "cartoonctl",
            [
                "retrain", "--image_dir", "pictures", "--bottleneck_dir", "cache", "--json", "--output_graph",
                "model.pb", "--output_labels", "labels.txt",
            ] + more)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Result.self, from: Data(outcome.output.utf8))
    }

    @Test("a folder of mixed formats, one class all WebP, is trained on and every file is read")
    func mixed() throws {
        let webp = try copy(to: "pictures/webp") { $0.hasSuffix(".webp") }
        let others = try copy(to: "pictures/others") { !$0.hasSuffix(".webp") }
        let result = try retrain(["--strict"])
        #expect(webp > 7 && others > 70)
        #expect(result.imageCount == webp + others && result.skipped.isEmpty)
    }

    @Test("--frames takes frames of animations and pages as pictures; the cache keeps each of them")
    func frames() throws {
        try copy(to: "pictures/still") { $0.hasPrefix("bmp") }
        // Frames: 2 and 4, 2, 4 and 4, 2 and 3, 3.
        let animations = [
            "gif_animated.gif", "gif_disposals_rgba.gif", "png_animated.png", "png_disposals_rgba.png",
            "png_separate_default_rgba.png", "webp_animated_rgba.webp", "webp_blended_rgba.webp",
            "tiff_pages.tif",
        ]
        let moving = try copy(to: "pictures/moving") { animations.contains($0) }
        #expect(moving == animations.count)
        let first = try retrain([])
        let further = 2 + 3 + 2 + 3 + 3 + 2 + 3 + 3 - moving
        let computed = try bench.run(
            "cartoonctl",
            [
                "bottlenecks", "compute", "--image_dir", "pictures", "--bottleneck_dir", "cache", "--frames",
                "3",
            ])
        // First frames were in the cache.
        #expect(
            computed.output.contains(
                "\(further) bottlenecks computed, \(first.imageCount) from the cache, 0 files skipped"),
            "\(computed.output)")
        let three = try retrain(["--frames", "3"])
        #expect(three.bottlenecks.computed == 0 && three.imageCount == first.imageCount + further)
    }
}
