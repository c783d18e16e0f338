/* SPDX-License-Identifier: Apache-2.0 */
/* test_image.c - reading and writing images: tables of real files, round trips, broken files */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/rng.h"
#include "data/masks/mask.h"
#include "image/image.h"
#include "support/expect_table.h"
#include "support/folder.h"
#include "support/sha256.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the tables of expected samples ------------------------------------------------------ */

/*
 * Reads every file of a table.  A picture must have the table's samples (sum_of ""): files that
 * hold none must be refused; others may be refused with a message that names the file.
 */
static void compare_table(const char *table, int *equal, int *refused)
{
    char line[4096], path[1024], file[256], wanted[65], found[65];
    FILE *rows = fopen(table, "r");
    *equal = *refused = 0;
    assert_non_null(fgets(line, sizeof line, rows));
    int sum_column = column_of(line, "sha256_raw");
    while (fgets(line, sizeof line, rows)) {
        struct unet_source *source;
        struct un_page page;
        unet_error err;
        take_field(line, 0, file, sizeof file);
        take_field(line, sum_column, wanted, sizeof wanted);
        snprintf(path, sizeof path, "%s/%s", TEST_SHARED, file);
        void *samples = NULL;
        size_t bytes = 0;
        unet_code code = un_source_open(path, &source, &err);
        if (!code) {
            if (!(code = un_source_page(source, 0, &page, &err))) {
                page.orientation = 1; /* the table has them as they are stored */
                const struct un_rect all = {0, 0, page.height, page.width};
                bytes = un_rect_bytes(&page, all);
                samples = malloc(bytes);
                code = un_source_raw(source, 0, &page, all, samples, &err);
            }
            un_source_close(source);
        }
        if (code) {
            assert_int_equal(err.code, UNET_EFORMAT);
            assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
            free(samples);
            ++*refused;
            continue;
        }
        sha256(samples, bytes, found);
        if (strcmp(found, wanted))
            fail_msg("%s: samples have the sum %s, wanted %s", path, found, wanted);
        free(samples);
        ++*equal;
    }
    fclose(rows);
}

static bool skip_without(const char *path)
{
    if (!access(path, R_OK))
        return false;
    printf("skipped: no %s\n", path);
    return true;
}

static void test_png_table(void **state)
{
    (void)state;
    int equal, refused;
    if (skip_without(TEST_SHARED "/EXPECT_png.tsv"))
        return;
    compare_table(TEST_SHARED "/EXPECT_png.tsv", &equal, &refused);
    print_message("PNG: %d pictures equal, %d refused\n", equal, refused);
    assert_int_equal(equal, 161);
    assert_int_equal(refused, 26);
}

/* Every file below a folder is read as image and as mask: no crash, and a message if it fails. */
static void read_tree(const char *path, int *files, int *good)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char name[1024];
        struct stat status;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] == '.' || stat(name, &status))
            continue;
        if (S_ISDIR(status.st_mode)) {
            read_tree(name, files, good);
            continue;
        }
        unet_image image = {0};
        unet_error err = {0};
        struct un_mask mask;
        unet_code code = un_image_read(name, &image, &err);
        ++*files;
        *good += !code;
        assert_true(!code || err.text[0]);
        free(image.data);
        if (!un_mask_read(name, &mask, &err))
            un_mask_release(&mask);
    }
    if (dir)
        closedir(dir);
}

static void test_bad_files(void **state)
{
    (void)state;
    int files = 0, good = 0;
    if (skip_without(TEST_SHARED "/reader/bad"))
        return;
    read_tree(TEST_SHARED "/reader/bad", &files, &good);
    print_message("bad: %d files, %d of them readable\n", files, good);
    assert_true(files > 100);
}

/* ---- round trips ------------------------------------------------------------------------- */

static unet_image made_image(int height, int width, int channels, unet_sample sample)
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

