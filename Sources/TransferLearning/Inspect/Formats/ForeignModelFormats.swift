import TensorFlowFormat

/// Inspects ONNX's `ModelProto`.
///
/// - Source: onnx/onnx.proto: ModelProto ir_version 1, producer_name 2, producer_version 3, graph 7,
///   opset_import 8; GraphProto node 1, initializer 5, input 11, output 12.
enum ONNXFormat {
    static func inspect(_ contents: FileContents) throws(TransferLearningError) -> Findings {
        var findings: Findings
        do throws(GraphDefError) {
            findings = try contents.region.withUnsafeBytes { (bytes) throws(GraphDefError) in
                try read(bytes)
            }
        } catch { throw .network(NetworkError(contents.path, error)) }
        // A model that cannot be run can still be examined.
        if let graph = (try? GraphFileContents(contents.path)).flatMap({
            try? GraphInspection($0, profiles: false, threads: nil)
        }) {
            let known = Set(findings.facts.map(\.name))
            findings.facts += graph.facts.filter { !known.contains($0.name) }
            (findings.graph, findings.graphKey, findings.hasOwnGraphFacts) = (graph, "network", true)
        }
        return findings
    }

    private static func read(_ bytes: UnsafeRawBufferPointer) throws(GraphDefError) -> Findings {
        var model = WireReader(file: bytes), version = 0, producer: [String] = [], operatorSets: [String] = []
        var operations: [String: Int] = [:], initializers = 0, inputs: [String] = [], outputs: [String] = []
        while let field = try model.next() {
            switch (field.number, field.type) {
            case (1, .varint): version = Int(truncatingIfNeeded: try model.varint())
            case (2, .lengthDelimited), (3, .lengthDelimited): producer.append(try model.string())
            case (8, .lengthDelimited):
                var set = try model.message(), domain = "", number: UInt64 = 0
                while let field = try set.next() {
                    switch (field.number, field.type) {
                    case (1, .lengthDelimited): domain = try set.string()
                    case (2, .varint): number = try set.varint()
                    default: try set.skip(field)
                    }
                }
                operatorSets.append("\(domain.isEmpty ? "ai.onnx" : domain) \(number)")
            case (7, .lengthDelimited):
                var graph = try model.message()
                while let field = try graph.next() {
                    switch (field.number, field.type) {
                    case (1, .lengthDelimited): operations[try text(4, of: graph.message()), default: 0] += 1
                    case (5, .lengthDelimited):
                        initializers += 1
                        try graph.skip(field)
                    case (11, .lengthDelimited): inputs.append(try text(1, of: graph.message()))
                    case (12, .lengthDelimited): outputs.append(try text(1, of: graph.message()))
                    default: try graph.skip(field)
                    }
                }
            default: try model.skip(field)
            }
        }
        return Findings(facts: [
            Fact("ir version", .count(version)), Fact("producer", .text(producer.joined(separator: " "))),
            Fact("operator sets", .list(operatorSets)),
            Fact("nodes", .count(operations.values.reduce(0, +))), Fact("initializers", .count(initializers)),
            Fact("inputs", .list(inputs)),
            Fact("outputs", .list(outputs)),
            Fact(
                "operations",
                .list(
                    operations.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
                        "\($0.key) \($0.value)"
                    })),
        ])
    }

    /// Returns a text field of a message.
    private static func text(_ number: Int, of message: WireReader) throws(GraphDefError) -> String {
        var message = message, text = ""
        while let field = try message.next() {
            if field.number == number, field.type == .lengthDelimited {
                text = try message.string()
            } else {
                try message.skip(field)
            }
        }
        return text
    }
}

/// Inspects TensorFlow Lite's FlatBuffer.
///
/// - Source: tensorflow/lite/schema/schema.fbs: Model version 0, operator_codes 1, subgraphs 2, description
///   3, buffers 4, metadata 6; Metadata name 0, buffer 1; Buffer data 0; SubGraph tensors 0, inputs 1, outputs 2, operators 3. FlatBuffers internals: a table
///   begins with the signed distance back to its vtable.
enum TFLiteFormat {
    static func inspect(_ contents: FileContents) throws(TransferLearningError) -> Findings {
        let findings = contents.region.withUnsafeBytes { bytes -> Findings? in
            let file = FlatBuffer(bytes: bytes)
            guard let model = file.word(0), let version = file.field(0, of: model).flatMap(file.word),
                let graphs = file.vector(2, of: model), let graph = file.element(0, of: graphs)
            else { return nil }
            func count(_ field: Int, _ table: Int) -> Int {
                file.vector(field, of: table).flatMap(file.word) ?? 0
            }
            var facts = [
                Fact("version", .count(version)), Fact("subgraphs", .count(count(2, model))),
                Fact("operators", .count(count(3, graph))),
                Fact("kinds of operators", .count(count(1, model))), Fact("tensors", .count(count(0, graph))),
                Fact("inputs", .count(count(1, graph))),
                Fact("outputs", .count(count(2, graph))), Fact("buffers", .count(count(4, model))),
            ]
            if let text = file.text(3, of: model), !text.isEmpty {
                facts.append(Fact("description", .text(text)))
            }
            facts += ExportFacts.facts(file.metadata(of: model))
            return Findings(facts: facts)
        }
        guard let findings else { throw .network(.damaged(contents.path, reason: "no sound FlatBuffer")) }
        return findings
    }

    /// Bounds-checked access to a FlatBuffer by offsets; invalid ones give nil.
    private struct FlatBuffer {
        let bytes: UnsafeRawBufferPointer

        func word(_ at: Int) -> Int? {
            at >= 0 && at + 4 <= bytes.count
                ? Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))) : nil
        }
        private func half(_ at: Int) -> Int? {
            at >= 0 && at + 2 <= bytes.count
                ? Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))) : nil
        }

        /// Returns the offset of a table's field; nil if it is absent.
        func field(_ number: Int, of table: Int) -> Int? {
            guard let distance = word(table) else { return nil }
            let offsets = table - Int(Int32(truncatingIfNeeded: distance))
            guard let size = half(offsets), 4 + 2 * number + 2 <= size,
                let offset = half(offsets + 4 + 2 * number), offset > 0
            else { return nil }
            return table + offset
        }

        /// Returns the offset of a vector, which begins with its count.
        func vector(_ number: Int, of table: Int) -> Int? {
            field(number, of: table).flatMap { at in word(at).map { at + $0 } }
        }

        /// Returns the offset of a table in a vector of tables.
        func element(_ index: Int, of vector: Int) -> Int? {
            guard let count = word(vector), index < count else { return nil }
            let at = vector + 4 + 4 * index
            return word(at).map { at + $0 }
        }

        /// Returns the texts of a model's metadata by name.
        func metadata(of model: Int) -> [String: String] {
            guard let entries = vector(6, of: model), let count = word(entries),
                let buffers = vector(4, of: model)
            else { return [:] }
            var found: [String: String] = [:]
            for index in 0..<min(count, 1000) {
                guard let entry = element(index, of: entries), let name = text(0, of: entry),
                    let buffer = self.field(1, of: entry).flatMap(word),
                    let data = element(buffer, of: buffers)
                else { continue }
                found[name] = text(0, of: data)
            }
            return found
        }

        func text(_ number: Int, of table: Int) -> String? {
            guard let start = vector(number, of: table), let count = word(start),
                start + 4 + count <= bytes.count
            else { return nil }
            return String(decoding: bytes[(start + 4)..<(start + 4 + count)], as: UTF8.self)
        }
    }
}
