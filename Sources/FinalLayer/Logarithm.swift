#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Returns the natural logarithm, for losses that are reported and compared but do not influence the weights'
/// bits.
func logarithm(_ x: Double) -> Double { log(x) }