static void test_round_trips(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int channels;
        unet_sample sample;
    } rows[] = {
        {"a.png", 1, UNET_U8},  {"b.png", 3, UNET_U8},   {"c.PNG", 1, UNET_U16},
        {"d.png", 3, UNET_U16}, {"a.tif", 1, UNET_U8},   {"b.tiff", 3, UNET_U8},
        {"c.tif", 1, UNET_U16}, {"d.tif", 3, UNET_U16},  {"e.TIFF", 1, UNET_F32},
        {"f.tif", 3, UNET_F32}, {"g.tif", 5, UNET_F32},  {"h.tif", 254, UNET_F32},
        {"i.tif", 2, UNET_U8},  {"j.tif", 4, UNET_U16},  {"a.npy", 1, UNET_F32},
        {"b.npy", 3, UNET_F32}, {"c.npy", 64, UNET_F32},
    };
    static const int sizes[][2] = {{1, 1}, {1, 7}, {13, 1}, {31, 37}, {64, 65}, {300, 257}};
    for (size_t r = 0; r < COUNT(rows); r++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            unet_error err;
            unet_image image =
                made_image(sizes[s][0], sizes[s][1], rows[r].channels, rows[r].sample);
            unet_image back;
            const char *path = in_folder(rows[r].name);
            if (un_image_write(path, &image, &err) || un_image_read(path, &back, &err))
                fail_msg("%s", err.text);
            assert_int_equal(back.height, image.height);
            assert_int_equal(back.width, image.width);
            assert_int_equal(back.channels, image.channels);
            assert_int_equal(back.sample, image.sample);
            assert_int_equal(back.prepared, strstr(path, ".npy") != NULL);
            assert_memory_equal(back.data, image.data, un_image_bytes(&image));
            free(image.data);
            free(back.data);
        }
    assert_int_equal(folder_count(""), COUNT(rows));
}

static void test_mask_round_trip(void **state)
{
    (void)state;
    static const char *const names[] = {"m.png", "m.tif"};
    static const uint8_t colors[3][3] = {{0, 0, 0}, {255, 0, 10}, {1, 2, 3}};
    static const uint8_t mask[2 * 4] = {0, 1, 2, 1, UNET_IGNORE, 0, 0, 2};
    for (int i = 0; i < 2; i++) {
        struct un_mask back;
        unet_image image;
        const char *path = in_folder(names[i]);
        assert_int_equal(un_mask_write(path, mask, 2, 4, colors, 3, NULL), UNET_OK);
        assert_int_equal(un_mask_read(path, &back, NULL), UNET_OK);
        assert_int_equal(back.height, 2);
        assert_int_equal(back.width, 4);
        assert_int_equal(back.bits, 8);
        assert_int_equal(back.type, UN_CODE_INDEX);
        for (size_t p = 0; p < sizeof mask; p++)
            assert_int_equal(back.codes[p], mask[p]);
        un_mask_release(&back);
        assert_int_equal(un_image_read(path, &image, NULL), UNET_OK);
        assert_int_equal(image.channels, 3);
        assert_memory_equal((uint8_t *)image.data + 3, colors[1], 3);
        assert_memory_equal((uint8_t *)image.data + 6, colors[2], 3);
        static const uint8_t grey[3] = {128, 128, 128};
        assert_memory_equal((uint8_t *)image.data + 12, grey, 3);
        free(image.data);
    }
    unet_error err;
    assert_int_equal(un_mask_write(in_folder("m.npy"), mask, 2, 4, colors, 3, &err), UNET_EINVAL);
    assert_int_equal(folder_count(""), 2);
}

static void test_npy_of_planes(void **state)
{
    (void)state;
    static const float data[2 * 3 * 4] = {1, 2, 3, [23] = -5};
    const int shape[3] = {2, 3, 4};
    unet_image image;
    assert_int_equal(un_npy_write(in_folder("p.npy"), data, 3, shape, NULL), UNET_OK);
    assert_int_equal(un_image_read(in_folder("p.npy"), &image, NULL), UNET_OK);
    assert_int_equal(image.height, 2);
    assert_int_equal(image.width, 3);
    assert_int_equal(image.channels, 4);
    assert_memory_equal(image.data, data, sizeof data);
    free(image.data);
    /* one dimension: "(24,)", which is no image */
    const int flat[1] = {24}, none[2] = {3, 0};
    unet_error err;
    const int batch[] = {1, 1, shape[0], shape[1] * shape[2]};
    assert_int_equal(un_npy_write(in_folder("s.npy"), data, 4, batch, NULL), UNET_OK);
    assert_int_equal(un_image_read(in_folder("s.npy"), &image, NULL), UNET_OK);
    assert_int_equal(image.height, shape[0]);
    assert_int_equal(image.width, shape[1] * shape[2]);
    assert_int_equal(image.channels, 1);
    assert_memory_equal(image.data, data, sizeof data);
    unet_image_release(&image);
    assert_int_equal(un_npy_write(in_folder("q.npy"), data, 1, flat, NULL), UNET_OK);
    assert_int_equal(un_image_read(in_folder("q.npy"), &image, &err), UNET_EFORMAT);
    assert_non_null(strstr(err.text, "1 dimensions"));
    assert_int_equal(un_npy_write(in_folder("r.npy"), data, 2, none, NULL), UNET_EINVAL);
}

/* ---- refusals ---------------------------------------------------------------------------- */

