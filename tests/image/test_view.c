/* SPDX-License-Identifier: Apache-2.0 */
/* test_view.c - views of samples: any strides and addresses, and what is no view */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "image/reading.h"
#include "support/strided.h"
#include "support/folder.h"
#include "unet_image.h"

static unet_image make_image(int height, int width, int channels, unet_sample sample)
{
    unet_image image = {height, width, channels, sample, 0, NULL};
    size_t n = (size_t)height * (size_t)width * (size_t)channels;
    image.data = malloc(n * un_sample_bytes(sample));
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)un_rng_bits(5, i);
        if (sample == UNET_U8)
            ((uint8_t *)image.data)[i] = (uint8_t)bits;
        else if (sample == UNET_U16)
            ((uint16_t *)image.data)[i] = (uint16_t)bits;
        else if (sample == UNET_U32)
            ((uint32_t *)image.data)[i] = bits;
        else
            ((float *)image.data)[i] = un_rng_normal(5, i);
    }
    return image;
}

/* A copy of a view is the image; so are its tiles, mirrored edges included, and its sums. */
static void test_layouts(void **state)
{
    static const int sizes[][3] = {{1, 1, 1}, {1, 7, 3}, {9, 1, 2}, {5, 8, 1}, {6, 7, 3}};
    (void)state;
    for (int n = 0; n < 5; n++)
        for (int sample = UNET_U8; sample <= UNET_U32; sample++)
            for (int layout = 0; layout < STRIDED_LAYOUTS; layout++) {
                const int C = sizes[n][2];
                unet_image image = make_image(sizes[n][0], sizes[n][1], C, (unet_sample)sample);
                struct strided s = strided_make(&image, layout);
                unet_image copy = {0};
                unet_error err;
                if (un_view_check(s.view, NULL, UNET_U32, &err) ||
                    un_view_copy(s.view, "copy", &copy, &err))
                    fail_msg("%s: %s", strided_names[layout], err.text);
                if (memcmp(copy.data, image.data, un_image_bytes(&image)))
                    fail_msg("%s, sample type %d: other samples", strided_names[layout], sample);
                const struct un_scaling scaling = {.per_image = true};
                float want[20 * 20 * 3], got[20 * 20 * 3];
                struct un_reading a = un_reading_of(un_view_of(&image), C, &scaling);
                struct un_reading b = un_reading_of(s.view, C, &scaling);
                for (int k = 0; k < 2 && sample != UNET_U32; k++) {
                    un_tile_read(&a, -3, -4, 20, 20, want);
                    un_tile_read(&b, -3, -4, 20, 20, got);
                    if (memcmp(want, got, sizeof(float) * 400 * (size_t)C))
                        fail_msg("%s, sample type %d: other tile", strided_names[layout], sample);
                    a = un_reading_of(un_view_of(&image), C, NULL);
                    b = un_reading_of(s.view, C, NULL);
                }
                free(copy.data);
                free(s.memory);
                free(image.data);
            }
}

static void test_grey_and_finite(void **state)
{
    (void)state;
    for (int layout = 0; layout < STRIDED_LAYOUTS; layout++) {
        float data[5 * 4 * 3];
        unet_image image = {5, 4, 3, UNET_F32, 0, data};
        unet_error err;
        for (int i = 0; i < 60; i++)
            data[i] = (float)(i / 3);
        struct strided s = strided_make(&image, layout);
        assert_true(un_view_is_grey(s.view));
        assert_int_equal(un_view_check_finite("x", s.view, 0, (struct un_fill){false, 0}, &err),
                         UNET_OK);
        free(s.memory);
        data[3 * 14 + 2] = NAN; /* row 3, column 2, the last channel */
        s = strided_make(&image, layout);
        assert_false(un_view_is_grey(s.view));
        assert_int_equal(un_view_check_finite("x", s.view, 10, (struct un_fill){false, 0}, &err),
                         UNET_EINVAL);
        assert_string_equal(err.text, "x: NaN in row 13, column 2; finite values wanted");
        free(s.memory);
    }
}

