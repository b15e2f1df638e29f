import Foundation
import TransferLearning

/// Measures retraining on a folder of images, first with an empty cache and then with a full one, which must
/// give the same model.
func benchmarkRetrain(folder: String, architecture: String?, modelDirectory: String?) throws {
    let place = FileManager.default.temporaryDirectory.appendingPathComponent(
        "benchmark-retrain-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: place) }
    var options = RetrainOptions()
    options.pictures.imageDirectory = FilePath(folder)
    options.pictures.bottleneckDirectory = FilePath(place.appendingPathComponent("cache").path)
    options.pictures.architecture = architecture
    options.pictures.modelDirectory = modelDirectory.map { FilePath($0) }
    options.outputLabels = FilePath(place.appendingPathComponent("labels.txt").path)
    var models: [Data] = []
    for cache in ["empty", "full"] {
        let graph = place.appendingPathComponent("\(cache).pb")
        options.outputGraph = FilePath(graph.path)
        let start = ContinuousClock.now
        let result = try Retraining(options).run()
        let seconds = Double((ContinuousClock.now - start) / .milliseconds(1)) * 1e-3
        models.append(try Data(contentsOf: graph))
        guard models[0] == models[models.count - 1] else {
            throw WrongAnswer(what: "the cache changes the model")
        }
        report([
            "network": result.architecture, "pictures": result.imageCount, "cache": cache, "seconds": seconds,
            "milliseconds_per_picture": seconds * 1e3 / Double(result.imageCount),
            "test_accuracy": result.testAccuracy ?? .nan,
        ])
    }
}
