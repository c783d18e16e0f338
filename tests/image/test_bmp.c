/* SPDX-License-Identifier: Apache-2.0 */
/* test_bmp.c - BMP in every header, depth and coding, and real ones */
#include "source_check.h"

#include "support/bytes_maker.h"

enum { PLAIN, RUNS8, RUNS4, MASKS, ALPHA_MASKS = 6 };

struct variant {
    int header, depth, coding;
    bool top_down;
    uint32_t mask[3];
};

static const struct variant variants[] = {
    {12, 1, PLAIN, false, {0}},
    {12, 4, PLAIN, false, {0}},
    {12, 8, PLAIN, false, {0}},
    {12, 24, PLAIN, false, {0}},
    {16, 8, PLAIN, false, {0}},
    {64, 8, PLAIN, false, {0}},
    {64, 8, RUNS8, false, {0}},
    {40, 1, PLAIN, false, {0}},
    {40, 1, PLAIN, true, {0}},
    {40, 2, PLAIN, false, {0}},
    {40, 4, PLAIN, false, {0}},
    {40, 4, PLAIN, true, {0}},
    {40, 4, RUNS4, false, {0}},
    {40, 8, PLAIN, false, {0}},
    {40, 8, PLAIN, true, {0}},
    {40, 8, RUNS8, false, {0}},
    {108, 8, PLAIN, false, {0}},
    {124, 4, RUNS4, false, {0}},
    {40, 16, PLAIN, false, {0x7c00, 0x3e0, 0x1f}},
    {40, 16, MASKS, false, {0xf800, 0x7e0, 0x1f}},
    {40, 16, MASKS, true, {0xf00, 0xf0, 0xf}},
    {56, 16, MASKS, false, {0xf800, 0x7e0, 0x1f}},
    {40, 24, PLAIN, false, {0}},
    {40, 24, PLAIN, true, {0}},
    {124, 24, PLAIN, false, {0}},
    {40, 32, PLAIN, false, {0xff0000, 0xff00, 0xff}},
    {40, 32, MASKS, false, {0xff, 0xff00, 0xff0000}},
    {40, 32, ALPHA_MASKS, false, {0xff000000, 0xff0000, 0xff00}},
    {52, 32, MASKS, true, {0xff000000, 0xff0000, 0xff00}},
    {108, 32, MASKS, false, {0x3f00000, 0x7c00, 0}},
    {124, 32, MASKS, true, {0xff0000, 0xff00, 0xff}},
};

static uint32_t stored_pixel(const struct variant *v, int y, int x)
{
    uint32_t bits = un_rng_bits(5, (uint64_t)(y * 5000 + x));
    if (v->coding == RUNS8 || v->coding == RUNS4)
        bits = x % 23 < 9 ? (uint32_t)(y + x / 23) : bits; /* some runs */
    return v->depth == 32 ? bits : bits & ((1u << v->depth) - 1);
}

static unsigned palette_value(const struct variant *v, int index, int c)
{
    int most = (1 << v->depth) - 1;
    return v->header == 108 ? (unsigned)(index * 255 / most) /* a grey one */
                            : (unsigned)(index * (37 + c) + 11 * c) & 255;
}

/* What a reader is to give for channel c of a pixel. */
static unsigned wanted_sample(const struct variant *v, uint32_t pixel, int c)
{
    if (v->depth <= 8)
        return pixel;
    if (v->depth == 24)
        return pixel >> (16 - 8 * c) & 255;
    uint32_t mask = v->mask[c];
    if (!mask)
        return 0;
    uint32_t most = mask >> __builtin_ctz(mask);
    return (unsigned)floor((pixel & mask) / (double)(mask & -mask) * 255 / most + 0.5);
}

/* Pixels a .. a + n - 1 of row y as they are, padded to `to` bytes. */
static void add_pixels(struct bytes *b, const struct variant *v, int y, int a, int n, int to)
{
    uint64_t bits = 0;
    int have = 0;
    const size_t start = b->size;
    for (int x = a; x < a + n; x++) {
        uint32_t p = stored_pixel(v, y, x);
        if (v->depth >= 8) {
            bytes_number(b, p, v->depth / 8);
            continue;
        }
        bits = bits << v->depth | p;
        have += v->depth;
        if (have == 8 || x == a + n - 1) {
            bytes_number(b, bits << (8 - have), 1);
            have = 0;
            bits = 0;
        }
    }
    while ((b->size - start) % (size_t)to)
        bytes_number(b, 0xaa, 1);
}

