import Backbones
import Deployment
import ONNXFormat
import SystemFiles

/// Compresses the weights of an ONNX model whose nodes stay as they are, by the modes `weights` and
/// `weights_rounded`.
struct ONNXQuantization {
    let file: DeployableNetwork
    let options: QuantizeOptions
    let context: RunContext

    /// - Returns: nil for other formats and modes.
    func run() throws(TransferLearningError) -> QuantizeResult? {
        guard options.mode != .compact else { return nil }
        guard case .onnx(let model) = file.network else { return nil }
        do {
            let small =
                options.mode == .weights
                ? try EightBitWeights().apply(to: model)
                : try RoundedWeights(bits: options.bitDepth).apply(to: model)
            var accuracies: (before: Double, after: Double)?
            if let directory = options.calibration {
                guard let about = file.description else {
                    throw TransferLearningError.option(
                        "calibrate",
                        reason:
                            "\(options.input) does not say what its labels are; only models that retrain wrote can be calibrated"
                    )
                }
                let calibration = try Calibration(
                    directory, threads: options.threads ?? ParallelWork.coreCount,
                    context: context)
                accuracies = (
                    try calibration.accuracy(of: .onnx(model), about, path: file.path),
                    try calibration.accuracy(of: .onnx(small), about, path: file.path)
                )
            }
            let zipped = ZippedSizes(before: try model.write(), after: try small.write())
            let written = try NetworkFile.onnx(small).write(to: options.output, flag: "output")
            return QuantizeResult(
                input: "\(options.input)", output: "\(options.output)", mode: options.mode.rawValue,
                bytesBefore: file.bytes, bytesAfter: written, zippedBefore: zipped.before,
                zippedAfter: zipped.after, bits: nil, accuracyBefore: accuracies?.before,
                accuracyAfter: accuracies?.after,
                worstDrop: accuracies.map { 100 * ($0.before - $0.after) }, isLayerRenewed: false,
                featureError: nil,
                isDamaged: false, betterSetting: nil, betterFeatureError: nil)
        } catch let error as DeploymentError {
            throw TransferLearningError(error, path: options.input)
        } catch let error as TransferLearningError {
            throw error
        } catch {
            throw .internalFailure("\(error)")
        }
    }
}
