import TensorFlowFormat
import TensorGraph

/// The messages of Core ML's Model Intermediate Language (MIL) that are written.
///
/// - Source: https://github.com/apple/coremltools/blob/main/mlmodel/format/MIL.proto
enum MIL {
    /// A `DataType`.
    enum ElementType: Int64 {
        case bool = 1, string = 2, float16 = 10, float32 = 11, float64 = 12, int8 = 21, int32 = 23
    }

    private enum Field {
        enum Named { static let name = 1, type = 2 }
        enum Entry { static let key = 1, value = 2 }
        enum ValueType { static let tensor = 1, list = 2, dictionary = 4 }
        enum TensorType { static let elementType = 1, rank = 2, dimensions = 3 }
        enum Dimension { static let constant = 1, size = 1 }
        enum ListType { static let type = 1, length = 2 }
        enum DictionaryType { static let key = 1, value = 2 }
        enum Value { static let type = 2, immediate = 3, blobFile = 5 }
        enum Immediate { static let tensor = 1, list = 3, dictionary = 4 }
        enum Blob { static let file = 1, offset = 2 }
        enum Contents {
            static let floats = 1, integers = 2, booleans = 3, strings = 4, bytes = 7, values = 1
        }
        enum Operation { static let type = 1, inputs = 2, outputs = 3, attributes = 5 }
        enum Argument { static let binding = 1, name = 1, value = 2 }
        enum Block { static let outputs = 2, operations = 3 }
        enum Function { static let inputs = 1, operatorSet = 2, blocks = 3 }
        enum Program { static let version = 1, functions = 2, attributes = 4 }
    }

    // MARK: - Types

    /// Returns a `ValueType` of a tensor; a scalar has no sizes.
    static func tensorType(_ type: ElementType, _ shape: [Int] = []) -> WireWriter {
        var tensor = WireWriter()
        tensor.field(Field.TensorType.elementType, type.rawValue)
        if !shape.isEmpty { tensor.field(Field.TensorType.rank, Int64(shape.count)) }
        for size in shape { tensor.field(Field.TensorType.dimensions, dimension(size)) }
        return message(Field.ValueType.tensor, tensor)
    }

    /// Returns the `ValueType` of a dictionary with strings as keys.
    static func dictionaryType(of value: ElementType) -> WireWriter {
        var dictionary = WireWriter()
        dictionary.field(Field.DictionaryType.key, tensorType(.string))
        dictionary.field(Field.DictionaryType.value, tensorType(value))
        return message(Field.ValueType.dictionary, dictionary)
    }

    private static func dimension(_ size: Int) -> WireWriter {
        var constant = WireWriter()
        constant.field(Field.Dimension.size, Int64(size))
        return message(Field.Dimension.constant, constant)
    }

    static func named(_ name: String, _ type: WireWriter) -> WireWriter {
        var named = WireWriter()
        named.field(Field.Named.name, name.utf8)
        named.field(Field.Named.type, type)
        return named
    }

    // MARK: - Values

    /// Returns a `Value` with numbers as bytes: `float16` and `int8` have no list of their own.
    static func value(_ type: ElementType, _ shape: [Int], bytes: [UInt8]) -> WireWriter {
        immediate(tensorType(type, shape), Field.Contents.bytes) { $0.field(Field.Contents.values, bytes) }
    }

    static func value(_ numbers: [Float], _ shape: [Int]) -> WireWriter {
        immediate(tensorType(.float32, shape), Field.Contents.floats) {
            $0.field(Field.Contents.values, numbers.withUnsafeBytes { [UInt8]($0) })
        }
    }

    static func value(_ integers: [Int], _ shape: [Int]) -> WireWriter {
        var packed = WireWriter()
        for integer in integers { packed.varint(UInt64(bitPattern: Int64(integer))) }
        return immediate(tensorType(.int32, shape), Field.Contents.integers) {
            $0.field(Field.Contents.values, packed)
        }
    }

    static func value(_ flag: Bool) -> WireWriter {
        immediate(tensorType(.bool), Field.Contents.booleans) {
            $0.field(Field.Contents.values, [flag ? 1 : 0])
        }
    }

    static func value(_ text: String) -> WireWriter {
        immediate(tensorType(.string), Field.Contents.strings) {
            $0.field(Field.Contents.values, text.utf8)
        }
    }

