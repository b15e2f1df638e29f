import Compression
import SystemFiles

/// A bottleneck that retrain.py computed, identified by its class folder and file name.
package struct ImportedBottleneck: Sendable, Equatable {
    /// The class folder.
    package var folder: String
    /// The image's file name.
    package var file: String
    /// The name of the network that computed the bottleneck, taken from the file name (`mobilenet_1.0_224`);
    /// empty if the file name contains none.
    package var network: String
    package var vector: [Float]

    package init(folder: String, file: String, network: String = "", vector: [Float]) {
        (self.folder, self.file, self.network, self.vector) = (folder, file, network, vector)
    }

    /// The name of the file in a tree, without `.txt`.
    package var fileName: String { network.isEmpty ? file : "\(file)_\(network)" }
}

/// A file in a bottleneck tree that could not be read, and why.
package struct TreeProblem: Sendable, Equatable, CustomStringConvertible {
    package var path: String
    package var reason: String
    package var description: String { "\(path): \(reason)" }
}

/// The text files in retrain.py's `--bottleneck_dir`.
///
/// They are named `<class folder>/<image><suffix>.txt` and contain decimals separated by commas. The suffix
/// is empty (2016), `_<architecture>` (2017) or `_<module address>` (TensorFlow Hub). A tree may contain
/// bottlenecks of several networks.
package enum BottleneckTree {
    /// Reads all files in the subfolders of `directory`, in the order of their names.
    package static func read(_ directory: String) throws(CacheError) -> (
        bottlenecks: [ImportedBottleneck], problems: [TreeProblem]
    ) {
        var bottlenecks: [ImportedBottleneck] = [], problems: [TreeProblem] = []
        let root = BytePath(directory)
        for folder in try sortedNames(root) where folder.first != UInt8(ascii: ".") {
            let path = root.appending(folder)
            // Files beside the folders, such as the cache's own segments, do not belong to the tree.
            guard !isRegularFile(path), let files = try? sortedNames(path) else { continue }
            for file in files where file.suffix(4).elementsEqual(".txt".utf8) {
                let place = path.appending(file)
                guard isRegularFile(place) else { continue }
                do throws(CacheError) {
                    let vector = try parse(try OpenFile.forReading(place).contents())
                    let (picture, network) = names(FilePath(bytes: file.dropLast(4)).text)
                    bottlenecks.append(
                        ImportedBottleneck(
                            folder: FilePath(bytes: folder).text, file: picture, network: network,
                            vector: vector))
                } catch .system(_, _, let code) {
                    problems.append(TreeProblem(path: place.text, reason: "cannot be read (error \(code))"))
                } catch .malformedTree(let reason) {
                    problems.append(TreeProblem(path: place.text, reason: reason))
                }
            }
        }
        // A network produces vectors of one length, so files with another length than the most frequent were
        // cut short.
        for network in Set(bottlenecks.map(\.network)).sorted() {
            let own = bottlenecks.filter { $0.network == network }
            let lengths = Dictionary(grouping: own, by: \.vector.count).mapValues(\.count)
            guard lengths.count > 1,
                let length = lengths.max(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key
            else { continue }
            for bottleneck in own where bottleneck.vector.count != length {
                problems.append(
                    TreeProblem(
                        path: "\(bottleneck.folder)/\(bottleneck.fileName)",
                        reason:
                            "holds \(bottleneck.vector.count) numbers, the others \(length): it was cut short"
                    ))
            }
            bottlenecks.removeAll { $0.network == network && $0.vector.count != length }
        }
        return (bottlenecks, problems)
    }

    private static func sortedNames(_ directory: BytePath) throws(CacheError) -> [[UInt8]] {
        try namesInDirectory(directory).sorted { $0.lexicographicallyPrecedes($1) }
    }

    private static let pictureExtensions = ["jpg", "jpeg", "png", "gif", "bmp", "webp", "tif", "tiff"]

    /// Splits a file name without `.txt` into the names of the image and the network.
    ///
    /// The image's name ends with the last image extension that is followed by an underscore:
    /// `a.jpg_inception_v3` is the image `a.jpg` and the network `inception_v3`. A name that ends with such
    /// an extension, or contains none, has no network.
    static func names(_ name: String) -> (picture: String, network: String) {
        let lower = name.lowercased()
        // Offsets are preserved only if lowercasing preserves the length, which holds for all names that
        // retrain.py reads.
        guard lower.utf8.count == name.utf8.count,
            !pictureExtensions.contains(where: { lower.hasSuffix("." + $0) })
        else { return (name, "") }
        let bytes = Array(name.utf8), lowered = Array(lower.utf8)
        for underscore in lowered.indices.reversed() where lowered[underscore] == UInt8(ascii: "_") {
            let head = lowered[..<underscore]
            if pictureExtensions.contains(where: {
                head.count > $0.utf8.count + 1 && head.ends(with: "." + $0)
            }) {
                return (
                    String(decoding: bytes[..<underscore], as: UTF8.self),
                    String(decoding: bytes[(underscore + 1)...], as: UTF8.self)
                )
            }
        }
        return (name, "")
    }

    /// Parses decimals separated by commas and optional white space.
    package static func parse(_ text: [UInt8]) throws(CacheError) -> [Float] {
        var vector: [Float] = []
        for field in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let word = field.drop { $0 <= 32 }.reversed().drop { $0 <= 32 }.reversed()
            guard let value = Float(String(decoding: Array(word), as: UTF8.self)), value.isFinite else {
                let shown = String(decoding: Array(word).prefix(20), as: UTF8.self)
                throw .malformedTree(
                    text.isEmpty ? "is empty" : "number \(vector.count + 1), '\(shown)', is none")
            }
            vector.append(value)
        }
        return vector
    }

    /// Returns the text of a vector, in the shortest decimals that parse to the same floats.
    package static func text(_ vector: [Float]) -> [UInt8] {
        Array(vector.map { "\($0)" }.joined(separator: ",").utf8)
    }
}

