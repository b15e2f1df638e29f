import Foundation
import Imaging
import SystemFiles
import TestSupport
import Testing

@testable import TransferLearning

@Suite("The library in a program")
struct LibraryTests {
    /// A classifier of the small network and a picture of 40 x 30 pixels for it.
    private static func setUp() throws -> (classifier: ImageClassifier, scratch: Scratch, picture: [UInt8]) {
        let scratch = try Scratch(), file = scratch.path.appending("model.pb")
        _ = try WebPageTests.model().write(to: file, flag: "output")
        let pixels = noise(40 * 30 * 3, seed: 5)
        // A portable pixmap, which loses nothing.
        return (
            try ImageClassifier(contentsOf: file, threads: 1), scratch,
            Array("P6 40 30 255\n".utf8) + pixels
        )
    }

    @Test("files, their bytes, decoded images and RGB give the same answer as classify")
    func sources() throws {
        let (classifier, scratch, picture) = try Self.setUp()
        let file = scratch.path.appending("picture.ppm")
        try Data(picture).write(to: URL(filePath: "\(file)"))
        let answer = try classifier.classify(contentsOf: file)
        #expect(Set(answer.predictions.map(\.label)) == Set(WebPageTests.labels))
        #expect(answer.best.score >= answer.predictions[1].score && answer.familiarity != nil)

        let image = try Image(decoding: picture)
        #expect(try classifier.classify(picture) == answer)
        #expect(try classifier.classify(image) == answer)
        #expect(try classifier.classify(rgb: image.pixels.span, width: 40, height: 30) == answer)

        var options = ClassifyOptions()
        options.graph = scratch.path.appending("model.pb")
        var answers: [Answer] = []
        try Classifier(options, pictures: 1).classify([file], report: { answers.append($0) })
        #expect(try answers[0].outcome.get() == answer.predictions)
        #expect(answers[0].familiarity == answer.familiarity && answers[0].isUnknown == answer.isUnknown)
        let vector = try classifier.embedding(contentsOf: file)
        #expect(vector.count == 20 && vector.contains { $0 != 0 })
        #expect(try classifier.embedding(of: picture) == vector)
        #expect(try classifier.embedding(of: image) == vector)
        #expect(try classifier.embedding(ofRGB: image.pixels.span, width: 40, height: 30) == vector)
    }

    @Test("tasks use one classifier at once and get what one after the other gets")
    func tasks() async throws {
        let (classifier, scratch, _) = try Self.setUp()
        let pictures = (0..<24).map { seed in
            Array("P6 40 30 255\n".utf8) + noise(40 * 30 * 3, seed: UInt64(seed))
        }
        let expected = try pictures.map { try classifier.classify($0) }
        let answers = try await withThrowingTaskGroup(of: (Int, Classification).self) { group in
            for (index, picture) in pictures.enumerated() {
                group.addTask { (index, try classifier.classify(picture)) }
            }
            return try await group.reduce(into: [Int: Classification]()) { $0[$1.0] = $1.1 }
        }
        #expect(pictures.indices.allSatisfy { answers[$0] == expected[$0] })
        withExtendedLifetime(scratch) {}
    }

    @Test("what is no picture or no file is an error of its kind")
    func errors() throws {
        let (classifier, scratch, _) = try Self.setUp()
        #expect {
            try classifier.classify(Array("hello".utf8))
        } throws: {
            if case ClassificationError.image = $0 { true } else { false }
        }
        #expect {
            try classifier.classify(contentsOf: scratch.path.appending("none.jpg"))
        } throws: {
            if case ClassificationError.file = $0 { "\($0)".contains("none.jpg") } else { false }
        }
        #expect(throws: TransferLearningError.self) { try ImageClassifier(contentsOf: "/no/model.pb") }
    }

    @Test("a training whose task is cancelled ends with CancellationError and writes nothing")
    func cancellation() async throws {
        let scratch = try Scratch()
        try scratch.make("set/a/1.jpg", "set/b/2.jpg")
        var trainer = Trainer(
            images: scratch.path.appending("set"), model: scratch.path.appending("out.x/model.pb"))
        #expect(trainer.options.outputLabels == scratch.path.appending("out.x/model.txt"))
        trainer.options.outputGraph = scratch.path.appending("model.pb")
        trainer.options.outputLabels = scratch.path.appending("model.txt")
        trainer.options.pictures.bottleneckDirectory = scratch.path.appending("cache")
        let cancelled = trainer
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await cancelled.train()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.path.appending("model.pb"))"))
    }

    @Test("a training that fails passes its error on, through the events too")
    func failures() async throws {
        let trainer = Trainer(images: "/no/such/folder", model: "/tmp/none.pb")
        await #expect(throws: TransferLearningError.self) { try await trainer.train() }
        await #expect(throws: TransferLearningError.self) {
            for try await event in trainer.events {
                if case .finished = event { Issue.record("finished") }
            }
        }
    }
}