static void add_pair(struct bytes *b, int first, int second)
{
    bytes_number(b, (uint64_t)first, 1);
    bytes_number(b, (uint64_t)second, 1);
}

/* A row in runs, literals and single pixels. */
static void add_runs(struct bytes *b, const struct variant *v, int y, int width)
{
    for (int x = 0; x < width;) {
        int same = 1, left = width - x;
        uint32_t p = stored_pixel(v, y, x);
        while (same < left && same < 255 && stored_pixel(v, y, x + same) == p)
            same++;
        int literal = left < 3 ? 0 : 3 + (int)(un_rng_bits(6, (uint64_t)(y * 999 + x)) % 9);
        literal = literal > left ? left : literal;
        if (same > 2 || !literal) {
            add_pair(b, same, (int)(v->depth == 4 ? p << 4 | p : p));
            x += same;
        } else {
            add_pair(b, 0, literal);
            add_pixels(b, v, y, x, literal, 2);
            x += literal;
        }
    }
    add_pair(b, 0, y ? 0 : 1);
}

static struct bytes make_bmp(const struct variant *v, int height, int width)
{
    struct bytes b = {0};
    const bool palette = v->depth <= 8, inside = v->header >= 52;
    const int colors = palette ? 1 << v->depth : 0, entry = v->header == 12 ? 3 : 4;
    const int more = inside || v->coding < MASKS ? 0 : v->coding == MASKS ? 12 : 16;
    bytes_text(&b, "BM");
    bytes_number(&b, 0, 8);
    bytes_number(&b, (uint64_t)(14 + v->header + more + colors * entry), 4);
    bytes_number(&b, (uint64_t)v->header, 4);
    const int size = v->header == 12 ? 2 : 4;
    bytes_number(&b, (uint64_t)width, size);
    bytes_number(&b, (uint64_t)(int64_t)(v->top_down ? -height : height), size);
    bytes_number(&b, 1, 2);
    bytes_number(&b, (uint64_t)v->depth, 2);
    if (v->header >= 40) {
        bytes_number(&b, (uint64_t)v->coding, 4);
        bytes_number(&b, 0, 12);
        bytes_number(&b, (uint64_t)colors, 4);
        bytes_number(&b, 0, 4);
    }
    for (int c = 0; c < 3 && v->header != 64 && (inside || more); c++)
        bytes_number(&b, v->coding >= MASKS ? v->mask[c] : 0, 4);
    while (b.size < (size_t)(14 + v->header + more))
        bytes_number(&b, 0, 1);
    for (int i = 0; i < colors; i++) {
        for (int c = 2; c >= 0; c--)
            bytes_number(&b, palette_value(v, i, c), 1);
        bytes_number(&b, 0, entry - 3);
    }
    for (int i = 0; i < height; i++) {
        int y = v->top_down ? i : height - 1 - i;
        if (v->coding == RUNS8 || v->coding == RUNS4)
            add_runs(&b, v, y, width);
        else
            add_pixels(&b, v, y, 0, width, 4);
    }
    return b;
}

static void check_bmp(const struct variant *v, const struct bytes *b, int height, int width)
{
    struct un_page page;
    uint8_t *found = must_read(b->data, b->size, 0, &page);
    assert_int_equal(page.height, height);
    assert_int_equal(page.width, width);
    assert_int_equal(page.channels, v->depth <= 8 ? 1 : 3);
    assert_int_equal(page.palette_size, v->depth <= 8 ? 1 << v->depth : 0);
    for (int i = 0; i < page.palette_size; i++)
        for (int c = 0; c < 3; c++)
            assert_int_equal(page.palette[i][c], palette_value(v, i, c));
    for (int i = 0; i < height * width * page.channels; i++) {
        int at = i / page.channels, c = i % page.channels;
        unsigned wanted = wanted_sample(v, stored_pixel(v, at / width, at % width), c);
        if (found[i] != wanted)
            fail_msg("%d bits, header %d, coding %d: row %d, column %d, channel %d: %d, wanted %u",
                     v->depth, v->header, v->coding, at / width, at % width, c, found[i], wanted);
    }
    free(found);
}

