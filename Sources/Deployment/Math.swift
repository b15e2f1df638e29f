#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The C library's functions for all platforms.
enum Math {
    static func log2(_ x: Double) -> Double { log(x) / 0.6931471805599453 }
    static func exp2(_ x: Double) -> Double { exp(x * 0.6931471805599453) }
}
