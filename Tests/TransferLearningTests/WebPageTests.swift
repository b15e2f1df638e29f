import Compression
import Foundation
import Inference
import PortableProgram
import SystemFiles
import TensorGraph
import TestSupport
import Testing
import WebPage

@testable import Backbones
@testable import Imaging
@testable import TransferLearning

@Suite("Export as a page")
struct WebPageTests {
    static let size = 12
    static let labels = ["</script><b>bold", "second & last"]
    static let preparation = (mean: Float(127), scale: Float(1) / 64)

    static let backbone = BackboneDescription(
        name: "small", input: "input", size: size, mean: preparation.mean, scale: preparation.scale,
        taps: [.init("features")])

    /// A model of one convolution, with a rule for strangers and labels that look like HTML.
    static func model(
        _ convolution: [String: Attribute] = [:], backbone: BackboneDescription = backbone
    ) throws -> Graph {
        func numbers(_ count: Int, seed: UInt64) -> [Float] {
            noise(count, seed: seed).map { (Float($0) - 127.5) / 512 }
        }
        var about = ModelDescription(
            tool: "test", labels: labels, output: "final_result", bottleneck: "features", backbone: backbone,
            seed: 1)
        about.noveltyQuantiles = (0...100).map { Float($0) / 20 }
        let window: [String: Attribute] = [
            "strides": .ints([1, 2, 2, 1]), "padding": .bytes(Array("SAME".utf8)),
        ]
        return Graph(nodes: [
            Node("Placeholder", name: "input", attributes: ["dtype": .type(.float32)]),
            .constant("w", Tensor(numbers(3 * 3 * 3 * 20, seed: 1), shape: [3, 3, 3, 20])),
            Node(
                "Conv2D", name: "c", inputs: ["input", "w"],
                attributes: window.merging(convolution) { $1 }),
            Node("Relu", name: "r", inputs: ["c"]),
            .constant("axes", Tensor([Int32(1), 2], shape: [2])),
            Node("Mean", name: "features", inputs: ["r", "axes"]),
            .constant("v", Tensor(numbers(40, seed: 2).map { $0 * 8 }, shape: [20, 2])),
            Node("MatMul", name: "m", inputs: ["features", "v"]),
            Node("Softmax", name: "final_result", inputs: ["m"]),
            .constant("cartoonctl/novelty/means", Tensor([Double](repeating: 0.2, count: 20), shape: [20])),
            .constant("cartoonctl/novelty/scales", Tensor([Double](repeating: 3, count: 20), shape: [20])),
            .constant("cartoonctl/description", Tensor(string: Array(try about.json().utf8))),
        ])
    }

    /// The page of a model.
    static func page(_ model: Graph, _ change: (inout ExportOptions) -> Void = { _ in }) throws -> String {
        let scratch = try Scratch(), file = scratch.path.appending("model.pb")
        _ = try model.write(to: file, flag: "output")
        var options = ExportOptions(output: scratch.path.appending("page.html"), format: .html)
        options.input = file
        change(&options)
        let result = try Exporting(options).run()
        let bytes = try FileSystem.read(options.output)
        #expect(result.bytesAfter == bytes.count && result.format == "html")
        return String(decoding: bytes, as: UTF8.self)
    }

    static func part(_ name: String, of page: String) throws -> String {
        let begin = try #require(page.range(of: "id=\"\(name)\">")).upperBound
        return String(page[begin...].prefix(while: { $0 != "<" }))
    }

    static func unpacked(_ name: String, of page: String) throws -> [UInt8] {
        try Inflate.decompress(decoded(Array(try part(name, of: page).utf8)), .zlib)
    }

    /// Decodes the text of a script element as the page does.
    static func decoded(_ text: [UInt8]) -> [UInt8] {
        var bits: [Bool] = []
        for index in stride(from: 0, to: text.count, by: 2) {
            let digits = text[index..<min(index + 2, text.count)].map { Int($0) - ($0 > 60 ? 36 : 35) }
            let number = digits.reduce(0) { 91 * $0 + $1 }
            bits += (0..<(digits.count == 2 ? 13 : 6)).map { number >> $0 & 1 == 1 }
        }
        return (0..<bits.count / 8).map { byte in
            (0..<8).reduce(UInt8(0)) { $0 | (bits[8 * byte + $1] ? 1 << $1 : 0) }
        }
    }

