import TransferLearning

let inspectVerb = Verb(
    name: "inspect",
    summary: "say what a model or frozen network holds, and where its time goes",
    usage: "inspect GRAPH [--profile]",
    options: [
        .flag("profile", "Run it on a made-up picture and list every step with its time, the shortest of five."),
        .value("threads", "N", "Processor cores to use for the profile. Default: 1"),
        .flag("json", "Print the result as one JSON object."),
    ],
    examples: ["inspect cartoon.pb", "inspect cartoon.pb --profile"],
    takesFiles: true,
    run: { arguments in
        guard arguments.files.count == 1 else { throw UsageError("name one graph: cartoonctl inspect cartoon.pb") }
        let inspection = try GraphInspection(
            FilePath(arguments.files[0]), profiles: arguments.flag("profile"), threads: arguments.integer("threads", in: 1...1024))
        if try arguments.flag("json") { Terminal.print(try inspection.json()) } else { show(inspection) }
        return 0
    }
)

private func show(_ inspection: GraphInspection) {
    Terminal.print("\(inspection.path): \(fixed(Double(inspection.bytes) * 1e-6, 1)) MB, \(inspection.nodes) nodes")
    if let tool = inspection.madeBy, !tool.isEmpty { Terminal.print("made by    \(tool)") }
    if let labels = inspection.labels { Terminal.print("labels     \(labels.joined(separator: ", "))") }
    if let precision = inspection.precision { Terminal.print("precision  \(precision)") }
    Terminal.print("inputs     \(inspection.inputs.joined(separator: ", "))")
    Terminal.print("outputs    \(inspection.outputs.joined(separator: ", "))")
    Terminal.print("parameters \(fixed(Double(inspection.parameters) * 1e-6, 2)) million")
    if let work = inspection.multiplyAdds { Terminal.print("work       \(fixed(Double(work) * 1e-6, 1)) million multiply-adds a picture") }
    Terminal.print("operations " + inspection.operations.map { "\($0.name) \($0.count)" }.joined(separator: ", "))
    guard !inspection.profile.isEmpty else { return }
    let total = inspection.profile.reduce(0) { $0 + $1.milliseconds }
    Terminal.print("")
    for step in inspection.profile {
        let time = fixed(step.milliseconds, 3), speed = step.gigaflopsPerSecond > 0 ? "\(fixed(step.gigaflopsPerSecond, 0)) GFLOP/s" : ""
        Terminal.print(
            String(repeating: " ", count: max(0, 9 - time.count)) + time + " ms  " + step.kind
                + String(repeating: " ", count: max(1, 18 - step.kind.count)) + step.node + "  " + speed)
    }
    Terminal.print("\(fixed(total, 3)) ms in all, with the kernels for \(inspection.instructionSet)")
}
