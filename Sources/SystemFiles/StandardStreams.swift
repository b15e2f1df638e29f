/// The descriptors 0, 1 and 2, which programs use as standard streams.
package enum StandardStreams {
    /// Opens `/dev/null` on each of the descriptors 0, 1 and 2 that is closed.
    ///
    /// Otherwise the first opened files would get these numbers and receive printed output. This must be
    /// called before any file is opened.
    package static func secure() {
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
            // The system returns the lowest free number, which is this one, because those below are open.
            let opened = open("/dev/null", O_RDWR)
            if opened >= 0, opened != descriptor {
                dup2(opened, descriptor)
                close(opened)
            }
        }
    }
}
