#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif
import Synchronization

/// Ctrl-C and SIGTERM: the first asks the work to stop where nothing is lost, the second stops at once.
enum Interruption {
    private static let count = Atomic<Int>(0)

    static var isRequested: Bool { count.load(ordering: .relaxed) > 0 }

    static func watch() {
        // A pipe closed by `head` must not kill a run that still has a model to write.
        signal(SIGPIPE, SIG_IGN)
        // A limit on file sizes is reported as the error of the write that met it.
        signal(SIGXFSZ, SIG_IGN)
        var watched = sigset_t()
        sigemptyset(&watched)
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                if Interruption.count.wrappingAdd(1, ordering: .relaxed).oldValue > 0 { _exit(128 + number) }
            }
            sigaddset(&watched, number)
        }
        // A program that starts this one from a worker thread passes on that thread's mask, which may block them.
        sigprocmask(SIG_UNBLOCK, &watched, nil)
    }
}

func exitProcess(_ code: Int32) -> Never { exit(code) }
