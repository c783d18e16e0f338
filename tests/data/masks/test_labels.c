/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_labels.c - what masks mean: drawn masks of every coding, their spoiled variants, what a
 * person says of them, and what a model keeps of it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "data/masks/census.h"
#include "data/set/dataset.h"
#include "model/model.h"
#include "support/folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

enum { SIDE = 64, PIXELS = SIDE * SIDE };

/* ---- drawing ----------------------------------------------------------------------------- */

/* A mask of one code. */
static struct un_mask blank(enum un_code_type type, int bits, uint32_t code)
{
    struct un_mask mask = {.height = SIDE, .width = SIDE, .type = type, .bits = bits};
    mask.name = strdup("m.png");
    mask.codes = malloc(PIXELS * sizeof *mask.codes);
    for (int i = 0; i < PIXELS; i++)
        mask.codes[i] = code;
    return mask;
}

static void draw(struct un_mask *mask, int top, int left, int height, int width, uint32_t code)
{
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++)
            mask->codes[y * SIDE + x] = code;
}

/* Columns of equal width, one for each value. */
static struct un_mask columns(enum un_code_type type, int bits, const uint32_t *values, int count)
{
    struct un_mask mask = blank(type, bits, values[0]);
    for (int k = 0; k < count; k++)
        for (int part = 0; part < 2; part++) /* twice each: classes have several pieces */
            draw(&mask, 0, (part * count + k) * SIDE / (2 * count), SIDE,
                 (part * count + k + 1) * SIDE / (2 * count) -
                     (part * count + k) * SIDE / (2 * count),
                 values[k]);
    return mask;
}

/* The mean of each pixel and its neighbours: soft edges. */
static void soften(struct un_mask *mask)
{
    uint32_t *soft = malloc(PIXELS * sizeof *soft);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            uint32_t sum[3] = {0}, n = 0;
            for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < SIDE; v++)
                for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < SIDE; u++, n++)
                    for (int c = 0; c < 3; c++)
                        sum[c] += mask->codes[v * SIDE + u] >> 8 * c & 255;
            soft[y * SIDE + x] = sum[0] / n | (sum[1] / n) << 8 | (sum[2] / n) << 16;
        }
    free(mask->codes);
    mask->codes = soft;
}

/* A disc, whose soft edge has many values. */
static struct un_mask disc(enum un_code_type type, uint32_t outside, uint32_t inside)
{
    struct un_mask mask = blank(type, 8, outside);
    for (int i = 0; i < PIXELS; i++)
        if ((i / SIDE - 32) * (i / SIDE - 32) + (i % SIDE - 32) * (i % SIDE - 32) < 400)
            mask.codes[i] = inside;
    return mask;
}

/* ---- finding ----------------------------------------------------------------------------- */

/* The reading of some masks, in words; of a refusal its text. */
static struct un_coding read_masks(struct un_mask *masks, int count, const char *labels, int ignore,
                                   char text[512])
{
    struct un_census census = {0};
    struct un_wish wish;
    struct un_coding coding = {0};
    unet_error err = {0};
    if (!un_wish_parse(labels, &wish, &err)) {
        wish.ignore = ignore >= 0 ? ignore : wish.ignore;
        for (int i = 0; i < count; i++)
            assert_int_equal(un_census_take(&census, &masks[i], &err), UNET_OK);
        un_coding_find(&census, &wish, NULL, &coding, &err);
    }
    un_census_release(&census);
    if (err.code)
        snprintf(text, 512, "%s", err.text);
    else
        un_coding_text(&coding, text, 512);
    return coding;
}

static void expect_reading(struct un_mask *masks, int count, const char *labels, const char *wanted)
{
    char text[512];
    read_masks(masks, count, labels, -1, text);
    if (!strstr(text, wanted))
        fail_msg("'%s', wanted '%s'", text, wanted);
}

/* As expect_reading(), of one mask, which is released. */
static void expect(struct un_mask mask, const char *labels, const char *wanted)
{
    expect_reading(&mask, 1, labels, wanted);
    un_mask_release(&mask);
}

/* The classes of a mask, which must be those; or the refusal. */
static void expect_classes(struct un_mask mask, const char *labels, const uint8_t *classes,
                           const char *refusal)
{
    char text[512];
    static uint8_t found[PIXELS];
    struct un_coding coding = read_masks(&mask, 1, labels, -1, text);
    unet_error err = {0};
    if (!coding.labels)
        fail_msg("%s", text);
    unet_code code = un_mask_to_classes(&mask, &coding, found, &err);
    if (refusal && (!code || !strstr(err.text, refusal)))
        fail_msg("'%s', wanted '%s'", err.text, refusal);
    if (!refusal && code)
        fail_msg("%s", err.text);
    for (int i = 0; i < PIXELS && classes; i++)
        if (found[i] != classes[i])
            fail_msg("row %d, column %d: class %d, wanted %d", i / SIDE, i % SIDE, found[i],
                     classes[i]);
    un_mask_release(&mask);
}

struct row {
    int bits;
    int count;
    uint32_t values[12];
    const char *labels;
    int ignore;
    const char *text;
};

static void check_rows(enum un_code_type type, const struct row *rows, size_t count)
{
    for (size_t r = 0; r < count; r++) {
        struct un_mask mask = columns(type, rows[r].bits, rows[r].values, rows[r].count);
        char text[512];
        read_masks(&mask, 1, rows[r].labels, rows[r].ignore, text);
        if (strcmp(text, rows[r].text))
            fail_msg("row %zu: '%s', wanted '%s'", r, text, rows[r].text);
        un_mask_release(&mask);
    }
}

