import TensorFlowFormat
import TensorGraph

/// Reads the metadata of an exported model.
package enum ExportedFile {
    /// Returns the format of a file by its first bytes; nil for other formats.
    package static func format(of file: ByteRegion) -> ExportFormat? {
        switch file.withUnsafeBytes({ ForeignFile($0) }) {
        case .onnx: .onnx
        case .tflite: .tflite
        default: nil
        }
    }

    /// Returns an entry of ONNX's `metadata_props` or TensorFlow Lite's `metadata`; nil if it is missing or
    /// the file is damaged.
    package static func entry(_ key: String, of file: ByteRegion) -> String? {
        file.withUnsafeBytes { bytes in
            switch ForeignFile(bytes) {
            case .onnx: try? onnxEntry(key, bytes)
            case .tflite: liteEntry(key, bytes)
            default: nil
            }
        }
    }

    private static func onnxEntry(_ key: String, _ bytes: UnsafeRawBufferPointer) throws(GraphDefError)
        -> String?
    {
        var message = WireReader(file: bytes)
        while let field = try message.next() {
            guard field.number == ONNX.Field.Model.metadata, field.type == .lengthDelimited else {
                try message.skip(field)
                continue
            }
            var entry = try message.message(), texts = [Int: String]()
            while let part = try entry.next() {
                if part.type == .lengthDelimited {
                    texts[part.number] = try entry.string()
                } else {
                    try entry.skip(part)
                }
            }
            if texts[ONNX.Field.Entry.key] == key { return texts[ONNX.Field.Entry.value] }
        }
        return nil
    }

    private static func liteEntry(_ key: String, _ bytes: UnsafeRawBufferPointer) -> String? {
        let reader = FlatBufferReader(bytes)
        guard let model = reader.root else { return nil }
        let buffers = reader.tables(model, TFLite.Field.Model.buffers)
        for entry in reader.tables(model, TFLite.Field.Model.metadata)
        where reader.string(entry, TFLite.Field.Metadata.name) == key {
            guard let index = reader.uint32(entry, TFLite.Field.Metadata.buffer), Int(index) < buffers.count
            else { return nil }
            return reader.string(buffers[Int(index)], TFLite.Field.Buffer.data)
        }
        return nil
    }
}