static void expect_refusal(const char *name, const void *data, size_t size, const char *part)
{
    unet_image image = {0};
    unet_error err = {0};
    put_file(in_folder(name), data, size);
    unet_code code = un_image_read(in_folder(name), &image, &err);
    if (code != UNET_EFORMAT || image.data || !strstr(err.text, part) || !strstr(err.text, name))
        fail_msg("code %d, '%s', wanted '%s'", code, err.text, part);
}

static void test_foreign_files(void **state)
{
    (void)state;
    expect_refusal("a.png", "hello, world\n", 13, "not an image file; PNG, TIFF,");
    expect_refusal("b.png", "", 0, "empty");
    expect_refusal("c.webp", "RIFF....WEBP", 12, "a WebP image; PNG, TIFF,");
    expect_refusal("d.jpg", "\xff\xd8\xff\xe0....", 8, "truncated JPEG");
    expect_refusal("d.bmp", "BM......", 8, "truncated BMP");
    expect_refusal("d.gif", "GIF89a..", 8, "truncated GIF");
    expect_refusal("d.gz", "\x1f\x8b\10.....", 8, "gzip-compressed");
    expect_refusal("e.tif", "II*\0", 4, "not an image");
    expect_refusal("f.tif", "II*\0\10\0\0\0", 8, "truncated or broken TIFF");
    expect_refusal("g.png", "\x89PNG\r\n\x1a\n", 8, "truncated PNG");
    expect_refusal("h.png", "\x89PNG\n\x1a\n....", 10, "line ends");
    unet_image image;
    unet_error err;
    assert_int_equal(un_image_read(in_folder("none.png"), &image, &err), UNET_EIO);
    assert_int_equal(un_image_read(in_folder(""), &image, &err), UNET_EIO);
}

static void expect_npy(const char *header, int version, size_t values, const char *part)
{
    unsigned char file[1024] = "\x93NUMPY";
    size_t n = strlen(header), at = version > 1 ? 12 : 10;
    file[6] = (unsigned char)version;
    file[8] = (unsigned char)n;
    memcpy(file + at, header, n);
    expect_refusal("x.npy", file, at + n + values, part);
}

static void test_npy_headers(void **state)
{
    (void)state;
#define NPY(type, order, shape)                                                                    \
    "{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }\n"
    expect_npy(NPY("<c8", "False", "(2, 2)"), 1, 32, "'<c8'");
    expect_npy(NPY("<f16", "False", "(2, 2)"), 1, 64, "'<f16'");
    expect_npy(NPY("|u2", "False", "(2, 2)"), 1, 8, "'|u2'");
    expect_npy(NPY("f4", "False", "(2, 2)"), 1, 16, "'f4'");
    expect_npy(NPY("", "False", "(2, 2)"), 1, 16, "''");
    expect_npy(NPY("<U4", "False", "(2, 2)"), 1, 16, "'<U4'");
    expect_npy(NPY("<f8", "False", "(2, 2)"), 1, 31, "truncated");
    expect_npy(NPY("<f4", "False", "()"), 1, 4, "0 dimensions");
    expect_npy(NPY("<f4", "False", "(1, 2, 1, 2)"), 1, 16, "4 dimensions");
    expect_npy(NPY("<f4", "False", "(2, 2)"), 1, 15, "truncated");
    expect_npy(NPY("<f4", "False", "(2, 2)"), 1, 17, "oversized");
    expect_npy(NPY("<f4", "False", "(2, 0)"), 1, 0, "sides of 1..");
    expect_npy(NPY("<f4", "False", "(999999999, 999999999)"), 1, 16, "sides of up to");
    expect_npy(NPY("<f4", "False", "(131072, 131072)"), 1, 16, "truncated");
    expect_npy(NPY("<f4", "False", "(100000, 10000)"), 1, 16, "truncated");
    expect_npy(NPY("<f4", "False", "(99999999999999999999, 2)"), 1, 16, "broken");
    expect_npy(NPY("<f4", "__import__('os')", "(2, 2)"), 1, 16, "broken");
    expect_npy(NPY("<f4", "False", "(2, -2)"), 1, 16, "broken");
    expect_npy("{'descr': '<f4', 'descr': '<f4', 'shape': (2, 2)}", 1, 16, "broken");
    expect_npy("{'descr': '<f4', 'fortran_order': False}", 1, 16, "broken");
    expect_npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", 1, 16, "broken");
    expect_npy("{'descr': '<f4", 1, 0, "broken");
    expect_npy(NPY("<f4", "False", "(2, 2)"), 9, 16, "version 9");
    expect_refusal("y.npy", "\x93NUMPY\2\0\xff\xff\xff\xff{}", 14, "4294967295 bytes");
    expect_refusal("z.npy", "\x93NUMPY\1\0\xff\x7f{}", 12, "truncated");
    expect_refusal("w.npy", "\x93NUMPY\1\0", 8, "truncated");
}

