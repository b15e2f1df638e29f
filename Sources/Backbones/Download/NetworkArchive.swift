import Compression
import TensorGraph

/// An archive that a network may be had from.
package struct NetworkArchive: Sendable, Equatable {
    /// Its name in the model directory, where retrain.py leaves it; `.partial` follows while it is fetched.
    package var name: String
    package var url: String
    /// Bytes; nil where only the digest is known.
    package var size: Int?
    package var digest: FileDigest
    /// The frozen graph, by its name in the archive and in the model directory.
    package var graph: Member
    /// What else retrain.py leaves beside the graph.
    package var others: [String]

    package struct Member: Sendable, Equatable {
        package let name: String
        package var size: Int?
        package var digest: FileDigest?
    }

    /// The archives of networks that are not built in.
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
            ])
    ]

    /// The archive as another place has it.
    ///
    /// - Parameters:
    ///   - url: a mirror; nil: the usual place.
    ///   - sha256: hexadecimal, of another archive than the usual one; nil: the mirror has the very same.
    package func at(url: String?, sha256: String?) -> NetworkArchive {
        var archive = self
        if let url { archive.url = url }
        if let sha256 {
            (archive.size, archive.digest) = (nil, .sha256(sha256.lowercased()))
            archive.graph = Member(name: graph.name)
            // The remains of two archives must not mix.
            archive.name = "\(sha256.lowercased().prefix(16)).tgz"
        }
        return archive
    }
}

/// What a file's bytes must hash to, in lower-case hexadecimal.
package enum FileDigest: Sendable, Equatable, CustomStringConvertible {
    /// `git hash-object`: SHA-1 of "blob", a space, the size in decimal, a zero and the bytes. Nobody can make another file of a given SHA-1
    /// (what is broken is making two files of one).
    case gitBlob(String)
    case sha256(String)

    package func matches(_ file: ByteRegion) -> Bool { computed(of: file) == self }

    /// The same kind of digest, of these bytes.
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
