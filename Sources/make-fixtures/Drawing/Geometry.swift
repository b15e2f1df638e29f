/// A point or a displacement; x increases to the right and y downwards.
typealias Point = SIMD2<Double>

/// Returns the unit vector at an angle from the x axis, clockwise on the screen.
///
/// It does not use libm's sine, whose last bit differs between machines while the images must not. IEEE
/// addition, multiplication, division and square root are the same everywhere, and Swift never fuses them.
func direction(degrees: Double) -> Point {
    let quarters = (degrees / 90).rounded()
    let x = (degrees - quarters * 90) * (Double.pi / 180)
    let square = x * x
    let sine = x * (1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72))))
    let cosine =
        1 - square / 2 * (1 - square / 12 * (1 - square / 30 * (1 - square / 56 * (1 - square / 90))))
    switch Int(quarters) & 3 {
    case 0: return Point(cosine, sine)
    case 1: return Point(-sine, cosine)
    case 2: return Point(-cosine, -sine)
    default: return Point(sine, -cosine)
    }
}

func length(_ vector: Point) -> Double { (vector.x * vector.x + vector.y * vector.y).squareRoot() }

func mix(_ a: Point, _ b: Point, _ share: Double) -> Point { a + (b - a) * share }

/// An affine map, given by the images of the unit vectors and of the origin.
struct Transform {
    var x = Point(1, 0), y = Point(0, 1), origin = Point(0, 0)

    init() {}

    /// Creates a map that scales, then rotates, then translates; a negative `scale.x` mirrors.
    init(move: Point = .zero, turn degrees: Double = 0, scale: Point = Point(1, 1)) {
        let along = direction(degrees: degrees)
        x = along * scale.x
        y = Point(-along.y, along.x) * scale.y
        origin = move
    }

    func callAsFunction(_ p: Point) -> Point { x * p.x + y * p.y + origin }

    /// Returns the composition of this map after `inner`.
    func callAsFunction(_ inner: Transform) -> Transform {
        var result = Transform()
        result.x = x * inner.x.x + y * inner.x.y
        result.y = x * inner.y.x + y * inner.y.y
        result.origin = self(inner.origin)
        return result
    }

    /// The factor of lengths; maps here scale both axes about equally.
    var magnification: Double { (length(x) + length(y)) / 2 }
}
