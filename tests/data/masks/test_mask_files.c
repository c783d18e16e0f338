/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mask_files.c - what a file says beside its numbers: inverted tables, and transparency
 *
 * Masks are written as TIFF in the ways in which programs write them, and read as a set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "data/masks/coding_json.h"
#include "data/set/dataset.h"
#include "image/tiff_maker.h"
#include "model/model.h"
#include "support/folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

enum { W = 8, H = 4, PIXELS = W * H };

/* The shape that is meant. */
static const uint8_t shape[PIXELS] = {0, 0, 0, 0, 0, 0, 0, 0, /**/ 0, 1, 1, 1, 0, 0, 0, 0,
                                      0, 1, 1, 1, 0, 0, 1, 0, /**/ 0, 0, 0, 0, 0, 0, 0, 0};

/* Interleaved samples; alpha: the last one is. */
static void put_samples(const char *name, int bits, int samples, int photometric, bool alpha,
                        const uint8_t *values)
{
    const uint16_t extra = EXTRASAMPLE_UNASSALPHA;
    TIFF *tif = TIFFOpen(in_folder(name), "w");
    assert_non_null(tif);
    TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, W);
    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, H);
    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, samples);
    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, photometric);
    TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, H);
    if (alpha)
        TIFFSetField(tif, TIFFTAG_EXTRASAMPLES, 1, &extra);
    if (photometric == PHOTOMETRIC_PALETTE) {
        static uint16_t map[256];
        for (int i = 0; i < 256; i++)
            map[i] = (uint16_t)((255 - i) * 257);
        TIFFSetField(tif, TIFFTAG_COLORMAP, map, map, map);
    }
    const size_t row = (size_t)(W * samples * bits / 8);
    for (uint32_t y = 0; y < H; y++)
        assert_int_equal(TIFFWriteScanline(tif, (void *)(values + y * row), y, 0), 1);
    TIFFClose(tif);
}

/* The same of 8 bits. */
static void put_tiff(const char *name, int samples, int photometric, bool alpha,
                     const uint8_t *values)
{
    put_samples(name, 8, samples, photometric, alpha, values);
}

/* Pixels of one colour where the shape is, and of another elsewhere: RGBA. */
static void put_paint(const char *name, const uint8_t in[4], const uint8_t out[4])
{
    uint8_t values[4 * PIXELS];
    for (int i = 0; i < PIXELS; i++)
        memcpy(values + 4 * (size_t)i, shape[i] ? in : out, 4);
    put_tiff(name, 4, PHOTOMETRIC_RGB, true, values);
}

static void begin(const char *images)
{
    uint8_t values[PIXELS];
    char name[32];
    mkdir(in_folder("i"), 0777);
    mkdir(in_folder("m"), 0777);
    for (int i = 0; i < PIXELS; i++)
        values[i] = (uint8_t)(i * 7);
    for (; *images; images++) {
        snprintf(name, sizeof name, "i/%c.tif", *images);
        put_tiff(name, 1, PHOTOMETRIC_MINISBLACK, false, values);
    }
}

static unet_dataset *open_set(const char *labels, const char *text)
{
    const unet_dataset_options options = {.ignore = -1, .labels = labels};
    unet_dataset *set = NULL;
    unet_error err;
    if (unet_dataset_open(in_folder("i"), in_folder("m"), &options, &set, &err))
        fail_msg("%s", err.text);
    if (strcmp(unet_dataset_coding_text(set), text))
        fail_msg("'%s', wanted '%s'", unet_dataset_coding_text(set), text);
    return set;
}

static void expect_mask(const unet_dataset *set, int i, const uint8_t *wanted)
{
    for (int p = 0; p < PIXELS; p++)
        if (set->pairs[i].mask[p] != wanted[p])
            fail_msg("mask %d, pixel %d: class %d, wanted %d", i, p, set->pairs[i].mask[p],
                     wanted[p]);
}

/* Booleans as tifffile writes them: bits of 1 are black, and what is black is class 0.  That is
 * said, for who wrote them may have meant otherwise. */
