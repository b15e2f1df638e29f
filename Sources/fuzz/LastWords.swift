import Foundation

/// Writes the file at hand when the process traps.
///
/// A signal handler may only call what is safe there: everything it needs lies ready before the trial, and it calls `open`, `write`,
/// `signal` and `raise`. One thread runs trials, so nothing changes under it.
enum LastWords {
    nonisolated(unsafe) private static var bytes: UnsafeMutablePointer<UInt8>?
    nonisolated(unsafe) private static var count = 0
    nonisolated(unsafe) private static var path: UnsafeMutablePointer<CChar>?
    nonisolated(unsafe) private static var isInstalled = false

    static func prepare(_ file: [UInt8], path: String) {
        free(bytes)
        free(self.path)
        count = 0
        bytes = malloc(max(1, file.count))?.bindMemory(to: UInt8.self, capacity: max(1, file.count))
        bytes?.update(from: file, count: file.count)
        count = file.count
        self.path = strdup(path)
        if !isInstalled {
            isInstalled = true
            for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
                signal(number) { number in
                    LastWords.save()
                    signal(number, SIG_DFL)
                    raise(number)
                }
            }
        }
    }

    static func save() {
        guard let path, let bytes else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        if descriptor >= 0, write(descriptor, bytes, count) == count { close(descriptor) }
    }
}
