import ONNXFormat
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
        switch format(of: file) {
        case .onnx:
            (try? ONNXModel.read(file, folder: ""))?.metadata.first { $0.key == key }?.value
        case .tflite: file.withUnsafeBytes { liteEntry(key, $0) }
        case nil: nil
        }
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
