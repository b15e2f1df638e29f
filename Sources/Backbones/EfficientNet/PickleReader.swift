/// Reads the values of pickles, protocol 2, as far as PyTorch's state dictionaries need them.
///
/// Values are data only. A name is looked up in a short list, and calling it makes an empty dictionary or a view of a
/// storage, never an object of a program. Nothing is allocated by a size that the file claims.
///
/// - Source: CPython `Lib/pickletools.py`.
struct PickleReader {
    enum Value: Sendable {
        case none, mark
        case bool(Bool)
        case int(Int)
        /// An integer of more than 64 bits, little-endian.
        case long([UInt8])
        case string(String)
        case tuple([Value], depth: Int)
        case list([Value])
        case dictionary([(Value, Value)])
        case name(String)
        case storage(key: String, kind: String)
        case tensor(TorchCheckpoint.View, kind: String)
    }

    enum Failure: Error, Equatable, Sendable {
        case truncated(offset: Int)
        case malformed(offset: Int)
        case unsupported(operation: UInt8, offset: Int)
        case unknownName(String)
        /// Containers are nested more deeply than any state dictionary's.
        case tooDeep(offset: Int)
    }

    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0
    private var stack: [Value] = []
    private var memo: [UInt32: Value] = [:]

    private static let knownNames: Set<String> = [
        "collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch FloatStorage",
        "torch LongStorage",
    ]
    private static let greatestDepth = 8

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Reads the next pickle.
    mutating func next() throws(Failure) -> Value {
        stack = []
        memo = [:]
        while true {
            let at = offset, operation = try byte()
            switch operation {
            case UInt8(ascii: "."):
                guard let value = stack.popLast(), stack.isEmpty else { throw .malformed(offset: at) }
                return value
            case 0x80: _ = try byte()
            case UInt8(ascii: "}"): stack.append(.dictionary([]))
            case UInt8(ascii: "]"): stack.append(.list([]))
            case UInt8(ascii: ")"): stack.append(.tuple([], depth: 1))
            case UInt8(ascii: "("): stack.append(.mark)
            case UInt8(ascii: "N"): stack.append(.none)
            case 0x88: stack.append(.bool(true))
            case 0x89: stack.append(.bool(false))
            case UInt8(ascii: "K"): stack.append(.int(Int(try byte())))
            case UInt8(ascii: "M"): stack.append(.int(try integer(2)))
            case UInt8(ascii: "J"): stack.append(.int(Int(Int32(truncatingIfNeeded: try integer(4)))))
            case 0x8a: stack.append(Self.long(try take(Int(try byte()))))
            case UInt8(ascii: "X"):
                stack.append(.string(String(decoding: try take(try integer(4)), as: UTF8.self)))
            case UInt8(ascii: "c"): try pushName()
            case UInt8(ascii: "t"): try pushTuple(try popToMark(at), at)
            case 0x85, 0x86, 0x87:
                let count = Int(operation - 0x84)
                guard stack.count >= count else { throw .malformed(offset: at) }
                let items = Array(stack.suffix(count))
                stack.removeLast(count)
                try pushTuple(items, at)
            case UInt8(ascii: "q"): try remember(UInt32(try byte()), at)
            case UInt8(ascii: "r"): try remember(UInt32(try integer(4)), at)
            case UInt8(ascii: "h"): try recall(UInt32(try byte()), at)
            case UInt8(ascii: "j"): try recall(UInt32(try integer(4)), at)
            case UInt8(ascii: "Q"): try pushStorage(at)
            case UInt8(ascii: "R"): try call(at)
            case UInt8(ascii: "s"):
                guard let value = stack.popLast(), let key = stack.popLast() else {
                    throw .malformed(offset: at)
                }
                try add([key, value], at)
            case UInt8(ascii: "u"): try add(try popToMark(at), at)
            case UInt8(ascii: "e"), UInt8(ascii: "a"):
                let items = operation == UInt8(ascii: "e") ? try popToMark(at) : [try pop(at)]
                guard case .list(var list)? = stack.popLast(), items.allSatisfy(Self.isFlat) else {
                    throw .malformed(offset: at)
                }
                list += items
                stack.append(.list(list))
            case UInt8(ascii: "b"):
                // The attributes of an ordered dictionary, which hold no tensors.
                _ = try pop(at)
                guard case .dictionary? = stack.last else { throw .malformed(offset: at) }
            default: throw .unsupported(operation: operation, offset: at)
            }
        }
    }

    // MARK: - Bytes

