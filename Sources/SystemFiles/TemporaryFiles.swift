import Synchronization

/// The temporary files of this process, so that no exit leaves one behind.
package enum TemporaryFiles {
    private struct State {
        var live: Set<FilePath> = []
        var committed: [FilePath] = []
    }
    private static let state = Mutex(State())

    static func add(_ path: FilePath) { _ = state.withLock { $0.live.insert(path) } }
    static func remove(_ path: FilePath) { _ = state.withLock { $0.live.remove(path) } }
    static func commit(_ output: FilePath) { state.withLock { $0.committed.append(output) } }

    /// The outputs that were committed.
    package static var committed: [FilePath] { state.withLock { $0.committed } }

    /// Removes all temporary files before an exit that does not unwind the stack.
    package static func removeAll() {
        let live = state.withLock { state in
            defer { state.live = [] }
            return state.live
        }
        for path in live { _ = path.withCString { unlink($0) } }
    }

    // MARK: - Names

    private static let ending = ".partial"
    /// The maximum length of the output's name within the temporary name, which must not exceed 255 bytes.
    private static let longestStem = 200

    /// Returns an unpredictable new name beside `target`: `.NAME.0123456789abcdef.partial`.
    static func name(for target: FilePath) -> FilePath {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        let random = String(repeating: "0", count: 16 - digits.count) + digits
        return target.parent.appending(FilePath(bytes: stem(of: target) + Array((random + ending).utf8)))
    }

    private static func stem(of target: FilePath) -> [UInt8] {
        [UInt8(ascii: ".")] + target.lastComponent.bytes.prefix(longestStem) + [UInt8(ascii: ".")]
    }

    /// Removes files beside `target` that terminated processes left, which nobody has locked.
    static func sweep(beside target: FilePath) {
        let stem = stem(of: target)
        guard let names = try? FileSystem.names(in: target.parent) else { return }
        for name in names where isTemporary(name, stem: stem) {
            let path = target.parent.appending(name)
            let file = path.withCString { open($0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
            guard file >= 0 else { continue }
            if flock(file, LOCK_EX | LOCK_NB) == 0 { _ = path.withCString { unlink($0) } }
            close(file)
        }
    }

    private static func isTemporary(_ name: FilePath, stem: [UInt8]) -> Bool {
        let ending = Array(ending.utf8)
        guard name.bytes.count == stem.count + 16 + ending.count, name.bytes.starts(with: stem),
            name.bytes.suffix(ending.count).elementsEqual(ending)
        else { return false }
        return name.bytes.dropFirst(stem.count).prefix(16).allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
        }
    }
}
