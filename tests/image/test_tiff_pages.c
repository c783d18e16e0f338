/* SPDX-License-Identifier: Apache-2.0 */
/* test_tiff_pages.c - which page of a TIFF is which: chains, OME-TIFF, ImageJ's stacks, scales */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <time.h>

#include "image/image.h"
#include "image/tiff/tiff_read.h"
#include "source_open.h"
#include "support/folder.h"
#include "support/slow.h"
#include "tiff_maker.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void expect_refusal(const char *path, const char *words)
{
    struct unet_source *source;
    unet_error err = {0};
    if (!un_source_open(path, &source, &err))
        fail_msg("%s: opened, wanted '%s'", path, words);
    if (err.code != UNET_EFORMAT || !strstr(err.text, words))
        fail_msg("'%s', wanted '%s'", err.text, words);
}

/* Page i must have these planes (made with their number in .number) as channels, in this order. */
static void check_planes(struct unet_source *source, int i, const struct maker *pages,
                         const int *planes, int count)
{
    struct un_page page = must_page(source, i);
    unet_error err;
    struct un_rect rect = {1, 2, page.height - 1, page.width - 2};
    int n = maker_samples(&pages[planes[0]]), bytes = maker_bytes(&pages[planes[0]]);
    assert_int_equal(page.channels, count * n);
    uint8_t *samples = malloc(un_rect_bytes(&page, rect)), *at = samples;
    if (un_source_raw(source, i, &page, rect, samples, &err))
        fail_msg("%s", err.text);
    for (int y = 1; y < page.height; y++)
        for (int x = 2; x < page.width; x++)
            for (int c = 0; c < count * n; c++, at += bytes) {
                uint8_t want[8];
                maker_put(&pages[planes[c / n]], x, y, c % n, want);
                if (memcmp(at, want, (size_t)bytes))
                    fail_msg("page %d: row %d, column %d, channel %d is not that of plane %d", i, y,
                             x, c, planes[c / n]);
            }
    free(samples);
}

/* `count` planes in a file whose first IFD has the description. */
static void make_planes(const char *path, const char *description, struct maker *pages, int count)
{
    for (int i = 0; i < count; i++) {
        pages[i].number = i;
        pages[i].width = pages[i].width ? pages[i].width : 9;
        pages[i].height = pages[i].height ? pages[i].height : 6;
    }
    pages[0].description = description;
    assert_true(maker_write(path, "w", pages, count));
}

/* ---- chains ------------------------------------------------------------------------------ */

