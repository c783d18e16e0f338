/* SPDX-License-Identifier: Apache-2.0 */
/* test_tiff_levels.c - pyramids and what comes with them are no pages; stacks stay stacks */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "image/image.h"
#include "image/tiff/tiff_read.h"
#include "source_open.h"
#include "support/folder.h"
#include "tiff_maker.h"

#define MOST 8

/* A file, and what is to be seen in it. */
struct file {
    const char *name;
    struct maker pages[MOST];
    int count, pages_wanted;
    const char *unread; /* "level 64x48, label 9x9" */
    const char *note;   /* words in it; "": none */
    int height, width;  /* of page 0 */
};

static void describe_unread(const struct unet_source *source, char *text, size_t room)
{
    *text = 0;
    for (int i = 0; i < source->unread_count; i++) {
        const struct un_unread *one = &source->unread[i];
        size_t used = strlen(text);
        snprintf(text + used, room - used, "%s%s %dx%d", i ? ", " : "", one->what, one->width,
                 one->height);
    }
}

static void check_file(const struct file *file)
{
    char unread[512];
    assert_true(maker_write(in_folder("levels.tif"), "w", file->pages, file->count));
    struct unet_source *source = must_open(in_folder("levels.tif"));
    describe_unread(source, unread, sizeof unread);
    struct un_page page = must_page(source, 0);
    if (source->pages != file->pages_wanted || strcmp(unread, file->unread) ||
        page.height != file->height || page.width != file->width)
        fail_msg("%s: %d pages of %dx%d, wanted %d of %dx%d; not read '%s', wanted '%s'",
                 file->name, source->pages, page.width, page.height, file->pages_wanted,
                 file->width, file->height, unread, file->unread);
    if (*file->note ? !strstr(source->note, file->note) : *source->note)
        fail_msg("%s: note '%s', wanted '%s'", file->name, source->note, file->note);
    un_source_close(source);
}

#define BASE .width = 300, .height = 200
#define HALF .width = 150, .height = 100
#define FOURTH .width = 75, .height = 50
#define APERIO "Aperio Image Library v12.0.15\r\n"