/* A file cut anywhere is refused as a whole. */
static void test_truncated_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unet_sample sample;
    } rows[] = {{"t.png", UNET_U16}, {"t.tif", UNET_U8}, {"u.tif", UNET_F32}, {"t.npy", UNET_F32}};
    for (size_t r = 0; r < COUNT(rows); r++) {
        unet_image image = made_image(200, 211, 3, rows[r].sample), back = {0};
        assert_int_equal(un_image_write(in_folder(rows[r].name), &image, NULL), UNET_OK);
        size_t size = 0;
        unsigned char *file = get_file(in_folder(rows[r].name), &size);
        for (int i = 0; i < 40; i++) {
            /* dense at both ends, where the headers are */
            size_t cut = i < 15   ? (size_t)i * 7
                         : i < 30 ? size * (size_t)(i - 14) / 16
                                  : size - (size_t)(40 - i);
            unet_error err = {0};
            put_file(in_folder("cut"), file, cut);
            unet_code code = un_image_read(in_folder("cut"), &back, &err);
            if (code != UNET_EFORMAT || back.data)
                fail_msg("%s cut at %zu of %zu: code %d '%s'", rows[r].name, cut, size, code,
                         err.text);
        }
        free(file);
        free(image.data);
    }
}

/* A flipped byte in the image data of a PNG is noticed. */
static void test_damaged_png(void **state)
{
    (void)state;
    unet_image image = made_image(50, 50, 1, UNET_U8), back = {0};
    assert_int_equal(un_image_write(in_folder("d.png"), &image, NULL), UNET_OK);
    size_t size = 0;
    unsigned char *file = get_file(in_folder("d.png"), &size);
    file[size / 2] ^= 1;
    expect_refusal("d.png", file, size, "broken PNG");
    free(file);
    free(image.data);
    assert_null(back.data);
}

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

static uint32_t crc_of(const unsigned char *p, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int b = 0; b < 8; b++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* Sets a number in the first directory of a little-endian TIFF. */
static void put_tag(unsigned char *file, int tag, uint32_t value)
{
    uint32_t at;
    memcpy(&at, file + 4, 4);
    for (unsigned char *p = file + at + 2;; p += 12)
        if ((p[0] | p[1] << 8) == tag) {
            p[2] = 4; /* LONG */
            memcpy(p + 8, &value, 4);
            return;
        }
}

/* As PNG: every row there, but bytes for a few; as TIFF: one strip, or one tile, of that size. */
static void expect_huge_refusals(unsigned char *png, size_t png_size, unsigned char *tif,
                                 size_t tif_size)
{
    static const uint32_t sides[][2] = {{100000, 100000}, {131072, 131072}, {2000000, 2}};
    for (size_t i = 0; i < COUNT(sides); i++) {
        put32(png + 16, sides[i][0]);
        put32(png + 20, sides[i][1]);
        put32(png + 29, crc_of(png + 12, 17));
        expect_refusal("h.png", png, png_size, i < 1 ? "compressed bytes" : "pixels");
        put_tag(tif, 256, sides[i][0]);
        put_tag(tif, 257, sides[i][1]);
        put_tag(tif, 278, sides[i][1]);
        expect_refusal("h.tif", tif, tif_size, "pixels");
    }
}

/* A small file may not make the library take the memory that its header claims. */
static void test_huge_claims(void **state)
{
    (void)state;
    unet_image image = made_image(50, 50, 1, UNET_U8);
    size_t png_size = 0, tif_size = 0;
    assert_int_equal(un_image_write(in_folder("h.png"), &image, NULL), UNET_OK);
    assert_int_equal(un_image_write(in_folder("h.tif"), &image, NULL), UNET_OK);
    unsigned char *png = get_file(in_folder("h.png"), &png_size);
    unsigned char *tif = get_file(in_folder("h.tif"), &tif_size);
    struct rlimit limit = {2ul << 30, 2ul << 30}, before;
#ifndef __SANITIZE_ADDRESS__
    getrlimit(RLIMIT_AS, &before);
    limit.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
#endif
    expect_huge_refusals(png, png_size, tif, tif_size);
#ifndef __SANITIZE_ADDRESS__
    setrlimit(RLIMIT_AS, &before);
#else
    (void)limit;
    (void)before;
#endif
    free(png);
    free(tif);
    free(image.data);
}

/* A PNG whose second chunk claims `claim` bytes of a type and has `have`. */
static const char *put_chunk(const char *type, uint32_t claim, size_t have)
{
    unet_image image = made_image(5, 5, 1, UNET_U8);
    size_t size = 0;
    assert_int_equal(un_image_write(in_folder("c.png"), &image, NULL), UNET_OK);
    free(image.data);
    unsigned char *png = get_file(in_folder("c.png"), &size);
    unsigned char *made = calloc(size + have + 12, 1);
    memcpy(made, png, 33);
    put32(made + 33, claim);
    memcpy(made + 37, type, 4);
    put32(made + 41 + have, crc_of(made + 37, 4 + have));
    memcpy(made + 45 + have, png + 33, size - 33);
    put_file(in_folder("c.png"), made, size + have + 12);
    free(png);
    free(made);
    return in_folder("c.png");
}

/* No chunk makes libpng take the bytes that it claims and has not; nor is one refused that is long
 * and of no interest. */
static void test_png_chunks(void **state)
{
    static const char *const types[] = {
        "pCAL", "sCAL", "iCCP", "iTXt", "tEXt", "zTXt", "sPLT", "eXIf", "hIST", "tRNS", "bKGD",
        "tIME", "oFFs", "pHYs", "sBIT", "cHRM", "gAMA", "sRGB", "aaAa", "PLTE", "IDAT", "AAAA"};
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        struct rusage before, after;
        unet_image image = {0};
        unet_error err = {0};
        getrusage(RUSAGE_SELF, &before);
        assert_int_equal(un_image_read(put_chunk(types[i], 0x3fffffff, 0), &image, &err),
                         UNET_EFORMAT);
        getrusage(RUSAGE_SELF, &after);
        if (after.ru_maxrss - before.ru_maxrss > 32 << 10)
            fail_msg("%s: %ld KB taken", types[i], after.ru_maxrss - before.ru_maxrss);
        if (i < 18 && strcmp(types[i], "IDAT") &&
            un_image_read(put_chunk(types[i], 9 << 20, 9 << 20), &image, &err))
            fail_msg("%s of 9 MB: %s", types[i], err.text);
        free(image.data);
    }
}

