/* SPDX-License-Identifier: Apache-2.0 */
/* test_geometry.c - masks whose headers say that they lie elsewhere than their images, or otherwise
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "geometry_volume.h"

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

/* ---- orientation ------------------------------------------------------------------------- */

/* Where a stored pixel lies in the upright picture, as the table of turn.c has it. */
static void upright(int orientation, int height, int width, int r, int c, int *y, int *x)
{
    const int across[8] = {c, width - 1 - c,  width - 1 - c,  c,
                           r, height - 1 - r, height - 1 - r, r};
    const int down[8] = {r, r, height - 1 - r, height - 1 - r, c, c, width - 1 - c, width - 1 - c};
    *y = down[orientation - 1];
    *x = across[orientation - 1];
}

static void test_png_exif(void **state)
{
    uint8_t samples[5 * 7];
    const unet_image image = {5, 7, 1, UNET_U8, 0, samples};
    (void)state;
    for (int i = 0; i < 35; i++)
        samples[i] = (uint8_t)(7 * i);
    for (int i = 0; i < 16; i++) {
        const int o = i / 2 + 1;
        unet_image back;
        put_turned(in_folder("a.png"), &image, o, i % 2);
        assert_int_equal(un_image_read(in_folder("a.png"), &back, NULL), UNET_OK);
        assert_int_equal(back.height, o > 4 ? 7 : 5);
        for (int p = 0, y, x; p < 35; p++) {
            upright(o, 5, 7, p / 7, p % 7, &y, &x);
            if (((uint8_t *)back.data)[y * back.width + x] != samples[p])
                fail_msg("orientation %d, %s: stored pixel %d", o, i % 2 ? "MM" : "II", p);
        }
        unet_image_release(&back);
    }
}

/* A picture of these sides whose mask was drawn on it as it is stored. */
static void put_stored(int height, int width, int orientation)
{
    uint8_t samples[20 * 20], mask[20 * 20];
    for (int i = 0; i < height * width; i++) {
        mask[i] = is_set(i % width, i / width, 1) ? 255 : 0;
        samples[i] = (uint8_t)(50 + mask[i] / 3);
    }
    make_folders();
    put_turned(in_folder("i/a.png"), &(unet_image){height, width, 1, UNET_U8, 0, samples},
               orientation, true);
    un_image_write(in_folder("m/a.png"), &(unet_image){height, width, 1, UNET_U8, 0, mask}, NULL);
}

static void test_orientation(void **state)
{
    (void)state;
    for (int o = 2; o <= 8; o++) {
        put_stored(12, 20, o);
        if (o > 4)
            must_refuse("fits the picture as stored, 20 x 12", "turned by its EXIF orientation");
        else
            un_dataset_free(must_open(0, 0, 1, "would fit either way"));
        unet_dataset *set = must_open(1, 0, 0, "");
        const struct un_sample_pair *pair = &set->pairs[0];
        assert_int_equal(pair->image.width, 20);
        for (int i = 0; i < 240; i++)
            assert_int_equal(((uint8_t *)pair->image.data)[i], 50 + 85 * pair->mask[i]);
        un_dataset_free(set);
        put_stored(16, 16, o); /* only the header can tell */
        un_dataset_free(must_open(0, 0, 1, "would fit either way"));
    }
    put_stored(12, 20, 1);
    un_dataset_free(must_open(0, 0, 0, ""));
}

/* ---- maps -------------------------------------------------------------------------------- */

static void put_map(const char *name, const struct ground *ground, bool mask)
{
    uint8_t samples[12 * 20];
    for (int i = 0; i < 240; i++) {
        const int y = ground && ground->side < 0 ? 11 - i / 20 : i / 20;
        samples[i] = is_set(i % 20, y, 1) ? (mask ? 255 : 130) : mask ? 0 : 45;
    }
    put_tiff(in_folder(name), 12, 20, 1, samples, ground, 0);
}

