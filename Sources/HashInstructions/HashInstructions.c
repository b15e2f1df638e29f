#include "HashInstructions.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

bool cpu_has_sha256(void) {
    unsigned int a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

__attribute__((target("sha,sse4.1"))) void sha256_compress(
    uint32_t *state, const void *blocks, size_t count, const uint32_t *constants
) {
    const __m128i bigEndian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    // The instructions expect the words f, e, b, a and h, g, d, c, from the lowest lane up.
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i feba = _mm_alignr_epi8(badc, hgfe, 8), hgdc = _mm_blend_epi16(hgfe, badc, 0xf0);
    const uint8_t *p = blocks;
    for (size_t block = 0; block < count; block++, p += 64) {
        const __m128i feba0 = feba, hgdc0 = hgdc;
        __m128i w[4];
        for (int i = 0; i < 4; i++) w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(p + 16 * i)), bigEndian);
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            // Each iteration computes four rounds.
            __m128i scheduled = _mm_add_epi32(w[i & 3], _mm_loadu_si128((const __m128i *)(constants + 4 * i)));
            hgdc = _mm_sha256rnds2_epu32(hgdc, feba, scheduled);
            feba = _mm_sha256rnds2_epu32(feba, hgdc, _mm_shuffle_epi32(scheduled, 0x0e));
            if (i < 12) {
                const __m128i last = w[(i + 3) & 3], seventh = _mm_alignr_epi8(last, w[(i + 2) & 3], 4);
                w[i & 3] = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]), seventh), last);
            }
        }
        feba = _mm_add_epi32(feba, feba0);
        hgdc = _mm_add_epi32(hgdc, hgdc0);
    }
    const __m128i abef = _mm_shuffle_epi32(feba, 0x1b), ghcd = _mm_shuffle_epi32(hgdc, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(abef, ghcd, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(ghcd, abef, 8));
}

#else

bool cpu_has_sha256(void) { return false; }
void sha256_compress(uint32_t *state, const void *blocks, size_t count, const uint32_t *constants) {
    (void)state, (void)blocks, (void)count, (void)constants;
}

#endif
