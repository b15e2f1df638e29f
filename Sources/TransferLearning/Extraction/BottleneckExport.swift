import BottleneckCache
import SystemFiles

/// A file format for bottlenecks that other programs read.
public enum BottleneckFileFormat: String, Sendable, CaseIterable {
    /// Text files as retrain.py writes them, `<class>/<image>_<network>.txt`.
    case tree
    /// A float32 array `bottlenecks.npy`, `[images, features]`, for `numpy.load`, with the path and label of
    /// each row in `pictures.csv`.
    case npy
    /// A table `bottlenecks.csv` with the path, the label and the features of each image.
    case csv
}

/// Writes the bottlenecks of a folder of images to files for scikit-learn, NumPy or spreadsheets.
///
///     let result = try BottleneckExport(options, format: .npy, directory: "vectors").run()
///
/// Bottlenecks that the cache does not contain are computed. Memory use does not depend on the number of
/// images.
public struct BottleneckExport: Sendable {
    private let options: BottleneckOptions
    private let format: BottleneckFileFormat
    private let directory: FilePath

    /// - Parameters:
    ///   - options: The images, the network and the cache.
    ///   - format: The format of the files.
    ///   - directory: The folder for the files, which is created if it does not exist.
    public init(_ options: BottleneckOptions, format: BottleneckFileFormat, directory: FilePath) {
        (self.options, self.format, self.directory) = (options, format, directory)
    }

    /// Writes the files.
    ///
    /// - Parameters:
    ///   - context: Receives events, and stops the run.
    /// - Throws: `TransferLearningError` or errors of the receiver of events. Files in the formats `npy` and `csv` are
    ///   written atomically.
    public func run(
        context: RunContext = RunContext()
    ) throws -> BottleneckExportResult {
        var options = options
        options.ownFiles.append(directory)
        let folder = try BottleneckSource.scan(options, context)
        let extractor = try FeatureExtractor(options, context: context)
        let cache = try CacheLocation.open(options.bottleneckDirectory)
        defer { cache.close() }
        for warning in cache.warnings { try context.report(.warning("the bottleneck cache: \(warning)")) }
        let files = folder.classes.indices.flatMap { label in
            folder.classes[label].files.indices.map {
                (path: folder.path(class: label, file: $0), label: label)
            }
        }
        do {
            try FileSystem.makeDirectory(directory)
            let writer = try writer(columns: extractor.size, network: extractor.backbone.description.name)
            var (skipped, rows, isWriting) = (0, 0, false)
            let extraction = BottleneckExtraction(
                extractor: extractor, cache: cache, threads: options.threads ?? ParallelWork.coreCount,
                isStrict: options.isStrict, limits: options.limits, frames: options.frames)
            let (entries, frames) = extraction.spread(files, path: { $0.path }, context: context)
            try extraction.forEachVector(
                of: entries.map(\.path), frames: frames,
                context: context.reporting { event in
                    if case .skipped = event { skipped += 1 }
                    isWriting = false
                    try context.report(event)
                }
            ) { index, vector in
                let entry = entries[index]
                if !isWriting {
                    isWriting = true
                    try context.report(.phase("writing the vectors"))
                }
                try writer.add(
                    BottleneckRow(
                        path: entry.path, folder: folder.classes[entry.label].folder,
                        label: folder.labels[entry.label], vector: vector))
                rows += 1
            }
            try writer.finish()
            return BottleneckExportResult(
                directory: "\(directory)", files: writer.names, format: format.rawValue,
                network: extractor.fingerprint, pictures: rows, numbers: extractor.size, skipped: skipped)
        } catch let error as FileError {
            throw TransferLearningError.file(error, while: "writing bottlenecks")
        }
    }

    private func writer(columns: Int, network: String) throws(FileError) -> any BottleneckWriter {
        switch format {
        case .tree: TextTreeWriter(directory, network: network)
        case .npy: try NumpyWriter(directory, columns: columns)
        case .csv: try TableWriter(directory, columns: columns)
        }
    }
}