static void test_maps(void **state)
{
    const struct ground here = {500000, 4000000, 0.5, 32633};
    const struct {
        struct ground mask;
        int notes, warnings;
        const char *said;
    } rows[] = {
        {{500000.1, 4000000, 0.5, 32633}, 0, 0, ""},
        {{500002, 4000000, 0.5, 32633}, 0, 1, "begins at 500002.25, 3999999.75 by its header"},
        {{500000, 4000000, 0.6, 32633}, 0, 1, "has pixels of 0.6 x 0.6"},
        {{500000, 4000000, 0.5, 25833}, 0, 1, "EPSG:25833"},
        {{500000, 3999994, -0.5, 32633}, 1, 0, "rows run north, the image's south"},
    };
    (void)state;
    make_folders();
    put_map("i/a.tif", &here, false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_map("m/a.tif", &rows[i].mask, true);
        unet_dataset *set = must_open(0, rows[i].notes, rows[i].warnings, rows[i].said);
        for (int p = 0; p < 240; p++)
            assert_int_equal(set->pairs[0].mask[p], is_set(p % 20, p / 20, 1));
        un_dataset_free(set);
    }
    put_map("m/a.tif", NULL, true);
    un_dataset_free(must_open(0, 0, 0, ""));
    put_map("m/a.tif", &(struct ground){600000, 4000000, 0.5, 32633}, true);
    must_refuse("600000.25", "500000.25");
    un_dataset_free(must_open(1, 0, 0, ""));
}

/* ---- alpha ------------------------------------------------------------------------------- */

/* alpha: one value of all pixels, or -1: the shape is there, and in no colour. */
static void put_alpha(const char *name, int channels, int alpha, int kind)
{
    uint8_t samples[12 * 20 * 4];
    for (int i = 0, k = 0; i < 240; i++)
        for (int c = 0; c < channels; c++)
            samples[k++] =
                (uint8_t)(c < channels - 1 || channels % 2 ? (alpha < 0 ? 90 : 60 + i % 9 + c)
                          : alpha < 0                      ? 40 + 100 * is_set(i % 20, i / 20, 1)
                                                           : alpha);
    put_tiff(in_folder(name), 12, 20, channels, samples, NULL, kind);
}

static int channels_of(int kind, int channels, int alpha, int warnings)
{
    unet_survey *survey;
    unet_error err;
    make_folders();
    put_alpha("i/a.tif", channels, alpha, kind);
    put_alpha("i/b.tif", warnings ? 3 : channels, alpha, kind);
    put_map("m/a.tif", NULL, true);
    put_map("m/b.tif", NULL, true);
    unet_dataset *set = must_open(0, 0, warnings, warnings ? "its alpha channel is not" : "");
    int found = set->channels;
    un_dataset_free(set);
    if (unet_survey_open(in_folder("i"), in_folder("m"), NULL, NULL, NULL, &survey, &err))
        fail_msg("%s", err.text);
    if (unet_survey_all(survey)->channels != found)
        fail_msg("%d channels, the survey says %d", found, unet_survey_all(survey)->channels);
    unet_survey_free(survey);
    return found;
}

static void test_alpha(void **state)
{
    (void)state;
    for (int kind = EXTRASAMPLE_ASSOCALPHA; kind <= EXTRASAMPLE_UNASSALPHA; kind++) {
        assert_int_equal(channels_of(kind, 4, -1, 0), 4);
        assert_int_equal(channels_of(kind, 2, -1, 0), 2);
        assert_int_equal(channels_of(kind, 4, 255, 0), 3);
        assert_int_equal(channels_of(kind, 2, 0, 0), 1);
        assert_int_equal(channels_of(kind, 4, -1, 1), 1); /* the colours are grey */
    }
    assert_int_equal(channels_of(EXTRASAMPLE_UNSPECIFIED, 4, 255, 0), 4);
}

/* ---- what is written ---------------------------------------------------------------------- */

