/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_slide.c - levels of a slide by OpenSlide, where that is installed: a made file as Aperio's
 * scanners write it, one of whose tiles was not scanned
 */
#include "source_check.h"

#include <dlfcn.h>

#include "image/slides/slides.h"
#include "model/model.h"
#include "support/folder.h"
#include "tiff_maker.h"
#include "unet_exchange.h"

#define APERIO "Aperio Image Library v12.0.15\r\n"

static const struct maker levels[] = {
    {.width = 600,
     .height = 400,
     .samples = 3,
     .tile = 64,
     .compression = COMPRESSION_ADOBE_DEFLATE,
     .scene = SLOPES,
     .description = APERIO "600x400 [0,0 600x400] (64x64) RAW|AppMag = 20|MPP = 0.5"},
    {.width = 90, .height = 60, .samples = 3, .description = APERIO "600x400 -> 90x60 - "},
    {.width = 300,
     .height = 200,
     .samples = 3,
     .tile = 64,
     .compression = COMPRESSION_ADOBE_DEFLATE,
     .times = 2,
     .scene = SLOPES,
     .description = APERIO "600x400 [0,0 600x400] (64x64) -> 300x200 RAW|AppMag = 20|MPP = 0.5"},
    {.width = 150,
     .height = 100,
     .samples = 3,
     .tile = 64,
     .compression = COMPRESSION_ADOBE_DEFLATE,
     .times = 4,
     .scene = SLOPES,
     .description = APERIO "600x400 [0,0 600x400] (64x64) -> 150x100 RAW|AppMag = 20|MPP = 0.5"},
};

/* hole: the second tile of the largest level is not there. */
static void put_slide(const char *path, bool hole)
{
    TIFF *tif = TIFFOpen(path, "w");
    assert_non_null(tif);
    for (size_t p = 0; p < COUNT(levels); p++) {
        const struct maker *m = &levels[p];
        maker_tags(tif, m);
        const uint32_t chunks = m->tile ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
        uint8_t *chunk = malloc((size_t)(m->tile ? TIFFTileSize(tif) : TIFFStripSize(tif)));
        for (uint32_t i = 0; i < chunks; i++)
            if (p || i != 1 || !hole)
                assert_true(maker_chunk(tif, m, i, chunk));
        free(chunk);
        assert_int_equal(TIFFWriteDirectory(tif), 1);
    }
    TIFFClose(tif);
}

static bool is_installed(void)
{
    return dlopen("libopenslide.so.1", RTLD_NOW | RTLD_NODELETE) ||
           dlopen("libopenslide.so.0", RTLD_NOW | RTLD_NODELETE);
}

static void test_without(void **state)
{
    struct unet_source *source;
    unet_error err;
    (void)state;
    if (is_installed()) {
        print_message("skipped: OpenSlide is installed\n");
        return;
    }
    assert_int_equal(un_source_open(in_folder("a.svs/1"), &source, &err), UNET_EFORMAT);
    assert_non_null(strstr(err.text, "not installed (Debian: libopenslide0)"));
}

static void test_paths(void **state)
{
    static const struct {
        const char *path;
        bool is;
    } rows[] = {{"a.svs/1", true},  {"a.svs/12", true},  {"a.svs", false},     {"a.svs/", false},
                {"a.svs/x", false}, {"a.svs/1x", false}, {"a.svs/123", false}, {"b.svs/1", false},
                {"1", false},       {"m.mrxs", true},    {"n.mrxs", false}};
    (void)state;
    put_file(in_folder("m.mrxs"), "\xff\xd8\xff", 3);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (un_slide_named(in_folder(rows[i].path)) != rows[i].is)
            fail_msg("%s: %d wanted", rows[i].path, rows[i].is);
}

/* What the made file has there, white where nothing was scanned. */
static void check_level(const char *name, const struct maker *m, double size, bool hole)
{
    struct unet_source *source;
    struct un_page page;
    uint8_t *samples = NULL;
    unet_error err;
    if (un_source_open(in_folder(name), &source, &err) ||
        read_raw(source, 0, &page, &samples, &err))
        fail_msg("%s", err.text);
    if (page.width != m->width || page.height != m->height || page.channels != 3 ||
        fabs(page.pixel_width - size) > 1e-6 || fabs(page.pixel_height - size) > 1e-6)
        fail_msg("%s: %d x %d, pixels of %g", name, page.width, page.height, page.pixel_width);
    for (int y = 0; y < m->height; y++)
        for (int x = 0; x < m->width; x++)
            for (int c = 0; c < 3; c++) {
                const bool empty = hole && y < 64 && x >= 64 && x < 128;
                const int want = empty ? 255 : (int)maker_value(m, x, y, c);
                const int found = samples[(y * m->width + x) * 3 + c];
                if (found != want)
                    fail_msg("%s: row %d, column %d: %d, wanted %d", name, y, x, found, want);
            }
    uint8_t part[30 * 20 * 3], mask[30 * 20];
    const struct un_rect rect = {25, 40, 20, 30};
    assert_int_equal(un_source_raw(source, 0, &page, rect, part, &err), UNET_OK);
    for (int y = 0; y < 20; y++)
        assert_memory_equal(part + y * 90, samples + ((25 + y) * m->width + 40) * 3, 90);
    memset(mask, 3, sizeof mask);
    assert_int_equal(source->mark_empty(source, 0, rect, 9, mask, &err), UNET_OK);
    for (int i = 0; i < 30 * 20; i++)
        if (mask[i] != (hole && 40 + i % 30 >= 64 ? 9 : 3))
            fail_msg("%s: %d at %d of the mask", name, mask[i], i);
    free(samples);
    un_source_close(source);
}

