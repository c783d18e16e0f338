/* SPDX-License-Identifier: Apache-2.0 */
/* test_channel_files.c - which names are those of files with a channel each */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/channel_files.h"
#include "geometry_set.h"

#define MOST 16

static struct un_listing list(const char *const *names, const char *folder)
{
    struct un_listing made = {0};
    unet_error err;
    for (int i = 0; i < MOST && names[i]; i++) {
        char *path = NULL;
        assert_true(asprintf(&path, "%s/%s", folder, names[i]) > 0);
        if (un_listing_add(&made, path, strlen(folder) + 1, &err))
            fail_msg("%s", err.text);
    }
    un_listing_sort(&made);
    return made;
}

static void test_found(void **state)
{
    (void)state;
    static const struct {
        const char *images[MOST], *masks[MOST], *wish;
        const char *found; /* "": no such files; NULL: an error */
        const char *said;  /* the paths, or words of the error */
    } rows[] = {
        {{"a_ch00.tif", "a_ch01.tif", "b_ch00.tif", "b_ch01.tif"},
         {"a.png", "b.png"},
         "",
         "files:ch00,ch01",
         "a_{ch00,ch01}.tif b_{ch00,ch01}.tif "},
        {{"a_w1DAPI_s1.TIF", "a_w2GFP_s1.TIF", "a_w1DAPI_s2.TIF", "a_w2GFP_s2.TIF"},
         {"a_s1_mask.png", "a_s2_mask.png"},
         "",
         "files:w1DAPI,w2GFP",
         "a_{w1DAPI,w2GFP}_s1.TIF a_{w1DAPI,w2GFP}_s2.TIF "},
        {{"a_C1.tif", "a_C0.tif"}, {"a.tif"}, "", "files:C0,C1", "a_{C0,C1}.tif "},
        {{"C1-a.tif", "C2-a.tif"}, {"a.tif"}, "", "files:C1,C2", "{C1,C2}-a.tif "},
        {{"a_d0.png", "a_d1.png"}, {"a.png"}, "", "files:d0,d1", "a_{d0,d1}.png "},
        {{"c_001_0000.nii.gz", "c_001_0001.nii.gz", "c_002_0000.nii.gz", "c_002_0001.nii.gz"},
         {"c_001.nii.gz", "c_002.nii.gz"},
         "",
         "files:0000,0001",
         "c_001_{0000,0001}.nii.gz c_002_{0000,0001}.nii.gz "},
        /* frames, with masks of their own */
        {{"t_0000.tif", "t_0001.tif"}, {"t_0000.tif", "t_0001.tif"}, "", "", ""},
        {{"a_ch00.tif", "a_ch01.tif"}, {"a_ch00_mask.tif", "a_ch01_mask.tif"}, "", "", ""},
        {{"c1.tif", "c2.tif"}, {"m1.tif", "m2.tif"}, "", "", ""},
        {{"t_0000.tif", "t_0001.tif"}, {"seg_0000.tif", "seg_0001.tif"}, "", "", ""},
        {{"a_ch00.tif", "b_ch00.tif"}, {"a.png", "b.png"}, "", "", ""}, /* one channel */
        {{"a_ch00.tif", "a_ch01.tif", "other.tif"}, {"a.png", "other.png"}, "", "", ""},
        {{"a_red.tif", "a_green.tif"}, {"a.png"}, "", "", ""},
        {{"a_red.tif", "a_green.tif"},
         {"a.png"},
         "files:red,green",
         "files:red,green",
         "a_{red,green}.tif "},
        {{"a.tif", "b.tif"},
         {"a.png", "b.png"},
         "pages:1",
         "pages:1",
         "a.tif{pages:1} b.tif{pages:1} "},
        {{"a_ch0.tif", "a_ch1.tif"}, {"a.png"}, "1", "files:ch0,ch1:1", "a_{ch0,ch1}.tif{1} "},
        /* one lacks */
        {{"a_ch0.tif", "a_ch1.tif", "b_ch0.tif", "b_ch1.tif", "c_ch1.tif"},
         {"a.png", "b.png", "c.png"},
         "",
         NULL,
         "i/c_ch0.tif: this file lacks"},
        {{"a_red.tif"}, {"a.png"}, "files:red,green", NULL, "i/a_green.tif: this file lacks"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_listing images = list(rows[i].images, "i"), masks = list(rows[i].masks, "m");
        struct un_channels channels;
        char text[UN_CHANNELS_TEXT] = "", paths[1024] = "";
        unet_error err = {0};
        assert_int_equal(un_channels_parse(rows[i].wish, &channels, &err), UNET_OK);
        unet_code code = un_channel_files_list(&channels, &images, &masks, &err);
        un_channels_text(&channels, text, sizeof text);
        for (int k = 0; k < images.count && *text; k++) {
            strcat(paths, images.files[k].relative);
            strcat(paths, " ");
        }
        if (!rows[i].found ? code != UNET_EINVAL || !strstr(err.text, rows[i].said)
                           : code || strcmp(text, rows[i].found) || strcmp(paths, rows[i].said))
            fail_msg("row %zu, %s: '%s', paths '%s', '%s'; wanted '%s', '%s'", i, rows[i].images[0],
                     text, paths, err.text, rows[i].found ? rows[i].found : "an error",
                     rows[i].said);
        un_listing_release(&images);
        un_listing_release(&masks);
    }
}

/* An image's stem is what masks are called. */
static void test_stems(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"a_{ch0,ch1}.tif", "a"},
                                          {"{C1,C2}-a.tif", "a"},
                                          {"a_{w1,w2}_s1.tif{0,1}", "a_s1"},
                                          {"a.ome.tif{pages}", "a"},
                                          {"a{b}.tif", "a{b}"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_listing listing = list((const char *const[]){rows[i][0], NULL}, "x{1,2}");
        if (strcmp(listing.files[0].stem, rows[i][1]) || listing.files[0].foreign)
            fail_msg("%s: stem '%s', wanted '%s'", rows[i][0], listing.files[0].stem, rows[i][1]);
        un_listing_release(&listing);
    }
}

