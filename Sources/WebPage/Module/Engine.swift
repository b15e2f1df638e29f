import EngineRuntime
import PortableProgram

/// An `Engine` is a loaded program, which classifies one picture after another.
///
/// The page calls the functions below, whose addresses and counts are 32-bit numbers: `engine_open` once,
/// then for each picture `engine_picture`, which says where to write its RGBA pixels, and `engine_run`.
private struct Engine {
    let program: Program
    let block: UnsafeMutablePointer<Float>
}

nonisolated(unsafe) private var engine: Engine?
/// The memory for pictures and its size in bytes.
nonisolated(unsafe) private var picture: (pixels: UnsafeMutablePointer<UInt8>, room: Int)?

/// Reserves memory for a program; the result is 0 where there is none.
@_cdecl("engine_allocate")
public func allocateBytes(_ count: Int32) -> UnsafeMutableRawPointer? {
    count > 0 ? engine_reserve(Int(count)) : nil
}

/// Loads a program.
///
/// - Returns: 0 where it is none, or takes more memory than there is.
@_cdecl("engine_open")
public func open(_ bytes: UnsafeRawPointer?, _ count: Int32) -> Int32 {
    guard count > 0, let program = Program(UnsafeRawBufferPointer(start: bytes, count: Int(count))),
        let memory = engine_reserve(4 * program.blockSize)
    else { return 0 }
    let block = memory.bindMemory(to: Float.self, capacity: program.blockSize)
    program.load(into: block)
    engine = Engine(program: program, block: block)
    return 1
}

/// Returns the number of scores.
@_cdecl("engine_labels")
public func labelCount() -> Int32 { engine?.program.header.scores.channels ?? 0 }

/// Returns 1 where the model has a novelty rule, else 0.
@_cdecl("engine_knows_strangers")
public func knowsStrangers() -> Int32 { engine?.program.header.familiarity.exists == true ? 1 : 0 }

/// Returns the address to which the RGBA pixels of a picture are written, row by row; 0 where memory is
/// short.
@_cdecl("engine_picture")
public func room(_ width: Int32, _ height: Int32) -> UnsafeMutablePointer<UInt8>? {
    guard let bytes = byteCount(width, height) else { return nil }
    if let picture, picture.room >= bytes { return picture.pixels }
    guard let memory = engine_reserve(bytes) else { return nil }
    let pixels = memory.bindMemory(to: UInt8.self, capacity: bytes)
    picture = (pixels, bytes)
    return pixels
}

/// Resizes the picture as `classify` does and runs the network.
///
/// - Returns: The address of the scores, float32; 0 without a program or a picture.
@_cdecl("engine_run")
public func run(_ width: Int32, _ height: Int32) -> UnsafePointer<Float>? {
    guard let engine, let bytes = byteCount(width, height), let picture, picture.room >= bytes else {
        return nil
    }
    let header = engine.program.header, mark = engine_mark()
    var resizer = InputResizer(
        output: engine.block + Int(header.input.offset), width: Int(header.input.width),
        height: Int(header.input.height), mean: header.mean, scale: header.scale,
        filter: ResizeFilter(header.resize))
    try? resizer.begin(ImageHeader(width: Int(width), height: Int(height), channels: 4, orientation: 1))
    for y in 0..<Int(height) { resizer.append(row: picture.pixels + y * Int(width) * 4) }
    engine_release(mark)
    engine.program.run(in: engine.block)
    return UnsafePointer(engine.block + Int(header.scores.offset))
}

extension ResizeFilter {
    /// Translates the filter that a program's header names.
    fileprivate init(_ code: Int32) {
        switch ProgramHeader.Resize(rawValue: code) {
        case .antialiased: self = .antialiased
        case .fixedPoint: self = .fixedPoint
        case .bilinear, nil: self = .legacyBilinear
        }
    }
}

/// Returns the familiarity of the last picture, the share of the training pictures that were at least as
/// novel; 1 without a novelty rule.
@_cdecl("engine_familiarity")
public func familiarity() -> Float {
    guard let engine, engine.program.header.familiarity.exists else { return 1 }
    return engine.block[Int(engine.program.header.familiarity.offset) + 1]
}

/// Returns the size of RGBA pixels in bytes; nil for sizes that no canvas has.
private func byteCount(_ width: Int32, _ height: Int32) -> Int? {
    guard width > 0, height > 0, width <= 1 << 15, height <= 1 << 15,
        Int64(width) * Int64(height) <= 1 << 27
    else { return nil }
    return Int(width) * Int(height) * 4
}

/// Loads a program, classifies one picture and returns a hash of the results, by which tests compare this
/// module with the same sources compiled natively.
///
/// - Returns: The FNV-1a hash of the bits of the scores and of the familiarity, if there is one; 0 where the
///   program cannot be run.
@_cdecl("engine_fingerprint")
public func fingerprint(
    _ program: UnsafeRawPointer?, _ count: Int32, _ pixels: UnsafePointer<UInt8>?, _ width: Int32,
    _ height: Int32
) -> UInt32 {
    guard open(program, count) == 1, let pixels, let bytes = byteCount(width, height),
        let place = room(width, height)
    else { return 0 }
    place.update(from: pixels, count: bytes)
    guard let scores = run(width, height) else { return 0 }
    var hash: UInt32 = 2_166_136_261
    for index in 0..<Int(labelCount()) { hash = (hash ^ scores[index].bitPattern) &* 16_777_619 }
    if knowsStrangers() == 1 { hash = (hash ^ familiarity().bitPattern) &* 16_777_619 }
    return hash
}
