/// The field numbers that are read and written.
///
/// - Source: onnx/onnx.proto
enum Field {
    enum Model {
        static let formatVersion = 1, producer = 2, producerVersion = 3, graph = 7, operatorSets = 8
        static let metadata = 14, functions = 25
    }
    enum OperatorSet { static let domain = 1, version = 2 }
    /// The fields of `StringStringEntryProto`.
    enum Entry { static let key = 1, value = 2 }
    enum Graph {
        static let node = 1, name = 2, initializer = 5, input = 11, output = 12, value = 13
    }
    enum Node {
        static let input = 1, output = 2, name = 3, operation = 4, attribute = 5, domain = 7, overload = 8
    }
    enum Function {
        static let name = 1, input = 4, output = 5, node = 7, operatorSets = 9, domain = 10, defaults = 11
        static let overload = 13
    }
    enum Attribute {
        static let name = 1, float = 2, int = 3, string = 4, tensor = 5, graph = 6
        static let floats = 7, ints = 8, strings = 9, tensors = 10, graphs = 11
        static let typeValue = 14, typeValues = 15, kind = 20, reference = 21, sparse = 22, sparses = 23
    }
    enum Tensor {
        static let dimensions = 1, dataType = 2, segment = 3, floats = 4, integers = 5, strings = 6
        static let longs = 7, name = 8, raw = 9, doubles = 10, unsigned = 11, external = 13, location = 14
    }
    enum Value { static let name = 1, type = 2 }
    enum TypeOf { static let tensor = 1 }
    enum TensorType { static let dataType = 1, shape = 2 }
    enum Shape { static let dimension = 1 }
    enum Dimension { static let size = 1, symbol = 2 }
}
