/// Operations on vectors of sixteen bytes that Swift's SIMD types cannot express; the compiler recognizes the
/// instruction for each.
#pragma once
#include <stdint.h>
#include <string.h>

#define BYTE_INLINE static inline __attribute__((always_inline))
typedef uint8_t sixteen_bytes __attribute__((ext_vector_type(16)));
typedef int8_t sixteen_signed_bytes __attribute__((ext_vector_type(16)));
typedef uint16_t sixteen_words __attribute__((ext_vector_type(16)));
typedef int16_t eight_words __attribute__((ext_vector_type(8)));
typedef uint8_t eight_bytes __attribute__((ext_vector_type(8)));

BYTE_INLINE sixteen_bytes sixteen_load(const uint8_t *p) {
    sixteen_bytes v;
    memcpy(&v, p, sizeof v);
    return v;
}
BYTE_INLINE void sixteen_store(sixteen_bytes v, uint8_t *p) { memcpy(p, &v, sizeof v); }

/// Adds with signed saturation.
BYTE_INLINE sixteen_signed_bytes sixteen_signed_sum(sixteen_signed_bytes a, sixteen_signed_bytes b) {
    return __builtin_elementwise_add_sat(a, b);
}
BYTE_INLINE sixteen_signed_bytes sixteen_signed_difference(sixteen_signed_bytes a, sixteen_signed_bytes b) {
    return __builtin_elementwise_sub_sat(a, b);
}
BYTE_INLINE sixteen_bytes sixteen_sum(sixteen_bytes a, sixteen_bytes b) { return __builtin_elementwise_add_sat(a, b); }
BYTE_INLINE sixteen_bytes sixteen_distance(sixteen_bytes a, sixteen_bytes b) {
    return __builtin_elementwise_sub_sat(a, b) | __builtin_elementwise_sub_sat(b, a);
}
BYTE_INLINE sixteen_bytes sixteen_maximum(sixteen_bytes a, sixteen_bytes b) { return __builtin_elementwise_max(a, b); }
/// Returns a mask of all ones where `a` ≤ `b`.
BYTE_INLINE sixteen_bytes sixteen_at_most(sixteen_bytes a, sixteen_bytes b) {
    return (sixteen_bytes)(__builtin_elementwise_sub_sat(a, b) == (sixteen_bytes)0);
}
/// Return the average rounded up, and rounded down.
BYTE_INLINE sixteen_bytes sixteen_average_up(sixteen_bytes a, sixteen_bytes b) {
    sixteen_words sum = __builtin_convertvector(a, sixteen_words) + __builtin_convertvector(b, sixteen_words) + (sixteen_words)1;
    return __builtin_convertvector(sum >> (sixteen_words)1, sixteen_bytes);
}
BYTE_INLINE sixteen_bytes sixteen_average_down(sixteen_bytes a, sixteen_bytes b) {
    return sixteen_average_up(a, b) - ((a ^ b) & (sixteen_bytes)1);
}
/// Returns (a + 2 b + c + 2) / 4.
BYTE_INLINE sixteen_bytes sixteen_smoothed(sixteen_bytes a, sixteen_bytes b, sixteen_bytes c) {
    return sixteen_average_up(sixteen_average_down(a, c), b);
}
/// Returns `v` / 8, rounded down.
BYTE_INLINE sixteen_signed_bytes sixteen_eighth(sixteen_signed_bytes v) { return v >> (sixteen_signed_bytes)3; }

/// Interleave the lower, or the upper, halves of `a` and `b` in elements of 1, 2, 4 or 8 bytes.
#define SIXTEEN_ZIP(name, type, low, high) \
    BYTE_INLINE sixteen_bytes sixteen_low_##name(sixteen_bytes a, sixteen_bytes b) { \
        return (sixteen_bytes)__builtin_shufflevector((type)a, (type)b, low); \
    } \
    BYTE_INLINE sixteen_bytes sixteen_high_##name(sixteen_bytes a, sixteen_bytes b) { \
        return (sixteen_bytes)__builtin_shufflevector((type)a, (type)b, high); \
    }
