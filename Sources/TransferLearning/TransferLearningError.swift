import SystemFiles

/// The errors of a job.
public enum TransferLearningError: Error, Sendable {
    case dataset(DatasetError)
    case network(NetworkError)
    /// A file could not be read or written.
    case file(FileError, while: String)
    /// An output could not be written; no partial file is left under its name.
    case output(FileError, flag: String)
    case cache(FilePath, reason: String)
    /// With `--strict`, an image could not be read completely.
    case unreadable(FilePath, reason: String)
    /// An option's value is invalid in combination with the others or with the data.
    case option(String, reason: String)
    /// Files are not as the plan says, which was made when the working directory was `startedIn`; none was moved.
    case stalePlan(FilePath, [PlanConflict], startedIn: String)
    /// The job was interrupted; the text says what was done until then.
    case interrupted(String)
    /// A download was interrupted; the received bytes are kept for the next run.
    case downloadInterrupted(FilePath, received: Int, of: Int?)
    /// The system refuses the program open files, threads or memory; the text names the limit and the remedy.
    case systemLimit(String)
    case internalFailure(String)
}

/// An error in a folder of images.
public enum DatasetError: Error, Sendable {
    case noFolder(FilePath, flag: String = "image_dir")
    case notAFolder(FilePath, flag: String = "image_dir")
    /// The folder of retrain.py's bottleneck files is missing, or is none.
    case noBottleneckTree(FilePath)
    case noClasses(FilePath)
    case oneClass(FilePath, FilePath)
    case nestedTooDeep(FilePath, suggestion: FilePath, flag: String = "image_dir")
    case noReadablePictures(FilePath, tried: Int)
    case sameLabel(String, FilePath, FilePath)
    case tooFewPictures(FilePath, readable: Int, needed: Int)
    /// No image of a class in a ready-made split is in the training part.
    case noTrainingPictures(FilePath)
    /// All images of a class have the same content.
    case onlyCopies(FilePath, count: Int)
}

/// An error in a network or model file.
public enum NetworkError: Error, Sendable {
    case missing(FilePath, remedy: String)
    case notAGraph(FilePath, found: String)
    case damaged(FilePath, reason: String)
    case unsupported(FilePath, reason: String)
    case noSuchTensor(FilePath, name: String, nearest: [String])
    case description(FilePath, reason: String)
    /// A network's output is NaN or infinite.
    case notFinite(FilePath, tensor: String, picture: FilePath)
    /// The network is missing and could not be downloaded.
    case noDownload(FilePath, url: String, reason: String)
    /// The downloaded file is not the expected one and was not used.
    case wrongDownload(FilePath, url: String, reason: String)
}

extension TransferLearningError: CustomStringConvertible {
    /// A line that names the file and the remedy.
    public var description: String {
        switch self {
        case .dataset(let error): error.description
        case .network(let error): error.description
        case .file(let error, let task) where error.errno == EISDIR:
            "\(error.path): is a folder, while \(task); give the path of a file"
        case .file(let error, let task): "\(error.path): \(error.reason), while \(task)"
        case .output(let error, let flag) where error.isDiskFull:
            "\(error.path): the disk is full (\(error.reason)); nothing was written under that name. Free some space and run the same command again"
                + (flag == "output" ? "" : ": the bottlenecks are cached")
        case .output(let error, let flag) where error.errno == ENOTEMPTY:
            "\(error.path): holds other files; give --\(flag) a new folder, or an empty one"
        case .output(let error, let flag):
            "\(error.path): cannot be written (\(error.reason)); give --\(flag) a path in a folder that exists and is writable"
        case .cache(let path, let reason):
            "\(path): the bottleneck cache cannot be used (\(reason)); give --bottleneck_dir a folder that is writable and has space"
        case .unreadable(let path, let reason):
            "\(path): \(reason); remove or repair it, or leave out --strict to skip such files"
        case .option(let option, let reason): "--\(option): \(reason)"
        case .stalePlan(let path, let conflicts, let folder):
            "\(path): \(conflicts.count) file\(conflicts.count == 1 ? " is" : "s are") not as the plan says; nothing was moved. Make a new plan with "
                + "audit --plan, and apply it in the folder where it was made (this one: \(folder))"
        case .interrupted(let words): "interrupted; \(words)"
        case .downloadInterrupted(let path, let received, let total):
            "\(path): interrupted; \(received)\(total.map { " of \($0)" } ?? "") bytes of its archive are kept, and the same command continues from there"
        case .systemLimit(let words): words
        case .internalFailure(let what):
            "internal failure: \(what); please report it with the command that led to it"
        }
    }
}

