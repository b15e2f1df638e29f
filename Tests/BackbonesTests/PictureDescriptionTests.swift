import Foundation
import Imaging
import Testing

@testable import Backbones

@Suite("Descriptions of images beside a network")
struct PictureDescriptionTests {
    func huggingFace(_ json: String) throws -> PictureDescription? {
        try PictureDescription.huggingFace(Data(json.utf8))
    }
    func timm(_ json: String) throws -> PictureDescription? { try PictureDescription.timm(Data(json.utf8)) }

    static let imageNet = #""image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]"#

    @Test("timm's crop share gives the size before the crop")
    func centerCrop() throws {
        let found = try #require(
            try timm(
                #"""
                {"architecture": "resnet50", "num_classes": 1000, "pretrained_cfg": {"input_size": [3, 224, 224],
                 "interpolation": "bicubic", "crop_pct": 0.95, "crop_mode": "center", "mean": [0.5, 0.5, 0.5],
                 "std": [0.25, 0.5, 0.5], "first_conv": "conv1"}}
                """#))
        #expect((found.height, found.width) == (224, 224))
        #expect(found.framing == PictureFraming(filter: .bicubic, shorterSide: 235))
        #expect(found.mean == [127.5, 127.5, 127.5])
        #expect(zip(found.scale, [4 / 255, 2 / 255, 2 / 255] as [Float]).allSatisfy { abs($0 - $1) < 1e-9 })
        // torchvision: the other side is truncated, half of the rest is rounded to even.
        let frame = found.framing.frame(width: 500, height: 333, cropWidth: 224, cropHeight: 224)
        #expect(
            frame
                == ResizeFrame(
                    resizedWidth: 352, resizedHeight: 235, left: 64, top: 6, width: 224, height: 224))
    }

    @Test("timm's squash, its defaults, and its older files")
    func squash() throws {
        let squashed = try timm(
            #"{"pretrained_cfg": {"input_size": [3, 224, 224], "crop_pct": 1.0, "crop_mode": "squash"}}"#)
        #expect(
            squashed?.framing == PictureFraming(filter: .bicubic, resizedHeight: 224, resizedWidth: 224))
        #expect(squashed?.mean[0] == 123.675)
        let old = try timm(
            #"{"architecture": "x", "input_size": [3, 240, 240], "interpolation": "bilinear", "crop_pct": 0.875}"#
        )
        #expect(old?.framing == PictureFraming(filter: .bilinear, shorterSide: 274))
        #expect(try timm(#"{"model_type": "vit", "architectures": ["ViTModel"]}"#) == nil)
        for refused in [
            #""crop_mode": "mosaic""#, #""crop_border_pixels": 4"#, #""interpolation": "random""#,
        ] {
            #expect(throws: PictureDescription.Refusal.self) {
                try timm("{\"pretrained_cfg\": {\"input_size\": [3, 224, 224], \(refused)}}")
            }
        }
    }

    @Test("timm's border lies around the whole picture, and other crops than squares cover it")
    func border() throws {
        let whole = try #require(
            try timm(
                #"{"pretrained_cfg": {"input_size": [3, 224, 224], "crop_pct": 0.9, "crop_mode": "border"}}"#)
        )
        #expect(
            whole.framing.frame(width: 300, height: 200, cropWidth: 224, cropHeight: 224)
                == ResizeFrame(
                    resizedWidth: 248, resizedHeight: 165, left: 12, top: -29, width: 224, height: 224,
                    border: [124, 116, 104]))
        let covered = try #require(
            try timm(#"{"pretrained_cfg": {"input_size": [3, 200, 300], "crop_pct": 1.0}}"#))
        let frame = covered.framing.frame(width: 640, height: 480, cropWidth: 300, cropHeight: 200)
        #expect((frame.resizedWidth, frame.resizedHeight) == (300, 225) && frame.top == 12)
    }

    @Test("Hugging Face's sizes in their forms")
    func sizes() throws {
        let vit = try huggingFace(
            #"{"image_processor_type": "ViTImageProcessor", "size": {"height": 224, "width": 200}, "resample": 2, "#
                + Self.imageNet + "}")
        #expect((vit?.height, vit?.width) == (224, 200))
        #expect(
            vit?.framing
                == PictureFraming(
                    filter: .bilinear, resizedHeight: 224, resizedWidth: 200, cropRounding: .down))
        let number = try huggingFace(
            #"{"feature_extractor_type": "ViTFeatureExtractor", "size": 384, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#
        )
        #expect(number?.framing.resizedWidth == 384 && number?.width == 384)
        let clip = try huggingFace(
            #"{"feature_extractor_type": "CLIPFeatureExtractor", "size": 224, "crop_size": 224, "do_center_crop": true, "resample": 3, "#
                + Self.imageNet + "}")
        #expect(clip?.framing == PictureFraming(filter: .bicubic, shorterSide: 224, cropRounding: .down))
        let dino = try huggingFace(
            #"{"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 256}, "do_center_crop": true, "crop_size": {"height": 224, "width": 224}, "resample": 3, "rescale_factor": 0.00392156862745098, "#
                + Self.imageNet + "}")
        #expect(dino?.framing.shorterSide == 256 && dino?.height == 224)
        #expect(abs((dino?.mean[2] ?? 0) - 103.53) < 1e-4)
        let convnext = try huggingFace(
            #"{"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}, "crop_pct": 0.875, "#
                + Self.imageNet + "}")
        #expect(convnext?.framing.shorterSide == 256 && convnext?.width == 224)
    }

    @Test("Hugging Face's other settings")
    func settings() throws {
        let mobileViT = try huggingFace(
            #"{"image_processor_type": "MobileViTImageProcessor", "size": {"shortest_edge": 288}, "do_center_crop": true, "crop_size": 256, "do_flip_channel_order": true, "do_normalize": false}"#
        )
        #expect(mobileViT?.framing.isBGR == true && mobileViT?.mean == [0, 0, 0])
        #expect(abs((mobileViT?.scale[0] ?? 0) - 1 / 255) < 1e-9)
        #expect(try huggingFace(#"{"feature_extractor_type": "Wav2Vec2FeatureExtractor"}"#) == nil)
        #expect(throws: PictureDescription.Refusal.self) {
            try huggingFace(
                #"{"size": {"shortest_edge": 224}, "do_center_crop": false, "image_processor_type": "CLIPImageProcessor"}"#
            )
        }
        #expect(throws: PictureDescription.Refusal.self) {
            try huggingFace(#"{"size": {"height": 0, "width": 224}}"#)
        }
        #expect(throws: PictureDescription.Refusal.self) {
            try huggingFace(#"{"size": 224, "resample": 9}"#)
        }
    }

    @Test(
        "Hugging Face's EfficientNet divides by the deviation twice, and steps that are not known are named")
    func steps() throws {
        let twice = try huggingFace(
            #"{"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 346, "width": 346}, "image_mean": [0, 0, 0], "image_std": [0.5, 0.25, 1]}"#
        )
        #expect(zip(twice?.scale ?? [], [4, 16, 1] as [Float]).allSatisfy { abs($0 * 255 / $1 - 1) < 1e-5 })
        #expect {
            try huggingFace(#"{"size": 224, "do_pad": true}"#)
        } throws: { ($0 as? PictureDescription.Refusal)?.reason.contains("do_pad") == true }
    }

    @Test("an image smaller than the crop lies in its middle")
    func small() {
        let even = PictureFraming(filter: .bilinear, shorterSide: 99)
        let down = PictureFraming(filter: .bilinear, shorterSide: 99, cropRounding: .down)
        #expect(even.frame(width: 10, height: 10, cropWidth: 104, cropHeight: 104).left == -2)
        #expect(down.frame(width: 10, height: 10, cropWidth: 104, cropHeight: 104).left == -3)
        #expect(even.frame(width: 3, height: 1 << 20, cropWidth: 99, cropHeight: 99).resizedHeight <= 1 << 24)
    }

    @Test("are found beside the network, and above a folder 'onnx'")
    func places() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "beside-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let onnx = folder.appendingPathComponent("onnx")
        try FileManager.default.createDirectory(at: onnx, withIntermediateDirectories: true)
        let path = onnx.appendingPathComponent("model.onnx").path
        #expect(try PictureDescription.beside(path) == nil)
        try Data(#"{"size": 224, "image_mean": [0.5, 0.5, 0.5]}"#.utf8).write(
            to: folder.appendingPathComponent("preprocessor_config.json"))
        #expect(try PictureDescription.beside(path)?.description.height == 224)
        try Data(#"{"size": [1]}"#.utf8).write(to: onnx.appendingPathComponent("preprocessor_config.json"))
        #expect(throws: BackboneError.self) { try PictureDescription.beside(path) }
    }
}
