import ReportTemplate
import SystemFiles
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The HTML page about a model, a data set, or both, in one file that asks for nothing else.
struct ReportPage {
    private(set) var data = ReportData()
    private var places: [String: Int] = [:]
    private var paths: [String] = []
    /// The pictures that get a larger thumbnail.
    private var prominent: [Int] = []
    private var evaluation: EvaluationReport?
    private var audit: AuditReport?

    /// The most pictures that get a thumbnail, and a larger one.
    private static let most = 6000, mostLarge = 120
    private static let smallSide = 64, largeSide = 144

    static let interrupted = TransferLearningError.interrupted(
        "the report was not written; the bottlenecks are cached, and the same command makes it")

    init(title: String) {
        data.title = title
        data.made = "cartoonctl \(Tool.version)"
    }

    // MARK: - Content

    /// Adds what a model says of pictures.
    mutating func add(_ report: EvaluationReport, name: String) {
        evaluation = report
        data.labels = report.labels
        let rows = report.judgements.map { add($0.path, label: $0.label) }
        data.answers = ReportData.Answers(
            name: name, pictures: rows, predicted: report.judgements.map(\.predicted),
            scores: report.judgements.map { Self.units($0.score) },
            own: report.judgements.map { Self.units($0.labelScore) }, accuracy: report.accuracy,
            macroF1: report.macroF1, crossEntropy: report.crossEntropy,
            calibrationError: report.calibrationError, interval: report.interval,
            folds: report.foldAccuracies, calibration: report.calibration)
        data.learning = report.learningCurve ?? []
        if !report.skipped.isEmpty {
            data.findings.append(
                .init(
                    kind: Finding.Kind.unreadable.rawValue, title: Finding.Kind.unreadable.title,
                    items: report.skipped.map {
                        .init(picture: nil, other: nil, path: $0.path, reason: $0.reason, suggestion: nil)
                    }))
        }
        prominent += report.mistakes.compactMap { places[$0.path] }
    }

    /// Adds the findings of an audit, and the plan that follows from them.
    mutating func add(_ report: AuditReport, plan: CurationPlan?) {
        audit = report
        data.classes = report.classes
        if let plan { data.plan = plan }
        if data.labels.isEmpty { data.labels = report.classes.map(\.label) }
        let indices = Dictionary(data.labels.enumerated().map { ($1, $0) }) { first, _ in first }
        // The audit lists unreadable files too.
        data.findings = []
        // What a person has to decide comes first.
        for kind in [.mislabelled] + Finding.Kind.allCases.filter({ $0 != .mislabelled }) {
            let found = report.findings(kind)
            guard !found.isEmpty else { continue }
            let items = found.map { finding in
                let isPicture = kind != .imbalance && kind != .unreadable
                let picture = isPicture ? add(finding.path, label: indices[finding.label] ?? -1) : nil
                let other = finding.other.map { add($0, label: indices[finding.otherLabel ?? ""] ?? -1) }
                return ReportData.Finding(
                    picture: picture, other: other, path: finding.path, reason: finding.reason,
                    suggestion: finding.suggestion.flatMap { indices[$0] })
            }
            data.findings.append(.init(kind: kind.rawValue, title: kind.title, items: items))
            prominent += items.prefix(20).flatMap { [$0.picture, $0.other].compactMap { $0 } }
        }
    }

    /// Gives the page's buttons a plan to fill where there was no audit.
    mutating func offerPlan(classes: [CurationPlan.Class], beside directory: FilePath) {
        data.plan = CurationPlan(classes: classes, setAside: CurationPlan.setAsideFolder(beside: directory))
    }

    mutating func add(_ plot: ReportData.Plot) { data.plots.append(plot) }

    /// Adds the information for repeating a run.
    mutating func add(command: [String], facts: [(String, String)]) {
        data.command = (["cartoonctl"] + command.map(Self.quoted)).joined(separator: " ")
        data.facts = facts.map { ReportData.Fact(name: $0, value: $1) }
    }

    private mutating func add(_ path: String, label: Int) -> Int {
        if let place = places[path] { return place }
        places[path] = paths.count
        paths.append(path)
        data.pictures.labels.append(label)
        return paths.count - 1
    }

    /// Adds heat maps of mistakes, the most confident first.
    ///
    /// - Throws: `TransferLearningError` if the model cannot be run; pictures that cannot be read are left out.
    mutating func explainMistakes(
        with explainer: Explainer, limit: Int = 120, context: RunContext
    ) throws {
        guard let evaluation else { return }
        let mistakes = evaluation.mistakes.prefix(limit)
        for (index, mistake) in mistakes.enumerated() {
            if context.isInterrupted() { throw Self.interrupted }
            guard let place = places[mistake.path], let bytes = try? FileSystem.read(FilePath(mistake.path)),
                let explanation = try? explainer.explain(
                    bytes, label: mistake.predicted, against: mistake.label)
            else { continue }
            data.maps["\(place)"] = Self.map(explanation.grid)
            try context.report(.drawing(done: index + 1, total: mistakes.count))
        }
    }

