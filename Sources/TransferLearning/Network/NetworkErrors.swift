import SystemFiles
import Backbones
import BottleneckCache
import Compression
import Inference
import NetworkReading
import ONNXFormat
import TensorFlowFormat
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension TransferLearningError {
    init(_ error: BackboneError) {
        switch error {
        case .missing(let path):
            self = .network(
                .missing(
                    FilePath(path),
                    remedy: "give the path of a model that retrain wrote, or of a frozen network"))
        case .noModelDirectory(let path, _):
            self = .network(
                .missing(
                    FilePath(path),
                    remedy:
                        "give --model_dir the folder that has it or that it is to be downloaded to, or --architecture efficientnet_lite0, "
                        + "which is built in"))
        case .download(let error, let archive, let path): self.init(error, archive, FilePath(path))
        case .inputOutput(let path, let code):
            self = .file(FileError(FilePath(path), errno: code), while: "reading the network")
        case .graph(let path, let error): self = .network(NetworkError(FilePath(path), error))
        case .reading(let path, let error): self = .network(NetworkError(FilePath(path), error))
        case .savedModel(let path, let error): self = .network(NetworkError(FilePath(path), error))
        case .onnx(let path, let error): self = .network(NetworkError(FilePath(path), error))
        case .readingONNX(let path, let error): self = .network(NetworkError(FilePath(path), error))
        case .package(let path, let failure): self = .network(NetworkError(FilePath(path), failure))
        case .noGraphInPackage(let path, let graphs):
            self = .network(
                .notAGraph(
                    FilePath(path),
                    found: graphs.isEmpty
                        ? "a zip without a .pb in it"
                        : "a zip with several: \(graphs.joined(separator: ", "))"))
        case .description(let path, let reason): self = .network(.description(FilePath(path), reason: reason))
        case .noSuchTensor(let path, let name, let nearest):
            self = .network(.noSuchTensor(FilePath(path), name: name, nearest: nearest))
        case .labels(let path, let reason): self = .network(.description(FilePath(path), reason: reason))
        }
    }

    init(_ error: EventFile.WriteError) {
        self = .output(FileError(FilePath(error.path), errno: error.errno), flag: "summaries_dir")
    }

    init(_ error: PlanError, path: String) {
        let path = FilePath(path)
        switch error {
        case .unsupported(let node, let operation, let what):
            self = .network(
                .unsupported(path, reason: "node '\(node)' (\(operation)): \(what) is not supported"))
        }
    }

    init(_ error: CacheError, directory: FilePath) {
        switch error {
        case .system(_, let path, let code):
            self = .cache(FilePath(path), reason: FileError(FilePath(path), errno: code).reason)
        case .unsupportedLength(let length): self = .cache(directory, reason: "vectors of \(length) numbers")
        case .malformedTree(let reason): self = .cache(directory, reason: reason)
        }
    }
}

extension NetworkError {
    init(_ path: FilePath, _ error: GraphDefError) {
        switch error {
        case .notGraphDef(let file): self = .notAGraph(path, found: Self.name(of: file))
        case .truncated(let offset, let needed, let available):
            self = .damaged(
                path, reason: "the field at byte \(offset) needs \(needed) bytes, \(available) are there")
        case .malformed(let offset, let fault): self = .damaged(path, reason: "at byte \(offset): \(fault)")
        case .overLimit(let offset, let declared, let limit):
            self = .damaged(
                path, reason: "the constant at byte \(offset) declares \(declared) bytes, more than \(limit)")
        case .inputOutput(let code): self = .damaged(path, reason: String(cString: strerror(code)))
        case .tooLargeToWrite(let bytes):
            self = .unsupported(path, reason: "its \(bytes) bytes are more than a GraphDef can hold")
        }
    }

