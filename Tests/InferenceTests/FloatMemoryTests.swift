import Testing

@testable import Inference

@Suite("Memory for images and weights")
struct FloatMemoryTests {
    @Test("begins at a cache line, and at a large page where it holds one", arguments: [0, 1, 1000, 600_000])
    func alignment(count: Int) {
        let memory = FloatMemory.allocate(count)
        defer { UnsafeMutableRawPointer(memory).deallocate() }
        let holdsLargePage = 4 * count >= FloatMemory.largePage
        #expect(Int(bitPattern: memory) % (holdsLargePage ? FloatMemory.largePage : 64) == 0)
        memory.initialize(repeating: 1, count: count)
        #expect((0..<count).allSatisfy { memory[$0] == 1 })
    }
}
