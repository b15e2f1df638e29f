import SystemFiles

/// The images that are shown to a network to see what it computes.
enum SampleImages: Sendable {
    case files([FilePath])
    /// A number of synthetic images.
    case leaves(Int)

    /// Creates what the rounding of weights is determined by: some images of a folder, or synthetic ones without it.
    init(forRounding calibration: Calibration?) {
        self = calibration.map { .files($0.files(count: 128)) } ?? .leaves(32)
    }

    var count: Int {
        switch self {
        case .files(let files): files.count
        case .leaves(let count): count
        }
    }

    /// Puts an image into the input of the reader's executor.
    ///
    /// - Returns: Whether the image could be read.
    func show(_ index: Int, to reader: PictureReader) -> Bool {
        switch self {
        case .files(let files):
            guard let bytes = try? FileSystem.read(files[index]) else { return false }
            return (try? reader.read(bytes)) != nil
        case .leaves:
            reader.show(
                DeadLeaves(width: reader.description.width, height: reader.description.height)
                    .picture(index))
            return true
        }
    }
}
