import TensorGraph

/// The description of a frozen network's input and bottleneck.
///
/// A few networks are known by name; any other frozen graph `net.pb` needs a file `net.json`:
///
/// ```json
/// {
///   "name": "googlenet", "input": "input", "height": 224, "width": 224, "mean": 0, "scale": 1,
///   "taps": [{"tensor": "features"}, {"tensor": "inception_4e_output", "reduction": "mean"}]
/// }
/// ```
package struct BackboneDescription: Sendable, Codable, Equatable {
    package var name: String
    /// The input tensor, `[N, height, width, 3]`, RGB.
    package var input: String
    package var height, width: Int
    /// The normalization of a channel's value v, 0...255: (v - mean) * scale.
    package var mean, scale: Float
    /// The normalization by channel, `(v - mean[c]) * scale[c]`; `mean` is 0 and `scale` is 1 then.
    package private(set) var channelScaling: ChannelScaling?
    package var inverseDCT: DCT
    package var resize: Resize
    /// The size and crop of images as Pillow resizes them, in place of `resize`; nil squashes the whole image.
    package var framing: PictureFraming?
    /// The tensors of which the bottleneck is the concatenation.
    package var taps: [Tap]

    /// The inverse DCT for JPEGs; `fast` is TensorFlow's.
    package enum DCT: String, Sendable, Codable { case accurate, fast }

    /// The resizing to the input's size; `bilinear` is that of TensorFlow 1, which skips pixels of large
    /// images, `mediapipe` the same with positions and values rounded, as MediaPipe's tasks have them.
    package enum Resize: String, Sendable, Codable { case bilinear, antialiased, mediapipe }

    /// Mean and scale of red, green and blue.
    package struct ChannelScaling: Sendable, Equatable { package let mean, scale: [Float] }

    /// A number for each of the three channels, or one for all.
    package struct Channels: Sendable, Codable, Equatable {
        let values: [Float]

        init(_ values: Float...) { self.values = values }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let one = try? container.decode(Float.self) {
                values = [one]
            } else {
                values = try container.decode([Float].self)
                guard values.count == 3 else {
                    throw DecodingError.dataCorruptedError(
                        in: container, debugDescription: "must be one number or three")
                }
            }
        }
        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            if values.count == 1 {
                try container.encode(values[0])
            } else {
                try container.encode(values)
            }
        }
        /// One over each number.
        var inverted: Channels { Channels(values.map { 1 / $0 }) }

        init(_ values: [Float]) { self.values = values }

        fileprivate var three: [Float] { values.count == 1 ? values + values + values : values }
    }

    /// The mean that is subtracted from channel values and the factor after it: one number for all channels or three.
    package var means: [Float] { channelScaling?.mean ?? [mean] }
    package var scales: [Float] { channelScaling?.scale ?? [scale] }

    /// The mean and the inverse standard deviation of ImageNet's channel values, 0...255.
    package static let imageNetMean = Channels(123.675, 116.28, 103.53)
    package static let imageNetScale = Channels(1 / 58.395, 1 / 57.12, 1 / 57.375)

    /// Sets the normalization of channel values.
    package mutating func setScaling(_ mean: Channels, _ scale: Channels) {
        if mean.values.count == 1, scale.values.count == 1 {
            (self.mean, self.scale, channelScaling) = (mean.values[0], scale.values[0], nil)
        } else {
            channelScaling = ChannelScaling(mean: mean.three, scale: scale.three)
            (self.mean, self.scale) = (0, 1)
        }
    }

    /// Describes a network that normalizes channel values, 0 to 255, itself.
    package mutating func takeRawChannels() { (mean, scale, channelScaling) = (0, 1, nil) }

    package struct Tap: Sendable, Codable, Equatable {
        package var tensor: String
        package var reduction: Reduction

        package init(_ tensor: String, _ reduction: Reduction = .none) {
            (self.tensor, self.reduction) = (tensor, reduction)
        }
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            tensor = try container.decode(String.self, forKey: .tensor)
            reduction = try container.decodeIfPresent(Reduction.self, forKey: .reduction) ?? .none
        }
    }

    /// Parses `tensor` or `tensor:reduction`, several separated by commas; nil for an unknown reduction.
    package static func taps(_ text: String) -> [Tap]? {
        let taps = text.split(separator: ",").map { part -> Tap? in
            guard let colon = part.lastIndex(of: ":") else { return Tap(String(part)) }
            return Reduction(rawValue: String(part[part.index(after: colon)...])).map {
                Tap(String(part[..<colon]), $0)
            }
        }
        return taps.isEmpty || taps.contains { $0 == nil } ? nil : taps.compactMap { $0 }
    }

    /// The reduction of an image or a sequence of tokens to a vector: none if it is a vector already, or the mean,
    /// maximum or standard deviation over height and width or over the tokens, or the first token.
    package enum Reduction: String, Sendable, Codable { case none, mean, max, deviation, first }

    enum CodingKeys: String, CodingKey {
        case name, input, height, width, mean, scale, resize, framing, taps
        case inverseDCT = "inverse_dct"
    }

    package init(
        name: String, input: String, size: Int, mean: Float, scale: Float, inverseDCT: DCT = .accurate,
        resize: Resize = .bilinear, taps: [Tap]
    ) {
        (self.name, self.input, height, width) = (name, input, size, size)
        (self.mean, self.scale, self.inverseDCT, self.resize, self.taps) = (
            mean, scale, inverseDCT, resize, taps
        )
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        input = try container.decode(String.self, forKey: .input)
        height = try container.decode(Int.self, forKey: .height)
        width = try container.decode(Int.self, forKey: .width)
        let (mean, scale) = (
            try container.decode(Channels.self, forKey: .mean),
            try container.decode(Channels.self, forKey: .scale)
        )
        (self.mean, self.scale) = (0, 1)
        inverseDCT = try container.decodeIfPresent(DCT.self, forKey: .inverseDCT) ?? .accurate
        resize = try container.decodeIfPresent(Resize.self, forKey: .resize) ?? .bilinear
        framing = try container.decodeIfPresent(PictureFraming.self, forKey: .framing)
        taps = try container.decode([Tap].self, forKey: .taps)
        setScaling(mean, scale)
        try validate()
    }

    /// Checks the numbers.
    ///
    /// - Throws: `DecodingError` with the key of the number that is out of range.
    func validate() throws(DecodingError) {
        func fault(_ key: CodingKeys, _ reason: String) -> DecodingError {
            .dataCorrupted(.init(codingPath: [key], debugDescription: reason))
        }
        guard !taps.isEmpty else { throw fault(.taps, "needs at least one tap") }
        for (key, size) in [(CodingKeys.height, height), (.width, width)] where !(1...4096).contains(size) {
            throw fault(key, "must be 1 to 4096, not \(size)")
        }
        let means = channelScaling?.mean ?? [mean], scales = channelScaling?.scale ?? [scale]
        guard (means + scales).allSatisfy(\.isFinite), scales.allSatisfy({ $0 != 0 }) else {
            throw fault(.scale, "must be a number other than 0")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(input, forKey: .input)
        try container.encode(height, forKey: .height)
        try container.encode(width, forKey: .width)
        if let channelScaling {
            try container.encode(channelScaling.mean, forKey: .mean)
            try container.encode(channelScaling.scale, forKey: .scale)
        } else {
            try container.encode(mean, forKey: .mean)
            try container.encode(scale, forKey: .scale)
        }
        try container.encode(inverseDCT, forKey: .inverseDCT)
        try container.encode(resize, forKey: .resize)
        try container.encodeIfPresent(framing, forKey: .framing)
        try container.encode(taps, forKey: .taps)
    }
}

