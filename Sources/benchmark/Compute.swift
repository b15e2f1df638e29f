import Foundation
import Inference
import Network
import NetworkReading
import ONNXFormat
import TensorFlowFormat
import TensorGraph

/// Computes networks of raw numbers, for comparisons with other runtimes.
///
/// The input's numbers are in the file's order of axes, and the outputs are written one after the other in
/// theirs. What is refused is printed, and the others are still computed.
///
/// - Parameter words: A network, the file of its input and the file of its outputs, all three repeated; the
///   networks are ONNX models, or GraphDefs whose placeholder has a shape.
func computeNetworks(_ words: [String]) throws {
    for begin in stride(from: 0, to: words.count - 2, by: 3) {
        let path = words[begin]
        do {
            let (network, turns) = try readNetwork(path)
            let input = network.input.map { network.shape($0) } ?? []
            let executor = Executor(try Plan(network, threads: 1))
            var given = try Data(contentsOf: URL(fileURLWithPath: words[begin + 1])).withUnsafeBytes {
                [Float]($0.bindMemory(to: Float.self))
            }
            guard given.count == input.reduce(1, *) else {
                print("\(path): takes \(input), not \(given.count) numbers")
                continue
            }
            if turns { given = channelsLast(given, input) }
            for (index, value) in given.enumerated() { executor.input[index] = value }
            executor.run()
            var result = Data()
            for index in network.outputs.indices {
                result.append(Data(buffer: executor.output(index)))
            }
            try result.write(to: URL(fileURLWithPath: words[begin + 2]))
            print("\(path): \(network.outputs.map { network.shape($0) })")
        } catch {
            print("\(path): refused, \(error)")
        }
    }
}

/// Returns a network and whether its images are channels-first in the file.
private func readNetwork(_ path: String) throws -> (Network, turns: Bool) {
    if path.hasSuffix(".onnx") {
        let model = try ONNXModel.read(path: path), weights = Set(model.graph.initializers.map(\.name))
        let sizes = model.graph.inputs.first { !weights.contains($0.name) }?.shape ?? []
        let pictures = [ONNXValue.Dimension.size(1), .size(3)]
        let isChannelsLast = sizes.count == 4 && pictures.contains(sizes[3]) && !pictures.contains(sizes[1])
        return (try ONNXReader.read(model), sizes.count == 4 && !isChannelsLast)
    }
    let graph = try GraphDef.read(try ByteRegion(mapping: path))
    guard let input = graph.nodes.first(where: { $0.operation == "Placeholder" }),
        case .shape(let shape?)? = input.attributes["shape"], let last = graph.nodes.last
    else { throw CocoaError(.fileReadCorruptFile) }
    let sizes = shape.map { Int(max($0, 1)) }
    return (
        try GraphReader.read(graph, input: input.name, inputShape: sizes, outputs: [last.name]), false
    )
}

private func channelsLast(_ values: [Float], _ shape: [Int]) -> [Float] {
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    var result = values
    for n in 0..<shape[0] {
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels {
                    result[((n * height + y) * width + x) * channels + c] =
                        values[((n * channels + c) * height + y) * width + x]
                }
            }
        }
    }
    return result
}
