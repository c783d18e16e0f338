/* SPDX-License-Identifier: Apache-2.0 */
/* test_tiff.c - reading TIFF: real files against a table, rectangles, stacks, broken files */
#include "base/checksum.h"
#include "base/number.h"
#include "tiff_files.h"

/* ---- the table of real files ------------------------------------------------------------- */

/* What the table's sums are of: the samples of the first IFD as they are stored. */
static void sum_first_plane(struct unet_source *source, char sum[65])
{
    struct un_page page = must_page(source, 0);
    struct un_tiff *r = source->state;
    struct un_rect all = {0, 0, page.height, page.width};
    size_t pixels = (size_t)page.height * (size_t)page.width, bytes = (size_t)page.bytes;
    size_t C = (size_t)r->stored_channels, n = r->layers[0].layout.samples;
    uint8_t *samples = malloc(pixels * C * bytes);
    unet_error err;
    if (un_tiff_read_layer(source, &r->layers[0], all, samples, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < pixels; i++)
        memmove(samples + i * n * bytes, samples + i * C * bytes, n * bytes);
    if (UN_HOST_BIG) /* the table's are little-endian */
        un_swap(samples, pixels * n, (int)bytes);
    un_sha256_text(samples, pixels * n * bytes, sum);
    free(samples);
}

/* Files that do not come as the table has them, and why. */
static const struct {
    const char *file, *why;
} known_different[] = {
    {"off_luv32.tif", "LogLuv comes as RGB"},
};

static bool is_known(const char *file)
{
    for (size_t i = 0; i < COUNT(known_different); i++)
        if (strstr(file, known_different[i].file))
            return true;
    return false;
}

static bool is_readable(struct unet_source *source)
{
    struct un_page page;
    unet_image image;
    unet_error err;
    bool ok =
        !un_source_page(source, 0, &page, &err) && !un_image_of_source(source, 0, &image, &err);
    if (ok)
        free(image.data);
    else
        print_message("refused: %s\n", err.text);
    return ok;
}

/* Calls `look` on each file of the table that can be opened. */
static void for_table(void (*look)(struct unet_source *source, const char *file, const char *sum),
                      int *refused)
{
    char line[4096], path[1024], file[256], sum[65];
    FILE *rows = fopen(TEST_SHARED "/EXPECT_tiff.tsv", "r");
    assert_non_null(fgets(line, sizeof line, rows));
    int column = column_of(line, "sha256_raw");
    while (fgets(line, sizeof line, rows)) {
        struct unet_source *source;
        struct un_page page;
        unet_error err;
        take_field(line, 0, file, sizeof file);
        take_field(line, column, sum, sizeof sum);
        snprintf(path, sizeof path, "%s/%s", TEST_SHARED, file);
        if (un_source_open(path, &source, &err)) {
            print_message("refused: %s\n", err.text);
            ++*refused;
            continue;
        }
        if (!*sum && !is_readable(source)) /* the table's makers could not read it either */
            ++*refused;
        else if (un_source_page(source, 0, &page, &err)) {
            print_message("refused: %s\n", err.text);
            ++*refused;
        } else
            look(source, file, sum);
        un_source_close(source);
    }
    fclose(rows);
}

static int sums_equal, sums_known, sums_untold;

static void compare_sum(struct unet_source *source, const char *file, const char *sum)
{
    char found[65];
    sum_first_plane(source, found);
    if (!strcmp(found, sum))
        sums_equal++;
    else if (!*sum)
        sums_untold++;
    else if (is_known(file))
        sums_known++;
    else
        fail_msg("%s: samples have the sum %s, wanted %s", file, found, sum);
}

static void test_table(void **state)
{
    (void)state;
    int refused = 0;
    if (skip_without(TEST_SHARED "/EXPECT_tiff.tsv"))
        return;
    for_table(compare_sum, &refused);
    print_message("TIFF: %d pictures equal, %d known to differ, %d without a sum, %d refused\n",
                  sums_equal, sums_known, sums_untold, refused);
    /* not every libtiff can unpack every compression; half of the files need none */
    assert_true(sums_equal >= 120);
}

/* ---- rectangles -------------------------------------------------------------------------- */

static unsigned dice_state = 1;

static int dice(int n)
{
    dice_state = dice_state * 1664525u + 1013904223u;
    return (int)((dice_state >> 8) % (unsigned)n);
}

static void check_rect(struct unet_source *source, const char *file, int i, struct un_page *page,
                       const uint8_t *whole, struct un_rect rect)
{
    size_t pixel = (size_t)page->channels * (size_t)page->bytes;
    size_t row = (size_t)rect.width * pixel;
    uint8_t *part = must_read(source, i, page, rect);
    for (int y = 0; y < rect.height; y++)
        if (memcmp(part + (size_t)y * row,
                   whole + ((size_t)(rect.top + y) * (size_t)un_page_upright_width(page) +
                            (size_t)rect.left) *
                               pixel,
                   row))
            fail_msg("%s: page %d: row %d of %d+%d, %d+%d differs from the whole", file, i, y,
                     rect.top, rect.height, rect.left, rect.width);
    free(part);
}

static void check_rects(struct unet_source *source, const char *file, const char *sum)
{
    (void)sum;
    for (int i = 0; i < source->pages && i < 4; i++) {
        struct un_page page = must_page(source, i);
        struct un_rect all = all_of(&page);
        uint8_t *whole = must_read(source, i, &page, all);
        for (int k = 0; k < 12; k++) {
            struct un_rect rect = {dice(all.height), dice(all.width), 0, 0};
            rect.height = 1 + dice(all.height - rect.top);
            rect.width = 1 + dice(all.width - rect.left);
            check_rect(source, file, i, &page, whole, rect);
        }
        int step = 1 + dice(all.height);
        for (int top = 0; top < all.height; top += step)
            check_rect(source, file, i, &page, whole,
                       (struct un_rect){top, 0, all.height - top < step ? all.height - top : step,
                                        all.width});
        free(whole);
    }
}

static void test_rectangles(void **state)
{
    (void)state;
    int refused = 0;
    if (!skip_without(TEST_SHARED "/EXPECT_tiff.tsv"))
        for_table(check_rects, &refused);
}

/* ---- every way that samples can lie ------------------------------------------------------ */

static void check_values(const struct maker *m, int top, int left, int height, int width,
                         const uint8_t *samples, const char *what)
{
    int n = maker_samples(m), bytes = maker_bytes(m);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < n; c++) {
                uint8_t want[8];
                size_t at = ((size_t)y * (size_t)width + (size_t)x) * (size_t)n + (size_t)c;
                maker_put(m, left + x, top + y, c, want);
                if (memcmp(samples + at * (size_t)bytes, want, (size_t)bytes))
                    fail_msg("%s: row %d, column %d, channel %d differs", what, top + y, left + x,
                             c);
            }
}

