import Kernels
import KernelsBaseline
#if arch(arm64)
import KernelsNEONDotprod
import KernelsNEONI8MM
#endif

// Runs the kernels whose results are the same on every processor over noise and odd sizes, and prints a hash of
// each one's results.

/// Memory of noise that a kernel reads, or that it overwrites, with room for vectors beyond the end.
struct Noise {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func bytes(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: count + 256)
        for index in 0..<(count + 256) {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            memory[index] = UInt8(truncatingIfNeeded: state >> 56)
        }
        return memory
    }

    /// Words of `-limit` to `limit`.
    mutating func words(_ count: Int, limit: Int) -> UnsafeMutablePointer<Int16> {
        let source = bytes(2 * count), memory = UnsafeMutablePointer<Int16>.allocate(capacity: count)
        for index in 0..<count {
            let number = Int(source[2 * index]) << 8 | Int(source[2 * index + 1])
            memory[index] = Int16(number % (2 * limit + 1) - limit)
        }
        return memory
    }
}

/// The FNV-1a hash of bytes.
struct Hash {
    private(set) var value: UInt32 = 2_166_136_261

    mutating func add(_ bytes: UnsafeRawPointer, _ count: Int) {
        for index in 0..<count {
            value = (value ^ UInt32(bytes.load(fromByteOffset: index, as: UInt8.self))) &* 16_777_619
        }
    }
}

@_extern(c, "print_hash") func printHash(_ name: UnsafePointer<CChar>, _ value: UInt32)

/// Prints the hash of what a kernel writes over rows of several widths.
private func trace(
    _ name: StaticString, _ kernel: (inout Noise, _ output: UnsafeMutablePointer<UInt8>, _ width: Int) -> Void
) {
    var hash = Hash()
    for width in [1, 2, 3, 7, 15, 16, 17, 33, 64, 100, 129] {
        var noise = Noise(seed: UInt64(width))
        // As much as any of them writes within its row; what is beyond stays out of the hash.
        let output = noise.bytes(3 * width + 1)
        kernel(&noise, output, width)
        hash.add(output, 2 * width)
    }
    print(name, hash)
}

private func print(_ name: StaticString, _ hash: Hash) {
    name.withUTF8Buffer { name in
        name.withMemoryRebound(to: CChar.self) { printHash($0.baseAddress!, hash.value) }
    }
}

/// The kernels of bytes of an instruction set.
struct ByteKernels {
    var convolve: (UnsafePointer<LowPrecisionPanel>) -> Void
    var tileRows: Int
    /// The faster depthwise convolution; nil where there is none.
    var convolveDepthwise: ((UnsafePointer<LowPrecisionWindowRow>, UnsafePointer<ByteFilter>) -> Void)?

    /// - Parameter level: 0 for the baseline, 1 for dot products of signed bytes, 2 for those of unsigned and signed ones.
    init(level: Int32) {
        convolve = { KernelsBaseline.convolveBytes($0) }
        tileRows = KernelsBaseline.lowPrecisionTileRows
        #if arch(arm64)
        if level == 1 {
            convolve = { KernelsNEONDotprod.convolveBytes($0) }
            tileRows = KernelsNEONDotprod.lowPrecisionTileRows
            convolveDepthwise = { KernelsNEONDotprod.convolveByteDepthwise($0, $1) }
        } else if level == 2 {
            convolve = { KernelsNEONI8MM.convolveBytes($0) }
            tileRows = KernelsNEONI8MM.lowPrecisionTileRows
            convolveDepthwise = { KernelsNEONI8MM.convolveByteDepthwise($0, $1) }
        }
        #endif
    }
}

/// Products of bytes with three filter positions, over panels of several heights and widths.
private func products(_ kernels: ByteKernels) {
    var hash = Hash()
    let depth = 24
    for (pixels, channels) in [(1, 1), (5, 4), (9, 7), (16, 8), (23, 5)] {
        var noise = Noise(seed: UInt64(pixels))
        let input = noise.bytes(64 * depth), weights = noise.bytes(3 * depth * 64)
        let rows = (pixels + kernels.tileRows - 1) / kernels.tileRows * kernels.tileRows
        let inputs = UnsafeMutablePointer<Int32>.allocate(capacity: rows)
        let outputs = UnsafeMutablePointer<Int32>.allocate(capacity: rows)
        for row in 0..<rows {
            inputs[row] = Int32(min(row, pixels - 1) * depth)
            outputs[row] = Int32(min(row, pixels - 1) * 64)
        }
        var runs = (
            FilterRun(offset: 0, length: depth),
            FilterRun(offset: depth, length: depth),
            FilterRun(offset: 5 * depth, length: depth)
        )
        let numbers = UnsafeMutablePointer<Float>.allocate(capacity: 256)
        for index in 0..<256 { numbers[index] = index < 128 ? 0.5 : Float(index - 128) }
        let sums = UnsafeMutableRawPointer.allocate(byteCount: 1 << 14, alignment: 64)
        let output = UnsafeMutableRawPointer.allocate(byteCount: 64 * 64, alignment: 64)
        output.initializeMemory(as: UInt8.self, repeating: 0, count: 64 * 64)
        withUnsafeMutablePointer(to: &runs) { runs in
            runs.withMemoryRebound(to: FilterRun.self, capacity: 3) { runs in
                var panel = LowPrecisionPanel(
                    input: input, inputOffsets: inputs, runs: runs, runCount: 3, weights: weights,
                    nextWeights: weights, factors: numbers, bias: numbers + 128, sums: sums, output: output,
                    outputOffsets: outputs, outputKind: .float32, residual: nil, residualOffsets: nil,
                    residualKind: .float32, residualFactor: 0, pixels: pixels, channels: channels,
                    lowest: -.infinity, highest: .infinity)
                kernels.convolve(&panel)
            }
        }
        hash.add(output, 64 * pixels)
    }
    print("convolveBytes", hash)
}

