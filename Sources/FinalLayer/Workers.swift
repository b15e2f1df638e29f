/// The caller's threads, as this module uses them.
///
/// Work is always divided into the same pieces, whose results are combined in order, so that results are
/// bit-identical for any number of threads.
package struct Workers: Sendable {
    /// Calls the second argument once for each index below the first, in any order, and returns when all
    /// calls have returned.
    package var perform: @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

    /// Whether to stop; called between pieces and iterations from any thread. Once it returns true, pieces
    /// are skipped and the results are invalid, so that the caller must discard them.
    package private(set) var isCancelled: @Sendable () -> Bool = { false }

    package init(_ perform: @escaping @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void) {
        self.perform = perform
    }

    /// Returns workers with the same threads that stop within a piece of work once `isCancelled` returns
    /// true.
    package func stopping(when isCancelled: @escaping @Sendable () -> Bool) -> Workers {
        let perform = perform
        var result = Workers { count, body in
            perform(count) { index in if !isCancelled() { body(index) } }
        }
        result.isCancelled = isCancelled
        return result
    }

    /// Runs everything on the calling thread.
    package static let serial = Workers { count, body in for index in 0..<count { body(index) } }

    /// Returns the arrays that `body` makes of the indices below `count`, in the order of the indices; those of pieces that
    /// were skipped are empty.
    func map<Element: Sendable>(_ count: Int, _ body: @Sendable (Int) -> [Element]) -> [[Element]] {
        let results = UnsafeMutableBufferPointer<[Element]>.allocate(capacity: count)
        results.initialize(repeating: [])
        defer { results.deinitialize().deallocate() }
        nonisolated(unsafe) let places = results
        // Each place is written by one call.
        perform(count) { index in places[index] = body(index) }
        return Array(results)
    }

    /// Calls `body` with `0..<count` divided into ranges of `step`.
    func performRanges(of count: Int, step: Int, _ body: @Sendable (Range<Int>) -> Void) {
        perform((count + step - 1) / step) { index in body(index * step..<min(count, (index + 1) * step)) }
    }
}
