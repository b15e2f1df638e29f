/// The two matrix products that training takes its time for, in vectors as wide as the processor has them.
///
/// Sums are in one order, whatever the width, and a product and its sum are rounded once where the processor fuses them, as all with AVX2
/// and all arm64 do. On these a training gives the same bits everywhere.
#pragma once
#include <stdbool.h>
#include <stddef.h>

/// out[j][i] (+)= Σₖ rows[i][k] · columns[j][k]
///
/// - Parameters:
///   - rows: `[rowCount, start + length]`; `rowCount` is a multiple of 4.
///   - columns: `[columnCount, start + length]`; `length` is a multiple of 4.
///   - accumulates: whether `out` is added to.
///   - out: `[columnCount, stride]`.
void matrix_dot_products(
    const float *const *rows, size_t rowCount, const float *const *columns, size_t columnCount, size_t start,
    size_t length, bool accumulates, float *out, size_t stride);

/// sums[j][k] += Σᵢ coefficients[j][i] · rows[i][k] for k from `first` to before `last`
///
/// - Parameters:
///   - coefficients: `[columnCount, stride]`.
///   - first, last: multiples of 16.
void matrix_add_weighted_rows(
    const float *const *rows, size_t rowCount, const float *coefficients, size_t stride, size_t columnCount,
    size_t first, size_t last, float *const *sums);
