import ONNXFormat
import SystemFiles
import Testing

@testable import TransferLearning

@Suite("Errors of networks")
struct NetworkErrorTests {
    @Test(
        "say in words what is wrong with a model's weights in other files",
        arguments: [
            (ONNXExternalFault.outsideFolder(location: "/w.bin"), "'/w.bin', outside the model's folder"),
            (.beyondFile(path: "w.bin", offset: 8, length: 8, size: 12), "behind the 12 bytes of 'w.bin'"),
            (.sizeMismatch(path: "w.bin", expected: 16, found: 8), "take 16 bytes, not the 8 in 'w.bin'"),
            (.malformedEntry(key: "offset"), "without a valid offset"),
        ])
    func externalWeights(fault: ONNXExternalFault, words: String) {
        let error = NetworkError("net.onnx", ONNXError.externalData(tensor: "kernel", fault))
        let reason =
            switch error {
            case .damaged("net.onnx", let reason), .unsupported("net.onnx", let reason): reason
            default: ""
            }
        #expect(reason.contains(words) && reason.contains("'kernel'"))
    }
}
