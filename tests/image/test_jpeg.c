/* SPDX-License-Identifier: Apache-2.0 */
/* test_jpeg.c - JPEG: known means, libjpeg's own decoding, turned, cut off and damaged files */
#include "source_check.h"

#include <jpeglib.h>

#include "support/folder.h"

/* ---- made files -------------------------------------------------------------------------- */

enum look { BASELINE, PROGRESSIVE, ARITHMETIC, RESTARTS, SEPARATE, FLAT };

struct kind {
    const char *name;
    J_COLOR_SPACE from, to;
    int channels;
    enum look look;
};

static const struct kind kinds[] = {
    {"grey", JCS_GRAYSCALE, JCS_GRAYSCALE, 1, BASELINE},
    {"grey progressive", JCS_GRAYSCALE, JCS_GRAYSCALE, 1, PROGRESSIVE},
    {"YCbCr", JCS_RGB, JCS_YCbCr, 3, BASELINE},
    {"YCbCr restarts", JCS_RGB, JCS_YCbCr, 3, RESTARTS},
    {"YCbCr progressive", JCS_RGB, JCS_YCbCr, 3, PROGRESSIVE},
    {"YCbCr one scan a component", JCS_RGB, JCS_YCbCr, 3, SEPARATE},
    {"YCbCr arithmetic", JCS_RGB, JCS_YCbCr, 3, ARITHMETIC},
    {"RGB", JCS_RGB, JCS_RGB, 3, BASELINE},
    {"CMYK", JCS_CMYK, JCS_CMYK, 4, BASELINE},
    {"YCCK", JCS_CMYK, JCS_YCCK, 4, BASELINE},
    {"YCCK progressive", JCS_CMYK, JCS_YCCK, 4, PROGRESSIVE},
};

struct made {
    unsigned char *data;
    unsigned long size;
};

/* Smooth waves with some noise, so that chroma and high frequencies are there. */
static unsigned char level(int y, int x, int c)
{
    double v = 128 + 70 * sin(0.11 * y + c) + 40 * cos(0.23 * x - 0.05 * y * c);
    return (unsigned char)(v + un_rng_bits(3, (uint64_t)(y * 1000 + x * 4 + c)) % 16);
}

static void set_look(struct jpeg_compress_struct *jpeg, enum look look)
{
    static const jpeg_scan_info separate[] = {
        {1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
    if (look == PROGRESSIVE || look == FLAT)
        jpeg_simple_progression(jpeg);
    jpeg->arith_code = look == ARITHMETIC;
    jpeg->restart_interval = look == RESTARTS ? 3 : 0;
    if (look == SEPARATE) {
        jpeg->scan_info = separate;
        jpeg->num_scans = 3;
    }
}

static struct made encode(const struct kind *kind, int height, int width, const void *app1,
                          unsigned app1_size)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct made made = {0};
    unsigned char *row = malloc((size_t)width * 4);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &made.data, &made.size);
    jpeg.image_width = (unsigned)width;
    jpeg.image_height = (unsigned)height;
    jpeg.input_components = kind->channels;
    jpeg.in_color_space = kind->from;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, kind->to);
    jpeg_set_quality(&jpeg, 80, TRUE);
    set_look(&jpeg, kind->look);
    jpeg_start_compress(&jpeg, TRUE);
    if (app1)
        jpeg_write_marker(&jpeg, JPEG_APP0 + 1, app1, app1_size);
    for (int y = 0; y < height; y++) {
        for (int i = 0; i < width * kind->channels; i++)
            row[i] = kind->look == FLAT ? 128 : level(y, i / kind->channels, i % kind->channels);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(row);
    return made;
}

/* What libjpeg makes of a file, straightforwardly. */
static unsigned char *decode(const struct made *file, J_COLOR_SPACE space, int channels)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, file->data, file->size);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.out_color_space = space;
    jpeg_start_decompress(&jpeg);
    const size_t row = (size_t)jpeg.output_width * (size_t)channels;
    unsigned char *pixels = malloc(row * jpeg.output_height);
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW at = pixels + row * jpeg.output_scanline;
        jpeg_read_scanlines(&jpeg, &at, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    return pixels;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void check_pixels(const struct kind *kind, const struct made *file, int height, int width)
{
    struct un_page page;
    uint8_t *found = must_read(file->data, file->size, 0, &page);
    unsigned char *wanted = decode(file, kind->from, kind->channels);
    assert_int_equal(page.height, height);
    assert_int_equal(page.width, width);
    assert_int_equal(page.channels, kind->channels == 1 ? 1 : 3);
    assert_true(page.lossy && page.bits == 8 && page.bytes == 1 && page.kind == UN_UINT);
    const int channels = page.channels;
    for (int i = 0; i < height * width * channels; i++) {
        const unsigned char *p = wanted + (size_t)(i / channels) * (size_t)kind->channels;
        double value = p[i % channels];
        if (kind->channels == 4) /* libjpeg marks what it writes as Adobe's: 255 is no ink */
            value = floor(value * p[3] / 255 + 0.5);
        if (found[i] != value)
            fail_msg("%s: sample %d is %d, wanted %g", kind->name, i, found[i], value);
    }
    free(found);
    free(wanted);
}

static void test_kinds(void **state)
{
    static const int sides[][2] = {{1, 1}, {8, 8}, {37, 53}, {131, 17}};
    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t s = 0; s < COUNT(sides); s++) {
            struct made file = encode(&kinds[k], sides[s][0], sides[s][1], NULL, 0);
            check_pixels(&kinds[k], &file, sides[s][0], sides[s][1]);
            check_rects(file.data, file.size, 0, 20);
            free(file.data);
        }
}

