import Backbones

extension BackboneDescription {
    /// A description for people of how the training images were decoded and resized.
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
