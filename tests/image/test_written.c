/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_written.c - what is written of an image: the levels of a pyramid and the rule by which they
 * are made, OME-XML, the space of a NIfTI
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "image/image.h"
#include "image/sink.h"
#include "image/tiff/tiff_io.h"
#include "source_open.h"
#include "support/folder.h"

/* Few values, so that two and three of four are often the same. */
static unsigned value_at(size_t i)
{
    unsigned h = (unsigned)i * 2654435761u;
    return (h ^ h >> 13) % 3;
}

static void *make_samples(const struct un_sink_page *page)
{
    const size_t count = (size_t)page->height * (size_t)page->width * (size_t)page->channels;
    uint8_t *bytes = malloc(count * (size_t)page->bytes);
    for (size_t i = 0; i < count; i++) {
        const uint32_t whole = value_at(i) * (page->bytes > 2 ? 70000 : page->picture ? 85 : 1);
        const float real = (float)value_at(i) / 3;
        memcpy(bytes + i * (size_t)page->bytes,
               page->kind == UN_FLOAT ? (const void *)&real : &whole, (size_t)page->bytes);
    }
    return bytes;
}

static void write_page(const char *path, const struct un_sink_page *page, const void *samples)
{
    struct unet_writer *sink;
    unet_error err;
    if (un_sink_open(path, 1 << 20, &sink, &err) || un_sink_page(sink, page, &err))
        fail_msg("%s", err.text);
    for (int y = 0, count = 1; y < page->height; y += count, count = count % 37 + 5) {
        count = y + count > page->height ? page->height - y : count;
        if (un_sink_rows(sink, (const char *)samples + (size_t)y * un_sink_stride(page), count,
                         &err))
            fail_msg("%s", err.text);
    }
    if (un_sink_commit(sink, &err))
        fail_msg("%s", err.text);
}

/* A level, which is tiled, as one array; its sides. */
static uint8_t *read_level(TIFF *tif, uint64_t place, size_t pixel, uint32_t *height,
                           uint32_t *width)
{
    uint32_t kind = 0, side = 0;
    if (place)
        assert_true(TIFFSetSubDirectory(tif, place));
    TIFFGetField(tif, TIFFTAG_IMAGELENGTH, height);
    TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, width);
    TIFFGetField(tif, TIFFTAG_TILEWIDTH, &side);
    TIFFGetFieldDefaulted(tif, TIFFTAG_SUBFILETYPE, &kind);
    assert_int_equal(kind, place ? FILETYPE_REDUCEDIMAGE : 0);
    assert_int_equal(side, 256);
    uint8_t *tile = malloc((size_t)TIFFTileSize(tif)), *all = malloc(*height * *width * pixel);
    for (uint32_t top = 0; top < *height; top += side)
        for (uint32_t left = 0; left < *width; left += side) {
            assert_true(TIFFReadTile(tif, tile, left, top, 0, 0) > 0);
            for (uint32_t y = top; y < *height && y < top + side; y++)
                for (uint32_t x = left; x < *width && x < left + side; x++)
                    memcpy(all + ((size_t)y * *width + x) * pixel,
                           tile + ((size_t)(y - top) * side + x - left) * pixel, pixel);
        }
    free(tile);
    return all;
}

/* What a pixel of a level is to be, by the four samples of the one above. */
static void expect_sample(const struct un_sink_page *page, const uint8_t *const four[4],
                          const uint8_t *found, int y, int x)
{
    const size_t bytes = (size_t)page->bytes;
    float real[4], got;
    uint32_t whole[4] = {0}, value = 0, want;
    int most = 0;
    for (int i = 0; i < 4; i++)
        memcpy(page->kind == UN_FLOAT ? (void *)&real[i] : &whole[i], four[i], bytes);
    memcpy(page->kind == UN_FLOAT ? (void *)&got : &value, found, bytes);
    if (page->kind == UN_FLOAT) {
        const float mean = (real[0] + real[1] + real[2] + real[3]) / 4;
        if (!(got - mean < 1e-6f && mean - got < 1e-6f))
            fail_msg("(%d, %d): %g, wanted %g", y, x, (double)got, (double)mean);
        return;
    }
    want = (whole[0] + whole[1] + whole[2] + whole[3] + 2) / 4;
    for (int i = 0; i < 4 && !page->picture; i++) {
        int count = 0;
        for (int k = 0; k < 4; k++)
            count += whole[k] == whole[i];
        want = count > most ? whole[i] : want;
        most = count > most ? count : most;
    }
    if (value != want)
        fail_msg("(%d, %d): %u, wanted %u of %u %u %u %u", y, x, value, want, whole[0], whole[1],
                 whole[2], whole[3]);
}