static void check_made(const char *mode, const struct maker *m)
{
    char what[128];
    snprintf(what, sizeof what, "compression %d, planar %d, %d x %d bits, tile %d, mode %s",
             m->compression, m->planar, m->samples, m->bits, m->tile, mode);
    const char *path = in_folder("made.tif");
    if (!maker_write(path, mode, m, 1))
        fail_msg("%s: cannot be written", what);
    struct unet_source *source = must_open(path);
    struct un_page page = must_page(source, 0);
    uint8_t *samples = must_read(source, 0, &page, all_of(&page));
    check_values(m, 0, 0, page.height, page.width, samples, what);
    free(samples);
    struct un_rect part = {page.height / 3, page.width / 4, page.height / 2, page.width / 2};
    samples = must_read(source, 0, &page, part);
    check_values(m, part.top, part.left, part.height, part.width, samples, what);
    free(samples);
    un_source_close(source);
}

static void test_ways(void **state)
{
    (void)state;
    static const int compressions[] = {0,
                                       COMPRESSION_LZW,
                                       COMPRESSION_ADOBE_DEFLATE,
                                       COMPRESSION_PACKBITS,
                                       COMPRESSION_ZSTD,
                                       COMPRESSION_LZMA,
                                       COMPRESSION_LERC};
    static const char *const modes[] = {"w", "wb", "w8", "wb8"};
    static const int bits[] = {8, 16, 32, 64};
    for (int k = 0; k < 4 * 4 * 2 * 2; k++)
        for (size_t i = 0; i < COUNT(compressions); i++) {
            struct maker m = {.width = 53, .height = 37, .samples = k & 1 ? 3 : 1, .rows = 5};
            m.tile = k & 2 ? 16 : 0;
            m.planar = k & 1 && k & 4 ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG;
            m.bits = bits[k >> 2 & 3];
            m.compression = compressions[i];
            m.format = k & 32 && m.bits >= 32 ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT;
            if (m.compression && !TIFFIsCODECConfigured((uint16_t)m.compression))
                continue;
            if (m.compression == COMPRESSION_LERC && m.bits == 64 && m.format == SAMPLEFORMAT_UINT)
                continue; /* LERC has no such numbers */
            if (m.compression == COMPRESSION_LZW && m.bits < 64)
                m.predictor = m.format == SAMPLEFORMAT_IEEEFP ? PREDICTOR_FLOATINGPOINT
                                                              : PREDICTOR_HORIZONTAL;
            const char *mode = modes[(k + (int)i) % 4];
            if (m.predictor == PREDICTOR_FLOATINGPOINT && mode[1] == 'b')
                m.predictor = 0; /* libtiff 4.5 writes what no one, itself included, reads back */
            check_made(mode, &m);
        }
    struct maker webp = {
        .width = 53, .height = 37, .samples = 3, .rows = 5, .compression = COMPRESSION_WEBP};
    if (TIFFIsCODECConfigured(COMPRESSION_WEBP))
        check_made("w", &webp);
}