static void test_bits_of_white(void **state)
{
    const uint8_t rows[H] = {0, 0x70, 0x72, 0}; /* the shape */
    uint8_t others[PIXELS];
    (void)state;
    begin("a");
    put_samples("m/a.tif", 1, 1, PHOTOMETRIC_MINISWHITE, false, rows);
    unet_dataset *set = open_set(
        NULL, "class indices 0 to 1; 255 = no label; of one bit, read as "
              "shown: what a program stored as 1 (True) is black here, 0; if 1 was "
              "meant, say labels 'a=1,b=0' where all masks are such, else save these anew as PNG");
    for (int i = 0; i < PIXELS; i++)
        others[i] = !shape[i];
    expect_mask(set, 0, others);
    unet_dataset_free(set);
    set = open_set("a=1,b=0", "grey values 1 = a, 0 = b; of one bit, read as shown: what a program "
                              "stored as 1 (True) is black here, 0");
    expect_mask(set, 0, shape);
    unet_dataset_free(set);
    put_samples("m/a.tif", 1, 1, PHOTOMETRIC_MINISBLACK, false, rows);
    set = open_set(NULL, "class indices 0 to 1; 255 = no label");
    expect_mask(set, 0, shape);
    unet_dataset_free(set);
}

/* The same numbers with white as 0, and in a palette from white to black, are the same classes. */
static void test_inverted_tables(void **state)
{
    (void)state;
    uint8_t values[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        values[i] = shape[i] ? 255 : 0;
    begin("abc");
    put_tiff("m/a.tif", 1, PHOTOMETRIC_MINISBLACK, false, values);
    put_tiff("m/b.tif", 1, PHOTOMETRIC_MINISWHITE, false, values);
    put_tiff("m/c.tif", 1, PHOTOMETRIC_MINISWHITE, false, values);
    unet_dataset *set = open_set(NULL, "grey values 0 = class 0, 255 = class 1; numbers as stored, "
                                       "the files show them inverted");
    for (int i = 0; i < 3; i++)
        expect_mask(set, i, shape);
    unet_dataset_free(set);
    for (int i = 0; i < 3; i++)
        put_tiff(i ? i > 1 ? "m/a.tif" : "m/b.tif" : "m/c.tif", 1, PHOTOMETRIC_PALETTE, false,
                 values);
    set = open_set(NULL, "palette indices 0 = class 0, 255 = class 1; numbers as stored, the files "
                         "show them inverted");
    for (int i = 0; i < 3; i++)
        expect_mask(set, i, shape);
    unet_dataset_free(set);
}

/* A shape on a transparent layer, whatever its colour, and also where one layer is empty. */
static void test_shape_in_alpha(void **state)
{
    (void)state;
    static const struct {
        uint8_t in[4], out[4];
        const char *text;
    } rows[] = {
        {{0, 0, 0, 255},
         {0, 0, 0, 0},
         "grey values 255 = class 0, 0 = class 1; transparent = class 0"},
        {{255, 255, 255, 255},
         {255, 255, 255, 0},
         "grey values 0 = class 0, 255 = class 1; transparent = class 0"},
        {{0, 255, 255, 180},
         {0, 0, 0, 0},
         "colours #000000 = class 0, #00ffff = class 1; transparent = class 0"},
        {{0, 255, 255, 180},
         {0, 255, 255, 60}, /* the rim of a soft brush */
         "colours #000000 = class 0, #00ffff = class 1; transparent = class 0"},
    };
    static const uint8_t nothing[PIXELS];
    begin("ab");
    for (size_t r = 0; r < COUNT(rows); r++) {
        put_paint("m/a.tif", rows[r].in, rows[r].out);
        put_paint("m/b.tif", rows[r].out[3] ? rows[r].in : rows[r].out, rows[r].out);
        unet_dataset *set = open_set(NULL, rows[r].text);
        expect_mask(set, 0, shape);
        expect_mask(set, 1, rows[r].out[3] ? shape : nothing);
        unet_dataset_free(set);
    }
    /* black is what a person calls the background: transparent black is that */
    put_paint("m/a.tif", rows[2].in, rows[2].out);
    put_paint("m/b.tif", rows[2].in, rows[2].out);
    unet_dataset *set =
        open_set("a=#000000,b=#00ffff", "colours #000000 = a, #00ffff = b; transparent = a");
    expect_mask(set, 1, shape);
    unet_dataset_free(set);
}

/* Two colours: what nobody painted has no label, in this set and in one like it. */
static void test_paint(void **state)
{
    (void)state;
    uint8_t values[4 * PIXELS] = {0}, wanted[PIXELS];
    for (int i = 0; i < PIXELS; i++) {
        bool painted = i % W < 6;
        if (painted)
            memcpy(values + 4 * (size_t)i,
                   shape[i] ? (uint8_t[]){255, 0, 0, 180} : (uint8_t[]){0, 255, 0, 180}, 4);
        wanted[i] = painted ? shape[i] : UNET_IGNORE;
    }
    begin("a");
    put_tiff("m/a.tif", 4, PHOTOMETRIC_RGB, true, values);
    static const char text[] =
        "colours #00ff00 = class 0, #ff0000 = class 1; transparent = no label";
    unet_dataset *set = open_set(NULL, text), *like;
    expect_mask(set, 0, wanted);

    /* a model keeps it */
    unet_spec spec = unet_spec_default();
    unet_model *model, *back = calloc(1, sizeof *back);
    unet_error err;
    char kept[512];
    spec.width = spec.depth = 1;
    assert_int_equal(un_model_new(&spec, &model, NULL), UNET_OK);
    un_model_set_coding(model, &set->coding);
    model->trained = true;
    char *json = un_metadata_text(model);
    if (un_metadata_parse("m", json, back, &err))
        fail_msg("%s\n%s", json, err.text);
    unet_model_coding_text(back, kept, sizeof kept);
    assert_string_equal(kept, text);
    if (un_dataset_open(in_folder("i"), in_folder("m"), NULL, &back->coding, &like, &err))
        fail_msg("%s", err.text);
    expect_mask(like, 0, wanted);
    unet_dataset_free(like);
    unet_dataset_free(set);
    free(json);
    un_model_free(model);
    un_model_free(back);
}

/* Alpha that is the same everywhere says nothing. */
static void test_constant_alpha(void **state)
{
    (void)state;
    begin("ab");
    put_paint("m/a.tif", (uint8_t[]){255, 255, 255, 255}, (uint8_t[]){0, 0, 0, 255});
    put_paint("m/b.tif", (uint8_t[]){255, 255, 255, 0}, (uint8_t[]){0, 0, 0, 0});
    unet_dataset *set = open_set(NULL, "grey values 0 = class 0, 255 = class 1");
    expect_mask(set, 0, shape);
    expect_mask(set, 1, shape);
    unet_dataset_free(set);
}

/* A value that is no class: what it mostly is, and what to do. */
static void test_no_numbers(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *said;
    } rows[] = {{-1, "wanted; if it carries no label, say so (ignore -1, ignore nan)"},
                {NAN, "wanted; if it carries no label, say so (ignore -1, ignore nan)"},
                {0.25f, "wanted; a map of probabilities or distances is to be cut"},
                {8589934592.0f,
                 "value 8589934592 in row 0, column 0; whole numbers of 0 to 4294967295 "
                 "wanted; numbers of objects are to be counted from 1 on first"}};
    begin("a");
    for (size_t r = 0; r < COUNT(rows); r++) {
        float values[PIXELS];
        const unet_image mask = {H, W, 1, UNET_F32, 0, values};
        unet_dataset *set = NULL;
        unet_error err = {0};
        for (int i = 0; i < PIXELS; i++)
            values[i] = i < 3 ? rows[r].value : (float)shape[i];
        assert_int_equal(un_image_write(in_folder("m/a.tif"), &mask, NULL), UNET_OK);
        assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m"), NULL, &set, &err),
                         UNET_EFORMAT);
        if (!strstr(err.text, rows[r].said))
            fail_msg("%s", err.text);
    }
}

