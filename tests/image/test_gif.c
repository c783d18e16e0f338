/* SPDX-License-Identifier: Apache-2.0 */
/* test_gif.c - GIF in frames */
#include "source_check.h"

#include <gif_lib.h>

#include "support/bytes_maker.h"
#include "support/folder.h"

struct place {
    int left, top, width, height;
    bool interlaced, own_colors;
};

#define SCREEN_WIDTH 61
#define SCREEN_HEIGHT 47
#define BACKGROUND 3
static const struct place places[] = {{0, 0, 61, 47, false, false},
                                      {0, 0, 61, 47, true, false},
                                      {7, 5, 40, 33, true, true},
                                      {60, 46, 1, 1, false, true},
                                      {1, 40, 59, 7, true, false}};

static int gif_pixel(int frame, int y, int x)
{
    uint32_t noise = un_rng_bits(9, (uint64_t)(frame * 100000 + y * 100 + x));
    return (int)(x % 7 < 4 ? (unsigned)(y / 3 + frame) % 16 : noise % 16);
}

static int on_write(GifFileType *gif, const GifByteType *data, int size)
{
    bytes_add(gif->UserData, data, (size_t)size);
    return size;
}

static ColorMapObject *make_colors(int add)
{
    ColorMapObject *map = GifMakeMapObject(16, NULL);
    for (int i = 0; i < 16; i++)
        map->Colors[i] = (GifColorType){(GifByteType)(i + add), (GifByteType)(2 * i + add),
                                        (GifByteType)(3 * i + add)};
    return map;
}

static void put_frame(GifFileType *gif, int frame)
{
    static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    const struct place *p = &places[frame];
    ColorMapObject *own = p->own_colors ? make_colors(100 + frame) : NULL;
    GifByteType control[4] = {1, 0, 0, 5}, line[SCREEN_WIDTH]; /* index 5 is transparent */
    EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, 4, control);
    EGifPutImageDesc(gif, p->left, p->top, p->width, p->height, p->interlaced, own);
    for (int pass = 0; pass < (p->interlaced ? 4 : 1); pass++)
        for (int y = p->interlaced ? first[pass] : 0; y < p->height;
             y += p->interlaced ? step[pass] : 1) {
            for (int x = 0; x < p->width; x++)
                line[x] = (GifByteType)gif_pixel(frame, y, x);
            EGifPutLine(gif, line, p->width);
        }
    GifFreeMapObject(own);
    GifFreeMapObject(gif->Image.ColorMap); /* giflib forgets it at a frame without colours */
    gif->Image.ColorMap = NULL;
}

static struct bytes make_gif(int frames)
{
    struct bytes b = {0};
    int error;
    GifFileType *gif = EGifOpen(&b, on_write, &error);
    ColorMapObject *map = make_colors(0);
    EGifSetGifVersion(gif, true);
    EGifPutScreenDesc(gif, SCREEN_WIDTH, SCREEN_HEIGHT, 4, BACKGROUND, map);
    GifFreeMapObject(map);
    for (int i = 0; i < frames; i++)
        put_frame(gif, i);
    EGifCloseFile(gif, &error);
    return b;
}

static void test_gif_frames(void **state)
{
    (void)state;
    struct bytes b = make_gif(COUNT(places));
    for (int f = 0; f < (int)COUNT(places); f++) {
        const struct place *p = &places[f];
        struct un_page page;
        uint8_t *found = must_read(b.data, b.size, f, &page);
        assert_int_equal(page.width, SCREEN_WIDTH);
        assert_int_equal(page.height, SCREEN_HEIGHT);
        assert_int_equal(page.palette_size, 16);
        assert_int_equal(page.palette[7][2], 21 + (p->own_colors ? 100 + f : 0));
        for (int y = 0; y < SCREEN_HEIGHT; y++)
            for (int x = 0; x < SCREEN_WIDTH; x++) {
                bool inside =
                    y >= p->top && y < p->top + p->height && x >= p->left && x < p->left + p->width;
                int wanted = inside ? gif_pixel(f, y - p->top, x - p->left) : BACKGROUND;
                if (found[y * SCREEN_WIDTH + x] != wanted)
                    fail_msg("frame %d, row %d, column %d: %d, wanted %d", f, y, x,
                             found[y * SCREEN_WIDTH + x], wanted);
            }
        free(found);
        check_rects(b.data, b.size, f, 20);
    }
    check_truncation(b.data, b.size);
    check_damage(b.data, b.size, 2000);
    free(b.data);
}

static void test_gif_pages(void **state)
{
    (void)state;
    struct bytes b = make_gif(COUNT(places));
    struct unet_source *source;
    unet_error err;
    folder_create(NULL);
    put_file(in_folder("a.gif"), b.data, b.size);
    assert_int_equal(un_source_open(in_folder("a.gif[2:-1]"), &source, &err), UNET_OK);
    assert_int_equal(source->pages, 2);
    struct un_page page;
    assert_int_equal(un_source_page(source, 0, &page, &err), UNET_OK);
    assert_int_equal(page.palette[0][0], 102);
    un_source_close(source);
    folder_destroy(NULL);
    free(b.data);
}

static void test_gif_refusals(void **state)
{
    (void)state;
    struct bytes b = make_gif(1);
    must_fail(b.data, 13, "truncated GIF");
    must_fail(b.data, b.size - 1, "truncated GIF");
    must_fail(b.data, b.size / 2, "truncated GIF");
    size_t at = 13 + 48;
    assert_int_equal(b.data[at], '!');
    b.data[at] = 'x';
    must_fail(b.data, b.size, "0x78 where a block begins");
    b.data[at] = ';';
    must_fail(b.data, b.size, "no frames");
    b.data[at] = '!';
    at += 8;
    assert_int_equal(b.data[at], ',');
    b.data[at + 1] = 1;
    must_fail(b.data, b.size, "inside of the screen");
    b.data[at + 1] = 0;
    b.data[at + 8] = b.data[9] = 0xf0; /* rows that there is no data for */
    must_fail(b.data, b.size, "broken GIF");
    b.data[at + 8] = 0;
    b.data[7] = 0xf0;
    must_fail(b.data, b.size, "pixels");
    b.data[7] = b.data[9] = 0;
    b.data[at + 14] ^= 0x55; /* in the codes */
    uint64_t sum;
    reads_whole(b.data, b.size, &sum);
    b.data[10] = 0; /* no colours: what was the palette is now blocks */
    must_fail(b.data, b.size, "GIF");
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gif_frames),
        cmocka_unit_test(test_gif_pages),
        cmocka_unit_test(test_gif_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
