/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/objects_scratch.h"

#include <stdlib.h>

unet_code un_run_rows_open(struct un_run_rows *rows, int height, const char *folder,
                           unet_error *err)
{
    struct un_run_rows made = {.offsets = calloc((size_t)height + 1, sizeof *made.offsets)};
    if (!made.offsets)
        return un_fail_memory(err, ((size_t)height + 1) * sizeof *made.offsets, "objects");
    unet_code code = un_scratch_open(&made.file, folder, err);
    if (code) {
        free(made.offsets);
        return code;
    }
    *rows = made;
    return UNET_OK;
}

unet_code un_run_rows_append(struct un_run_rows *rows, const struct un_run *runs, size_t count,
                             unet_error *err)
{
    unet_code code = un_scratch_append(&rows->file, runs, count * sizeof *runs, err);
    if (code)
        return code;
    rows->offsets[rows->rows + 1] = rows->offsets[rows->rows] + count;
    rows->rows++;
    return UNET_OK;
}

size_t un_run_rows_count(const struct un_run_rows *rows, int y)
{
    return (size_t)(rows->offsets[y + 1] - rows->offsets[y]);
}

unet_code un_run_rows_read(struct un_run_rows *rows, int y, struct un_run *runs, unet_error *err)
{
    return un_scratch_read(&rows->file, rows->offsets[y] * sizeof *runs, runs,
                           un_run_rows_count(rows, y) * sizeof *runs, err);
}

void un_run_rows_close(struct un_run_rows *rows)
{
    un_scratch_close(&rows->file);
    free(rows->offsets);
    rows->offsets = NULL;
}
