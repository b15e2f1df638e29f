#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Natural logarithm, for losses that are reported and compared, never fed back into the weights' bits.
func logarithm(_ x: Double) -> Double { log(x) }