/* ---- what is decoded --------------------------------------------------------------------- */

static uint64_t count_decoded(const char *path, int step)
{
    struct unet_source *source = must_open(path);
    struct un_page page = must_page(source, 0);
    for (int top = 0; top < page.height; top += step)
        free(must_read(source, 0, &page,
                       (struct un_rect){top, 0, page.height - top < step ? page.height - top : step,
                                        page.width}));
    uint64_t count = ((struct un_tiff *)source->state)->decoded;
    un_source_close(source);
    return count;
}

static void test_bands_decode_once(void **state)
{
    (void)state;
    /* more than is kept when there is room, so that rows of chunks have to go */
    const struct maker cases[] = {
        {.width = 3001, .height = 2003, .tile = 256, .samples = 3},
        {.width = 3001, .height = 2003, .tile = 256, .samples = 3, .planar = PLANARCONFIG_SEPARATE},
        {.width = 3001, .height = 2003, .rows = 7, .samples = 3},
        {.width = 3001, .height = 2003, .rows = 7, .samples = 3, .planar = PLANARCONFIG_SEPARATE},
        {.width = 3001, .height = 2003, .samples = 3}, /* one strip */
    };
    const uint64_t chunks[] = {12 * 8, 12 * 8 * 3, 287, 287 * 3, 1};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct maker m = cases[i];
        m.compression = COMPRESSION_LZW;
        assert_true(maker_write(in_folder("bands.tif"), "w", &m, 1));
        assert_int_equal(count_decoded(in_folder("bands.tif"), 64), chunks[i]);
        assert_int_equal(count_decoded(in_folder("bands.tif"), 97), chunks[i]);
        m.compression = COMPRESSION_NONE;
        assert_true(maker_write(in_folder("bands.tif"), "w", &m, 1));
        assert_int_equal(count_decoded(in_folder("bands.tif"), 97), 0);
    }
}

/* A rectangle decodes the tiles under it. */
static void test_rectangle_decodes_its_tiles(void **state)
{
    (void)state;
    struct maker m = {.width = 1000, .height = 1000, .tile = 64, .compression = COMPRESSION_LZW};
    assert_true(maker_write(in_folder("tiles.tif"), "w", &m, 1));
    struct unet_source *source = must_open(in_folder("tiles.tif"));
    struct un_page page = must_page(source, 0);
    free(must_read(source, 0, &page, (struct un_rect){64, 64, 64, 65}));
    assert_int_equal(((struct un_tiff *)source->state)->decoded, 2);
    free(must_read(source, 0, &page, (struct un_rect){65, 70, 60, 60}));
    assert_int_equal(((struct un_tiff *)source->state)->decoded, 2);
    un_source_close(source);
}

