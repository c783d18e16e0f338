/* SPDX-License-Identifier: Apache-2.0 */
/* test_pairs_layouts.c - data sets as they come, patterns, lists, and what is said of the rest */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/set/pairs_rows.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)
#define NAME "by name"
#define MARKED "by name and what marks a mask"

/* What other programs write beside images is no image, and a mask where there is no other. */
static void test_other_programs(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"s/a.tif s/a_flows.tif s/a_cp_masks.png s/b.tif s/b_flows.tif s/b_cp_masks.png", "s", "s",
         "a.tif:s/a_cp_masks.png b.tif:s/b_cp_masks.png",
         MARKED "; 2 files of other programs passed over: a_flows.tif ..."},
        {"s/a.tif s/a_mask.png s/a_cp_masks.png s/a_overlay.png", "s", "s", "a.tif:s/a_mask.png",
         MARKED "; 2 files of other programs passed over: a_overlay.png ..."},
        {"s/a.png s/a_Probabilities.tif s/a_Simple^Segmentation.tif", "s", "s",
         "a.png:s/a_Simple Segmentation.tif",
         MARKED "; 1 file of other programs passed over: a_Probabilities.tif"},
        {"i/a.tif i/a_flows.tif i/a_cp_masks.png i/a-Simple_Segmentation.tif m/a.png", "i", "m",
         "a.tif:m/a.png",
         NAME "; 3 files of other programs passed over: a-Simple_Segmentation.tif ..."},
        {"i/a.tif m/a_flows.tif m/a_cp_masks.png m/a_cp_outlines.png", "i", "m",
         "a.tif:m/a_cp_masks.png",
         MARKED "; 2 files of other programs passed over: a_cp_outlines.png ..."},
        {"i/a.tif m/a.png m/a_cp_masks.png", "i", "m", "a.tif:m/a.png",
         NAME "; 1 file of other programs passed over: a_cp_masks.png"},
        /* no image of the name without the ending, a mask for it, or no other mask: as they are */
        {"i/a_flows.tif i/b_overlay.png m/a_flows.png m/b_overlay.png", "i", "m",
         "a_flows.tif:m/a_flows.png b_overlay.png:m/b_overlay.png", NAME},
        {"i/a.tif i/a_overlay.tif m/a.png m/a_overlay.png", "i", "m",
         "a.tif:m/a.png a_overlay.tif:m/a_overlay.png", NAME},
        {"s/a.tif s/a_flows.tif s/a_mask.png s/a_flows_mask.png", "s", "s",
         "a.tif:s/a_mask.png a_flows.tif:s/a_flows_mask.png", MARKED},
        {"i/a.tif i/b.tif m/a_outlines.png m/b_outlines.png", "i", "m",
         "a.tif:m/a_outlines.png b.tif:m/b_outlines.png", "by name and \"outlines\" in the masks'"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(&rows[i]);
}

/* cellpose's _seg.npy, which is no array, beside the image; one that is an array is a mask. */
static void test_pickled(void **state)
{
    (void)state;
    static const char head[] = "\x93NUMPY\1\0\x46\0{'descr': '|O', 'fortran_order': False, "
                               "'shape': (), }                \n";
    for (int array = 0; array < 2; array++) {
        struct un_pairs pairs;
        unet_error err;
        char text[200];
        make_files("s/a.tif s/a_seg.npy s/a_cp_masks.png");
        if (array)
            unlink(in_folder("s/a_cp_masks.png"));
        else
            put_file(in_folder("s/a_seg.npy"), head, sizeof head - 1);
        if (un_pairs_find(in_folder("s"), in_folder("s"), NULL, &pairs, &err))
            fail_msg("%s", err.text);
        write_pairs(&pairs, text);
        assert_string_equal(text, array ? "a.tif:s/a_seg.npy" : "a.tif:s/a_cp_masks.png");
        un_pairs_release(&pairs);
    }
}

