import SystemFiles
import BottleneckCache
import Compression
import FinalLayer

/// The result of an import or export.
public struct TreeReport: Sendable, Codable {
    public let directory, cache: String
    /// The number of files in the tree, and how many are new at the destination.
    public let files, added: Int
    public let problems: [String]

    public var summary: String {
        "\(added) of \(files) bottlenecks are new; \(problems.count) files could not be read"
    }
    public func json() throws -> String { try JSON.text(self) }
}

/// Imports retrain.py's bottleneck files into the cache, exports them, or trains from them.
public enum ImportedTree {
    public static func importTree(_ directory: FilePath, into cache: FilePath?) throws(TransferLearningError)
        -> TreeReport
    {
        let location = CacheLocation.directory(cache)
        guard (try? FileSystem.kind(of: directory)) == .directory else {
            throw .dataset(.noBottleneckTree(directory))
        }
        let store = try CacheLocation.open(cache)
        do {
            let (found, added, problems) = try store.importTree(directory.description)
            store.close()
            guard found > 0 || !problems.isEmpty else {
                throw TransferLearningError.option(
                    "bottleneck_dir",
                    reason:
                        "\(directory) holds no bottleneck files; they are <class>/<picture>.txt in the folder that retrain.py was given"
                )
            }
            return TreeReport(
                directory: "\(directory)", cache: "\(location)", files: found, added: added,
                problems: problems.map(\.description))
        } catch let error as CacheError {
            throw TransferLearningError(error, directory: location)
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }

    public static func exportTree(to directory: FilePath, from cache: FilePath?) throws(TransferLearningError)
        -> TreeReport
    {
        let location = CacheLocation.directory(cache)
        let store = try CacheLocation.open(cache)
        do {
            let written = try store.exportTree(to: directory.description)
            return TreeReport(
                directory: "\(directory)", cache: "\(location)", files: store.imported().count,
                added: written, problems: [])
        } catch { throw TransferLearningError(error, directory: location) }
    }

    /// Returns the imported bottlenecks in a cache, or those in its folder if that is a tree.
    ///
    /// - Parameters:
    ///   - size: The number of features of the network's bottlenecks; nil for any.
    ///   - architecture: The network's name, which selects among the bottlenecks of several networks.
    static func bottlenecks(_ cache: BottleneckCache, size: Int?, architecture: String?)
        throws(TransferLearningError)
        -> LabelledBottlenecks
    {
        let directory = FilePath(cache.directory)
        var imported = cache.imported(), problems: [TreeProblem] = []
        if imported.isEmpty {
            do { (imported, problems) = try BottleneckTree.read(cache.directory) } catch {
                throw TransferLearningError(error, directory: directory)
            }
        }
        guard !imported.isEmpty else {
            throw .option(
                "image_dir",
                reason:
                    "needed: a folder with one sub-folder of pictures per class. (Only a --bottleneck_dir with an imported retrain.py tree does without)"
            )
        }
        let networks = Dictionary(grouping: imported, by: \.network)
        if networks.count > 1 {
            guard let architecture, let chosen = networks[architecture] else {
                let found = networks.keys.sorted().map { name in
                    "\(networks[name]!.count) of \(name.isEmpty ? "one without a name" : name)"
                }
                throw .option(
                    "bottleneck_dir",
                    reason:
                        "\(directory) holds bottlenecks of several networks (\(found.joined(separator: ", "))): "
                        + "--architecture names the one to train on")
            }
            imported = chosen
        }
        let size = size ?? imported[0].vector.count
        guard imported.allSatisfy({ $0.vector.count == size }) else {
            throw .option(
                "bottleneck_dir",
                reason:
                    "\(directory) holds bottlenecks of \(imported[0].vector.count) numbers, the network makes \(size); retrain.py's come from "
                    + "inception_v3: give --model_dir with its graph")
        }
        let folders = Array(Set(imported.map(\.folder))).sorted()
        guard folders.count > 1 else { throw .dataset(.oneClass(directory, FilePath(folders[0]))) }
        let labels = folders.map { label(forFolder: FilePath($0)) }
        for (index, label) in labels.enumerated() {
            if let other = labels[..<index].firstIndex(of: label) {
                throw .dataset(
                    .sameLabel(
                        label, directory.appending(FilePath(folders[other])),
                        directory.appending(FilePath(folders[index]))))
            }
        }
        var features = FeatureMatrix(columns: size, reservingRows: imported.count)
        for bottleneck in imported { features.append(row: bottleneck.vector) }
        let classOf = Dictionary(uniqueKeysWithValues: folders.enumerated().map { ($1, $0) })
        return LabelledBottlenecks(
            labels: labels, folders: folders.map { directory.appending(FilePath($0)) },
            paths: imported.map { FilePath("\($0.folder)/\($0.file)") },
            contents: imported.map { $0.vector.withUnsafeBytes { SHA256.hash($0) } }, parts: [],
            classes: imported.map { classOf[$0.folder]! }, features: features,
            skipped: problems.map { SkippedPicture(path: $0.path, reason: $0.reason) },
            summary: BottleneckSummary(
                computed: 0, cached: imported.count, skipped: problems.count, seconds: 0))
    }
}
