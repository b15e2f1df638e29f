/// The signs of 1,024 random projections of each row, by which rows in similar directions are found without comparing
/// all pairs.
///
/// Two rows at an angle θ differ in a share of about θ/π of the signs. The projections are those of a count sketch of
/// 2,048 sums, mixed by a Walsh–Hadamard transform.
///
/// - Source: Charikar, "Similarity Estimation Techniques from Rounding Algorithms", 2002; Ailon and Chazelle, "The Fast
///   Johnson–Lindenstrauss Transform", 2009.
package final class SignSketches: @unchecked Sendable {
    static let bits = 1024
    /// The number of 64-bit words of a sketch.
    static let words = bits / 64
    private static let sums = 2048

    package let rows: Int
    /// The sketches, `[rows, words]`.
    private let signs: UnsafeMutablePointer<UInt64>
    /// The norms of the rows; 0 for a row that equals the mean, which is similar to none.
    private let lengths: FloatBuffer
    private let means: [Float]
    /// The features' scales with random signs, and the sums to which the features are added.
    private let scales: [Float]
    private let places: [Int]

    /// Creates sketches that are to be set.
    package init(rows: Int, _ standardization: Standardization) {
        self.rows = rows
        signs = .allocate(capacity: max(1, rows * Self.words))
        signs.initialize(repeating: 0, count: max(1, rows * Self.words))
        lengths = FloatBuffer(rows)
        var random = RandomSource(seed: 0), scales = standardization.scales
        var places = [Int](repeating: 0, count: scales.count)
        for k in scales.indices {
            let number = random.next()
            places[k] = Int(number % UInt64(Self.sums))
            if number >> 63 == 1 { scales[k] = -scales[k] }
        }
        (means, self.scales, self.places) = (standardization.means, scales, places)
    }
    deinit { signs.deallocate() }

    /// Computes the sketch of one row from its features; different rows can be set by different threads.
    package func set(row: Int, _ features: UnsafeBufferPointer<Float>) {
        var energy = 0.0
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.sums) { sums in
            sums.initialize(repeating: 0)
            for k in features.indices {
                let z = (features[k] - means[k]) * scales[k]
                sums[places[k]] += z
                energy += Double(z * z)
            }
            Self.transform(sums.baseAddress!, count: Self.sums)
            let target = signs + row * Self.words
            for word in 0..<Self.words {
                var bits: UInt64 = 0
                for k in 0..<64 where sums[word * 64 + k] > 0 { bits |= 1 << UInt64(k) }
                target[word] = bits
            }
        }
        lengths.base[row] = Float(energy.squareRoot())
    }

    /// The Walsh–Hadamard transform of 2ⁿ numbers, in place.
    private static func transform(_ values: UnsafeMutablePointer<Float>, count: Int) {
        var half = 1
        while half < count {
            for start in stride(from: 0, to: count, by: 2 * half) {
                for k in start..<start + half {
                    let (a, b) = (values[k], values[k + half])
                    (values[k], values[k + half]) = (a + b, a - b)
                }
            }
            half *= 2
        }
    }

    /// Returns the cosine of two rows' angle, at most 1, from the inner product of the standardized rows.
    package func similarity(_ a: Int, _ b: Int, product: Double) -> Float {
        min(Float(product / Double(lengths.base[a]) / Double(lengths.base[b])), 1)
    }

    /// The cosine that unrelated rows hardly reach; see `SimilarRows.chance`.
    package var chance: Float {
        // An angle θ = π · (share of signs) has a standard error of π / (2 · √bits) about the right angle.
        SimilarRows.chance(rows: rows, error: 2.4674 / Float(Self.bits)) { a, b in
            Float(Self.cosine(.pi * Double(distance(a, b)) / Double(Self.bits)))
        }
    }

    /// Returns the number of signs in which two rows differ.
    @inline(__always)
    func distance(_ a: Int, _ b: Int) -> Int {
        let (a, b) = (signs + a * Self.words, signs + b * Self.words)
        var count = 0
        for word in 0..<Self.words { count &+= (a[word] ^ b[word]).nonzeroBitCount }
        return count
    }

    // MARK: - Pairs

    /// The number of tables. With a million rows, of pairs of cosine 0.75 a share of 0.94 shares a bucket of one of them,
    /// of cosine 0.85 all but 3 in 100,000.
    private static let tables = 512
    /// The number of rows after each in its bucket with which it is compared, so that many equal rows take bounded time.
    private static let neighbours = 64
    /// The number of pairs a row above which only the most alike pairs of all are listed, so that a million pictures of
    /// one kind take bounded memory.
    private static let pairsPerRow = 8
    /// The number of parts of the tables that are searched at the same time.
    private static let parts = 8

    /// Returns the pairs of rows whose cosine may be at least `threshold`, sorted.
    ///
    /// In each table a few random signs of a row are its bucket's number, and the rows of a bucket are compared by all
    /// their signs. A pair is listed if it differs in at most as many as four standard errors allow.
    ///
    /// - Parameter mostPairs: The number of pairs of which more are not listed, except for the most alike; nil is eight
    ///   a row, and at least a million.
    package func candidates(
        threshold: Float, mostPairs: Int? = nil, workers: Workers
    ) -> [(first: Int, second: Int)] {
        let mostPairs = mostPairs ?? max(1 << 20, Self.pairsPerRow * rows)
        let share = Self.angle(threshold)
        let spread = (share * (1 - share) / Double(Self.bits)).squareRoot()
        let most = Int((share + 4 * spread) * Double(Self.bits))
        var width = 12
        while width < 24, 1 << width < rows { width += 1 }
        let present = (0..<rows).filter { lengths.base[$0] > 0 }.map(UInt32.init)
        let found = workers.map(Self.parts) { [width] part -> [UInt64] in
            var pairs = PairSet(self, bar: most, most: mostPairs)
            var random = RandomSource(seed: UInt64(part + 1))
            var buckets = Buckets(rows: present, width: width)
            for _ in 0..<Self.tables / Self.parts where !workers.isCancelled() {
                let positions = random.permutation(of: Self.bits).prefix(width)
                buckets.fill(positions: Array(positions), signs: self.signs)
                buckets.forEachPair(neighbours: Self.neighbours) { a, b in
                    pairs.insert(a, b)
                }
            }
            return pairs.sorted()
        }
        var all = PairSet(self, bar: most, most: mostPairs)
        for pairs in found { all.insert(pairs) }
        return all.sorted().map { (Int($0 >> 32), Int($0 & 0xFFFF_FFFF)) }
    }

    /// Returns the angle of which `cosine` is the cosine as a share of π, by bisection, so that it needs no library.
    private static func angle(_ cosine: Float) -> Double {
        var (low, high) = (0.0, Double.pi)
        for _ in 0..<40 {
            let middle = (low + high) / 2
            if Self.cosine(middle) > Double(cosine) { low = middle } else { high = middle }
        }
        return low / .pi
    }

    /// Returns the cosine of an angle between 0 and π, by a series.
    private static func cosine(_ angle: Double) -> Double {
        var term = 1.0, sum = 1.0
        for k in 1...12 {
            let divisor = 2 * k * (2 * k - 1)
            term *= -angle * angle / Double(divisor)
            sum += term
        }
        return sum
    }
}