/* A value that is no code and is said to carry no label: in floating point and in signed numbers,
 * of files and of arrays; a model keeps the rest of it. */
static void test_ignored_values(void **state)
{
    (void)state;
    static const struct {
        const char *said, *text;
        float value, more; /* more: another one, which is not said */
        bool refused;
    } rows[] = {
        {"-1", "class indices 0 to 1; 255|-1 = no label", -1, 1, false},
        {"nan", "class indices 0 to 1; 255|nan = no label", NAN, 1, false},
        {"-1.5", "class indices 0 to 1; 255|-1.5 = no label", -1.5f, 0, false},
        {"-1", "class indices 0 to 1; 255|-1 = no label", 1, 0, false},
        {"7", "class indices 0 to 1; 7|255 = no label", 7, 0, false},
        {"-1", "value -2", -2, -1, true},
        {"-2", "value nan", NAN, -2, true},
        {"x", "ignore: found \"x\", a number or nan wanted", 1, 1, true},
    };
    begin("a");
    for (size_t r = 0; r < COUNT(rows); r++) {
        float values[PIXELS];
        const unet_dataset_options options = {
            .size = sizeof options, .ignore = -1, .ignore_value = rows[r].said};
        const unet_image mask = {H, W, 1, UNET_F32, 0, values};
        for (int i = 0; i < PIXELS; i++)
            values[i] = i < 3 ? rows[r].value : i < 4 ? rows[r].more : (float)shape[i];
        assert_int_equal(un_image_write(in_folder("m/a.tif"), &mask, NULL), UNET_OK);
        uint8_t grey[PIXELS] = {0};
        const unet_image image = {H, W, 1, UNET_U8, 0, grey};
        const unet_pair pair = {.image = un_view_of(&image), .mask = un_view_of(&mask)};
        for (int arrays = 0; arrays < 2; arrays++) {
            unet_dataset *set = NULL;
            unet_error err = {0};
            unet_code code =
                arrays ? unet_dataset_from_arrays(&pair, 1, &options, &set, &err)
                       : unet_dataset_open(in_folder("i"), in_folder("m"), &options, &set, &err);
            const char *text = code ? err.text : unet_dataset_coding_text(set);
            if (rows[r].refused != (code != UNET_OK) || !strstr(text, rows[r].text))
                fail_msg("%s: '%s', wanted '%s'", rows[r].said, text, rows[r].text);
            for (int i = 0; i < 3 && !code && rows[r].value != 1; i++)
                assert_int_equal(set->pairs[0].mask[i], UNET_IGNORE);
            for (int i = 4; i < PIXELS && !code; i++)
                assert_int_equal(set->pairs[0].mask[i], shape[i]);
            if (!code && !arrays && rows[r].value == -1) { /* the model: 0, 1 and 255 */
                json_t *json = json_pack("{s:o}", "coding", un_coding_to_json(&set->coding));
                struct un_coding back;
                assert_int_equal(un_coding_from_json("model", json, 2, &back, &err), UNET_OK);
                assert_int_equal(back.count, 3);
                json_decref(json);
            }
            unet_dataset_free(set);
        }
    }
}

