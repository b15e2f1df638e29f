import ReportTemplate
import Synchronization
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
    private var plan: CurationPlan?
    private var evaluation: EvaluationReport?
    private var audit: AuditReport?

    /// The most pictures that get a thumbnail, and a larger one.
    private static let most = 6000, mostLarge = 120
    private static let smallSide = 64, largeSide = 144
    /// The qualities of the small thumbnails, and the bytes of a page for which a lower one is chosen; 3 MB are to be
    /// enough for some thousand pictures, and what a sample says of all may be wrong by some percent.
    private static let qualities = [55, 40, 34, 28, 23, 19, 15], mostBytes = 2_800_000

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
        if let plan { self.plan = plan }
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
                    picture: picture, other: other, path: picture == nil ? finding.path : nil,
                    reason: finding.reason,
                    suggestion: finding.suggestion.flatMap { indices[$0] })
            }
            data.findings.append(.init(kind: kind.rawValue, title: kind.title, items: items))
            prominent += items.prefix(20).flatMap { [$0.picture, $0.other].compactMap { $0 } }
        }
    }

    /// Gives the page's buttons a plan to fill where there was no audit.
    mutating func offerPlan(classes: [CurationPlan.Class], beside directory: FilePath) {
        plan = CurationPlan(classes: classes, setAside: CurationPlan.setAsideFolder(beside: directory))
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

    /// The most mistakes that get a heat map; the most confident ones come first.
    private static let mostMaps = 120

    /// Adds heat maps of a model's mistakes. Pictures that cannot be read are left out.
    ///
    /// - Throws: `.interrupted`, or errors of the receiver of events.
    mutating func explainMistakes(
        with explainer: Explainer, threads: Int, context: RunContext
    ) throws {
        guard let mistakes = evaluation?.mistakes.prefix(Self.mostMaps) else { return }
        try explain(Array(mistakes), with: explainer, threads: threads, of: mistakes.count, context)
    }

    /// Adds heat maps of a cross-validation's mistakes, each by the layer that made it.
    ///
    /// - Throws: `.interrupted`, or errors of the receiver of events.
    mutating func explainMistakes(
        by layers: HeldOutLayers, threads: Int, limits: PictureLimits, context: RunContext
    ) throws {
        guard let mistakes = evaluation?.mistakes.prefix(Self.mostMaps) else { return }
        let folds = Dictionary(grouping: mistakes) { layers.fold(of: $0.path) }
        var done = 0
        for (fold, members) in folds.sorted(by: { $0.key ?? -1 < $1.key ?? -1 }) {
            if context.isInterrupted() { throw Self.interrupted }
            guard let fold,
                let explainer = try? layers.explainer(fold: fold, limits: limits)
            else { continue }
            try explain(
                members, after: done, with: explainer, threads: threads, of: mistakes.count, context)
            done += members.count
        }
    }

    /// - Parameters:
    ///   - done: The number of maps that were drawn before.
    ///   - total: The number of maps in all.
    private mutating func explain(
        _ mistakes: [EvaluationReport.Mistake], after done: Int = 0, with explainer: Explainer, threads: Int,
        of total: Int, _ context: RunContext
    ) throws {
        let maps = Mutex([ReportData.HeatMap?](repeating: nil, count: mistakes.count))
        let finished = try ParallelWork.run(
            count: mistakes.count, threads: threads, isCancelled: context.isInterrupted,
            makeWorker: {
                { index in
                    let mistake = mistakes[index]
                    guard let bytes = try? FileSystem.read(FilePath(mistake.path)),
                        let explanation = try? explainer.explain(
                            bytes, label: mistake.predicted, against: mistake.label)
                    else { return }
                    let map = Self.map(explanation.grid)
                    maps.withLock { $0[index] = map }
                }
            },
            report: { try context.report(.drawing(done: done + $0, total: total)) })
        guard finished == mistakes.count else { throw Self.interrupted }
        for (mistake, map) in zip(mistakes, maps.withLock { $0 }) {
            if let place = places[mistake.path], let map { data.maps["\(place)"] = map }
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
        let page = PageTemplate.fill(
            UnsafeBufferPointer(start: report_page_bytes(), count: report_page_count()),
            with: [
                "TITLE": Array(PageTemplate.escaped(data.title.printable).utf8),
                "ADVICE": Array(PageTemplate.escaped(data.advice.first ?? "").utf8),
                "STYLE": Array(UnsafeBufferPointer(start: report_style_bytes(), count: report_style_count())),
                "SCRIPT": Array(
                    UnsafeBufferPointer(start: report_script_bytes(), count: report_script_count())),
                "DATA": Array(try json().utf8),
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
        try context.report(.phase("drawing the report"))
        data.pictures.bytes = facts.map(\.bytes)
        data.pictures.sha256 = facts.map(\.sha256)
        data.pictures.root = Self.sharedFolder(paths)
        let length = data.pictures.root.unicodeScalars.count
        data.pictures.paths = paths.map {
            String(String.UnicodeScalarView($0.unicodeScalars.dropFirst(length)))
        }
        data.plan = plan.map {
            ReportData.Plan($0, places: places, pictures: data.pictures, findings: data.findings)
        }

        var sheets = ContactSheets()
        let more = sheets.add(
            facts.map { $0.thumbnails.count > 1 ? $0.thumbnails[1] : nil }, side: Self.largeSide, quality: 50)
        for (index, place) in more.enumerated() { data.pictures.large["\(index)"] = place }
        // A place among the sheets takes some 15 bytes.
        let others = try json().utf8.count + sheets.bytes + 15 * paths.count
        let quality = ContactSheets.quality(
            of: facts.compactMap(\.thumbnails.first), side: Self.smallSide, among: Self.qualities,
            within: Self.mostBytes - others)
        data.pictures.small = sheets.add(
            facts.map { $0.thumbnails.first }, side: Self.smallSide, quality: quality)
        data.pictures.sheets = sheets.sheets
    }

    /// Returns the data as the page holds it: a tag inside a name would end the script that holds it.
    private func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(data), as: UTF8.self)
            .replacing("<", with: "\\u003c").escapingDisplayControlsInJSON
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
