import SystemFiles

/// A condition without which some flags of a verb have no effect.
struct FlagCondition: Sendable {
    let verb: String
    let flags: [String]
    /// The condition, as it completes "has no effect without".
    let need: String
    let isMet: @Sendable (Arguments) -> Bool

    private init(
        _ verb: String, _ flags: [String], without need: String,
        unless isMet: @escaping @Sendable (Arguments) -> Bool
    ) {
        (self.verb, self.flags, self.need, self.isMet) = (verb, flags, need, isMet)
    }

    /// Flags that count only beside one of some others.
    private init(_ verb: String, _ flags: [String], withAny others: [String]) {
        self.init(verb, flags, without: others.map { "--" + $0 }.joined(separator: " or ")) { arguments in
            others.contains { arguments.string($0) != nil }
        }
    }

    /// Flags that count only where another flag has a certain value.
    private init(_ verb: String, _ flags: [String], with flag: String, _ value: String, usual: String) {
        self.init(verb, flags, without: "--\(flag) \(value)") { arguments in
            (arguments.string(flag) ?? usual) == value
        }
    }

    /// Returns a line for each flag that was given and has no effect.
    static func complaints(about arguments: Arguments, of verb: String) -> [String] {
        var named: Set<String> = []
        return all.filter { $0.verb == verb && !$0.isMet(arguments) }.flatMap { condition in
            condition.flags.filter { flag in
                arguments.string(flag).map { $0 != "false" } == true && named.insert(flag).inserted
            }.map { "--\($0) has no effect without \(condition.need)" }
        }
    }

    static let all = retrain + evaluate + classify + audit + bottlenecks + deployment

    private static let pictureFlags = ["labels_as", "frames", "max_pixels", "max_bytes", "strict"]
    private static let networkFlags = [
        "architecture", "taps", "jpeg", "resize", "model_dir", "model_url", "model_sha256",
    ]
    private static let distortions = ["flip_left_right", "random_crop", "random_scale", "random_brightness"]

    /// The conditions of the flags that tell where bottlenecks come from.
    private static func sources(_ verb: String) -> [FlagCondition] {
        [
            FlagCondition(verb, pictureFlags, withAny: ["image_dir", "image_list"]),
            FlagCondition(verb, ["model_sha256"], withAny: ["model_url"]),
            FlagCondition(verb, ["model_url"], withAny: ["model_dir"]),
            FlagCondition(verb, ["model_dir"], without: "an --architecture that is downloaded") { arguments in
                let name = arguments.string("architecture") ?? "inception_v3"
                return name != "efficientnet_lite0" && !name.contains("/") && !name.hasSuffix(".pb")
                    && !name.hasSuffix(".onnx")
            },
        ]
    }

    private static let retrain =
        sources("retrain") + [
            FlagCondition(
                "retrain",
                [
                    "train_batch_size", "validation_batch_size", "eval_step_interval",
                    "intermediate_store_frequency",
                ], withAny: ["how_many_training_steps", "learning_rate"]),
            FlagCondition(
                "retrain", ["intermediate_output_graphs_dir"], withAny: ["intermediate_store_frequency"]),
            FlagCondition("retrain", ["variants"], withAny: distortions),
            FlagCondition("retrain", ["checkpoint_path"], without: "checkpoints: --resume goes on instead") {
                _ in
                false
            },
        ]

    private static let evaluate =
        sources("evaluate") + [
            FlagCondition(
                "evaluate",
                [
                    "split_key", "seed", "frames", "memory", "architecture", "taps", "jpeg", "resize",
                    "model_url",
                    "model_sha256",
                ],
                withAny: ["folds"]),
            FlagCondition(
                "evaluate", ["labels"], without: "a model that is asked; --folds trains its own layer"
            ) { $0.string("folds") == nil },
            FlagCondition(
                "evaluate", ["architecture", "model_dir", "model_url", "model_sha256"],
                without: "--folds alone: the network inside --graph is taken"
            ) { $0.string("folds") == nil || $0.string("graph") == nil },
            FlagCondition("evaluate", ["worst"], without: "the report as text: --json lists all mistakes") {
                $0.string("json") == nil
            },
        ]

    private static let classify = [
        FlagCondition("classify", ["copy"], withAny: ["sort_into"])
    ]

    private static let audit =
        sources("audit") + [
            FlagCondition(
                "audit", ["limit"], without: "the report as text: --json and --list show everything"
            ) {
                $0.string("json") == nil && $0.string("list") == nil
            }
        ]

    private static let bottlenecks = [
        FlagCondition("bottlenecks", ["format"], without: "'bottlenecks export'") {
            $0.files.first == "export"
        },
        FlagCondition("bottlenecks", ["shard", "variants"] + distortions, without: "'bottlenecks compute'") {
            $0.files.first == "compute"
        },
        FlagCondition("bottlenecks", ["variants"], withAny: distortions),
        FlagCondition(
            "bottlenecks",
            ["image_dir", "image_list", "precision", "threads"] + networkFlags,
            without: "'bottlenecks compute' or 'bottlenecks export'"
        ) { $0.files.first != "import" },
        FlagCondition(
            "bottlenecks", ["frames", "max_pixels", "max_bytes", "strict"],
            withAny: ["image_dir", "image_list"]),
        FlagCondition("bottlenecks", ["model_sha256"], withAny: ["model_url"]),
        FlagCondition("bottlenecks", ["model_url"], withAny: ["model_dir"]),
    ]

    private static let deployment = [
        FlagCondition("quantize", ["bitdepth"], with: "mode", "weights_rounded", usual: "compact"),
        FlagCondition(
            "quantize", ["bits", "keep_layer", "max_accuracy_drop", "input_names"], with: "mode", "compact",
            usual: "compact"),
        FlagCondition(
            "quantize", ["keep_layer", "max_accuracy_drop", "bottleneck_dir"], withAny: ["calibrate"]),
        FlagCondition("quantize", ["max_accuracy_drop"], without: "a search: --bits settles it") {
            $0.string("bits") == nil
        },
        FlagCondition("inspect", ["threads"], withAny: ["profile"]),
        FlagCondition("inspect", ["limit"], withAny: ["compare"]),
        FlagCondition("inspect", ["limit"], without: "the report as text: --json shows everything") {
            $0.string("json") == nil
        },
    ]
}