/* nnU-Net's dataset.json, in the folder of masks or above labelsTr: its "ignore" is no class, its
 * names are those of classes. */
static void test_dataset_json(void **state)
{
    (void)state;
    static const struct {
        const char *json, *labels, *want; /* want: "!": the message */
        int ignore;
    } rows[] = {
        {"{'labels': {'ignore': 2, 'cell': 1, 'background': 0}, 'numTraining': 1}", NULL,
         "grey values 0 = background, 1 = cell; 2 = no label; as dataset.json says", -1},
        {"{'labels': {'0': 'background', '1': 'cell', '2': 'ignore'}}", NULL,
         "grey values 0 = background, 1 = cell; 2 = no label; as dataset.json says", -1},
        {"{'labels': {'background': 0, 'both': [1, 2]}}", NULL,
         "grey values 0 = background, 1|2 = both; as dataset.json says", -1},
        {"{'labels': {'background': 0, 'a': 1, 'b\\u0001': 2}}", NULL,
         "grey values 0 = background, 2 = b_; 1 = no label; as dataset.json says", 1},
        {"{'labels': {'background': 0, 'ignore': 2}}", NULL,
         "class indices 0 to 1; 2|255 = no label; as dataset.json says", -1},
        {"{'labels': {'background': 0, 'whole': [1, 2], 'core': [2]}}", NULL,
         "!label \"core\" has value 2, which another has, too", -1},
        {"{'labels': {'background': 0, 'cell': 1}}", NULL,
         "!mask value 2 in row 3, column 7; the given labels are grey values 0 = background, 1 = "
         "cell; as dataset.json says",
         -1},
        {"{'labels': {'background': 0, 'cell': 1}}", "indices",
         "class indices 0 to 2; 255 = no label", -1},
        {"{'labels': ['background', 'cell']}", "indices", "class indices 0 to 2; 255 = no label",
         -1},
        {"{'labels': {", "indices", "class indices 0 to 2; 255 = no label", -1},
        {"{'labels': {", NULL, "!dataset.json", -1},
    };
    uint8_t values[PIXELS];
    memcpy(values, shape, sizeof values);
    values[PIXELS - 1] = 2;
    begin("a");
    mkdir(in_folder("labelsTr"), 0777);
    put_tiff("labelsTr/a.tif", 1, PHOTOMETRIC_MINISBLACK, false, values);
    for (size_t k = 0; k < 2 * COUNT(rows); k++) {
        const unet_dataset_options options = {.ignore = rows[k / 2].ignore,
                                              .labels = rows[k / 2].labels};
        const char *want = rows[k / 2].want;
        char json[160];
        unet_dataset *set = NULL;
        unet_error err = {0};
        unlink(in_folder("labelsTr/dataset.json"));
        strcpy(json, rows[k / 2].json);
        for (char *quote; (quote = strchr(json, '\''));)
            *quote = '"';
        put_file(in_folder(k % 2 ? "labelsTr/dataset.json" : "dataset.json"), json, strlen(json));
        unet_code code =
            unet_dataset_open(in_folder("i"), in_folder("labelsTr/"), &options, &set, &err);
        const char *text = code ? err.text : unet_dataset_coding_text(set);
        if (*want == '!' ? !code || !strstr(text, want + 1) : strcmp(text, want) != 0)
            fail_msg("%s: '%s', wanted '%s'", json, text, want);
        if (!code && (strstr(want, "2 = no label") || strstr(want, "2|255")))
            assert_int_equal(set->pairs[0].mask[PIXELS - 1], UNET_IGNORE);
        unet_dataset_free(set);
    }
}