/// Depthwise convolutions of bytes to bytes, of several windows, strides and numbers of channels.
private func depthwise(_ kernels: ByteKernels) {
    var hash = Hash()
    let height = 7, pixel = 64, rowBytes = 40 * pixel
    for (size, stride, channels) in [(3, 1, 64), (3, 2, 5), (5, 1, 37), (5, 2, 16), (7, 1, 30), (1, 1, 33)] {
        var noise = Noise(seed: UInt64(channels))
        let input = noise.bytes(height * rowBytes), values = noise.bytes(size * size * 64), width = 9
        let output = noise.bytes(width * pixel)
        let terms = UnsafeMutablePointer<Float>.allocate(capacity: 128)
        for index in 0..<128 { terms[index] = index < 64 ? Float(index + 1) / 4096 : Float(index) }
        var row = LowPrecisionWindowRow(
            input: input, inputKind: .uint8, inputRowStride: rowBytes, inputPixelStride: pixel,
            output: output, outputKind: .uint8, outputPixelStride: pixel, width: width, stride: stride,
            windowHeight: size, windowWidth: size, channels: channels, lowest: 3, highest: 250)
        if let convolve = kernels.convolveDepthwise {
            var filter = ByteFilter(
                weights: interleaved(values, size, channels), factors: terms, bias: terms + 64)
            convolve(&row, &filter)
        } else {
            let weights = UnsafeMutablePointer<Float>.allocate(capacity: size * size * 64)
            for index in 0..<size * size * 64 { weights[index] = Float(Int8(bitPattern: values[index])) }
            var filter = LowPrecisionFilter(weights: weights, stride: 64, factors: terms, bias: terms + 64)
            convolveLowPrecisionDepthwise(&row, &filter)
        }
        hash.add(output, width * pixel)
    }
    print("byteDepthwise", hash)
}

/// Packs weights of `[size, size, 64]` as `ByteFilter` says.
private func interleaved(_ values: UnsafePointer<UInt8>, _ size: Int, _ channels: Int) -> UnsafeRawPointer {
    let groups = (size + 3) / 4, count = 2 * groups * size * 128
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
    memory.initialize(repeating: 0, count: count)
    for channel in 0..<channels {
        let number = channel % 32, vector = number % 16 / 4, member = number / 16 * 4 + number % 4
        for place in 0..<size {
            let y = ByteFilter.row(at: place, of: size)
            for x in 0..<size {
                let record = (channel / 32 * groups + place / 4) * size + x
                memory[128 * record + 32 * vector + 4 * member + place % 4] =
                    values[
                        (y * size + x) * 64 + channel]
            }
        }
    }
    return UnsafeRawPointer(memory)
}

/// - Parameter level: The dot products of bytes that the processor has; see `ByteKernels`.
@_cdecl("trace_kernels")
public func traceKernels(level: Int32) {
    trace("convertYCbCr") { noise, output, width in
        convertYCbCr(noise.bytes(width), noise.bytes(width), noise.bytes(width), output, width: width)
    }
    trace("interleave") { noise, output, width in
        interleave(noise.bytes(width), noise.bytes(width), noise.bytes(width), output, width: width)
    }
    trace("expandRow") { noise, output, width in expandRow(noise.bytes(width), output, width: width) }
    trace("expandBoth") { noise, output, width in
        expandBoth(noise.bytes(width), noise.bytes(width), output, width: width)
    }
    trace("upsampleFancy") { noise, output, width in
        upsampleFancy(noise.bytes(width), noise.bytes(width), output, pairs: width / 2)
    }
    trace("convertYUV") { noise, output, width in
        convertYUV(noise.bytes(width), noise.bytes(width), noise.bytes(width), output, width: width)
    }
    transforms("transformAccurate") { transformAccurate($0, $1, to: $2, stride: $3) }
    transforms("transformFast") { transformFast($0, $1, to: $2, stride: $3) }
    products(ByteKernels(level: level))
    depthwise(ByteKernels(level: level))
}

/// Prints the hash of what a transform makes of four blocks of small and of large coefficients.
private func transforms(
    _ name: StaticString,
    _ transform: (UnsafePointer<Int16>, UnsafePointer<Int16>, UnsafeMutablePointer<UInt8>, Int) -> Void
) {
    var hash = Hash()
    for limit in [0, 3, 60, 1023] {
        var noise = Noise(seed: UInt64(limit))
        let output = noise.bytes(8 * 32)
        transform(noise.words(256, limit: limit), noise.words(64, limit: 16), output, 32)
        hash.add(output, 8 * 32)
    }
    print(name, hash)
}
