/// Operations on vectors of 16-bit words with the instruction set's full width, for blocks and rows of
/// images, that Swift's SIMD types cannot express. Shuffles and packs work within each 128 bits, which hold a
/// row of one 8 × 8 block or sixteen samples.
#pragma once
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define WORD_INLINE static inline __attribute__((always_inline))
#if defined(__AVX512BW__)
#define WORD_LANES 32
#define WORD_REGISTER __m512i
#define WORD(operation) _mm512_##operation
#elif defined(__AVX2__)
#define WORD_LANES 16
#define WORD_REGISTER __m256i
#define WORD(operation) _mm256_##operation
#else
#define WORD_LANES 8
#define WORD_REGISTER __m128i
#define WORD(operation) _mm_##operation
#endif

typedef int16_t vector_words __attribute__((ext_vector_type(WORD_LANES)));
typedef int32_t vector_longs __attribute__((ext_vector_type(WORD_LANES / 2)));
typedef uint8_t vector_bytes __attribute__((ext_vector_type(WORD_LANES * 2)));

WORD_INLINE vector_bytes vector_load_bytes(const uint8_t *p) {
    vector_bytes v;
    memcpy(&v, p, sizeof v);
    return v;
}

/// Loads as many bytes as there are lanes and zero-extends them.
WORD_INLINE vector_words vector_load_wide(const uint8_t *p) {
    typedef uint8_t narrow __attribute__((ext_vector_type(WORD_LANES)));
    narrow v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, vector_words);
}

#define WORD_LIST(...) __VA_ARGS__

/// Returns a vector that alternates two numbers.
WORD_INLINE vector_words vector_pair(int16_t even, int16_t odd) {
    return (vector_words)(vector_longs)(int32_t)((uint32_t)(uint16_t)odd << 16 | (uint16_t)even);
}

/// Bitwise operations; for vectors this wide Swift's own are compiled to loops over the lanes.
WORD_INLINE vector_words vector_either(vector_words a, vector_words b) { return a | b; }
WORD_INLINE vector_words vector_selected(vector_words mask, vector_words ones, vector_words zeros) {
    return (mask & ones) | (~mask & zeros);
}
/// Arithmetic shifts by 0 to 15 bits.
WORD_INLINE vector_words vector_left(vector_words v, int bits) { return v << (vector_words)(int16_t)bits; }
WORD_INLINE vector_words vector_right(vector_words v, int bits) { return v >> (vector_words)(int16_t)bits; }
/// Shifts right arithmetically by 0 to 31 bits.
WORD_INLINE vector_longs vector_right_longs(vector_longs v, int bits) { return v >> (vector_longs)bits; }

#if defined(__x86_64__)
/// Returns `a[2i] · b[2i] + a[2i + 1] · b[2i + 1]`.
WORD_INLINE vector_longs vector_pair_sums(vector_words a, vector_words b) {
    return (vector_longs)WORD(madd_epi16)((WORD_REGISTER)a, (WORD_REGISTER)b);
}

/// Returns the upper 16 bits of the products.
WORD_INLINE vector_words vector_high_products(vector_words a, vector_words b) {
    return (vector_words)WORD(mulhi_epi16)((WORD_REGISTER)a, (WORD_REGISTER)b);
}

/// Narrows the lanes of `a`, then those of `b`, with signed saturation.
WORD_INLINE vector_words vector_narrowed(vector_longs a, vector_longs b) {
    return (vector_words)WORD(packs_epi32)((WORD_REGISTER)a, (WORD_REGISTER)b);
}

WORD_INLINE vector_bytes vector_narrowed_bytes(vector_words a, vector_words b) {
    return (vector_bytes)WORD(packus_epi16)((WORD_REGISTER)a, (WORD_REGISTER)b);
}

/// Interleave the lower, or the upper, halves of `a` and `b` in elements of 1, 2, 4 or 8 bytes.
#define WORD_ZIP(name, bits) \
    WORD_INLINE vector_words vector_low_##name(vector_words a, vector_words b) { \
        return (vector_words)WORD(unpacklo_epi##bits)((WORD_REGISTER)a, (WORD_REGISTER)b); \
    } \
    WORD_INLINE vector_words vector_high_##name(vector_words a, vector_words b) { \
        return (vector_words)WORD(unpackhi_epi##bits)((WORD_REGISTER)a, (WORD_REGISTER)b); \
    }
WORD_ZIP(bytes, 8)
WORD_ZIP(words, 16)
WORD_ZIP(pairs, 32)
WORD_ZIP(fours, 64)
#else
WORD_INLINE vector_longs vector_pair_sums(vector_words a, vector_words b) {
    vector_longs even = __builtin_convertvector(a.even, vector_longs) * __builtin_convertvector(b.even, vector_longs);
    return even + __builtin_convertvector(a.odd, vector_longs) * __builtin_convertvector(b.odd, vector_longs);
}

