/// Vector operations that Swift's SIMD types cannot express: dot products of 8-bit integers and bfloat16
/// numbers, conversions between element types, and the treatment of denormals. They are compiled with each
/// instruction set's flags; every function gives the same bits in all of them.
#pragma once
#include <stdint.h>
#include <string.h>
#include "ByteOperations.h"
#include "WordOperations.h"
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define VECTOR_INLINE static inline __attribute__((always_inline))
#define VECTOR_TYPES(n) \
    typedef float vector_f32x##n __attribute__((ext_vector_type(n))); \
    typedef int32_t vector_i32x##n __attribute__((ext_vector_type(n))); \
    typedef uint32_t vector_u32x##n __attribute__((ext_vector_type(n))); \
    typedef uint16_t vector_u16x##n __attribute__((ext_vector_type(n))); \
    typedef uint8_t vector_u8x##n __attribute__((ext_vector_type(n)));
VECTOR_TYPES(4)
VECTOR_TYPES(8)
VECTOR_TYPES(16)

/// Conversions. `bytes_of_floats` takes numbers from 0 to 255 and rounds to nearest, ties to even: adding 1.5
/// · 2²³ leaves the integer in the lowest bits of the mantissa. `rounded` rounds to bfloat16 with ties to
/// even and returns floats; `bfloat16_of_floats` converts such floats.
#define VECTOR_CONVERSIONS(n) \
    VECTOR_INLINE vector_f32x##n vector_floats_of_bytes_##n(vector_u8x##n v) { \
        return __builtin_convertvector(__builtin_convertvector(v, vector_i32x##n), vector_f32x##n); \
    } \
    VECTOR_INLINE vector_f32x##n vector_floats_of_ints_##n(vector_i32x##n v) { return __builtin_convertvector(v, vector_f32x##n); } \
    VECTOR_INLINE vector_u8x##n vector_bytes_of_floats_##n(vector_f32x##n v) { \
        vector_f32x##n shifted = v + 12582912.0f; \
        vector_i32x##n bits; \
        memcpy(&bits, &shifted, sizeof bits); \
        return __builtin_convertvector(bits, vector_u8x##n); \
    } \
    VECTOR_INLINE vector_f32x##n vector_rounded_##n(vector_f32x##n v) { \
        vector_u32x##n bits; \
        memcpy(&bits, &v, sizeof bits); \
        bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u; \
        memcpy(&v, &bits, sizeof bits); \
        return v; \
    } \
    VECTOR_INLINE vector_u16x##n vector_bfloat16_of_floats_##n(vector_f32x##n v) { \
        vector_u32x##n bits; \
        memcpy(&bits, &v, sizeof bits); \
        return __builtin_convertvector(bits >> 16, vector_u16x##n); \
    } \
    VECTOR_INLINE vector_f32x##n vector_floats_of_bfloat16_##n(vector_u16x##n v) { \
        vector_u32x##n bits = __builtin_convertvector(v, vector_u32x##n) << 16; \
        vector_f32x##n floats; \
        memcpy(&floats, &bits, sizeof bits); \
        return floats; \
    }
VECTOR_CONVERSIONS(4)
VECTOR_CONVERSIONS(8)
VECTOR_CONVERSIONS(16)

