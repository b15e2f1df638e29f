import TensorFlowFormat

/// The operations of an ML Program as they are appended, with their constants in the file of weights.
struct MILBlock {
    /// The name by which programs refer to the file of weights in their package.
    private static let weightsFile = "@model_path/weights/weight.bin"
    /// The number of elements from which constants lie in the file of weights.
    private static let smallestBlob = 10
    /// The words of MIL's text form, which are no names.
    private static let words: Set<String> = [
        "any", "bool", "program", "func", "tensor", "list", "dict", "tuple", "true", "false", "string",
        "bf16",
        "fp16", "fp32", "fp64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "state",
    ]

    private(set) var operations: [WireWriter] = []
    private(set) var blob = MILBlob()
    /// Whether an operation is new in iOS 16.
    private(set) var needsCoreML6 = false
    private var names = MILBlock.words
    /// The names of constants that several operations share, such as an axis.
    private var shared: [String: String] = [:]

    /// Returns a new name, `[A-Za-z_][A-Za-z0-9_]*`, like `wish`.
    mutating func name(_ wish: String) -> String {
        var base = ""
        for scalar in wish.unicodeScalars {
            let isWord = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            base.unicodeScalars.append(isWord ? scalar : "_")
        }
        if base.first.map({ ("0"..."9").contains($0) }) ?? true { base = "_" + base }
        var name = base, number = 1
        while !names.insert(name).inserted {
            name = "\(base)_\(number)"
            number += 1
        }
        return name
    }

    /// Appends an operation with one result.
    ///
    /// - Parameter inputs: The names of the parameters with those of computed tensors or constants.
    /// - Returns: The name of its result.
    mutating func append(
        _ type: String, _ inputs: [(String, [String])], _ wish: String, _ element: MIL.ElementType,
        _ shape: [Int]
    ) -> String {
        let result = name(wish)
        append(
            type, inputs.map { ($0.0, .names($0.1)) }, name: result,
            [MIL.named(result, MIL.tensorType(element, shape))])
        return result
    }

    mutating func append(
        _ type: String, _ inputs: [(String, MIL.Argument)], name: String, _ outputs: [WireWriter]
    ) {
        operations.append(
            MIL.operation(type, inputs: inputs, outputs: outputs, attributes: [("name", MIL.value(name))]))
    }

    // MARK: - Constants

    mutating func integers(_ values: [Int]) -> String {
        constant("ints_" + values.map(String.init).joined(separator: "_"), .int32, [values.count]) {
            MIL.value(values, [values.count])
        }
    }
    mutating func integer(_ value: Int) -> String {
        constant("int_\(value)", .int32, []) { MIL.value([value], []) }
    }
    mutating func flag(_ value: Bool) -> String { constant("is_\(value)", .bool, []) { MIL.value(value) } }
    mutating func text(_ value: String) -> String {
        constant("text_" + value, .string, []) { MIL.value(value) }
    }

    /// Returns the name of a constant, which is written once.
    private mutating func constant(
        _ key: String, _ type: MIL.ElementType, _ shape: [Int], _ value: () -> WireWriter
    ) -> String {
        if let name = shared[key] { return name }
        let name = constant(key, type, shape, value())
        shared[key] = name
        return name
    }

    private mutating func constant(
        _ wish: String, _ type: MIL.ElementType, _ shape: [Int], _ value: WireWriter
    ) -> String {
        let name = name(wish)
        operations.append(
            MIL.operation(
                "const", inputs: [], outputs: [MIL.named(name, MIL.tensorType(type, shape))],
                attributes: [("name", MIL.value(name)), ("val", value)]))
        return name
    }

    /// Writes a constant in half or single precision.
    mutating func numbers(_ wish: String, _ values: [Float], _ shape: [Int], _ type: MIL.ElementType)
        -> String
    {
        if type == .float16 { return halves(wish, values.map(\.halfBits), shape) }
        return constant(
            wish, .float32, shape,
            values.count < Self.smallestBlob
                ? MIL.value(values, shape)
                : MIL.value(.float32, shape, file: Self.weightsFile, offset: blob.append(values)))
    }

    /// Writes a constant in half precision.
    mutating func halves(_ wish: String, _ values: [UInt16], _ shape: [Int]) -> String {
        constant(
            wish, .float16, shape,
            values.count < Self.smallestBlob
                ? MIL.value(.float16, shape, bytes: values.withUnsafeBytes { [UInt8]($0) })
                : MIL.value(.float16, shape, file: Self.weightsFile, offset: blob.append(values)))
    }

    /// Writes weights `[outputs, …]` as bytes with a half-precision factor for each output, which Core ML
    /// multiplies out.
    mutating func dequantized(_ wish: String, _ codes: [Int8], _ shape: [Int], steps: [Float]) -> String {
        needsCoreML6 = true
        let name = name(wish), offset = blob.append(codes)
        let halves = steps.map(\.halfBits)
        // The description of this operation has all operands as attributes.
        let scale =
            steps.count < Self.smallestBlob
            ? MIL.value(.float16, [steps.count], bytes: halves.withUnsafeBytes { [UInt8]($0) })
            : MIL.value(
                .float16, [steps.count], file: Self.weightsFile, offset: blob.append(halves))
        operations.append(
            MIL.operation(
                "constexpr_affine_dequantize", inputs: [],
                outputs: [MIL.named(name, MIL.tensorType(.float16, shape))],
                attributes: [
                    ("name", MIL.value(name)), ("axis", MIL.value([0], [])),
                    ("quantized_data", MIL.value(.int8, shape, file: Self.weightsFile, offset: offset)),
                    ("scale", scale), ("zero_point", MIL.value(.int8, [], bytes: [0])),
                ]))
        return name
    }
}