extension BackboneDescription {
    /// EfficientNet-Lite0, which is part of every build.
    ///
    /// Its bottleneck has 9,424 elements: standard deviations over the image of depthwise layers, which describe
    /// textures and strokes, means of others, and the last layer. It was chosen by cross-validation on six sets of
    /// pictures of different kinds.
    ///
    /// - Source: `preprocessing` of the Lite models in the model's repository.
    package static let efficientNetLite0 = BackboneDescription(
        name: "efficientnet_lite0", input: "input", size: 224, mean: 127, scale: 1 / 128,
        taps: [
            Tap("block_15/depthwise/Relu6", .mean), Tap("block_14/depthwise/Relu6", .deviation),
            Tap("block_12/depthwise/Relu6", .deviation), Tap("block_11/depthwise/Relu6", .mean),
            Tap("block_11/depthwise/Relu6", .deviation), Tap("block_10/depthwise/Relu6", .deviation),
            Tap("block_9/depthwise/Relu6", .deviation), Tap("block_8/depthwise/Relu6", .mean),
            Tap("block_5/depthwise/Relu6", .deviation), Tap("head/Relu6", .deviation), Tap("features"),
        ])

    /// EfficientNet-Lite2, with the taps that correspond to those of EfficientNet-Lite0.
    package static let efficientNetLite2 = BackboneDescription(
        name: "efficientnet_lite2", input: "input", size: 260, mean: 127, scale: 1 / 128,
        taps: [
            Tap("block_20/depthwise/Relu6", .mean), Tap("block_19/depthwise/Relu6", .deviation),
            Tap("block_16/depthwise/Relu6", .deviation), Tap("block_15/depthwise/Relu6", .mean),
            Tap("block_15/depthwise/Relu6", .deviation), Tap("block_14/depthwise/Relu6", .deviation),
            Tap("block_12/depthwise/Relu6", .deviation), Tap("block_11/depthwise/Relu6", .mean),
            Tap("block_7/depthwise/Relu6", .deviation), Tap("head/Relu6", .deviation), Tap("features"),
        ])

    /// TensorFlow's inception-2015-12-05, with TensorFlow's decoding, so that bottlenecks are equal.
    package static let inceptionV3 = BackboneDescription(
        name: "inception_v3", input: "Mul", size: 299, mean: 128, scale: 1 / 128, inverseDCT: .fast,
        taps: [Tap("pool_3/_reshape")])

    /// Returns the built-in network that a graph is or was derived from, recognized by its nodes' names; nil
    /// for other networks.
    package static func recognized(in graph: Graph) -> BackboneDescription? {
        let names = Set(graph.nodes.map(\.name))
        if names.isSuperset(of: ["Mul", "mixed_10/join"]) { return .inceptionV3 }
        if names.isSuperset(of: ["input", "block_20/depthwise/weights"]) { return .efficientNetLite2 }
        return names.isSuperset(of: ["input", "block_15/depthwise/weights"]) ? .efficientNetLite0 : nil
    }
}