/// Vectors of bytes with twice as many elements as a vector of floats has lanes, for pooling: the maximum,
/// 16-bit sums, and their conversion to floats.
#define VECTOR_BYTE_PAIRS(n, m) \
    typedef uint8_t vector_u8x##m##_pair __attribute__((ext_vector_type(m))); \
    typedef uint16_t vector_u16x##m##_pair __attribute__((ext_vector_type(m))); \
    VECTOR_INLINE vector_u8x##m##_pair vector_largest_##n(vector_u8x##m##_pair a, vector_u8x##m##_pair b) { \
        return __builtin_elementwise_max(a, b); \
    } \
    VECTOR_INLINE vector_u16x##m##_pair vector_sum_##n(vector_u16x##m##_pair sum, vector_u8x##m##_pair v) { \
        return sum + __builtin_convertvector(v, vector_u16x##m##_pair); \
    } \
    VECTOR_INLINE vector_f32x##n vector_low_floats_##n(vector_u16x##m##_pair v) { \
        return __builtin_convertvector(__builtin_convertvector(v.lo, vector_i32x##n), vector_f32x##n); \
    } \
    VECTOR_INLINE vector_f32x##n vector_high_floats_##n(vector_u16x##m##_pair v) { \
        return __builtin_convertvector(__builtin_convertvector(v.hi, vector_i32x##n), vector_f32x##n); \
    }
VECTOR_BYTE_PAIRS(4, 8)
VECTOR_BYTE_PAIRS(8, 16)
VECTOR_BYTE_PAIRS(16, 32)

/// Computes `sum + Σ x[i] · w[i]` over the four bytes of each lane, where `x` is unsigned and `w` signed,
/// without saturation, like VPDPBUSD. Without that instruction, even and odd bytes are widened to 16 bits,
/// and PMADDWD adds their products in pairs. AVX2 adds the products of two neighbouring bytes in 16 bits,
/// which takes half as long; there, the caller sees to it that `x[0] · w[0] + x[1] · w[1]` fits. Arm's first
/// instruction, SDOT, takes signed bytes: where `flipped_bits` has the highest bit of each byte, `x` is read as 128
/// less than its bytes with these bits flipped. USDOT of the i8mm extension takes `x` as it is.
#define VECTOR_DOT_BYTES(n, m, prefix, or_and) \
    VECTOR_INLINE vector_i32x##n vector_dot_bytes_##n(vector_i32x##n sum, vector_i32x##n x, vector_i32x##n w) { \
        m s = (m)sum, a = (m)x, b = (m)w; \
        m even = prefix##_madd_epi16(or_and(a, prefix##_set1_epi32(0x00ff00ff)), prefix##_srai_epi16(prefix##_slli_epi16(b, 8), 8)); \
        m odd = prefix##_madd_epi16(prefix##_srli_epi16(a, 8), prefix##_srai_epi16(b, 8)); \
        return (vector_i32x##n)prefix##_add_epi32(s, prefix##_add_epi32(even, odd)); \
    }
#define VECTOR_DOT_BYTES_PLAIN(n) \
    VECTOR_INLINE vector_i32x##n vector_dot_bytes_##n(vector_i32x##n sum, vector_i32x##n x, vector_i32x##n w) { \
        vector_i32x##n low = (x & 255) * ((w << 24) >> 24) + ((x >> 8) & 255) * ((w << 16) >> 24); \
        vector_i32x##n high = ((x >> 16) & 255) * ((w << 8) >> 24) + ((x >> 24) & 255) * (w >> 24); \
        return sum + (low + high); \
    }
#if defined(__x86_64__)
VECTOR_DOT_BYTES(4, __m128i, _mm, _mm_and_si128)
#elif defined(__ARM_FEATURE_MATMUL_INT8)
VECTOR_INLINE vector_i32x4 vector_dot_bytes_4(vector_i32x4 sum, vector_i32x4 x, vector_i32x4 w) {
    return (vector_i32x4)vusdotq_s32((int32x4_t)sum, (uint8x16_t)x, (int8x16_t)w);
}
#elif defined(__ARM_FEATURE_DOTPROD)
VECTOR_INLINE vector_i32x4 vector_dot_bytes_4(vector_i32x4 sum, vector_i32x4 x, vector_i32x4 w) {
    return (vector_i32x4)vdotq_s32((int32x4_t)sum, (int8x16_t)x, (int8x16_t)w);
}
#else
VECTOR_DOT_BYTES_PLAIN(4)
#endif
VECTOR_INLINE int32_t vector_flipped_bits_4(void) {
#if defined(__ARM_FEATURE_DOTPROD) && !defined(__ARM_FEATURE_MATMUL_INT8)
    return (int32_t)0x80808080;
#else
    return 0;
#endif
}
#if defined(__AVXVNNI__)
VECTOR_INLINE vector_i32x8 vector_dot_bytes_8(vector_i32x8 sum, vector_i32x8 x, vector_i32x8 w) {
    return (vector_i32x8)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)x, (__m256i)w);
}
#elif defined(__AVX2__)
VECTOR_INLINE vector_i32x8 vector_dot_bytes_8(vector_i32x8 sum, vector_i32x8 x, vector_i32x8 w) {
    __m256i pairs = _mm256_maddubs_epi16((__m256i)x, (__m256i)w);
    return (vector_i32x8)_mm256_add_epi32((__m256i)sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
#endif
#if defined(__AVX512VNNI__)
VECTOR_INLINE vector_i32x16 vector_dot_bytes_16(vector_i32x16 sum, vector_i32x16 x, vector_i32x16 w) {
    return (vector_i32x16)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
}
#elif defined(__AVX512BW__)
VECTOR_DOT_BYTES(16, __m512i, _mm512, _mm512_and_si512)
#endif

#if defined(__AVX512BF16__)
/// Computes `(sum + x[1] · w[1]) + x[0] · w[0]` over the two bfloat16 numbers of each lane. Each sum is
/// rounded once, and denormal inputs and outputs become zero.
VECTOR_INLINE vector_f32x16 vector_dot_bfloat16_16(vector_f32x16 sum, vector_i32x16 x, vector_i32x16 w) {
    return (vector_f32x16)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)w);
}
#endif

/// Treats denormals as zero, as VDPBF16PS does, until `vector_restore_denormals` is called.
VECTOR_INLINE uint64_t vector_ignore_denormals(void) {
#if defined(__x86_64__)
    uint32_t state = _mm_getcsr();
    _mm_setcsr(state | 0x8040);
    return state;
#elif defined(__aarch64__)
    uint64_t state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    __asm__ volatile("msr fpcr, %0" : : "r"(state | (1u << 24)) : "memory");
    return state;
#else
    return 0;
#endif
}

/// Treats denormals as numbers until `vector_restore_denormals` is called.
VECTOR_INLINE uint64_t vector_heed_denormals(void) {
#if defined(__x86_64__)
    uint32_t state = _mm_getcsr();
    _mm_setcsr(state & ~0x8040u);
    return state;
#elif defined(__aarch64__)
    uint64_t state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    __asm__ volatile("msr fpcr, %0" : : "r"(state & ~(1ull << 24)) : "memory");
    return state;
#else
    return 0;
#endif
}

VECTOR_INLINE void vector_restore_denormals(uint64_t state) {
#if defined(__x86_64__)
    _mm_setcsr((uint32_t)state);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(state) : "memory");
#endif
}
