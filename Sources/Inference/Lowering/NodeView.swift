import TensorGraph

/// A node, with its attributes by type: what is absent or of another type is an error that names the node.
struct NodeView {
    let node: Node
    /// Inputs that carry data, without `:0`.
    let inputs: [String]

    init(_ node: Node) {
        self.node = node
        inputs = node.inputs.filter { !$0.hasPrefix("^") }.map(Self.canonical)
    }

    static func canonical(_ tensor: String) -> String {
        tensor.hasSuffix(":0") ? String(tensor.dropLast(2)) : tensor
    }

    func malformed(_ what: String) -> PlanError {
        .malformed(node: node.name, operation: node.operation, what: what)
    }
    func unsupported(_ what: String) -> PlanError {
        .unsupported(node: node.name, operation: node.operation, what: what)
    }

    func input(_ index: Int) throws(PlanError) -> String {
        guard index < inputs.count else { throw malformed("has \(inputs.count) inputs, needs \(index + 1)") }
        return inputs[index]
    }

    func float(_ name: String, default standard: Float) throws(PlanError) -> Float {
        switch node.attributes[name] {
        case .float(let value): value
        case nil: standard
        default: throw malformed("attribute '\(name)' is no float")
        }
    }

    func int(_ name: String, default standard: Int) throws(PlanError) -> Int {
        switch node.attributes[name] {
        case .int(let value): Int(value)
        case nil: standard
        default: throw malformed("attribute '\(name)' is no integer")
        }
    }

    func bool(_ name: String) throws(PlanError) -> Bool {
        switch node.attributes[name] {
        case .bool(let value): value
        case nil: false
        default: throw malformed("attribute '\(name)' is no boolean")
        }
    }

    func string(_ name: String) -> String? {
        guard case .bytes(let bytes)? = node.attributes[name] else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The height and width entries of a list such as `strides`, which must leave batch and channels alone.
    func spatial(_ name: String, default standard: Int? = nil) throws(PlanError) -> (height: Int, width: Int)
    {
        let list: [Int64]
        switch node.attributes[name] {
        case .ints(let values): list = values
        case nil where standard != nil: return (standard!, standard!)
        default: throw malformed("attribute '\(name)' is no list of integers")
        }
        if list.isEmpty, let standard { return (standard, standard) }
        guard list.count == 4, list[0] == 1, list[3] == 1 else { throw unsupported("\(name) \(list)") }
        guard (1...4096).contains(list[1]), (1...4096).contains(list[2]) else {
            throw malformed("\(name) \(list)")
        }
        return (Int(list[1]), Int(list[2]))
    }

    func requireChannelsLast() throws(PlanError) {
        if let format = string("data_format"), format != "NHWC" { throw unsupported("data_format \(format)") }
    }

    /// The window of a convolution or pooling and the extent it makes.
    ///
    /// - Source: TensorFlow's rule: SAME makes ceil(size / stride) outputs and puts the odd pixel of padding after.
    func window(
        _ height: Int, _ width: Int, over input: Extent, extraPadding: Margin = Margin()
    ) throws(PlanError) -> (window: Window, height: Int, width: Int) {
        try requireChannelsLast()
        let stride = try spatial("strides"), dilation = try spatial("dilations", default: 1)
        guard dilation == (1, 1) else { throw unsupported("dilation \(dilation)") }
        var padding = Margin()
        switch string("padding") {
        case "SAME":
            guard extraPadding.isEmpty else { throw unsupported("SAME padding of a padded image") }
            let needY = max(0, (input.height - 1) / stride.height * stride.height + height - input.height)
            let needX = max(0, (input.width - 1) / stride.width * stride.width + width - input.width)
            padding = Margin(
                top: needY / 2, left: needX / 2, bottom: needY - needY / 2, right: needX - needX / 2)
        case "VALID": padding = extraPadding
        case "EXPLICIT":
            guard case .ints(let list)? = node.attributes["explicit_paddings"], list.count == 8,
                extraPadding.isEmpty,
                list[0] == 0, list[1] == 0, list[6] == 0, list[7] == 0,
                list.allSatisfy({ (0...4096).contains($0) })
            else { throw malformed("explicit_paddings") }
            padding = Margin(top: Int(list[2]), left: Int(list[4]), bottom: Int(list[3]), right: Int(list[5]))
        case let other: throw malformed("padding \(other ?? "absent")")
        }
        let paddedHeight = input.height + padding.top + padding.bottom,
            paddedWidth = input.width + padding.left + padding.right
        guard paddedHeight >= height, paddedWidth >= width else {
            throw malformed("a window of \(height)×\(width) does not fit into \(paddedHeight)×\(paddedWidth)")
        }
        let window = Window(
            height: height, width: width, strideY: stride.height, strideX: stride.width, padding: padding)
        return (window, (paddedHeight - height) / stride.height + 1, (paddedWidth - width) / stride.width + 1)
    }
}