static void test_truncated(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct made file = encode(&kinds[k], 37, 53, NULL, 0);
        check_truncation(file.data, file.size);
        must_fail(file.data, file.size / 2, "truncated");
        check_damage(file.data, file.size, 300);
        free(file.data);
    }
}

/* Without Adobe's marker, 0 is no ink. */
static void test_plain_cmyk(void **state)
{
    (void)state;
    struct made file = encode(&kinds[8], 8, 8, NULL, 0);
    struct un_page page;
    unsigned char *inks = decode(&file, JCS_CMYK, 4);
    for (size_t i = 0; i + 1 < file.size; i++)
        if (file.data[i] == 0xff && file.data[i + 1] == 0xee) {
            file.data[i + 1] = 0xed; /* APP13: the marker is not seen */
            break;
        }
    uint8_t *rgb = must_read(file.data, file.size, 0, &page);
    for (int i = 0; i < 64 * 3; i++)
        assert_int_equal(
            rgb[i],
            floor((255 - inks[i / 3 * 4 + i % 3]) * (255.0 - inks[i / 3 * 4 + 3]) / 255 + 0.5));
    free(rgb);
    free(inks);
    free(file.data);
}

static void test_orientation(void **state)
{
    static const unsigned char little[] = "Exif\0\0II*\0\10\0\0\0\2\0\0\1\3\0\1\0\0\0\0\0\0\0"
                                          "\x12\1\3\0\1\0\0\0?\0\0\0\0\0\0";
    static const unsigned char big[] = "Exif\0\0MM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0?\0\0\0\0\0";
    (void)state;
    for (int turn = 0; turn <= 9; turn++)
        for (int order = 0; order < 2; order++) {
            unsigned char app1[sizeof little];
            unsigned size = order ? sizeof big - 1 : sizeof little - 1;
            memcpy(app1, order ? big : little, size);
            *(unsigned char *)memchr(app1, '?', size) = (unsigned char)turn;
            struct made file = encode(&kinds[2], 13, 29, app1, size);
            struct un_page page;
            free(must_read(file.data, file.size, 0, &page));
            int wanted = turn >= 1 && turn <= 8 ? turn : 0;
            assert_int_equal(page.orientation, wanted);
            assert_int_equal(un_page_upright_height(&page), wanted >= 5 ? 29 : 13);
            check_rects(file.data, file.size, 0, 5);
            for (unsigned n = 0; n < size; n++) { /* Exif that ends anywhere */
                struct made cut = encode(&kinds[2], 8, 8, app1, n);
                free(must_read(cut.data, cut.size, 0, &page));
                free(cut.data);
            }
            free(file.data);
        }
}

static size_t find_marker(const struct made *file, int marker, size_t from)
{
    for (size_t i = from; i + 1 < file->size; i++)
        if (file->data[i] == 0xff && file->data[i + 1] == marker)
            return i;
    fail_msg("no marker 0x%02x", marker);
    return 0;
}

static void test_claims(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct made file = encode(&kinds[k], 16, 16, NULL, 0);
        static const int starts[] = {0xc0, 0xc2, 0xc9, 0xc0, 0xc0};
        size_t at = find_marker(&file, starts[kinds[k].look], 0);
        file.data[at + 5] = file.data[at + 6] = 0;
        must_fail(file.data, file.size, "height wanted");
        file.data[at + 5] = file.data[at + 7] = 0xf0;
        must_fail(file.data, file.size, "truncated or broken");
        file.data[at + 5] = file.data[at + 7] = 0;
        file.data[at + 6] = file.data[at + 8] = 16;
        file.data[at + 4] = 12;
        must_fail(file.data, file.size, "precision 12");
        free(file.data);
    }
}