static void test_grey_values(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {8, 2, {0, 255}, NULL, -1, "grey values 0 = class 0, 255 = class 1"},
        {8, 1, {255}, NULL, -1, "grey values 0 = class 0, 255 = class 1"},
        {8, 2, {0, 1}, NULL, -1, "class indices 0 to 1; 255 = no label"},
        {8, 1, {0}, NULL, -1, "class indices 0 to 1; 255 = no label"},
        {8, 1, {1}, NULL, -1, "class indices 0 to 1; 255 = no label"},
        {8, 4, {0, 1, 2, 3}, NULL, -1, "class indices 0 to 3; 255 = no label"},
        {8, 4, {0, 1, 2, 3}, NULL, 3, "class indices 0 to 2; 3|255 = no label"},
        {8, 4, {0, 1, 2, 3}, "ignore=3", -1, "class indices 0 to 2; 3|255 = no label"},
        {8, 3, {0, 1, 255}, NULL, -1, "class indices 0 to 1; 255 = no label"},
        {8,
         4,
         {0, 1, 2, 3},
         NULL,
         1,
         "grey values 0 = class 0, 2 = class 1, 3 = class 2; 1|255 = no label"},
        {8,
         3,
         {0, 1, 2},
         "a=0,b=1,c=2",
         1,
         "ignore 1: the only value of class 1 \"b\", which would have no pixels"},
        {8, 3, {0, 1, 2}, "ignore=0", -1, "grey values 1 = class 0, 2 = class 1; 0|255 = no label"},
        {16, 3, {0, 1, 2}, NULL, -1, "class indices 0 to 2; 255 = no label"},
        {8, 3, {0, 128, 255}, NULL, -1, "grey values 0 = class 0, 128 = class 1, 255 = class 2"},
        {8, 3, {0, 128, 255}, NULL, 128, "grey values 0 = class 0, 255 = class 1; 128 = no label"},
        {8, 2, {0, 15}, NULL, -1, "grey values 0 = class 0, 15 = class 1"},
        {16, 2, {0, 65535}, NULL, -1, "grey values 0 = class 0, 65535 = class 1"},
        {8, 3, {0, 100, 200}, "b=0,a=100|200", -1, "grey values 0 = b, 100|200 = a"},
        {8, 3, {0, 7, 9}, "b=0,a=1-99", -1, "grey values 0 = b, 1-99 = a"},
        {8, 3, {0, 1, 3}, "indices", -1, "class indices 0 to 3; 255 = no label"},
        {8,
         2,
         {0, 2},
         NULL,
         -1,
         "m.png: mask values 0, 2; 0 and 255, class indices 0, 1, 2 ... without gaps (1 is "
         "missing), or a few values well apart wanted: say labels 'a=0,b=2' if each is a class, "
         "indices if each is its class and gaps are meant, instances if they are numbers of "
         "objects"},
        {8,
         2,
         {0, 77},
         "b=0,a=255",
         -1,
         "m.png: mask value 77 in row 0, column 16; the given labels are grey values 0 = b, "
         "255 = a"},
    };
    check_rows(UN_CODE_GREY, rows, COUNT(rows) - 0);
    static const struct row bits[] = {
        {1, 2, {0, 1}, NULL, -1, "class indices 0 to 1; 255 = no label"},
    };
    check_rows(UN_CODE_BIT, bits, COUNT(bits));
}

/* What is proposed for values that nobody can be sure of. */
static void test_proposals(void **state)
{
    (void)state;
    static const struct {
        int count;
        uint32_t values[10];
        const char *text;
    } rows[] = {
        {2, {1, 2}, "say labels 'a=1,b=2' if each is a class"},
        {3, {1, 2, 3}, "say labels 'a=1,b=2,c=3' if each is a class"},
        {3, {1, 2, 255}, "say labels 'a=1,b=2,ignore=255' if each is a class"},
        {2, {254, 255}, "say labels 'a=254,b=255' if each is a class"},
        {2, {1, 255}, "if 255 is the background say labels 'a=255,b=1', if 1 is say labels"},
    };
    for (size_t r = 0; r < COUNT(rows); r++)
        expect(columns(UN_CODE_GREY, 8, rows[r].values, rows[r].count), NULL, rows[r].text);
    /* the labels that were proposed are understood */
    expect(columns(UN_CODE_GREY, 8, rows[2].values, 3), "a=1,b=2,ignore=255",
           "grey values 1 = a, 2 = b; 255 = no label");
}

/* Codings of one model and of a set that contradict each other, and that do not. */
static void test_contradictions(void **state)
{
    (void)state;
    static const struct {
        const char *model, *here, *text; /* text NULL: none */
    } rows[] = {
        {"a=0,b=255", "a=0,b=255", NULL},
        {"a=0,b=255", "x=0,y=1", NULL},
        {"a=0,b=255", "x=255,y=0", "mask value 0 is class 1 here, but class 0 of the model"},
        {"a=0,b=255", "b=0,a=1", "\"b\" is class 0 here, but class 1 of the model"},
        {"a=0,b=1,ignore=255", "a=0,b=255", NULL},
        {"a=#000000,b=#ff0000", "x=#ff0000,y=#000000",
         "mask value 0 is class 1 here, but class 0 of the model"},
        {"a=#000000,b=#ff0000", "x=0,y=255", NULL},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct un_wish model, here;
        char text[200] = "";
        assert_int_equal(un_wish_parse(rows[r].model, &model, NULL), UNET_OK);
        assert_int_equal(un_wish_parse(rows[r].here, &here, NULL), UNET_OK);
        bool found = un_coding_contradict(&model.coding, &here.coding, text, sizeof text);
        if (found != (rows[r].text != NULL) || strcmp(text, rows[r].text ? rows[r].text : ""))
            fail_msg("%s and %s: '%s', wanted '%s'", rows[r].model, rows[r].here, text,
                     rows[r].text ? rows[r].text : "");
    }
}

