import Backbones
import SystemFiles
import TensorFlowFormat
import TensorGraph
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What an export says of how it is fed and what it answers.
enum ExportFacts {
    /// The file of a SavedModel's `assets.extra` with the model's description.
    static let descriptionFile = "cartoonctl.json"

    /// Returns the facts in texts by name, as exports for ONNX, TensorFlow Lite and Core ML hold them.
    static func facts(_ texts: [String: String]) -> [Fact] {
        if let json = texts[ModelDescription.nodeName],
            let description = try? ModelDescription(json: json.utf8, of: "")
        {
            return facts(description)
        }
        return texts["labels"].map { labels in
            [Fact("labels", .list(labels.split(separator: "\n").map(String.init)))]
        } ?? []
    }

    static func facts(_ description: ModelDescription) -> [Fact] {
        let backbone = description.backbone
        return [
            Fact("made by", .text(description.tool)), Fact("labels", .list(description.labels)),
            Fact("input", .text("\(backbone.input), \(backbone.height) × \(backbone.width) pixels, RGB")),
            Fact("output", .text(description.output)), Fact("mean", .list(backbone.means.map { "\($0)" })),
            Fact("scale", .list(backbone.scales.map { "\($0)" })),
        ]
    }
}

/// Core ML's package, a folder.
///
/// - Source: coremltools' `Model.proto`: Model specificationVersion 1, description 2; ModelDescription metadata 100;
///   Metadata shortDescription 1, author 3, userDefined 100, whose entries have the key in 1 and the value in 2.
enum CoreMLFormat {
    private static let model: FilePath = "Data/com.apple.CoreML/model.mlmodel"

    static func isRecognized(_ contents: FileContents) -> Bool {
        FileSystem.exists(contents.path.appending(model))
    }

    static func inspect(_ contents: FileContents) throws -> Findings {
        let path = contents.path.appending(model)
        let bytes: [UInt8]
        do { bytes = try FileSystem.read(path) } catch {
            throw TransferLearningError.file(error, while: "inspecting it")
        }
        do throws(GraphDefError) {
            return Findings(
                facts: try ByteRegion(bytes).withUnsafeBytes { (buffer) throws(GraphDefError) in
                    try facts(buffer)
                })
        } catch { throw TransferLearningError.network(NetworkError(path, error)) }
    }

    private static func facts(_ bytes: UnsafeRawBufferPointer) throws(GraphDefError) -> [Fact] {
        var file = WireReader(file: bytes), facts: [Fact] = [], texts: [String: String] = [:]
        while let field = try file.next() {
            switch (field.number, field.type) {
            case (1, .varint):
                facts.append(
                    Fact("specification version", .count(Int(truncatingIfNeeded: try file.varint()))))
            case (2, .lengthDelimited):
                var description = try file.message()
                while let field = try description.next() {
                    guard field.number == 100, field.type == .lengthDelimited else {
                        try description.skip(field)
                        continue
                    }
                    var metadata = try description.message()
                    while let field = try metadata.next() {
                        switch (field.number, field.type) {
                        case (1, .lengthDelimited):
                            facts.append(Fact("description", .text(try metadata.string())))
                        case (100, .lengthDelimited):
                            let (key, value) = try entry(metadata.message())
                            texts[key] = value
                        default: try metadata.skip(field)
                        }
                    }
                }
            default: try file.skip(field)
            }
        }
        return facts + ExportFacts.facts(texts)
    }

    private static func entry(_ message: WireReader) throws(GraphDefError) -> (String, String) {
        var message = message, texts = ["", ""]
        while let field = try message.next() {
            if 1...2 ~= field.number, field.type == .lengthDelimited {
                texts[field.number - 1] = try message.string()
            } else {
                try message.skip(field)
            }
        }
        return (texts[0], texts[1])
    }
}

/// TensorFlow's SavedModel, a folder.
enum SavedModelFormat {
    static func inspect(_ contents: FileContents) throws -> Findings {
        let folder = contents.path, extra = folder.appending("assets.extra")
        let model: SavedModel
        do { model = try SavedModel.read(folder: folder) } catch {
            throw TransferLearningError.network(.damaged(folder, reason: "\(error)"))
        }
        func ends(_ ends: [SavedModel.Endpoint]) -> Fact.Value {
            .list(
                ends.map { end in
                    end.name + (end.shape.map { " [\($0.map(String.init).joined(separator: ", "))]" } ?? "")
                })
        }
        var facts = [
            Fact("signature", .text(model.signature)), Fact("nodes", .count(model.graph.nodes.count)),
            Fact("inputs", ends(model.inputs)), Fact("outputs", ends(model.outputs)),
        ]
        if let json = try? FileSystem.read(extra.appending(FilePath(ExportFacts.descriptionFile))),
            let description = try? ModelDescription(json: json, of: "\(folder)")
        {
            facts += ExportFacts.facts(description)
        } else if let labels = try? LabelsFile.read(extra.appending("labels.txt")) {
            facts.append(Fact("labels", .list(labels)))
        }
        var findings = Findings(facts: facts)
        // A graph with operations that are not supported has no figures.
        if let file = try? GraphFileContents(folder) {
            findings.graph = try? GraphInspection(file, profiles: false, threads: nil)
            findings.file = file
        }
        (findings.graphKey, findings.hasOwnGraphFacts) = ("graph", true)
        return findings
    }
}

/// The page that `export --format html` writes.
enum WebPageFormat {
    private static let mark = "<script type=\"application/json\" id=\"facts\">"

    /// The begin of the facts lies behind the style and the page's texts.
    private static func facts(of contents: FileContents) -> WebPageExport.Facts? {
        let text = contents.region.withUnsafeBytes { String(decoding: $0.prefix(1 << 17), as: UTF8.self) }
        let parts = text.components(separatedBy: mark)
        guard parts.count > 1 else { return nil }
        return try? JSONDecoder().decode(
            WebPageExport.Facts.self, from: Data(parts[1].components(separatedBy: "</script>")[0].utf8))
    }

    static func isRecognized(_ contents: FileContents) -> Bool {
        contents.foreign == .html && facts(of: contents) != nil
    }

    static func inspect(_ contents: FileContents) -> Findings {
        guard let page = facts(of: contents) else { return Findings(facts: []) }
        var facts = [Fact("made by", .text(page.made)), Fact("labels", .list(page.labels))]
        if let mean = page.mean { facts.append(Fact("mean", .list(mean.map { "\($0)" }))) }
        if let scale = page.scale { facts.append(Fact("scale", .list(scale.map { "\($0)" }))) }
        return Findings(facts: facts)
    }
}
