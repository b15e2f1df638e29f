import Foundation
import TestSupport
import Testing

@testable import cartoonctl

/// The flags of retrain.py and label_image, and flags that have no effect.
@Suite("Flags of the tools before", .tags(.endToEnd))
struct InheritedFlagTests {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    private func run(_ line: String) throws -> Workbench.Outcome {
        try bench.run("cartoonctl", line.split(separator: " ").map(String.init))
    }

    private static let training =
        "retrain --image_dir pictures --architecture tiny.pb --bottleneck_dir cache --output_labels m.txt"

    private func makePictures() throws {
        try bench.makeClass("pictures/moss", from: "moss_the_dragon", count: 5)
        try bench.makeClass("pictures/pip", from: "pip_the_robot", count: 5)
        try bench.writeTinyNetwork("tiny")
    }

    @Test("retrain.py's do what they say, or one line tells why not")
    func retrain() throws {
        try makePictures()
        let outcome = try run(
            "\(Self.training) --output_graph m.pb --flip_left_right True --variants 1 --saved_model_dir saved/1 --logging_verbosity INFO"
        )
        #expect(outcome.status == 0 && outcome.output.contains("saved/1"), "\(outcome.errors)")
        #expect(!outcome.errors.contains("no effect"), "\(outcome.errors)")
        #expect(try bench.names(in: "saved/1").contains("saved_model.pb"))
        let plain = try run("\(Self.training) --output_graph n.pb --flip_left_right False")
        #expect(plain.status == 0, "\(plain.errors)")
        #expect(try bench.data("m.pb") != bench.data("n.pb"))

        let again = try run("\(Self.training) --output_graph o.pb --saved_model_dir saved/1")
        #expect(again.status == 2 && again.errors.contains("exists already") && !bench.exists("o.pb"))
        let quiet = try run(
            "\(Self.training) --output_graph n.pb --logging_verbosity ERROR --checkpoint_path c")
        #expect(quiet.status == 0, "\(quiet.errors)")
        #expect(try run("\(Self.training) --logging_verbosity LOUD").status == 2)
        let url = try run("retrain --image_dir pictures --tfhub_module https://tfhub.dev/google/x/1")
        #expect(url.status == 2 && url.errors.contains("not downloaded"), "\(url.errors)")
        let folder = try run("retrain --image_dir pictures --bottleneck_dir cache --tfhub_module saved/2")
        #expect(folder.status == 20 && folder.errors.contains("saved/2"), "\(folder.errors)")
        let both = try run("\(Self.training) --tfhub_module saved/1")
        #expect(both.status == 2, "\(both.errors)")
    }

