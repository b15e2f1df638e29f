import Backbones

/// The platforms that `package` writes a model for.
public enum PackagePlatform: String, Sendable, CaseIterable {
    /// A page for browsers.
    case web
    /// TensorFlow Lite with metadata, for MediaPipe.
    case android
    /// A Core ML package, for Vision.
    case ios

    var format: ExportOptions.Format {
        switch self {
        case .web: .html
        case .android: .tflite
        case .ios: .coreml
        }
    }
}

/// The page of a package that says how a program on one platform uses the model.
struct PlatformGuide {
    let platform: PackagePlatform
    /// The name of the exported model.
    let name: String
    let labels: String
    let backbone: BackboneDescription

    var text: String {
        switch platform {
        case .web: web
        case .android: android
        case .ios: ios
        }
    }

    private var web: String {
        """
        \(name): one page that names what its camera sees or pictures show. Everything is in it; it asks no
        server. Open it in a browser. Cameras need https or localhost:

            python3 -m http.server 8000        # then http://localhost:8000/\(name)

        In a page of your own:

            <iframe src="\(name)" allow="camera" width="390" height="720"></iframe>

        """
    }

    private var android: String {
        """
        \(name): a TensorFlow Lite model that holds its labels and how pictures are prepared.
        \(labels): the labels, one a line, in the order of the output.

        Put \(name) into app/src/main/assets. In build.gradle.kts:

            implementation("com.google.mediapipe:tasks-vision:latest.release")

        In Kotlin, with a context and a bitmap:

            import com.google.mediapipe.framework.image.BitmapImageBuilder
            import com.google.mediapipe.tasks.core.BaseOptions
            import com.google.mediapipe.tasks.vision.imageclassifier.ImageClassifier

            val options = ImageClassifier.ImageClassifierOptions.builder()
                .setBaseOptions(BaseOptions.builder().setModelAssetPath("\(name)").build())
                .setMaxResults(3).build()
            val classifier = ImageClassifier.createFromOptions(context, options)
            val answer = classifier.classify(BitmapImageBuilder(bitmap).build())
            for (category in answer.classificationResult().classifications()[0].categories())
                println("${category.categoryName()} ${category.score()}")

        \(resizing)

        """
    }

    /// What MediaPipe's resizing means for the model.
    private var resizing: String {
        backbone.resize == .mediapipe && backbone.framing == nil
            ? "The model was trained on pictures resized as MediaPipe does on a processor (retrain --resize mediapipe)."
            : """
            MediaPipe resizes pictures to whole values, which moves probabilities of single pictures. A model that is
            trained by 'cartoonctl retrain --resize mediapipe' knows such pictures.
            """
    }

    private var ios: String {
        """
        \(name): a Core ML package that takes pictures and gives a label and probabilities.
        \(labels): the labels, one a line.

        Drag \(name) into Xcode, which makes the class \(className). In Swift, with a CGImage:

            import CoreML
            import Vision

            let model = try VNCoreMLModel(for: \(className)(configuration: MLModelConfiguration()).model)
            let request = VNCoreMLRequest(model: model)
            request.imageCropAndScaleOption = \(backbone.framing == nil ? ".scaleFill" : ".centerCrop")
            try VNImageRequestHandler(cgImage: picture).perform([request])
            for answer in (request.results as? [VNClassificationObservation] ?? []).prefix(3) {
                print(answer.identifier, answer.confidence)
            }

        """
    }

    /// The name of the class that Xcode makes of a package: its name with other signs than letters and digits
    /// replaced.
    private var className: String {
        let stem = name.hasSuffix(".mlpackage") ? String(name.dropLast(10)) : name
        let word = String(stem.map { $0.isLetter || $0.isNumber ? $0 : "_" })
        return word.first?.isNumber ?? true ? "_" + word : word
    }
}
