import Compression
import FinalLayer
import Foundation
import Imaging
import TestSupport
import Testing

@testable import TransferLearning

@Suite("Evaluation")
struct EvaluateTests {
    @Test("a report adds up")
    func report() {
        let report = EvaluationReport(
            labels: ["a", "b"], paths: ["1", "2", "3", "4"], classes: [0, 0, 1, 1],
            probabilities: [0.9, 0.1, 0.2, 0.8, 0.4, 0.6, 0.7, 0.3])
        #expect(report.count == 4 && report.correct == 2 && report.accuracy == 0.5)
        #expect(report.confusion == [[1, 1], [1, 1]])
        // The most confident mistake first.
        #expect(report.mistakes.map(\.path) == ["2", "4"])
        #expect(
            report.mistakes[0].predicted == "b" && report.mistakes[0].score == 0.8
                && report.mistakes[0].labelScore == 0.2)
        #expect(report.text().contains("50.0%  (2 of 4;"))
    }

    @Test("folds are even, keep each class's share, and never part rows of one group")
    func folds() {
        let labels = (0..<90).map { $0 % 3 }, groups = (0..<90).map { $0 < 6 ? 0 : $0 }
        let assignment = FoldAssignment(labels: labels, classes: 3, groups: groups, folds: 5, seed: 3)
        #expect(assignment.count == 5 && Set(assignment.folds[..<6]).count == 1)
        for fold in 0..<5 {
            for label in 0..<3 {
                let members = labels.indices.count { assignment.folds[$0] == fold && labels[$0] == label }
                #expect((5...7).contains(members))
            }
        }
        #expect(FoldAssignment(labels: labels, classes: 3, groups: groups, folds: 5, seed: 3) == assignment)
        #expect(FoldAssignment(labels: labels, classes: 3, groups: groups, folds: 5, seed: 4) != assignment)
    }

    @Test("copies count as one where folds are dealt: a class of two different pictures makes two folds")
    func copiesInFolds() throws {
        let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1], groups = [0, 1, 2, 3, 4, 5, 6, 7, 7]
        let assignment = FoldAssignment(labels: labels, classes: 2, groups: groups, folds: 5, seed: 0)
        #expect(assignment.count == 2)
        #expect(assignment.folds[7] == assignment.folds[8] && assignment.folds[6] != assignment.folds[7])
        var features = FeatureMatrix(columns: 3)
        for group in groups { features.append(row: [Float(group), Float(group % 3), group < 6 ? 1 : -1]) }
        let judged = try OutOfSample(.whole(features), labels: labels, classes: 2, groups: groups)
        #expect(judged.foldCount == 2 && judged.probabilities.allSatisfy { (0...1).contains($0) })
        #expect(judged.metrics.accuracy > 0.8)
    }

    @Test("a class of few pictures has some in every fold, even where another class has a copy")
    func rareFirst() {
        // Class 1 has two pictures, one of them in class 0 too.
        let labels = [0, 0, 0, 0, 0, 0, 1, 1], groups = [0, 1, 2, 3, 4, 5, 5, 7]
        for seed in 0..<20 {
            let folds = FoldAssignment(
                labels: labels, classes: 2, groups: groups, folds: 5, seed: UInt64(seed)
            )
            .folds
            #expect(folds[6] != folds[7] && folds[5] == folds[6])
        }
    }
}

@Suite("Distortions")
struct DistortionTests {
    @Test("a draw stays within its bounds and is the same for the same picture")
    func draws() {
        var distortion = Distortion()
        (
            distortion.randomCrop, distortion.randomScale, distortion.randomBrightness,
            distortion.flipLeftRight
        ) = (10, 20, 30, true)
        var flips = 0
        for variant in 1...200 {
            let digest = SHA256.hash(Array("picture \(variant % 7)".utf8))
            let draw = distortion.draw(variant, image: digest, width: 224, height: 224)
            #expect((246...295).contains(draw.width) && (246...295).contains(draw.height))
            #expect(
                draw.left + 224 <= draw.width && draw.top + 224 <= draw.height && draw.left >= 0
                    && draw.top >= 0)
            #expect((0.7...1.3).contains(draw.brightness))
            let again = distortion.draw(variant, image: digest, width: 224, height: 224)
            #expect(
                again.left == draw.left && again.brightness == draw.brightness
                    && again.isFlipped == draw.isFlipped)
            flips += draw.isFlipped ? 1 : 0
        }
        #expect((60...140).contains(flips))
    }

    @Test("flips alone have one variant, the mirror image")
    func flipsOnly() {
        var distortion = Distortion()
        #expect(distortion.isNone)
        distortion.flipLeftRight = true
        #expect(!distortion.isNone && distortion.distinctVariants == 1)
        let draw = distortion.draw(1, image: SHA256.hash([1]), width: 64, height: 48)
        #expect(
            draw.isFlipped && draw.width == 64 && draw.height == 48 && draw.left == 0 && draw.brightness == 1)
    }
}
