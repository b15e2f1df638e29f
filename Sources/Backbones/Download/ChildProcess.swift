#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif
#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A child process whose output and errors are collected.
///
/// Foundation's `Process` is not used, because it is in the part of Foundation with the internationalization
/// data, 44 MB in a static executable.
struct ChildProcess: ~Copyable {
    enum End: Equatable { case exited(Int32), signalled(Int32) }

    private let identifier: pid_t
    private var streams: [Stream]

    private struct Stream {
        let descriptor: Int32
        var bytes: [UInt8] = []
        var isOpen = true

        /// Reads all available bytes.
        mutating func drain() {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while isOpen {
                let count = read(descriptor, &buffer, buffer.count)
                if count > 0 {
                    bytes += buffer.prefix(min(count, 1 << 16 - bytes.count))
                } else if count == 0 || errno != EINTR {
                    isOpen = count != 0 && errno == EAGAIN
                    return
                }
            }
        }
    }

    /// Starts a program found in `PATH`, in the same process group, so that Ctrl-C reaches it too.
    ///
    /// - Parameters:
    ///   - words: The program's name and arguments.
    ///   - inherited: A descriptor that the program inherits.
    /// - Throws: `SystemError` with the system's error number; `ENOENT` if the program does not exist.
    init(_ words: [String], inheriting inherited: Int32) throws(SystemError) {
        let (output, errors) = (try Self.pipe(), try Self.pipe())
        defer { for end in [output.write, errors.write] { close(end) } }
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        #else
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors.write, STDERR_FILENO)
        // Duplicating a descriptor to itself clears its close-on-exec flag.
        posix_spawn_file_actions_adddup2(&actions, inherited, inherited)
        // Signal dispositions and the mask are reset: this program ignores SIGPIPE, and its threads may block
        // signals that should end the child.
        var usual = sigset_t(), blocked = sigset_t()
        sigemptyset(&usual)
        sigaddset(&usual, SIGPIPE)
        sigaddset(&usual, SIGTERM)
        sigemptyset(&blocked)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setsigmask(&attributes, &blocked)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] =
            ProcessInfo.processInfo.environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var identifier: pid_t = 0
        let code = posix_spawnp(&identifier, words[0], &actions, &attributes, &arguments, &environment)
        guard code == 0 else {
            for end in [output.read, errors.read] { close(end) }
            throw SystemError(code: code)
        }
        self.identifier = identifier
        streams = [Stream(descriptor: output.read), Stream(descriptor: errors.read)]
    }

    deinit { for stream in streams { close(stream.descriptor) } }

    /// The output so far, limited to the first 64 KiB.
    var output: String { String(decoding: streams[0].bytes, as: UTF8.self) }
    var errors: String { String(decoding: streams[1].bytes, as: UTF8.self) }

    /// Waits until the process writes or ends, a signal arrives, or the time is over.
    ///
    /// - Returns: How the process ended; nil while it runs.
    mutating func gather(milliseconds: Int32) -> End? {
        var waiting = streams.map {
            pollfd(fd: $0.isOpen ? $0.descriptor : -1, events: Int16(POLLIN), revents: 0)
        }
        _ = poll(&waiting, nfds_t(waiting.count), milliseconds)
        var status: Int32 = 0
        // The streams' ends are not reliable, because a program that another thread starts may inherit them.
        let hasEnded = waitpid(identifier, &status, WNOHANG) == identifier
        for index in streams.indices { streams[index].drain() }
        // In <sys/wait.h>, the low seven bits are the signal that ended the process, and the next byte is its
        // exit code.
        return hasEnded ? status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f) : nil
    }

    func terminate() { kill(identifier, SIGTERM) }

    private static func pipe() throws(SystemError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        #if canImport(Glibc)
        let failed = Glibc.pipe(&ends) != 0
        #elseif canImport(Musl)
        let failed = Musl.pipe(&ends) != 0
        #else
        let failed = Darwin.pipe(&ends) != 0
        #endif
        if failed { throw SystemError(code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        return (ends[0], ends[1])
    }
}

/// A system error number.
struct SystemError: Error { let code: Int32 }
