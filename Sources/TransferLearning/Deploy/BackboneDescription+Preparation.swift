import Backbones

extension BackboneDescription {
    /// How the pictures were decoded and resized that a model was trained on, in words for people.
    var preparation: String {
        let transform =
            switch inverseDCT {
            case .accurate: "accurate inverse DCT (libjpeg's ISLOW)"
            case .fast: "fast inverse DCT (libjpeg's IFAST, TensorFlow's default)"
            }
        let sampling =
            switch resize {
            case .bilinear: "bilinear without antialiasing (TensorFlow 1's resize_bilinear)"
            case .antialiased: "bilinear with antialiasing"
            }
        return
            "Trained on JPEGs decoded by the \(transform) with smooth upsampling of colours, resized \(sampling)."
    }
}
