import SystemFiles
import Backbones
import BottleneckCache
import Compression
import Inference
import Network

/// The precision in which a network is run.
public enum PrecisionChoice: String, Sendable, CaseIterable { case fp32, bf16, int8 }

/// Determines the parameters of a precision: for int8 the activation ranges, measured on some of the images.
///
/// The images are those whose class folder and file name have the smallest digests, so that a few images more
/// or less rarely change the selection, and with it every bottleneck. The ranges are stored in the bottleneck
/// cache.
struct PrecisionCalibration {
    static let pictureCount = 48
    private let backbone: Backbone
    private let network: Network

    /// - Parameter network: The backbone's network up to its bottleneck.
    init(_ backbone: Backbone, _ network: Network) { (self.backbone, self.network) = (backbone, network) }

    func precision(_ options: BottleneckOptions) throws(TransferLearningError) -> Precision {
        switch options.precision ?? .fp32 {
        case .fp32: return .fp32
        case .bf16: return .bf16
        case .int8:
            guard let folder = try options.scan() else {
                throw .option("precision", reason: "int8 is calibrated on pictures; give --image_dir")
            }
            return .int8(try ranges(pictures(in: folder), options))
        }
    }

    private func pictures(in folder: ImageFolder) -> [FilePath] {
        let all = folder.classes.indices.flatMap { index in
            folder.classes[index].files.indices.map { file in
                let name = folder.name(class: index, file: file).bytes
                return (path: folder.path(class: index, file: file), digest: SHA256.hash(name).bytes)
            }
        }
        // There are more candidates than needed, because unreadable ones are skipped.
        return all.sorted { $0.digest.lexicographicallyPrecedes($1.digest) }.prefix(2 * Self.pictureCount)
            .map(\.path)
    }

    private func ranges(_ paths: [FilePath], _ options: BottleneckOptions) throws(TransferLearningError)
        -> ActivationRanges
    {
        let files = paths.compactMap { path in (try? FileSystem.read(path)).map { (path, $0) } }
        let key = BottleneckKey(
            image: SHA256.hash(files.flatMap { SHA256.hash($0.1).bytes }),
            fingerprint: .init(
                "ranges of \(Self.pictureCount) pictures, " + backbone.fingerprint(precision: .fp32)))
        let names: Set<String>, calibrator: Calibrator
        do { names = try Calibrator.names(in: network) } catch {
            throw TransferLearningError(error, path: backbone.path)
        }
        let cache = try CacheLocation.open(options.bottleneckDirectory)
        defer { cache.close() }
        if let numbers = cache.vector(for: key), let known = ActivationRanges(names: names, numbers: numbers)
        {
            return known
        }

        let threads = options.threads ?? ParallelWork.coreCount
        do {
            calibrator = try Calibrator(
                network, pool: threads > 1 ? ThreadPool(threads: threads) : nil)
        } catch { throw TransferLearningError(error, path: backbone.path) }
        let reader = PictureReader(
            backbone.description, calibrator.executor, isStrict: false, limits: options.limits)
        var seen = 0
        for (path, bytes) in files where seen < Self.pictureCount && (try? reader.read(bytes)) != nil {
            calibrator.run()
            // Rounding to integers would hide NaN.
            guard calibrator.executor.output(0).allSatisfy(\.isFinite) else {
                throw .network(
                    .notFinite(
                        FilePath(backbone.path),
                        tensor: backbone.description.taps.map(\.tensor).joined(separator: ", "), picture: path
                    ))
            }
            seen += 1
        }
        guard seen > 0 else {
            throw .dataset(.noReadablePictures(options.imageDirectory ?? ".", tried: files.count))
        }
        let ranges = calibrator.ranges()
        do { try cache.insert(ranges.numbers, for: key) } catch {
            throw TransferLearningError(error, directory: FilePath(cache.directory))
        }
        return ranges
    }
}