/* A strip too tall to be kept is read row by row, with little memory, and up again if need be. */
static void test_tall_strip(void **state)
{
    (void)state;
    struct maker m = {.width = 6000, .height = 5700, .compression = COMPRESSION_ADOBE_DEFLATE};
    assert_true(maker_write(in_folder("tall.tif"), "w", &m, 1));
    struct unet_source *source = must_open(in_folder("tall.tif"));
    struct un_page page = must_page(source, 0);
    assert_true(page.in_order);
    assert_true(page.working < 200000);
    const struct un_rect rects[] = {
        {10, 0, 3, 6000}, {13, 100, 2, 50}, {2000, 5000, 4, 1000}, {2003, 0, 1, 3}, {7, 2, 9, 60}};
    for (size_t i = 0; i < COUNT(rects); i++) {
        uint8_t *samples = must_read(source, 0, &page, rects[i]);
        check_values(&m, rects[i].top, rects[i].left, rects[i].height, rects[i].width, samples,
                     "tall strip");
        free(samples);
    }
    assert_int_equal(((struct un_tiff *)source->state)->decoded, 2);
    const struct un_rect last = {5699, 0, 1, 10};
    free(must_read(source, 0, &page, last)); /* with the sum behind it */
    assert_int_equal(((struct un_tiff *)source->state)->decoded, 2);
    un_source_close(source);
    change_sum(in_folder("tall.tif"));
    source = must_open(in_folder("tall.tif"));
    page = must_page(source, 0);
    uint8_t samples[10];
    unet_error err = {0};
    assert_int_equal(un_source_raw(source, 0, &page, last, samples, &err), UNET_EFORMAT);
    un_source_close(source);
    m.compression = COMPRESSION_NONE;
    assert_true(maker_write(in_folder("tall.tif"), "w", &m, 1));
    source = must_open(in_folder("tall.tif"));
    page = must_page(source, 0);
    assert_false(page.in_order);
    assert_int_equal(page.working, 16); /* where the strip is */
    un_source_close(source);
}

/* GDAL's declaration of what is no data; nothing follows from one that is no number. */
static void test_declared_fill(void **state)
{
    static const struct {
        struct maker m;
        bool set;
        float value;
    } rows[] = {
        {{.bits = 16, .format = SAMPLEFORMAT_INT, .nodata = "-32768"}, true, -32768},
        {{.bits = 32, .format = SAMPLEFORMAT_IEEEFP, .nodata = " -9999.0 "}, true, -9999},
        {{.bits = 32, .format = SAMPLEFORMAT_IEEEFP, .nodata = "nan"}, true, NAN},
        {{.samples = 3, .nodata = "0"}, true, 0},
        {{.nodata = "none"}, false, 0},
        {{.bits = 8}, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct maker m = rows[i].m;
        struct unet_source *source;
        struct un_page page;
        unet_error err;
        m.width = m.height = 9;
        assert_true(maker_write(in_folder("declared.tif"), "w", &m, 1));
        if (un_source_open(in_folder("declared.tif"), &source, &err) ||
            un_source_page(source, 0, &page, &err))
            fail_msg("row %zu: %s", i, err.text);
        if (page.fill.set != rows[i].set ||
            (page.fill.set && !un_is_fill(page.fill, rows[i].value)))
            fail_msg("row %zu: %d, %g", i, page.fill.set, (double)page.fill.value);
        assert_int_equal(strstr(source->note, "to be no data") != NULL, rows[i].set);
        un_source_close(source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_rectangles),
        cmocka_unit_test(test_ways),
        cmocka_unit_test(test_bands_decode_once),
        cmocka_unit_test(test_rectangle_decodes_its_tiles),
        cmocka_unit_test(test_tall_strip),
        cmocka_unit_test(test_declared_fill),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
