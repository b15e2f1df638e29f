import Backbones
import Foundation
import Imaging
import Inference
import TensorGraph

/// Measures the parts that take time, after checking their results, and prints one JSON object per line.
///
///     swift run -c release benchmark forward efficientnet_lite0
///     swift run -c release benchmark forward path/to/net.pb        (described by net.json)
///     swift run -c release benchmark forward inception_v3 MODEL_DIR
///     swift run -c release benchmark forward googlenet.pb --precision int8 --set avx2 --threads 1
///     swift run -c release benchmark profile efficientnet_lite0    (times per step)
///     swift run -c release benchmark retrain FOLDER inception_v3 MODEL_DIR
///     swift run -c release benchmark decode a.jpg b.png …
///     swift run -c release benchmark compute net.onnx x.bin y.bin  (raw numbers, for comparisons with others)
let arguments = Array(CommandLine.arguments.dropFirst())
do {
    switch arguments.first {
    case "forward" where arguments.count > 1:
        try ForwardBenchmark(Array(arguments.dropFirst())).run()
    case "profile" where arguments.count > 1:
        let names = arguments.dropFirst(2).filter { ["fp32", "bf16", "int8"].contains($0) }
        let directory = arguments.dropFirst(2).first { !names.contains($0) }
        try benchmarkSteps(
            architecture: arguments[1], modelDirectory: directory, precision: names.first ?? "fp32")
    case "retrain" where arguments.count > 1:
        try benchmarkRetrain(
            folder: arguments[1], architecture: arguments.count > 2 ? arguments[2] : nil,
            modelDirectory: arguments.count > 3 ? arguments[3] : nil)
    case "compute" where arguments.count > 1: try computeNetworks(Array(arguments.dropFirst()))
    case "memory" where arguments.count == 2: try benchmarkDecodingMemory(arguments[1])
    case "decode" where arguments.count > 1: try benchmarkDecoding(Array(arguments.dropFirst()))
    default:
        print(
            """
            usage: benchmark forward ARCHITECTURE [MODEL_DIR] [--precision P] [--set S] [--threads N]
                   benchmark profile ARCHITECTURE [MODEL_DIR] [PRECISION]
                   benchmark retrain FOLDER [ARCHITECTURE [MODEL_DIR]]
                   benchmark decode FILE...
                   benchmark memory FILE
                   benchmark compute NETWORK INPUT OUTPUT [NETWORK INPUT OUTPUT...]
            """)
        exit(2)
    }
} catch {
    FileHandle.standardError.write(Data("benchmark: \(error)\n".utf8))
    exit(1)
}

/// Returns the median and the minimum time of `runs` runs in seconds; two warm-up runs are excluded.
func times(runs: Int, _ body: () throws -> Void) rethrows -> (median: Double, shortest: Double) {
    var times: [Double] = []
    for _ in 0..<runs + 2 {
        let start = DispatchTime.now().uptimeNanoseconds
        try body()
        times.append(Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9)
    }
    let sorted = times.dropFirst(2).sorted()
    return (sorted[runs / 2], sorted[0])
}

func report(_ values: KeyValuePairs<String, Any>) {
    let fields = values.map { name, value in
        switch value {
        case let number as Double: "\"\(name)\": \(String(format: "%.3f", number))"
        case let number as Int: "\"\(name)\": \(number)"
        default: "\"\(name)\": \"\(value)\""
        }
    }
    print("{" + fields.joined(separator: ", ") + "}")
}
