/* SPDX-License-Identifier: Apache-2.0 */
/* test_volumes.c - NRRD and MetaImage: every type, packing and kind of axis, and where they lie */
#include "volumes_maker.h"

static void test_types(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT(type_names); t++)
        for (int way = 0; way < 8 && type_names[t].nrrd; way++) {
            char what[80];
            struct bytes b = make(way & 4, t, way & 2, way & 1);
            snprintf(what, sizeof what, "%s, way %d", type_names[t].nrrd, way);
            check_bytes(&b, &types[t], (struct steps){1, W, W * H, 0}, D, 1, what);
            free(b.data);
        }
}

/* ---- axes -------------------------------------------------------------------------------- */

static void test_nrrd_axes(void **state)
{
    static const struct {
        const char *sizes, *kinds;
        struct steps steps;
        int pages, channels;
        bool alpha;
    } rows[] = {
        {"7 5", "domain domain", {1, W, 0, 0}, 1, 1, false},
        {"7 5 2 3", "", {1, W, W * H, 0}, 6, 1, false},
        {"3 7 5", "RGB-color domain domain", {3, 3 * W, 0, 1}, 1, 3, false},
        {"4 7 5 2", "RGBA-color space space space", {4, 4 * W, 4 * W * H, 1}, 2, 4, true},
        {"2 7 5", "list space space", {2, 2 * W, 0, 1}, 1, 2, false},
        {"7 5 2", "space space list", {1, W, W * H, 0}, 2, 1, false},
        {"7 5 3", "domain domain vector", {1, W, 0, W * H}, 1, 3, false},
        {"7 5 2 3", "domain domain domain 3-color", {1, W, W * H, 2 * W * H}, 2, 3, false},
        {"7 5 3 2", "domain domain vector time", {1, W, 3 * W * H, W * H}, 2, 3, false},
        {"7 3 5", "space covariant-vector space", {1, 3 * W, 0, W}, 1, 3, false},
        {"3 7 5", "", {3, 3 * W, 0, 1}, 1, 3, false},
        {"7 5 1", "domain domain vector", {1, W, 0, 0}, 1, 1, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int packed = 0; packed < 2; packed++) {
            struct bytes b = {0}, samples = {0};
            char what[40];
            struct un_page page;
            int axes = 1;
            for (const char *p = rows[i].sizes; *p; p++)
                axes += *p == ' ';
            snprintf(what, sizeof what, "row %zu%s", i, packed ? ", packed" : "");
            add_text(&b, "NRRD0005\ntype: ushort\nendian: big\ndimension: %d\nsizes: %s\n", axes,
                     rows[i].sizes);
            add_text(&b, "%s%s\nencoding: %s\n\n", *rows[i].kinds ? "kinds: " : "#", rows[i].kinds,
                     packed ? "gz" : "raw");
            add_samples(&samples, &types[7], (size_t)(W * H * rows[i].pages * rows[i].channels),
                        true);
            if (packed)
                add_packed(&b, &samples, 16 + MAX_WBITS);
            else
                bytes_add(&b, samples.data, samples.size);
            check_bytes(&b, &types[7], rows[i].steps, rows[i].pages, rows[i].channels, what);
            free(must_read(b.data, b.size, 0, &page));
            if (page.alpha != rows[i].alpha)
                fail_msg("%s: alpha is %d", what, page.alpha);
            free(samples.data);
            free(b.data);
        }
}

static void test_meta_channels(void **state)
{
    struct bytes b = {0};
    (void)state;
    add_text(&b, "NDims = 2\nDimSize = 7 5\nElementNumberOfChannels = 3\n"
                 "ElementType = MET_UCHAR_ARRAY\nElementDataFile = Local\n");
    add_samples(&b, &types[0], W * H * 3, false);
    check_bytes(&b, &types[0], (struct steps){3, 3 * W, 0, 1}, 1, 3, "MetaImage in colour");
    free(b.data);
}

/* ---- places ------------------------------------------------------------------------------ */

static void test_places(void **state)
{
    static const struct {
        const char *header;
        double width, height;
        const char *unit, *letters;
        enum un_place_kind kind;
        double origin[3];
    } rows[] = {
        {"NRRD0004\n" SIDES
         "space: left-posterior-superior\nspace directions: (0.5,0,0) (0,0.25,0) "
         "(0,0,2)\nspace origin: (1,2,3)\n\n",
         0.5,
         0.25,
         "mm",
         "LPS",
         UN_PLACE_BODY,
         {-1, -2, 3}},
        {"NRRD0004\n" SIDES "space: RAS\nspace directions: (0,-0.5,0) (0.25,0,0) (0,0,2)\n"
         "space units: \"um\" \"um\" \"um\"\n\n",
         0.5,
         0.25,
         "um",
         "PRS",
         UN_PLACE_BODY,
         {0, 0, 0}},
        {"NRRD0004\n" SIDES "spacings: 0.5 0.25 NaN\nunits: \"mm\" \"mm\" \"\"\n\n",
         0.5,
         0.25,
         "mm",
         "",
         UN_PLACE_SIZES,
         {0, 0, 0}},
        {"NRRD0004\n" SIDES "spacings: 0.5 250 NaN\nunits: \"um\" \"nm\" \"ms\"\n\n",
         0.5,
         0.25,
         "um",
         "",
         UN_PLACE_SIZES,
         {0, 0, 0}},
        {"NRRD0004\n" SIDES "space: LPS\nspace directions: (0.5,0,0) (0,250,0) (0,0,2)\n"
         "space origin: (1,2000,3)\nspace units: \"um\" \"nm\" \"um\"\n\n",
         0.5,
         0.25,
         "um",
         "LPS",
         UN_PLACE_BODY,
         {-1, -2, 3}},
        {"NRRD0004\n" SIDES "spacings: 0.5 0.25 2\nunits: \"um\" \"ms\" \"um\"\n\n",
         0,
         0,
         "",
         "",
         UN_PLACE_SIZES,
         {0, 0, 0}},
        {"NRRD0004\n" SIDES "spacings: 0.5 0.25 2\n\n", 0, 0, "", "", UN_PLACE_SIZES, {0, 0, 0}},
        {"NRRD0004\n" SIDES "space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\n\n",
         0,
         0,
         "",
         "LPS",
         UN_PLACE_BODY,
         {0, 0, 0}},
        {META "ElementSpacing = 0.5 0.25 2\nOffset = 1 2 3" LOCAL,
         0.5,
         0.25,
         "mm",
         "LPS",
         UN_PLACE_BODY,
         {-1, -2, 3}},
        {META "ElementSize = 0.5 0.25 2\nTransformMatrix = -1 0 0 0 -1 0 0 0 -1\n"
              "DistanceUnits = um" LOCAL,
         0.5,
         0.25,
         "um",
         "RAI",
         UN_PLACE_BODY,
         {0, 0, 0}},
        {META "ElementSpacing = 1 1 1" LOCAL, 0, 0, "", "LPS", UN_PLACE_BODY, {0, 0, 0}},
        {META "ElementSpacing = 0 1 1" LOCAL, 0, 0, "", "", UN_PLACE_NONE, {0, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes b = {0};
        struct un_page page;
        char letters[4];
        add_text(&b, "%s", rows[i].header);
        add_samples(&b, &types[0], PLACES, false);
        free(must_read(b.data, b.size, 0, &page));
        un_place_letters(&page.place, letters);
        if (page.pixel_width != rows[i].width || page.pixel_height != rows[i].height ||
            strcmp(page.unit, rows[i].unit) || strcmp(letters, rows[i].letters) ||
            page.place.kind != rows[i].kind)
            fail_msg("row %zu: pixels of %g x %g %s, %s, kind %d", i, page.pixel_width,
                     page.pixel_height, page.unit, letters, (int)page.place.kind);
        for (int k = 0; k < 3; k++)
            if (page.place.origin[k] != rows[i].origin[k])
                fail_msg("row %zu: from %g on axis %d", i, page.place.origin[k], k);
        free(b.data);
    }
}

/* ---- files of the tools that people have ------------------------------------------------- */

/* As pynrrd and SimpleITK wrote them: 300 x + 2000 y + 10000 z, or in colour x + 10 y + 50 z + 100
 * c. */
static void test_tools(void **state)
{
    static const struct {
        const char *name;
        int channels;
        double width;
        const char *unit;
    } rows[] = {{"nrrd/rgb.nrrd", 3, 0, ""},
                {"nrrd/big.nrrd", 1, 0.5, "um"},
                {"nrrd/itk.nrrd", 1, 0.5, "mm"},
                {"metaimage/plain.mha", 1, 0.5, "mm"},
                {"metaimage/detached.mhd", 1, 0.5, "mm"},
                {"metaimage/rgb.mha", 3, 0, ""}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[1024];
        struct unet_source *source;
        unet_error err;
        snprintf(path, sizeof path, "%s/%s", TEST_FIXTURES, rows[i].name);
        if (un_source_open(path, &source, &err))
            fail_msg("%s", err.text);
        assert_int_equal(source->pages, 2);
        for (int z = 1; z >= 0; z--) {
            struct un_page page;
            uint8_t *samples = NULL;
            if (read_raw(source, z, &page, &samples, &err))
                fail_msg("%s", err.text);
            if (page.width != W || page.height != H || page.channels != rows[i].channels ||
                page.pixel_width != rows[i].width || strcmp(page.unit, rows[i].unit))
                fail_msg("%s: %d x %d, %d channels, pixels of %g %s", path, page.width, page.height,
                         page.channels, page.pixel_width, page.unit);
            for (int k = 0; k < W * H * page.channels; k++) {
                const int c = k % page.channels, x = k / page.channels % W;
                const int y = k / page.channels / W;
                const int want = page.channels == 1 ? 300 * x + 2000 * y + 10000 * z
                                                    : (x + 10 * y + 50 * z + 100 * c) % 256;
                if (un_page_value(&page, samples, (size_t)k) != want)
                    fail_msg("%s: page %d, sample %d", path, z, k);
            }
            free(samples);
        }
        un_source_close(source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),         cmocka_unit_test(test_nrrd_axes),
        cmocka_unit_test(test_meta_channels), cmocka_unit_test(test_places),
        cmocka_unit_test(test_tools),
    };
    return cmocka_run_group_tests_name("volumes", tests, folder_create, folder_destroy);
}
