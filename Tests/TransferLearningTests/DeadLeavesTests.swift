import Testing

@testable import TransferLearning

@Suite("DeadLeaves")
struct DeadLeavesTests {
    private let leaves = DeadLeaves(width: 96, height: 64)

    @Test("each number has a picture, always the same")
    func numbers() {
        #expect(leaves.picture(1) == leaves.picture(1) && leaves.picture(1) != leaves.picture(2))
        #expect(
            leaves.picture(1).count == 64 * 96 * 3 && leaves.picture(1).allSatisfy { (0..<256).contains($0) })
    }

    /// As in natural pictures: Lee, Mumford and Huang (2001).
    @Test("what is near is alike, and less so the farther away")
    func nearness() {
        let picture = leaves.picture(3)
        func difference(_ distance: Int) -> Float {
            var sum: Float = 0
            for y in 0..<64 {
                for x in 0..<48 {
                    sum += abs(picture[(y * 96 + x) * 3] - picture[(y * 96 + x + distance) * 3])
                }
            }
            return sum
        }
        #expect(difference(1) < 0.7 * difference(4) && difference(4) < 0.9 * difference(32))
    }
}
