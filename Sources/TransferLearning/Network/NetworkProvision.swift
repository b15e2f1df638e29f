import SystemFiles
import Backbones
import Compression

/// Finds the network that the options name, and downloads it if it has an archive and is missing.
struct NetworkProvision {
    private let options: BottleneckOptions

    init(_ options: BottleneckOptions) throws(TransferLearningError) {
        self.options = options
        if let url = options.modelURL,
            !["http://", "https://", "file://"].contains(where: url.lowercased().hasPrefix)
        {
            throw .option(
                "model_url",
                reason: "\(url) is no http, https or file address; a file is named file:///folder/archive.tgz"
            )
        }
        if let text = options.modelSHA256,
            text.count != 64 || !text.allSatisfy({ $0.isASCII && $0.isHexDigit })
        {
            throw .option(
                "model_sha256",
                reason: "\(text) is no SHA-256: 64 hexadecimal digits, as sha256sum prints them")
        }
    }

    /// - Throws: `BackboneError`, `TransferLearningError`, or errors of the receiver of events.
    func find(context: RunContext) throws -> Backbone {
        var failure: (any Error)?
        do {
            return try Backbone.find(
                architecture: options.architecture, modelDirectory: options.modelDirectory?.description
            ) {
                (archive, directory) throws(BackboneError) in
                do {
                    // Other errors are reported before a download of minutes.
                    _ = try options.scan()
                    do throws(FileError) { try FileSystem.makeDirectory(FilePath(directory)) } catch {
                        throw TransferLearningError.output(error, flag: "model_dir")
                    }
                } catch {
                    failure = error
                    return
                }
                let archive = archive.at(url: options.modelURL, sha256: options.modelSHA256)
                let installation = NetworkInstallation(archive, in: directory)
                do throws(DownloadError) {
                    try installation.run(isInterrupted: { failure != nil || context.isInterrupted() }) {
                        event in
                        do { try context.report(.download(event)) } catch { failure = error }
                    }
                } catch { throw .download(error, archive, path: installation.graphPath) }
            }
        } catch {
            throw failure ?? error
        }
    }
}

extension TransferLearningError {
    /// - Parameter path: The path at which the graph was expected.
    init(_ error: DownloadError, _ archive: NetworkArchive, _ path: FilePath) {
        func none(_ reason: String) -> TransferLearningError {
            .network(.noDownload(path, url: archive.url, reason: reason))
        }
        func wrong(_ reason: String) -> TransferLearningError {
            .network(.wrongDownload(path, url: archive.url, reason: reason))
        }
        switch error {
        case .noCurl: self = none("the program 'curl' is not installed")
        case .unreachable(let reason), .refused(let reason): self = none(reason)
        case .brokeOff(let reason, let received):
            self = none(
                "\(reason); the \(received) bytes received are kept, and the same command continues from there"
            )
        case .wrongFile(let reason): self = wrong(reason)
        case .missingMember(let name): self = wrong("it holds no \(name)")
        case .archive(let failure): self = wrong(Self.words(failure))
        case .system(let path, let code):
            self = .output(FileError(FilePath(path), errno: code), flag: "model_dir")
        case .interrupted(let received, let total):
            self = .downloadInterrupted(path, received: received, of: total)
        }
    }

    private static func words(_ failure: TarReader.Failure) -> String {
        switch failure {
        case .gzip(let error): "no sound gzip file: \(error)"
        case .truncated(let offset): "a tar archive that ends at byte \(offset), before its end"
        case .badHeader(let offset): "no tar archive: no header at byte \(offset)"
        case .unsafeName(let name): "an unsafe archive: '\(name)' would lie outside of the folder"
        case .unsafeKind(let name, let type):
            "an unsafe archive: '\(name)' is no file or folder but of type '\(type)'"
        case .overLimit(let limit): "it unpacks to more than \(limit) bytes"
        }
    }
}
