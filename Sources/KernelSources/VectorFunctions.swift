// Elementary functions of vectors by polynomials fitted at Chebyshev nodes. Relative errors are a few units
// in the last place unless stated otherwise. NaN results in NaN. They are transparent because the compiler does
// not inline all of them otherwise, and passing a vector to a function costs more than most of them.

private typealias LaneBits = Vector.MaskStorage

@_transparent private func splat(_ x: Float) -> Vector { Vector(repeating: x) }

extension Vector {
    /// One step of Horner's scheme: `self * x + coefficient`.
    @_transparent fileprivate func times(_ x: Vector, plus coefficient: Float) -> Vector {
        var sum = splat(coefficient)
        sum.accumulate(self, x)
        return sum
    }
}

/// Rounds to the nearest integer, ties to even, for magnitudes up to 2²².
@_transparent private func nearest(_ x: Vector) -> Vector { (x + splat(12_582_912)) - splat(12_582_912) }

@_transparent func absolute(_ x: Vector) -> Vector {
    unsafeBitCast(unsafeBitCast(x, to: LaneBits.self) & LaneBits(repeating: 0x7FFF_FFFF), to: Vector.self)
}

@_transparent private func withSign(_ magnitude: Vector, of x: Vector) -> Vector {
    let sign =
        unsafeBitCast(x, to: LaneBits.self)
        & LaneBits(repeating: LaneBits.Scalar(bitPattern: 0x8000_0000))
    return unsafeBitCast(unsafeBitCast(magnitude, to: LaneBits.self) | sign, to: Vector.self)
}

/// Returns `e^x` as an integer power of 2 times a polynomial on [−½ ln 2, ½ ln 2]; 0 below −87.33.
@_transparent func exponential(_ x: Vector) -> Vector {
    let bounded = clamp(x, splat(-87.336_54), splat(88.722_83))
    let result = exponential(ofBounded: bounded).replacing(with: splat(0), where: x .< splat(-87.336_54))
        .replacing(with: splat(.infinity), where: x .> splat(88.722_83))
    return result.replacing(with: x, where: x .!= x)
}

/// Returns `e^x` for x ≤ 0, the same as `exponential` in fewer operations.
@_transparent func exponential(ofNonpositive x: Vector) -> Vector {
    let least = splat(-87.336_54)
    let result = exponential(ofBounded: x.replacing(with: least, where: x .< least))
        .replacing(with: splat(0), where: x .< least)
    return result.replacing(with: x, where: x .!= x)
}

@_transparent private func exponential(ofBounded bounded: Vector) -> Vector {
    let shifted = bounded * splat(1.442_695_04) + splat(12_582_912)
    let power = shifted - splat(12_582_912)
    // ln 2 is split in two parts, the first with few digits, so that its product is exact.
    let rest = bounded - power * splat(0.693_359_375) + power * splat(2.121_944_4e-4)
    var result = splat(1) + rest
    result.accumulate(
        rest * rest,
        splat(0.001_393_454_27).times(rest, plus: 0.008_363_776_47).times(rest, plus: 0.041_666_456_8).times(
            rest, plus: 0.166_665_734
        ).times(rest, plus: 0.5))
    let exponent = unsafeBitCast(shifted, to: LaneBits.self) &<< LaneBits(repeating: 23)
    return unsafeBitCast(unsafeBitCast(result, to: LaneBits.self) &+ exponent, to: Vector.self)
}

/// Returns `e^x − 1`.
@_transparent func exponentialMinusOne(_ x: Vector) -> Vector {
    let near =
        x
        * splat(2.510_713_59e-5).times(x, plus: 2.011_302_98e-4).times(x, plus: 0.001_388_776_39).times(
            x, plus: 0.008_332_499_33
        ).times(x, plus: 0.041_666_682).times(x, plus: 0.166_666_748).times(x, plus: 0.5).times(x, plus: 1)
    return (exponential(x) - splat(1)).replacing(with: near, where: absolute(x) .< splat(0.7))
}

