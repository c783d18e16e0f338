/* SPDX-License-Identifier: Apache-2.0 */
/* image_files.h - images that are made, and files that have to be refused */
#ifndef IMAGE_FILES_H
#define IMAGE_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "image/image.h"
#include "support/expect_table.h"
#include "support/folder.h"

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

static inline unet_image made_image(int height, int width, int channels, unet_sample sample)
{
    unet_image image = {.height = height, .width = width, .channels = channels, .sample = sample};
    size_t bytes = un_image_bytes(&image), n = bytes / un_sample_bytes(sample);
    image.data = malloc(bytes);
    for (size_t i = 0; i < n; i++) {
        uint32_t v = un_rng_bits(1, i) >> 8;
        if (sample == UNET_U8)
            ((uint8_t *)image.data)[i] = (uint8_t)v;
        else if (sample == UNET_U16)
            ((uint16_t *)image.data)[i] = (uint16_t)v;
        else
            ((float *)image.data)[i] = (float)v / 1000 - 77;
    }
    return image;
}

static inline void expect_refusal(const char *name, const void *data, size_t size, const char *part)
{
    unet_image image = {0};
    unet_error err = {0};
    put_file(in_folder(name), data, size);
    unet_code code = un_image_read(in_folder(name), &image, &err);
    if (code != UNET_EFORMAT || image.data || !strstr(err.text, part) || !strstr(err.text, name))
        fail_msg("code %d, '%s', wanted '%s'", code, err.text, part);
}

#endif
