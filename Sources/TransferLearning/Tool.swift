import BuildInformation
import KernelDispatch

/// Properties of the program that files and reports contain.
public enum Tool {
    public static let version = "0.2.0"
    /// The commit from which the program was built, in hexadecimal; nil if it is unknown.
    public static var commit: String? {
        let text = String(cString: cartoonctl_commit())
        return text.isEmpty ? nil : text
    }
    /// What is wrong with the environment variable `CARTOONCTL_INSTRUCTION_SET`, which chooses among the kernels; nil if
    /// it is unset or names a set that the processor supports. Where it is wrong, the fastest set is used.
    public static var instructionSetComplaint: String? { KernelSet.complaint }
}

/// Formats a number with a fixed number of decimals, rounded half away from zero.
public func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let whole = (value.magnitude * scale).rounded()
    guard whole < 1e18 else { return "\(value)" }
    let text = String(Int(whole))
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    let sign = value < 0 && whole > 0 ? "-" : ""
    return digits == 0 ? sign + padded : "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
}
