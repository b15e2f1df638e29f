import SystemFiles
import TensorFlowFormat
import TensorGraph
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The fields of the JSON file beside a network; missing ones are found in the network.
struct PartialDescription: Decodable {
    var name, input, output: String?
    var height, width: Int?
    var mean, scale: BackboneDescription.Channels?
    /// The standard deviation, in place of `scale`, its inverse.
    var deviation: BackboneDescription.Channels?
    var inverseDCT: BackboneDescription.DCT?
    var resize: BackboneDescription.Resize?
    var framing: PictureFraming?
    var taps: [BackboneDescription.Tap]?

    enum CodingKeys: String, CodingKey {
        case name, input, output, height, width, mean, scale, resize, framing, taps
        case inverseDCT = "inverse_dct"
        case deviation = "std"
    }
}

extension PartialDescription {
    /// Takes what a published description says about images.
    fileprivate mutating func take(_ pictures: PictureDescription) {
        (height, width, framing) = (pictures.height, pictures.width, pictures.framing)
        // The network's channels, whose first is blue in some.
        let isBGR = pictures.framing.isBGR
        mean = BackboneDescription.Channels(isBGR ? pictures.mean.reversed() : pictures.mean)
        scale = BackboneDescription.Channels(isBGR ? pictures.scale.reversed() : pictures.scale)
    }
}

/// An assumption about a network that no description states.
package struct NetworkNote: Sendable {
    package enum Subject: Sendable { case size, scaling, bottleneck }
    package let subject: Subject
    package let text: String
}

/// A network's description with its assumptions.
struct DescribedNetwork {
    var description: BackboneDescription
    /// The scores if the network is a classifier.
    var output: String
    var endsInSoftmax: Bool
    var notes: [NetworkNote]
}

/// The JSON file beside a network: `net.json` for `net.pb` or `net.onnx`.
enum DescriptionFile {
    static func place(of network: String) -> String { stem(of: network) + ".json" }

    /// Returns the path of a network without the suffix of its format.
    static func stem(of network: String) -> String {
        for suffix in [".pb", ".onnx", "/"] where network.hasSuffix(suffix) {
            return String(network.dropLast(suffix.count))
        }
        return network
    }

    /// Reads the JSON file; returns nil if it does not exist.
    private static func read(_ place: String) throws(BackboneError) -> PartialDescription? {
        guard let data = (try? FileSystem.read(FilePath(place))).map({ Data($0) }) else { return nil }
        do { return try JSONDecoder().decode(PartialDescription.self, from: data) } catch {
            throw .description(path: place, reason: reason(error))
        }
    }

    /// Describes a network by the JSON file beside it, by the names of well-known nodes, or by the network itself.
    ///
    /// - Parameters:
    ///   - file: The network.
    ///   - path: The path of the network's file.
    ///   - prefersKnown: Whether the names of well-known nodes take precedence over the JSON file.
    ///   - stated: What counts more than all of these.
    static func describe(
        _ file: NetworkFile, path: String, prefersKnown: Bool = false, stated: StatedEnds = StatedEnds()
    ) throws(BackboneError) -> DescribedNetwork {
        let place = place(of: path)
        let found = prefersKnown && file.wellKnown != nil ? nil : try read(place)
        if found == nil, var wellKnown = file.wellKnown {
            try stated.apply(to: &wellKnown, of: file, path: path)
            return wellKnown
        }
        var known = found ?? PartialDescription(), published: String?
        if found == nil,
            let pictures = try PictureDescription.beside(
                SavedModel.isPresent(in: FilePath(path)) ? path + "/saved_model.pb" : path)
        {
            known.take(pictures.description)
            published = pictures.path
        }
        stated.apply(to: &known)
        // The network is read at this size, and its errors would be about the network.
        for (key, size) in [("height", known.height), ("width", known.width)] {
            guard let size, !(1...4096).contains(size) else { continue }
            throw .description(path: published ?? place, reason: "\"\(key)\" must be 1 to 4096, not \(size)")
        }
        let survey = try NetworkSurvey(file, known, path: path)
        var notes: [NetworkNote] = []
        func note(_ subject: NetworkNote.Subject, _ text: String) {
            notes.append(NetworkNote(subject: subject, text: text))
        }
        var description = BackboneDescription(
            name: known.name ?? FilePath(path).lastComponent.description, input: survey.input,
            size: survey.width, mean: 0, scale: 1,
            inverseDCT: known.inverseDCT ?? (survey.output == "final_result" ? .fast : .accurate),
            resize: known.resize ?? file.usualResize(survey), taps: known.taps ?? [survey.features])
        description.height = survey.height
        description.framing = known.framing
        if let published { note(.scaling, "its pictures are prepared as \(published) says") }
        if survey.isSizeGuessed {
            note(
                .size,
                "leaves the size of its pictures open: \(survey.width) × \(survey.height) are taken; "
                    + "\"height\" and \"width\" in \(place) set another")
        }
        let scale = known.scale ?? known.deviation?.inverted
        if let mean = known.mean, let scale {
            description.setScaling(mean, scale)
        } else if known.mean == nil, scale == nil {
            let scaling = file.usualScaling(survey)
            description.setScaling(scaling.mean, scaling.scale)
            note(
                .scaling,
                "does not say how a picture's numbers, 0 to 255, are scaled: \(scaling.words); "
                    + "\"mean\" and \"scale\" in \(place), a number or three, set it: (v - mean) * scale")
        } else {
            throw .description(
                path: place, reason: "has \"mean\" or \"scale\" alone; each needs the other")
        }
        if known.taps == nil {
            let tap = survey.features
            note(
                .bottleneck,
                "its bottleneck is '\(tap.tensor)'"
                    + (tap.reduction == .none ? "" : ", its \(tap.reduction.rawValue) over the picture")
                    + (tap.tensor == survey.output
                        ? ", which is what it gives" : ", which its last matrix product reads")
                    + "; --taps sets another")
        }
        do { try description.validate() } catch { throw .description(path: place, reason: reason(error)) }
        return DescribedNetwork(
            description: description, output: survey.output, endsInSoftmax: survey.endsInSoftmax,
            notes: notes)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "lacks \"\(key.stringValue)\""
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            context.codingPath.isEmpty
                ? "is no JSON object"
                : "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" is of the wrong type"
        case DecodingError.dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "is not JSON"
                : "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" \(context.fault)"
        default: "\(error)"
        }
    }
}