/* As Netpbm, or as a BMP of 256 greys whose rows have no padding. */
static void put_plain(const char *path, const unet_image *image, bool bmp)
{
    const size_t size = (size_t)image->height * (size_t)image->width;
    unsigned char *made = calloc(size + 2048, 1);
    size_t head = 54 + 1024;
    if (bmp) {
        const uint32_t fields[] = {
            (uint32_t)(head + size), 0,           (uint32_t)head, 40, (uint32_t)image->width,
            (uint32_t)image->height, 8u << 16 | 1};
        memcpy(made, "BM", 2);
        for (size_t i = 0; i < 4 * COUNT(fields); i++)
            made[2 + i] = (unsigned char)(fields[i / 4] >> 8 * (i % 4));
        made[47] = 1; /* 256 colours */
    } else {
        head = (size_t)sprintf((char *)made, "P5 %d %d 255\n", image->width, image->height);
    }
    memcpy(made + head, image->data, size);
    put_file(path, made, head + size);
    free(made);
}

/* Another program cuts the file between two rows that are read. */
static void test_cut_meanwhile(void **state)
{
    static const char *const names[] = {"c.npy", "c.tif", "c.png", "c.pgm", "c.bmp"};
    enum { SIDE = 2300 };
    uint8_t *row = malloc((size_t)SIDE * SIDE);
    (void)state;
    unet_image image = made_image(SIDE, SIDE, 1, UNET_U8);
    uint32_t seed = 1;
    for (int i = 0; i < SIDE * SIDE; i++) /* noise, which no format packs */
        ((uint8_t *)image.data)[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *path = in_folder(names[i]);
        struct unet_source *source;
        struct un_page page;
        unet_error err = {0};
        if (i < 3)
            assert_int_equal(un_image_write(path, &image, NULL), UNET_OK);
        else
            put_plain(path, &image, i == 4);
        if (un_source_open(path, &source, &err) || un_source_page(source, 0, &page, &err) ||
            un_source_raw(source, 0, &page, (struct un_rect){0, 0, 1, SIDE}, row, &err))
            fail_msg("%s", err.text);
        assert_int_equal(truncate(path, 1000), 0);
        if (un_source_raw(source, 0, &page, (struct un_rect){1, 0, SIDE - 1, SIDE}, row, &err) !=
            UNET_EIO)
            fail_msg("%s: no error, or \"%s\"", path, err.text);
        un_source_close(source);
    }
    free(row);
    free(image.data);
}