/// Pairs of rows, of which each is kept once, and only the most alike if there are too many.
private struct PairSet {
    private let sketches: SignSketches
    private let most: Int
    /// The number of signs in which the rows of a pair may differ.
    private var bar: Int
    private var pairs: [UInt64] = []
    /// The number of pairs at which repeated ones are removed.
    private var limit = 1 << 16

    init(_ sketches: SignSketches, bar: Int, most: Int) {
        (self.sketches, self.bar, self.most) = (sketches, bar, most)
    }

    mutating func insert(_ a: Int, _ b: Int) {
        guard sketches.distance(a, b) <= bar else { return }
        pairs.append(UInt64(min(a, b)) << 32 | UInt64(max(a, b)))
        if pairs.count >= limit { unify() }
    }
    mutating func insert(_ others: [UInt64]) {
        pairs += others
        unify()
    }

    private mutating func unify() {
        pairs.sort()
        var kept = 0
        for pair in pairs where kept == 0 || pairs[kept - 1] != pair {
            pairs[kept] = pair
            kept += 1
        }
        pairs.removeLast(pairs.count - kept)
        if kept > most { keepMostAlike() }
        limit = max(1 << 16, 2 * pairs.count)
    }

    /// Lowers the bar so that at most half of the allowed pairs remain, or all that differ as little as the most alike.
    private mutating func keepMostAlike() {
        func distance(_ pair: UInt64) -> Int { sketches.distance(Int(pair >> 32), Int(pair & 0xFFFF_FFFF)) }
        var counts = [Int](repeating: 0, count: bar + 1), sum = 0
        for pair in pairs { counts[min(distance(pair), bar)] += 1 }
        let kept = counts.prefix { count in
            sum += count
            return sum <= most / 2
        }
        bar = max(0, kept.count - 1)
        pairs.removeAll { distance($0) > bar }
    }

    mutating func sorted() -> [UInt64] {
        unify()
        return pairs
    }
}

/// Rows in the order of some of their signs.
private struct Buckets {
    private let rows: [UInt32]
    private let width: Int
    private var keys: [UInt32]
    private var starts: [UInt32]
    private var order: [UInt32]

    init(rows: [UInt32], width: Int) {
        (self.rows, self.width) = (rows, width)
        keys = [UInt32](repeating: 0, count: rows.count)
        order = keys
        starts = [UInt32](repeating: 0, count: (1 << width) + 1)
    }

    /// Sorts the rows by the signs at some positions, stably.
    mutating func fill(positions: [Int], signs: UnsafePointer<UInt64>) {
        for k in starts.indices { starts[k] = 0 }
        for (index, row) in rows.enumerated() {
            let sketch = signs + Int(row) * SignSketches.words
            var key: UInt32 = 0
            for position in positions {
                key =
                    key << 1 | UInt32(truncatingIfNeeded: sketch[position >> 6] >> UInt64(position & 63)) & 1
            }
            keys[index] = key
            starts[Int(key) + 1] += 1
        }
        for k in 1..<starts.count { starts[k] += starts[k - 1] }
        for (index, row) in rows.enumerated() {
            let key = Int(keys[index])
            order[Int(starts[key])] = row
            starts[key] += 1
        }
        // Each start is now that of the next bucket.
    }

    /// Passes each row to `body` with the next ones of its bucket.
    func forEachPair(neighbours: Int, _ body: (Int, Int) -> Void) {
        var begin = 0
        for bucket in 0..<(1 << width) {
            let end = Int(starts[bucket])
            if end - begin > 1 {
                for a in begin..<end {
                    for b in a + 1..<min(end, a + 1 + neighbours) { body(Int(order[a]), Int(order[b])) }
                }
            }
            begin = end
        }
    }
}
