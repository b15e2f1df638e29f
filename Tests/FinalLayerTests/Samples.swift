@testable import FinalLayer

/// Rows that Python computes alike: see the vectors in the tests, which are scikit-learn's on these numbers.
func sampleData(rows: Int, columns: Int, classes: Int) -> (FeatureMatrix, labels: [Int]) {
    var features = FeatureMatrix(columns: columns, reservingRows: rows)
    for i in 0..<rows {
        features.append(
            row: (0..<columns).map { k in
                Float((i * (2 * k + 7) + k * k * 3) % 23) / 4 - 2
                    + Float(i % classes == k % classes ? k % 5 : 0)
            })
    }
    return (features, (0..<rows).map { $0 % classes })
}

/// Workers that do everything in an order nobody would choose.
let reversedWorkers = Workers { count, body in for index in (0..<count).reversed() { body(index) } }
