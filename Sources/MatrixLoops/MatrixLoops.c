#include "MatrixLoops.h"

#include "CPUFeatures.h"

// Eight sums of four lanes and what feeds them fit the sixteen registers of SSE2.
#define NAME(f) f##_4
#define TARGET
#define LANES 4
#define ROWS 4
#define TOGETHER 2
#include "Loops.h"

#if defined(__x86_64__)
#define NAME(f) f##_8
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define ROWS 4
#define TOGETHER 4
#include "Loops.h"

#define NAME(f) f##_16
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl")))
#define LANES 16
#define ROWS 8
#define TOGETHER 8
#include "Loops.h"

/// Floats in the widest vectors that the processor has.
static int lanes(void) {
    static _Atomic int known = 0;
    int lanes = known;
    if (!lanes) known = lanes = cpu_has_avx512() ? 16 : cpu_has_avx2_fma() ? 8 : 4;
    return lanes;
}
#define CHOOSE(f, ...) (lanes() == 16 ? f##_16(__VA_ARGS__) : lanes() == 8 ? f##_8(__VA_ARGS__) : f##_4(__VA_ARGS__))
#else
#define CHOOSE(f, ...) f##_4(__VA_ARGS__)
#endif

void matrix_dot_products(
    const float *const *rows, size_t rowCount, const float *const *columns, size_t columnCount, size_t start,
    size_t length, bool accumulates, float *out, size_t stride
) {
    CHOOSE(dot_products, rows, rowCount, columns, columnCount, start, length, accumulates, out, stride);
}

void matrix_add_weighted_rows(
    const float *const *rows, size_t rowCount, const float *coefficients, size_t stride, size_t columnCount,
    size_t first, size_t last, float *const *sums
) {
    CHOOSE(add_weighted_rows, rows, rowCount, coefficients, stride, columnCount, first, last, sums);
}
