import TensorGraph

/// The tensors of a state dictionary that `torch.save` wrote before PyTorch 1.6.
///
/// The file is five pickles (a magic number, a version, facts of the machine, the dictionary, the keys of the storages)
/// and the storages, each a 64-bit count and little-endian elements. No object is ever constructed by name: the pickle
/// reader knows the few operations and the four names that such a dictionary needs, and refuses all others.
///
/// - Source: PyTorch `torch/serialization.py`, `_legacy_save`.
struct TorchCheckpoint {
    /// A tensor as a view of a storage.
    struct View: Equatable, Sendable {
        var storage: String
        var offset: Int
        var shape, strides: [Int]
    }

    enum Failure: Error, Equatable, Sendable {
        /// The file does not begin with the magic number.
        case notACheckpoint
        case pickle(PickleReader.Failure)
        case malformed(offset: Int)
        case missing(String)
        /// A tensor does not lie within its storage, or is not of single precision.
        case badTensor(String)
    }

    private let views: [String: View]
    /// The storages in single precision: the offset of the first element and the number of elements.
    private let storages: [String: (offset: Int, count: Int)]
    private let bytes: UnsafeRawBufferPointer

    private static let magic: [UInt8] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]

    /// - Parameter bytes: The file, which must stay valid while the checkpoint is in use.
    init(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        self.bytes = bytes
        var reader = PickleReader(bytes)
        func next() throws(Failure) -> PickleReader.Value {
            do throws(PickleReader.Failure) { return try reader.next() } catch { throw .pickle(error) }
        }
        guard case .long(let magic)? = try? next(), magic == Self.magic else { throw .notACheckpoint }
        guard case .int(1001) = try next(), case .dictionary = try next() else { throw .notACheckpoint }
        let dictionary = try next(), keys = try next()
        guard case .dictionary(let entries) = dictionary, case .list(let keys) = keys else {
            throw .malformed(offset: reader.offset)
        }
        var views: [String: View] = [:], kinds: [String: String] = [:]
        for (key, value) in entries {
            guard case .string(let name) = key, case .tensor(let view, let kind) = value else { continue }
            views[name] = view
            kinds[view.storage] = kind
        }
        var storages: [String: (offset: Int, count: Int)] = [:], at = reader.offset
        for key in keys {
            guard case .string(let key) = key, at + 8 <= bytes.count else { throw .malformed(offset: at) }
            let count = Int(
                truncatingIfNeeded: UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
            at += 8
            let kind = kinds[key] ?? "FloatStorage", width = kind == "FloatStorage" ? 4 : 8
            guard count >= 0, count <= (bytes.count - at) / width else { throw .malformed(offset: at) }
            if kind == "FloatStorage" { storages[key] = (at, count) }
            at += count * width
        }
        (self.views, self.storages) = (views, storages)
    }

    /// The names of the tensors.
    var names: [String] { views.keys.sorted() }

    /// Returns the shape of a tensor; nil if there is none of the name.
    func shape(_ name: String) -> [Int]? { views[name]?.shape }

    /// Returns a tensor's elements with its axes in another order.
    ///
    /// - Parameters:
    ///   - name: The tensor's name.
    ///   - axes: The axis of the tensor for each axis of the result; nil keeps the order.
    func elements(_ name: String, axes: [Int]? = nil) throws(Failure) -> [Float] {
        guard let view = views[name] else { throw .missing(name) }
        guard let storage = storages[view.storage] else { throw .badTensor(name) }
        let axes = axes ?? Array(view.shape.indices)
        guard axes.sorted() == Array(view.shape.indices), view.shape.count == view.strides.count else {
            throw .badTensor(name)
        }
        let shape = axes.map { view.shape[$0] }, strides = axes.map { view.strides[$0] }
        // The last element's place bounds all others, because no stride is negative.
        var count = 1, last = view.offset
        for (size, stride) in zip(shape, strides) {
            let (product, overflows) = count.multipliedReportingOverflow(by: size)
            let (reach, reaches) = (size - 1).multipliedReportingOverflow(by: stride)
            let (end, ends) = last.addingReportingOverflow(reach)
            guard size > 0, stride >= 0, !overflows, !reaches, !ends else { throw .badTensor(name) }
            (count, last) = (product, end)
        }
        guard view.offset >= 0, last < storage.count, count <= storage.count else { throw .badTensor(name) }
        var result: [Float] = [], index = [Int](repeating: 0, count: shape.count), at = view.offset
        result.reserveCapacity(count)
        while result.count < count {
            let pattern = bytes.loadUnaligned(fromByteOffset: storage.offset + 4 * at, as: UInt32.self)
            result.append(Float(bitPattern: UInt32(littleEndian: pattern)))
            var axis = shape.count - 1
            while axis >= 0 {
                index[axis] += 1
                at += strides[axis]
                if index[axis] < shape[axis] { break }
                at -= strides[axis] * shape[axis]
                index[axis] = 0
                axis -= 1
            }
        }
        return result
    }
}
