public struct Retraining { public init(_ o: RetrainOptions) {}
 public func run(isInterrupted: @escaping @Sendable () -> Bool, show: (RetrainEvent) throws -> Void) throws -> RetrainResult { fatalError() } }
public struct ClassifyOptions { public init() {}; public var graph: FilePath = "", labels: FilePath?, threads: Int?, isStrict = false }
public struct Prediction { public let label: String, score: Float }
public struct Failure: Error { public let reason: String }
public struct Answer { public let path: FilePath; public let outcome: Result<[Prediction], Failure>; public let warnings: [String]; public func json(top: Int, threshold: Float) throws -> String { "" } }
public struct Classifier { public init(_ o: ClassifyOptions, pictures: Int) throws {}
 public func classify(_ p: [FilePath], isInterrupted: @escaping @Sendable () -> Bool, show: (Answer) throws -> Void) throws {} }
public struct TreeReport { public let problems: [String], summary: String; public func json() throws -> String { "" } }
public enum ImportedTree { public static func importTree(_ d: FilePath, into: FilePath?) throws -> TreeReport { fatalError() }
 public static func exportTree(to d: FilePath, from: FilePath?) throws -> TreeReport { fatalError() } }
