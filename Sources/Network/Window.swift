extension Network {
    /// The movement of a window over an image `[N, H, W, C]`.
    package struct Window: Sendable, Equatable {
        package var height, width: Int
        package var strideY, strideX: Int
        package var dilationY, dilationX: Int
        /// The zero padding around the image.
        package var padding: Margin
        /// Whether a last window that starts within the image or its leading padding may extend beyond the
        /// trailing padding, as with PyTorch's `ceil_mode`; values there are never counted.
        package var roundsUp: Bool

        package init(
            height: Int, width: Int, strideY: Int = 1, strideX: Int = 1, dilationY: Int = 1,
            dilationX: Int = 1, padding: Margin = Margin(), roundsUp: Bool = false
        ) {
            (self.height, self.width, self.strideY, self.strideX) = (height, width, strideY, strideX)
            (self.dilationY, self.dilationX) = (dilationY, dilationX)
            (self.padding, self.roundsUp) = (padding, roundsUp)
        }

        /// Returns the height and width of the result; nil if no window fits or a parameter is invalid.
        package func size(over height: Int, _ width: Int) -> (height: Int, width: Int)? {
            guard
                let y = Self.count(
                    height, self.height, strideY, dilationY, padding.top, padding.bottom, roundsUp),
                let x = Self.count(
                    width, self.width, strideX, dilationX, padding.left, padding.right, roundsUp)
            else { return nil }
            return (y, x)
        }

        private static func count(
            _ size: Int, _ window: Int, _ stride: Int, _ dilation: Int, _ before: Int, _ after: Int,
            _ roundsUp: Bool
        ) -> Int? {
            let limit = 1 << 20
            guard (1...limit).contains(window), (1...limit).contains(stride), (1...limit).contains(dilation),
                (0...limit).contains(before), (0...limit).contains(after)
            else { return nil }
            let room = size + before + after - ((window - 1) * dilation + 1)
            guard room >= 0 else { return nil }
            var count = (room + (roundsUp ? stride - 1 : 0)) / stride + 1
            if roundsUp, (count - 1) * stride >= size + before { count -= 1 }
            return count
        }
    }

    /// Pixels on the four sides of an image.
    package struct Margin: Sendable, Equatable {
        package var top, left, bottom, right: Int
        package init(top: Int = 0, left: Int = 0, bottom: Int = 0, right: Int = 0) {
            (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
        }
        package var isEmpty: Bool { self == Margin() }
    }

    /// The resizing of an image `[N, H, W, C]` to another height and width.
    package struct Resize: Sendable, Equatable {
        package enum Method: Sendable, Equatable {
            case nearest(Rounding)
            case linear
            /// Keys' cubic convolution with coefficient a: −0.75 in PyTorch, −0.5 in Pillow and TensorFlow.
            case cubic(coefficient: Float)
        }
        /// The rounding of a source coordinate for `nearest`.
        package enum Rounding: String, Sendable { case floor, ceil, halfDown, halfUp }
        /// The source coordinate of pixel x of the result; `scale` is result / source.
        package enum Coordinates: String, Sendable {
            /// x / scale.
            case asymmetric
            /// (x + ½) / scale − ½.
            case halfPixel
            /// Like `halfPixel`, but 0 if the result has size 1.
            case torchHalfPixel
            /// x · (source − 1) / (result − 1), or 0 if the result has size 1.
            case alignedCorners
            /// (x + ½) / scale, TensorFlow's nearest neighbour with half-pixel centers.
            case halfPixelNearest
        }
        package var height, width: Int
        package var method: Method
        package var coordinates: Coordinates
        /// The scale for the formulas if the file declares it instead of the size; nil means result / source.
        package var scaleY, scaleX: Float?

        package init(
            height: Int, width: Int, method: Method, coordinates: Coordinates, scaleY: Float? = nil,
            scaleX: Float? = nil
        ) {
            (self.height, self.width, self.method) = (height, width, method)
            (self.coordinates, self.scaleY, self.scaleX) = (coordinates, scaleY, scaleX)
        }
    }
}