/* Of a model's masks the classes are known; what has no label is taken from the file all the same.
 */
static void test_dataset_json_known(void **state)
{
    (void)state;
    static const char json[] = "{\"labels\": {\"background\": 0, \"x\": 1, \"ignore\": 2}}";
    const struct un_coding two = un_coding_identity(2);
    unet_dataset *set = NULL;
    unet_error err;
    uint8_t values[PIXELS];
    memcpy(values, shape, sizeof values);
    values[PIXELS - 1] = 2;
    begin("a");
    put_tiff("m/a.tif", 1, PHOTOMETRIC_MINISBLACK, false, values);
    assert_int_equal(un_dataset_open(in_folder("i"), in_folder("m"), NULL, &two, &set, &err),
                     UNET_EINVAL);
    put_file(in_folder("m/dataset.json"), json, strlen(json));
    if (un_dataset_open(in_folder("i"), in_folder("m"), NULL, &two, &set, &err))
        fail_msg("%s", err.text);
    values[PIXELS - 1] = UNET_IGNORE;
    expect_mask(set, 0, values);
    un_dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_inverted_tables),    IN_FOLDER(test_bits_of_white),
        IN_FOLDER(test_shape_in_alpha),     IN_FOLDER(test_paint),
        IN_FOLDER(test_constant_alpha),     IN_FOLDER(test_no_numbers),
        IN_FOLDER(test_dataset_json),       IN_FOLDER(test_ignored_values),
        IN_FOLDER(test_dataset_json_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
