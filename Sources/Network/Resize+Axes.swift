extension Network.Resize {
    /// The resizing of one axis: each entry of the result is a weighted sum of the same number of source entries.
    package struct Axis: Sendable {
        /// The number of source entries per entry of the result.
        package var taps: Int
        /// The source entries and their weights, `[size, taps]` each.
        package var places: [Int32]
        package var weights: [Float]
        package var size: Int { places.count / taps }

        /// - Parameters:
        ///   - taps: The number of source entries per entry of the result.
        ///   - places: The source entries, `[size, taps]`.
        ///   - weights: Their weights, `[size, taps]`.
        package init(taps: Int, places: [Int32], weights: [Float]) {
            (self.taps, self.places, self.weights) = (taps, places, weights)
        }

        /// Returns the weights as a matrix, `[size, source]`.
        ///
        /// - Parameter source: The number of source entries.
        package func matrix(from source: Int) -> [Float] {
            var matrix = [Float](repeating: 0, count: size * source)
            for (index, place) in places.enumerated() {
                matrix[index / taps * source + Int(place)] += weights[index]
            }
            return matrix
        }
    }

    /// Returns the resizing of the height and of the width.
    ///
    /// - Parameter shape: The image's shape, `[N, height, width, channels]`.
    package func axes(from shape: [Int]) -> (vertical: Axis, horizontal: Axis) {
        (axis(from: shape[1], to: height, scaleY), axis(from: shape[2], to: width, scaleX))
    }

    private func axis(from source: Int, to size: Int, _ scale: Float?) -> Axis {
        let scale = scale.map { Double($0) } ?? Double(size) / Double(source)
        func coordinate(_ x: Int) -> Double {
            switch coordinates {
            case .asymmetric: Double(x) / scale
            case .halfPixel: (Double(x) + 0.5) / scale - 0.5
            case .torchHalfPixel: size > 1 ? (Double(x) + 0.5) / scale - 0.5 : 0
            case .alignedCorners: size > 1 ? Double(x) * Double(source - 1) / Double(size - 1) : 0
            case .halfPixelNearest: (Double(x) + 0.5) / scale
            }
        }
        func place(_ x: Double) -> Int32 { Int32(min(max(x, 0), Double(source - 1))) }
        var axis: Axis
        switch method {
        case .nearest(let rounding):
            axis = Axis(taps: 1, places: [], weights: [Float](repeating: 1, count: size))
            for x in 0..<size {
                let at = coordinate(x)
                let rounded =
                    switch rounding {
                    case .floor: at.rounded(.down)
                    case .ceil: at.rounded(.up)
                    case .halfDown: (at - 0.5).rounded(.up)
                    case .halfUp: (at + 0.5).rounded(.down)
                    }
                axis.places.append(place(rounded))
            }
        case .linear:
            axis = Axis(taps: 2, places: [], weights: [])
            for x in 0..<size {
                let at = min(max(coordinate(x), 0), Double(source - 1)), lower = at.rounded(.down)
                axis.places += [place(lower), place(lower + 1)]
                axis.weights += [Float(1 - (at - lower)), Float(at - lower)]
            }
        case .cubic(let coefficient):
            let a = Double(coefficient)
            func weight(_ distance: Double) -> Double {
                let d = abs(distance)
                if d <= 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
                return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0
            }
            axis = Axis(taps: 4, places: [], weights: [])
            for x in 0..<size {
                let at = coordinate(x), lower = at.rounded(.down)
                for tap in -1...2 {
                    axis.places.append(place(lower + Double(tap)))
                    axis.weights.append(Float(weight(at - lower - Double(tap))))
                }
            }
        }
        return axis
    }
}
