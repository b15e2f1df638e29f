import Backbones
import Imaging
import Inference

extension BackboneDescription {
    /// A description for people of how the training images were decoded and resized.
    var preparation: String {
        let transform =
            switch inverseDCT {
            case .accurate: "accurate inverse DCT (libjpeg's ISLOW)"
            case .fast: "fast inverse DCT (libjpeg's IFAST, TensorFlow's default)"
            }
        let sampling =
            switch (framing, resize) {
            case (let framing?, _): "by Pillow's \(framing.filter.rawValue) filter"
            case (nil, .bilinear): "bilinear without antialiasing (TensorFlow 1's resize_bilinear)"
            case (nil, .antialiased): "bilinear with antialiasing"
            case (nil, .mediapipe):
                "bilinear without antialiasing to whole values (OpenCV's warpPerspective, as MediaPipe resizes)"
            }
        return
            "Trained on JPEGs decoded by the \(transform) with smooth upsampling of colours, resized \(sampling); \(part) is seen."
    }

    /// The part of a picture that the network sees, for people.
    var part: String {
        guard let framing else { return "the whole picture, squeezed" }
        let box = "\(framing.resizedWidth ?? width) x \(framing.resizedHeight ?? height)"
        let size =
            switch (framing.shorterSide, framing.fit) {
            case (let side?, _): "the shorter side resized to \(side)"
            case (nil, .exact): "the picture resized to \(box)"
            case (nil, .inside): "the picture resized to fit into \(box)"
            case (nil, .outside): "the picture resized to cover \(box)"
            }
        return "\(size), its middle of \(width) x \(height)" + (framing.isBGR ? ", blue before red" : "")
    }
}

extension BackboneDescription.Resize {
    /// The filter that computes it.
    var filter: ResizeFilter {
        switch self {
        case .bilinear: .legacyBilinear
        case .antialiased: .antialiased
        case .mediapipe: .fixedPoint
        }
    }

    /// The filter as a web page's program names it.
    var inProgram: PortablePlan.Resize {
        switch self {
        case .bilinear: .bilinear
        case .antialiased: .antialiased
        case .mediapipe: .fixedPoint
        }
    }
}
