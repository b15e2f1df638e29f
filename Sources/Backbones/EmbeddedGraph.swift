import EmbeddedNetwork
import TensorGraph

/// The GraphDef of EfficientNet-Lite0 that is embedded in every build, so that retraining needs neither files
/// nor a network connection.
package enum EmbeddedGraph {
    /// The bytes of the file in the program's read-only memory.
    package static var region: ByteRegion {
        ByteRegion(
            immortal: UnsafeRawBufferPointer(start: embedded_network_bytes(), count: embedded_network_count())
        )
    }
}