    @Test("label_image's replace what a model says of itself")
    func labelImage() throws {
        try makePictures()
        try #require(run("\(Self.training) --output_graph m.pb --quiet").status == 0)
        let picture = "pictures/moss/\(try bench.names(in: "pictures/moss")[0])"
        let usual = try run("classify \(picture) --graph m.pb")
        let told = try run(
            "classify --image \(picture) --graph m.pb --labels m.txt --input_layer input:0 --output_layer final_result:0 --input_height 32 --input_width 32 --input_mean 128 --input_std 128 --num_top_predictions 5"
        )
        #expect(usual.status == 0 && told.status == 0, "\(told.errors)")
        #expect(usual.output == told.output)
        let other = try run(
            "classify \(picture) --graph m.pb --input_mean 0 --input_std 255 --unknown_threshold 0")
        #expect(other.status == 0 && other.output != usual.output, "\(other.errors)")
        let larger = try run(
            "classify \(picture) --graph m.pb --input_height 48 --input_width 40 --unknown_threshold 0")
        #expect(larger.status == 0 && larger.output != usual.output, "\(larger.errors)")
        let one = try run("classify \(picture) --graph m.pb --num_top_predictions 1")
        #expect(one.output.split(separator: "\n").count == usual.output.split(separator: "\n").count - 1)
        // The bytes of the file, which the first label_image fed.
        #expect(
            try run("classify \(picture) --graph m.pb --input_layer DecodeJpeg/contents:0").output
                == usual.output)
        let absent = try run("classify \(picture) --graph m.pb --output_layer softmax")
        #expect(absent.status == 24 && absent.errors.contains("softmax"), "\(absent.errors)")
        #expect(try run("classify \(picture) --graph m.pb --input_mean 0").status == 2)
    }

    @Test(
        "label_image's are enough for a graph that retrain.py made",
        .tags(.oracle), .enabled(if: SharedData.isPresent, SharedData.absence))
    func genuine() throws {
        try bench.makeClass("pictures", from: "moss_the_dragon", count: 1)
        let folder = "models/mobilenet_v1_025"
        try bench.write("r.pb", SharedData.data("\(folder)/retrained.pb"))
        try bench.write("l.txt", SharedData.data("\(folder)/retrained.txt"))
        let usual = try run("classify pictures --graph r.pb --labels l.txt")
        let told = try run(
            "classify pictures --graph r.pb --labels l.txt --input_layer input --output_layer final_result --input_height 224 --input_width 224 --input_mean 127.5 --input_std 127.5"
        )
        #expect(usual.status == 0 && told.status == 0, "\(told.errors)")
        #expect(usual.output == told.output && !told.errors.contains("does not say"), "\(told.errors)")
    }

    @Test(
        "flags without effect in the chosen mode are named",
        arguments: [
            ("retrain --train_batch_size 10", "--train_batch_size"),
            ("retrain --train_batch_size 10 --learning_rate 0.1", nil),
            ("retrain --variants 2", "--variants"), ("retrain --variants 2 --random_crop 5", nil),
            ("retrain --intermediate_output_graphs_dir d", "--intermediate_output_graphs_dir"),
            ("retrain --checkpoint_path c", "--checkpoint_path"),
            ("retrain --frames 3", "--frames"), ("retrain --image_dir d --frames 3", nil),
            ("retrain --image_dir d --model_dir m --architecture net.onnx", "--model_dir"),
            ("retrain --image_dir d --model_dir m", nil),
            ("evaluate --image_dir d --taps x", "--taps"), ("evaluate --image_dir d --folds 3 --taps x", nil),
            ("evaluate --image_dir d --folds 3 --labels l", "--labels"),
            ("evaluate --image_dir d --json --worst 3", "--worst"),
            ("classify p.jpg --copy", "--copy"), ("classify p.jpg --copy --sort_into d", nil),
            ("audit --image_dir d --json --limit 3", "--limit"),
            ("bottlenecks compute --image_dir d --format csv", "--format"),
            ("bottlenecks export v --shard 1/2", "--shard"),
            ("quantize --bitdepth 4", "--bitdepth"), ("quantize --mode weights_rounded --bitdepth 4", nil),
            ("quantize --mode weights --bits 4", "--bits"),
            ("quantize --max_accuracy_drop 1", "--max_accuracy_drop"),
            ("quantize --noquiet --mode compact --keep_layer=false", nil),
            ("inspect m.pb --threads 2", "--threads"),
        ])
    func noEffect(line: String, flag: String?) throws {
        let words = line.split(separator: " ").map(String.init)
        let verb = try #require(Program.verbs.first { $0.name == words[0] })
        let arguments = try Arguments(parsing: Array(words.dropFirst()), for: verb, among: Program.verbs)
        let complaints = FlagCondition.complaints(about: arguments, of: verb.name)
        #expect(complaints.map { String($0.prefix { $0 != " " }) } == [flag].compactMap { $0 })
    }

    @Test("every flag with a condition is one of its verb's")
    func conditions() {
        for condition in FlagCondition.all {
            let names = Program.verbs.first { $0.name == condition.verb }?.options.map(\.name) ?? []
            #expect(condition.flags.contains { names.contains($0) }, "\(condition.verb) \(condition.flags)")
        }
    }
}
