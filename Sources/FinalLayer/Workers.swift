/// How the caller lets this room use its threads.
///
/// Work is always cut into the same pieces, and what the pieces give is joined in their order, so that results are the same
/// bit for bit whatever runs them.
package struct Workers: Sendable {
    /// Calls its second argument once for each index below the first, in any order, and returns when all calls have.
    package var perform: @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

    /// Asked between pieces and between iterations, from any thread. Once true, pieces are left out and what is returned is no result;
    /// whoever started the work throws it away.
    package private(set) var isCancelled: @Sendable () -> Bool = { false }

    package init(_ perform: @escaping @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void) {
        self.perform = perform
    }

    /// The same threads, which stop within a piece of work once `isCancelled` says so.
    package func stopping(when isCancelled: @escaping @Sendable () -> Bool) -> Workers {
        let perform = perform
        var result = Workers { count, body in
            perform(count) { index in if !isCancelled() { body(index) } }
        }
        result.isCancelled = isCancelled
        return result
    }

    /// Everything on the calling thread.
    package static let serial = Workers { count, body in for index in 0..<count { body(index) } }

    /// Calls `body` with `0..<count` cut into ranges of `step`.
    func performRanges(of count: Int, step: Int, _ body: @Sendable (Range<Int>) -> Void) {
        perform((count + step - 1) / step) { index in body(index * step..<min(count, (index + 1) * step)) }
    }
}
