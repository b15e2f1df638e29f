import Compression
import FinalLayer
import Foundation
import Imaging
import Testing
@testable import TransferLearning

@Suite("TensorBoard event files")
struct SummariesTests {
    private func scratch() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "summaries-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test("computes CRC-32C as RFC 3720 §B.4 lists it")
    func checksum() {
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(CRC32C.checksum([UInt8](repeating: 255, count: 32)) == 0x62a8_ab43)
        #expect(CRC32C.checksum(Array(0..<32)) == 0x46dd_794e)
    }

    @Test("frames a record as TensorFlow's writer does")
    func framing() {
        // tf.io.TFRecordWriter, one record b"cartoon".
        #expect(
            TFRecord.framed(Array("cartoon".utf8)) == [
                7, 0, 0, 0, 0, 0, 0, 0, 187, 215, 159, 17, 99, 97, 114, 116, 111, 111, 110, 184, 166, 136, 13,
            ])
    }

    @Test("counts into TensorFlow's buckets")
    func histogram() {
        let histogram = SummaryHistogram(of: [-1, 0, 0, 0.5, 2, .nan])
        let (limits, counts) = histogram.buckets
        #expect(histogram.count == 5)
        #expect(histogram.minimum == -1 && histogram.maximum == 2)
        #expect(histogram.mean == 0.3)
        #expect(counts.reduce(0, +) == 5)
        #expect(limits == limits.sorted() && limits.last == .greatestFiniteMagnitude)
        // Both zeros lie below the smallest positive limit, none below zero itself.
        let zero = limits.firstIndex { $0 > 0 }
        #expect(zero.map { counts[$0] } == 2 && zero.map { limits[$0] } == 1e-12)
    }

    @Test("adds a file beside those of earlier runs and leaves everything else as it was")
    func keepsOtherFiles() throws {
        let folder = try scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let foreign = folder.appendingPathComponent("train/notes.txt")
        try FileManager.default.createDirectory(
            at: foreign.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: foreign)
        let first = try EventFile(in: folder.path + "/train", time: 1_500_000_000)
        let before = try Data(contentsOf: URL(fileURLWithPath: first.path))
        let second = try EventFile(in: folder.path + "/train", time: 1_500_000_000)
        #expect(first.path != second.path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: first.path)) == before)
        #expect(try Data(contentsOf: foreign) == Data("mine".utf8))
    }

    @Test("writes train and validation scalars and the layer's histograms")
    func trainingSummaries() throws {
        let folder = try scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let layer = TrainedLayer(weights: [0.5, -0.25, 1, 2], biases: [0.125, -1])
        let summaries = try TrainingSummaries(in: SummaryRun(in: folder.path + "/"))
        for step in 0..<3 {
            try summaries.trained(
                step: step * 10, accuracy: 0.5 + Double(step) / 8, crossEntropy: 1 / Double(step + 1),
                layer: layer)
            try summaries.validated(step: step * 10, accuracy: 0.5, crossEntropy: 0.75)
        }
        for part in ["train", "validation"] {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/run-1/" + part)
            #expect(names.count == 1 && names[0].hasPrefix("events.out.tfevents."))
            let records = try payloads(
                in: Data(contentsOf: folder.appendingPathComponent("run-1/\(part)/\(names[0])")))
            #expect(records.count == 5)
            #expect(String(decoding: records[0], as: UTF8.self).hasSuffix("brain.Event:2"))
            // Field 7, a session log, with status START.
            #expect(records[1].suffix(4) == [0x3A, 2, 8, 1])
            #expect(String(decoding: records[4], as: UTF8.self).contains("cross_entropy"))
            #expect(
                String(decoding: records[2], as: UTF8.self).contains(
                    "final_training_ops/biases/summaries/histogram") == (part == "train"))
        }
    }

    @Test("every run has a folder of its own, and every strength one inside it, with its value")
    func runs() throws {
        let folder = try scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try SummaryRun(in: folder.path).path == folder.path + "/run-1")
        let run = try SummaryRun(in: folder.path)
        #expect(run.path == folder.path + "/run-2")
        try run.strength(0.0012, accuracy: 0.75, crossEntropy: 0.5)
        let names = try FileManager.default.contentsOfDirectory(atPath: run.path + "/strength-1.2e-3")
        let records = try payloads(
            in: Data(contentsOf: URL(fileURLWithPath: run.path + "/strength-1.2e-3/" + names[0])))
        let text = String(decoding: records[2], as: UTF8.self)
        #expect([0.0999999999, 1, 31.6, 2e-7].map(scientific) == ["1.0e-1", "1.0e0", "3.2e1", "2.0e-7"])
        #expect(text.contains("_hparams_/session_start_info") && text.contains("L2 strength"))
    }

    @Test("a confusion matrix is drawn in blue where it is right and red where it is wrong")
    func confusion() throws {
        let drawn = ConfusionImage([[9, 1], [0, 5]]), image = try Image(decoding: drawn.png)
        #expect(image.width == drawn.side && image.height == drawn.side && drawn.side == 97)
        func color(_ x: Int, _ y: Int) -> [UInt8] {
            Array(image.pixels[((y * image.width + x) * 3)..<((y * image.width + x) * 3 + 3)])
        }
        // The corner of a cell holds no digit.
        let (right, wrong, none) = (color(3, 3), color(51, 3), color(3, 51))
        #expect(right[2] > right[0] && wrong[0] > wrong[2] && none == [255, 255, 255])
        #expect(ConfusionImage((0..<200).map { _ in [Int](repeating: 1, count: 200) }).side == 801)
    }

    /// The records of a file, their checksums verified.
    private func payloads(in file: Data) throws -> [[UInt8]] {
        var bytes = Array(file), records: [[UInt8]] = []
        while !bytes.isEmpty {
            let length = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16
            let record = Array(bytes[12..<12 + length])
            try #require(Array(bytes[..<(16 + length)]) == TFRecord.framed(record))
            records.append(record)
            bytes.removeFirst(16 + length)
        }
        return records
    }
}
