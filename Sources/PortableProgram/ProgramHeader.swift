/// A `ProgramHeader` is what the bytes of a program begin with. The instructions, the weight entries, the
/// codes and the numbers follow it. Numbers are float32 in four planes, all first bytes, then all second,
/// third and fourth bytes, because they compress better so. All values are little-endian.
package struct ProgramHeader: BitwiseCopyable, Sendable {
    /// The identifier "CTN1".
    package static let magic: UInt32 = 0x314E_5443

    package var magic = ProgramHeader.magic
    package var instructionCount: Int32 = 0, weightCount: Int32 = 0, codeCount: Int32 = 0
    package var numberCount: Int32 = 0
    /// The offset of the numbers from the start of the block, in floats.
    package var numbersOffset: Int32 = 0
    /// The input, `[height, width, 3]` in RGB order; a channel value v is given as `(v − mean) · scale`.
    package var input = PlacedImage()
    package var mean: Float = 0, scale: Float = 1
    /// The raw value of the `Resize` by which pictures are brought to the input's size.
    package var resize = Resize.bilinear.rawValue
    /// The scores, one per label, and, in models with a novelty rule, the novelty and the familiarity.
    package var scores = PlacedImage(), familiarity = PlacedImage()

    /// A filter of `InputResizer`.
    package enum Resize: Int32, BitwiseCopyable, Sendable { case bilinear, antialiased, fixedPoint }

    package init() {}

    /// Returns the size of the whole program in bytes; nil where a count is out of range.
    func programSize() -> Int? {
        let limit: Int32 = 1 << 28
        guard instructionCount >= 0, weightCount >= 0, codeCount >= 0, numberCount >= 0, numbersOffset >= 0,
            instructionCount < 1 << 16, weightCount < 1 << 16, codeCount < limit, numberCount < limit,
            numbersOffset < limit
        else { return nil }
        return MemoryLayout<ProgramHeader>.stride + Int(instructionCount)
            * MemoryLayout<Instruction>.stride + Int(weightCount) * MemoryLayout<WeightEntry>.stride
            + Int(codeCount) + 4 * Int(numberCount)
    }
}
