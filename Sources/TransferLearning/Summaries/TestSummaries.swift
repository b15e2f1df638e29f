import FinalLayer
import Imaging
import SystemFiles

/// What TensorBoard shows of a test: scores, confusion matrix, misclassified pictures with heat maps, and the projector's
/// files, all in the folder `test` of a run.
struct TestSummaries {
    private let directory: FilePath
    private let events: EventFile
    private let limits: PictureLimits

    /// The most pictures that are shown.
    private static let most = 24

    init(in run: SummaryRun, limits: PictureLimits) throws(TransferLearningError) {
        self.limits = limits
        directory = FilePath(run.path + "/test")
        do throws(EventFile.WriteError) { events = try EventFile(in: "\(directory)") } catch {
            throw TransferLearningError(error)
        }
    }

    /// Writes the scores and images.
    ///
    /// - Parameter explainer: The explainer of the model; nil leaves the heat maps out.
    /// - Throws: `TransferLearningError`; pictures that cannot be read any more are left out.
    func write(_ evaluation: Evaluation, explainer: Explainer?, context: RunContext)
        throws(TransferLearningError)
    {
        guard let test = evaluation.test, let report = evaluation.report else { return }
        var summary = Summary()
        summary.progress(accuracy: test.accuracy, crossEntropy: test.crossEntropy)
        let matrix = ConfusionImage(test.confusion)
        summary.image(
            "confusion_matrix", png: matrix.png, width: matrix.side, height: matrix.side)
        summary.text(
            "confusion_matrix/classes",
            "Rows are true classes, columns what the model says, both in this order:\n\n"
                + report.labels.enumerated().map { "\($0 + 1). \(Self.markdown($1))" }.joined(separator: "\n")
        )
        try append(summary)
        for mistake in report.mistakes.prefix(Self.most) {
            try context.checkInterruption()
            guard let bytes = try? FileSystem.read(FilePath(mistake.path)),
                let picture = Thumbnail.make(bytes, sides: [256], limits: limits).first
            else { continue }
            // TensorBoard groups tags by what is before the first slash.
            let name =
                "\(Self.tag(mistake.label)) taken for \(Self.tag(mistake.predicted)) (\(fixed(100 * Double(mistake.score), 0))%)/"
                + Self.tag("\(FilePath(mistake.path).lastComponent)")
            var summary = Summary()
            let png = picture.pixels.withUnsafeBytes {
                PNGEncoder.encode($0, width: picture.width, height: picture.height, channels: 3)
            }
            summary.image("misclassified/" + name, png: png, width: picture.width, height: picture.height)
            if let explainer,
                let why = try? explainer.explain(bytes, label: mistake.predicted, against: mistake.label),
                let map = try? explainer.picture(bytes, why), let header = try? ImageHeader(of: map)
            {
                summary.image(
                    "heat_map/" + name, png: map, width: header.uprightWidth, height: header.uprightHeight)
            }
            try append(summary)
        }
    }

    private func append(_ summary: Summary) throws(TransferLearningError) {
        do throws(EventFile.WriteError) { try events.append(summary, step: 0) } catch {
            throw TransferLearningError(error)
        }
    }

    private static func tag(_ name: String) -> String { name.printable.replacing("/", with: "_") }
    private static func markdown(_ name: String) -> String {
        String(name.printable.flatMap { "\\`*_{}[]<>()#+-.!|&".contains($0) ? ["\\", $0] : [$0] })
    }

    // MARK: - Projector

    /// Writes the bottlenecks, their labels and small pictures, and the file that tells the projector of them.
    ///
    /// - Source: TensorBoard `plugins/projector/projector_config.proto`.
    func writeEmbeddings(
        _ data: LabelledBottlenecks, threads: Int, context: RunContext
    ) throws {
        let rows = data.paths.count, columns = data.features.columns
        var vectors: [UInt8] = []
        vectors.reserveCapacity(rows * columns * 4)
        for row in 0..<rows {
            for value in data.features[row] {
                withUnsafeBytes(of: value.bitPattern.littleEndian) { vectors.append(contentsOf: $0) }
            }
        }
        let names =
            "label\tpath\n"
            + data.paths.indices.map {
                "\(data.labels[data.classes[$0]].printable)\t\("\(data.paths[$0])".printable)\n"
            }.joined()
        var config = """
            embeddings {
              tensor_name: "bottlenecks"
              tensor_shape: \(rows)
              tensor_shape: \(columns)
              tensor_path: "bottlenecks.bytes"
              metadata_path: "labels.tsv"

            """
        var files: [(path: FilePath, bytes: [UInt8])] = [
            ("bottlenecks.bytes", vectors), ("labels.tsv", Array(names.utf8)),
        ]
        // TensorBoard shows sprites of at most 8192 pixels a side.
        let columnsOfSprite = Int(Double(rows).squareRoot().rounded(.up)),
            side = min(48, 8192 / columnsOfSprite)
        if side >= 16 {
            let facts = try ContactSheets.read(
                data.paths, sides: data.paths.map { _ in [side] }, threads: threads, limits: limits,
                context: context)
            files.append(
                ("sprites.png", Self.sprites(facts.map { $0.thumbnails.first }, side, columnsOfSprite)))
            config += """
                  sprite {
                    image_path: "sprites.png"
                    single_image_dim: \(side)
                    single_image_dim: \(side)
                  }

                """
        }
        config += "}\n"
        // The file that is written last is the one that is written first in the list.
        do throws(FileError) {
            let files = [("projector_config.pbtxt", Array(config.utf8))] + files
            try FolderOutput(directory, isShared: true).write(files)
        } catch { throw TransferLearningError.output(error, flag: "summaries_dir") }
    }