/* Data sets as they come, folders for images, and names that changed on the way. */
static void test_layouts(void **state)
{
    (void)state;
    static const char ctc[] = "as the Cell Tracking Challenge names them, t([0-9]{3,}) with "
                              "man_seg\\1";
    static const char bare[] = "by name without what marks images and masks";
    static const char inside[] = "a folder for each image, the mask in it";
    static const char folded[] = "by name, but for capitals, accents, gaps or an upload's prefix";
    static const struct row rows[] = {
        {"i/c_1_0000.png i/c_2_0000.png m/c_1.png m/c_2.png", "i", "m",
         "c_1_0000.png:m/c_1.png c_2_0000.png:m/c_2.png",
         "as nnU-Net names them, (.+)_0000 with \\1"},
        {"i/c_1_0000.png i/c_1_0001.png i/c_2_0000.png i/c_2_0001.png m/c_1.png m/c_2.png", "i",
         "m", "c_1_{0000,0001}.png:m/c_1.png c_2_{0000,0001}.png:m/c_2.png",
         "by name, channels 0000, 0001 in a file each"},
        {"s/imagesTr/c_1_0000.png s/labelsTr/c_1.png", "s", "s",
         "imagesTr/c_1_0000.png:s/labelsTr/c_1.png", "as nnU-Net names them, (.+)_0000 with \\1"},
        {"i/21_training.tif i/01_test.tif m/01_manual1.gif m/21_manual1.gif", "i", "m",
         "01_test.tif:m/01_manual1.gif 21_training.tif:m/21_manual1.gif",
         "as DRIVE names them, ([0-9]+)_(test|training) with \\1_manual1"},
        {"i/u/u_1_leftImg8bit.png m/u/u_1_gtFine_labelIds.png m/u/u_1_gtFine_color.png", "i", "m",
         "u/u_1_leftImg8bit.png:m/u/u_1_gtFine_labelIds.png +m/u/u_1_gtFine_color.png",
         "as Cityscapes names them, (.+)_leftImg8bit with \\1_gtFine_labelIds"},
        /* frames without a mask are left out; of two sequences each takes its own */
        {"i/t000.tif i/t001.tif i/t002.tif m/man_seg001.tif", "i", "m",
         "t001.tif:m/man_seg001.tif -i/t000.tif -i/t002.tif", ctc},
        {"s/01/t000.tif s/02/t000.tif s/01_GT/SEG/man_seg000.tif s/02_GT/SEG/man_seg000.tif", "s",
         "s", "01/t000.tif:s/01_GT/SEG/man_seg000.tif 02/t000.tif:s/02_GT/SEG/man_seg000.tif", ctc},
        {"i/a.png m/a_json/img.png m/a_json/label.png m/a_json/label_viz.png", "i", "m",
         "a.png:m/a_json/label.png +m/a_json/img.png", inside},
        {"s/a_json/img.png s/a_json/label.png s/b_json/img.png s/b_json/label.png", "s", "s",
         "a_json/img.png:s/a_json/label.png b_json/img.png:s/b_json/label.png", bare},
        {"i/a.png i/b.png m/a/nucleus.png m/a/rim.png m/b/rim.png m/b/nucleus.png", "i", "m",
         "a.png:[nucleus]m/a/nucleus.png[rim]m/a/rim.png "
         "b.png:[nucleus]m/b/nucleus.png[rim]m/b/rim.png",
         "a folder for each image, each file in it a class"},
        {"i/a.png i/b.png m/a/a_nucleus.png m/a/a_rim.png m/b/b_rim.png m/b/b_nucleus.png", "i",
         "m",
         "a.png:[nucleus]m/a/a_nucleus.png[rim]m/a/a_rim.png "
         "b.png:[nucleus]m/b/b_nucleus.png[rim]m/b/b_rim.png",
         "a folder for each image, each file in it a class"},
        {"i/a.png i/b.png m/a/cells.png m/b/cells.png", "i", "m",
         "a.png:m/a/cells.png b.png:m/b/cells.png", inside},
        {"s/1_sat.jpg s/1_mask.png s/2_sat.jpg s/2_mask.png", "s", "s",
         "1_sat.jpg:s/1_mask.png 2_sat.jpg:s/2_mask.png", bare},
        {"s/b^(1).png s/b^(1)_mask.png s/b^(1)_mask_1.png s/b^(2).png s/b^(2)_mask.png", "s", "s",
         "b (1).png:s/b (1)_mask.png{s/b (1)_mask.png}{s/b (1)_mask_1.png} "
         "b (2).png:s/b (2)_mask.png{s/b (2)_mask.png}",
         "by name and what marks a mask, with a number behind it a further object"},
        {"i/a.png i/a_1.png m/a_mask.png m/a_1_mask.png", "i", "m",
         "a.png:m/a_mask.png a_1.png:m/a_1_mask.png", "by name and what marks a mask"},
        {"s/input_1.png s/target_1.png", "s", "s", "input_1.png:s/target_1.png", bare},
        {"s/1_original.png s/1_ground^truth.png", "s", "s", "1_original.png:s/1_ground truth.png",
         bare},
        {"i/Cell^1.png i/cell-2.png m/cell_1.PNG m/Cell_2.png", "i", "m",
         "Cell 1.png:m/cell_1.PNG cell-2.png:m/Cell_2.png", folded},
        {"i/M\u00fcller.png i/\u304c.png i/\ud55c.png m/Mu\u0308ller.png m/\u304b\u3099.png "
         "m/\u1112\u1161\u11ab.png",
         "i", "m",
         "M\u00fcller.png:m/Mu\u0308ller.png \u304c.png:m/\u304b\u3099.png "
         "\ud55c.png:m/\u1112\u1161\u11ab.png",
         folded},
        {"i/3fa81c02-a.png i/b.png m/a.png m/77ce01ab-b_mask.png", "i", "m",
         "3fa81c02-a.png:m/a.png b.png:m/77ce01ab-b_mask.png",
         "by name and what marks a mask, but for capitals, accents, gaps or an upload's prefix"},
        /* dates are no prefix, and gaps between digits count */
        {"i/20230101-1.png i/1_12.png m/20230102-1.png m/11_2.png", "i", "m",
         " -i/1_12.png -i/20230101-1.png +m/11_2.png +m/20230102-1.png", ""},
        {"i/A.png i/a.png m/a.png", "i", "m", "a.png:m/a.png -i/A.png", NAME},
        {"i/slice_a_he.png i/slice_bc_he.png m/lab-a.tif m/lab-bc.tif m/lab-d.tif", "i", "m",
         "slice_a_he.png:m/lab-a.tif slice_bc_he.png:m/lab-bc.tif +m/lab-d.tif",
         "by what differs in their names, slice_(.*)_he with lab-(.*)"},
        {"i/s_01_x.png i/s_02_x.png m/l11_y.png m/l12_y.png", "i", "m",
         " -i/s_01_x.png -i/s_02_x.png +m/l11_y.png +m/l12_y.png", ""},
    };
    for (size_t r = 0; r < COUNT(rows); r++)
        check_row(&rows[r]);
}

