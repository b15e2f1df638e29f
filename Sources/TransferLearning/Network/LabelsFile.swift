/// A labels file: one name a line, in the order of the model's outputs.
enum LabelsFile {
    static func read(_ path: FilePath) throws(TransferLearningError) -> [String] {
        do { return names(in: try FileSystem.read(path)) } catch {
            throw .file(error, while: "reading the labels")
        }
    }

    static func names(in bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
    }
}