/* What cannot be written leaves nothing behind. */
static void test_unwritable(void **state)
{
    (void)state;
    static const char *const names[] = {"a.png", "a.tif", "a.npy"};
    unet_error err;
    unet_image image = made_image(300, 300, 3, UNET_F32);
    assert_int_equal(un_image_write(in_folder("no/a.tif"), &image, &err), UNET_EIO);
    assert_int_equal(un_image_write(in_folder("a.png"), &image, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "float"));
    assert_int_equal(un_image_write(in_folder("a.xyz"), &image, &err), UNET_EINVAL);
    free(image.data);
    image = made_image(30, 30, 2, UNET_U8);
    assert_int_equal(un_image_write(in_folder("a.png"), &image, &err), UNET_EINVAL);
    free(image.data);
    assert_int_equal(folder_count(""), 0);

    /* the disk is full after 20000 bytes */
    struct rlimit before, limit;
    getrlimit(RLIMIT_FSIZE, &before);
    limit = (struct rlimit){20000, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    image = made_image(300, 300, 3, UNET_U16);
    unet_code codes[3];
    for (int i = 0; i < 3; i++)
        codes[i] = un_image_write(in_folder(names[i]), &image, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(codes[i], UNET_EIO);
    assert_int_equal(folder_count(""), 0);
    free(image.data);
}

/* ---- conversions ------------------------------------------------------------------------- */

static void test_spreading(void **state)
{
    (void)state;
    for (int bits = 1; bits <= 4; bits *= 2)
        for (int white = 0; white < 2; white++) {
            int most = (1 << bits) - 1;
            const struct un_page page = {.height = 1,
                                         .width = most + 1,
                                         .channels = 1,
                                         .bits = bits,
                                         .bytes = 1,
                                         .white_is_zero = white};
            uint8_t src[16], dst[16];
            for (int v = 0; v <= most; v++)
                src[v] = (uint8_t)v;
            assert_int_equal(un_page_image(&page).sample, UNET_U8);
            un_convert(&page, src, (size_t)most + 1, dst);
            for (int v = 0; v <= most; v++)
                assert_int_equal(dst[v], (white ? most - v : v) * 255 / most);
        }
}

static void test_alpha_is_dropped(void **state)
{
    (void)state;
    const struct un_page page = {
        .height = 3, .width = 5, .channels = 4, .bits = 8, .bytes = 1, .alpha = true};
    uint8_t src[60], dst[45];
    for (int i = 0; i < 60; i++)
        src[i] = (uint8_t)(i * 4);
    assert_int_equal(un_page_image(&page).channels, 3);
    un_convert(&page, src, 15, dst);
    for (int i = 0; i < 15; i++)
        assert_memory_equal(dst + 3 * i, src + 4 * i, 3);
}

/* Numbers of every kind become float, where they are no 8 or 16-bit levels. */
static void test_kinds_of_numbers(void **state)
{
    (void)state;
    static const int8_t i8[2] = {-128, 127};
    static const int16_t i16[2] = {-32768, 300};
    static const uint32_t u32[2] = {0, 4000000000u};
    static const int64_t i64[2] = {-5, 1ll << 40};
    static const double f64[2] = {0.1, -1e30};
    static const uint16_t f16[2] = {0x3c00, 0xc500}; /* 1, -5 */
    static const struct {
        enum un_kind kind;
        int bytes;
        const void *data;
        float want[2];
    } rows[] = {
        {UN_INT, 1, i8, {-128, 127}},      {UN_INT, 2, i16, {-32768, 300}},
        {UN_UINT, 4, u32, {0, 4e9f}},      {UN_INT, 8, i64, {-5, 0x1p40f}},
        {UN_FLOAT, 8, f64, {.1f, -1e30f}}, {UN_FLOAT, 2, f16, {1, -5}},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct un_page page = {.height = 1,
                               .width = 2,
                               .channels = 1,
                               .kind = rows[r].kind,
                               .bits = 8 * rows[r].bytes,
                               .bytes = rows[r].bytes};
        float found[2];
        assert_int_equal(un_page_image(&page).sample, UNET_F32);
        un_convert(&page, rows[r].data, 2, found);
        for (int i = 0; i < 2; i++)
            if (found[i] != rows[r].want[i])
                fail_msg("row %zu: %g, wanted %g", r, (double)found[i], (double)rows[r].want[i]);
        page.slope = 2;
        page.offset = 1;
        un_convert(&page, rows[r].data, 1, found);
        assert_true(fabsf(found[0] - (2 * rows[r].want[0] + 1)) <= 1e-6f * fabsf(found[0]));
    }
}

/* ---- pages and rectangles ---------------------------------------------------------------- */

/* A 2 x 3 picture in all orientations, whole and by single pixels. */
static void test_orientations(void **state)
{
    (void)state;
    static const char *const upright[9] = {"",         "abc/def",  "cba/fed",  "fed/cba", "def/abc",
                                           "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad"};
    for (int orientation = 1; orientation <= 8; orientation++) {
        const struct un_page page = {.height = 2,
                                     .width = 3,
                                     .channels = 1,
                                     .bits = 8,
                                     .bytes = 1,
                                     .orientation = orientation};
        int H = un_page_upright_height(&page), W = un_page_upright_width(&page);
        assert_int_equal(W, strcspn(upright[orientation], "/"));
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                char stored, found, wanted = upright[orientation][y * (W + 1) + x];
                const struct un_rect one = {y, x, 1, 1}, back = un_turn_back(&page, one);
                un_rect_copy(&page, "abcdef", back, &stored);
                un_turn(&page, back, &stored, &found);
                if (found != wanted)
                    fail_msg("orientation %d (%d, %d): %c, wanted %c", orientation, y, x, found,
                             wanted);
            }
        char all[8] = "";
        un_turn(&page, (struct un_rect){0, 0, 2, 3}, "abcdef", all);
        for (int y = 0; y < H; y++)
            assert_memory_equal(all + y * W, upright[orientation] + y * (W + 1), (size_t)W);
    }
}

static void test_rectangles(void **state)
{
    (void)state;
    static const char *const names[] = {"r.png", "r.tif", "r.npy"};
    for (int n = 0; n < 3; n++) {
        unet_image image = made_image(97, 61, 3, n == 2 ? UNET_F32 : UNET_U16);
        size_t pixel = 3 * un_sample_bytes(image.sample);
        struct unet_source *source;
        struct un_page page;
        uint8_t *part = malloc(un_image_bytes(&image));
        assert_int_equal(un_image_write(in_folder(names[n]), &image, NULL), UNET_OK);
        assert_int_equal(un_source_open(in_folder(names[n]), &source, NULL), UNET_OK);
        assert_int_equal(un_source_page(source, 0, &page, NULL), UNET_OK);
        for (uint64_t i = 0; i < 60; i++) {
            struct un_rect rect = {(int)un_rng_below(3, 4 * i, 97),
                                   (int)un_rng_below(3, 4 * i + 1, 61), 0, 0};
            rect.height = 1 + (int)un_rng_below(3, 4 * i + 2, (uint32_t)(97 - rect.top));
            rect.width = 1 + (int)un_rng_below(3, 4 * i + 3, (uint32_t)(61 - rect.left));
            assert_int_equal(un_source_read(source, 0, &page, rect, part, NULL), UNET_OK);
            for (int y = 0; y < rect.height; y++)
                assert_memory_equal(part + (size_t)(y * rect.width) * pixel,
                                    (uint8_t *)image.data +
                                        (size_t)((rect.top + y) * 61 + rect.left) * pixel,
                                    (size_t)rect.width * pixel);
        }
        unet_error err;
        assert_int_equal(
            un_source_read(source, 0, &page, (struct un_rect){90, 0, 8, 61}, part, &err),
            UNET_EINVAL);
        un_source_close(source);
        free(part);
        free(image.data);
    }
}

static void expect_no_pages(const char *name, const char *part)
{
    struct unet_source *source;
    unet_error err = {0};
    unet_code code = un_source_open(in_folder(name), &source, &err);
    if (code != UNET_EINVAL || !strstr(err.text, part))
        fail_msg("%s: code %d '%s', wanted '%s'", name, code, err.text, part);
}

static void test_choice_of_pages(void **state)
{
    (void)state;
    unet_image image = made_image(3, 4, 1, UNET_U8), back;
    struct unet_source *source;
    assert_int_equal(un_image_write(in_folder("p.png"), &image, NULL), UNET_OK);
    static const char *const good[] = {"p.png",    "p.png[0]",  "p.png[-1]", "p.png[0:1]",
                                       "p.png[:]", "p.png[0:]", "p.png[:1]", "p.png[-1:]"};
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(un_source_open(in_folder(good[i]), &source, NULL), UNET_OK);
        assert_int_equal(source->pages, 1);
        un_source_close(source);
    }
    expect_no_pages("p.png[1]", "the file has 1 page, 0 to 0");
    expect_no_pages("p.png[-2]", "the file has 1 page");
    expect_no_pages("p.png[0:2]", "the file has 1 page");
    expect_no_pages("p.png[1:]", "the file has 1 page");
    expect_no_pages("p.png[a]", "not a choice of pages");
    expect_no_pages("p.png[]", "not a choice of pages");
    expect_no_pages("p.png[0:1:2]", "not a choice of pages");
    expect_no_pages("p.png[99999999999999999999]", "not a choice of pages");
    /* a file of that very name goes first */
    assert_int_equal(un_image_write(in_folder("q.png"), &image, NULL), UNET_OK);
    assert_int_equal(
        rename(in_folder("q.png"), strcat(strcpy((char[600]){0}, in_folder("")), "/q[7].png")), 0);
    assert_int_equal(un_image_read(in_folder("q[7].png"), &back, NULL), UNET_OK);
    free(back.data);
    free(image.data);
}