/* What a person says by a pattern. */
static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        struct row row;
        const char *image, *mask;
    } said[] = {
        {{"i/01_test.tif i/02_test.tif i/readme.png m/01_manual1.gif m/02_manual1.gif", "i", "m",
          "01_test.tif:m/01_manual1.gif 02_test.tif:m/02_manual1.gif -i/readme.png",
          "by the pattern i/(.*)_test.tif with \\1_manual1.gif"},
         "i/(.*)_test.tif",
         "\\1_manual1.gif"},
        {{"i/a/1.png i/b/1.png m/a-1.png m/b-1.png", "i", "m",
          "a/1.png:m/a-1.png b/1.png:m/b-1.png", "by the pattern ([^/]*)/(.*) with \\1-\\2"},
         "([^/]*)/(.*)",
         "\\1-\\2"},
        {{"s/1x.png s/1y.png s/2x.png s/2y.png", "s", "s", "1x.png:s/1y.png 2x.png:s/2y.png",
          "by the pattern (.*)x with \\1y"},
         "(.*)x",
         "\\1y"},
        {{"i/1x.png i/2x.png m/1y.png", "i", "m", "1x.png:m/1y.png -i/2x.png",
          "by the pattern (.*)x with \\1y"},
         "(.*)x",
         "\\1y"},
        {{"i/1.png m/a/1.png m/b/1.png", "i", "m", "!two masks in ", ""}, "(.*)", "\\1"},
        {{"i/1.png m/1.png", "i", "m", "!\\2 is used for the mask, but", ""}, "(.*)", "\\2"},
        {{"i/1.png m/1.png", "i", "m", "!pattern \"(.*\": ", ""}, "(.*", "\\1"},
        {{"i/1.png m/1.png", "i", "m", "!pattern \"z(.*)\": is for none of the 1 images, such as ",
          ""},
         "z(.*)",
         "\\1"},
        {{"i/1.png m/1.png", "i", "m", "!names for 1 of 1 images is in ", ""}, "(.*)", "\\1y"},
        {{"i/1.png m/1.png", "i", "m", "!a pattern of images and of their masks", ""},
         "(.*)",
         NULL},
    };
    for (size_t r = 0; r < COUNT(said); r++)
        check_wish(&said[r].row,
                   &(struct un_pair_wish){.image = said[r].image, .mask = said[r].mask});
}