static void test_bmp_variants(void **state)
{
    static const int sides[][2] = {{1, 1}, {3, 7}, {17, 33}, {11, 300}};
    (void)state;
    for (size_t k = 0; k < COUNT(variants); k++)
        for (size_t s = 0; s < COUNT(sides); s++) {
            struct bytes b = make_bmp(&variants[k], sides[s][0], sides[s][1]);
            check_bmp(&variants[k], &b, sides[s][0], sides[s][1]);
            check_rects(b.data, b.size, 0, 20);
            if (s == 2) {
                check_truncation(b.data, b.size);
                check_damage(b.data, b.size, 400);
            }
            free(b.data);
        }
}

static void put_number(struct bytes *b, size_t at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        b->data[at + (size_t)i] = (unsigned char)(value >> 8 * i);
}

/* A picture in runs that skips: what is left out is index 0. */
static void test_bmp_skips(void **state)
{
    static const unsigned char runs[] = {2, 5, 0, 0, 0, 2, 1, 1, 2, 6, 0, 1};
    static const uint8_t wanted[] = {0, 6, 6, 0, 0, 0, 5, 5, 0}; /* top row first */
    const struct variant v = {40, 8, RUNS8, false, {0}};
    struct un_page page;
    (void)state;
    struct bytes b = make_bmp(&v, 3, 3);
    b.size = 14 + 40 + 1024;
    bytes_add(&b, runs, sizeof runs);
    uint8_t *found = must_read(b.data, b.size, 0, &page);
    assert_memory_equal(found, wanted, sizeof wanted);
    free(found);
    b.data[b.size - 8] = 0; /* the picture would end in its second row: not whole */
    b.data[b.size - 7] = 1;
    must_fail(b.data, b.size, "broken BMP");
    put_number(&b, 10, 0x1000000); /* the pixels begin behind the file */
    must_fail(b.data, b.size, "truncated BMP");
    free(b.data);
}

static void test_bmp_refusals(void **state)
{
    static const struct {
        int variant;
        size_t at;
        uint32_t value;
        const char *words;
    } rows[] = {
        {13, 10, 20, "inside of its header"},
        {13, 14, 9999, "truncated"},
        {13, 14, 39 << 8, "truncated"},
        {13, 14, 8, "header of 8 bytes"},
        {13, 18, 0x7fffffff, "pixels"},
        {13, 18, 0xffffffff, "pixels"},
        {13, 22, 0x80000000, "pixels"},
        {13, 22, 0, "pixels"},
        {13, 22, 100000, "truncated"},
        {13, 26, 1 | 5 << 16, "5-bit BMP"},
        {13, 30, 4, "coding 4"},
        {13, 10, 54, "without colours"},
        {15, 22, (uint32_t)-17, "top row"},
        {15, 18, 1000000, "truncated"},
        {19, 54, 0x8100, "mask 0x8100"},
        {26, 54, 0x3ff, "mask 0x3ff"},
        {19, 54, 0x1f0000, "mask 0x1f0000"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes b = make_bmp(&variants[rows[i].variant], 17, 33);
        put_number(&b, rows[i].at, rows[i].value);
        must_fail(b.data, b.size, rows[i].words);
        free(b.data);
    }
}

static void test_real_bmp(void **state)
{
    (void)state;
    if (skip_without(TEST_SHARED "/seg/wbc1"))
        return;
    int files = 0;
    for (int i = 1; i <= 300; i++) {
        char path[1024];
        unet_image image, mask;
        unet_error err;
        snprintf(path, sizeof path, "%s/seg/wbc1/%03d.bmp", TEST_SHARED, i);
        if (access(path, R_OK))
            continue;
        if (un_image_read(path, &image, &err))
            fail_msg("%s", err.text);
        strcpy(path + strlen(path) - 3, "png");
        if (un_image_read(path, &mask, &err))
            fail_msg("%s", err.text);
        assert_int_equal(image.height, mask.height);
        assert_int_equal(image.width, mask.width);
        assert_int_equal(image.channels, 3);
        /* the nucleus is stained: it lets less red through than what lies around the cell */
        double red[256] = {0}, count[256] = {0};
        for (int k = 0; k < mask.height * mask.width; k++) {
            int value = ((const uint8_t *)mask.data)[k * mask.channels];
            red[value] += ((const uint8_t *)image.data)[3 * k];
            count[value]++;
        }
        assert_true(count[255] == 0 || red[255] / count[255] < red[0] / count[0]);
        free(image.data);
        free(mask.data);
        files++;
    }
    print_message("BMP: %d real files\n", files);
    assert_true(files >= 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bmp_variants),
        cmocka_unit_test(test_bmp_skips),
        cmocka_unit_test(test_bmp_refusals),
        cmocka_unit_test(test_real_bmp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