/* A plane of 4 x 3 pixels in a NIfTI file, whose first axis may run the other way. */
static void put_plane(const char *name, bool mirrored, bool mask)
{
    enum { W = 4, H = 3 };
    uint8_t samples[W * H];
    struct volume plane = {.count = {W, H, 1}, .affine = {{-1}, {0, -1}, {0, 0, 1}}};
    for (int i = 0; i < W * H; i++) {
        const int x = mirrored ? W - 1 - i % W : i % W;
        samples[i] = (uint8_t)((mask ? 1 : 90) * (x + i / W < 3));
    }
    if (mirrored) {
        plane.affine[0][0] = 1;
        plane.affine[0][3] = 1 - W;
    }
    plane.samples = samples;
    put_volume(in_folder(name), &plane);
}

/* An image of two files lies where these do; its mask is put into their order. */
static void test_places(void **state)
{
    (void)state;
    make_folders();
    put_plane("i/a_ch0.nii", false, false);
    put_plane("i/a_ch1.nii", false, false);
    put_plane("m/a.nii", true, true);
    unet_dataset *set = must_open(0, 1, 0, "RPS; the image in LPS: put into");
    for (int i = 0; i < 12; i++)
        if (set->pairs[0].mask[i] != (i % 4 + i / 4 < 3))
            fail_msg("pixel %d is of class %d", i, set->pairs[0].mask[i]);
    un_dataset_free(set);
    put_plane("i/a_ch1.nii", true, false);
    struct heard heard;
    unet_error err;
    assert_int_equal(open_set(0, &heard, &set, &err), UNET_EINVAL);
    if (!strstr(err.text, "a_ch1.nii, a channel beside ") || !(err.hints & UNET_HINT_AS_STORED))
        fail_msg("%s", err.text);
    assert_int_equal(open_set(1, &heard, &set, &err), UNET_OK);
    un_dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found), cmocka_unit_test(test_stems),
        cmocka_unit_test_setup_teardown(test_places, folder_create, folder_destroy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
