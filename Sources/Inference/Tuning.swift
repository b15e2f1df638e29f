/// The constants by which steps divide their work: how much fits a cache, how much is worth a thread, and where
/// another algorithm pays.
///
/// They were chosen on an AMD Zen 3 with caches of 32 KB and 512 KB a core (AVX2) and on an Intel Xeon with
/// AVX-512, with one and two threads, by `benchmark forward`. They change times and, where they divide a sum, the
/// last bits of results; they are the same on all processors, so that results do not depend on a machine's caches.
enum Tuning {
    // MARK: - First-level cache

    /// The values of a filter that a convolution sums at a time; with 16 channels their weights take 16 KB, half of
    /// a cache of 32 KB.
    static let stretch = 256
    /// The rows and columns of a block that is transposed at a time.
    static let transposedBlock = 16

    // MARK: - Second-level cache, of 512 KB

    /// The floats of pixels that a convolution reads for each group of channels: a third of the cache.
    static let convolutionPixels = 40_000
    /// The bytes of pixels that a convolution of integers or bfloat16 reads so: a quarter.
    static let lowPrecisionPixels = 131_072
    /// The floats of transformed pixels and products of a Winograd convolution, beside which weights stream through.
    static let winogradPixels = 300_000
    /// The floats of a panel of an expansion's intermediate image: three quarters.
    static let expandedPixels = 100_000
    /// The multiple of its height that a band of an expansion's result has in place of its number of floats.
    static let expansionResults = 190_000

    /// The bytes of a layer's weights from which pictures share a pass over them: four times the cache.
    static let sharedWeights = 2 << 20

    // MARK: - Units of work

    /// The numbers of weights that are packed as one part.
    static let packedNumbers = 65_536
    /// The numbers that a unit of elementwise work, a copy or a reduction takes.
    static let unitNumbers = 16_384
    /// The numbers of the rows that a unit of normalization takes.
    static let unitRowNumbers = 8192
    /// The channels that a unit of a pooling over all pixels takes.
    static let unitChannels = 128
    /// The units that balance the load of a convolution of integers or bfloat16.
    static let balancedUnits = 12
    /// The multiply–adds of a convolution, or the numbers of a pooling over all pixels, below which other threads
    /// are not woken.
    static let shortWork = 32_768
    /// The numbers of elementwise work and of normalizations below which they are not.
    static let shortElements = 16_384, shortRows = 8192

    // MARK: - Winograd convolutions

    /// The channels of the input, and the fewest of the output, with which they pay.
    static let winogradInputs = 32...512, winogradOutputs = 32
    /// The tiles from which reading all weights pays off.
    static let winogradTiles = 24

    // MARK: - Threads

    /// How often a worker looks for work before it sleeps: about 0.1 ms, longer than the serial work between two
    /// steps.
    static let looksBeforeSleep = 2000
    /// How often a thread looks whether the others have finished before it yields its core once.
    static let looksBeforeYield = 1024
}
