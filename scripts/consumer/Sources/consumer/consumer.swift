import Imaging
import TransferLearning

/// Trains on a folder and recognizes pictures in the ways that the library offers.
///
///     consumer FOLDER MODEL PICTURE
@main
enum Consumer {
    static func main() async throws {
        let (folder, model, path) = (
            CommandLine.arguments[1], CommandLine.arguments[2], CommandLine.arguments[3]
        )

        let trainer = Trainer(images: FilePath(folder), model: FilePath(model))
        let result = try await trainer.train { event in
            if case .phase(let name) = event { print("phase: \(name)") }
        }
        print("accuracy on \(result.testCount) test pictures: \(result.testAccuracy ?? .nan)")

        let classifier = try ImageClassifier(contentsOf: FilePath(model))
        let answer = try classifier.classify(contentsOf: FilePath(path))
        print("\(answer.best.label) \(answer.best.score)")

        let image = try Image(contentsOf: path)
        let fromImage = try classifier.classify(image)
        print("\(fromImage.best.label) \(fromImage.best.score), from decoded pixels")
        if image.channels == 3 {
            let fromRGB = try classifier.classify(
                rgb: image.pixels.span, width: image.width, height: image.height)
            print("\(fromRGB.best.label) \(fromRGB.best.score), from RGB")
        }
        print("\(try classifier.embedding(contentsOf: FilePath(path)).count) numbers in an embedding")

        let cancelled = Task { try await trainer.train() }
        cancelled.cancel()
        do {
            _ = try await cancelled.value
            print("not cancelled")
        } catch is CancellationError { print("cancelled") }
    }
}