/// The result of writing bottlenecks.
public struct BottleneckExportResult: Sendable, Codable {
    /// The path of the folder and the names of the files in it.
    public let directory: String, files: [String]
    public let format: String
    /// The network's fingerprint, which is its key in the cache.
    public let network: String
    /// The number of rows, the number of features in each, and the number of images that could not be read.
    public let pictures, numbers, skipped: Int

    public var summary: String {
        "\(pictures) bottlenecks of \(numbers) numbers in \(directory) (\(files.joined(separator: ", ")))"
            + (skipped > 0 ? "; \(skipped) files skipped" : "")
    }
    public func json() throws -> String { try JSON.text(self) }
}

/// The bottleneck of one image.
struct BottleneckRow {
    let path, folder: FilePath
    let label: String
    let vector: [Float]
}

/// Writes rows in order. Without a call of `finish`, no incomplete file remains under the final name.
protocol BottleneckWriter {
    /// The names of the files, relative to the folder.
    var names: [String] { get }
    func add(_ row: BottleneckRow) throws(FileError)
    func finish() throws(FileError)
}

/// Writes a text file per image, as in retrain.py's bottleneck folder.
private struct TextTreeWriter: BottleneckWriter {
    private let directory: FilePath, network: String

    init(_ directory: FilePath, network: String) { (self.directory, self.network) = (directory, network) }

    var names: [String] { ["<class>/<picture>_\(network).txt"] }

    func add(_ row: BottleneckRow) throws(FileError) {
        let folder = directory.appending(row.folder)
        try FileSystem.makeDirectory(folder)
        let name = FilePath(bytes: row.path.lastComponent.bytes + Array("_\(network).txt".utf8))
        let file = try AtomicFile(folder.appending(name))
        try file.write(BottleneckTree.text(row.vector))
        try file.commit()
    }

    func finish() throws(FileError) {}
}

/// Writes `bottlenecks.npy` in version 1.0 of NumPy's format (numpy.lib.format) and `pictures.csv`.
private final class NumpyWriter: BottleneckWriter {
    private let array, table: AtomicFile
    private let columns: Int
    private var rows = 0

    init(_ directory: FilePath, columns: Int) throws(FileError) {
        array = try AtomicFile(directory.appending("bottlenecks.npy"))
        table = try AtomicFile(directory.appending("pictures.csv"))
        self.columns = columns
        try array.write(Self.header(rows: 0, columns: columns))
        try table.write(Array("path,label\n".utf8))
    }

    var names: [String] { ["bottlenecks.npy", "pictures.csv"] }

    func add(_ row: BottleneckRow) throws(FileError) {
        try array.write(row.vector.map { $0.bitPattern.littleEndian }.withUnsafeBytes { Array($0) })
        try table.write(
            CSV.field(row.path.bytes) + [UInt8(ascii: ",")] + CSV.field(Array(row.label.utf8)) + [10])
        rows += 1
    }

    func finish() throws(FileError) {
        try array.replaceStart(with: Self.header(rows: rows, columns: columns))
        try array.commit()
        try table.commit()
    }

    /// Returns a header of 128 bytes for any number of rows, so that it can be overwritten at the end.
    private static func header(rows: Int, columns: Int) -> [UInt8] {
        let shape = "(\(rows), \(columns))"
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
        let padding = [UInt8](repeating: UInt8(ascii: " "), count: 128 - 10 - 1 - text.utf8.count)
        return [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(text.utf8) + padding + [10]
    }
}

/// Writes `bottlenecks.csv` in the format of RFC 4180.
private struct TableWriter: BottleneckWriter {
    private let file: AtomicFile

    init(_ directory: FilePath, columns: Int) throws(FileError) {
        file = try AtomicFile(directory.appending("bottlenecks.csv"))
        try file.write(
            Array(("path,label," + (0..<columns).map(String.init).joined(separator: ",") + "\n").utf8))
    }

    var names: [String] { ["bottlenecks.csv"] }

    func add(_ row: BottleneckRow) throws(FileError) {
        let comma = [UInt8(ascii: ",")]
        try file.write(
            CSV.field(row.path.bytes) + comma + CSV.field(Array(row.label.utf8)) + comma
                + BottleneckTree.text(row.vector) + [10])
    }

    func finish() throws(FileError) { try file.commit() }
}
