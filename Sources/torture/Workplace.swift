import Foundation

/// A kind of adverse condition under which commands are tried.
protocol TrialKind {
    var name: String { get }
    /// Runs one trial.
    ///
    /// - Returns: Descriptions of the violations.
    func run(_ random: inout SplitMix64) throws -> [String]
}

/// A temporary folder with images and a trained model, and the outputs of each command without disturbance.
final class Workplace {
    /// A command and the names of its output files.
    struct Job {
        let arguments: [String]
        let outputs: [String]
        /// Whether it only ends by a signal.
        var isEndless = false
        /// The time in seconds that it takes without disturbance.
        var seconds = 0.0
    }

    struct Outcome {
        /// The exit code; 1000 plus the signal's number if a signal terminated the program, nil if it did not
        /// end in time and was killed.
        let status: Int32?
        let output, errors: Data
        let seconds: Double
        /// The time in seconds from `signal` to the end.
        var secondsAfterSignal = 0.0

        var lastLine: String {
            String(decoding: errors.suffix(300), as: UTF8.self).split(separator: "\n").last.map(String.init)
                ?? ""
        }
    }

    let folder: URL
    private let program: String
    private(set) var jobs: [Job] = []
    /// The contents of each output without disturbance.
    private(set) var references: [String: Data] = [:]