    @Test("bytes of any number come back from the text of a page, which cannot end its element")
    func encoding() {
        for count in 0...40 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 255 * ($0 % 3)) }
            let text = PageText.encode(bytes)
            #expect(Self.decoded(text) == bytes, "\(count)")
            #expect(text.allSatisfy { (0x23...0x7E).contains($0) && $0 != UInt8(ascii: "<") })
            #expect(text.count <= (count * 16 + 12) / 13 + 1)
        }
    }

    /// The fingerprint of what the module answers, computed by the same program natively.
    static func fingerprint(_ program: [UInt8], _ pixels: [UInt8], width: Int, height: Int) throws -> UInt32 {
        try answers(program, pixels, width: width, height: height).reduce(2_166_136_261) {
            ($0 ^ $1.bitPattern) &* 16_777_619
        }
    }

    /// The scores and the familiarity that a program computes from RGBA pixels, which are resized first.
    static func answers(
        _ program: [UInt8], _ pixels: [UInt8], width: Int, height: Int, mean: Float = preparation.mean,
        scale: Float = preparation.scale
    ) throws -> [Float] {
        try program.withUnsafeBytes { bytes in
            let program = try #require(Program(bytes))
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: 4 * program.blockSize, alignment: 64)
            defer { memory.deallocate() }
            let block = memory.bindMemory(to: Float.self).baseAddress!
            block.update(repeating: 0, count: program.blockSize)
            program.load(into: block)
            var resizer = InputResizer(
                output: block + Int(program.header.input.offset), width: size, height: size,
                mean: mean, scale: scale)
            try resizer.begin(
                ImageHeader(format: .empty, width: width, height: height, channels: 4, orientation: 1))
            pixels.withUnsafeBufferPointer { pixels in
                for y in 0..<height { resizer.append(row: pixels.baseAddress! + y * width * 4) }
            }
            program.run(in: block)
            let scores = block + Int(program.header.scores.offset)
            let familiarity = block[Int(program.header.familiarity.offset) + 1]
            return [scores[0], scores[1], familiarity]
        }
    }

    @Test("scales each channel in its own way")
    func channelScaling() throws {
        let (width, height) = (17, 13)
        let pixels = noise(width * height * 4, seed: 3).map { UInt8(truncatingIfNeeded: Int($0)) }
        let (mean, scale) = Self.preparation
        var own = Self.backbone
        own.setScaling(.init([mean, mean, mean]), .init([scale, scale, scale]))
        let page = try Self.page(try Self.model(backbone: own))
        let scaled = try Self.answers(
            Self.unpacked("model", of: page), pixels, width: width, height: height, mean: 0, scale: 1)
        let plain = try Self.answers(
            Self.unpacked("model", of: Self.page(try Self.model())), pixels, width: width, height: height)
        #expect(zip(scaled, plain).allSatisfy { abs($0 - $1) < 1e-5 }, "\(scaled) \(plain)")
        #expect(try Self.part("facts", of: page).contains("\"mean\":[127,127,127]"))

        own.setScaling(.init([mean, 0, mean]), .init([scale, scale, scale * 2]))
        let other = try Self.answers(
            Self.unpacked("model", of: Self.page(try Self.model(backbone: own))), pixels, width: width,
            height: height, mean: 0, scale: 1)
        #expect(zip(other, plain).contains { abs($0 - $1) > 1e-3 }, "\(other) \(plain)")
    }

    @Test("is one file that asks for no other, and in which labels and titles are text")
    func text() throws {
        let page = try Self.page(try Self.model()) { $0.title = "<i>Which & what</i>" }
        #expect(page.contains("<title>&lt;i&gt;Which &amp; what&lt;/i&gt;</title>"))
        // The bytes may spell anything but a tag.
        let code = try ["engine", "relaxedEngine", "model"].reduce(page) {
            $0.replacing(try Self.part($1, of: page), with: "")
        }
        #expect(!page.contains("<b>bold") && !code.contains("{{"))
        let facts = try part("facts", of: page)
        let read = try #require(try JSONSerialization.jsonObject(with: Data(facts.utf8)) as? [String: Any])
        #expect(read["labels"] as? [String] == Self.labels)
        for reference in ["://", "src=\"", "url(", "@import", "fetch(", "XMLHttpRequest"] {
            #expect(!code.contains(reference), "\(reference)")
        }
        #expect(page.contains("default-src 'none'"))
        // Every element that the script asks for is there, and every word in both languages.
        for match in code.matches(of: /\$\("(\w+)"\)/) { #expect(page.contains("id=\"\(match.1)\"")) }
        for match in code.matches(of: /\btext\.(\w+)|data-text="(\w+)"/) {
            let word = match.1 ?? match.2 ?? ""
            let uses = code.matches(of: try Regex("\\b\(word): [\"(]")).count
            #expect(uses >= 2, "\(word)")
        }
    }

    private func part(_ name: String, of page: String) throws -> String { try Self.part(name, of: page) }

    @Test("holds the model, whose scores are those of classify's plan", arguments: ["float", "int8"])
    func program(weights: String) throws {
        let model = try Self.model()
        let page = try Self.page(model) { $0.weights = .init(rawValue: weights)! }
        let bytes = try Self.unpacked("model", of: page)
        let pixels = noise(Self.size * Self.size * 3).map { (Float($0) - 127) / 64 }
        let plan = Executor(
            try Plan(model, Self.backbone, outputs: ["final_result"], path: "model.pb"))
        plan.input.update(from: pixels, count: pixels.count)
        plan.run()
        let worst = try bytes.withUnsafeBytes { bytes in
            let program = try #require(Program(bytes))
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: 4 * program.blockSize, alignment: 64)
            defer { memory.deallocate() }
            let block = memory.bindMemory(to: Float.self).baseAddress!
            block.update(repeating: 0, count: program.blockSize)
            program.load(into: block)
            (block + Int(program.header.input.offset)).update(from: pixels, count: pixels.count)
            program.run(in: block)
            let scores = block + Int(program.header.scores.offset)
            return (0..<2).map { abs(scores[$0] - plan.output(0)[$0]) }.max() ?? 1
        }
        #expect(worst < (weights == "float" ? 1e-5 : 0.02))
    }

    @Test("tells what cannot be written, and what can")
    func errors() throws {
        let scratch = try Scratch(), file = scratch.path.appending("model.pb")
        var graph = try Self.model()
        let index = try #require(graph.nodes.firstIndex { $0.name == "r" })
        graph.nodes[index] = Node(
            "LRN", name: "r", inputs: ["c"],
            attributes: ["depth_radius": .int(2), "bias": .float(1), "alpha": .float(1), "beta": .float(0.5)])
        _ = try graph.write(to: file, flag: "output")
        var options = ExportOptions(output: scratch.path.appending("page.html"), format: .html)
        options.input = file
        do {
            _ = try Exporting(options).run()
            Issue.record("is written")
        } catch .network(.unsupported(_, let reason)) {
            #expect(
                reason
                    == "node 'r' (LRN with beta 0.5) cannot be written as html; formats that can: onnx, tflite, savedmodel"
            )
        } catch { Issue.record("\(error)") }
        options.normalizes = true
        #expect(throws: TransferLearningError.self) { try Exporting(options).run() }
        #expect(scratch.names == ["model.pb"])
    }

    /// What runs modules: the toolchain's interpreter, which knows no SIMD, and Node.js where it is installed.
    enum Machine: String, CaseIterable {
        case wasmkit, node

        var path: String? {
            let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            // The toolchain may be reached by a link to its compiler alone.
            let places = folders.flatMap { ["\($0)/\(rawValue)", "\($0)/swift"] }.map { path in
                let file = URL(fileURLWithPath: path).resolvingSymlinksInPath()
                return file.deletingLastPathComponent().appendingPathComponent(rawValue).path
            }
            return places.first { FileManager.default.isExecutableFile(atPath: $0) }
        }

        /// The arguments that call a function of a module with 32-bit numbers and print its result.
        func arguments(_ module: String, _ function: String, _ numbers: [Int]) -> [String] {
            switch self {
            case .wasmkit: return ["run", module, function] + numbers.map { "i32:\($0)" }
            case .node:
                let script = """
                    const [file, name, ...numbers] = process.argv.slice(1);
                    WebAssembly.instantiate(require("fs").readFileSync(file), {}).then(({ instance }) =>
                        console.log(`i32(${instance.exports[name](...numbers.map(Number)) >>> 0})`));
                    """
                return ["-e", script, module, function] + numbers.map { "\($0)" }
            }
        }

        var module: [UInt8] {
            get throws {
                switch self {
                case .wasmkit:
                    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                    return [UInt8](try Data(contentsOf: file.appendingPathComponent("engine-scalar.wasm")))
                case .node:
                    return Array(
                        UnsafeBufferPointer(start: web_engine_bytes(), count: web_engine_count()))
                }
            }
        }
    }

    @Test(
        "has an engine that gives the same bits in WebAssembly",
        arguments: Machine.allCases.filter { $0.path != nil },
        [(width: 12, height: 12), (width: 31, height: 17)])
    func engine(_ machine: Machine, _ size: (width: Int, height: Int)) throws {
        let page = try Self.page(try Self.model())
        let program = try Self.unpacked("model", of: page)
        #expect(
            try Self.unpacked("engine", of: page).elementsEqual(
                UnsafeBufferPointer(start: web_engine_bytes(), count: web_engine_count())))
        let pixels = noise(size.width * size.height * 4, seed: 9)
        let expected = try Self.fingerprint(program, pixels, width: size.width, height: size.height)

        var module = try #require(WebAssemblyModule(try machine.module))
        let appended = module.append(data: program + pixels)
        let place = try #require(appended)
        let scratch = try Scratch(), file = scratch.url.appendingPathComponent("engine.wasm")
        try Data(module.bytes).write(to: file)
        let process = Process(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: try #require(machine.path))
        process.arguments = machine.arguments(
            file.path, "engine_fingerprint",
            [place, program.count, place + program.count, size.width, size.height])
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text.contains("i32(\(expected))"), "\(text), natively \(expected)")
    }

    /// What the page's worker does, with an engine, a program and pixels in files; prints the scores. Node.js before
    /// version 21 knows relaxed SIMD by a flag alone.
    static let scoresScript = """
        require("v8").setFlagsFromString("--experimental-wasm-relaxed-simd");
        const fs = require("fs"), [engine, program, pixels, width, height] = process.argv.slice(1);
        const code = fs.readFileSync(engine);
        if (!WebAssembly.validate(code)) { console.log("[]"); process.exit(); }
        WebAssembly.instantiate(code, {}).then(({ instance: { exports: e } }) => {
            const give = (bytes, place) => { new Uint8Array(e.memory.buffer, place, bytes.length).set(bytes); return place; };
            const model = fs.readFileSync(program);
            e.engine_open(give(model, e.engine_allocate(model.length)), model.length);
            give(fs.readFileSync(pixels), e.engine_picture(+width, +height));
            const scores = e.engine_run(+width, +height);
            console.log(JSON.stringify([...new Float32Array(e.memory.buffer, scores, e.engine_labels())]));
        });
        """

    @Test(
        "has an engine of relaxed SIMD that differs in the last bits",
        .enabled(if: Machine.node.path != nil, "no Node.js here"), arguments: ["float", "int8"])
    func relaxedEngine(weights: String) throws {
        let page = try Self.page(try Self.model()) { $0.weights = .init(rawValue: weights)! }
        let scratch = try Scratch(), (width, height) = (31, 17)
        func scores(_ engine: String) throws -> [Float] {
            let parts = [
                "engine": try Self.unpacked(engine, of: page), "model": try Self.unpacked("model", of: page),
                "pixels": noise(width * height * 4, seed: 9),
            ]
            for (name, bytes) in parts {
                try Data(bytes).write(to: scratch.url.appendingPathComponent(name))
            }
            let process = Process(), output = Pipe()
            process.executableURL = URL(fileURLWithPath: try #require(Machine.node.path))
            process.currentDirectoryURL = scratch.url
            process.arguments =
                ["-e", Self.scoresScript, "engine", "model", "pixels", "\(width)", "\(height)"]
            process.standardOutput = output
            try process.run()
            let text = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return try JSONDecoder().decode([Float].self, from: text)
        }
        let plain = try scores("engine"), relaxed = try scores("relaxedEngine")
        #expect(plain.count == 2)
        // Versions of Node.js without relaxed SIMD give none.
        #expect(zip(plain, relaxed).allSatisfy { abs($0 - $1) < 1e-5 })
        let isRelaxed = try Self.unpacked("relaxedEngine", of: page)
        #expect(isRelaxed.indices.dropLast(2).contains { isRelaxed[$0...].starts(with: [0xFD, 0x85, 0x02]) })
    }
}