static void test_marked_by_programs(void **state)
{
    (void)state;
    static const struct file files[] = {
        {"Aperio",
         {{BASE, .tile = 64, .samples = 3, .description = APERIO "300x200 (64x64) J2K|AppMag = 20"},
          {.width = 90, .height = 60, .samples = 3, .description = APERIO "300x200 -> 90x60 - "},
          {FOURTH, .tile = 32, .samples = 3, .times = 4, .description = APERIO "300x200 -> 75x50"},
          {.width = 40, .height = 41, .samples = 3, .description = APERIO "label 40x41"},
          {.width = 80,
           .height = 30,
           .samples = 3,
           .subfile = 9,
           .description = APERIO "macro 80x30"}},
         5,
         1,
         "thumbnail 90x60, level 75x50, label 40x41, macro 80x30",
         "read in full resolution, 300 x 200 pixels, without 1 smaller level, 1 thumbnail, 1 label",
         200,
         300},
        {"Aperio, two focal planes",
         {{BASE, .tile = 64, .description = APERIO "300x200 |OffsetZ = 0"},
          {HALF, .tile = 64, .times = 2, .description = APERIO "300x200 -> 150x100"},
          {BASE, .tile = 64, .number = 1, .description = APERIO "300x200 |OffsetZ = 2"}},
         3,
         2,
         "level 150x100",
         "1 smaller level",
         200,
         300},
        {"Ventana",
         {{.width = 30, .height = 60, .samples = 3, .description = "Label_Image"},
          {BASE, .tile = 64, .samples = 3, .description = "level=0 mag=40 quality=95"},
          {HALF, .tile = 64, .samples = 3, .description = "level=1 mag=20 quality=95"}},
         3,
         1,
         "macro 30x60, level 150x100",
         "1 smaller level, 1 macro image",
         200,
         300},
        {"qptiff of two channels",
         {{BASE, .tile = 64,
           .description = "<?xml version=\"1.0\"?>\n<PerkinElmer-QPI-"
                          "ImageDescription><ImageType>FullResolution<"},
          {BASE, .tile = 64, .number = 1, .description = "<ImageType>FullResolution<"},
          {HALF, .tile = 64, .description = "<ImageType>ReducedResolution<"},
          {.width = 20, .height = 9, .samples = 3, .description = "<ImageType>Label<"}},
         4,
         1,
         "level 150x100, label 20x9",
         "1 smaller level, 1 label",
         200,
         300},
        {"Leica",
         {{HALF, .description =
                     "<?xml version=\"1.0\"?>\n<scn xmlns=\"http://a\"><collection sizeX=\"9\" "
                     "sizeY=\"8\"><image><pixels><dimension r=\"0\" ifd=\"0\"/></pixels><view "
                     "sizeX=\"9\" sizeY=\"8\"/></image><image><pixels><dimension r=\"1\" "
                     "ifd=\"1\"/><dimension r=\"0\" ifd=\"2\"/><dimension r=\"7\" "
                     "ifd=\"99\"/></pixels><view sizeX=\"2\" sizeY=\"8\"/></image></scn>"},
          {HALF},
          {BASE}},
         3,
         1,
         "macro 150x100, level 150x100",
         "1 smaller level, 1 macro image",
         200,
         300},
        {"marked, and a mask",
         {{BASE, .tile = 64},
          {HALF, .tile = 64, .times = 2, .subfile = FILETYPE_REDUCEDIMAGE},
          {BASE, .tile = 64, .subfile = FILETYPE_MASK},
          {HALF, .tile = 64, .subfile = FILETYPE_MASK | FILETYPE_REDUCEDIMAGE},
          {.width = 33, .height = 33, .subfile = FILETYPE_REDUCEDIMAGE}},
         5,
         1,
         "level 150x100, mask 300x200, mask 150x100, thumbnail 33x33",
         "",
         200,
         300},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        check_file(&files[i]);
}

static void test_told_by_content(void **state)
{
    (void)state;
    static const struct file files[] = {
        {"tiles",
         {{BASE, .scene = SLOPES, .tile = 64, .samples = 3},
          {HALF, .scene = SLOPES, .tile = 64, .samples = 3, .times = 2},
          {FOURTH, .scene = SLOPES, .tile = 64, .samples = 3, .times = 4}},
         3,
         1,
         "level 150x100, level 75x50",
         "without 2 smaller levels",
         200,
         300},
        {"strips of 16 bits, by fours, compressed",
         {{BASE, .scene = SLOPES, .bits = 16, .compression = COMPRESSION_LZW},
          {FOURTH, .scene = SLOPES, .bits = 16, .times = 4, .compression = COMPRESSION_LZW}},
         2,
         1,
         "level 75x50",
         "without 1 smaller level",
         200,
         300},
        {"a mask",
         {{BASE, .tile = 64, .scene = OBJECTS},
          {HALF, .tile = 64, .scene = OBJECTS, .times = 2},
          {FOURTH, .tile = 64, .scene = OBJECTS, .times = 4}},
         3,
         1,
         "level 150x100, level 75x50",
         "without 2 smaller levels",
         200,
         300},
        {"a photograph of the slide beside it",
         {{BASE, .scene = SLOPES, .tile = 64},
          {.width = 60, .height = 55, .number = 3},
          {HALF, .scene = SLOPES, .tile = 64, .times = 2}},
         3,
         1,
         "thumbnail 60x55, level 150x100",
         "1 smaller level, 1 thumbnail",
         200,
         300},
        {"two pyramids",
         {{BASE, .scene = SLOPES, .tile = 64},
          {HALF, .scene = SLOPES, .tile = 64, .times = 2},
          {BASE, .scene = SLOPES, .tile = 64, .number = 1},
          {HALF, .scene = SLOPES, .tile = 64, .times = 2, .number = 1}},
         4,
         2,
         "level 150x100, level 150x100",
         "2 smaller levels",
         200,
         300},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        check_file(&files[i]);
}

static void test_stacks_stay(void **state)
{
    (void)state;
    static const struct file files[] = {
        {"sides that halve by chance",
         {{BASE}, {HALF, .number = 1}, {FOURTH, .number = 2}},
         3,
         3,
         "",
         "",
         200,
         300},
        {"tiles that halve by chance",
         {{BASE, .tile = 64}, {HALF, .tile = 64, .number = 1}},
         2,
         2,
         "",
         "",
         200,
         300},
        {"masks that halve by chance",
         {{BASE, .tile = 64, .scene = OBJECTS}, {HALF, .tile = 64, .scene = OBJECTS, .number = 1}},
         2,
         2,
         "",
         "",
         200,
         300},
        {"equal pages", {{HALF}, {HALF}, {HALF, .number = 1}}, 3, 3, "", "", 100, 150},
        {"one of four is a half of another",
         {{BASE}, {HALF, .times = 2}, {HALF, .number = 1}, {FOURTH, .number = 5}},
         4,
         4,
         "",
         "",
         200,
         300},
        {"all are marked",
         {{HALF, .subfile = FILETYPE_REDUCEDIMAGE}, {FOURTH, .subfile = FILETYPE_REDUCEDIMAGE}},
         2,
         2,
         "",
         "",
         100,
         150},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        check_file(&files[i]);
}

/* Levels as OME-TIFF has them. */
static void test_sub_ifds(void **state)
{
    (void)state;
    struct maker page = {BASE}, level = {HALF, .times = 2, .subfile = FILETYPE_REDUCEDIMAGE};
    TIFF *tif = TIFFOpen(in_folder("sub.tif"), "w");
    toff_t none = 0;
    maker_tags(tif, &page);
    TIFFSetField(tif, TIFFTAG_SUBIFD, 1, &none);
    uint8_t *chunk = malloc((size_t)TIFFStripSize(tif));
    assert_true(maker_chunk(tif, &page, 0, chunk) && TIFFWriteDirectory(tif));
    maker_tags(tif, &level);
    assert_true(maker_chunk(tif, &level, 0, chunk) && TIFFWriteDirectory(tif));
    TIFFClose(tif);
    free(chunk);
    struct unet_source *source = must_open(in_folder("sub.tif"));
    char unread[128];
    describe_unread(source, unread, sizeof unread);
    assert_int_equal(source->pages, 1);
    assert_string_equal(unread, "level 150x100");
    assert_string_equal(source->note, "");
    un_source_close(source);
}

/* Magnifications of Hamamatsu's files are float tags of theirs. */
static void test_ndpi(void **state)
{
    (void)state;
    static const TIFFFieldInfo fields[] = {{65420, 1, 1, TIFF_LONG, FIELD_CUSTOM, 1, 0, "ndpi"},
                                           {65421, 1, 1, TIFF_FLOAT, FIELD_CUSTOM, 1, 0, "lens"}};
    const struct maker pages[] = {{BASE}, {HALF, .times = 2}, {.width = 60, .height = 20}};
    const float lens[] = {20, 10, -1};
    TIFF *tif = TIFFOpen(in_folder("a.ndpi"), "w");
    for (int i = 0; i < 3; i++) {
        TIFFMergeFieldInfo(tif, fields, 2);
        maker_tags(tif, &pages[i]);
        TIFFSetField(tif, 65420, 1);
        TIFFSetField(tif, 65421, (double)lens[i]);
        uint8_t *chunk = malloc((size_t)TIFFStripSize(tif));
        assert_true(maker_chunk(tif, &pages[i], 0, chunk) && TIFFWriteDirectory(tif));
        free(chunk);
    }
    TIFFClose(tif);
    struct unet_source *source = must_open(in_folder("a.ndpi"));
    char unread[128];
    describe_unread(source, unread, sizeof unread);
    assert_int_equal(source->pages, 1);
    assert_string_equal(unread, "level 150x100, macro 60x20");
    un_source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marked_by_programs),
        cmocka_unit_test(test_told_by_content),
        cmocka_unit_test(test_stacks_stay),
        cmocka_unit_test(test_sub_ifds),
        cmocka_unit_test(test_ndpi),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