    /// Returns a list of strings.
    static func value(_ texts: [String]) -> WireWriter {
        var type = WireWriter()
        type.field(Field.ListType.type, tensorType(.string))
        type.field(Field.ListType.length, dimension(texts.count))
        var list = WireWriter()
        for text in texts { list.field(Field.Contents.values, value(text)) }
        return value(message(Field.ValueType.list, type), message(Field.Immediate.list, list))
    }

    /// Returns a dictionary of strings.
    static func value(_ entries: KeyValuePairs<String, String>) -> WireWriter {
        var dictionary = WireWriter()
        for (key, text) in entries {
            var entry = WireWriter()
            entry.field(Field.Entry.key, value(key))
            entry.field(Field.Entry.value, value(text))
            dictionary.field(Field.Contents.values, entry)
        }
        return value(dictionaryType(of: .string), message(Field.Immediate.dictionary, dictionary))
    }

    /// Returns a `Value` in the file of weights.
    ///
    /// - Parameter offset: The offset of the blob's description in that file.
    static func value(_ type: ElementType, _ shape: [Int], file: String, offset: Int) -> WireWriter {
        var blob = WireWriter()
        blob.field(Field.Blob.file, file.utf8)
        blob.field(Field.Blob.offset, Int64(offset))
        var value = message(Field.Value.type, tensorType(type, shape))
        value.field(Field.Value.blobFile, blob)
        return value
    }

    private static func immediate(_ type: WireWriter, _ kind: Int, _ contents: (inout WireWriter) -> Void)
        -> WireWriter
    {
        var list = WireWriter()
        contents(&list)
        return value(type, message(Field.Immediate.tensor, message(kind, list)))
    }

    private static func value(_ type: WireWriter, _ immediate: WireWriter) -> WireWriter {
        var value = message(Field.Value.type, type)
        value.field(Field.Value.immediate, immediate)
        return value
    }

    // MARK: - Operations and the program

    enum Argument {
        /// The names of computed tensors or of constants.
        case names([String])
        case value(WireWriter)
    }

    static func operation(
        _ type: String, inputs: [(String, Argument)], outputs: [WireWriter],
        attributes: [(String, WireWriter)]
    ) -> WireWriter {
        var operation = message(Field.Operation.type, type.utf8)
        for (key, argument) in inputs {
            var list = WireWriter()
            switch argument {
            case .names(let names):
                for name in names {
                    list.field(Field.Argument.binding, message(Field.Argument.name, name.utf8))
                }
            case .value(let value):
                list.field(Field.Argument.binding, message(Field.Argument.value, value))
            }
            operation.field(Field.Operation.inputs, entry(key, list))
        }
        for output in outputs { operation.field(Field.Operation.outputs, output) }
        for (key, value) in attributes { operation.field(Field.Operation.attributes, entry(key, value)) }
        return operation
    }

    /// Returns a `Program` of one function, `main`.
    static func program(
        inputs: [WireWriter], operatorSet: String, operations: [WireWriter], outputs: [String],
        build: KeyValuePairs<String, String>
    ) -> WireWriter {
        var block = WireWriter()
        for output in outputs { block.field(Field.Block.outputs, output.utf8) }
        for operation in operations { block.field(Field.Block.operations, operation) }
        var function = WireWriter()
        for input in inputs { function.field(Field.Function.inputs, input) }
        function.field(Field.Function.operatorSet, operatorSet.utf8)
        function.field(Field.Function.blocks, entry(operatorSet, block))
        var program = WireWriter()
        program.field(Field.Program.version, 1 as Int64)
        program.field(Field.Program.functions, entry("main", function))
        program.field(Field.Program.attributes, entry("buildInfo", value(build)))
        return program
    }

    private static func entry(_ key: String, _ value: WireWriter) -> WireWriter {
        var entry = message(Field.Entry.key, key.utf8)
        entry.field(Field.Entry.value, value)
        return entry
    }

    private static func message(_ field: Int, _ contents: WireWriter) -> WireWriter {
        var message = WireWriter()
        message.field(field, contents)
        return message
    }

    private static func message(_ field: Int, _ text: some Collection<UInt8>) -> WireWriter {
        var message = WireWriter()
        message.field(field, text)
        return message
    }
}