    init(_ path: FilePath, _ error: GraphReadingError) {
        switch error {
        case .noSuchTensor(let name): self = .noSuchTensor(path, name: name, nearest: [])
        case .unsupportedOperation(let operation, let node, _) where operation.contains("Random"):
            self = .unsupported(
                path,
                reason:
                    "node '\(node)' (\(operation)) draws random numbers: it was exported with augmentation or dropout switched on; export the network as it is called with training=False"
            )
        case .unsupportedOperation(let operation, let node, let supported):
            self = .unsupported(
                path,
                reason:
                    "node '\(node)' is of operation \(operation), which is not supported (supported are \(supported.joined(separator: ", ")))"
            )
        case .unsupported(let node, let operation, let what):
            self = .unsupported(path, reason: "node '\(node)' (\(operation)): \(what) is not supported")
        case .malformed(let node, let operation, let what):
            self = .damaged(path, reason: "node '\(node)' (\(operation)): \(what)")
        case .cycle(let node): self = .unsupported(path, reason: "node '\(node)' depends on itself")
        case .function(let error): self = .unsupported(path, reason: Self.words(error))
        case .constantOutput(let name):
            self = .unsupported(path, reason: "tensor '\(name)' does not depend on the picture")
        case .tooManyNodes(let count, let limit):
            self = .unsupported(path, reason: "it has \(count) nodes, more than \(limit)")
        case .overLimit(let node, let limit):
            self = .damaged(
                path, reason: "node '\(node)' makes constants of more than \(limit) numbers")
        }
    }

    init(_ path: FilePath, _ error: SavedModelError) {
        switch error {
        case .inputOutput(let file, let code):
            self =
                code == ENOENT
                ? .missing(
                    path.appending(FilePath(file)), remedy: "a SavedModel needs it; copy the whole folder")
                : .damaged(path.appending(FilePath(file)), reason: String(cString: strerror(code)))
        case .malformed(let file, let error): self.init(path.appending(FilePath(file)), error)
        case .noServingGraph(let tags):
            self = .unsupported(path, reason: "no graph of it is for serving; their tags are \(tags)")
        case .noSignature(let name, let present):
            self = .unsupported(
                path,
                reason:
                    "it has no signature \(name ?? "serving_default"), only \(present.joined(separator: ", "))"
            )
        case .noSuchTensor(let signature, let tensor):
            self = .damaged(
                path, reason: "the signature \(signature) names the tensor '\(tensor)', which nothing makes")
        case .function(let error): self = .unsupported(path, reason: Self.words(error))
        case .index(let fault): self = .damaged(path, reason: "variables/variables.index: \(fault)")
        case .variable(let name, let fault):
            self = .damaged(path, reason: "the variable '\(name)' has no value: \(fault)")
        }
    }

    init(_ path: FilePath, _ error: ONNXError) {
        switch error {
        case .notONNX: self = .damaged(path, reason: "no ONNX model")
        case .truncated(let offset, let needed, let available):
            self = .damaged(
                path, reason: "the field at byte \(offset) needs \(needed) bytes, \(available) are there")
        case .malformed(let offset, let fault): self = .damaged(path, reason: "at byte \(offset): \(fault)")
        case .overLimit(let offset, let what, let limit):
            self = .damaged(path, reason: "at byte \(offset): more than \(limit) \(what)")
        case .externalData(let tensor, .inputOutput(let file, let code)):
            let other = FilePath(file)
            self =
                code == ENOENT
                ? .missing(other, remedy: "the weights of '\(tensor)' lie in it; copy it beside the model")
                : .damaged(other, reason: String(cString: strerror(code)))
        case .externalData(let tensor, let fault):
            self =
                switch fault {
                case .outsideFolder(let location):
                    .unsupported(
                        path,
                        reason: "the weights of '\(tensor)' lie in '\(location)', outside the model's folder")
                case .beyondFile(let file, _, _, let size):
                    .damaged(
                        path, reason: "the weights of '\(tensor)' lie behind the \(size) bytes of '\(file)'")
                case .sizeMismatch(let file, let expected, let found):
                    .damaged(
                        path,
                        reason:
                            "the weights of '\(tensor)' take \(expected) bytes, not the \(found) in '\(file)'"
                    )
                case .malformedEntry(let key):
                    .damaged(
                        path, reason: "the weights of '\(tensor)' lie in another file, without a valid \(key)"
                    )
                case .noFolder, .inputOutput:
                    .damaged(path, reason: "the weights of '\(tensor)' lie in another file")
                }
        case .function(let name, let fault):
            let what =
                switch fault {
                case .callsItself: "calls itself"
                case .tooDeep(let limit): "is called by more than \(limit) others"
                case .tooManyCalls(let limit): "is one of more than \(limit) that are called"
                case .tooManyNodes(let limit): "makes more than \(limit) nodes of the model"
                }
            self = .unsupported(path, reason: "its function '\(name)' \(what)")
        case .inputOutput(let code): self = .damaged(path, reason: String(cString: strerror(code)))
        case .tooLargeToWrite(let bytes):
            self = .unsupported(path, reason: "its \(bytes) bytes are more than an ONNX model can hold")
        }
    }