static void test_levels(void **state)
{
    struct unet_source *source;
    unet_error err;
    (void)state;
    if (!is_installed()) {
        print_message("skipped: OpenSlide is not installed\n");
        return;
    }
    check_level("hole.svs/0", &levels[0], 0.5, true);
    check_level("a.svs/0", &levels[0], 0.5, false);
    check_level("a.svs/1", &levels[2], 1, false);
    check_level("a.svs/2", &levels[3], 2, false);
    assert_int_equal(un_source_open(in_folder("a.svs/1"), &source, &err), UNET_OK);
    assert_int_equal(source->unread_count, 3); /* two levels, a thumbnail */
    un_source_close(source);
    assert_int_equal(un_source_open(in_folder("a.svs/3"), &source, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "level 3; the slide has levels 0 to 2"));
    put_file(in_folder("b.png"), "\x89PNG\r\n\x1a\n", 8);
    assert_int_equal(un_source_open(in_folder("b.png/0"), &source, &err), UNET_EFORMAT);
    assert_non_null(strstr(err.text, "b.png: no slide that OpenSlide reads"));
    assert_int_equal(un_source_open(in_folder("m.mrxs"), &source, &err), UNET_EFORMAT);
}

/* Without a level the file is read as it was, by no other library. */
static void test_plain(void **state)
{
    struct unet_source *source;
    struct un_page page;
    unet_error err;
    (void)state;
    assert_int_equal(un_source_open(in_folder("a.svs"), &source, &err), UNET_OK);
    assert_ptr_equal(source->format, &un_format_tiff);
    assert_int_equal(un_source_page(source, 0, &page, &err), UNET_OK);
    assert_int_equal(page.width, 600);
    un_source_close(source);
}

static void test_choice(void **state)
{
    static const struct {
        float kind, least, most;
        int level;
        const char *text;
    } rows[] = {
        {0, 0, 0, 0, "level 0, pixels of 0.5 um: the model does not know"},
        {UN_SIZE_LENGTH, 0.25f, 0.25f, 0, "level 0, pixels of 0.5 um; in the training 0.25 um"},
        {UN_SIZE_LENGTH, 0.6f, 0.6f, 0, "level 0"},
        {UN_SIZE_LENGTH, 0.8f, 0.8f, 1, "level 1, pixels of 1 um; in the training 0.8 um"},
        {UN_SIZE_LENGTH, 0.9f, 1.5f, 1,
         "level 1, pixels of 1 um; in the training 0.9 um to 1.5 um"},
        {UN_SIZE_LENGTH, 10, 10, 2, "level 2, pixels of 2 um"},
        {UN_SIZE_MAP, 4, 4, 0, "level 0"},
    };
    unet_spec spec = unet_spec_default();
    unet_model *model;
    unet_error err;
    (void)state;
    spec.width = spec.depth = 1;
    assert_int_equal(unet_model_create(&spec, 1, &model, &err), UNET_OK);
    for (size_t i = 0; i < COUNT(rows) && is_installed(); i++) {
        char text[200];
        int level = 9;
        model->seen.size[0] = rows[i].kind;
        model->seen.size[1] = rows[i].least;
        model->seen.size[2] = rows[i].most;
        if (unet_model_level(model, in_folder("a.svs"), &level, text, sizeof text, &err))
            fail_msg("%s", err.text);
        if (level != rows[i].level || strncmp(text, rows[i].text, strlen(rows[i].text)))
            fail_msg("row %zu: level %d, \"%s\"", i, level, text);
    }
    unet_model_free(model);
}

static int create(void **state)
{
    int failed = folder_create(state);
    put_slide(in_folder("a.svs"), false);
    put_slide(in_folder("hole.svs"), true);
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without), cmocka_unit_test(test_paths),
        cmocka_unit_test(test_levels),  cmocka_unit_test(test_plain),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests_name("slide", tests, create, folder_destroy);
}
