/* SPDX-License-Identifier: Apache-2.0 */
/* test_image_refused.c - files that are damaged, cut or claim too much, and what cannot be written
 */
#include "image_files.h"

#include <signal.h>
#include <sys/resource.h>

#include "data/masks/mask.h"
#include "image/source.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

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
        if (!un_mask_read_for(name, NULL, NULL, &mask, &err))
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_foreign_files), IN_FOLDER(test_truncated_files),
        IN_FOLDER(test_damaged_png),   IN_FOLDER(test_huge_claims),
        IN_FOLDER(test_png_chunks),    IN_FOLDER(test_cut_meanwhile),
        IN_FOLDER(test_unwritable),    cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