/// Returns the natural logarithm; −∞ below the smallest normal number, NaN for negative numbers.
@_transparent func logarithm(_ x: Vector) -> Vector {
    let bits = unsafeBitCast(x, to: LaneBits.self)
    // This splits off the exponent so that the mantissa lies between √½ and √2.
    let offset = bits &- LaneBits(repeating: 0x3F35_04F3)
    let power = offset &>> LaneBits(repeating: 23)
    let mantissa = unsafeBitCast(
        bits &- (power &<< LaneBits(repeating: 23)), to: Vector.self)
    // Adding to the bits of 1.5 · 2²³ converts small integers to floats.
    let exponent =
        unsafeBitCast(power &+ LaneBits(repeating: 0x4B40_0000), to: Vector.self) - splat(12_582_912)
    let v = mantissa - splat(1), square = v * v
    let cubed = splat(-0.081_015_581_1).times(v, plus: 0.127_123_076).times(v, plus: -0.129_722_39).times(
        v, plus: 0.142_021_738
    ).times(v, plus: -0.166_422_476).times(v, plus: 0.200_014_686).times(v, plus: -0.250_002_965).times(
        v, plus: 0.333_333_286)
    let small = v * square * cubed - exponent * splat(2.121_944_4e-4) - splat(0.5) * square
    var result = v + small + exponent * splat(0.693_359_375)
    result = result.replacing(with: splat(-.infinity), where: x .< splat(Float.leastNormalMagnitude))
    result = result.replacing(with: splat(.nan), where: x .< splat(0))
    result = result.replacing(with: splat(.infinity), where: x .== splat(.infinity))
    return result.replacing(with: x, where: x .!= x)
}

/// Returns `1 / (1 + e^−x)`.
@_transparent func sigmoid(_ x: Vector) -> Vector { splat(1) / (splat(1) + exponential(-x)) }

@_transparent func hyperbolicTangent(_ x: Vector) -> Vector {
    let magnitude = absolute(x), square = x * x
    let near =
        x + x * square
        * splat(0.002_295_850_01).times(square, plus: -0.008_346_989_89).times(square, plus: 0.021_769_964_6)
        .times(square, plus: -0.053_959_406_5).times(square, plus: 0.133_333_043).times(
            square, plus: -0.333_333_332)
    let far = splat(1) - splat(2) / (exponential(magnitude + magnitude) + splat(1))
    return withSign(far, of: x).replacing(with: near, where: magnitude .< splat(0.625))
}

/// Returns `ln(1 + e^x)`.
@_transparent func softplus(_ x: Vector) -> Vector {
    let y = exponential(-absolute(x))
    let logarithm =
        y
        * splat(0.002_037_690_45).times(y, plus: -0.013_444_830_8).times(y, plus: 0.041_557_622_1).times(
            y, plus: -0.082_535_331_5
        ).times(y, plus: 0.124_251_029).times(y, plus: -0.161_086_319).times(y, plus: 0.198_915_375).times(
            y, plus: -0.249_873_928
        ).times(y, plus: 0.333_325_692).times(y, plus: -0.499_999_817).times(y, plus: 1)
    return x.replacing(with: splat(0), where: x .< splat(0)) + logarithm
}

/// Returns `erf(x)` for magnitudes up to 0.85.
@_transparent private func errorFunctionNearZero(_ x: Vector) -> Vector {
    let square = x * x
    return x
        * splat(8.853_866_27e-5).times(square, plus: -8.248_131_47e-4).times(square, plus: 0.005_209_613_33)
        .times(square, plus: -0.026_862_601).times(square, plus: 0.112_837_492).times(
            square, plus: -0.376_126_37
        ).times(square, plus: 1.128_379_17)
}

/// Returns `erfc(x)` for x ≥ 0, as `t · exp(p(t) − x²)` with t = 2 / (2 + x).
///
/// - Source: Press et al., "Numerical Recipes", §6.2, for the form.
@_transparent private func complementaryErrorFunction(ofMagnitude x: Vector) -> Vector {
    let t = splat(2) / (splat(2) + x)
    let p = splat(0.175_685_968).times(t, plus: -0.845_208_577).times(t, plus: 1.535_111_29).times(
        t, plus: -1.186_843_53
    ).times(t, plus: 0.313_015_626).times(t, plus: -0.200_019_903).times(t, plus: 0.100_060_85).times(
        t, plus: 0.373_660_619
    ).times(t, plus: 1.000_050_5).times(t, plus: -1.265_512_77)
    return t * exponential(p - x * x)
}

