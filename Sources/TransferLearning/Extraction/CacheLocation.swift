import BottleneckCache
import SystemFiles

/// The location of the bottleneck cache.
enum CacheLocation {
    /// Returns the given folder, or the user's cache folder by the XDG base directory specification.
    static func directory(_ given: FilePath?) -> FilePath {
        if let given { return given }
        func variable(_ name: String) -> FilePath? {
            getenv(name).map { FilePath(cString: $0) }.flatMap { $0.bytes.isEmpty ? nil : $0 }
        }
        if let cache = variable("XDG_CACHE_HOME") { return cache.appending("cartoonctl") }
        if let home = variable("HOME") { return home.appending(".cache/cartoonctl") }
        return ".cartoonctl-cache"
    }

    static func open(_ given: FilePath?) throws(TransferLearningError) -> BottleneckCache {
        let directory = directory(given)
        do { return try BottleneckCache(directory: directory.description) } catch {
            throw TransferLearningError(error, directory: directory)
        }
    }
}
