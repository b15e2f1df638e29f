import Compression
import TensorGraph

/// A zip archive with a model, as `package` creates it, or any other zip archive.
enum PackageFormat {
    static func inspect(_ contents: FileContents) throws(TransferLearningError) -> Findings {
        let entries: [ZipReader.Entry]
        do {
            entries = try contents.region.withUnsafeBytes { (bytes) throws(ZipReader.Failure) in
                try ZipReader(bytes).entries
            }
        } catch { throw .network(NetworkError(contents.path, error)) }
        var findings = Findings(facts: [Fact("members", .list(entries.map(describe)))])
        for entry in entries {
            findings.items["member \(entry.name)"] = .text(
                "\(entry.size) bytes, CRC-32 \(String(entry.checksum, radix: 16))")
        }
        // An archive without a model is valid too, but a damaged one is an error.
        guard entries.contains(where: { $0.name.lowercased().hasSuffix(".pb") }) else { return findings }
        let file = try GraphFileContents(contents.path)
        let graph = try GraphInspection(file, profiles: false, threads: nil)
        findings.facts += graph.facts
        (findings.graph, findings.graphKey, findings.file) = (graph, "model", file)
        return findings
    }

    private static func describe(_ entry: ZipReader.Entry) -> String {
        let method =
            entry.method == 0
            ? "stored" : entry.method == 8 ? "deflated to \(entry.compressedSize)" : "method \(entry.method)"
        return "\(entry.name) (\(entry.size) bytes, \(method))"
    }
}
