import Compression
import TensorFlowFormat

/// TensorBoard's event files, as `--summaries_dir` writes them.
///
/// - Source: TensorFlow `core/util/event.proto`, `core/framework/summary.proto`.
enum EventFormat {
    /// Returns whether the file begins with eight bytes of length and their checksum.
    static func isRecognized(_ contents: FileContents) -> Bool {
        contents.region.withUnsafeBytes { bytes in
            bytes.count >= 12
                && CRC32C.masked(Array(bytes[0..<8]))
                    == bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self).littleEndian
        }
    }

    static func inspect(_ contents: FileContents) throws -> Findings {
        try contents.region.withUnsafeBytes { bytes in
            var at = 0, events = 0, damage: [String] = [],
                series: [String: [(step: Int64, value: Float)]] = [:], histograms: [String: Int] = [:]
            var steps: [Int64] = []
            while at < bytes.count {
                guard let record = TFRecord.read(bytes, at: at) else {
                    damage.append("a record that is cut short or damaged, at byte \(at)")
                    break
                }
                at = record.next
                events += 1
                let event = try Event(record.contents)
                for value in event.values {
                    if let scalar = value.scalar {
                        series[value.tag, default: []].append((event.step, scalar))
                    } else {
                        histograms[value.tag, default: 0] += 1
                    }
                }
                if !event.values.isEmpty { steps.append(event.step) }
            }
            var facts = [Fact("events", .count(events))]
            if let first = steps.min(), let last = steps.max() {
                facts.append(Fact("steps", .text("\(first) to \(last)")))
            }
            facts.append(
                Fact(
                    "scalars",
                    .list(
                        series.sorted { $0.key < $1.key }.map { tag, points in
                            "\(tag) (\(points.count), last \(points.last!.value))"
                        })))
            facts.append(
                Fact("histograms", .list(histograms.sorted { $0.key < $1.key }.map { "\($0) (\($1))" })))
            if !damage.isEmpty { facts.append(Fact("damage", .list(damage))) }
            return Findings(facts: facts, items: series.mapValues { .numbers($0.map(\.value)) })
        }
    }

    private struct Event {
        var step: Int64 = 0
        var values: [(tag: String, scalar: Float?)] = []

        init(_ bytes: UnsafeRawBufferPointer) throws(GraphDefError) {
            var event = WireReader(file: bytes)
            while let field = try event.next() {
                switch (field.number, field.type) {
                case (2, .varint): step = Int64(bitPattern: try event.varint())
                case (5, .lengthDelimited):
                    var summary = try event.message()
                    while let field = try summary.next() {
                        guard field.number == 1, field.type == .lengthDelimited else {
                            try summary.skip(field); continue
                        }
                        try append(summary.message())
                    }
                default: try event.skip(field)
                }
            }
        }

        private mutating func append(_ message: WireReader) throws(GraphDefError) {
            var message = message, tag = "", scalar: Float?
            while let field = try message.next() {
                switch (field.number, field.type) {
                case (1, .lengthDelimited): tag = try message.string()
                case (2, .fixed32): scalar = Float(bitPattern: try message.fixed32())
                default: try message.skip(field)
                }
            }
            values.append((tag, scalar))
        }
    }
}
