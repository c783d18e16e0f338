/* SPDX-License-Identifier: Apache-2.0 */
/* test_outlines_roi.c - ImageJ's regions: their pixels, and the page that each is on */
#include "support/outlines_drawn.h"

/* The header of a region: type, box, points. */
static void roi(struct bytes *to, int type, int top, int left, int bottom, int right,
                const int *points, int count)
{
    unsigned char head[64] = {'I', 'o', 'u', 't', 0, 227};
    const int box[5] = {top, left, bottom, right, count};
    head[6] = (unsigned char)type;
    for (int i = 0; i < 5; i++)
        head[9 + 2 * i] = (unsigned char)box[i];
    bytes_add(to, head, sizeof head);
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < count; i++) {
            const unsigned char two[2] = {0, (unsigned char)points[2 * i + c]};
            bytes_add(to, two, 2);
        }
}

static void test_roi(void **state)
{
    static const int square[] = {0, 0, 2, 0, 2, 2, 0, 2};
    struct bytes one = {0}, two = {0}, shape = {0};
    (void)state;
    roi(&one, 0, 1, 1, 3, 3, square, 4);
    check_bytes("a.roi", one.data, one.size, NULL, 4, 4, ".... .11. .11. ....");
    roi(&two, 2, 0, 0, 2, 4, NULL, 0);
    check_bytes("a.roi", two.data, two.size, NULL, 4, 4, "1111 1111 .... ....");
    /* a composite: a square with a hole, as floats */
    static const float path[] = {0, 0, 0, 1, 3, 0, 1, 3, 3, 1, 0, 3, 4,
                                 0, 1, 1, 1, 2, 1, 1, 2, 2, 1, 1, 2, 4};
    roi(&shape, 1, 0, 0, 3, 3, NULL, 0);
    shape.data[39] = sizeof path / sizeof *path;
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        uint32_t bits;
        memcpy(&bits, &path[i], 4);
        const unsigned char big[4] = {(unsigned char)(bits >> 24), (unsigned char)(bits >> 16),
                                      (unsigned char)(bits >> 8), (unsigned char)bits};
        bytes_add(&shape, big, 4);
    }
    check_bytes("a.roi", shape.data, shape.size, NULL, 4, 4, "111. 1.1. 111. ....");
    free(one.data);
    free(two.data);
    free(shape.data);
}

/* A second header: channel, slice and frame; the position of a plain stack is in the first. */
static void place_roi(struct bytes *to, int position, int channel, int slice, int frame)
{
    const size_t at = to->size;
    unsigned char second[52] = {0};
    second[7] = (unsigned char)channel;
    second[11] = (unsigned char)slice;
    second[15] = (unsigned char)frame;
    bytes_add(to, second, sizeof second);
    to->data[59] = (unsigned char)position;
    to->data[63] = (unsigned char)at;
}

