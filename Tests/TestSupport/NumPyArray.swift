import Foundation

/// A float32 array in NumPy's `.npy` format, version 1, row-major.
package struct NumPyArray {
    package let shape: [Int]
    package let values: [Float]

    package enum Failure: Error { case unsupported }

    package init(_ data: Data) throws {
        guard data.count > 10, data.starts(with: [0x93] + Array("NUMPY".utf8)) else {
            throw Failure.unsupported
        }
        let headerLength = Int(data[8]) | Int(data[9]) << 8
        let header = String(decoding: data[10..<10 + headerLength], as: UTF8.self)
        guard header.contains("'<f4'"), header.contains("'fortran_order': False"),
            let open = header.range(of: "'shape': ("),
            let close = header[open.upperBound...].firstIndex(of: ")")
        else { throw Failure.unsupported }
        shape = header[open.upperBound..<close].split(separator: ",").compactMap {
            Int($0.trimmingCharacters(in: .whitespaces))
        }
        let body = data[(10 + headerLength)...]
        values = [Float](unsafeUninitializedCapacity: body.count / 4) { buffer, count in
            count = body.copyBytes(to: buffer) / 4
        }
    }
}
