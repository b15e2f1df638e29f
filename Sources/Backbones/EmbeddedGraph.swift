import EmbeddedNetwork
import TensorGraph

/// The GraphDef that every build carries: EfficientNet-Lite0, so that the main job needs neither files nor a network.
package enum EmbeddedGraph {
    /// The bytes of the file, in the program's own read-only memory.
    package static var region: ByteRegion {
        ByteRegion(
            immortal: UnsafeRawBufferPointer(start: embedded_network_bytes(), count: embedded_network_count())
        )
    }
}