/* What is no view is refused before anything is read. */
static void test_refused(void **state)
{
    static const uint8_t data[4];
    static const unet_view good = {data, 1, 2, 2, 4, 2, 1, UNET_U8, 0};
    struct {
        unet_view view;
        const char *text;
    } rows[] = {{good, "x: data is NULL"},
                {good, "x: 2 x 0 pixels with 2 channels"},
                {good, "x: -1 x 1 pixels"},
                {good, "with 2000 channels"},
                {good, "x: a stride of 0 between 2 columns"},
                {good, "x: a stride of 0 between 2 channels"},
                {good, "x: sample type 3; UNET_U8, UNET_U16 or UNET_F32 wanted"},
                {good, "x: sample type -1"},
                {good, "beyond what memory can be"},
                {good, "beyond what memory can be"},
                {good, "beyond what memory can be"}};
    (void)state;
    rows[0].view.data = NULL;
    rows[1].view.height = 0;
    rows[2].view.width = -1;
    rows[3].view.channels = 2000;
    rows[4].view.column = 0;
    rows[5].view.channel = 0;
    rows[6].view.sample = UNET_U32;
    rows[7].view.sample = (unet_sample)-1;
    rows[8].view.height = 3;
    rows[8].view.row = PTRDIFF_MAX;
    rows[9].view.column = PTRDIFF_MIN;
    rows[10].view.column = rows[10].view.channel = PTRDIFF_MAX / 2 + 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_error err = {0};
        if (un_view_check(rows[i].view, "x", UNET_F32, &err) != UNET_EINVAL ||
            err.code != UNET_EINVAL || !strstr(err.text, rows[i].text))
            fail_msg("row %zu: '%s', wanted '%s'", i, err.text, rows[i].text);
        assert_int_equal(un_view_check(rows[i].view, NULL, UNET_F32, NULL), UNET_EINVAL);
    }
    unet_view one = good; /* where there is one row, its stride says nothing */
    one.row = 0;
    assert_int_equal(un_view_check(one, "x", UNET_F32, NULL), UNET_OK);
}

/* A rectangle of an open file is that part of the whole, in any order; others are refused. */
static void test_part(void **state)
{
    static const char *const names[] = {"part.png", "part.tif"};
    static const int rects[][4] = {{30, 20, 9, 40}, {0, 0, 53, 70}, {52, 69, 1, 1}, {3, 0, 20, 7}};
    static const int wrong[][4] = {{-1, 0, 2, 2}, {0, 0, 54, 70}, {53, 0, 1, 1}, {0, 60, 1, 11}};
    uint8_t samples[53 * 70 * 3], part[53 * 70 * 3];
    const unet_image image = {.height = 53, .width = 70, .channels = 3, .data = samples};
    unet_source *source;
    (void)state;
    for (size_t i = 0; i < sizeof samples; i++)
        samples[i] = (uint8_t)(i * 7 + i / 211);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        assert_int_equal(unet_image_write(in_folder(names[n]), &image, NULL), UNET_OK);
        assert_int_equal(unet_source_open(in_folder(names[n]), &source, NULL), UNET_OK);
        for (size_t i = 0; i < 4; i++) {
            const int *r = rects[i], *w = wrong[i];
            assert_int_equal(unet_source_read_part(source, 0, r[0], r[1], r[2], r[3], part, NULL),
                             UNET_OK);
            for (int y = 0; y < r[2]; y++)
                assert_memory_equal(part + y * r[3] * 3, samples + ((r[0] + y) * 70 + r[1]) * 3,
                                    (size_t)r[3] * 3);
            assert_int_equal(unet_source_read_part(source, 0, w[0], w[1], w[2], w[3], part, NULL),
                             UNET_EINVAL);
        }
        unet_source_close(source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_grey_and_finite),
        cmocka_unit_test(test_refused),
        cmocka_unit_test_setup_teardown(test_part, folder_create, folder_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