static void test_colors(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {8, 2, {0, 0xff0000}, NULL, -1, "colours #000000 = class 0, #ff0000 = class 1"},
        {8,
         3,
         {0x804080, 0x232323, 0},
         "road=#804080,walk=#232323|#000000",
         -1,
         "colours #804080 = road, #000000|#232323 = walk"},
        {8,
         3,
         {0x804080, 0x232323, 0},
         "road=#804080,walk=#232323,ignore=#000000",
         -1,
         "colours #804080 = road, #232323 = walk; #000000 = no label"},
        {8,
         2,
         {0, 0xff0000},
         NULL,
         11,
         "ignore 11 is a number, but m.png has colours; say ignore=#rrggbb among the labels"},
        {8,
         3,
         {0, 0xff0000, 0xff00},
         "a=#000000,b=#ff0000",
         -1,
         "m.png: mask colour #00ff00 in row 0, column 21; the given labels are colours #000000 = "
         "a, #ff0000 = b"},
    };
    check_rows(UN_CODE_COLOR, rows, COUNT(rows));
    static const struct row numbers[] = {{8,
                                          2,
                                          {0, 0xff0000},
                                          "a=0,b=255",
                                          -1,
                                          "m.png: colour #000000 in row 0, column 0; grey values "
                                          "wanted"}};
    struct un_mask mask = columns(UN_CODE_COLOR, 8, numbers[0].values, 2);
    expect_reading(&mask, 1, "a=0,b=255", "grey values wanted");
    un_mask_release(&mask);
}

/* Index k of a mask's palette. */
static void set_color(struct un_mask *mask, int k, uint32_t rgb)
{
    mask->palette_size = 256;
    for (int c = 0; c < 3; c++)
        mask->palette[k][c] = (uint8_t)(rgb >> (16 - 8 * c));
}

static void test_palettes(void **state)
{
    (void)state;
    static const uint32_t values[] = {0, 1, 15, 255};
    struct un_mask masks[2] = {columns(UN_CODE_INDEX, 8, values, 4),
                               columns(UN_CODE_INDEX, 8, values, 2)};
    set_color(&masks[0], 1, 0x800000);
    set_color(&masks[0], 15, 0x008000);
    set_color(&masks[1], 1, 0x800000);
    expect_reading(masks, 2, NULL,
                   "palette indices 0 = class 0, 1 = class 1, 15 = class 2; 255 = no label");
    char text[512];
    struct un_coding coding = read_masks(masks, 2, NULL, -1, text);
    assert_true(coding.colored);
    assert_int_equal(coding.colors[1][0], 0x80);
    assert_int_equal(coding.colors[2][1], 0x80);

    /* the same colour is the same class, whatever its index */
    static const uint32_t two[] = {0, 1};
    un_mask_release(&masks[0]);
    masks[0] = columns(UN_CODE_INDEX, 8, two, 2);
    set_color(&masks[0], 0, 0x800000);
    expect_reading(masks, 2, NULL, "colours #000000 = class 0, #800000 = class 1");
    static uint8_t classes[2][PIXELS];
    coding = read_masks(masks, 2, NULL, -1, text);
    for (int i = 0; i < 2; i++)
        assert_int_equal(un_mask_to_classes(&masks[i], &coding, classes[i], NULL), UNET_OK);
    assert_int_equal(classes[0][0], 1);
    assert_int_equal(classes[1][0], 0);
    for (int i = 0; i < PIXELS; i++)
        assert_int_equal(classes[0][i], !classes[1][i]);
    un_mask_release(&masks[0]);
    un_mask_release(&masks[1]);

    /* beside grey masks nobody can tell */
    masks[0] = columns(UN_CODE_INDEX, 8, two, 2);
    set_color(&masks[0], 1, 0x800000);
    masks[1] = columns(UN_CODE_GREY, 8, two, 2);
    expect_reading(masks, 2, NULL, "m.png has a palette, but m.png grey values; say which codes");
    expect_reading(masks, 2, "a=0,b=1", "grey values 0 = a, 1 = b");
    set_color(&masks[0], 1, 0x010101);
    expect_reading(masks, 2, NULL, "class indices 0 to 1");
    un_mask_release(&masks[0]);
    un_mask_release(&masks[1]);
}

