/* SPDX-License-Identifier: Apache-2.0 */
/* test_labels_doubt.c - values that would make classes which nobody meant */
#include "labels_scene.h"

/* A JPEG of class numbers has classes of its own making at edges. */
static void test_lossy_indices(void **state)
{
    struct un_mask mask = disc(UN_CODE_GREY, 0, 1);
    (void)state;
    mask.lossy = true;
    mask.codes[5] = 2;
    expect(mask, NULL, "m.png: mask values 0, 1, 2 in a file with a lossy compression (JPEG)");
    mask = disc(UN_CODE_GREY, 0, 1);
    mask.lossy = true;
    expect(mask, "indices", "class indices 0 to 1; 255 = no label");
    mask = blank(UN_CODE_GREY, 8, 0); /* nothing there, as some masks of a set are */
    mask.lossy = true;
    expect(mask, NULL, "class indices 0 to 1");
    mask = blank(UN_CODE_GREY, 8, 255);
    mask.lossy = true;
    expect(mask, "ignore=255", "class indices 0 to 1; 255 = no label");
    struct un_mask masks[2] = {disc(UN_CODE_GREY, 0, 2), disc(UN_CODE_GREY, 0, 1)};
    free(masks[1].name);
    masks[1].name = strdup("m.jpg"); /* the file to blame, where the largest is in the other */
    masks[1].lossy = true;
    expect_reading(masks, 2, NULL, "m.jpg: mask values 0, 1, 2 in a file with a lossy");
    un_mask_release(&masks[0]);
    un_mask_release(&masks[1]);
}

static void test_white_of_two_depths(void **state)
{
    struct un_mask masks[2] = {disc(UN_CODE_GREY, 0, 255), disc(UN_CODE_GREY, 0, 65535)};
    (void)state;
    masks[1].bits = 16;
    expect_reading(masks, 2, NULL,
                   "m.png has mask values 0 and 255 (8 bits), but m.png 0 and 65535 (more bits)");
    expect_reading(masks, 2, "ignore=65535", "grey values 0 = class 0, 255 = class 1");
    un_mask_release(&masks[1]);
    masks[1] = disc(UN_CODE_GREY, 0, 4095); /* of 12 bits */
    masks[1].bits = 16;
    expect_reading(masks, 2, NULL, "if both mean the same say 'a=0,b=255|4095'");
    for (int k = 0; k < 4; k++) {
        draw(&masks[0], 0, 16 * k, 8, 8, k < 2 ? 128 : 255);
        draw(&masks[1], 0, 16 * k, 8, 8, k < 2 ? 2048 : 4095);
    }
    expect_reading(masks, 2, NULL,
                   "m.png has 8 bits and m.png more, and no value of the masks is in both (0, 128, "
                   "255, 2048, 4095): say which mean the same");
    for (uint32_t k = 0; k < 10; k++) { /* long numbers are all told */
        masks[0].codes[k] = 20 + 10 * k;
        masks[1].codes[k] = 1000000000 + 1000000000 / 8 * k;
    }
    masks[1].bits = 32;
    expect_reading(masks, 2, NULL, "... 2125000000 (25 values)): say which mean the same");
    for (uint32_t k = 0; k < 10; k++)
        masks[0].codes[k] = masks[1].codes[k] = 0;
    masks[1].codes[PIXELS - 1] = 128; /* one is: they are one coding */
    expect_reading(masks, 2, NULL, "grey values 0 = class 0, 128 = class 1, 255 = class 2, 2048 =");
    un_mask_release(&masks[0]);
    un_mask_release(&masks[1]);
}

/* A thin class between soft edges fills nothing, so that nothing lies between two that do: what is
 * between others in place gives it away.  Thin classes side by side remain classes. */
