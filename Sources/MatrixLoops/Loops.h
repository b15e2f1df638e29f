// Included once for each instruction set, with
//   NAME(f)   a function's name there
//   TARGET    its attribute
//   LANES     floats in a vector: 4, 8 or 16
//   ROWS      rows of a tile of dot products: 8 or 4
//   TOGETHER  columns whose weighted rows are summed at once

#define COLUMNS (2 * LANES / 4)

typedef float NAME(Vector) __attribute__((vector_size(4 * LANES), aligned(4)));

/// Four floats of each of LANES / 4 columns, side by side.
TARGET static inline NAME(Vector) NAME(gathered)(const float *const *columns, size_t k) {
    NAME(Vector) result;
    for (int c = 0; c < LANES / 4; c++) __builtin_memcpy((float *)&result + 4 * c, columns[c] + k, 16);
    return result;
}

/// Four floats, LANES / 4 times.
TARGET static inline NAME(Vector) NAME(repeated)(const float *p) {
    NAME(Vector) result;
    for (int c = 0; c < LANES / 4; c++) __builtin_memcpy((float *)&result + 4 * c, p, 16);
    return result;
}

/// `height` rows by COLUMNS columns, of which `count` are written.
TARGET __attribute__((always_inline)) static inline void NAME(tile)(
    const int height, const float *const *rows, const float *const *columns, size_t count, size_t start,
    size_t length, bool accumulates, float *out, size_t stride
) {
#pragma clang fp contract(fast)
    NAME(Vector) sums[8][2] = {0};
    for (size_t k = start; k < start + length; k += 4) {
        const NAME(Vector) left = NAME(gathered)(columns, k), right = NAME(gathered)(columns + LANES / 4, k);
#pragma clang loop unroll(full)
        for (int r = 0; r < height; r++) {
            const NAME(Vector) x = NAME(repeated)(rows[r] + k);
            sums[r][0] += x * left;
            sums[r][1] += x * right;
        }
    }
    for (size_t j = 0; j < count; j++) {
        for (int r = 0; r < height; r++) {
            const float *s = (const float *)&sums[r][0] + 4 * j;
            const float sum = (s[0] + s[1]) + (s[2] + s[3]);
            out[j * stride + r] = accumulates ? out[j * stride + r] + sum : sum;
        }
    }
}

TARGET static void NAME(dot_products)(
    const float *const *rows, size_t rowCount, const float *const *columns, size_t columnCount, size_t start,
    size_t length, bool accumulates, float *out, size_t stride
) {
    for (size_t j = 0; j < columnCount; j += COLUMNS) {
        const size_t count = columnCount - j < COLUMNS ? columnCount - j : COLUMNS;
        // What is missing of a last tile is computed from a column that is there, and dropped.
        const float *some[COLUMNS];
        for (size_t c = 0; c < COLUMNS; c++) some[c] = columns[j + (c < count ? c : count - 1)];
        size_t i = 0;
        for (; i + ROWS <= rowCount; i += ROWS)
            NAME(tile)(ROWS, rows + i, some, count, start, length, accumulates, out + j * stride + i, stride);
        for (; i < rowCount; i += 4)
            NAME(tile)(4, rows + i, some, count, start, length, accumulates, out + j * stride + i, stride);
    }
}

/// `width` columns, 16 floats of a block of rows.
TARGET __attribute__((always_inline)) static inline void NAME(strip)(
    const int width, const float *const *rows, size_t rowCount, const float *coefficients, size_t stride, size_t k,
    float *const *sums
) {
#pragma clang fp contract(fast)
    NAME(Vector) s[8][16 / LANES];
    for (int j = 0; j < width; j++)
        for (int v = 0; v < 16 / LANES; v++) s[j][v] = *(const NAME(Vector) *)(sums[j] + k + v * LANES);
    for (size_t i = 0; i < rowCount; i++) {
        NAME(Vector) x[16 / LANES];
        for (int v = 0; v < 16 / LANES; v++) x[v] = *(const NAME(Vector) *)(rows[i] + k + v * LANES);
#pragma clang loop unroll(full)
        for (int j = 0; j < width; j++) {
            const float c = coefficients[j * stride + i];
            for (int v = 0; v < 16 / LANES; v++) s[j][v] += x[v] * c;
        }
    }
    for (int j = 0; j < width; j++)
        for (int v = 0; v < 16 / LANES; v++) *(NAME(Vector) *)(sums[j] + k + v * LANES) = s[j][v];
}

TARGET static void NAME(add_weighted_rows)(
    const float *const *rows, size_t rowCount, const float *coefficients, size_t stride, size_t columnCount,
    size_t first, size_t last, float *const *sums
) {
    // 32 rows of 16 numbers and their coefficients stay in the first-level cache while all columns pass over them.
    for (size_t block = 0; block < rowCount; block += 32) {
        const size_t count = rowCount - block < 32 ? rowCount - block : 32;
        const float *const *some = rows + block;
        size_t j = 0;
        for (; j + TOGETHER <= columnCount; j += TOGETHER)
            for (size_t k = first; k < last; k += 16)
                NAME(strip)(TOGETHER, some, count, coefficients + j * stride + block, stride, k, sums + j);
        for (; j < columnCount; j++)
            for (size_t k = first; k < last; k += 16)
                NAME(strip)(1, some, count, coefficients + j * stride + block, stride, k, sums + j);
    }
}

#undef COLUMNS
#undef NAME
#undef TARGET
#undef LANES
#undef ROWS
#undef TOGETHER