static void test_mixed_depths(void **state)
{
    (void)state;
    static const uint32_t bit[] = {0, 1}, full[] = {0, 255}, three[] = {0, 1, 255};
    struct un_mask masks[2] = {columns(UN_CODE_BIT, 1, bit, 2), columns(UN_CODE_GREY, 8, full, 2)};
    char text[512];
    static uint8_t classes[PIXELS];
    struct un_coding coding = read_masks(masks, 2, NULL, -1, text);
    assert_string_equal(text, "grey values 0 = class 0, 255 = class 1");
    assert_int_equal(un_mask_to_classes(&masks[0], &coding, classes, NULL), UNET_OK);
    assert_int_equal(classes[SIDE / 4 + 1], 1);
    un_mask_release(&masks[0]);
    un_mask_release(&masks[1]);

    masks[0] = columns(UN_CODE_BIT, 1, bit, 2);
    masks[1] = columns(UN_CODE_GREY, 8, three, 3);
    expect_reading(masks, 2, NULL,
                   "has one bit a pixel, and m.png both 1 and 255; say which of them");
    expect_reading(masks, 2, "a=0,b=1|255", "grey values 0 = a, 1|255 = b");
    un_mask_release(&masks[0]);
    masks[0] = columns(UN_CODE_GREY, 8, bit, 2);
    un_mask_release(&masks[1]);
    masks[1] = columns(UN_CODE_GREY, 8, full, 2);
    expect_reading(masks, 2, NULL,
                   "m.png has mask values 0 and 255, but m.png 0 and 1; if 255 carries no label "
                   "ignore it, if it is what 1 is elsewhere say 'a=0,b=1|255'");
    un_mask_release(&masks[0]);
    un_mask_release(&masks[1]);
}

/* ---- objects ----------------------------------------------------------------------------- */

/* Squares numbered from 1, by `step`. */
static struct un_mask squares(int bits, int count, uint32_t step)
{
    struct un_mask mask = blank(UN_CODE_GREY, bits, 0);
    for (int k = 0; k < count; k++)
        draw(&mask, k / 8 * 8 + 1, k % 8 * 8 + 1, 6, 6, 1 + (uint32_t)k * step);
    return mask;
}

