/* SPDX-License-Identifier: Apache-2.0 */
/* test_tiff_bits.c - samples of any number of bits, colours, and files that must be refused */
#include "tiff_files.h"

/* Opening or reading all of it must fail, with these words. */
static void expect_refusal(const char *path, const char *words)
{
    struct unet_source *source = NULL;
    unet_error err = {0};
    unet_code code = un_source_open(path, &source, &err);
    for (int i = 0; !code && i < source->pages; i++) {
        struct un_page page;
        if ((code = un_source_page(source, i, &page, &err)))
            break;
        void *samples = malloc(un_rect_bytes(&page, all_of(&page)));
        code = un_source_raw(source, i, &page, all_of(&page), samples, &err);
        free(samples);
        if (code)
            break;
    }
    un_source_close(source);
    if (!code || err.code != UNET_EFORMAT || !strstr(err.text, words))
        fail_msg("%s: '%s', wanted a refusal with '%s'", path, err.text, words);
    if (strncmp(err.text, path, strlen(path)))
        fail_msg("'%s' does not name %s", err.text, path);
}

/* ---- samples of any number of bits ------------------------------------------------------- */

static void put_bits(uint8_t *bytes, size_t at, uint64_t v, int bits)
{
    for (int i = 0; i < bits; i++, at++)
        if (v >> (bits - 1 - i) & 1)
            bytes[at / 8] |= (uint8_t)(0x80 >> at % 8);
}

static uint64_t bits_value(int bits, int i)
{
    uint64_t v = (uint64_t)(i + 1) * 0x9e3779b97f4a7c15u;
    return bits == 64 ? v : v & (((uint64_t)1 << bits) - 1);
}

/* 7 x 3 pixels; format as of SampleFormat. */
static void make_bits(const char *path, bool big_endian, int bits, int format)
{
    struct raw_tiff t;
    raw_header(&t, big_endian);
    uint32_t stride = (uint32_t)(7 * bits + 7) / 8;
    const uint32_t entries[][2] = {
        {TIFFTAG_IMAGEWIDTH, 7},
        {TIFFTAG_IMAGELENGTH, 3},
        {TIFFTAG_BITSPERSAMPLE, (uint32_t)bits},
        {TIFFTAG_COMPRESSION, 1},
        {TIFFTAG_PHOTOMETRIC, 1},
        {TIFFTAG_STRIPOFFSETS, 200},
        {TIFFTAG_SAMPLESPERPIXEL, 1},
        {TIFFTAG_ROWSPERSTRIP, 3},
        {TIFFTAG_STRIPBYTECOUNTS, 3 * stride},
        {TIFFTAG_SAMPLEFORMAT, (uint32_t)format},
    };
    raw_ifd(&t, 8, entries, 10, 0);
    for (uint32_t i = 0; i < 3 * stride; i++)
        raw_number(&t, 200 + i, 0, 1);
    for (int i = 0; i < 21; i++) {
        uint64_t v = bits_value(bits, i);
        if (bits == 16 || bits == 32 || bits == 64)
            raw_number(&t, 200 + (size_t)i * (size_t)bits / 8, v, bits / 8);
        else
            put_bits(t.bytes + 200, (size_t)(i / 7) * stride * 8 + (size_t)(i % 7 * bits), v, bits);
    }
    raw_save(&t, path);
}

static void test_bits(void **state)
{
    (void)state;
    for (int bits = 1; bits <= 64; bits++)
        for (int k = 0; k < 4; k++) {
            bool is_signed = k & 1;
            make_bits(in_folder("bits.tif"), k & 2, bits,
                      is_signed ? SAMPLEFORMAT_INT : SAMPLEFORMAT_UINT);
            struct unet_source *source = must_open(in_folder("bits.tif"));
            struct un_page page = must_page(source, 0);
            assert_int_equal(page.bits, bits);
            assert_int_equal(page.kind, is_signed ? UN_INT : UN_UINT);
            void *samples = must_read(source, 0, &page, all_of(&page));
            uint8_t *part = must_read(source, 0, &page, (struct un_rect){1, 2, 2, 4});
            for (int i = 0; i < 21; i++) {
                uint64_t v = bits_value(bits, i);
                double want = (double)v;
                if (is_signed)
                    want = (double)((int64_t)(v << (64 - bits)) >> (64 - bits));
                double found = un_page_value(&page, samples, (size_t)i);
                if (found != want)
                    fail_msg("%d bits, case %d, sample %d: %.0f, wanted %.0f", bits, k, i, found,
                             want);
                if (i / 7 >= 1 && i % 7 >= 2 && i % 7 < 6)
                    assert_memory_equal(part + ((i / 7 - 1) * 4 + i % 7 - 2) * page.bytes,
                                        (uint8_t *)samples + i * page.bytes, (size_t)page.bytes);
            }
            free(samples);
            free(part);
            un_source_close(source);
        }
}