WORD_INLINE vector_words vector_high_products(vector_words a, vector_words b) {
    typedef int32_t wide __attribute__((ext_vector_type(8)));
    return __builtin_convertvector((__builtin_convertvector(a, wide) * __builtin_convertvector(b, wide)) >> 16, vector_words);
}

WORD_INLINE vector_words vector_narrowed(vector_longs a, vector_longs b) {
    typedef int32_t wide __attribute__((ext_vector_type(8)));
    wide v = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_convertvector(__builtin_elementwise_min(__builtin_elementwise_max(v, (wide)-32768), (wide)32767), vector_words);
}

WORD_INLINE vector_bytes vector_narrowed_bytes(vector_words a, vector_words b) {
    typedef int16_t wide __attribute__((ext_vector_type(16)));
    wide v = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_convertvector(__builtin_elementwise_min(__builtin_elementwise_max(v, (wide)0), (wide)255), vector_bytes);
}

#define WORD_ZIP(name, type, low, high) \
    WORD_INLINE vector_words vector_low_##name(vector_words a, vector_words b) { \
        return (vector_words)__builtin_shufflevector((type)a, (type)b, low); \
    } \
    WORD_INLINE vector_words vector_high_##name(vector_words a, vector_words b) { \
        return (vector_words)__builtin_shufflevector((type)a, (type)b, high); \
    }
typedef int64_t vector_quads __attribute__((ext_vector_type(2)));
WORD_ZIP(bytes, vector_bytes, WORD_LIST(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
         WORD_LIST(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
WORD_ZIP(words, vector_words, WORD_LIST(0, 8, 1, 9, 2, 10, 3, 11), WORD_LIST(4, 12, 5, 13, 6, 14, 7, 15))
WORD_ZIP(pairs, vector_longs, WORD_LIST(0, 4, 1, 5), WORD_LIST(2, 6, 3, 7))
WORD_ZIP(fours, vector_quads, WORD_LIST(0, 2), WORD_LIST(1, 3))
#endif

/// Returns a mask of all ones for each 128 bits that are all zero.
WORD_INLINE vector_words vector_zero_rows(vector_words v) {
#if defined(__AVX512BW__)
    __m512i either = (__m512i)v | _mm512_shuffle_epi32((__m512i)v, _MM_PERM_BADC);
    return (vector_words)_mm512_movm_epi64(_mm512_cmpeq_epi64_mask(either, _mm512_setzero_si512()));
#elif defined(__x86_64__)
    WORD_REGISTER zeros = WORD(cmpeq_epi32)((WORD_REGISTER)v, (WORD_REGISTER)(vector_words)0);
    zeros &= WORD(shuffle_epi32)(zeros, 0x4e);
    return (vector_words)(zeros & WORD(shuffle_epi32)(zeros, 0xb1));
#else
    vector_quads both = (vector_quads)v;
    return (vector_words)(vector_quads)(int64_t)((both[0] | both[1]) == 0 ? -1 : 0);
#endif
}

/// The number of 8 × 8 blocks of words of which a vector holds one row.
#define WORD_BLOCKS (WORD_LANES / 8)

/// Loads the same row of consecutive blocks, as many as the vector holds.
WORD_INLINE vector_words vector_load_rows(const int16_t *p) {
#if defined(__AVX512BW__)
    __m256i low = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)p)), _mm_loadu_si128((const __m128i *)(p + 64)), 1);
    __m256i high = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(p + 128))), _mm_loadu_si128((const __m128i *)(p + 192)), 1);
    return (vector_words)_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
#elif defined(__AVX2__)
    return (vector_words)_mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)p)), _mm_loadu_si128((const __m128i *)(p + 64)), 1);
#else
    vector_words v;
    memcpy(&v, p, sizeof v);
    return v;
#endif
}

/// Loads one row and repeats it for each of the blocks.
WORD_INLINE vector_words vector_repeat_row(const int16_t *p) {
#if defined(__AVX512BW__)
    return (vector_words)_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)p));
#elif defined(__AVX2__)
    return (vector_words)_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
#else
    return vector_load_rows(p);
#endif
}

/// Stores the lower eight bytes of each 128 bits in the first row, and the upper eight in the second.
WORD_INLINE void vector_store_rows(vector_words v, uint8_t *first, uint8_t *second) {
#if defined(__AVX512BW__)
    __m512i rows = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), (__m512i)v);
    _mm256_storeu_si256((__m256i *)first, _mm512_castsi512_si256(rows));
    _mm256_storeu_si256((__m256i *)second, _mm512_extracti64x4_epi64(rows, 1));
