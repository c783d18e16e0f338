/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tiff.c - any bytes given to the reader, then rectangles anywhere; see fuzz_picture.h */
#include "fuzz_picture.h"

/* Where the bytes themselves say: the same each time a find is run again. */
static int choose(const uint8_t *data, size_t size, size_t at, int n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < 8; i++)
        h = (h ^ data[(at * 31 + i * 7) % size]) * 16777619u;
    return (int)(h % (unsigned)n);
}

static void fuzz_rects(const uint8_t *data, size_t size)
{
    struct unet_source *source;
    unet_error err = {0};
    if (un_source_open_bytes("fuzz", data, size, &source, &err))
        return;
    for (size_t k = 0; k < 6; k++) {
        struct un_page page;
        int i = choose(data, size, k * 5, source->pages);
        if (un_source_page(source, i, &page, &err))
            continue;
        int H = un_page_upright_height(&page), W = un_page_upright_width(&page);
        struct un_rect rect = {choose(data, size, k * 5 + 1, H), choose(data, size, k * 5 + 2, W),
                               0, 0};
        rect.height = 1 + choose(data, size, k * 5 + 3, H - rect.top);
        rect.width = 1 + choose(data, size, k * 5 + 4, W - rect.left);
        size_t bytes = un_rect_bytes(&page, rect);
        if (bytes > FUZZ_BYTES / 16 || page.working > FUZZ_BYTES)
            continue;
        void *samples = malloc(bytes);
        check(un_source_raw(source, i, &page, rect, samples, &err), &err);
        free(samples);
    }
    un_source_close(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int result = fuzz_picture(&un_format_tiff, data, size);
    if (!result)
        fuzz_rects(data, size);
    return result;
}