    init(_ path: FilePath, _ error: ONNXReadingError) {
        switch error {
        case .unsupported(let operation, let node, let reason, let supported):
            let why =
                switch reason {
                case .unknown: "which is not supported"
                case .quantized:
                    "a quantized operator, which is not supported; give the network in floating point"
                case .controlFlow: "control flow, which is not supported"
                case .training: "as for training, which is not supported"
                case .otherDomain("com.microsoft.nchwc"):
                    "of ONNX Runtime's domain com.microsoft.nchwc, whose weights are laid out for one processor; "
                        + "optimize the network at most to the level 'extended'"
                case .otherDomain(let domain):
                    "of the domain '\(domain)', which is not supported"
                }
            self = .unsupported(
                path,
                reason:
                    "node '\(node)' is of operation \(operation), \(why) (supported are \(supported.joined(separator: ", ")))"
            )
        case .node(let operation, let node, let what):
            self = .unsupported(path, reason: "node '\(node)' (\(operation)): \(what)")
        case .operatorSet(let version, let supported):
            self = .unsupported(
                path,
                reason:
                    "is of operator set \(version.map { "\($0)" } ?? "none"); supported are \(supported.lowerBound) and later ones"
            )
        case .input(let name, let what): self = .unsupported(path, reason: "input '\(name)' \(what)")
        case .model(let error): self.init(path, error)
        case .network(let error):
            self = .unsupported(path, reason: "node '\(error.node)' (\(error.operation)): \(error.what)")
        case .tooManyNodes(let count, let limit):
            self = .unsupported(path, reason: "it has \(count) nodes, more than \(limit)")
        case .overLimit(let node, let elements, let limit):
            self = .damaged(
                path, reason: "node '\(node)' makes a constant of \(elements) numbers, more than \(limit)")
        }
    }

    init(_ path: FilePath, _ failure: ZipReader.Failure) {
        switch failure {
        case .noDirectory: self = .damaged(path, reason: "a zip without its directory, which is at its end")
        case .malformed(let offset): self = .damaged(path, reason: "a zip, malformed at byte \(offset)")
        case .deflate(let name, let error): self = .damaged(path, reason: "\(name) in it: \(error)")
        case .badSize(let name, let declared, let found):
            self = .damaged(path, reason: "\(name) in it has \(found) bytes, not \(declared)")
        case .badChecksum(let name, let declared, let computed):
            self = .damaged(path, reason: "\(name) in it has the checksum \(computed), not \(declared)")
        case .unsupported(let name, let feature):
            self = .unsupported(
                path, reason: "a zip with \(feature)\(name.isEmpty ? "" : ", of \(name),") is not supported")
        case .overLimit(let name, let declared, let limit):
            self = .damaged(path, reason: "\(name) in it declares \(declared) bytes, more than \(limit)")
        }
    }

    private static func words(_ error: FunctionError) -> String {
        switch error {
        case .malformed(let error): "its functions are damaged (\(error))"
        case .unknown(let function, let node):
            "node '\(node)' calls the function \(function), which is absent"
        case .cyclic(let function): "the function \(function) calls itself"
        case .tooDeep(let function, let limit):
            "calls of functions, such as \(function), are nested more than \(limit) deep"
        case .tooManyNodes(let limit): "the calls of its functions have more than \(limit) nodes"
        case .namesTooLong(let limit): "the names in its functions take more than \(limit) bytes"
        case .argumentMismatch(let function, let node, let expected, let found):
            "node '\(node)' calls \(function) with \(found) tensors, not \(expected)"
        case .listArgument(let function, let argument):
            "the function \(function) takes a list of tensors, '\(argument)', which is not supported"
        case .missingResult(let function, let result):
            "no node of the function \(function) computes '\(result)'"
        }
    }

    private static func name(of file: ForeignFile) -> String {
        switch file {
        case .empty: "the file is empty"
        case .savedModel: "the file in a SavedModel; give its folder"
        case .textGraphDef: "a GraphDef as text; convert it to binary"
        case .gitLFSPointer: "a Git LFS pointer; run 'git lfs pull'"
        case .unknown: "of no known format"
        case .text: "text"
        default: "\(file.rawValue.uppercased())"
        }
    }
}