static void test_slopes(void **state)
{
    static const uint32_t thin[] = {0x0000ff, 0x00ff00, 0xff0000, 0xffff00};
    (void)state;
    struct un_mask mask = blank(UN_CODE_COLOR, 8, 0);
    for (int k = 1; k <= 9; k++) /* red that comes and goes */
        draw(&mask, 0, 10 + k, SIDE, 1, (uint32_t)(k <= 5 ? 51 * k : 51 * (10 - k)) << 16);
    draw(&mask, 0, 40, SIDE, 20, 0x00ff00);
    expect(mask, NULL, "values more lie between others, in value and in place: soft edges?");
    mask = blank(UN_CODE_COLOR, 8, 0);
    for (int k = 0; k < 4; k++)
        draw(&mask, 0, 2 + 5 * k, SIDE, 1, thin[k]);
    draw(&mask, 0, 40, SIDE, 20, thin[0]);
    expect(mask, NULL,
           "colours #000000 = class 0, #0000ff = class 1, #00ff00 = class 2, #ff0000 =");
    mask = blank(UN_CODE_GREY, 8, 0); /* lines on black, which lie between others in value alone */
    for (int k = 0; k < 9; k++)
        draw(&mask, 0, 2 + 5 * (k % 3), SIDE, 1, 50 + 50 * (uint32_t)(k % 3));
    draw(&mask, 0, 40, SIDE, 20, 200);
    expect(mask, "a=0,b=50,c=100,d=150,e=200", "grey values 0 = a, 50 = b");
}

/* A JPEG in which every value occurs is no mask of 255 classes. */
static void test_lossy_values(void **state)
{
    (void)state;
    struct un_mask mask = disc(UN_CODE_GREY, 0, 255);
    mask.lossy = true;
    for (uint32_t v = 0; v < 256; v++)
        mask.codes[v / 16 * SIDE + v % 16] = v;
    expect(mask, NULL, "grey values 0 = class 0, 255 = class 1; values near them and on soft");
}

/* The classes of a mask whose indices 0 .. 2, and 255, have these colours, by another set's coding;
 * or the refusal. */
static void check_palette(const struct un_coding *given, const uint32_t *rgb, const char *wanted)
{
    static const uint32_t values[] = {0, 1, 2, 255};
    static uint8_t found[PIXELS];
    const struct un_wish wish = {.ignore = -1};
    struct un_mask mask = columns(UN_CODE_INDEX, 8, values, 4);
    struct un_census census = {0};
    struct un_coding coding = {0};
    unet_error err = {0};
    char text[512] = "";
    for (int k = 0; k < 4; k++)
        set_color(&mask, (int)values[k], rgb[k]);
    assert_int_equal(un_census_take(&census, &mask, &err), UNET_OK);
    if (un_coding_find(&census, &wish, given, &coding, &err)) {
        snprintf(text, sizeof text, "!%s", err.text);
    } else {
        assert_int_equal(un_mask_to_classes(&mask, &coding, found, &err), UNET_OK);
        for (int k = 0; k < 4; k++)
            sprintf(text + strlen(text), "%d ", found[k * SIDE / 8]);
    }
    if (strncmp(text, wanted, strlen(wanted)))
        fail_msg("'%s', wanted '%s'", text, wanted);
    un_census_release(&census);
    un_mask_release(&mask);
}

/* Beside a set with a palette, the same colour is the same class. */
static void test_other_palettes(void **state)
{
    (void)state;
    static const uint32_t values[] = {0, 1, 2, 255};
    struct un_mask mask = columns(UN_CODE_INDEX, 8, values, 4);
    char text[512];
    set_color(&mask, 1, 0x800000);
    set_color(&mask, 2, 0x008000);
    set_color(&mask, 255, 0xe0e0c0);
    struct un_coding given = read_masks(&mask, 1, NULL, -1, text);
    assert_int_equal(given.kind, UN_CODING_PALETTE);
    un_mask_release(&mask);
    check_palette(&given, (uint32_t[]){0, 0x800000, 0x008000, 0xe0e0c0}, "0 1 2 255 ");
    check_palette(&given, (uint32_t[]){0, 0x800000, 0x008000, 0xffffff}, "0 1 2 255 ");
    check_palette(&given, (uint32_t[]){0x008000, 0x800000, 0, 0xffffff}, "2 1 0 255 ");
    check_palette(&given, (uint32_t[]){0, 0x008000, 0x800000, 0x800000}, "0 2 1 1 ");
    check_palette(&given, (uint32_t[]){0, 0x0000ff, 0x008000, 0xffffff},
                  "!m.png: index 1 of its palette is #0000ff, which is class 1 in the other masks "
                  "as #800000; labels wanted");
    given.colored = false; /* as that of a model, which keeps no palette */
    check_palette(&given, (uint32_t[]){0, 0x008000, 0x800000, 0xffffff}, "0 1 2 255 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lossy_indices),  cmocka_unit_test(test_white_of_two_depths),
        cmocka_unit_test(test_slopes),         cmocka_unit_test(test_lossy_values),
        cmocka_unit_test(test_other_palettes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