/* Two rules that find different masks, and what is no pair. */
static void test_asked(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"i/21_training.tif d/mask/21_training_mask.gif d/1st/21_manual1.gif", "i", "d",
         "!mask/21_training_mask.gif, by name and what marks a mask, and 1st/21_manual1.gif, as "
         "DRIVE names them",
         ""},
        {"i/a.png m/a.png m/a_mask.png", "i", "m", "!two masks in ", ""},
        {"i/t000.tif m/GT/man_seg000.tif m/ST/man_seg000.tif", "i", "m",
         "!GT/man_seg000.tif and ST/man_seg000.tif; one wanted", ""},
    };
    for (size_t r = 0; r < COUNT(rows); r++)
        check_row(&rows[r]);
}

static void check_list(const char *text, const char *wanted)
{
    struct un_pairs pairs;
    unet_error err = {0};
    char found[2048] = "";
    put_file(in_folder("l/list.csv"), text, strlen(text));
    unet_code code = un_pairs_find(in_folder("i"), in_folder("l/list.csv"), NULL, &pairs, &err);
    if (!code) {
        write_pairs(&pairs, found);
        assert_string_equal(pairs.rule, "as a list says");
        un_pairs_release(&pairs);
    }
    if (*wanted == '!' ? !code || !strstr(err.text, wanted + 1) : strcmp(found, wanted))
        fail_msg("%s: '%s' '%s', wanted '%s'", text, found, err.text, wanted);
}

static void test_list(void **state)
{
    (void)state;
    make_files("i/a.png i/b.png i/c.png l/m/7.png l/m/x,y.png l/a.png i/x/.keep l/x/.keep");
    check_list("../i/a.png,m/7.png\n../i/b.png,\"m/x,y.png\"\n",
               "../i/a.png:l/m/7.png ../i/b.png:l/m/x,y.png -i/c.png");
    check_list("\xef\xbb\xbfid;mask;image\r\n1;m/7.png;b.png\r\n\r\n# none\r\n",
               "b.png:l/m/7.png -i/a.png -i/c.png");
    check_list("b.png\tm/x,y.png", "b.png:l/m/x,y.png -i/a.png -i/c.png");
    check_list("..\\i\\a.png,m\\7.png\r\n", "../i/a.png:l/m/7.png -i/b.png -i/c.png");
    check_list("c.png,m/no.png", "!line 1: there is no m/no.png in ");
    check_list("c.png", "!line 1 has 1 column;");
    check_list("b.png,m/7.png\nb.png,a.png", "!is in it twice");
    check_list("b.png,m/7.png\n./x/../b.png,a.png", "!is in it twice");
    check_list("a.png,m/7.png\nb.png,a.png\nc.png,m/../x/.././m//7.png",
               "!/m/../x/.././m//7.png is the mask of two images, c.png and a.png; a mask for each "
               "wanted");
    check_list("a.png,m/7.png\n,,\nb.png,\n",
               "!line 3: b.png has no mask; one wanted, or the line");
    check_list("a.png,m/7.png\n,a.png\n", "!line 2: a.png has no image; one wanted");
    check_list("a.png,m/7.png\r\r\n , \n\n", "a.png:l/m/7.png -i/a.png -i/b.png -i/c.png");
    check_list("\xff\xfei", "!a list in UTF-16, or no text; UTF-8 wanted");
    check_list("image,mask\ra.png,m/7.png\r", "!its lines end in carriage returns alone");
    check_list("\n", "!no pairs in it");
    check_list(
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes\n",
        "!outlines of VIA (VGG Image Annotator) as a table, which is not read: export annotations");
    check_list("#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,"
               "region_attributes\nb.png,9,\"{}\",1,0,\"{}\",\"{}\"\n",
               "!outlines of VIA (VGG Image Annotator) as a table");
    check_list("b.png,9,\"{}\",1,0,\"{\"\"name\"\":\"\"rect\"\",\"\"x\"\":1}\",\"{}\"\n",
               "!outlines of VIA (VGG Image Annotator) as a table");
    check_list(
        "# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)\n"
        "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates\n\"1\",\"[]\"\n",
        "!outlines of VIA (VGG Image Annotator) as a table");

    struct un_pairs pairs;
    unet_error err;
    const struct un_pair_wish wish = {.channels = "0,2"};
    put_file(in_folder("l/list.csv"), "b.png,m/7.png", 13);
    assert_int_equal(un_pairs_find(in_folder("i"), in_folder("l/list.csv"), &wish, &pairs, &err),
                     UNET_OK);
    assert_string_equal(pairs.pairs[0].name, "b.png{0,2}");
    un_pairs_release(&pairs);
}

