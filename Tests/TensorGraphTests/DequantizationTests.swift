import TensorGraph
import Testing

@Suite("Dequantization")
struct DequantizationTests {
    private let bytes = Tensor(
        type: .quint8, shape: [3], contents: .dense(ByteRegion([0, 66, 255] as [UInt8])))

    @Test("MIN_FIRST rounds the lowest value to a multiple of the step, so that 0 is exact")
    func minFirst() throws {
        let values = try #require(bytes.dequantized(low: -0.7, high: 2, .minFirst)?.floats)
        #expect(abs(values[1]) < 1e-7)
        #expect(abs(values[0] + 66 * 2.7 / 255) < 1e-6 && abs(values[2] - 189 * 2.7 / 255) < 1e-6)
    }

    @Test("MIN_COMBINED begins at the lowest value")
    func minCombined() throws {
        let values = try #require(bytes.dequantized(low: -0.7, high: 2)?.floats)
        #expect(values[0] == -0.7 && abs(values[2] - 2) < 1e-6)
    }
}
