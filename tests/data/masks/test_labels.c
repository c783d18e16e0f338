/* SPDX-License-Identifier: Apache-2.0 */
/* test_labels.c - what masks mean: drawn masks of every coding, and their spoiled variants */
#include "labels_scene.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grey_values),    cmocka_unit_test(test_proposals),
        cmocka_unit_test(test_contradictions), cmocka_unit_test(test_colors),
        cmocka_unit_test(test_palettes),       cmocka_unit_test(test_mixed_depths),
        cmocka_unit_test(test_objects),        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_soft_edges),     cmocka_unit_test(test_soft_middle),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