#elif defined(__AVX2__)
    __m256i rows = _mm256_permute4x64_epi64((__m256i)v, _MM_SHUFFLE(3, 1, 2, 0));
    _mm_storeu_si128((__m128i *)first, _mm256_castsi256_si128(rows));
    _mm_storeu_si128((__m128i *)second, _mm256_extracti128_si256(rows, 1));
#else
    memcpy(first, &v, 8);
    memcpy(second, (const char *)&v + 8, 8);
#endif
}

#define WORD_PATTERN(...) { WORD_REPEAT((__VA_ARGS__)) }
#if WORD_LANES == 32
#define WORD_REPEAT(list) WORD_LIST list, WORD_LIST list, WORD_LIST list, WORD_LIST list
#elif WORD_LANES == 16
#define WORD_REPEAT(list) WORD_LIST list, WORD_LIST list
#else
#define WORD_REPEAT(list) WORD_LIST list
#endif

/// Shuffles bytes within each 128 bits.
WORD_INLINE vector_bytes vector_shuffled_bytes(vector_bytes v, vector_bytes order) {
#if defined(__AVX2__)
    return (vector_bytes)WORD(shuffle_epi8)((WORD_REGISTER)v, (WORD_REGISTER)order);
#else
    vector_bytes shuffled;
    for (int i = 0; i < 16; i++) shuffled[i] = v[order[i]];
    return shuffled;
#endif
}

WORD_INLINE void vector_store_sixteens(vector_bytes first, vector_bytes second, vector_bytes third, uint8_t *p) {
#define WORD_STORE(lane, low) \
    _mm_storeu_si128((__m128i *)(p + 48 * lane), low(first, lane)); \
    _mm_storeu_si128((__m128i *)(p + 48 * lane + 16), low(second, lane)); \
    _mm_storeu_si128((__m128i *)(p + 48 * lane + 32), low(third, lane));
#if defined(__AVX512BW__)
#define WORD_LOW(v, lane) _mm512_extracti32x4_epi32((__m512i)v, lane)
    WORD_STORE(0, WORD_LOW)
    WORD_STORE(1, WORD_LOW)
    WORD_STORE(2, WORD_LOW)
    WORD_STORE(3, WORD_LOW)
#elif defined(__AVX2__)
#define WORD_LOW(v, lane) _mm256_extracti128_si256((__m256i)v, lane)
    WORD_STORE(0, WORD_LOW)
    WORD_STORE(1, WORD_LOW)
#else
    memcpy(p, &first, 16);
    memcpy(p + 16, &second, 16);
    memcpy(p + 32, &third, 16);
#endif
}

/// Stores interleaved RGB pixels, as many as a vector has bytes. One shuffle per color brings sixteen samples
/// to the positions they need in three vectors, because three and sixteen are coprime: sample 11 i mod 16
/// goes to byte i.
WORD_INLINE void vector_store_pixels(vector_bytes red, vector_bytes green, vector_bytes blue, uint8_t *rgb) {
    const vector_bytes reds = WORD_PATTERN(0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15, 10, 5);
    const vector_bytes greens = WORD_PATTERN(5, 0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15, 10);
    const vector_bytes blues = WORD_PATTERN(10, 5, 0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15);
    const vector_bytes i0 = WORD_PATTERN(255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255);
    const vector_bytes i1 = WORD_PATTERN(0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0);
    const vector_bytes i2 = ~(i0 | i1);
    vector_bytes r = vector_shuffled_bytes(red, reds), g = vector_shuffled_bytes(green, greens), b = vector_shuffled_bytes(blue, blues);
    vector_store_sixteens((r & i0) | (g & i1) | (b & i2), (r & i2) | (g & i0) | (b & i1), (r & i1) | (g & i2) | (b & i0), rgb);
}

/// Unsigned operations: the upper 16 bits of products, a difference that saturates at 0, and a right shift by
/// 0 to 15 bits.
typedef uint16_t vector_unsigned_words __attribute__((ext_vector_type(WORD_LANES)));
WORD_INLINE vector_words vector_unsigned_high_products(vector_words a, vector_words b) {
    typedef uint32_t wide __attribute__((ext_vector_type(WORD_LANES)));
    wide products =
        __builtin_convertvector((vector_unsigned_words)a, wide) * __builtin_convertvector((vector_unsigned_words)b, wide);
    return (vector_words)__builtin_convertvector(products >> (wide)16, vector_unsigned_words);
}
WORD_INLINE vector_words vector_unsigned_difference(vector_words a, vector_words b) {
    return (vector_words)__builtin_elementwise_sub_sat((vector_unsigned_words)a, (vector_unsigned_words)b);
}
WORD_INLINE vector_words vector_unsigned_right(vector_words v, int bits) {
    return (vector_words)((vector_unsigned_words)v >> (vector_unsigned_words)(uint16_t)bits);
}