extension DatasetError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noFolder(let path, let flag):
            "\(path): there is no such folder; --\(flag) needs a folder with one sub-folder of pictures per class"
        case .notAFolder(let path, let flag):
            "\(path): is not a folder; --\(flag) needs a folder with one sub-folder of pictures per class"
        case .noBottleneckTree(let path):
            "\(path): there is no such folder; give the one that retrain.py was given as --bottleneck_dir"
        case .noClasses(let path):
            "\(path): has no sub-folders; put each class's pictures into a sub-folder of its own, such as \(path.appending("cats")) and \(path.appending("dogs"))"
        case .oneClass(let path, let only):
            "\(path): has one class only, '\(only)'; a classifier needs at least two sub-folders of pictures"
        case .nestedTooDeep(let path, let inner, let flag):
            "\(path): the pictures lie one level deeper; did you mean --\(flag) \(inner)?"
        case .noReadablePictures(let folder, 0):
            "\(folder): holds no pictures; add JPEG or PNG files, or remove the folder"
        case .noReadablePictures(let folder, let tried):
            "\(folder): none of its \(tried) file\(tried == 1 ? "" : "s") can be read as a picture; replace them, or remove the folder"
        case .sameLabel(let label, let first, let second):
            "\(first) and \(second): both make the label '\(label)'; rename one of the folders"
        case .noTrainingPictures(let place):
            "\(place): is a class without training pictures; add some, or leave the class out"
        case .onlyCopies(let folder, let count):
            "\(folder): its \(count) pictures are copies or near duplicates of one; add different ones"
        case .tooFewPictures(let folder, let readable, let needed):
            "\(folder): has \(readable) readable picture\(readable == 1 ? "" : "s"), the splits need \(needed); add pictures, or give --testing_percentage 0 or --validation_percentage 0"
        }
    }
}

extension NetworkError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing(let path, let remedy): "\(path): there is no such file; \(remedy)"
        case .notAGraph(let path, let found):
            "\(path): is not a frozen TensorFlow graph (\(found)); give a GraphDef, such as the .pb that retrain writes"
        case .damaged(let path, let reason):
            "\(path): is cut short or damaged (\(reason)); copy or download it again"
        case .unsupported(let path, let reason):
            "\(path): \(reason); the network needs to be a frozen graph or an ONNX model of supported operations"
        case .noSuchTensor(let path, let name, let nearest):
            "\(path): has no tensor '\(name)'"
                + (nearest.isEmpty
                    ? "; check the name in --taps, another flag or its JSON description, whichever has it"
                    : "; did you mean \(nearest.map { "'\($0)'" }.joined(separator: " or "))?")
        case .description(let path, let reason): "\(path): \(reason)"
        case .notFinite(let path, let tensor, let picture):
            "\(picture): the network \(path) makes NaN or infinity of it in '\(tensor)'; its weights or batch statistics are damaged: give another network, or leave the picture out"
        case .noDownload(let path, let url, let reason):
            "\(path): is not there and cannot be downloaded from \(url) (\(reason)); put it there by hand, give --model_url a mirror, or give "
                + "--architecture efficientnet_lite0, which is built in"
        case .wrongDownload(let path, let url, let reason):
            "\(path): was not made of \(url), which is not the archive it should be (\(reason)); give --model_url another mirror, or "
                + "--model_sha256 if that archive is meant"
        }
    }
}