/* The page that a region of each of two places is on, or the error. */
static void test_pages(void **state)
{
    static const int square[] = {0, 0, 2, 0, 2, 2, 0, 2};
    static const struct {
        int place[2][4]; /* position, channel, slice, frame */
        struct un_stack stack;
        int pages[2];
        const char *want; /* of the error */
    } rows[] = {
        /* a plain stack; 0, 0, 0 in the second header is nothing said */
        {{{1, 0, 0, 0}, {3, 0, 0, 0}}, {"a.tif", 0, 3, 3, 1, 1}, {0, 2}, NULL},
        {{{1, 0, 0, 0}, {3, 0, 0, 0}}, {"a.tif", 0, 3, 0, 0, 1}, {0, 2}, NULL},
        /* a hyperstack of 3 slices, 2 frames and 2 channels: which was shown says nothing */
        {{{0, 2, 1, 1}, {0, 2, 3, 1}}, {"a.tif", 0, 6, 3, 2, 2}, {0, 2}, NULL},
        {{{0, 1, 1, 1}, {0, 2, 1, 2}}, {"a.tif", 0, 6, 3, 2, 2}, {0, 3}, NULL},
        {{{0, 0, 2, 2}, {5, 1, 3, 2}}, {"a.tif", 0, 6, 3, 2, 2}, {4, 5}, NULL},
        {{{0, 1, 1, 0}, {0, 1, 3, 0}}, {"a.tif", 0, 3, 3, 2, 2}, {0, 2}, NULL}, /* one frame */
        {{{0, 1, 0, 1}, {0, 1, 0, 3}}, {"a.tif", 0, 3, 1, 2, 2}, {0, 2}, NULL}, /* one slice */
        /* the image does not say its slices: 2 frames of 3 are left, and 5 of 1 */
        {{{0, 1, 3, 1}, {0, 1, 1, 2}}, {"a.npy", 0, 6, 0, 0, 2}, {2, 3}, NULL},
        {{{0, 1, 1, 3}, {0, 1, 1, 5}}, {"a.npy", 0, 5, 0, 0, 2}, {2, 4}, NULL},
        {{{0, 1, 2, 1}, {0, 1, 6, 1}}, {"a.npy", 0, 6, 0, 0, 2}, {1, 5}, NULL},
        {{{0, 1, 1, 2}, {0, 1, 1, 1}}, {"a.npy", 0, 6, 0, 0, 2}, {0, 0}, "does not say how many"},
        /* what can be read in two ways, and what is not there */
        {{{1, 0, 0, 0}, {2, 0, 0, 0}}, {"a.tif", 0, 6, 3, 2, 2}, {0, 0}, "may be a page of a.tif"},
        {{{1, 0, 0, 0}, {2, 0, 0, 0}}, {"a.tif", 0, 6, 3, 1, 3}, {0, 1}, NULL}, /* planes of RGB */
        {{{1, 0, 0, 0}, {9, 0, 0, 0}}, {"a.tif", 0, 6, 3, 1, 1}, {0, 0}, "page 9, but a.tif has 6"},
        {{{1, 0, 0, 0}, {0, 0, 0, 0}}, {"a.tif", 0, 6, 3, 1, 1}, {0, 0}, "shape 2 is on no page"},
        {{{0, 1, 4, 1}, {0, 1, 1, 1}},
         {"a.tif", 0, 6, 3, 2, 2},
         {0, 0},
         "shape 1 is on slice 4 of frame 1 (0: all), but a.tif has 3 slices and 2 frames"},
        {{{0, 1, 0, 1}, {0, 1, 1, 1}}, {"a.tif", 0, 6, 3, 2, 2}, {0, 0}, "on slice 0 of frame 1"},
        /* one page: planes are channels; shapes of several slices are not */
        {{{1, 0, 0, 0}, {2, 0, 0, 0}}, {"a.tif", 0, 1, 1, 2, 2}, {0, 0}, NULL},
        {{{0, 1, 1, 1}, {0, 2, 1, 1}}, {"a.tif", 0, 1, 1, 2, 2}, {0, 0}, NULL},
        {{{0, 1, 7, 1}, {0, 1, 7, 1}}, {"a.tif", 0, 1, 1, 2, 2}, {0, 0}, NULL},
        {{{1, 0, 0, 0}, {2, 0, 0, 0}}, {"a.tif", 0, 1, 1, 1, 1}, {0, 0}, "has one page"},
        {{{0, 1, 7, 1}, {0, 1, 8, 1}}, {"a.tif", 0, 1, 1, 2, 2}, {0, 0}, "(8, 1 and 7, 1)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_outlines *set = calloc(1, sizeof *set);
        unet_error err = {0};
        int pages[2] = {-1, -1};
        set->joined = "a";
        for (int k = 0; k < 2; k++) {
            struct bytes one = {0};
            const int *place = rows[i].place[k];
            roi(&one, 0, 1, 1, 3, 3, square, 4);
            place_roi(&one, place[0], place[1], place[2], place[3]);
            assert_int_equal(un_outlines_read_bytes(set, "a/1.roi", one.data, one.size, &err),
                             UNET_OK);
            free(one.data);
        }
        unet_code code = un_outlines_pages(set->drawings[0], &rows[i].stack, pages, &err);
        if (rows[i].want ? code != UNET_EINVAL || !strstr(err.text, rows[i].want)
                         : code || memcmp(pages, rows[i].pages, sizeof pages))
            fail_msg("row %zu: %d, pages %d and %d: %s", i, code, pages[0], pages[1], err.text);
        un_outlines_free(set);
    }
}

static unet_code small_page(struct unet_source *source, int index, struct un_page *page,
                            unet_error *err)
{
    (void)source, (void)index, (void)err;
    *page = (struct un_page){
        .height = 4, .width = 4, .channels = 2, .bits = 8, .bytes = 1, .orientation = 1};
    return UNET_OK;
}

/* Of pages that were chosen each has the regions of its place in the file. */
static void test_chosen_pages(void **state)
{
    static const int square[] = {0, 0, 2, 0, 2, 2, 0, 2};
    static const struct un_format format = {.page = small_page};
    static char name[] = "a.tif[2:4]";
    struct unet_source image = {.name = name,
                                .file_name = 5,
                                .format = &format,
                                .file_pages = 6,
                                .first = 2,
                                .pages = 2,
                                .depth = 3,
                                .planes = 2};
    struct un_outlines *set = calloc(1, sizeof *set);
    struct unet_source *source;
    struct un_page page;
    unet_error err;
    uint32_t codes[2][16] = {{0}};
    (void)state;
    set->joined = "a";
    for (int k = 0; k < 6; k++) { /* one for each page, whose left side tells it */
        struct bytes one = {0};
        roi(&one, 0, k % 3, k / 3, k % 3 + 1, k / 3 + 1, square, 4);
        place_roi(&one, 0, 2, k % 3 + 1, k / 3 + 1);
        assert_int_equal(un_outlines_read_bytes(set, "a/1.roi", one.data, one.size, &err), 0);
        free(one.data);
    }
    if (un_outlines_open(set, set->drawings[0], &image, &source, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 2; i++)
        if (un_source_page(source, i, &page, &err) ||
            un_source_raw(source, i, &page, (struct un_rect){0, 0, 4, 4}, codes[i], &err))
            fail_msg("%s", err.text);
    assert_int_equal(codes[0][2 * 4], 1); /* slice 3 of frame 1 */
    assert_int_equal(codes[0][1], 0);
    assert_int_equal(codes[1][1], 1); /* slice 1 of frame 2 */
    assert_int_equal(codes[1][2 * 4], 0);
    un_source_close(source);
    un_outlines_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roi),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_chosen_pages),
    };
    return cmocka_run_group_tests_name("outlines_roi", tests, NULL, NULL);
}