static void check_level(const struct un_sink_page *page, const uint8_t *above, uint32_t height,
                        uint32_t width, const uint8_t *level)
{
    const size_t pixel = (size_t)page->channels * (size_t)page->bytes;
    for (uint32_t y = 0; y < height; y += 2)
        for (uint32_t x = 0; x < width; x += 2)
            for (int c = 0; c < page->channels; c++) {
                const uint8_t *four[4];
                for (uint32_t i = 0; i < 4; i++) {
                    const uint32_t row = y + i / 2 < height ? y + i / 2 : y;
                    const uint32_t column = x + i % 2 < width ? x + i % 2 : x;
                    four[i] = above + ((size_t)row * width + column) * pixel +
                              (size_t)c * (size_t)page->bytes;
                }
                expect_sample(page, four,
                              level + ((size_t)(y / 2) * ((width + 1) / 2) + x / 2) * pixel +
                                  (size_t)c * (size_t)page->bytes,
                              (int)y / 2, (int)x / 2);
            }
}

static void test_levels(void **state)
{
    static const struct un_sink_page pages[] = {
        {.height = 1025, .width = 700, .channels = 1, .bytes = 1},
        {.height = 700, .width = 1027, .channels = 1, .bytes = 2},
        {.height = 600, .width = 513, .channels = 1, .bytes = 4},
        {.height = 601, .width = 1100, .channels = 3, .bytes = 1, .picture = true},
        {.height = 520, .width = 30, .channels = 2, .bytes = 4, .kind = UN_FLOAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct un_sink_page page = pages[i];
        void *samples = make_samples(&page);
        const size_t pixel = (size_t)page.channels * (size_t)page.bytes;
        page.pyramid = 1;
        write_page(in_folder("p.tif"), &page, samples);
        TIFF *tif = TIFFOpen(in_folder("p.tif"), "r");
        uint16_t count = 0;
        uint64_t *list, places[4];
        uint32_t height, width, rows, columns;
        assert_true(TIFFGetField(tif, TIFFTAG_SUBIFD, &count, &list));
        assert_int_equal(count, i < 2 || i == 3 ? 2 : 1);
        memcpy(places, list, count * sizeof *places);
        uint8_t *above = read_level(tif, 0, pixel, &height, &width);
        assert_memory_equal(above, samples, height * width * pixel);
        for (int k = 0; k < count; k++) {
            uint8_t *level = read_level(tif, places[k], pixel, &rows, &columns);
            assert_true(rows == (height + 1) / 2 && columns == (width + 1) / 2);
            check_level(&page, above, height, width, level);
            free(above);
            above = level;
            height = rows;
            width = columns;
        }
        assert_true(height <= 512 && width <= 512);
        free(above);
        free(samples);
        TIFFClose(tif);
        struct unet_source *source = must_open(in_folder("p.tif"));
        assert_true(source->pages == 1 && source->unread_count == count);
        un_source_close(source);
    }
}

static int levels_of(const char *path)
{
    uint16_t count = 0;
    uint64_t *list;
    TIFF *tif = TIFFOpen(path, "r");
    if (!TIFFGetField(tif, TIFFTAG_SUBIFD, &count, &list))
        count = 0;
    TIFFClose(tif);
    return count;
}

/* By itself where the page is large. */
static void test_when(void **state)
{
    struct un_sink_page page = {.height = 8200, .width = 8200, .channels = 1, .bytes = 1};
    uint8_t *rows = calloc(8200, 8200);
    (void)state;
    write_page(in_folder("l.tif"), &page, rows);
    assert_int_equal(levels_of(in_folder("l.tif")), 5);
    page.pyramid = 0;
    page.height = page.width = 600;
    write_page(in_folder("l.tif"), &page, rows);
    assert_int_equal(levels_of(in_folder("l.tif")), 0);
    free(rows);
}

static void write_stack(const char *path, const struct un_sink_page *page, const void *rows,
                        int pages)
{
    struct unet_writer *sink;
    unet_error err;
    assert_int_equal(un_sink_open(path, 100, &sink, &err), UNET_OK);
    for (int i = 0; i < pages; i++)
        if (un_sink_page(sink, page, &err) || un_sink_rows(sink, rows, page->height, &err))
            fail_msg("%s", err.text);
    assert_int_equal(un_sink_commit(sink, &err), UNET_OK);
}

static void test_ome(void **state)
{
    struct un_sink_page page = {.height = 9,
                                .width = 7,
                                .channels = 1,
                                .bytes = 1,
                                .pixel_height = 0.325,
                                .pixel_width = 0.25,
                                .pixel_depth = 1.5,
                                .unit = "um",
                                .pages = 2};
    const uint8_t rows[9 * 7] = {1, 2, 3};
    struct unet_writer *sink;
    unet_error err;
    char *text;
    (void)state;
    write_stack(in_folder("a&b.ome.tif"), &page, rows, 2);
    struct unet_source *source = must_open(in_folder("a&b.ome.tif"));
    const struct un_page found = must_page(source, 1);
    assert_int_equal(source->pages, 2);
    assert_string_equal(source->note, "");
    assert_true(found.pixel_height == 0.325 && found.pixel_width == 0.25);
    assert_string_equal(found.unit, "um");
    assert_true(found.pixel_depth == 1.5);
    un_source_close(source);
    /* times stay times, also in what is written like it */
    source = must_open(in_folder("a&b.ome.tif"));
    assert_int_equal(source->depth, 2);
    page.depth = 1;
    write_stack(in_folder("t.ome.tif"), &page, rows, 2);
    struct unet_source *times = must_open(in_folder("t.ome.tif"));
    assert_int_equal(times->depth, 1);
    struct un_sink_page like = page;
    like.depth = 0;
    assert_int_equal(un_sink_like(&like, times, 1, &err), UNET_OK);
    assert_int_equal(like.depth, 1);
    assert_true(like.pixel_depth == 1.5);
    un_source_close(times);
    un_source_close(source);
    TIFF *tif = TIFFOpen(in_folder("a&b.ome.tif"), "r");
    assert_true(TIFFGetField(tif, TIFFTAG_IMAGEDESCRIPTION, &text));
    assert_non_null(strstr(text, "Name=\"a&#38;b.ome.tif\""));
    assert_non_null(strstr(text, "PhysicalSizeX=\"0.25\" PhysicalSizeXUnit=\"&#181;m\""));
    assert_non_null(strstr(text, "SizeZ=\"2\""));
    assert_non_null(strstr(text, "PhysicalSizeZ=\"1.5\" PhysicalSizeZUnit=\"&#181;m\""));
    TIFFClose(tif);
    /* a text that would not be true is not written */
    page.pages = 3;
    assert_int_equal(un_sink_open(in_folder("c.ome.tif"), 100, &sink, &err), UNET_OK);
    assert_true(!un_sink_page(sink, &page, &err) && !un_sink_rows(sink, rows, 9, &err));
    assert_int_equal(un_sink_commit(sink, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "1 of 3 pages"));
}

static void test_nifti_space(void **state)
{
    struct un_sink_page page = {.height = 4,
                                .width = 5,
                                .channels = 1,
                                .bytes = 1,
                                .pixel_height = 2,
                                .pixel_width = 2,
                                .unit = "mm",
                                .place = {.kind = UN_PLACE_BODY,
                                          .count = {5, 4, 1},
                                          .step = {{-2, 0, 0}, {0, 2, 0}, {0, 0, 3}},
                                          .origin = {10, -20, 30},
                                          .unit = 1,
                                          .space = 4}};
    const uint8_t rows[20] = {1};
    (void)state;
    write_page(in_folder("m.nii.gz"), &page, rows);
    struct unet_source *source = must_open(in_folder("m.nii.gz"));
    const struct un_page found = must_page(source, 0);
    assert_int_equal(found.place.space, 4);
    assert_memory_equal(found.place.step, page.place.step, sizeof page.place.step);
    assert_memory_equal(found.place.origin, page.place.origin, sizeof page.place.origin);
    un_source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_when),
        cmocka_unit_test(test_ome),
        cmocka_unit_test(test_nifti_space),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