@_transparent func errorFunction(_ x: Vector) -> Vector {
    let magnitude = absolute(x)
    let far = withSign(splat(1) - complementaryErrorFunction(ofMagnitude: magnitude), of: x)
    return far.replacing(with: errorFunctionNearZero(x), where: magnitude .< splat(0.85))
}

@_transparent func complementaryErrorFunction(_ x: Vector) -> Vector {
    let magnitude = absolute(x)
    let tail = complementaryErrorFunction(ofMagnitude: magnitude)
    let far = tail.replacing(with: splat(2) - tail, where: x .< splat(0))
    return far.replacing(with: splat(1) - errorFunctionNearZero(x), where: magnitude .< splat(0.5))
}

/// Returns `x · Φ(x)`, where Φ is the cumulative normal distribution, as `max(x, 0) − |x| · Φ(−|x|)`. The latter
/// is a polynomial of |x| up to 6, where it is 6e-9; the absolute error is 2e-7, or a few units in the last place.
@_transparent func gelu(_ x: Vector) -> Vector {
    let magnitude = absolute(x)
    let t = magnitude.replacing(with: splat(6), where: magnitude .> splat(6)).times(
        splat(1 / 3), plus: -1)
    let bump = splat(0.027_229_178_7).times(t, plus: -0.019_549_924_9).times(t, plus: -0.150_752_261).times(
        t, plus: 0.156_529_68
    ).times(t, plus: 0.309_188_634).times(t, plus: -0.509_295_285).times(t, plus: -0.139_492_02).times(
        t, plus: 0.782_326_579
    ).times(t, plus: -0.513_283_134).times(t, plus: -0.319_934_189).times(t, plus: 0.802_900_195).times(
        t, plus: -0.562_561_393
    ).times(t, plus: -8.518_401_3e-4).times(t, plus: 0.328_823_686).times(t, plus: -0.299_101_025).times(
        t, plus: 0.139_611_244
    ).times(t, plus: -0.035_837_754_6).times(t, plus: 0.004_049_649_93)
    return x.replacing(with: splat(0), where: x .< splat(0)) - bump
}

/// Returns `x · (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`, with the hyperbolic tangent expressed as a
/// sigmoid.
@_transparent func geluByTangent(_ x: Vector) -> Vector {
    x * sigmoid(x * (splat(1.595_769_12) + splat(0.071_354_816) * (x * x)))
}

/// Rounds down; numbers of magnitude 2²² and more are returned unchanged.
@_transparent func floor(_ x: Vector) -> Vector {
    let near = nearest(x)
    let result = near.replacing(with: near - splat(1), where: near .> x)
    return x.replacing(with: result, where: absolute(x) .< splat(4_194_304))
}

@_transparent func roundedToEven(_ x: Vector) -> Vector {
    x.replacing(with: nearest(x), where: absolute(x) .< splat(4_194_304))
}

@_transparent func squareRoot(_ x: Vector) -> Vector {
    var result = x
    for lane in 0..<lanes { result[lane] = x[lane].squareRoot() }
    return result
}

/// Returns the sum of all lanes, added in halves.
@_transparent func sum(_ x: Vector) -> Float {
    var total = x, count = lanes
    while count > 1 {
        count /= 2
        var other = total
        for lane in 0..<count { other[lane] = total[lane &+ count] }
        total += other
    }
    return total[0]
}

/// Returns the largest lane.
@_transparent func largest(_ x: Vector) -> Float {
    var most = x, count = lanes
    while count > 1 {
        count /= 2
        var other = most
        for lane in 0..<count { other[lane] = most[lane &+ count] }
        most = most.replacing(with: other, where: other .> most)
    }
    return most[0]
}