static void test_pages_differ(void **state)
{
    (void)state;
    struct maker pages[5] = {{.width = 20, .height = 10},
                             {.width = 5, .height = 5, .subfile = FILETYPE_REDUCEDIMAGE},
                             {.width = 7, .height = 30, .samples = 3, .bits = 16, .tile = 16},
                             {.width = 5, .height = 5, .subfile = FILETYPE_MASK},
                             {.width = 8, .height = 8, .compression = COMPRESSION_LZW}};
    make_planes(in_folder("pages.tif"), NULL, pages, 5);
    struct unet_source *source = must_open(in_folder("pages.tif"));
    assert_int_equal(source->pages, 3);
    for (int turn = 0; turn < 2; turn++) { /* there and back */
        check_planes(source, 0, pages, (int[]){0}, 1);
        check_planes(source, 2, pages, (int[]){4}, 1);
        check_planes(source, 1, pages, (int[]){2}, 1);
    }
    un_source_close(source);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* 100,000 pages: any of them is found at once. */
static void test_many_pages(void **state)
{
    (void)state;
    enum { PAGES = 100000, SIZE = 6 + 12 * 8 };
    struct raw_tiff t;
    raw_header(&t, false);
    t.bytes = realloc(t.bytes, 8 + (size_t)PAGES * SIZE + PAGES);
    memset(t.bytes + 8, 0, (size_t)PAGES * SIZE + PAGES);
    t.size = 8 + (size_t)PAGES * SIZE + PAGES;
    for (uint32_t i = 0; i < PAGES; i++) {
        uint32_t at = 8 + i * SIZE, sample = 8 + PAGES * SIZE + i;
        const uint32_t entries[][2] = {
            {TIFFTAG_IMAGEWIDTH, 1},   {TIFFTAG_IMAGELENGTH, 1},     {TIFFTAG_BITSPERSAMPLE, 8},
            {TIFFTAG_COMPRESSION, 1},  {TIFFTAG_PHOTOMETRIC, 1},     {TIFFTAG_STRIPOFFSETS, sample},
            {TIFFTAG_ROWSPERSTRIP, 1}, {TIFFTAG_STRIPBYTECOUNTS, 1},
        };
        raw_ifd(&t, at, entries, 8, i + 1 < PAGES ? at + SIZE : 0);
        t.bytes[sample] = (uint8_t)(i * 7);
    }
    raw_save(&t, in_folder("many.tif"));
    double from = seconds();
    struct unet_source *source = must_open(in_folder("many.tif"));
    assert_int_equal(source->pages, PAGES);
    for (int i = PAGES - 1; i >= 0; i -= i > 1000 ? 97 : 1) {
        struct un_page page = must_page(source, i);
        uint8_t sample;
        unet_error err;
        assert_int_equal(
            un_source_raw(source, i, &page, (struct un_rect){0, 0, 1, 1}, &sample, &err), UNET_OK);
        assert_int_equal(sample, (uint8_t)(i * 7));
    }
    un_source_close(source);
    double took = seconds() - from;
    print_message("%d pages opened and 2000 read in %.2f s\n", PAGES, took);
    assert_true(took < 10);
}

static void test_broken_chains(void **state)
{
    (void)state;
    const uint32_t entries[][2] = {{TIFFTAG_IMAGEWIDTH, 1},    {TIFFTAG_IMAGELENGTH, 1},
                                   {TIFFTAG_BITSPERSAMPLE, 8}, {TIFFTAG_COMPRESSION, 1},
                                   {TIFFTAG_PHOTOMETRIC, 1},   {TIFFTAG_STRIPOFFSETS, 8},
                                   {TIFFTAG_ROWSPERSTRIP, 1},  {TIFFTAG_STRIPBYTECOUNTS, 1}};
    static const struct {
        uint32_t next;
        const char *words;
    } cases[] = {{8, "chain of pages is a loop"}, {5000, "page 1 begins at byte 5000"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct raw_tiff t;
        raw_header(&t, i);
        raw_ifd(&t, 8, entries, 8, cases[i].next);
        raw_save(&t, in_folder("chain.tif"));
        expect_refusal(in_folder("chain.tif"), cases[i].words);
    }
    struct raw_tiff t;
    raw_header(&t, true);
    raw_number(&t, 4, 0, 4);
    raw_save(&t, in_folder("chain.tif"));
    expect_refusal(in_folder("chain.tif"), "no image in it");
}

/* ---- OME --------------------------------------------------------------------------------- */

#define OME(pixels, inside)                                                                        \
    "<?xml version=\"1.0\"?><!-- <Pixels SizeC='9'> --><OME:OME UUID=\"urn:1\"><Image>"            \
    "<OME:Pixels SizeX=\"9\" SizeY=\"6\" " pixels ">" inside "</OME:Pixels></Image></OME:OME>"

static void test_ome_orders(void **state)
{
    (void)state;
    /* 2 channels, 3 slices, 2 frames */
    static const struct {
        const char *order;
        int z, c, t; /* how far apart they are */
    } orders[] = {{"XYZCT", 1, 3, 6}, {"XYZTC", 1, 6, 3}, {"XYCZT", 2, 1, 6},
                  {"XYCTZ", 4, 1, 2}, {"XYTZC", 2, 6, 1}, {"XYTCZ", 4, 2, 1}};
    for (size_t i = 0; i < COUNT(orders); i++) {
        struct maker pages[12] = {{0}};
        char text[512];
        snprintf(text, sizeof text,
                 OME("SizeC=\"2\" SizeZ='3' SizeT=\"2\" DimensionOrder=\"%s\" "
                     "PhysicalSizeX=\"0.25\" PhysicalSizeY=\"0.5\"",
                     "%s"),
                 orders[i].order, i & 1 ? "<TiffData/>" : "");
        make_planes(in_folder("o.ome.tif"), text, pages, 12);
        struct unet_source *source = must_open(in_folder("o.ome.tif"));
        assert_string_equal(source->note, "");
        assert_int_equal(source->pages, 6);
        for (int t = 0; t < 2; t++)
            for (int z = 0; z < 3; z++) {
                int first = z * orders[i].z + t * orders[i].t;
                check_planes(source, t * 3 + z, pages, (int[]){first, first + orders[i].c}, 2);
            }
        struct un_page page = must_page(source, 0);
        assert_true(page.pixel_width == 0.25 && page.pixel_height == 0.5);
        assert_string_equal(page.unit, "um");
        un_source_close(source);
    }
}

static void expect_note(const char *text, struct maker *pages, int count, int wanted_pages,
                        const char *note)
{
    make_planes(in_folder("n.ome.tif"), text, pages, count);
    struct unet_source *source = must_open(in_folder("n.ome.tif"));
    if (*note ? !strstr(source->note, note) : *source->note != 0)
        fail_msg("note '%s', wanted '%s'", source->note, note);
    assert_int_equal(source->pages, wanted_pages);
    for (int i = 0; i < source->pages; i++)
        must_page(source, i);
    un_source_close(source);
}

static void test_ome_placed(void **state)
{
    (void)state;
    struct maker pages[4] = {{0}};
    /* planes the other way round, and IFD 1 of no image */
    make_planes(in_folder("p.ome.tif"),
                OME("SizeC='1' SizeZ='3' SizeT='1' DimensionOrder='XYZCT' "
                    "PhysicalSizeX='2' PhysicalSizeXUnit='nm' PhysicalSizeY='3' "
                    "PhysicalSizeYUnit='nm'",
                    "<TiffData FirstZ='0' IFD='3'/><TiffData FirstZ='1' IFD='2'>"
                    "<UUID FileName='p.ome.tif'>urn:7</UUID></TiffData>"
                    "<TiffData FirstZ='2' IFD='0' PlaneCount='1'>"
                    "<UUID FileName='old&amp;name.ome.tif'> urn:1 </UUID></TiffData>"),
                pages, 4);
    struct unet_source *source = must_open(in_folder("p.ome.tif"));
    assert_string_equal(source->note, "its OME metadata tell of 3 planes, the file has 1 more, "
                                      "which are not read");
    assert_int_equal(source->pages, 3);
    check_planes(source, 0, pages, (int[]){3}, 1);
    check_planes(source, 1, pages, (int[]){2}, 1);
    check_planes(source, 2, pages, (int[]){0}, 1);
    assert_string_equal(must_page(source, 1).unit, "nm");
    un_source_close(source);

    /* each axis has its unit */
    make_planes(in_folder("u.ome.tif"),
                OME("SizeC='1' SizeZ='4' SizeT='1' DimensionOrder='XYZCT' PhysicalSizeX='0.5' "
                    "PhysicalSizeY='250' PhysicalSizeYUnit='nm' PhysicalSizeZ='0.002' "
                    "PhysicalSizeZUnit='mm'",
                    "<TiffData/>"),
                pages, 4);
    source = must_open(in_folder("u.ome.tif"));
    assert_string_equal(must_page(source, 0).unit, "um");
    assert_true(must_page(source, 0).pixel_width == 0.5);
    assert_true(must_page(source, 0).pixel_height == 0.25);
    assert_true(must_page(source, 0).pixel_depth == 2);
    un_source_close(source);

    struct maker rgb[2] = {{.samples = 3}, {.samples = 3}};
    make_planes(in_folder("rgb.ome.tif"),
                OME("SizeC='3' SizeZ='2' SizeT='1' DimensionOrder='XYCZT'",
                    "<Channel SamplesPerPixel='3'/><TiffData/>"),
                rgb, 2);
    source = must_open(in_folder("rgb.ome.tif"));
    assert_int_equal(source->pages, 2);
    check_planes(source, 1, rgb, (int[]){1}, 1);
    un_source_close(source);
}

static void test_ome_elsewhere(void **state)
{
    (void)state;
    struct maker pages[4] = {{0}};
#define TWO_FILES                                                                                  \
    "<TiffData FirstZ='0'><UUID FileName='%s'>urn:5</UUID></TiffData>"                             \
    "<TiffData FirstZ='1'><UUID FileName='b.ome.tif'>urn:6</UUID></TiffData>"
    char text[1024];
    snprintf(text, sizeof text, OME("SizeZ='2'", TWO_FILES), "n.ome.tif");
    expect_note(text, pages, 1, 1,
                "1 of the image's 2 planes are not in this file but in others, such as b.ome.tif");
    snprintf(text, sizeof text, OME("SizeZ='2'", TWO_FILES), "renamed.ome.tif");
    expect_note(text, pages, 2, 2, "the file has 1 more, which are not read");
    expect_note("<OME><BinaryOnly MetadataFile='x.companion.ome'/></OME>", pages, 2, 2,
                "the OME metadata is in x.companion.ome");
}

/* What does not fit the file is not used. */
static void test_ome_wrong(void **state)
{
    (void)state;
    struct maker pages[4] = {{0}};
    static const char *const wrong[] = {
        OME("SizeZ='5'", "<TiffData IFD='0' PlaneCount='5'/>"),
        OME("SizeZ='0'", "<TiffData/>"),
        OME("SizeZ='1000000' SizeT='1000000'", "<TiffData/>"),
        OME("SizeZ='2'", "<TiffData FirstZ='2'/>"),
        OME("SizeZ='2'", "<TiffData IFD='-1'/>"),
        OME("SizeZ='2'", "<TiffData IFD='99999999999999999999'/>"),
        OME("SizeZ='2' DimensionOrder='XYZZT'", "<TiffData/>"),
    };
    for (size_t i = 0; i < COUNT(wrong); i++)
        expect_note(wrong[i], pages, 4, 4, "read page by page");
    /* what fits, and is not all, or says other sides */
    expect_note(OME("SizeZ='1'", ""), pages, 4, 1,
                "its OME metadata tell of 1 planes, the file has 3 more, which are not read");
    expect_note("<OME><Image><Pixels SizeX='9' SizeY='7' SizeZ='4'/></Image></OME>", pages, 4, 4,
                "its OME metadata say 9 x 7 pixels, and what they place there has 9 x 6");
    expect_note("<OME><Image><Pixels SizeZ='4'/></Image></OME>", pages, 4, 4, "");
    expect_note("<OME", pages, 4, 4, "");
    expect_note("<OME><Pixels SizeZ='2", pages, 4, 4, "");
    expect_note("<!-- <OME> ", pages, 4, 4, "");
}

/* Numbers that ask for much work, many times over. */
static void test_ome_hostile(void **state)
{
    (void)state;
    struct maker pages[2] = {{0}};
    size_t size = (size_t)4 << 20;
    char *text = malloc(size);
    size_t used = (size_t)sprintf(text, "<OME>");
    while (used < size - 200)
        used += (size_t)sprintf(text + used, "<Pixels SizeZ='1000000'><TiffData IFD='0' "
                                             "PlaneCount='1000000'/>");
    double from = seconds();
    expect_note(text, pages, 2, 2, "read page by page");
    used = (size_t)sprintf(text, "<OME><Pixels SizeZ='1048576'>");
    while (used < size - 200)
        used += (size_t)sprintf(text + used, "<TiffData PlaneCount='2'/>");
    expect_note(text, pages, 2, 2, "planes are not in this file");
    memset(text, '<', size - 1);
    memcpy(text, "<OME ", 5);
    text[size - 1] = 0;
    expect_note(text, pages, 2, 2, "");
    assert_true(seconds() - from < (slow_machine() ? 60 : 5));
    free(text);
}

/* ---- ImageJ ------------------------------------------------------------------------------ */

static void test_imagej(void **state)
{
    (void)state;
    struct maker pages[12] = {{.resolution = 4}};
    make_planes(
        in_folder("ij.tif"),
        "ImageJ=1.53c\nimages=12\nchannels=2\nslices=3\nframes=2\nunit=micron\nspacing=1.5\n",
        pages, 12);
    struct unet_source *source = must_open(in_folder("ij.tif"));
    assert_string_equal(source->note, "");
    assert_int_equal(source->pages, 6);
    assert_int_equal(source->depth, 3);
    assert_int_equal(source->planes, 2);
    for (int i = 0; i < 6; i++)
        check_planes(source, i, pages, (int[]){2 * i, 2 * i + 1}, 2);
    struct un_page page = must_page(source, 3);
    assert_true(page.pixel_width == 0.25 && page.pixel_height == 0.25);
    assert_string_equal(page.unit, "um");
    assert_true(page.pixel_depth == 1.5);
    un_source_close(source);

    make_planes(in_folder("ij.tif"),
                "ImageJ=1.53c\nimages=12\nslices=12\nunit=micron\nyunit=nm\nzunit=mm\nspacing=2\n",
                pages, 12);
    source = must_open(in_folder("ij.tif"));
    page = must_page(source, 0);
    assert_true(page.pixel_width == 0.25 && page.pixel_height == 0.00025);
    assert_true(page.pixel_depth == 2000);
    un_source_close(source);
    make_planes(in_folder("ij.tif"), "ImageJ=1.53c\nimages=12\nunit=micron\nyunit=sec\n", pages,
                12);
    source = must_open(in_folder("ij.tif"));
    assert_true(must_page(source, 0).pixel_width == 0);
    un_source_close(source);

    make_planes(in_folder("ij.tif"), "ImageJ=1.53c\nimages=12\nchannels=2\n", pages, 5);
    source = must_open(in_folder("ij.tif"));
    assert_int_equal(source->pages, 5);
    assert_non_null(strstr(source->note, "tells of 12 planes, the file has 5"));
    un_source_close(source);
}

/* Planes in colour are pages whatever the description makes of them. */
static void test_imagej_color(void **state)
{
    (void)state;
    struct maker pages[2] = {{.samples = 3}, {.samples = 3}};
    make_planes(in_folder("rgb.tif"), "ImageJ=1.11a\nimages=2\nchannels=2\n", pages, 2);
    struct unet_source *source = must_open(in_folder("rgb.tif"));
    assert_int_equal(source->pages, 2);
    assert_int_equal(source->planes, 1);
    check_planes(source, 1, pages, (int[]){1}, 1);
    un_source_close(source);
}

/* One IFD, and the planes behind its samples. */
static void test_imagej_contiguous(void **state)
{
    (void)state;
    struct maker one = {.width = 9,
                        .height = 6,
                        .bits = 16,
                        .description = "ImageJ=1.53c\nimages=6\n"
                                       "channels=2\nslices=3\n"};
    /* libtiff writes the samples of the only page last but for the IFD: move that to the front */
    struct raw_tiff t;
    raw_header(&t, false);
    uint32_t text = 200, samples = 300, plane = 9 * 6 * 2;
    const uint32_t entries[][2] = {
        {TIFFTAG_IMAGEWIDTH, 9},         {TIFFTAG_IMAGELENGTH, 6},
        {TIFFTAG_BITSPERSAMPLE, 16},     {TIFFTAG_COMPRESSION, 1},
        {TIFFTAG_PHOTOMETRIC, 1},        {TIFFTAG_IMAGEDESCRIPTION, text},
        {TIFFTAG_STRIPOFFSETS, samples}, {TIFFTAG_SAMPLESPERPIXEL, 1},
        {TIFFTAG_ROWSPERSTRIP, 6},       {TIFFTAG_STRIPBYTECOUNTS, plane}};
    raw_ifd(&t, 8, entries, 10, 0);
    raw_number(&t, 10 + 5 * 12 + 2, TIFF_ASCII, 2);
    raw_number(&t, 10 + 5 * 12 + 4, strlen(one.description) + 1, 4);
    for (size_t i = 0; i <= strlen(one.description); i++)
        raw_number(&t, text + i, (uint8_t)one.description[i], 1);
    struct maker pages[6];
    for (int i = 0; i < 6; i++) {
        pages[i] = one;
        pages[i].number = i;
        for (int y = 0; y < 6; y++)
            for (int x = 0; x < 9; x++)
                raw_number(&t, samples + (uint32_t)i * plane + (uint32_t)(y * 9 + x) * 2,
                           maker_value(&pages[i], x, y, 0) & 0xffff, 2);
    }
    size_t size = t.size;
    raw_save(&t, in_folder("big.tif"));
    struct unet_source *source = must_open(in_folder("big.tif"));
    assert_int_equal(source->pages, 3);
    for (int i = 2; i >= 0; i--)
        check_planes(source, i, pages, (int[]){2 * i, 2 * i + 1}, 2);
    un_source_close(source);

    assert_int_equal(truncate(in_folder("big.tif"), (off_t)size - 1), 0);
    source = must_open(in_folder("big.tif"));
    struct un_page page;
    unet_error err;
    assert_int_equal(un_source_page(source, 0, &page, &err), UNET_EFORMAT);
    assert_non_null(strstr(err.text, "truncated TIFF (6 planes of 108 bytes"));
    un_source_close(source);
}

/* ---- scales ------------------------------------------------------------------------------ */

static void test_resolution(void **state)
{
    (void)state;
    static const struct {
        float resolution;
        int unit;
        double um;
    } cases[] = {{20000, RESUNIT_CENTIMETER, 0.5},
                 {25400, RESUNIT_INCH, 1},
                 {72, RESUNIT_INCH, 0},
                 {96, RESUNIT_INCH, 0},
                 {28.346f, RESUNIT_CENTIMETER, 0},
                 {4, RESUNIT_NONE, 0}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct maker m = {.resolution = cases[i].resolution, .unit = cases[i].unit};
        make_planes(in_folder("scale.tif"), NULL, &m, 1);
        struct unet_source *source = must_open(in_folder("scale.tif"));
        struct un_page page = must_page(source, 0);
        if (fabs(page.pixel_width - cases[i].um) > 1e-6 || page.pixel_height != page.pixel_width)
            fail_msg("case %zu: %g um, wanted %g", i, page.pixel_width, cases[i].um);
        assert_string_equal(page.unit, cases[i].um > 0 ? "um" : "");
        un_source_close(source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_differ),
        cmocka_unit_test(test_many_pages),
        cmocka_unit_test(test_broken_chains),
        cmocka_unit_test(test_ome_orders),
        cmocka_unit_test(test_ome_placed),
        cmocka_unit_test(test_ome_elsewhere),
        cmocka_unit_test(test_ome_wrong),
        cmocka_unit_test(test_ome_hostile),
        cmocka_unit_test(test_imagej),
        cmocka_unit_test(test_imagej_color),
        cmocka_unit_test(test_imagej_contiguous),
        cmocka_unit_test(test_resolution),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
