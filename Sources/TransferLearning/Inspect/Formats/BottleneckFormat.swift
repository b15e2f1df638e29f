import BottleneckCache

/// retrain.py's text files: a single vector, or a tree of them.
enum BottleneckFormat {
    static func isRecognized(_ contents: FileContents) -> Bool {
        let opening = contents.opening
        return opening.contains(",")
            && opening.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ","), UInt8(ascii: "."),
                    UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"),
                    UInt8(ascii: "-"), 32, 9, 10, 13:
                    true
                default: false
                }
            }
    }

    static func inspect(_ contents: FileContents) throws(TransferLearningError) -> Findings {
        let vector: [Float]
        do { vector = try BottleneckTree.parse(contents.region.bytes) } catch {
            throw TransferLearningError(error, directory: contents.path)
        }
        return Findings(
            facts: [
                Fact("numbers", .count(vector.count)), Fact("minimum", .number(Double(vector.min() ?? 0))),
                Fact("maximum", .number(Double(vector.max() ?? 0))),
                Fact("mean", .number(vector.reduce(0) { $0 + Double($1) } / Double(max(vector.count, 1)))),
            ], items: ["vector": .numbers(vector)])
    }

    static func inspect(tree contents: FileContents) throws(TransferLearningError) -> Findings {
        let tree: (bottlenecks: [ImportedBottleneck], problems: [TreeProblem])
        do { tree = try BottleneckTree.read(contents.path.description) } catch {
            throw TransferLearningError(error, directory: contents.path)
        }
        guard !tree.bottlenecks.isEmpty || !tree.problems.isEmpty else {
            throw .network(
                .notAGraph(
                    contents.path,
                    found: "a folder with neither bottleneck segments nor retrain.py's bottleneck files"))
        }
        let classes = Dictionary(grouping: tree.bottlenecks, by: \.folder).sorted { $0.key < $1.key }
        var findings = Findings(facts: [
            Fact("bottlenecks", .count(tree.bottlenecks.count)),
            Fact("numbers", .count(tree.bottlenecks.first?.vector.count ?? 0)),
            Fact("networks", .list(Set(tree.bottlenecks.map(\.network)).filter { !$0.isEmpty }.sorted())),
            Fact("classes", .list(classes.map { "\($0.key) (\($0.value.count))" })),
        ])
        if !tree.problems.isEmpty {
            findings.facts.append(Fact("problems", .list(tree.problems.map(\.description))))
        }
        for bottleneck in tree.bottlenecks {
            findings.items["\(bottleneck.folder)/\(bottleneck.fileName)"] = .numbers(bottleneck.vector)
        }
        return findings
    }
}
