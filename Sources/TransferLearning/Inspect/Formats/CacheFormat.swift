import BottleneckCache

/// The bottleneck cache: a single segment, or the whole folder.
enum CacheFormat {
    static func inspect(segment contents: FileContents) throws(TransferLearningError) -> Findings {
        do { return findings(try CacheContents(segment: contents.path.description)) } catch {
            throw TransferLearningError(error, directory: contents.path.parent)
        }
    }

    static func inspect(folder contents: FileContents) throws(TransferLearningError) -> Findings {
        do {
            let cache = try CacheContents(directory: contents.path.description)
            var findings = findings(cache)
            findings.facts.insert(Fact("segments", .count(cache.segments)), at: 0)
            return findings
        } catch { throw TransferLearningError(error, directory: contents.path) }
    }

    private static func findings(_ cache: CacheContents) -> Findings {
        let networks = Dictionary(grouping: cache.vectors, by: \.key.network).sorted {
            ($1.value.count, $0.key) < ($0.value.count, $1.key)
        }
        var facts = [
            Fact("vectors", .count(cache.vectors.count)),
            Fact(
                "networks",
                .list(
                    networks.map { network, vectors in
                        let lengths = Set(vectors.map(\.value.length)).sorted().map { "\($0)" }.joined(
                            separator: " or ")
                        return "\(network.prefix(12)): \(vectors.count) vectors of \(lengths) numbers"
                    })),
        ]
        if !cache.imported.isEmpty { facts.append(Fact("imported", .count(cache.imported.count))) }
        if cache.repeated > 0 { facts.append(Fact("repeated", .count(cache.repeated))) }
        if !cache.warnings.isEmpty { facts.append(Fact("damage", .list(cache.warnings.map(\.description)))) }
        var findings = Findings(facts: facts)
        for (key, vector) in cache.vectors {
            findings.items["vector \(key)"] = .text(
                "\(vector.length) numbers, SHA-256 \(vector.digest.prefix(12))")
        }
        for (name, vector) in cache.imported {
            findings.items["imported \(name)"] = .text(
                "\(vector.length) numbers, SHA-256 \(vector.digest.prefix(12))")
        }
        return findings
    }
}