    /// Returns a PNG with the thumbnails in rows, each centered on its place.
    private static func sprites(_ thumbnails: [Thumbnail?], _ side: Int, _ columns: Int) -> [UInt8] {
        let rows = (thumbnails.count + columns - 1) / columns, width = columns * side
        var pixels = [UInt8](repeating: 255, count: width * rows * side * 3)
        for (index, thumbnail) in thumbnails.enumerated() {
            guard let thumbnail else { continue }
            let left = index % columns * side + (side - thumbnail.width) / 2
            let top = index / columns * side + (side - thumbnail.height) / 2
            for y in 0..<thumbnail.height {
                let from = y * thumbnail.width * 3, to = ((top + y) * width + left) * 3
                for k in 0..<thumbnail.width * 3 { pixels[to + k] = thumbnail.pixels[from + k] }
            }
        }
        return pixels.withUnsafeBytes {
            PNGEncoder.encode($0, width: width, height: rows * side, channels: 3)
        }
    }
}

/// A confusion matrix as a picture: the darker a cell, the greater its share of the row; blue where right, red where wrong.
struct ConfusionImage {
    let side: Int
    let png: [UInt8]

    /// Digits of 3 × 5 pixels, a bit each, row by row from the top left.
    private static let digits: [UInt16] = [
        0b111_101_101_101_111, 0b010_110_010_010_111, 0b111_001_111_100_111, 0b111_001_111_001_111,
        0b101_101_111_001_001, 0b111_100_111_001_111, 0b111_100_111_101_111, 0b111_001_001_001_001,
        0b111_101_111_101_111, 0b111_101_111_001_111,
    ]

    init(_ confusion: [[Int]]) {
        let classes = max(1, confusion.count), cell = max(4, min(48, 960 / classes)),
            side = classes * cell + 1
        var pixels = [UInt8](repeating: 255, count: side * side * 3)
        func set(_ x: Int, _ y: Int, _ color: SIMD3<Float>) {
            for c in 0..<3 { pixels[(y * side + x) * 3 + c] = UInt8(max(0, min(255, color[c]))) }
        }
        let line = SIMD3<Float>(repeating: 205), white = SIMD3<Float>(repeating: 255)
        for (row, counts) in confusion.enumerated() {
            let total = Float(max(1, counts.reduce(0, +)))
            for (column, count) in counts.enumerated() {
                let share = Float(count) / total
                let full: SIMD3<Float> = row == column ? [20, 90, 180] : [200, 50, 20]
                let color = white + (full - white) * (count == 0 ? 0 : 0.15 + 0.85 * share)
                for y in 0...cell {
                    for x in 0...cell {
                        let isEdge = cell > 6 && (x == 0 || y == 0 || x == cell || y == cell)
                        set(column * cell + x, row * cell + y, isEdge ? line : color)
                    }
                }
                let text = Array("\(count)".utf8), zoom = cell / (4 * text.count + 3)
                guard count > 0, zoom >= 1 else { continue }
                let ink = share > 0.5 ? white : SIMD3<Float>(repeating: 0)
                let left = column * cell + (cell - (4 * text.count - 1) * zoom) / 2
                let top = row * cell + (cell - 5 * zoom) / 2
                for (position, digit) in text.enumerated() {
                    let bits = Self.digits[Int(digit) - 48]
                    for bit in 0..<15 where bits >> UInt16(14 - bit) & 1 == 1 {
                        for y in 0..<zoom {
                            for x in 0..<zoom {
                                set(left + (4 * position + bit % 3) * zoom + x, top + bit / 3 * zoom + y, ink)
                            }
                        }
                    }
                }
            }
        }
        self.side = side
        png = pixels.withUnsafeBytes { PNGEncoder.encode($0, width: side, height: side, channels: 3) }
    }
}