    private static func map(_ grid: [[Float]]) -> ReportData.HeatMap {
        let strongest = TransferLearning.HeatMap(grid).strongest
        let values = grid.joined().map { value -> UInt8 in
            let share = strongest > 0 ? max(-1, min(1, value / strongest)) : 0
            return UInt8(bitPattern: Int8((127 * share).rounded()))
        }
        return .init(
            rows: grid.count, columns: grid.first?.count ?? 0, values: Data(values).base64EncodedString())
    }

    // MARK: - Output

    /// Makes the thumbnails and writes the page.
    ///
    /// - Throws: `.output`, `.interrupted`, or errors of the receiver of events.
    mutating func write(
        to path: FilePath, threads: Int = ParallelWork.coreCount, limits: PictureLimits = PictureLimits(),
        context: RunContext
    ) throws {
        try draw(threads: threads, limits: limits, context)
        data.advice = Advice(evaluation, audit).sentences
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A tag inside a name would end the script that holds the data.
        let json = String(decoding: try encoder.encode(data), as: UTF8.self)
            .replacing("<", with: "\\u003c").escapingDisplayControlsInJSON
        let page = PageTemplate.fill(
            UnsafeBufferPointer(start: report_page_bytes(), count: report_page_count()),
            with: [
                "TITLE": Array(PageTemplate.escaped(data.title.printable).utf8),
                "ADVICE": Array(PageTemplate.escaped(data.advice.first ?? "").utf8),
                "STYLE": Array(UnsafeBufferPointer(start: report_style_bytes(), count: report_style_count())),
                "SCRIPT": Array(
                    UnsafeBufferPointer(start: report_script_bytes(), count: report_script_count())),
                "DATA": Array(json.utf8),
            ])
        do throws(FileError) {
            let file = try AtomicFile(path)
            try file.write(page)
            try file.commit()
        } catch { throw TransferLearningError.output(error, flag: "report") }
    }

    private mutating func draw(
        threads: Int, limits: PictureLimits, _ context: RunContext
    ) throws {
        let large = Set(prominent.prefix(Self.mostLarge))
        // Of very many pictures only those that something is said about are shown.
        let isShown = paths.count <= Self.most ? nil : Set(prominent)
        let facts = try ContactSheets.read(
            paths.map { FilePath($0) },
            sides: paths.indices.map { index in
                isShown?.contains(index) ?? true
                    ? [Self.smallSide] + (large.contains(index) ? [Self.largeSide] : []) : []
            }, threads: threads, limits: limits, context: context)
        var sheets = ContactSheets()
        let quality = paths.count <= 1500 ? 55 : paths.count <= 3000 ? 40 : 25
        data.pictures.small = sheets.add(
            facts.map { $0.thumbnails.first }, side: Self.smallSide, quality: quality)
        let more = sheets.add(
            facts.map { $0.thumbnails.count > 1 ? $0.thumbnails[1] : nil }, side: Self.largeSide, quality: 50)
        for (index, place) in more.enumerated() { data.pictures.large["\(index)"] = place }
        data.pictures.sheets = sheets.sheets
        data.pictures.bytes = facts.map(\.bytes)
        data.pictures.sha256 = facts.map(\.sha256)
        data.pictures.root = Self.sharedFolder(paths)
        let length = data.pictures.root.unicodeScalars.count
        data.pictures.paths = paths.map {
            String(String.UnicodeScalarView($0.unicodeScalars.dropFirst(length)))
        }
    }

    /// The beginning that all paths share, up to and with a slash.
    static func sharedFolder(_ paths: [String]) -> String {
        guard let first = paths.first else { return "" }
        var shared = Array(first.unicodeScalars)
        for path in paths.dropFirst() {
            let count = zip(shared, path.unicodeScalars).prefix { $0 == $1 }.count
            shared = Array(shared[..<count])
        }
        let end = shared.lastIndex(of: "/").map { $0 + 1 } ?? 0
        return String(String.UnicodeScalarView(shared[..<end]))
    }

    private static func units(_ score: Float) -> Int { Int((10_000 * score).rounded()) }

    private static func quoted(_ word: String) -> String {
        word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=".contains($0) }
            ? word
            : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
                + "'"
    }
}
