/// Complete reads and writes on open descriptors, with retries after partial or interrupted calls.
package enum Descriptors {
    /// The largest size per call; Darwin refuses more than 2^31 - 1 bytes.
    private static let longest = 1 << 30

    /// Writes all bytes.
    ///
    /// - Returns: 0, or the system's error number.
    package static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        var done = 0
        while done < bytes.count {
            let count = write(descriptor, bytes.baseAddress! + done, min(bytes.count - done, longest))
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN {
                // The pipe is non-blocking, which another process may have set.
                var waited = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&waited, 1, -1)
                continue
            }
            guard count > 0 else { return count < 0 ? errno : EIO }
            done += count
        }
        return 0
    }

    package static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Int32 {
        bytes.withUnsafeBytes { writeAll(descriptor, $0) }
    }

    /// Reads until the end of a pipe, or of a file from its current position.
    ///
    /// - Parameters:
    ///   - descriptor: The open descriptor.
    ///   - expected: The expected number of bytes, if known.
    ///   - limit: The maximum number of bytes to read.
    package static func readAll(
        _ descriptor: Int32, expected: Int = 0, limit: Int = .max
    ) -> Result<[UInt8], SystemError> {
        var bytes: [UInt8] = []
        var failure: Int32 = 0, isAtEnd = false
        while !isAtEnd, failure == 0 {
            let room = bytes.isEmpty ? max(expected + 1, 1 << 16) : max(bytes.count, 1 << 16)
            let piece = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
                while filled < room {
                    let count = read(descriptor, buffer.baseAddress! + filled, min(room - filled, longest))
                    if count < 0 && errno == EINTR { continue }
                    if count < 0 && errno == EAGAIN {
                        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                        _ = poll(&waited, 1, -1)
                        continue
                    }
                    guard count > 0 else {
                        if count < 0 { failure = errno }
                        isAtEnd = true
                        return
                    }
                    filled += count
                }
            }
            if bytes.isEmpty { bytes = piece } else { bytes += piece }
            if bytes.count > limit { failure = EFBIG }
        }
        return failure == 0 ? .success(bytes) : .failure(SystemError(code: failure))
    }
}

/// A system error number, for callers that know the file.
package struct SystemError: Error, Equatable {
    package let code: Int32
}
