import Testing
import TransferLearning

@testable import cartoonctl

@Suite("Terminal output")
struct TerminalTests {
    @Test("a progress line never takes more columns than there are", arguments: [1, 3, 8, 24, 40, 80, 200])
    func width(_ width: Int) {
        for unit in ["bottlenecks", "pictures of the report", "MB"] {
            let text = ProgressText(unit: unit)
            for (done, total) in [
                (0, 2550), (1275, 2550), (2550, 2550), (7, nil), (123_456_789, 999_999_999),
            ] {
                let line = text.line(done: done, total: total, rate: 123.4, width: width)
                #expect(line.columns <= width && !line.contains("\n"))
                if width >= 24 { #expect(line.contains("\(done)")) }
            }
        }
    }

    @Test("what matters least is left out first: bar, speed, unit")
    func narrowing() {
        let text = ProgressText(unit: "bottlenecks")
        func line(_ width: Int) -> String { text.line(done: 100, total: 400, rate: 10, width: width) }
        #expect(line(80) == "██████░░░░░░░░░░░░░░░░░░ 100/400 bottlenecks  10.0/s  ETA 0:30")
        #expect(line(45) == "█░░░░░░ 100/400 bottlenecks  10.0/s  ETA 0:30")
        #expect(line(38) == "100/400 bottlenecks  10.0/s  ETA 0:30")
        #expect(line(24) == "█░░░░░ 100/400  ETA 0:30" && line(10) == "100/400")
        let unknown = text.line(done: 100, total: 400, rate: 0, width: 45)
        #expect(unknown == "██████░░░░░░░░░░░░░░░░░░ 100/400 bottlenecks")
        let waiting = text.line(done: 100, total: 400, rate: 10, waited: 4, width: 80)
        #expect(waiting.hasSuffix("ETA 0:26"))
        let hours = ProgressText(unit: "x").line(done: 0, total: 7325, rate: 1, width: 80, showsBar: false)
        #expect(hours.hasSuffix("ETA 2:02:05"))
    }

    @Test("the speed is that of the last seconds")
    func speed() {
        var speed = RecentSpeed()
        // A thousand cached at once, then ten a second.
        _ = speed.update(1000, at: 0.5)
        var rate = 0.0
        for tick in 1...60 { rate = speed.update(1000 + 5 * tick, at: 0.5 + 0.5 * Double(tick)) }
        #expect((9.5...10.5).contains(rate))
        // The same work anew.
        #expect(speed.update(2, at: 31) >= 0)
        #expect((1.9...2.1).contains(speed.update(4, at: 32)))
    }

    @Test("columns are counted as terminals do, and text is cut at whole characters")
    func columns() {
        #expect("abc".columns == 3 && "漫画".columns == 4 && "e\u{301}".columns == 1 && "😀".columns == 2)
        #expect("漫画漫画".fitted(5) == "漫画…" && "abcdef".fitted(4) == "abc…" && "abc".fitted(3) == "abc")
        #expect("abc".fitted(0).isEmpty && "漫".padded(4) == "漫  ")
    }

    @Test("the table of classes fits every width", arguments: [24, 40, 80, 200])
    func table(_ width: Int) {
        let classes =
            [
                ClassResult(label: "bart simpson", pictures: 850, tested: 85, correct: 82),
                ClassResult(label: String(repeating: "漫画", count: 40), pictures: 12, tested: 0, correct: 0),
                ClassResult(label: "b", pictures: 123_456, tested: 10, correct: 0),
            ] + (0..<40).map { ClassResult(label: "class \($0)", pictures: 10, tested: 4, correct: 4) }
        for count in [3, classes.count] {
            let lines = ClassTable(
                classes: Array(classes.prefix(count)), width: width, hasColors: false
            ).lines
            #expect(lines.allSatisfy { $0.columns <= width }, "\(lines)")
            #expect(lines.count == (count == 3 ? 4 : 22))
            #expect(lines.contains { $0.contains("0.0%") } && lines.contains { $0.contains("96.5%") })
            #expect(lines.contains { $0.contains("█") } == (width >= 80))
        }
        let colored = ClassTable(classes: classes, width: 80, hasColors: true).lines.joined()
        #expect(colored.contains("\u{1B}[31m") && colored.contains("\u{1B}[0m"))
    }
}
