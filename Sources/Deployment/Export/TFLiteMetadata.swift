/// The metadata that lets an app use an image classifier without further configuration: the normalization of
/// the input and the labels of the outputs.
package struct ClassifierMetadata: Sendable {
    package let name: String
    package let labels: [String]
    package let width, height: Int
    /// The normalization of a channel's value v, 0 to 255: `(v - mean) / deviation`, with one number for all channels
    /// or one for each.
    package let means, deviations: [Float]
    /// Whether the network takes blue before red.
    package let isBGR: Bool
    /// A description of the training images for people.
    package let note: String

    package init(
        name: String, labels: [String], width: Int, height: Int, means: [Float], deviations: [Float],
        isBGR: Bool = false, note: String
    ) {
        (self.name, self.labels, self.width, self.height) = (name, labels, width, height)
        (self.means, self.deviations, self.isBGR, self.note) = (means, deviations, isBGR, note)
    }
}

/// The message in the `TFLITE_METADATA` buffer, which MediaPipe Tasks, the Task Library and ML Kit read.
///
/// - Source: metadata_schema.fbs of TensorFlow Lite Support, version 1.5; a union takes two fields, its type
///   and its value.
enum TFLiteMetadata {
    static let bufferName = "TFLITE_METADATA", labelsName = "labels.txt"
    private static let identifier = "M001"

    private enum Field {
        enum Model { static let name = 0, description = 1, subgraphs = 3, author = 4, parserVersion = 7 }
        enum Subgraph { static let inputs = 2, outputs = 3 }
        enum Tensor {
            static let name = 0, description = 1, content = 3, processUnits = 4, statistics = 5, files = 6
        }
        enum Content { static let kind = 0, properties = 1 }
        enum Image { static let colorSpace = 0, size = 1 }
        enum Size { static let width = 0, height = 1 }
        enum Unit { static let kind = 0, options = 1 }
        enum Normalization { static let mean = 0, deviation = 1 }
        enum Statistics { static let maximum = 0, minimum = 1 }
        enum File { static let name = 0, description = 1, kind = 2 }
    }
    private enum Kind {
        static let feature: UInt8 = 1, image: UInt8 = 2
        static let normalization: UInt8 = 1
        static let axisLabels: Int8 = 2
        static let rgb: Int8 = 1
    }

    /// - Parameter hasFamiliarity: Whether a second output detects unfamiliar images.
    static func encode(_ about: ClassifierMetadata, hasFamiliarity: Bool) -> [UInt8] {
        let input = FlatValue.table([
            Field.Tensor.name: .string("image"),
            Field.Tensor.description: .string(
                "The picture, RGB, the whole of it squeezed to \(about.width) x \(about.height) pixels. \(about.note)"
            ),
            Field.Tensor.content: .table([
                Field.Content.kind: .uint8(Kind.image),
                Field.Content.properties: .table([
                    Field.Image.colorSpace: .int8(Kind.rgb),
                    Field.Image.size: .table([
                        Field.Size.width: .uint32(UInt32(about.width)),
                        Field.Size.height: .uint32(UInt32(about.height)),
                    ]),
                ]),
            ]),
            Field.Tensor.processUnits: .vector([
                .table([
                    Field.Unit.kind: .uint8(Kind.normalization),
                    Field.Unit.options: .table([
                        Field.Normalization.mean: .floats(about.means),
                        Field.Normalization.deviation: .floats(about.deviations),
                    ]),
                ])
            ]),
            Field.Tensor.statistics: statistics(
                zip(about.means, about.deviations).map { (0 - $0) / $1 }.min() ?? 0,
                zip(about.means, about.deviations).map { (255 - $0) / $1 }.max() ?? 255),
        ])
        let labels = FlatValue.table([
            Field.File.name: .string(labelsName),
            Field.File.description: .string(
                "The names of the classes, one a line, in the order of the scores."),
            Field.File.kind: .int8(Kind.axisLabels),
        ])
        var outputs = [
            output("probability", "The probability of each class.", files: .vector([labels]))
        ]
        if hasFamiliarity {
            outputs.append(
                output(
                    "familiarity",
                    "The share of the training pictures that were at least as unlike the others as this picture is.",
                    files: nil))
        }
        return FlatBuffer.encode(
            [
                Field.Model.name: .string(about.name),
                Field.Model.description: .string(
                    "Names what a picture shows, among \(about.labels.count) classes."),
                Field.Model.subgraphs: .vector([
                    .table([
                        Field.Subgraph.inputs: .vector([input]), Field.Subgraph.outputs: .vector(outputs),
                    ])
                ]),
                Field.Model.author: .string("cartoonctl"),
                // This is the first version that supports all of these fields.
                Field.Model.parserVersion: .string("1.0.0"),
            ], identifier: identifier)
    }

    private static func output(_ name: String, _ description: String, files: FlatValue?) -> FlatValue {
        var fields: [Int: FlatValue] = [
            Field.Tensor.name: .string(name), Field.Tensor.description: .string(description),
            Field.Tensor.content: .table([
                Field.Content.kind: .uint8(Kind.feature), Field.Content.properties: .table([:]),
            ]),
            Field.Tensor.statistics: statistics(0, 1),
        ]
        fields[Field.Tensor.files] = files
        return .table(fields)
    }

    private static func statistics(_ minimum: Float, _ maximum: Float) -> FlatValue {
        .table([Field.Statistics.maximum: .floats([maximum]), Field.Statistics.minimum: .floats([minimum])])
    }
}
