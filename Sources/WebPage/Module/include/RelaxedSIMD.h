/// An instruction of WebAssembly's relaxed SIMD.
/// Source: https://github.com/WebAssembly/relaxed-simd/blob/main/proposals/relaxed-simd/Overview.md
#pragma once

#ifdef __wasm_relaxed_simd__
typedef float relaxed_vector __attribute__((ext_vector_type(4)));

/// Returns `a * b + c`, rounded once or twice, as the processor does it faster.
static inline relaxed_vector relaxed_multiply_add(relaxed_vector a, relaxed_vector b, relaxed_vector c) {
    return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
}
#endif