extension DecodingError.Context {
    /// What is wrong with a value, such as a word that is none of an enumeration's.
    package var fault: String {
        guard let word = debugDescription.firstRange(of: "from invalid String value ") else {
            return debugDescription
        }
        return "may not be '\(debugDescription[word.upperBound...])'"
    }
}

extension NetworkFile {
    /// The description of TensorFlow's Inception v3, of the embedded network, and of models made of them.
    fileprivate var wellKnown: DescribedNetwork? {
        guard case .graph(let graph) = self, let known = BackboneDescription.recognized(in: graph) else {
            return nil
        }
        let scores =
            graph.nodes.contains { $0.name == "final_result" }
            ? "final_result" : graph.nodes.last { $0.operation == "Softmax" }?.name
        return DescribedNetwork(
            description: known, output: scores ?? known.taps[known.taps.count - 1].tensor,
            endsInSoftmax: scores != nil, notes: [])
    }

    /// The usual normalization for networks of this format.
    fileprivate func usualScaling(_ survey: NetworkSurvey) -> (
        mean: BackboneDescription.Channels, scale: BackboneDescription.Channels, words: String
    ) {
        typealias Channels = BackboneDescription.Channels
        if survey.takesBytes {
            return (Channels(0), Channels(1), "as its input is of bytes, they go in as they are")
        }
        if survey.scalesItself {
            return (Channels(0), Channels(1), "as its first operations scale them, they go in as they are")
        }
        switch self {
        case .onnx where survey.channels == 1:
            return (
                Channels(0), Channels(1 / 255), "0 to 1 is taken, as networks for gray pictures have it"
            )
        case .onnx:
            return (
                BackboneDescription.imageNetMean, BackboneDescription.imageNetScale,
                "ImageNet's usual mean (0.485, 0.456, 0.406) and deviation (0.229, 0.224, 0.225) are taken"
            )
        case .graph(let graph):
            // TensorFlow Hub's modules take 0...1.
            if graph.nodes.contains(where: { $0.name.hasPrefix("module_apply_default/") }) {
                return (
                    Channels(0), Channels(1 / 255), "0 to 1 is taken, as TensorFlow Hub's modules have it"
                )
            }
            return (
                Channels(127.5), Channels(1 / 127.5),
                "-1 to 1 is taken, as TensorFlow's slim networks have it"
            )
        }
    }

    /// The resize of the programs that most networks of this format were trained with.
    fileprivate func usualResize(_ survey: NetworkSurvey) -> BackboneDescription.Resize {
        switch self {
        // Bytes are whole values.
        case .graph: survey.takesBytes ? .mediapipe : .bilinear
        case .onnx: .antialiased
        }
    }
}
