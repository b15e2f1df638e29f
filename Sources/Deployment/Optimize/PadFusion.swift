import TensorGraph

extension GraphDraft {
    /// Merges a zero `Pad` of height and width into the convolution that reads it, if it is its only reader.
    ///
    /// The padding of a depthwise convolution stays: TensorFlow 2.21 ends the process where oneDNN fuses one with explicit
    /// padding with the bias and activation that follow.
    ///
    /// - Returns: The number of paddings removed.
    mutating func fusePadding() -> Int {
        var count = 0
        let readers = readers()
        for name in names {
            // A padding that was merged may come after its convolution in the file.
            guard let node = self[name], node.operation == "Conv2D", node.isChannelsLast,
                case .bytes(let kind)? = node.attributes["padding"], kind == Array("VALID".utf8),
                let input = node.inputs.first, let pad = self[input], pad.operation == "Pad",
                !pinned.contains(input), readers[input]?.count == 1, let amounts = constant(pad, 1)?.integers,
                amounts.count == 8,
                amounts[0] == 0, amounts[1] == 0, amounts[6] == 0, amounts[7] == 0,
                amounts.allSatisfy({ $0 >= 0 })
            else { continue }
            self[name]!.inputs[0] = pad.inputs[0]
            self[name]!.attributes["padding"] = .bytes(Array("EXPLICIT".utf8))
            self[name]!.attributes["explicit_paddings"] = .ints(amounts.map(Int64.init))
            remove(input)
            count += 1
        }
        return count
    }
}

extension Node {
    /// Whether images are `[N, H, W, C]`, which is also the default of the attribute.
    var isChannelsLast: Bool {
        guard case .bytes(let format)? = attributes["data_format"] else { return true }
        return format == Array("NHWC".utf8)
    }
}