static void test_grey_in_truth(void **state)
{
    (void)state;
    uint8_t rgb[6] = {5, 5, 5, 51, 51, 51};
    uint16_t deep[6] = {256, 256, 256, 1, 1, 256};
    unet_image image = {1, 2, 3, UNET_U8, 0, rgb};
    assert_true(un_view_is_grey(un_view_of(&image)));
    rgb[5] = 50;
    assert_false(un_view_is_grey(un_view_of(&image)));
    image = (unet_image){1, 2, 3, UNET_U16, 0, deep};
    assert_false(un_view_is_grey(un_view_of(&image)));
    deep[5] = 1;
    assert_true(un_view_is_grey(un_view_of(&image)));
}

static void test_finite(void **state)
{
    (void)state;
    float values[6] = {-1, 3, 0, 1, 2, NAN};
    unet_error err;
    unet_image image = {1, 2, 3, UNET_F32, 0, values};
    assert_int_equal(
        un_view_check_finite("x", un_view_of(&image), 0, (struct un_fill){false, 0}, &err),
        UNET_EINVAL);
    assert_non_null(strstr(err.text, "x: NaN in row 0, column 1"));
    values[5] = -FLT_MAX;
    assert_int_equal(
        un_view_check_finite("x", un_view_of(&image), 0, (struct un_fill){false, 0}, &err),
        UNET_OK);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void test_quantiles(void **state)
{
    (void)state;
    unet_image floats = made_image(40, 50, 1, UNET_F32), words = made_image(30, 7, 3, UNET_U16);
    float all[2000 + 630], value[5];
    for (int i = 0; i < 2000; i++) {
        float *v = (float *)floats.data + i;
        *v = i % 3 ? *v : -*v * 1e10f;
        all[i] = *v;
    }
    for (int i = 0; i < 630; i++)
        all[2000 + i] = ((uint16_t *)words.data)[i];
    qsort(all, COUNT(all), sizeof *all, ascending);
    const unet_image *images[2] = {&floats, &words};
    static const double share[5] = {0, 0.001, 0.5, 0.999, 1};
    assert_int_equal(un_image_quantiles(images, NULL, 2, share, value, 5, NULL), UNET_OK);
    for (int i = 0; i < 5; i++)
        assert_true(value[i] == all[(int)(share[i] * (double)(COUNT(all) - 1))]);
    free(floats.data);
    free(words.data);
}

static void test_overlay(void **state)
{
    (void)state;
    /* 5 x 5, a 3 x 3 square of class 1 in the middle; one ignored corner */
    static const uint8_t colors[2][3] = {{9, 9, 9}, {255, 0, 100}};
    uint8_t mask[25] = {0}, grey[25] = {0};
    for (int y = 1; y < 4; y++)
        memset(mask + 5 * y + 1, 1, 3);
    mask[24] = UNET_IGNORE;
    grey[0] = 200;
    unet_image image = {5, 5, 1, UNET_U8, 0, grey}, overlay;
    assert_int_equal(un_overlay(&image, mask, colors, 2, 0.5f, &overlay, NULL), UNET_OK);
    const uint8_t *p = overlay.data;
    assert_int_equal(overlay.channels, 3);
    assert_int_equal(p[0], 255);                  /* the brightest, class 0 */
    assert_memory_equal(p + 3 * 6, colors[1], 3); /* outline */
    assert_int_equal(p[3 * 12], 128);             /* inside: half of the colour over black */
    assert_int_equal(p[3 * 12 + 2], 50);
    assert_int_equal(p[3 * 24], 0); /* ignored: the image alone */
    free(overlay.data);
    unet_error err;
    mask[3] = 7;
    assert_int_equal(un_overlay(&image, mask, colors, 2, 0.5f, &overlay, &err), UNET_EINVAL);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_table),
        cmocka_unit_test(test_bad_files),
        IN_FOLDER(test_round_trips),
        IN_FOLDER(test_mask_round_trip),
        IN_FOLDER(test_npy_of_planes),
        IN_FOLDER(test_foreign_files),
        IN_FOLDER(test_npy_headers),
        IN_FOLDER(test_truncated_files),
        IN_FOLDER(test_damaged_png),
        IN_FOLDER(test_huge_claims),
        IN_FOLDER(test_png_chunks),
        IN_FOLDER(test_cut_meanwhile),
        IN_FOLDER(test_unwritable),
        cmocka_unit_test(test_spreading),
        cmocka_unit_test(test_alpha_is_dropped),
        cmocka_unit_test(test_grey_in_truth),
        cmocka_unit_test(test_finite),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_overlay),
        cmocka_unit_test(test_kinds_of_numbers),
        cmocka_unit_test(test_orientations),
        IN_FOLDER(test_rectangles),
        IN_FOLDER(test_choice_of_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
