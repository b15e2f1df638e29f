/// What the processor and the operating system together can run.
/// Source: Intel SDM vol. 2A (CPUID leaves 1 and 7, XGETBV); AMD's are the same.
#pragma once
#include <stdbool.h>

/// Tells the processor that a loop only waits for another.
static inline void cpu_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Asks for a cache line in the second level. Any address will do.
static inline void cpu_prefetch(const void *p) { __builtin_prefetch(p, 0, 2); }

#if defined(__x86_64__)
#include <cpuid.h>

static inline unsigned long long cpu_enabled_state(void) {
    unsigned int a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
    unsigned int low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((unsigned long long)high << 32) | low;
}

/// AVX2 and FMA, and an operating system that keeps the 256-bit registers.
static inline bool cpu_has_avx2_fma(void) {
    unsigned int a, b, c, d;
    if ((cpu_enabled_state() & 0x6) != 0x6 || !__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_FMA)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}

/// AVX-512 F, BW, DQ and VL, and an operating system that keeps the 512-bit registers and masks.
static inline bool cpu_has_avx512(void) {
    unsigned int a, b, c, d;
    if ((cpu_enabled_state() & 0xe6) != 0xe6 || !cpu_has_avx2_fma() || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    return (b & bit_AVX512F) && (b & bit_AVX512BW) && (b & bit_AVX512DQ) && (b & bit_AVX512VL);
}

/// Intel's processors sum products of bfloat16 numbers at half the rate of single precision's (Emerald Rapids: 137 ms for Inception v3
/// where the same by single precision takes 80), AMD's at twice.
static inline bool cpu_is_intel(void) {
    unsigned int a, b, c, d;
    return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
}

/// AVX-512 with VNNI: sums of products of bytes.
static inline bool cpu_has_avx512_vnni(void) {
    unsigned int a, b, c, d;
    return cpu_has_avx512() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_AVX512VNNI);
}

/// AVX-512 with VNNI and BF16: sums of products of bfloat16 numbers.
static inline bool cpu_has_avx512_bf16(void) {
    unsigned int a, b, c, d;
    return cpu_has_avx512_vnni() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & bit_AVX512BF16);
}
#endif