    private mutating func byte() throws(Failure) -> UInt8 {
        guard offset < bytes.count else { throw .truncated(offset: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    private mutating func take(_ count: Int) throws(Failure) -> UnsafeRawBufferPointer.SubSequence {
        guard count <= bytes.count - offset else { throw .truncated(offset: offset) }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    /// Reads an unsigned little-endian integer of up to 4 bytes.
    private mutating func integer(_ count: Int) throws(Failure) -> Int {
        try take(count).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func long(_ bytes: UnsafeRawBufferPointer.SubSequence) -> Value {
        guard bytes.count <= 8 else { return .long(Array(bytes)) }
        let negative = bytes.last.map { $0 >= 0x80 } ?? false
        return .int(bytes.reversed().reduce(negative ? -1 : 0) { $0 << 8 | Int($1) })
    }

    // MARK: - Stack

    private mutating func pop(_ at: Int) throws(Failure) -> Value {
        guard let value = stack.popLast() else { throw .malformed(offset: at) }
        return value
    }

    private mutating func popToMark(_ at: Int) throws(Failure) -> [Value] {
        guard let mark = stack.lastIndex(where: { if case .mark = $0 { true } else { false } }) else {
            throw .malformed(offset: at)
        }
        let items = Array(stack[(mark + 1)...])
        stack.removeLast(stack.count - mark)
        return items
    }

    private mutating func pushTuple(_ items: [Value], _ at: Int) throws(Failure) {
        var depth = 1
        for item in items {
            switch item {
            case .tuple(_, let inner): depth = max(depth, inner + 1)
            case .list(let list) where !list.isEmpty: throw .tooDeep(offset: at)
            case .dictionary(let pairs) where !pairs.isEmpty: throw .tooDeep(offset: at)
            default: break
            }
        }
        guard depth <= Self.greatestDepth else { throw .tooDeep(offset: at) }
        stack.append(.tuple(items, depth: depth))
    }

    /// Whether a value holds no list or dictionary with items, so that nesting is bounded.
    private static func isFlat(_ value: Value) -> Bool {
        switch value {
        case .list(let list): list.isEmpty
        case .dictionary(let pairs): pairs.isEmpty
        default: true
        }
    }

    /// Adds keys and values to the dictionary on the stack. A dictionary in a dictionary, as in the facts of the
    /// machine and in attributes, loses its items, which nothing here needs.
    private mutating func add(_ items: [Value], _ at: Int) throws(Failure) {
        guard items.count % 2 == 0, case .dictionary(var pairs)? = stack.popLast() else {
            throw .malformed(offset: at)
        }
        for index in stride(from: 0, to: items.count, by: 2) {
            let value: Value = Self.isFlat(items[index + 1]) ? items[index + 1] : .none
            guard Self.isFlat(items[index]) else { throw .malformed(offset: at) }
            pairs.append((items[index], value))
        }
        stack.append(.dictionary(pairs))
    }

    private mutating func remember(_ key: UInt32, _ at: Int) throws(Failure) {
        guard let value = stack.last else { throw .malformed(offset: at) }
        memo[key] = value
    }

    private mutating func recall(_ key: UInt32, _ at: Int) throws(Failure) {
        guard let value = memo[key] else { throw .malformed(offset: at) }
        stack.append(value)
    }

    // MARK: - Names

    private mutating func pushName() throws(Failure) {
        func line() throws(Failure) -> String {
            let start = offset
            while try byte() != UInt8(ascii: "\n") {
                guard offset - start < 100 else { throw .malformed(offset: start) }
            }
            return String(decoding: bytes[start..<offset - 1], as: UTF8.self)
        }
        let module = try line(), name = try line(), full = "\(module) \(name)"
        guard Self.knownNames.contains(full) else { throw .unknownName(full) }
        stack.append(.name(full))
    }

    /// Replaces ("storage", kind, key, device, count, view) by the storage.
    private mutating func pushStorage(_ at: Int) throws(Failure) {
        guard case .tuple(let parts, _)? = stack.popLast(), parts.count >= 5,
            case .string("storage") = parts[0], case .name(let kind) = parts[1],
            case .string(let key) = parts[2], kind.hasSuffix("Storage")
        else { throw .malformed(offset: at) }
        stack.append(.storage(key: key, kind: String(kind.dropFirst("torch ".count))))
    }

    private mutating func call(_ at: Int) throws(Failure) {
        guard case .tuple(let arguments, _)? = stack.popLast(), case .name(let name)? = stack.popLast() else {
            throw .malformed(offset: at)
        }
        switch name {
        case "collections OrderedDict" where arguments.isEmpty: stack.append(.dictionary([]))
        case "torch._utils _rebuild_tensor_v2":
            guard arguments.count >= 4, case .storage(let key, let kind) = arguments[0],
                case .int(let offset) = arguments[1], let shape = arguments[2].integers,
                let strides = arguments[3].integers
            else { throw .malformed(offset: at) }
            stack.append(
                .tensor(.init(storage: key, offset: offset, shape: shape, strides: strides), kind: kind))
        default: throw .malformed(offset: at)
        }
    }
}

extension PickleReader.Value {
    /// The integers of a tuple; nil for anything else.
    fileprivate var integers: [Int]? {
        guard case .tuple(let items, _) = self else { return nil }
        var result: [Int] = []
        for item in items {
            guard case .int(let value) = item else { return nil }
            result.append(value)
        }
        return result
    }
}
