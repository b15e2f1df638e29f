/// The first three descriptors, which every program takes for its standard streams.
package enum StandardStreams {
    /// Opens `/dev/null` on each of the descriptors 0, 1 and 2 that is closed.
    ///
    /// Otherwise the first files that are opened get these numbers, and what is printed goes into them. To be called
    /// before any file is opened.
    package static func secure() {
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
            // The lowest free number is given, which is this one, as those below are open.
            let opened = open("/dev/null", O_RDWR)
            if opened >= 0, opened != descriptor {
                dup2(opened, descriptor)
                close(opened)
            }
        }
    }
}