extension BottleneckCache {
    /// Imports a bottleneck tree; files that were imported before are skipped.
    ///
    /// - Returns: The number of bottlenecks found and of those added, and the files that could not be read.
    package func importTree(_ directory: String) throws(CacheError) -> (
        found: Int, added: Int, problems: [TreeProblem]
    ) {
        let (bottlenecks, problems) = try BottleneckTree.read(directory)
        var known = Set(imported().map { "\($0.folder)/\($0.fileName)" })
        var added = 0
        for bottleneck in bottlenecks
        where known.insert("\(bottleneck.folder)/\(bottleneck.fileName)").inserted {
            let payload = Self.payload(bottleneck)
            try insertImported(
                payload, key: BottleneckKey(image: SHA256.hash(payload), fingerprint: .init("imported")))
            added += 1
        }
        return (bottlenecks.count, added, problems)
    }

    /// Returns the imported bottlenecks, sorted by folder, file and network.
    package func imported() -> [ImportedBottleneck] {
        importedPayloads().compactMap(Self.bottleneck).sorted {
            ($0.folder, $0.file, $0.network) < ($1.folder, $1.file, $1.network)
        }
    }

    /// Writes the imported bottlenecks as retrain.py's text files, under the names with which they were
    /// imported.
    ///
    /// - Returns: The number of files written; files with the same content are left untouched.
    package func exportTree(to directory: String) throws(CacheError) -> Int {
        var written = 0
        for bottleneck in imported() {
            let folder = BytePath(directory).appending(FilePath(bottleneck.folder))
            try createDirectory(folder)
            let file = folder.appending(FilePath(bottleneck.fileName + ".txt"))
            let text = BottleneckTree.text(bottleneck.vector)
            if isRegularFile(file), (try? OpenFile.forReading(file).contents()) == text { continue }
            try replaceFile(file, text)
            written += 1
        }
        return written
    }

    /// Encodes a payload: the two names, each preceded by its length and padded with zeros to four bytes, and
    /// the numbers.
    private static func payload(_ bottleneck: ImportedBottleneck) -> [UInt8] {
        var bytes: [UInt8] = []
        for name in [bottleneck.folder, bottleneck.fileName] {
            bytes.append(littleEndian: UInt32(name.utf8.count))
            bytes += Array(name.utf8) + [UInt8](repeating: 0, count: (4 - name.utf8.count % 4) % 4)
        }
        for value in bottleneck.vector { bytes.append(littleEndian: value.bitPattern) }
        return bytes
    }

    static func bottleneck(_ payload: [UInt8]) -> ImportedBottleneck? {
        var rest = payload[...]
        func name() -> String? {
            guard rest.count >= 4 else { return nil }
            let length = rest.prefix(4).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else { return nil }
            defer { rest = rest.dropFirst((length + 3) / 4 * 4) }
            return String(decoding: rest.prefix(length), as: UTF8.self)
        }
        guard let folder = name(), let fileName = name(), rest.count % 4 == 0 else { return nil }
        let vector = Array(rest).withUnsafeBytes { $0.floats(from: 0) }
        let (file, network) = BottleneckTree.names(fileName)
        return ImportedBottleneck(folder: folder, file: file, network: network, vector: vector)
    }
}

extension ArraySlice<UInt8> {
    fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
