/* SPDX-License-Identifier: Apache-2.0 */
/* transpose_kernel.h - between a model's order of weights and the engine's, see kernels.h */
#ifndef UN_TRANSPOSE_KERNEL_H
#define UN_TRANSPOSE_KERNEL_H

#include "cpu/kernels/vec.h"

typedef float quad __attribute__((vector_size(16), may_alias, aligned(4)));

#if defined(__clang__)
#define QUAD(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int32_t quad_places __attribute__((vector_size(16)));
#define QUAD(a, b, i, j, k, l) __builtin_shuffle(a, b, (quad_places){i, j, k, l})
#endif

INLINE void transpose_four(const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row)
{
    const quad a = *(const quad *)from, b = *(const quad *)(from + from_row);
    const quad c = *(const quad *)(from + 2 * from_row), d = *(const quad *)(from + 3 * from_row);
    const quad ab = QUAD(a, b, 0, 4, 1, 5), cd = QUAD(c, d, 0, 4, 1, 5);
    const quad ab2 = QUAD(a, b, 2, 6, 3, 7), cd2 = QUAD(c, d, 2, 6, 3, 7);
    *(quad *)to = QUAD(ab, cd, 0, 1, 4, 5);
    *(quad *)(to + to_row) = QUAD(ab, cd, 2, 3, 6, 7);
    *(quad *)(to + 2 * to_row) = QUAD(ab2, cd2, 0, 1, 4, 5);
    *(quad *)(to + 3 * to_row) = QUAD(ab2, cd2, 2, 3, 6, 7);
}

static void transpose(const float *from, ptrdiff_t from_row, int rows, int columns, float *to,
                      ptrdiff_t to_row)
{
    const int whole_rows = rows - rows % 4, whole_columns = columns - columns % 4;
    for (int r = 0; r < whole_rows; r += 4)
        for (int c = 0; c < whole_columns; c += 4)
            transpose_four(from + r * from_row + c, from_row, to + c * to_row + r, to_row);
    for (int r = 0; r < rows; r++)
        for (int c = r < whole_rows ? whole_columns : 0; c < columns; c++)
            to[c * to_row + r] = from[r * from_row + c];
}

#endif