static void test_floats(void **state)
{
    (void)state;
    static const struct {
        int bits;
        uint32_t code;
        double value;
    } cases[] = {{24, 0x3f0000, 1},  {24, 0xbf8000, -1.5},     {24, 0, 0},
                 {24, 1, 0x1p-78},   {24, 0x7f0000, INFINITY}, {16, 0x3c00, 1},
                 {16, 0xc100, -2.5}, {32, 0x3fc00000, 1.5}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct raw_tiff t;
        raw_header(&t, true);
        const uint32_t entries[][2] = {
            {TIFFTAG_IMAGEWIDTH, 1},
            {TIFFTAG_IMAGELENGTH, 1},
            {TIFFTAG_BITSPERSAMPLE, (uint32_t)cases[i].bits},
            {TIFFTAG_COMPRESSION, 1},
            {TIFFTAG_PHOTOMETRIC, 1},
            {TIFFTAG_STRIPOFFSETS, 200},
            {TIFFTAG_SAMPLESPERPIXEL, 1},
            {TIFFTAG_ROWSPERSTRIP, 1},
            {TIFFTAG_STRIPBYTECOUNTS, (uint32_t)cases[i].bits / 8},
            {TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP},
        };
        raw_ifd(&t, 8, entries, 10, 0);
        raw_number(&t, 200, cases[i].code, cases[i].bits / 8);
        raw_save(&t, in_folder("float.tif"));
        struct unet_source *source = must_open(in_folder("float.tif"));
        struct un_page page = must_page(source, 0);
        assert_int_equal(page.kind, UN_FLOAT);
        void *samples = must_read(source, 0, &page, all_of(&page));
        if (un_page_value(&page, samples, 0) != cases[i].value)
            fail_msg("case %zu: %g, wanted %g", i, un_page_value(&page, samples, 0),
                     cases[i].value);
        free(samples);
        un_source_close(source);
    }
}

/* ---- colours and refusals ---------------------------------------------------------------- */

static void test_cmyk(void **state)
{
    (void)state;
    static const struct {
        uint8_t cmyk[4], rgb[3];
    } cases[] = {{{0, 0, 0, 0}, {255, 255, 255}},
                 {{255, 0, 0, 0}, {0, 255, 255}},
                 {{10, 20, 30, 255}, {0, 0, 0}},
                 {{128, 0, 64, 51}, {102, 204, 153}}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t rgb[3];
        uint16_t wide[4], rgb16[3];
        un_tiff_cmyk(cases[i].cmyk, 4, 1, 1, rgb);
        assert_memory_equal(rgb, cases[i].rgb, 3);
        for (int c = 0; c < 4; c++)
            wide[c] = (uint16_t)(257 * cases[i].cmyk[c]);
        un_tiff_cmyk(wide, 4, 2, 1, rgb16);
        for (int c = 0; c < 3; c++)
            assert_true(abs(rgb16[c] - 257 * cases[i].rgb[c]) <= 129);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    struct maker m = {.width = 20, .height = 10, .samples = 3, .photometric = PHOTOMETRIC_CIELAB};
    assert_true(maker_write(in_folder("lab.tif"), "w", &m, 1));
    expect_refusal(in_folder("lab.tif"), "Lab colours; grey, RGB or palette wanted");
    m = (struct maker){
        .width = 20, .height = 10, .samples = 1, .bits = 64, .format = SAMPLEFORMAT_COMPLEXIEEEFP};
    assert_true(maker_write(in_folder("complex.tif"), "w", &m, 1));
    expect_refusal(in_folder("complex.tif"), "64-bit complex samples");
}

/* Whatever a file is cut to, it is not taken for whole. */
static void test_truncated(void **state)
{
    (void)state;
    static const int compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW,
                                       COMPRESSION_ADOBE_DEFLATE};
    for (size_t i = 0; i < COUNT(compressions); i++) {
        /* 9 pages: libtiff puts each behind its samples, so that most cuts leave some whole */
        struct maker pages[9];
        for (int p = 0; p < 9; p++)
            pages[p] = (struct maker){
                .width = 30, .height = 20, .rows = 7, .compression = compressions[i], .number = p};
        const char *path = in_folder("cut.tif");
        assert_true(maker_write(path, "w", pages, 9));
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        for (off_t size = status.st_size - 1; size >= 8; size -= 1 + size / 60) {
            assert_int_equal(truncate(path, size), 0);
            expect_refusal(path, "TIFF");
        }
    }
}

/* Chunks that were decoded, again where their sum was not found; -1: refused. */
static int count_decoded(const char *path)
{
    struct unet_source *source;
    struct un_page page;
    unet_error err = {0};
    if (un_source_open(path, &source, &err) || un_source_page(source, 0, &page, &err))
        fail_msg("%s", err.text);
    const struct un_rect all = all_of(&page);
    uint8_t *samples = malloc(un_rect_bytes(&page, all));
    unet_code code = un_source_raw(source, 0, &page, all, samples, &err);
    const int count = code ? -1 : (int)((struct un_tiff *)source->state)->decoded;
    if (code && (code != UNET_EFORMAT || !*err.text))
        fail_msg("%s: %d, '%s'", path, code, err.text);
    free(samples);
    un_source_close(source);
    return count;
}