/* What is said where nothing fits: the masks, the nearest name, a pattern; or what is there. */
static void test_words(void **state)
{
    (void)state;
    struct un_pairs pairs;
    unet_error err;
    make_files("i/21_he.png i/22_he.png m/21_ihc.png m/22_ihc.png m/readme.png j/a.json j/b.json");
    assert_int_equal(un_pairs_find(in_folder("i"), in_folder("m"), NULL, &pairs, &err), UNET_OK);
    assert_int_equal(un_pairs_complete("i", "m", &pairs, false, &err), UNET_EINVAL);
    assert_string_equal(err.text,
                        "i: 2 of 2 images have no mask in m: 21_he.png, 22_he.png; masks seen "
                        "there: 21_ihc.png, 22_ihc.png, readme.png; the nearest to 21_he.png is "
                        "21_ihc.png: the pattern (.*)he with \\1ihc would pair these");
    assert_int_equal(err.hints, UNET_HINT_PAIR);
    un_pairs_release(&pairs);
    assert_int_equal(un_pairs_find(in_folder("i"), in_folder("j"), NULL, &pairs, &err), UNET_OK);
    assert_int_equal(un_pairs_complete("i", in_folder("j"), &pairs, false, &err), UNET_EINVAL);
    if (!strstr(err.text, "2 .json files in it (outlines, as of LabelMe"))
        fail_msg("%s", err.text);
    un_pairs_release(&pairs);
    assert_int_equal(un_pairs_find(in_folder("i"), in_folder("j/a.json"), NULL, &pairs, &err),
                     UNET_EINVAL);
    if (!strstr(err.text, "a.json: outlines, as of LabelMe, COCO, VIA or Label Studio; none that"))
        fail_msg("%s", err.text);
    assert_int_equal(un_pairs_find(in_folder("i"), in_folder("j/no.json"), NULL, &pairs, &err),
                     UNET_EIO);
    if (!strstr(err.text, "no.json: No such file"))
        fail_msg("%s", err.text);
}

/* Outlines beside masks that are images are not read, which is said. */
static void test_drawn(void **state)
{
    (void)state;
    static const char drawing[] = "{\"shapes\": [], \"imagePath\": \"c.png\"}";
    struct un_pairs pairs;
    unet_error err;
    char text[480];
    make_files("i/a.png i/b.png i/c.png m/a.png m/b.png m/c.json m/note.txt");
    put_file(in_folder("m/notes.json"), "{\"a\": 1}", 8);
    put_file(in_folder("m/c.json"), drawing, sizeof drawing - 1);
    assert_int_equal(un_pairs_find(in_folder("i"), in_folder("m"), NULL, &pairs, &err), UNET_OK);
    assert_int_equal(un_pairs_complete("i", "m", &pairs, false, &err), UNET_EINVAL);
    assert_string_equal(err.text, "i: 1 of 3 images have no mask in m: c.png; 1 file of outlines "
                                  "there (c.json) is not read beside masks that are images");
    assert_int_equal(err.hints, UNET_HINT_ONLY_PAIRS | UNET_HINT_OUTLINES);
    un_pairs_left_out(&pairs, text, sizeof text);
    assert_string_equal(text, "1 image without a mask: c.png; 1 file of outlines there (c.json) is "
                              "not read beside masks that are images");
    un_pairs_release(&pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts), cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_asked),   IN_FOLDER(test_list),
        IN_FOLDER(test_words),          cmocka_unit_test(test_other_programs),
        IN_FOLDER(test_pickled),        IN_FOLDER(test_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
