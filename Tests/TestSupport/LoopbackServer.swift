import Foundation
import Synchronization
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A web server on this machine that does what a test tells it to: break off, stall, lie.
///
///     let server = try LoopbackServer { request, number in
///         number == 0 ? .file(bytes, request).sending(1000) : .file(bytes, request)
///     }
///     fetch(server.url("archive.tgz"))
///     #expect(server.requests.map(\.range) == [nil, 1000])
package final class LoopbackServer: Sendable {
    package struct Request: Sendable {
        /// As the request line has it: absolute where the client takes the server for a proxy.
        package let target: String
        /// The first byte asked for.
        package let range: Int?
    }

    package struct Reply: Sendable {
        package var status: Int
        package var headers: [String]
        package var body: [UInt8]
        /// nil: the end of the connection tells.
        package var declaredLength: Int?
        /// How much of the body is sent before `ending`.
        package var sent = Int.max
        package var stalls = false

        package init(status: Int = 200, headers: [String] = [], body: [UInt8] = [], declaredLength: Int?) {
            (self.status, self.headers, self.body, self.declaredLength) = (
                status, headers, body, declaredLength
            )
        }

        package static func status(_ status: Int, _ headers: String...) -> Reply {
            Reply(status: status, headers: headers, declaredLength: 0)
        }

        /// A file, or the part of it that was asked for.
        package static func file(_ bytes: [UInt8], _ request: Request) -> Reply {
            guard let first = request.range else { return Reply(body: bytes, declaredLength: bytes.count) }
            guard first < bytes.count else { return .status(416, "Content-Range: bytes */\(bytes.count)") }
            return Reply(
                status: 206, headers: ["Content-Range: bytes \(first)-\(bytes.count - 1)/\(bytes.count)"],
                body: Array(bytes[first...]),
                declaredLength: bytes.count - first)
        }

        /// Closes the connection after so many bytes of the body.
        package func sending(_ count: Int) -> Reply { with { $0.sent = count } }
        /// Sends nothing more after so many bytes, and leaves the connection open.
        package func stalling(after count: Int) -> Reply { with { ($0.sent, $0.stalls) = (count, true) } }
        package func declaring(_ length: Int?) -> Reply { with { $0.declaredLength = length } }

        private func with(_ change: (inout Reply) -> Void) -> Reply {
            var reply = self
            change(&reply)
            return reply
        }
    }

    package struct Failure: Error { package let errno: Int32 }

    private let listener: Int32
    private let port: UInt16
    private let heard = Mutex<[Request]>([])

    /// - Parameter answer: given a request and how many came before it; called on a thread of the connection's.
    package init(_ answer: @escaping @Sendable (Request, Int) -> Reply) throws {
        // A client that was ended leaves a broken pipe.
        signal(SIGPIPE, SIG_IGN)
        #if canImport(Glibc)
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        #elseif canImport(Musl)
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)
        #else
        listener = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard listener >= 0 else { throw Failure(errno: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let failed = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) != 0 || listen(listener, 16) != 0
                    || getsockname(listener, address, &length) != 0
            }
        }
        guard !failed else { throw Failure(errno: errno) }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { [weak self] in
                    self?.serve(connection, answer)
                    // A program that another test started meanwhile may hold the connection open: closing it would not end it.
                    shutdown(connection, Int32(SHUT_RDWR))
                    close(connection)
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    package var requests: [Request] { heard.withLock { $0 } }
    package var address: String { "http://127.0.0.1:\(port)" }
    package func url(_ path: String) -> String { "\(address)/\(path)" }

    private func serve(_ connection: Int32, _ answer: (Request, Int) -> Reply) {
        guard let request = Self.read(connection) else { return }
        let number = heard.withLock { heard in
            heard.append(request)
            return heard.count - 1
        }
        let reply = answer(request, number)
        var head = ["HTTP/1.1 \(reply.status) Whatever", "Connection: close"] + reply.headers
        if let length = reply.declaredLength { head.append("Content-Length: \(length)") }
        guard Self.send(connection, Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8)) else { return }
        _ = Self.send(connection, Array(reply.body.prefix(reply.sent)))
        guard reply.stalls else { return }
        // Until the client hangs up.
        var byte: UInt8 = 0
        while recv(connection, &byte, 1, 0) > 0 {}
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 1 << 16 {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer.prefix(count)
            let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
            guard lines.count > 2, lines.contains("") else { continue }
            let words = lines[0].split(separator: " ")
            guard words.count == 3 else { return nil }
            let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
            return Request(
                target: String(words[1]), range: range.flatMap { Int($0.dropFirst(13).prefix { $0 != "-" }) })
        }
        return nil
    }

    private static func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
