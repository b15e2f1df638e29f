@inline(__always) var lanes: Int { Vector.scalarCount }

@inline(__always) func load(_ p: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(p).loadUnaligned(as: Vector.self)
}
@inline(__always) func store(_ v: Vector, _ p: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(p).storeBytes(of: v, as: Vector.self)
}
@inline(__always) func clamp(_ v: Vector, _ lowest: Vector, _ highest: Vector) -> Vector {
    let v = v.replacing(with: lowest, where: v .< lowest)
    return v.replacing(with: highest, where: v .> highest)
}