    init(_ settings: Settings) throws {
        program = settings.program
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("torture-\(UUID().uuidString)")
        let source = URL(fileURLWithPath: settings.pictures)
        let classes = try FileManager.default.contentsOfDirectory(atPath: source.path).sorted().prefix(2)
        for name in classes {
            let target = folder.appendingPathComponent("pictures/\(name)")
            try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
            for file in try FileManager.default.contentsOfDirectory(
                atPath: source.appendingPathComponent(name).path
            ).sorted().prefix(8) {
                try FileManager.default.copyItem(
                    at: source.appendingPathComponent("\(name)/\(file)"),
                    to: target.appendingPathComponent(file))
            }
        }
        try prepare()
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    private func prepare() throws {
        let candidates = [
            Job(
                arguments: [
                    "retrain", "--image_dir", "pictures", "--bottleneck_dir", "cache", "--output_graph",
                    "m.pb",
                    "--output_labels", "m.txt",
                ], outputs: ["m.pb", "m.txt"]),
            Job(
                arguments: [
                    "retrain", "--image_dir", "pictures", "--bottleneck_dir", "cache2", "--output_graph",
                    "n.pb",
                    "--output_labels", "n.txt", "--report", "n.html", "--how_many_training_steps", "300",
                ], outputs: ["n.pb", "n.txt"]),
            Job(arguments: ["classify", "pictures", "--graph", "m.pb", "--json"], outputs: []),
            Job(arguments: ["evaluate", "--graph", "m.pb", "--image_dir", "pictures"], outputs: []),
            Job(
                arguments: [
                    "evaluate", "--folds", "3", "--image_dir", "pictures", "--bottleneck_dir", "cache",
                ],
                outputs: []),
            Job(arguments: ["audit", "--image_dir", "pictures", "--bottleneck_dir", "cache"], outputs: []),
            Job(
                arguments: [
                    "bottlenecks", "export", "vectors", "--image_dir", "pictures", "--bottleneck_dir",
                    "cache",
                ], outputs: ["vectors/bottlenecks.npy"]),
            Job(arguments: ["inspect", "m.pb", "--json"], outputs: []),
            Job(arguments: ["optimize", "--input", "m.pb", "--output", "o.pb"], outputs: ["o.pb"]),
            Job(
                arguments: ["quantize", "--input", "m.pb", "--output", "q.pb", "--mode", "weights"],
                outputs: ["q.pb"]),
            Job(arguments: ["export", "m.pb", "--output", "m.onnx"], outputs: ["m.onnx"]),
            Job(
                arguments: ["export", "m.pb", "--format", "tflite", "--output", "m.tflite"],
                outputs: ["m.tflite"]),
            Job(arguments: ["package", "m.pb", "m.txt", "--output", "m.zip"], outputs: ["m.zip"]),
            Job(arguments: ["export", "m.pb", "--output", "m.html"], outputs: ["m.html"]),
            Job(
                arguments: ["export", "m.pb", "--format", "savedmodel", "--output", "saved"],
                outputs: ["saved/saved_model.pb"]),
            Job(
                arguments: [
                    "retrain", "--architecture", "m.onnx", "--image_dir", "pictures", "--bottleneck_dir",
                    "cache2",
                    "--output_graph", "x.onnx", "--output_labels", "x.txt",
                ], outputs: ["x.onnx", "x.txt"]),
            Job(
                arguments: [
                    "retrain", "--image_list", "list.tsv", "--bottleneck_dir", "cache", "--output_graph",
                    "l.pb",
                    "--output_labels", "l.txt", "--frames", "2",
                ], outputs: ["l.pb", "l.txt"]),
            Job(
                arguments: [
                    "bottlenecks", "export", "table", "--format", "csv", "--image_dir", "pictures",
                    "--bottleneck_dir", "cache",
                ], outputs: ["table/bottlenecks.csv"]),
            Job(
                arguments: [
                    "bottlenecks", "compute", "--image_dir", "pictures", "--bottleneck_dir", "cache2",
                    "--shard",
                    "1/2", "--flip_left_right",
                ], outputs: []),
            Job(arguments: ["classify", "pictures", "--graph", "m.pb", "--csv"], outputs: []),
            Job(arguments: ["classify", "pictures", "--graph", "m.pb", "--explain", "maps"], outputs: []),
            Job(
                arguments: ["classify", "pictures", "--graph", "m.pb", "--sort_into", "sorted", "--copy"],
                outputs: []),
            Job(
                arguments: ["classify", "--watch", "pictures", "--graph", "m.pb", "--json"], outputs: [],
                isEndless: true),
        ]
        try write("list.tsv", Data(imageList.utf8))
        // In a folder of their own: beside a network they would describe it to the commands that read it.
        for name in ["net.json", "config.json", "preprocessor_config.json"] {
            references["descriptions/\(name)"] = Data(Self.descriptions[name]!.utf8)
        }
        for job in candidates {
            var job = job
            let outcome = try run(job.arguments, signal: job.isEndless ? (SIGINT, 2) : nil, limit: 300)
            guard outcome.status == (job.isEndless ? 130 : 0) else {
                throw Failure(
                    "\(job.arguments.joined(separator: " ")) gave \(outcome.status.map(String.init) ?? "no end"): \(outcome.lastLine)"
                )
            }
            job.seconds = outcome.seconds
            for name in job.outputs { references[name] = try Data(contentsOf: url(name)) }
            jobs.append(job)
        }
        references["m.pb.manifest.json"] = try Data(contentsOf: url("m.pb.manifest.json"))
        references["list.tsv"] = Data(imageList.utf8)
    }

    /// The images with their labels, as `--image_list` takes them.
    private var imageList: String {
        let names =
            FileManager.default.enumerator(atPath: url("pictures").path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.contains("/") }.sorted().map { name in
            "pictures/\(name)\t\(name.split(separator: "/")[0])\n"
        }.joined()
    }

    /// Descriptions of the trained model's network, in this program's form, timm's and Hugging Face's.
    private static let descriptions = [
        "net.json": """
        {"name": "net", "input": "input", "height": 224, "width": 224, "mean": [127, 127, 127],
         "scale": [0.0078125, 0.0078125, 0.0078125], "resize": "antialiased",
         "taps": [{"tensor": "features"}, {"tensor": "block_12/depthwise/Relu6", "reduction": "mean"}]}
        """,
        "config.json": """
        {"architecture": "net", "num_classes": 1000, "pretrained_cfg": {"input_size": [3, 224, 224],
         "interpolation": "bicubic", "crop_pct": 0.875, "crop_mode": "center",
         "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}
        """,
        "preprocessor_config.json": """
        {"do_resize": true, "size": {"shortest_edge": 256}, "resample": 3, "do_center_crop": true,
         "crop_size": {"height": 224, "width": 224}, "do_rescale": true, "rescale_factor": 0.00392156862745098,
         "do_normalize": true, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
        """,
    ]

    /// Writes a file and the folders that lead to it.
    func write(_ path: String, _ contents: Data) throws {
        try FileManager.default.createDirectory(
            at: url(path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try contents.write(to: url(path))
    }

    func url(_ path: String) -> URL { folder.appendingPathComponent(path) }

    /// Removes a command's outputs, and the cache if the command fills it.
    func clear(_ job: Job) {
        for name in job.outputs { try? FileManager.default.removeItem(at: url(name)) }
        if job.arguments.contains("cache2") { try? FileManager.default.removeItem(at: url("cache2")) }
    }

    /// Restores the files that commands read from each other.
    func restore() throws {
        for (name, contents) in references where (try? Data(contentsOf: url(name))) != contents {
            try write(name, contents)
        }
    }

    /// Returns the violations after a command: outputs that are neither absent nor complete, and temporary
    /// files.
    func violations(after job: Job, mayBeAbsent: Bool) -> [String] {
        var found: [String] = []
        for name in job.outputs {
            guard let contents = try? Data(contentsOf: url(name)) else {
                if !mayBeAbsent { found.append("\(name) is missing") }
                continue
            }
            if contents != references[name] {
                found.append("\(name) is not what it is when nobody disturbs: \(contents.count) bytes")
            }
        }
        return found + litter()
    }

    func litter() -> [String] {
        let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        let partial = names.filter { $0.hasSuffix(".partial") }
        for name in partial { try? FileManager.default.removeItem(at: url(name)) }
        return partial.map { "left behind: \($0)" }
    }

    /// Runs the program in the folder.
    ///
    /// - Parameters:
    ///   - arguments: The arguments.
    ///   - redirection: Redirections in shell syntax, such as `2>&-`.
    ///   - signal: A signal and the time in seconds after which it is sent.
    ///   - limit: The time in seconds after which the program is killed.
    func run(
        _ arguments: [String], redirection: String = "", signal: (number: Int32, after: Double)? = nil,
        limit: Double = 60
    ) throws -> Outcome {
        try run(
            script: "exec \"$0\" \"$@\" \(redirection)", arguments, signal: signal, limit: limit)
    }

    /// Runs a script of the shell in the folder, in which `$0` is the program.
    func run(
        script: String, _ arguments: [String] = [], signal: (number: Int32, after: Double)? = nil,
        limit: Double = 60
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script, program] + arguments
        process.currentDirectoryURL = folder
        process.environment = ["HOME": folder.path, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
        process.standardInput = FileHandle.nullDevice
        let streams = ["stdout", "stderr"].map {
            folder.deletingLastPathComponent().appendingPathComponent("\(folder.lastPathComponent).\($0)")
        }
        defer { for stream in streams { try? FileManager.default.removeItem(at: stream) } }
        for stream in streams { try Data().write(to: stream) }
        process.standardOutput = try FileHandle(forWritingTo: streams[0])
        process.standardError = try FileHandle(forWritingTo: streams[1])
        let start = Date.now
        try process.run()
        var signalled: Date?
        if let signal {
            Thread.sleep(forTimeInterval: signal.after)
            if process.isRunning {
                kill(process.processIdentifier, signal.number)
                signalled = .now
            }
        }
        while process.isRunning, Date.now.timeIntervalSince(start) < limit { usleep(2000) }
        let hangs = process.isRunning
        // Foundation makes each process the leader of a group and waits for all that hold its descriptors.
        if hangs { kill(-process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        let status =
            process.terminationReason == .exit ? process.terminationStatus : 1000 + process.terminationStatus
        return Outcome(
            status: hangs ? nil : status, output: try Data(contentsOf: streams[0]),
            errors: try Data(contentsOf: streams[1]), seconds: Date.now.timeIntervalSince(start),
            secondsAfterSignal: signalled.map { Date.now.timeIntervalSince($0) } ?? 0)
    }
}

/// An error that prevents the tool from continuing.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Returns whether an exit code is documented.
func isDocumented(_ status: Int32) -> Bool {
    switch status {
    case 0, 1, 2, 10...16, 20...28, 30...33, 40, 41: true
    default: false
    }
}
