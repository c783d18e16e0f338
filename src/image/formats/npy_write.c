/* SPDX-License-Identifier: Apache-2.0 */
/*
 * npy_write.c - .npy: float32 arrays, at once or row by row
 *
 * A planar page becomes [channels][height][width]: each plane's rows are written at their place.
 */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "image/formats/npy_header.h"
#include "image/image.h"
#include "image/sink.h"

#define UN_NPY_DIMS 8
#define BLOCK 4096

static unet_code npy_page(struct unet_writer *sink, unet_error *err)
{
    const struct un_sink_page *page = &sink->page;
    const int planes[3] = {page->channels, page->height, page->width};
    const int pixels[3] = {page->height, page->width, page->channels};
    if (sink->pages > 1)
        return un_fail(err, UNET_EINVAL, "%s: .npy takes one page; .tif wanted for several",
                       sink->save.path);
    size_t *start = malloc(sizeof *start);
    if (!start)
        return un_fail_memory(err, sizeof *start, sink->save.path);
    sink->state = start;
    if (page->planar)
        return un_npy_begin(sink->save.path, sink->save.file, 3, planes, start, err);
    return un_npy_begin(sink->save.path, sink->save.file, page->channels == 1 ? 2 : 3, pixels,
                        start, err);
}

/* Any sample becomes float32 without scaling. */
static bool write_samples(FILE *file, const struct un_sink_page *page, const void *samples,
                          size_t count)
{
    const uint8_t *u8 = samples;
    const uint16_t *u16 = samples;
    const uint32_t *u32 = samples;
    float block[BLOCK];
    if (page->kind == UN_FLOAT)
        return un_little_write(samples, sizeof(float), count, file) == count;
    for (size_t i = 0; i < count;) {
        size_t n = 0;
        for (; n < BLOCK && i < count; n++, i++)
            block[n] = page->bytes == 1 ? u8[i] : page->bytes == 2 ? u16[i] : (float)u32[i];
        if (un_little_write(block, sizeof(float), n, file) != n)
            return false;
    }
    return true;
}

static unet_code npy_rows(struct unet_writer *sink, const void *rows, int count, unet_error *err)
{
    const struct un_sink_page *page = &sink->page;
    size_t start = *(size_t *)sink->state, stride = un_sink_stride(page);
    size_t width = (size_t)page->width, band = (size_t)count * width;
    bool done = true;
    if (!page->planar)
        done = write_samples(sink->save.file, page, rows, band * (size_t)page->channels);
    for (int k = 0; page->planar && k < page->channels && done; k++) {
        uint64_t row = (uint64_t)k * (uint64_t)page->height + (uint64_t)sink->rows;
        done = !fseeko(sink->save.file, (off_t)(start + row * width * sizeof(float)), SEEK_SET) &&
               write_samples(sink->save.file, page,
                             (const char *)rows + (size_t)k * (size_t)count * stride, band);
    }
    return done ? UNET_OK : un_fail_errno(err, "%s: cannot be written", sink->save.path);
}

static unet_code npy_end(struct unet_writer *sink, unet_error *err)
{
    (void)sink;
    (void)err;
    return UNET_OK;
}

static void npy_free(struct unet_writer *sink)
{
    free(sink->state);
}

static size_t npy_working(const struct un_sink_page *page)
{
    (void)page;
    return BLOCK * sizeof(float);
}

static const char *const endings[] = {".npy", NULL};
const struct un_sink_format un_sink_npy = {endings, false,    npy_page,   npy_rows,
                                           npy_end, npy_free, npy_working};

unet_code un_npy_write(const char *path, const float *data, int dims, const int shape[],
                       unet_error *err)
{
    if (dims < 1 || dims > UN_NPY_DIMS)
        return un_fail(err, UNET_EINVAL, "%s: %d dimensions; 1..%d wanted", path, dims,
                       UN_NPY_DIMS);
    size_t count = 1;
    for (int i = 0; i < dims; i++)
        if (shape[i] < 1 || __builtin_mul_overflow(count, (size_t)shape[i], &count))
            return un_fail(err, UNET_EINVAL, "%s: the array to write has no valid shape", path);
    struct un_save save = {0};
    size_t start;
    unet_code code = un_save_begin(&save, path, err);
    if (code)
        return code;
    if ((code = un_npy_begin(path, save.file, dims, shape, &start, err)))
        goto done;
    if (un_little_write(data, sizeof(float), count, save.file) != count) {
        code = un_fail_errno(err, "%s", path);
        goto done;
    }
    code = un_save_commit(&save, err);
done:
    un_save_abort(&save);
    return code;
}