/* A progressive file with its last scan again and again is refused. */
static void repeat_scan(const struct kind *kind, int side, int times, const char *words)
{
    struct made file = encode(kind, side, side, NULL, 0);
    size_t from = 0, to = file.size - 2, size = to;
    for (size_t i = 0; i < to; i++)
        from = file.data[i] == 0xff && file.data[i + 1] == 0xda ? i : from;
    unsigned char *many = malloc(file.size + (size_t)times * (to - from));
    memcpy(many, file.data, to);
    for (int i = 0; i < times; i++, size += to - from)
        memcpy(many + size, file.data + from, to - from);
    memcpy(many + size, file.data + to, 2);
    must_fail(many, size + 2, words);
    free(many);
    free(file.data);
}

static void test_many_scans(void **state)
{
    static const struct kind flat = {"flat", JCS_GRAYSCALE, JCS_GRAYSCALE, 1, FLAT};
    (void)state;
    repeat_scan(&flat, 64, 300, "201 scans");
    repeat_scan(&flat, 3000, 150, "too many for its size");
}

/* ---- real files -------------------------------------------------------------------------- */

static void compare_means(const char *path, const char *means, const struct un_page *page,
                          const uint8_t *samples, bool inks)
{
    size_t pixels = (size_t)page->height * (size_t)page->width;
    double wanted[4] = {0};
    sscanf(means, "%lf,%lf,%lf,%lf", wanted, wanted + 1, wanted + 2, wanted + 3);
    for (int c = 0; c < page->channels; c++) {
        double sum = 0;
        for (size_t i = 0; i < pixels; i++)
            sum += samples[i * (size_t)page->channels + (size_t)c];
        double mean = sum / (double)pixels, least = wanted[c] - 0.002, most = wanted[c] + 0.002;
        if (inks) { /* white less either ink, and no less than without both */
            least = 254.5 - wanted[c] - wanted[3];
            most = 255.5 - fmax(wanted[c], wanted[3]);
        }
        if (mean < least || mean > most)
            fail_msg("%s: channel %d has the mean %.3f, %.3f..%.3f wanted", path, c, mean, least,
                     most);
    }
}

static void test_table(void **state)
{
    (void)state;
    if (skip_without(TEST_SHARED "/EXPECT_jpeg.tsv"))
        return;
    char line[4096], path[1024], field[256], means[256];
    int files = 0;
    FILE *rows = fopen(TEST_SHARED "/EXPECT_jpeg.tsv", "r");
    assert_non_null(fgets(line, sizeof line, rows));
    for (; fgets(line, sizeof line, rows); files++) {
        struct unet_source *source;
        struct un_page page;
        uint8_t *samples = NULL;
        unet_error err;
        take_field(line, 0, field, sizeof field);
        snprintf(path, sizeof path, "%s/%s", TEST_SHARED, field);
        take_field(line, 8, means, sizeof means);
        if (un_source_open(path, &source, &err))
            fail_msg("%s", err.text);
        unet_code code = read_raw(source, 0, &page, &samples, &err);
        if (strstr(path, "partial_progressive")) { /* its last scans end before their blocks do */
            assert_true(code == UNET_EFORMAT && strstr(err.text, "premature end"));
            un_source_close(source);
            continue;
        }
        if (code)
            fail_msg("%s", err.text);
        take_field(line, 2, field, sizeof field);
        assert_int_equal(page.width, atoi(field));
        take_field(line, 3, field, sizeof field);
        assert_int_equal(page.height, atoi(field));
        take_field(line, 6, field, sizeof field);
        assert_int_equal(page.orientation, atoi(field));
        take_field(line, 4, field, sizeof field);
        if (page.orientation <= 1)
            compare_means(path, means, &page, samples, !strcmp(field, "CMYK"));
        free(samples);
        un_source_close(source);
    }
    fclose(rows);
    print_message("JPEG: %d files as the table has them\n", files);
    assert_true(files > 50);
}

static void test_bad_files(void **state)
{
    const char *folder = TEST_SHARED "/reader/bad/gofuzz_jpeg";
    int files = 0, good = 0;
    double slowest = 0;
    (void)state;
    if (skip_without(folder))
        return;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1024];
        uint64_t sum;
        size_t size = 0;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unsigned char *bytes = get_file(path, &size);
        double before = seconds_now();
        good += reads_whole(bytes, size, &sum);
        double took = seconds_now() - before;
        slowest = took > slowest ? took : slowest;
        files++;
        free(bytes);
    }
    closedir(dir);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    print_message("bad: %d files, %d of them readable, the slowest in %.3f s; peak %ld MB\n", files,
                  good, slowest, usage.ru_maxrss >> 10);
    assert_true(files > 100 && slowest < 1);
#ifndef __SANITIZE_ADDRESS__
    assert_true(usage.ru_maxrss < 256 << 10);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),      cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_plain_cmyk), cmocka_unit_test(test_orientation),
        cmocka_unit_test(test_claims),     cmocka_unit_test(test_many_scans),
        cmocka_unit_test(test_table),      cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
