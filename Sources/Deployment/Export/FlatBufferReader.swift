/// Reads a FlatBuffers message with bounds checks; invalid references result in nil.
struct FlatBufferReader {
    private let bytes: UnsafeRawBufferPointer

    /// - Parameter bytes: The message, which must stay valid while the reader is in use.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    struct Table {
        fileprivate let place: Int
    }

    var root: Table? { reference(at: 0).map(Table.init) }

    func uint32(_ table: Table, _ field: Int) -> UInt32? {
        place(of: field, in: table).flatMap { load($0, as: UInt32.self) }
    }

    func table(_ table: Table, _ field: Int) -> Table? {
        place(of: field, in: table).flatMap(reference).map(Table.init)
    }

    func string(_ table: Table, _ field: Int) -> String? {
        scalars(table, field).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Returns a vector of bytes.
    func scalars(_ table: Table, _ field: Int) -> UnsafeRawBufferPointer? {
        guard let place = place(of: field, in: table).flatMap(reference),
            let count = load(place, as: UInt32.self),
            Int(count) <= bytes.count - place - 4
        else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[(place + 4)..<(place + 4 + Int(count))])
    }

    /// Returns a vector of tables; empty if it is absent.
    func tables(_ table: Table, _ field: Int) -> [Table] {
        guard let place = place(of: field, in: table).flatMap(reference),
            let count = load(place, as: UInt32.self),
            Int(count) <= (bytes.count - place - 4) / 4
        else { return [] }
        return (0..<Int(count)).compactMap { reference(at: place + 4 + 4 * $0).map(Table.init) }
    }

    private func load<Value: FixedWidthInteger & BitwiseCopyable>(_ place: Int, as type: Value.Type) -> Value?
    {
        guard place >= 0, place <= bytes.count - MemoryLayout<Value>.size else { return nil }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Value.self))
    }

    private func reference(at place: Int) -> Int? { load(place, as: UInt32.self).map { place + Int($0) } }

    /// Returns the position of a table's field; nil if it is absent.
    private func place(of field: Int, in table: Table) -> Int? {
        guard let distance = load(table.place, as: Int32.self) else { return nil }
        let layout = table.place - Int(distance)
        guard let size = load(layout, as: UInt16.self), Int(size) >= 6 + 2 * field,
            let offset = load(layout + 4 + 2 * field, as: UInt16.self),
            offset > 0
        else { return nil }
        return table.place + Int(offset)
    }
}
