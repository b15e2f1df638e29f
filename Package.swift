// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target that holds no per-instruction-set code.
let swift: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny")]

/// A library target of ours, or one of its tests, with the house's settings.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swift)
}
func tests(
    _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.init(stringLiteral: name), "TestSupport"] + dependencies,
        exclude: exclude, swiftSettings: swift)
}

/// The kernels of one instruction set, compiled from the files of `Sources/KernelSources` by symbolic links that
/// `scripts/link-kernels.sh` makes. Only unsafe flags ask the compiler for an instruction set; SwiftPM takes them in root
/// packages and in dependencies by version.
func kernels(_ set: String, clang flags: [String] = []) -> Target {
    .target(
        name: "Kernels" + set, dependencies: ["Kernels", "CPUFeatures", "VectorOperations"],
        swiftSettings: swift + (flags.isEmpty ? [] : [.unsafeFlags(flags.flatMap { ["-Xcc", $0] })]))
}
/// What `--version` prints beside the number. Only told by the environment: SwiftPM caches what a manifest finds out
/// of git beyond the next commit.
let commit = (Context.environment["CARTOONCTL_COMMIT"] ?? "").filter(\.isHexDigit)

#if arch(x86_64)
let avx512 = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma"]
let kernelSets = [
    kernels("Baseline"),
    kernels("AVX2", clang: ["-mavx2", "-mfma"]),
    kernels("AVXVNNI", clang: ["-mavx2", "-mfma", "-mavxvnni"]),
    kernels("AVX512", clang: avx512),
    kernels("AVX512VNNI", clang: avx512 + ["-mavx512vnni"]),
    kernels("AVX512BF16", clang: avx512 + ["-mavx512vnni", "-mavx512bf16"]),
]
#elseif arch(arm64)
let kernelSets = [
    kernels("Baseline"),
    kernels("NEONDotprod", clang: ["-march=armv8.2-a+dotprod"]),
    kernels("NEONI8MM", clang: ["-march=armv8.2-a+dotprod+i8mm"]),
]
#else
let kernelSets = [kernels("Baseline")]
#endif

