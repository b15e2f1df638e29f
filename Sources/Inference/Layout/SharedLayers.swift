import Network

/// The layers that several pictures compute together, because their weights exceed a cache and would be read anew
/// for every picture: those of one pixel, whose time is that of reading the weights.
///
/// Layers of many pixels are left out. They use every weight often enough that their time is that of the
/// multiplications: 75 to 80 billion a second in the last blocks of Inception v3, 73 to 77 in those of ResNet-50 and
/// in the matrices of ViT-B/16, where registers reach 89 (Intel Xeon, AVX-512, one thread); a layer of one pixel
/// reaches 3.
struct SharedLayers: Sendable {
    /// The indices of the layers.
    let layers: Set<Int>
    /// The number of pictures that compute together; 1 where there are no such layers.
    let pictures: Int
    private let arenaSize: Int

    /// - Parameters:
    ///   - list: The layers of the plan.
    ///   - layout: The places of their images.
    ///   - arenaSize: The distance between the arenas of two pictures in floats.
    ///   - mostPictures: The largest number of pictures.
    init(_ list: LayerList, _ layout: Layout, arenaSize: Int, mostPictures: Int) {
        self.arenaSize = arenaSize
        var found = Set<Int>(), bytes = 0
        for (index, layer) in list.layers.enumerated() {
            guard case .convolution(let convolution) = layer.computation, !convolution.isDepthwise,
                convolution.groups == 1, list.extents[layer.input].pixels == 1,
                list.extents[layer.output].pixels == 1,
                layout.buffers[layout.bufferOf[layer.output]].margin.isEmpty,
                !list.usesLowPrecision(layer), convolution.weights.count >= Tuning.sharedWeights
            else { continue }
            found.insert(index)
            bytes += convolution.weights.count
        }
        // The arenas take at most half as much memory as the weights. Places in them are 32-bit numbers.
        let fitting = min(bytes / 2 / (4 * arenaSize), Int(Int32.max) / arenaSize - 1)
        pictures = max(1, min(mostPictures, fitting))
        layers = pictures > 1 ? found : []
    }

    /// Returns one image of all pictures' pixels, where an image has one pixel.
    func rows(of placement: ArenaPlacement) -> ArenaPlacement {
        var rows = placement
        (rows.extent.height, rows.rowStride) = (pictures, arenaSize)
        return rows
    }
}
