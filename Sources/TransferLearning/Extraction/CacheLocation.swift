import BottleneckCache
import SystemFiles

/// The location of the bottleneck cache.
enum CacheLocation {
    /// Returns the given folder, or the user's cache folder by the XDG base directory specification.
    ///
    /// - Parameters:
    ///   - given: The folder of `--bottleneck_dir`.
    ///   - variable: Returns the value of an environment variable.
    static func directory(
        _ given: FilePath?,
        variable: (String) -> FilePath? = { getenv($0).map { FilePath(cString: $0) } }
    ) -> FilePath {
        if let given { return given }
        func path(_ name: String) -> FilePath? {
            variable(name).flatMap { $0.bytes.isEmpty ? nil : $0 }
        }
        // The specification has relative paths ignored.
        if let cache = path("XDG_CACHE_HOME"), cache.bytes.first == UInt8(ascii: "/") {
            return cache.appending("cartoonctl")
        }
        if let home = path("HOME") { return home.appending(".cache/cartoonctl") }
        return ".cartoonctl-cache"
    }

    static func open(_ given: FilePath?) throws(TransferLearningError) -> BottleneckCache {
        let directory = directory(given)
        do { return try BottleneckCache(directory: directory.description) } catch {
            throw TransferLearningError(error, directory: directory)
        }
    }
}