let package = Package(
    name: "cartoonctl",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "cartoonctl", targets: ["cartoonctl"]),
        .library(name: "TransferLearning", targets: ["TransferLearning"]),
        .library(name: "Imaging", targets: ["Imaging"]),
    ],
    targets: [
        module("SystemFiles"),
        module("Threads"),
        module("Compression", ["HashInstructions", "Threads"]),
        module(
            "Imaging",
            ["Compression", "Kernels", "KernelDispatch", "VectorOperations"]
                + kernelSets.map { .init(stringLiteral: $0.name) },
            exclude: ["README.md"]),
        module("JPEGEncoding"),
        module("TensorGraph", ["SystemFiles"]),
        module("WireFormat", ["TensorGraph"]),
        module("TensorFlowFormat", ["TensorGraph", "WireFormat", "SystemFiles", "Compression"]),
        module("ONNXFormat", ["TensorGraph", "WireFormat", "SystemFiles"]),
        module(
            "NetworkReading", ["Network", "ONNXFormat", "SystemFiles", "TensorFlowFormat", "TensorGraph"],
            exclude: ["Operations.md"]),
        module("Network", ["TensorGraph"]),
        module(
            "Deployment",
            [
                "Compression", "Network", "NetworkReading", "ONNXFormat", "TensorGraph", "TensorFlowFormat",
                "Threads",
            ]),
        module("Kernels"),
        module("KernelDispatch", ["CPUFeatures"]),
        // Also compiled to WebAssembly, by scripts/build-web-engine.sh.
        module("PortableProgram", ["Kernels", "KernelsBaseline"]),
        .target(name: "CPUFeatures"),
        .target(
            name: "BuildInformation", cSettings: [.define("CARTOONCTL_COMMIT", to: "\"\(commit)\"")]),
        .target(name: "HashInstructions"),
        .target(name: "MatrixLoops", dependencies: ["CPUFeatures"]),
        .target(name: "VectorOperations"),
        module(
            "Inference",
            [
                "TensorGraph", "Network", "Kernels", "KernelDispatch", "CPUFeatures", "VectorOperations",
                "PortableProgram", "Threads",
            ]
                + kernelSets.map { .init(stringLiteral: $0.name) }),
        // One C file that embeds the default network (C23 `#embed`).
        .target(name: "EmbeddedNetwork", exclude: ["efficientnet_lite0.pb"]),
        // The page of `export --format html` and its engine, which scripts/build-web-engine.sh makes of Module and other targets.
        // The page of `--report`.
        .target(
            name: "ReportTemplate",
            exclude: [
                "report.html", "report.css", "pictures.js", "charts.js", "matrix.js", "plan.js", "main.js",
            ]),
        .target(name: "WebPage", exclude: ["Module", "page.html", "engine.wasm", "engine-relaxed.wasm"]),
        module(
            "Backbones",
            [
                "EmbeddedNetwork", "Imaging", "TensorFlowFormat", "ONNXFormat", "TensorGraph", "Network",
                "NetworkReading", "Inference", "Compression", "SystemFiles",
            ]),
        module("BottleneckCache", ["Compression", "SystemFiles"]),
        module("FinalLayer", ["Compression", "MatrixLoops"]),
        module(
            "TransferLearning",
            [
                "Compression", "Imaging", "TensorGraph", "TensorFlowFormat", "ONNXFormat", "Network",
                "NetworkReading", "Inference", "Backbones", "BottleneckCache", "FinalLayer", "Deployment",
                "SystemFiles", "KernelDispatch", "BuildInformation", "WebPage", "ReportTemplate",
                "JPEGEncoding", "Threads",
            ]),
        .executableTarget(
            name: "cartoonctl", dependencies: ["TransferLearning", "SystemFiles", "Threads"],
            swiftSettings: swift),

        // Tools of the developers: not installed.
        .executableTarget(
            name: "make-fixtures", dependencies: ["Compression", "JPEGEncoding"], swiftSettings: swift),
        module("Mutation", ["Compression", "Imaging"]),
        .executableTarget(name: "fuzz", dependencies: ["Imaging", "Mutation"], swiftSettings: swift),
        .executableTarget(name: "torture", swiftSettings: swift),
        .executableTarget(
            name: "benchmark",
            dependencies: [
                "Imaging", "Inference", "Backbones", "TensorGraph", "TransferLearning", "Network",
                "NetworkReading", "ONNXFormat", "TensorFlowFormat",
            ],
            swiftSettings: swift),

        .target(
            name: "TestSupport", dependencies: ["Network", "TensorGraph"], path: "Tests/TestSupport",
            swiftSettings: swift),
        tests("SystemFiles"),
        tests("Threads"),
        tests("Compression"),
        tests("Imaging", ["Compression", "Mutation", "CPUFeatures"]),
        tests("JPEGEncoding", ["Imaging"]),
        tests("TensorGraph"),
        tests("TensorFlowFormat", ["TensorGraph", "WireFormat"]),
        tests("ONNXFormat", ["TensorGraph", "WireFormat"]),
        tests("Network", ["TensorGraph"]),
        tests(
            "NetworkReading",
            ["Network", "ONNXFormat", "TensorFlowFormat", "TensorGraph", "SystemFiles", "Compression"],
            exclude: ["Operators", "SavedModels"]),
        tests(
            "Deployment",
            [
                "TensorGraph", "TensorFlowFormat", "Compression", "Inference", "Network", "NetworkReading",
                "ONNXFormat",
            ]),
        tests(
            "Inference",
            ["TensorGraph", "TensorFlowFormat", "Network", "NetworkReading", "PortableProgram"]),
        tests(
            "Backbones",
            [
                "Imaging", "TensorFlowFormat", "ONNXFormat", "TensorGraph", "Inference", "Compression",
                "Network", "NetworkReading",
            ]),
        tests("BottleneckCache", ["Compression"]),
        tests("FinalLayer"),
        tests(
            "TransferLearning",
            [
                "Compression", "TensorGraph", "TensorFlowFormat", "FinalLayer", "BottleneckCache", "Imaging",
                "SystemFiles", "Backbones", "Inference", "Network", "PortableProgram", "WebPage",
            ], exclude: ["engine-scalar.wasm"]),
        tests(
            "cartoonctl",
            ["make-fixtures", "Compression", "Imaging", "ONNXFormat", "TensorFlowFormat", "TensorGraph"]),
    ] + kernelSets,
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c2x
)