#define SIXTEEN_LIST(...) __VA_ARGS__
typedef int32_t sixteen_as_longs __attribute__((ext_vector_type(4)));
typedef int64_t sixteen_as_quads __attribute__((ext_vector_type(2)));
SIXTEEN_ZIP(bytes, sixteen_bytes, SIXTEEN_LIST(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
            SIXTEEN_LIST(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
SIXTEEN_ZIP(words, eight_words, SIXTEEN_LIST(0, 8, 1, 9, 2, 10, 3, 11), SIXTEEN_LIST(4, 12, 5, 13, 6, 14, 7, 15))
SIXTEEN_ZIP(pairs, sixteen_as_longs, SIXTEEN_LIST(0, 4, 1, 5), SIXTEEN_LIST(2, 6, 3, 7))
SIXTEEN_ZIP(fours, sixteen_as_quads, SIXTEEN_LIST(0, 2), SIXTEEN_LIST(1, 3))

/// Returns the upper 16 bits of the products.
BYTE_INLINE eight_words eight_high_products(eight_words a, eight_words b) {
    typedef int32_t wide __attribute__((ext_vector_type(8)));
    return __builtin_convertvector((__builtin_convertvector(a, wide) * __builtin_convertvector(b, wide)) >> (wide)16, eight_words);
}
BYTE_INLINE eight_words eight_right(eight_words v, int bits) { return v >> (eight_words)(int16_t)bits; }
BYTE_INLINE eight_words eight_load_wide(const uint8_t *p) {
    eight_bytes v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, eight_words);
}
/// Sign-extend the lower, or the upper, eight bytes.
BYTE_INLINE eight_words sixteen_low_signed(sixteen_signed_bytes v) { return __builtin_convertvector(v.lo, eight_words); }
BYTE_INLINE eight_words sixteen_high_signed(sixteen_signed_bytes v) { return __builtin_convertvector(v.hi, eight_words); }
/// Narrows to bytes with signed saturation.
BYTE_INLINE sixteen_signed_bytes sixteen_from_words(eight_words a, eight_words b) {
    typedef int16_t wide __attribute__((ext_vector_type(16)));
    wide v = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    v = __builtin_elementwise_min(__builtin_elementwise_max(v, (wide)-128), (wide)127);
    return __builtin_convertvector(v, sixteen_signed_bytes);
}
/// Clamps to 0...255 and narrows to bytes.
BYTE_INLINE eight_bytes eight_clamped(eight_words v) {
    v = __builtin_elementwise_min(__builtin_elementwise_max(v, (eight_words)0), (eight_words)255);
    return __builtin_convertvector(v, eight_bytes);
}
/// Transposes 4 × 4 words in the lower four lanes of four vectors, and in the upper four.
BYTE_INLINE void eight_transpose(eight_words *a, eight_words *b, eight_words *c, eight_words *d) {
    eight_words e = __builtin_shufflevector(*a, *b, 0, 8, 1, 9, 4, 12, 5, 13), f = __builtin_shufflevector(*a, *b, 2, 10, 3, 11, 6, 14, 7, 15);
    eight_words g = __builtin_shufflevector(*c, *d, 0, 8, 1, 9, 4, 12, 5, 13), h = __builtin_shufflevector(*c, *d, 2, 10, 3, 11, 6, 14, 7, 15);
    *a = (eight_words)__builtin_shufflevector((sixteen_as_longs)e, (sixteen_as_longs)g, 0, 4, 2, 6);
    *b = (eight_words)__builtin_shufflevector((sixteen_as_longs)e, (sixteen_as_longs)g, 1, 5, 3, 7);
    *c = (eight_words)__builtin_shufflevector((sixteen_as_longs)f, (sixteen_as_longs)h, 0, 4, 2, 6);
    *d = (eight_words)__builtin_shufflevector((sixteen_as_longs)f, (sixteen_as_longs)h, 1, 5, 3, 7);
}
