/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_picture.h - bytes -> picture -> image, and bytes -> picture -> mask
 *
 *     cmake -S . -B build-fuzz -DCMAKE_C_COMPILER=clang -DUNET_FUZZ=ON -DUNET_SANITIZE=...
 *     build-fuzz/fuzz_png corpus -max_total_time=120 -rss_limit_mb=2048
 */
#ifndef FUZZ_PICTURE_H
#define FUZZ_PICTURE_H

#include <stdlib.h>

#include "data/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text of an error must be there when, and only when, a function failed. */
static void check(unet_code code, const unet_error *err)
{
    if (code && (err->code != code || !err->text[0]))
        abort();
}

static int fuzz_picture(const struct un_format *format, const uint8_t *data, size_t size)
{
    const struct un_mapping file = {data, size};
    struct un_picture picture;
    unet_image image;
    unet_error err = {0};
    uint8_t *values;
    if (!format->probe(data, size))
        return -1; /* libFuzzer: of no use in the corpus */
    unet_code code = format->read("fuzz", &file, &picture, &err);
    check(code, &err);
    if (code)
        return 0;
    code = un_picture_to_image(&picture, "fuzz", &image, &err);
    check(code, &err);
    if (!code) {
        if (!un_image_check_finite("fuzz", &image, &err) && image.channels == 1 &&
            !un_image_is_grey(&image))
            abort();
        free(image.data);
    }
    if (format->read("fuzz", &file, &picture, &err))
        abort(); /* it went well a moment ago */
    code = un_picture_to_mask(&picture, "fuzz", &values, &err);
    check(code, &err);
    if (!code)
        free(values);
    return 0;
}

#endif