static void test_objects(void **state)
{
    (void)state;
    expect(squares(16, 40, 1), NULL, "object numbers, 0 = background, others = object");
    expect(squares(32, 40, 70001), NULL, "object numbers, 0 = background, others = object");
    expect(squares(8, 40, 1), NULL, "object numbers, 0 = background, others = object");
    static const char asked[] = "5, each in one piece, look like object numbers; say labels ";
    expect(squares(16, 5, 1), NULL, asked);
    expect(squares(8, 5, 1), NULL, asked); /* bits say nothing of it */
    expect(squares(16, 5, 1), "instances", "object numbers, 0 = background, others = object");
    expect(squares(16, 5, 1), "indices", "class indices 0 to 5; 255 = no label");
    expect(squares(16, 5, 1), "instances+border",
           "object numbers, 0 = background, others = object, between touching objects = border");
    struct un_mask masks[2] = {squares(8, 3, 1), squares(8, 2, 1)};
    expect_reading(masks, 2, NULL, "3, each in one piece, look like object numbers");
    for (int i = 0; i < 2; i++) { /* folders and files that say so */
        free(masks[i].name);
        masks[i].name = strdup(i ? "instances/b.png" : "m/a_instances.png");
    }
    expect_reading(masks, 2, NULL, "object numbers, 0 = background, others = object");
    un_mask_release(&masks[0]);
    un_mask_release(&masks[1]);

    /* two in each mask are as likely to be classes: read so, and said; not if somebody said it */
    static const char said[] = "class indices 0 to 2; 255 = no label; each in one piece in every "
                               "mask: if they number objects, say labels \"instances\"";
    struct un_mask two[2] = {squares(8, 2, 1), squares(8, 2, 1)};
    expect_reading(two, 2, NULL, said);
    expect_reading(two, 2, "instances", "object numbers, 0 = background, others = object");
    draw(&two[1], 40, 40, 4, 4, 1);
    draw(&two[1], 50, 40, 4, 4, 1);
    expect_reading(two, 2, NULL, "class indices 0 to 2; 255 = no label");
    un_mask_release(&two[0]);
    un_mask_release(&two[1]);

    /* objects of a palette, and of colours; the lines between them have no label */
    struct un_mask index = squares(8, 6, 1);
    index.type = UN_CODE_INDEX;
    expect(index, NULL, "mask values, up to value 6, each in one piece, look like object numbers");
    struct un_mask void_lines = squares(8, 30, 1);
    draw(&void_lines, 0, 0, 1, SIDE, 255);
    draw(&void_lines, SIDE - 1, 0, 1, SIDE, 255);
    expect(void_lines, NULL, "others = object; 255 = no label");
    struct un_mask color = squares(8, 6, 1);
    color.type = UN_CODE_COLOR;
    for (int i = 0; i < PIXELS; i++)
        color.codes[i] *= 0x201003;
    expect_reading(&color, 1, NULL, "6 colours, up to colour #c06012, each in one piece, look");
    expect_reading(&color, 1, "instances", "object numbers, 0 = background, others = object");
    static uint8_t classes[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        classes[i] = color.codes[i] > 0;
    expect_classes(color, "instances", classes, NULL);

    struct un_mask full = blank(UN_CODE_GREY, 16, 1);
    draw(&full, 0, 0, SIDE, 20, 2);
    expect(full, "instances", "no pixel of these masks is 0, which is the background");
}

static void test_borders(void **state)
{
    (void)state;
    struct un_mask mask = blank(UN_CODE_GREY, 16, 0);
    static uint8_t classes[PIXELS];
    memset(classes, 0, sizeof classes);
    draw(&mask, 10, 10, 8, 8, 1);
    draw(&mask, 10, 18, 8, 8, 2); /* touches 1 */
    draw(&mask, 30, 10, 8, 8, 3);
    draw(&mask, 30, 19, 8, 8, 4); /* one pixel away from 3 */
    draw(&mask, 50, 10, 8, 8, 5); /* far from all */
    for (int i = 0; i < PIXELS; i++) {
        int y = i / SIDE, x = i % SIDE;
        bool touch = y >= 10 && y < 18 && (x == 17 || x == 18);
        bool gap = y >= 29 && y < 39 && x == 18;
        bool corner = (y == 9 || y == 18) && (x == 17 || x == 18);
        classes[i] = touch || gap || corner ? 2 : mask.codes[i] > 0;
    }
    expect_classes(mask, "instances+border", classes, NULL);
}

/* ---- soft and lossy ---------------------------------------------------------------------- */

static void test_soft_edges(void **state)
{
    (void)state;
    const char *soft = "grey values 0 = class 0, 255 = class 1; values near them and on soft edges "
                       "taken to the nearest";
    static uint8_t classes[PIXELS];
    struct un_mask mask = disc(UN_CODE_GREY, 0, 255);
    soften(&mask);
    for (int i = 0; i < PIXELS; i++)
        classes[i] = mask.codes[i] > 127;
    expect_reading(&mask, 1, NULL, soft);
    expect_reading(&mask, 1, "a=0,b=255", "grey values 0 = a, 255 = b; values near them and");
    expect_classes(mask, NULL, classes, NULL);

    /* a value on no edge */
    mask = disc(UN_CODE_GREY, 0, 255);
    soften(&mask);
    mask.codes[2 * SIDE + 3] = 97;
    expect_classes(mask, NULL, NULL,
                   "m.png: mask value 97 in row 2, column 3 is near none of the masks' values and "
                   "on no edge between two of them; the masks have grey values 0 = class 0, 255");

    /* an area of another value is a class that nobody named */
    mask = disc(UN_CODE_GREY, 0, 255);
    soften(&mask);
    draw(&mask, 0, 0, 5, 5, 97);
    expect(mask, "a=0,b=255", "m.png: mask value 97 in row 0, column 0; the given labels are");

    mask = disc(UN_CODE_COLOR, 0x0000ff, 0xff0000);
    soften(&mask);
    expect(mask, NULL, "colours #0000ff = class 0, #ff0000 = class 1; values near them and on");

    /* one value in a thin line: a contour drawn on purpose looks the same */
    mask = disc(UN_CODE_GREY, 0, 255);
    for (int x = 0; x < SIDE; x++)
        mask.codes[3 * SIDE + x] = 128;
    expect(mask, NULL,
           "m.png: value 128 in row 3, column 0, which is in thin lines only, may be a class or a "
           "soft edge; the masks have 0, 128, 255: say which are classes");
    mask = disc(UN_CODE_GREY, 0, 255);
    for (int x = 0; x < SIDE; x++)
        mask.codes[3 * SIDE + x] = 128;
    expect(mask, "a=0,line=128,b=255", "grey values 0 = a, 128 = line, 255 = b");
}

/* Three classes: a soft edge of the outer two passes through the middle one. */
static void test_soft_middle(void **state)
{
    (void)state;
    struct un_mask mask = disc(UN_CODE_GREY, 0, 255);
    draw(&mask, 0, 0, SIDE, 8, 128);
    soften(&mask);
    bool through = false;
    for (int i = 0; i < PIXELS; i++)
        through = through || (mask.codes[i] > 110 && mask.codes[i] < 145 && i % SIDE > 10);
    assert_true(through);
    expect_classes(mask, NULL, NULL, "may be its class or the soft edge of two others");

    /* the same three side by side in their order are clear */
    static const uint32_t values[] = {0, 128, 255};
    mask = blank(UN_CODE_GREY, 8, 0);
    draw(&mask, 0, 20, SIDE, 44, values[1]);
    draw(&mask, 0, 40, SIDE, 24, values[2]);
    soften(&mask);
    static uint8_t classes[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        classes[i] = (i % SIDE >= 20) + (i % SIDE >= 40);
    expect_classes(mask, "a=0,b=128,c=255", classes, NULL);
}

static void test_noise(void **state)
{
    (void)state;
    struct un_mask mask = disc(UN_CODE_GREY, 0, 255);
    static uint8_t classes[PIXELS];
    for (int i = 0; i < PIXELS; i++) {
        uint32_t off = (uint32_t)i * 2654435761u >> 29;
        classes[i] = mask.codes[i] > 0;
        mask.codes[i] = classes[i] ? 255 - off : off;
    }
    mask.lossy = true;
    expect_classes(mask, NULL, classes, NULL);

    /* a photograph among the masks */
    mask = blank(UN_CODE_GREY, 8, 0);
    for (int i = 0; i < PIXELS; i++)
        mask.codes[i] = ((uint32_t)i * 2654435761u >> 24) % 200;
    expect_reading(&mask, 1, NULL, "m.png: mask values 0, 1, 2, 3, 4, 5 ... 199 (200 values); 0 ");
    mask.lossy = true;
    expect(mask, NULL, "m.png: mask values 0, 1, 2, 3, 4, 5 ... 199 (200 values); 0 ");
}

/* ---- what a person says ------------------------------------------------------------------ */

static void test_wishes(void **state)
{
    (void)state;
    static const struct {
        const char *labels, *wanted; /* "!": refused with this */
    } rows[] = {
        {"a=0,b=255", "grey values 0 = a, 255 = b"},
        {" a = 0 , b = 255 ", "grey values 0 = a, 255 = b"},
        {"background=0,cell=255,ignore=11",
         "grey values 0 = background, 255 = cell; 11 = no label"},
        {"0,128,255", "grey values 0 = class 0, 128 = class 1, 255 = class 2"},
        {"a=0,b=1|2|7-999", "grey values 0 = a, 1|2|7-999 = b"},
        {"road=#804080,sky=#4682B4", "colours #804080 = road, #4682b4 = sky"},
        {"a=0", "!labels: \"a=0\": two classes or more wanted"},
        {"a=0,a=1", "!\"a=1\": this name was given before"},
        {"a=0,b=0", "!\"b=0\": a code that another class has already"},
        {"a=0-9,b=5", "!\"b=5\": a code that another class has already"},
        {"a=0,b=x", "!\"b=x\": a number, a range such as 1-99, or a colour #rrggbb wanted"},
        {"a=0,b=9-5", "!\"b=9-5\": a number, a range"},
        {"a=0,b=4294967296", "!a number, a range"},
        {"a=0,b=#12345", "!a number, a range"},
        {"a=0,b=#1234567", "!a number, a range"},
        {"a=0,b=#ff0000", "!\"b=#ff0000\": numbers and colours do not go together"},
        {"a=0,,b=1", "!\"\": NAME=CODES wanted"},
        {"a=,b=1", "!\"a=\": NAME=CODES wanted"},
        {"=0,b=1", "!\"=0\": NAME=CODES wanted"},
        {"a=0,b=1|", "!\"b=1|\": a number"},
        {"a=0,b", "!\"b\": classes with codes and names alone do not go together"},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct un_wish wish;
        unet_error err = {0};
        char text[512];
        unet_code code = un_wish_parse(rows[r].labels, &wish, &err);
        if (!code)
            un_coding_text(&wish.coding, text, sizeof text);
        else
            snprintf(text, sizeof text, "!%s", err.text);
        const char *wanted = rows[r].wanted;
        if ((*wanted == '!') != (code != UNET_OK) ||
            (code ? !strstr(text, wanted + 1) : strcmp(text, wanted) != 0))
            fail_msg("'%s': '%s', wanted '%s'", rows[r].labels, text, wanted);
    }
    struct un_wish wish;
    char many[2048] = "0", longest[80];
    for (int k = 1; k < 255; k++)
        sprintf(many + strlen(many), ",%d", k);
    unet_error err;
    assert_int_equal(un_wish_parse(many, &wish, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "more than 254 classes"));
    snprintf(longest, sizeof longest, "a=0,%064d=1", 7);
    assert_int_equal(un_wish_parse(longest, &wish, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "a name has at most 63 bytes"));
}

/* ---- a file for each class --------------------------------------------------------------- */

static void put_grey(const char *name, const uint8_t *values)
{
    const unet_image image = {2, 3, 1, UNET_U8, 0, (void *)values};
    unet_error err;
    if (un_image_write(in_folder(name), &image, &err))
        fail_msg("%s", err.text);
}

static void make_folders(const char *first, const char *second)
{
    char name[64];
    mkdir(in_folder("i"), 0777);
    mkdir(in_folder("m"), 0777);
    snprintf(name, sizeof name, "m/%s", first);
    mkdir(in_folder(name), 0777);
    snprintf(name, sizeof name, "m/%s", second);
    mkdir(in_folder(name), 0777);
}

static void expect_set(const char *labels, const char *wanted, const uint8_t *classes)
{
    const unet_dataset_options options = {.ignore = -1, .labels = labels};
    unet_dataset *set = NULL;
    unet_error err = {0};
    unet_code code = un_dataset_open(in_folder("i"), in_folder("m"), &options, NULL, &set, &err);
    const char *text = code ? err.text : set->coding_text;
    if (!strstr(text, wanted))
        fail_msg("'%s', wanted '%s'", text, wanted);
    if (classes)
        assert_memory_equal(set->pairs[0].mask, classes, 6);
    un_dataset_free(set);
}

static void test_files_per_class(void **state)
{
    (void)state;
    static const uint8_t a[] = {255, 0, 0, 0, 0, 0}, b[] = {0, 255, 0, 0, 7, 0};
    static const uint8_t both[] = {255, 255, 0, 0, 7, 0};
    make_folders("cell", "nucleus");
    put_grey("i/x.png", a);
    put_grey("m/cell/x.png", a);
    put_grey("m/nucleus/x.png", b);
    expect_set(NULL, "a file for each class: cell, nucleus", (const uint8_t[]){1, 2, 0, 0, 2, 0});
    expect_set("nucleus,cell", "a file for each class: nucleus, cell (later",
               (const uint8_t[]){2, 1, 0, 0, 1, 0});
    expect_set("rest,nucleus,cell", "a file for each class: nucleus, cell (later",
               (const uint8_t[]){2, 1, 0, 0, 1, 0});
    expect_set("rest,cell", "masks of class \"nucleus\" are there, which is not among", NULL);
    expect_set("rest,cell,nucleus,wall", "labels: \"wall\" has no masks", NULL);
    expect_set("a=0,b=1", "labels: the masks are a file for each class (cell ...); names", NULL);
    put_grey("m/nucleus/x.png", a);
    expect_set(NULL, "\"cell\" and \"nucleus\" have mostly the same pixels, as those of two people",
               NULL);
    put_grey("m/nucleus/x.png", both);
    expect_set(NULL,
               "x.png: row 0, column 0 is cell and nucleus; say labels with the classes in the "
               "order in which they lie over one another (cell,nucleus)",
               NULL);
    expect_set("cell,nucleus", "later ones", (const uint8_t[]){2, 2, 0, 0, 2, 0});
    expect_set("nucleus,cell", "later ones", (const uint8_t[]){1 + 1, 1, 0, 0, 1, 0});
}

/* A file for each object: numbers in their order; of two that overlap the smaller one is seen. */
static void test_files_per_object(void **state)
{
    (void)state;
    static const uint8_t a[] = {255, 255, 255, 0, 0, 0}, b[] = {0, 0, 9, 9, 0, 0};
    static const uint8_t c[] = {0, 0, 0, 0, 0, 1}, near[] = {0, 0, 1, 1, 0, 0};
    static const uint32_t numbers[] = {1, 1, 2, 2, 0, 3};
    unet_dataset *set;
    unet_error err;
    make_folders("x", "y");
    put_grey("i/x.png", c);
    put_grey("m/x/1.png", a);
    put_grey("m/x/2.png", b);
    put_grey("m/x/3.png", c);
    const unet_dataset_options options = {.ignore = -1};
    if (unet_dataset_open(in_folder("i"), in_folder("m"), &options, &set, &err))
        fail_msg("%s", err.text);
    assert_string_equal(unet_dataset_coding_text(set),
                        "object numbers, 0 = background, others = object");
    assert_memory_equal(unet_dataset_objects(set, 0), numbers, sizeof numbers);
    assert_memory_equal(set->pairs[0].mask, ((const uint8_t[]){1, 1, 1, 1, 0, 1}), 6);

    /* beside a set like it */
    unet_dataset *again;
    if (un_dataset_open(in_folder("i"), in_folder("m"), NULL, &set->coding, &again, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(unet_dataset_objects(again, 0), numbers, sizeof numbers);
    un_dataset_free(again);
    un_dataset_free(set);

    put_grey("m/x/4.png", near);
    expect_set(NULL, "have nearly the same pixels: two masks of one thing", NULL);
}

/* A class that has no file for an image is said. */
static void test_files_lacking(void **state)
{
    (void)state;
    static const uint8_t a[] = {255, 0, 0, 0, 0, 0}, b[] = {0, 255, 0, 0, 7, 0};
    unet_dataset *set;
    unet_error err;
    make_folders("cell", "nucleus");
    put_grey("i/x.png", a);
    put_grey("i/y.png", b);
    put_grey("m/cell/x.png", a);
    put_grey("m/cell/y.png", a);
    put_grey("m/nucleus/y.png", b);
    const unet_dataset_options options = {.ignore = -1};
    if (unet_dataset_open(in_folder("i"), in_folder("m"), &options, &set, &err))
        fail_msg("%s", err.text);
    assert_string_equal(unet_dataset_left_out(set), "1 image without a file of \"nucleus\": x.png");
    un_dataset_free(set);
}

/* A model that was trained on such files finds them again by their names. */
static void test_files_of_a_model(void **state)
{
    (void)state;
    static const uint8_t a[] = {255, 0, 0, 0, 0, 0}, b[] = {0, 255, 0, 0, 7, 0};
    unet_dataset *set;
    unet_error err;
    make_folders("cell", "nucleus");
    put_grey("i/x.png", a);
    put_grey("m/cell/x.png", a);
    put_grey("m/nucleus/x.png", b);
    const unet_dataset_options ordered = {.ignore = -1, .labels = "rest,nucleus,cell"};
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m"), &ordered, &set, &err),
                     UNET_OK);
    unet_spec spec = unet_spec_default();
    spec.width = spec.depth = 1;
    spec.classes = 3;
    unet_model *model, *back;
    assert_int_equal(un_model_new(&spec, &model, NULL), UNET_OK);
    un_model_set_class(model, 1, "Kern", NULL, NULL);
    un_model_set_coding(model, &set->coding);
    model->trained = true;
    un_dataset_free(set);
    assert_int_equal(unet_model_save(model, in_folder("m.safetensors"), &err), UNET_OK);
    assert_int_equal(unet_model_load(in_folder("m.safetensors"), &back, &err), UNET_OK);
    uint8_t rgb[3];
    assert_string_equal(unet_model_class(back, 1, rgb), "Kern");
    assert_string_equal(unet_model_class(back, 2, rgb), "cell");
    const unet_dataset_options data = {.ignore = -1, .model = back};
    if (unet_dataset_open(in_folder("i"), in_folder("m"), &data, &set, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(set->pairs[0].mask, ((const uint8_t[]){2, 1, 0, 0, 1, 0}), 6);
    un_dataset_free(set);

    /* one mask an image is another thing, unless a person says what it is */
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m/cell"), &data, &set, &err),
                     UNET_EINVAL);
    assert_non_null(strstr(err.text, "x.png: one mask for an image; the model was trained on a"));
    const unet_dataset_options said = {.ignore = -1, .model = back, .labels = "a=0,b=255"};
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m/cell"), &said, &set, &err),
                     UNET_OK);
    un_dataset_free(set);
    const unet_dataset_options many = {.ignore = -1, .model = back, .labels = "a=0,b=1,c=2,d=255"};
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m/cell"), &many, &set, &err),
                     UNET_EINVAL);
    assert_non_null(strstr(err.text, ": 4 classes, the model has 3"));
    un_model_free(model);
    un_model_free(back);
}

/* ---- in a model -------------------------------------------------------------------------- */

static void test_in_a_model(void **state)
{
    (void)state;
    static const struct {
        const char *labels;
        unet_mask_kind kind;
        int label;
        uint32_t value;
        uint8_t rgb[3];
        const char *text;
    } rows[] = {
        {"a=0,b=255", UNET_MASKS_GREY, 1, 255, {0xe6, 0x9f, 0}, "grey values 0 = a, 255 = b"},
        {"a=0,b=7-70000,ignore=9-9", UNET_MASKS_GREY, 0, 0, {0}, ""},
        {"road=#804080,sky=#4682b4,ignore=#000000",
         UNET_MASKS_COLOR,
         1,
         0x4682b4,
         {0x46, 0x82, 0xb4},
         "colours #804080 = road, #4682b4 = sky; #000000 = no label"},
        {"a=0,b=1|2|7-70000,ignore=3",
         UNET_MASKS_GREY,
         UNET_IGNORE,
         3,
         {128, 128, 128},
         "grey values 0 = a, 1|2|7-70000 = b; 3 = no label"},
    };
    unet_spec spec = unet_spec_default();
    spec.width = spec.depth = 1;
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct un_wish wish;
        unet_model *model, *back = calloc(1, sizeof *back);
        unet_error err;
        uint32_t value;
        uint8_t rgb[3];
        char text[512];
        if (!*rows[r].text) {
            assert_int_equal(un_wish_parse(rows[r].labels, &wish, &err), UNET_EINVAL);
            free(back);
            continue;
        }
        assert_int_equal(un_wish_parse(rows[r].labels, &wish, &err), UNET_OK);
        assert_int_equal(un_model_new(&spec, &model, NULL), UNET_OK);
        un_model_set_coding(model, &wish.coding);
        model->trained = true;
        char *json = un_metadata_text(model);
        if (un_metadata_parse("m", json, back, &err))
            fail_msg("%s\n%s", json, err.text);
        assert_int_equal(unet_model_mask_kind(back), rows[r].kind);
        if (unet_model_mask_value(back, rows[r].label, &value, rgb, &err))
            fail_msg("%s", err.text);
        assert_int_equal(value, rows[r].value);
        assert_memory_equal(rgb, rows[r].rgb, 3);
        unet_model_coding_text(back, text, sizeof text);
        assert_string_equal(text, rows[r].text);
        assert_int_equal(unet_model_mask_value(back, 2, &value, rgb, &err), UNET_EINVAL);
        free(json);
        un_model_free(model);
        un_model_free(back);
    }
}

/* Metadata as it was before codings had kinds, and forms that are wrong. */
static void test_metadata(void **state)
{
    (void)state;
    static const struct {
        const char *coding, *text; /* "!": refused */
    } rows[] = {
        {"[[0,0],[11,255],[255,1]]", "grey values 0 = class 0, 255 = class 1; 11 = no label"},
        {"[[0,0],[1,1],[255,255]]", "class indices 0 to 1; 255 = no label"},
        {"7", "!coding is an integer"},
        {"{\"kind\":\"wave\"}", "!coding.kind"},
        {"{\"kind\":\"grey\",\"tolerance\":0,\"white\":1,\"border\":false,\"ordered\":false,"
         "\"codes\":[[0,5,0],[3,9,1]]}",
         "!coding.codes[1]: mask values 3 to 9"},
        {"{\"kind\":\"grey\",\"tolerance\":0,\"white\":1,\"border\":false,\"ordered\":false,"
         "\"codes\":[[0,5,0],[9,8,1]]}",
         "!coding.codes[1]: mask values 9 to 8"},
        {"{\"kind\":\"grey\",\"tolerance\":0,\"white\":1,\"border\":false,\"ordered\":false,"
         "\"codes\":[[0,5,2]]}",
         "!coding[0]: class 2, wanted 0..1 or 255"},
        {"{\"kind\":\"grey\",\"tolerance\":0,\"white\":1,\"border\":true,\"ordered\":false,"
         "\"codes\":[]}",
         "!coding.border"},
        {"{\"kind\":\"files\",\"tolerance\":0,\"white\":1,\"border\":false,\"ordered\":true,"
         "\"codes\":[]}",
         "a file for each class:  (later ones over earlier ones)"},
    };
    unet_spec spec = unet_spec_default();
    spec.width = spec.depth = 1;
    unet_model *model;
    assert_int_equal(un_model_new(&spec, &model, NULL), UNET_OK);
    char *json = un_metadata_text(model), *field = strstr(json, "\"coding\":") + 9;
    char *rest = strstr(field, "]]") + 2, whole[8192], text[512];
    for (size_t r = 0; r < COUNT(rows); r++) {
        unet_model *back = calloc(1, sizeof *back);
        unet_error err = {0};
        snprintf(whole, sizeof whole, "%.*s%s%s", (int)(field - json), json, rows[r].coding, rest);
        if (un_metadata_parse("m", whole, back, &err))
            snprintf(text, sizeof text, "!%s", err.text);
        else
            unet_model_coding_text(back, text, sizeof text);
        if (*rows[r].text == '!' ? *text != '!' || !strstr(text, rows[r].text + 1)
                                 : strcmp(text, rows[r].text) != 0)
            fail_msg("%s: '%s', wanted '%s'", rows[r].coding, text, rows[r].text);
        un_model_free(back);
    }
    free(json);
    un_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grey_values), cmocka_unit_test(test_colors),
        cmocka_unit_test(test_proposals),   cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_palettes),    cmocka_unit_test(test_mixed_depths),
        cmocka_unit_test(test_objects),     cmocka_unit_test(test_borders),
        cmocka_unit_test(test_soft_edges),  cmocka_unit_test(test_soft_middle),
        cmocka_unit_test(test_noise),       cmocka_unit_test(test_wishes),
        IN_FOLDER(test_files_per_class),    IN_FOLDER(test_files_of_a_model),
        IN_FOLDER(test_files_per_object),   IN_FOLDER(test_files_lacking),
        cmocka_unit_test(test_in_a_model),  cmocka_unit_test(test_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
