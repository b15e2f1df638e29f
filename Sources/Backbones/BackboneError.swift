import TensorFlowFormat

/// Why a network or a model cannot be used.
package enum BackboneError: Error, Sendable, Equatable {
    /// No such file; `isInception` where it is the one that TensorFlow's archive holds.
    case missing(path: String, isInception: Bool)
    case inputOutput(path: String, code: Int32)
    case graph(path: String, GraphDefError)
    /// The JSON that describes the network is absent, no JSON, or lacks something.
    case description(path: String, reason: String)
    case noSuchTensor(path: String, name: String, nearest: [String])
    /// The labels do not fit the model.
    case labels(path: String, reason: String)
}
