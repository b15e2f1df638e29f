import TensorFlowFormat

/// The description of a Core ML model's input and outputs, which Xcode shows and Vision reads.
///
/// - Source: https://github.com/apple/coremltools/blob/main/mlmodel/format/Model.proto and FeatureTypes.proto
struct CoreMLDescription {
    enum Input {
        case image(String, height: Int, width: Int, isBGR: Bool)
        case array(String, [Int])

        var name: String {
            switch self {
            case .image(let name, _, _, _), .array(let name, _): name
            }
        }
    }
    enum Output {
        /// The label of the class that is most probable, and a dictionary of the probabilities.
        case classes(String, probabilities: String)
        case array(String, [Int])
    }

    private enum Field {
        enum Model { static let version = 1, description = 2, program = 502 }
        enum Description {
            static let input = 1, output = 10, label = 11, probabilities = 12, metadata = 100
        }
        enum Feature { static let name = 1, note = 2, type = 3 }
        enum Kind { static let string = 3, image = 4, array = 5, dictionary = 6 }
        enum Image { static let width = 1, height = 2, colorSpace = 3 }
        enum Array { static let shape = 1, type = 2 }
        enum Dictionary { static let stringKeys = 2 }
        enum Metadata { static let note = 1, version = 2, author = 3, entries = 100 }
        enum Entry { static let key = 1, value = 2 }
    }
    private enum ColorSpace { static let rgb: Int64 = 20, bgr: Int64 = 30 }
    private static let float32: Int64 = 0x10000 | 32

    var input = Input.array("", [])
    var outputs: [Output] = []
    private let about: ExportDescription

    init(_ about: ExportDescription) { self.about = about }

    /// Returns the `Model` message.
    func model(_ version: CoreMLPackage.Version, _ program: WireWriter) -> WireWriter {
        var description = WireWriter()
        switch input {
        case .image(let name, let height, let width, let isBGR):
            var image = WireWriter()
            image.field(Field.Image.width, Int64(width))
            image.field(Field.Image.height, Int64(height))
            image.field(Field.Image.colorSpace, isBGR ? ColorSpace.bgr : ColorSpace.rgb)
            description.field(
                Field.Description.input,
                feature(name, Field.Kind.image, image, "The picture. \(about.classifier?.note ?? "")"))
        case .array(let name, let shape):
            description.field(Field.Description.input, array(name, shape, ""))
        }
        for output in outputs {
            switch output {
            case .classes(let label, let probabilities):
                description.field(
                    Field.Description.output,
                    feature(label, Field.Kind.string, WireWriter(), "The class that is most probable."))
                var dictionary = WireWriter()
                dictionary.field(Field.Dictionary.stringKeys, WireWriter())
                description.field(
                    Field.Description.output,
                    feature(
                        probabilities, Field.Kind.dictionary, dictionary, "The probability of each class."))
            case .array(let name, let shape):
                description.field(Field.Description.output, array(name, shape, ""))
            }
        }
        if case .classes(let label, let probabilities)? = outputs.first {
            description.field(Field.Description.label, label.utf8)
            description.field(Field.Description.probabilities, probabilities.utf8)
        }
        description.field(Field.Description.metadata, metadata)
        var model = WireWriter()
        model.field(Field.Model.version, version.rawValue)
        model.field(Field.Model.description, description)
        model.field(Field.Model.program, program)
        return model
    }

    private func feature(_ name: String, _ kind: Int, _ contents: WireWriter, _ note: String) -> WireWriter {
        var type = WireWriter()
        type.field(kind, contents)
        var feature = WireWriter()
        feature.field(Field.Feature.name, name.utf8)
        if !note.isEmpty { feature.field(Field.Feature.note, note.utf8) }
        feature.field(Field.Feature.type, type)
        return feature
    }

    private func array(_ name: String, _ shape: [Int], _ note: String) -> WireWriter {
        var array = WireWriter()
        for size in shape { array.field(Field.Array.shape, Int64(size)) }
        array.field(Field.Array.type, Self.float32)
        return feature(name, Field.Kind.array, array, note)
    }

    private var metadata: WireWriter {
        var metadata = WireWriter()
        let note =
            about.classifier.map { "Names what a picture shows, among \($0.labels.count) classes." }
            ?? about.name
        metadata.field(Field.Metadata.note, note.utf8)
        metadata.field(Field.Metadata.version, about.producer.version.utf8)
        metadata.field(Field.Metadata.author, about.producer.name.utf8)
        // This makes Xcode offer a preview with pictures.
        let preview =
            about.classifier == nil ? [] : [("com.apple.coreml.model.preview.type", "imageClassifier")]
        for (key, value) in about.entries.map({ ($0.key, $0.value) }) + preview {
            var entry = WireWriter()
            entry.field(Field.Entry.key, key.utf8)
            entry.field(Field.Entry.value, value.utf8)
            metadata.field(Field.Metadata.entries, entry)
        }
        return metadata
    }
}

/// The folder that holds a Core ML model and its weights.
enum CoreMLPackage {
    /// A version of the specification, which says on what systems a model runs.
    enum Version: Int64 {
        /// ML Programs: iOS 15, macOS 12.
        case iOS15 = 6
        /// 8-bit weights: iOS 16, macOS 13.
        case iOS16 = 7
    }

    /// Returns the files of a package: the manifest first, whose identifiers need to differ only from one
    /// another.
    static func files(model: [UInt8], weights: [UInt8]) -> [(path: String, bytes: [UInt8])] {
        let manifest = """
            {
                "fileFormatVersion": "1.0.0",
                "itemInfoEntries": {
                    "6d1c8e5a-5f0b-4a3e-9c59-0e6f6b2f7a01": {
                        "author": "com.apple.CoreML",
                        "description": "CoreML Model Specification",
                        "name": "model.mlmodel",
                        "path": "com.apple.CoreML/model.mlmodel"
                    },
                    "6d1c8e5a-5f0b-4a3e-9c59-0e6f6b2f7a02": {
                        "author": "com.apple.CoreML",
                        "description": "CoreML Model Weights",
                        "name": "weights",
                        "path": "com.apple.CoreML/weights"
                    }
                },
                "rootModelIdentifier": "6d1c8e5a-5f0b-4a3e-9c59-0e6f6b2f7a01"
            }

            """
        return [
            ("Manifest.json", Array(manifest.utf8)),
            ("Data/com.apple.CoreML/model.mlmodel", model),
            ("Data/com.apple.CoreML/weights/weight.bin", weights),
        ]
    }
}

extension NetworkExport {
    /// Returns the files of a Core ML package with their paths; the manifest comes first.
    ///
    /// - Parameters:
    ///   - precision: `float` keeps 8-bit weights of a quantized graph, and writes the others in half precision;
    ///     `int8` quantizes the weights of all convolutions.
    ///   - about: With a classifier, the model takes an image and returns a label and probabilities.
    /// - Throws: `DeploymentError` with the operation that is not written, and the formats that have it.
    package func coreMLPackage(
        _ precision: WeightPrecision, _ about: ExportDescription
    ) throws(DeploymentError) -> [(path: String, bytes: [UInt8])] {
        try check("coreml")
        return CoreMLExport.write(network, precision, about)
    }
}