/* The sum behind a deflated chunk: of all predictors, orders and sizes it is found at once, and one
 * that differs is refused. */
static void test_deflate_sum(void **state)
{
    (void)state;
    static const int bits[] = {8, 16, 32, 64};
    const char *path = in_folder("sum.tif");
    for (int k = 0; k < 64; k++) {
        struct maker m = {.width = 70,
                          .height = 40,
                          .rows = 25,
                          .bits = bits[k & 3],
                          .compression = COMPRESSION_ADOBE_DEFLATE,
                          .predictor = k & 8 ? PREDICTOR_HORIZONTAL : 0,
                          .samples = k & 16 ? 3 : 1,
                          .planar = k & 4 ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG,
                          .tile = k & 32 ? 32 : 0};
        for (int swapped = 0; swapped < 2; swapped++) {
            if (m.bits == 64 && m.predictor)
                continue; /* libtiff 4.2 does not know it */
            assert_true(maker_write(path, swapped ? "wb" : "w", &m, 1));
            const int chunks = (m.tile ? 6 : 2) * (k & 4 && m.samples == 3 ? 3 : 1);
            if (count_decoded(path) != chunks)
                fail_msg("%d, %d: %d chunks decoded, %d wanted", k, swapped, count_decoded(path),
                         chunks);
            change_sum(path);
            if (count_decoded(path) != -1)
                fail_msg("%d, %d: not refused", k, swapped);
        }
    }
}

/* Bytes behind the sum are no damage, nor is a last strip of more rows than the image has. */
static void test_deflate_more(void **state)
{
    (void)state;
    const struct maker m = {
        .width = 70, .height = 40, .compression = COMPRESSION_ADOBE_DEFLATE, .scene = SLOPES};
    const char *path = in_folder("more.tif");
    for (int tag = 257; tag <= 279; tag += 22) { /* height, bytes of strips */
        struct un_mapping file;
        assert_true(maker_write(path, "wl", &m, 1));
        assert_int_equal(un_map_whole(path, &file, NULL), UNET_OK);
        uint8_t *bytes = malloc(file.size);
        memcpy(bytes, file.data, file.size);
        uint8_t *ifd = bytes + (bytes[4] | bytes[5] << 8 | bytes[6] << 16);
        for (int i = 0; i < ifd[0]; i++) {
            uint8_t *entry = ifd + 2 + 12 * i;
            if ((entry[0] | entry[1] << 8) == tag)
                entry[8] = (uint8_t)(tag == 257 ? entry[8] - 3 : entry[8] + 1);
        }
        put_file(path, bytes, file.size);
        assert_int_equal(count_decoded(path), 2);
        free(bytes);
        un_map_release(&file);
    }
}

/* ---- files made to do harm --------------------------------------------------------------- */

/* All pages and a few rectangles; how it ends does not matter. */
static void look_around(const char *path)
{
    struct unet_source *source;
    unet_error err;
    if (un_source_open(path, &source, &err))
        return;
    for (int i = 0; i < source->pages && i < 8; i++) {
        struct un_page page;
        if (un_source_page(source, i, &page, &err))
            continue;
        struct un_rect all = all_of(&page), part = {all.height / 2, all.width / 2, 1, 1};
        void *samples = un_rect_bytes(&page, all) < (size_t)100 << 20
                            ? malloc(un_rect_bytes(&page, all))
                            : NULL;
        if (samples && !un_source_raw(source, i, &page, all, samples, &err) &&
            un_source_raw(source, i, &page, part, samples, &err))
            fail_msg("%s", err.text);
        free(samples);
    }
    un_source_close(source);
}

static void test_bad_files(void **state)
{
    (void)state;
    const char *folder = TEST_SHARED "/reader/bad";
    if (skip_without(folder))
        return;
    char command[1100], path[1024];
    snprintf(command, sizeof command, "find %s -type f", folder);
    FILE *list = popen(command, "r");
    int files = 0;
    double worst = 0;
    while (fgets(path, sizeof path, list)) {
        path[strcspn(path, "\n")] = 0;
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        look_around(path);
        clock_gettime(CLOCK_MONOTONIC, &to);
        double seconds =
            (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
        worst = seconds > worst ? seconds : worst;
        files++;
    }
    pclose(list);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    print_message("bad: %d files, the slowest %.2f s; peak of all tests %ld MB\n", files, worst,
                  usage.ru_maxrss / 1024);
    assert_true(worst < 5); /* far above what it takes: machines may be busy */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files), /* first: its peak of memory is told */
        cmocka_unit_test(test_bits),         cmocka_unit_test(test_floats),
        cmocka_unit_test(test_cmyk),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_deflate_sum),
        cmocka_unit_test(test_deflate_more),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