/* Writes `pages` pages of bytes that lie where those of `like` do. */
static void write_like(const char *path, const char *like, int pages)
{
    unet_source *source;
    unet_writer *writer;
    unet_page what;
    unet_error err;
    if (unet_source_open(like, &source, &err) || unet_source_page(source, 0, &what, &err) ||
        unet_writer_open(path, 1, &writer, &err))
        fail_msg("%s", err.text);
    uint8_t rows[20 * 20];
    for (int i = 0; i < pages; i++) {
        const unet_writer_page page = {.height = what.height,
                                       .width = what.width,
                                       .channels = 1,
                                       .pixel_height = what.pixel_height,
                                       .pixel_width = what.pixel_width,
                                       .unit = "mm",
                                       .like = source,
                                       .like_page = i};
        memset(rows, i + 1, sizeof rows);
        if (unet_writer_begin(writer, &page, &err) ||
            unet_writer_rows(writer, rows, what.height, &err))
            fail_msg("%s", err.text);
    }
    assert_int_equal(unet_writer_commit(writer, NULL), UNET_OK);
    unet_source_close(source);
}

static void check_like(const char *path, const char *like, int pages)
{
    struct unet_source *a, *b;
    struct un_place x, y;
    assert_int_equal(un_source_open(path, &a, NULL), UNET_OK);
    assert_int_equal(un_source_open(like, &b, NULL), UNET_OK);
    assert_int_equal(a->pages, pages);
    assert_int_equal(un_source_place(a, &x, NULL) || un_source_place(b, &y, NULL), UNET_OK);
    if (memcmp(x.step, y.step, sizeof x.step) || memcmp(x.origin, y.origin, sizeof x.origin) ||
        x.kind != y.kind || x.system != y.system)
        fail_msg("%s does not lie where %s does", path, like);
    for (int i = 0; i < pages; i++) {
        unet_image image;
        assert_int_equal(un_image_of_source(a, i, &image, NULL), UNET_OK);
        for (int p = 0; p < image.height * image.width; p++)
            assert_int_equal(((uint8_t *)image.data)[p], i + 1);
        unet_image_release(&image);
    }
    un_source_close(a);
    un_source_close(b);
}

static void test_written(void **state)
{
    (void)state;
    make_folders();
    put_image(&scene);
    for (int z = 0; z < 2; z++) {
        const char *path = in_folder(z ? "o.nii.gz" : "o.nii");
        write_like(path, in_folder("i/a.nii"), D);
        check_like(path, in_folder("i/a.nii"), D);
        write_like(path, in_folder("i/a.nii[2:4]"), 2);
        check_like(path, in_folder("i/a.nii[2:4]"), 2);
    }
    for (int k = 0; k < 2; k++) {
        put_map("i/t.tif", &(struct ground){500000, 4000000, k ? -0.5 : 0.5, 32633}, false);
        write_like(in_folder("o.tif"), in_folder("i/t.tif"), 1);
        check_like(in_folder("o.tif"), in_folder("i/t.tif"), 1);
    }
}

/* What predictions ask for: a picture as stored, and an alpha that the model has a channel for. */
static void test_read_as(void **state)
{
    uint8_t samples[35] = {0};
    unet_source *source;
    unet_page page;
    int drops;
    (void)state;
    make_folders();
    put_turned(in_folder("a.png"), &(unet_image){5, 7, 1, UNET_U8, 0, samples}, 6, false);
    assert_int_equal(unet_source_open(in_folder("a.png"), &source, NULL), UNET_OK);
    for (int as_stored = 0; as_stored < 2; as_stored++) {
        unet_source_read_as(source, as_stored, 0);
        assert_int_equal(unet_source_page(source, 0, &page, NULL), UNET_OK);
        assert_int_equal(page.height, as_stored ? 5 : 7);
    }
    unet_source_close(source);
    put_alpha("b.tif", 4, -1, EXTRASAMPLE_UNASSALPHA);
    assert_int_equal(unet_source_open(in_folder("b.tif"), &source, NULL), UNET_OK);
    for (int channels = 3; channels <= 4; channels++) {
        unet_source_read_as(source, 0, channels);
        assert_int_equal(unet_source_page(source, 0, &page, NULL), UNET_OK);
        assert_int_equal(page.channels, channels);
        assert_int_equal(unet_source_drops_alpha(source, 0, &drops, NULL), UNET_OK);
        assert_int_equal(drops, channels == 3);
    }
    unet_source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_png_exif), IN_FOLDER(test_orientation), IN_FOLDER(test_maps),
        IN_FOLDER(test_alpha),    IN_FOLDER(test_written),     IN_FOLDER(test_read_as),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
