/// Detection of the instructions that both the processor and the operating system support.
/// Source: Intel SDM vol. 2A (CPUID leaves 1 and 7, XGETBV); AMD documents the same. Linux' arm64 ELF hwcaps, Apple's
/// "Determining Instruction Set Characteristics".
#pragma once
#include <stdbool.h>

/// Hints to the processor that the surrounding loop is a spin-wait.
static inline void cpu_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Prefetches a cache line into the L2 cache; any address is allowed.
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

/// Whether AVX2 and FMA are available and the operating system saves the 256-bit registers.
static inline bool cpu_has_avx2_fma(void) {
    unsigned int a, b, c, d;
    if ((cpu_enabled_state() & 0x6) != 0x6 || !__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_FMA)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}

/// Whether AVX-VNNI is available: dot products of 8-bit integers in 256-bit registers without AVX-512.
static inline bool cpu_has_avx_vnni(void) {
    unsigned int a, b, c, d;
    return cpu_has_avx2_fma() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & bit_AVXVNNI);
}

/// Whether AVX-512 F, BW, DQ and VL are available and the operating system saves the 512-bit and mask
/// registers.
static inline bool cpu_has_avx512(void) {
    unsigned int a, b, c, d;
    if ((cpu_enabled_state() & 0xe6) != 0xe6 || !cpu_has_avx2_fma() || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    return (b & bit_AVX512F) && (b & bit_AVX512BW) && (b & bit_AVX512DQ) && (b & bit_AVX512VL);
}

/// Whether the processor is Intel's. Those compute bfloat16 dot products at half the rate of single precision
/// (Emerald Rapids: Inception v3 takes 137 ms, against 80 ms in single precision), AMD's at twice that rate.
static inline bool cpu_is_intel(void) {
    unsigned int a, b, c, d;
    return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
}

/// Whether AVX-512 VNNI is available, for dot products of 8-bit integers.
static inline bool cpu_has_avx512_vnni(void) {
    unsigned int a, b, c, d;
    return cpu_has_avx512() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_AVX512VNNI);
}

/// Whether AVX-512 VNNI and BF16 are available, for dot products of bfloat16 numbers.
static inline bool cpu_has_avx512_bf16(void) {
    unsigned int a, b, c, d;
    return cpu_has_avx512_vnni() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & bit_AVX512BF16);
}
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

/// Whether dot products of bytes of equal signedness are available: SDOT and UDOT (HWCAP_ASIMDDP).
static inline bool cpu_has_dotprod(void) { return getauxval(AT_HWCAP) >> 20 & 1; }

/// Whether those of unsigned and signed bytes are available, USDOT (HWCAP2_I8MM).
static inline bool cpu_has_i8mm(void) { return cpu_has_dotprod() && (getauxval(AT_HWCAP2) >> 13 & 1); }
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>

static inline bool cpu_has_option(const char *name) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, NULL, 0) == 0 && value;
}
static inline bool cpu_has_dotprod(void) { return cpu_has_option("hw.optional.arm.FEAT_DotProd"); }
static inline bool cpu_has_i8mm(void) { return cpu_has_dotprod() && cpu_has_option("hw.optional.arm.FEAT_I8MM"); }
#endif
