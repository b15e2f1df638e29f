import Network

/// The location of a layer's output in the arena, and the step after which it is complete.
struct LayerPlace: Sendable {
    let name: String
    let value: Value
    let placement: ArenaPlacement
    /// The index of the step that completes the output.
    let step: Int

    /// - Parameters:
    ///   - lowered: The list whose layers are wanted; `list` was derived from it and uses the same values.
    ///   - stepCounts: The number of steps for each layer of `list`.
    static func places(of lowered: LayerList, in list: LayerList, _ layout: Layout, _ stepCounts: [Int])
        -> [LayerPlace]
    {
        let names = Dictionary(
            lowered.layers.map { ($0.output, $0.name) }, uniquingKeysWith: { first, _ in first })
        var step = -1
        return zip(list.layers, stepCounts).compactMap { layer, count in
            step += count
            return names[layer.output].map {
                LayerPlace(
                    name: $0, value: layer.output, placement: layout.placements[layer.output], step: step)
            }
        }
    }
}

/// Finds the activation ranges of a network by running images in single precision.
///
/// ```swift
/// let calibrator = try Calibrator(network)
/// for pixels in pictures {
///     calibrator.executor.input.update(from: pixels, count: 224 * 224 * 3)
///     calibrator.run()
/// }
/// let precision = Precision.int8(calibrator.ranges())
/// ```
package final class Calibrator {
    package let executor: Executor
    private let list: LayerList
    private let groups: ActivationGroups
    private let input: String
    private var histograms: [Value: ActivationHistogram] = [:]

    /// - Parameter pool: The threads among which the work for each image is divided.
    package init(
        _ network: Network, pool: ThreadPool? = nil, instructionSet: InstructionSet = .preferred
    ) throws(PlanError) {
        list = try NetworkLowering.lower(network)
        input = Self.inputName(network)
        groups = ActivationGroups(list)
        executor = Executor(
            try Plan(network, instructionSet: instructionSet, keepsImages: true), pool: pool)
    }

    private static func inputName(_ network: Network) -> String {
        network.input.map { network[$0].name } ?? ""
    }

    /// Returns the names whose ranges a calibrator of this network would find, without creating one.
    package static func names(in network: Network) throws(PlanError) -> Set<String> {
        let list = try NetworkLowering.lower(network)
        return Set(
            list.layers.filter { list.extents[$0.output].pixels > 1 }.map(\.name) + [inputName(network)])
    }

    /// Runs the image in the executor's input and records the values of every layer.
    package func run() {
        let plan = executor.plan, places = plan.places.filter { $0.placement.extent.pixels > 1 }
        histograms[groups.root(list.input), default: ActivationHistogram()].add(
            executor.input, count: plan.inputShape.reduce(1, *))
        var next = 0
        for step in plan.steps.indices {
            executor.runStep(step)
            while next < places.count, places[next].step <= step {
                executor.look(at: places[next].placement) { row, count in
                    histograms[groups.root(places[next].value), default: ActivationHistogram()].add(
                        row, count: count)
                }
                next += 1
            }
        }
    }

    /// Returns the ranges of all recorded values of more than one pixel; values that share a scale have the
    /// same range.
    package func ranges() -> ActivationRanges {
        let ranges = histograms.mapValues { $0.range() }
        var named: [String: ClosedRange<Float>] = [:]
        for place in executor.plan.places where place.placement.extent.pixels > 1 {
            named[place.name] = ranges[groups.root(place.value)]
        }
        // The input keeps its full range: pixel values use all of it, and none of it is rare.
        named[input] = histograms[groups.root(list.input)]?.extremes
        return ActivationRanges(named)
    }
}

extension Executor {
    /// Calls `body` with every contiguous row of values of an image in the arena.
    func look(at placement: ArenaPlacement, _ body: (UnsafePointer<Float>, Int) -> Void) {
        for y in 0..<placement.extent.height {
            if placement.pixelStride == placement.extent.channels {
                body(arena + placement.offset(y: y, x: 0), placement.extent.width * placement.extent.channels)
            } else {
                for x in 0..<placement.extent.width {
                    body(arena + placement.offset(y: y, x: x), placement.extent.channels)
                }
            }
        }
    }
}
