/* SPDX-License-Identifier: Apache-2.0 */
/* test_pairs.c - which mask belongs to which image: a table of folders, and what is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "data/set/dataset.h"
#include "data/set/pairs_rows.h"
#include "image/sink.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

static void test_natural_order(void **state)
{
    (void)state;
    static const char *const sorted[] = {"a", "a1", "a2", "a02b", "a10", "a10b", "b", "b007", "b7"};
    for (size_t i = 0; i < COUNT(sorted); i++)
        for (size_t j = 0; j < COUNT(sorted); j++) {
            int order = un_natural_compare(sorted[i], sorted[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

#define NAME "by name"
#define MARK "by name and what marks a mask"

/* A file for each object: numbers behind names, and a folder for each image. */
static void test_objects(void **state)
{
    (void)state;
    static const char number[] = "by name, each number behind it an object";
    static const char folder[] = "a folder for each image, each file in it an object";
    static const char words[] = "by name, each word behind it a class";
    const struct row rows[] = {
        {"i/a.png i/b.png m/a_1.png m/a_2.png m/b_1.png", "i", "m",
         "a.png:m/a_1.png{m/a_1.png}{m/a_2.png} b.png:m/b_1.png{m/b_1.png}", number},
        {"i/a.png i/b.png m/a_obj1.png m/a_obj2.png m/b_obj1.png m/b_obj2.png", "i", "m",
         "a.png:m/a_obj1.png{m/a_obj1.png}{m/a_obj2.png} "
         "b.png:m/b_obj1.png{m/b_obj1.png}{m/b_obj2.png}",
         number},
        {"i/a.png i/b.png m/a_mask_0.png m/a_mask_10.png m/b-mask_3.png", "i", "m",
         "a.png:m/a_mask_0.png{m/a_mask_0.png}{m/a_mask_10.png} "
         "b.png:m/b-mask_3.png{m/b-mask_3.png}",
         number},
        {"i/1.png i/2.png m/1/1.png m/1/2.png m/2/1.png", "i", "m",
         "1.png:m/1/1.png{m/1/1.png}{m/1/2.png} 2.png:m/2/1.png{m/2/1.png}", folder},
        {"s/a/images/a.png s/a/masks/0f.png s/a/masks/77.png s/b/images/b.png s/b/masks/c0.png",
         "s", "s",
         "a/images/a.png:s/a/masks/0f.png{s/a/masks/0f.png}{s/a/masks/77.png} "
         "b/images/b.png:s/b/masks/c0.png{s/b/masks/c0.png}",
         folder},
        /* numbers of classes, and of people */
        {"i/a.png i/b.png m/a_class1.png m/a_class2.png m/b_class1.png m/b_class2.png", "i", "m",
         "a.png:[class1]m/a_class1.png[class2]m/a_class2.png "
         "b.png:[class1]m/b_class1.png[class2]m/b_class2.png",
         words},
        {"i/a.png i/b.png m/a_rater1.png m/a_rater2.png m/b_rater1.png m/b_rater2.png", "i", "m",
         "!m/a_rater1.png: masks of several people (rater1)", ""},
        /* names that are a number each; folders that go with those of images */
        {"i/a.png i/b.png m/a_1.png m/b_2.png", "i", "m",
         " -i/a.png -i/b.png +m/a_1.png +m/b_2.png", ""},
        {"i/1/1.png i/1/2.png m/1/1.png m/1/2.png", "i", "m", "1/1.png:m/1/1.png 1/2.png:m/1/2.png",
         NAME},
    };
    for (size_t r = 0; r < COUNT(rows); r++)
        check_row(&rows[r]);
}

static void test_rules(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"i/a.png i/b.tif m/b.png m/a.tif", "i", "m", "a.png:m/a.tif b.tif:m/b.png", NAME},
        {"i/s10.png i/s2.tif i/s1.png i/t.npy i/u_x.png i/v_mask.png m/s10_mask.png m/s2-seg.tif "
         "m/s1.png m/t_label.png m/u_x-mask.tif m/v_mask.png m/unused.png i/.hidden.png i/n.txt",
         "i", "m",
         "s1.png:m/s1.png s2.tif:m/s2-seg.tif s10.png:m/s10_mask.png t.npy:m/t_label.png "
         "u_x.png:m/u_x-mask.tif v_mask.png:m/v_mask.png +m/unused.png",
         MARK},
        {"i/a.png m/mask_a.png", "i", "m", "a.png:m/mask_a.png", MARK},
        {"i/a.png m/a_cp_masks.png", "i", "m", "a.png:m/a_cp_masks.png", MARK},
        {"i/a.png m/a_Segmentation.png", "i", "m", "a.png:m/a_Segmentation.png", MARK},
        {"i/a.png m/a_annotation.png", "i", "m", "a.png:m/a_annotation.png", MARK},
        {"i/a.png m/a_gt.gif", "i", "m", "a.png:m/a_gt.gif", MARK},
        {"i/a_img.png m/a_label.png", "i", "m", "a_img.png:m/a_label.png",
         "by name without what marks images and masks"},
        {"i/img_a.png m/a.png", "i", "m", "img_a.png:m/a.png",
         "by name without what marks an image"},
        {"i/x/1.png i/y/1.png m/x/1.png m/y/1.png", "i", "m", "x/1.png:m/x/1.png y/1.png:m/y/1.png",
         NAME},
        {"i/x/1.png i/y/2.png m/1.png m/2.png", "i", "m", "x/1.png:m/1.png y/2.png:m/2.png", NAME},
        {"i/1.png i/2.png m/nucleus/1.png m/nucleus/2.png m/cell/1.png", "i", "m",
         "1.png:[cell]m/cell/1.png[nucleus]m/nucleus/1.png 2.png:[nucleus]m/nucleus/2.png",
         "by name, each folder of masks a class"},
        {"i/1.png i/2.png m/1_nucleus.png m/1_cell.png m/2_cell.png m/2_nucleus.png", "i", "m",
         "1.png:[cell]m/1_cell.png[nucleus]m/1_nucleus.png "
         "2.png:[cell]m/2_cell.png[nucleus]m/2_nucleus.png",
         "by name, each word behind it a class"},
        {"i/a.png i/a_1.png m/a_out.png m/a_1_out.png", "i", "m",
         "a.png:m/a_out.png a_1.png:m/a_1_out.png", "by name and \"out\" in the masks'"},
        {"i/img_007.png i/img_10.png m/label7.tif m/label0010.tif", "i", "m",
         "img_007.png:m/label7.tif img_10.png:m/label0010.tif", "by the numbers in their names"},
        {"i/a1_007.png i/a1_008.png m/b2_7.tif m/b2_8.tif", "i", "m",
         "a1_007.png:m/b2_7.tif a1_008.png:m/b2_8.tif", "by the last number in their names"},
        {"i/img1.png i/img2.png m/label1.png", "i", "m", " -i/img1.png -i/img2.png +m/label1.png",
         ""},
        {"i/a.png i/b.png i/c.png m/b.png", "i", "m", "b.png:m/b.png -i/a.png -i/c.png", NAME},
        {"a.png a_mask.png b.tif b-seg.png c.png", "", "",
         "a.png:a_mask.png b.tif:b-seg.png -c.png", MARK},
        {"001.bmp 001.png 002.bmp 002.png", "", "", "001.bmp:001.png 002.bmp:002.png", NAME},
        {"a.jpg a.png", "", "", "a.jpg:a.png", NAME},
        {"a_img.png a_mask.png", "", "", "a_img.png:a_mask.png",
         "by name without what marks images and masks"},
        {"d/a.png d/m/a.png", "d", "d/m", "a.png:d/m/a.png", NAME},
        {"i/s2.tif m/s2-seg.tif m/s1.png", "i/s2.tif", "m", "s2.tif:m/s2-seg.tif +m/s1.png", MARK},
        {"i/t.npy m/s1.png", "i/t.npy", "m/s1.png", "t.npy:m/s1.png", "one with one"},
        {"i/x.nii.gz m/x_seg.nii.gz", "i", "m", "x.nii.gz:m/x_seg.nii.gz", MARK},
    };
    for (size_t r = 0; r < COUNT(rows); r++)
        check_row(&rows[r]);
}

/* Masks in several folders, of images in one: what names of the folders say. */
static void test_folders(void **state)
{
    (void)state;
    static const struct {
        const char *files, *pairs, *rule, *asked;
    } rows[] = {
        {"i/1.png i/2.png m/nucleus/1.png m/cell/2.png", "1.png:m/nucleus/1.png 2.png:m/cell/2.png",
         NAME ", folders of masks (nucleus, cell) as one", ",nucleus,cell"},
        {"i/1.png i/2.png m/class1/1.png m/class2/2.png",
         "1.png:m/class1/1.png 2.png:m/class2/2.png",
         NAME ", folders of masks (class1, class2) as one", ",class1,class2"},
        {"i/img1.png i/img2.png m/a/label1.png m/b/label2.png",
         "img1.png:m/a/label1.png img2.png:m/b/label2.png",
         "by the numbers in their names, folders of masks (a, b) as one", ",a,b"},
        {"i/1.png i/2.png m/day-1/1.png m/day-12/2.png", "1.png:m/day-1/1.png 2.png:m/day-12/2.png",
         NAME ", folders of masks (day-1, day-12) as one", ""},
        {"i/1.png i/2.png m/train/1.png m/val/2.png", "1.png:m/train/1.png 2.png:m/val/2.png",
         NAME ", folders of masks (train, val) as one", ""},
        {"i/1.png i/2.png m/1.png m/more/2.png", "1.png:m/1.png 2.png:m/more/2.png",
         NAME ", folders of masks (., more) as one", ""},
        {"i/x/1.png i/y/2.png m/x/1.png m/y/2.png", "x/1.png:m/x/1.png y/2.png:m/y/2.png", NAME,
         ""},
        {"i/a.png i/b.png m/a/a.png m/b/b.png", "a.png:m/a/a.png b.png:m/b/b.png", NULL, ""},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct un_pairs pairs;
        unet_error err = {0};
        char text[4096];
        folder_create(state);
        make_files(rows[r].files);
        if (un_pairs_find(in_folder("i"), in_folder("m"), NULL, &pairs, &err))
            fail_msg("%s\n%s", rows[r].files, err.text);
        write_pairs(&pairs, text);
        if (strcmp(text, rows[r].pairs) || strcmp(pairs.folders, rows[r].asked) ||
            (rows[r].rule && strcmp(pairs.rule, rows[r].rule)))
            fail_msg("%s\n'%s' '%s' '%s'", rows[r].files, text, pairs.rule, pairs.folders);
        un_pairs_release(&pairs);
        folder_destroy(state);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"m/a.png", "i", "m", "!: no images in it", ""},
        {"i/a.png", "i", "none", "!/none: No such file or directory", ""},
        {"i/2.png m/2.png m/2.tif", "i", "m", "!: two masks in ", ""},
        {"i/2.png m/2.png m/2.tif", "i", "m", "!2.png and 2.tif; one wanted", ""},
        {"i/2.png m/2_mask.png m/2_seg.png", "i", "m", "!2_mask.png and 2_seg.png; one wanted", ""},
        {"i/2.png i/2.tif m/2.png", "i", "m", "!two images of one name, 2.png and 2.tif", ""},
        {"i/a_img.png i/img_a.png m/a.png", "i", "m",
         "!a.png: fits two images, a_img.png and img_a.png", ""},
        {"i/x/1.png i/y/1.png m/1.png", "i", "m", "!fits two images, x/1.png and y/1.png", ""},
    };
    for (size_t r = 0; r < COUNT(rows); r++)
        check_row(&rows[r]);
}

/* So many words behind one name are no classes. */
static void test_many_words(void **state)
{
    (void)state;
    struct un_pairs pairs;
    unet_error err;
    char name[32];
    mkdir(in_folder("m"), 0777);
    make_files("i/a.png");
    for (int i = 0; i <= UN_PAIR_CLASSES; i++) {
        snprintf(name, sizeof name, "m/a_cell%dx.png", i);
        put_file(in_folder(name), "", 0);
    }
    assert_int_equal(un_pairs_find(in_folder("i"), in_folder("m"), NULL, &pairs, &err), UNET_OK);
    assert_int_equal(pairs.count, 0);
    assert_int_equal(pairs.mask_count, UN_PAIR_CLASSES + 1);
    un_pairs_release(&pairs);
}

static void test_incomplete(void **state)
{
    (void)state;
    struct un_pairs pairs;
    unet_error err;
    char text[512];
    const char *i = in_folder("i"), *m = in_folder("m");
    make_files("i/0.png i/1.png i/2.png i/3.png i/4.png i/5.png m/2.png m/7.png");
    assert_int_equal(un_pairs_find(i, m, NULL, &pairs, &err), UNET_OK);
    assert_int_equal(un_pairs_complete(i, m, &pairs, false, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "5 of 6 images have no mask in"));
    assert_non_null(strstr(err.text, ": 0.png, 1.png, 3.png ...; unused masks there: 7.png"));
    assert_int_equal(err.hints, UNET_HINT_ONLY_PAIRS);
    assert_int_equal(un_pairs_complete(i, m, &pairs, true, &err), UNET_OK);
    un_pairs_left_out(&pairs, text, sizeof text);
    assert_string_equal(text, "5 images without a mask: 0.png, 1.png, 3.png ...; "
                              "1 mask without an image: 7.png");
    un_pairs_release(&pairs);
    unlink(in_folder("m/2.png"));
    assert_int_equal(un_pairs_find(i, m, NULL, &pairs, &err), UNET_OK);
    assert_int_equal(un_pairs_complete(i, m, &pairs, true, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "6 of 6 images have no mask in"));
    assert_null(strstr(err.text, "only-pairs"));
    un_pairs_release(&pairs);
    put_file(in_folder("i/0.webp"), "RIFF\1\1\1\1WEBP", 12);
    assert_int_equal(un_pairs_find(in_folder("i"), in_folder("m"), NULL, &pairs, &err),
                     UNET_EFORMAT);
    assert_non_null(strstr(err.text, "i/0.webp: a WebP image; "));
}

/* ---- pages ------------------------------------------------------------------------------- */

/* A TIFF of grey pages 3 x 4; page p has values p * 10, and the last one `last`. */
static void put_pages(const char *name, int pages, int scale, int last)
{
    const struct un_sink_page page = {
        .height = 4, .width = 3, .channels = 1, .kind = UN_UINT, .bytes = 1};
    struct unet_writer *sink;
    assert_int_equal(un_sink_open(in_folder(name), 0, &sink, NULL), UNET_OK);
    for (int p = 0; p < pages; p++) {
        uint8_t values[12];
        memset(values, p * scale, sizeof values);
        values[11] = (uint8_t)last;
        assert_int_equal(un_sink_page(sink, &page, NULL), UNET_OK);
        assert_int_equal(un_sink_rows(sink, values, 4, NULL), UNET_OK);
    }
    assert_int_equal(un_sink_commit(sink, NULL), UNET_OK);
}

static unet_dataset *open_set(const char *images, const char *masks)
{
    unet_dataset *set = NULL;
    unet_error err;
    if (un_dataset_open(in_folder(images), in_folder(masks), NULL, NULL, &set, &err))
        fail_msg("%s", err.text);
    return set;
}

static void expect_no_set(const char *images, const char *masks, const char *part)
{
    unet_dataset *set = NULL;
    unet_error err = {0};
    assert_int_equal(un_dataset_open(in_folder(images), in_folder(masks), NULL, NULL, &set, &err),
                     UNET_EINVAL);
    if (!strstr(err.text, part))
        fail_msg("'%s', wanted '%s'", err.text, part);
}

static void test_pages(void **state)
{
    (void)state;
    make_files("m/.keep k/.keep");
    put_pages("a.tif", 3, 10, 9);
    put_pages("b.tif", 3, 0, 255);
    unet_dataset *set = open_set("a.tif", "b.tif");
    assert_int_equal(set->count, 3);
    assert_string_equal(set->pairs[2].name, "a.tif[2]");
    assert_int_equal(*(uint8_t *)set->pairs[2].image.data, 20);
    assert_int_equal(set->pairs[2].mask[11], 1);
    un_dataset_free(set);
    set = open_set("a.tif[1:]", "b.tif[:2]");
    assert_int_equal(set->count, 2);
    assert_int_equal(*(uint8_t *)set->pairs[0].image.data, 10);
    un_dataset_free(set);
    expect_no_set("a.tif", "b.tif[:2]", "has 3 pages, but its mask");

    put_pages("m/m1.tif", 1, 0, 1);
    put_pages("m/m2.tif", 1, 0, 1);
    expect_no_set("a.tif", "m", "a.tif has 3 pages, but there are 2 masks");
    put_pages("m/m10.tif", 1, 0, 0);
    set = open_set("a.tif", "m");
    assert_int_equal(set->count, 3);
    assert_string_equal(set->rule, "page by page with the files in their order");
    assert_string_equal(set->pairs[2].name, "a.tif[2]");
    assert_int_equal(set->pairs[1].mask[11], 1);
    assert_int_equal(set->pairs[2].mask[11], 0); /* m10 comes last */
    un_dataset_free(set);
    set = open_set("m", "b.tif");
    assert_int_equal(set->count, 3);
    assert_string_equal(set->pairs[0].name, "m1.tif");
    un_dataset_free(set);

    expect_no_set("m", "b.tif[0]", "so a folder of masks, or a file with a page for each image");

    /* stacks in folders: pages pair up, and sets may mix them with single images */
    put_pages("k/a.tif", 3, 10, 9);
    put_pages("m/a.tif", 3, 0, 1);
    put_pages("k/m1.tif", 1, 5, 9);
    set = open_set("k", "m");
    assert_int_equal(set->count, 4);
    assert_string_equal(set->pairs[0].name, "a.tif[0]");
    assert_string_equal(set->pairs[3].name, "m1.tif");
    un_dataset_free(set);
}

/* Opens i and m, of two masks; NULL: refused with this text. */
static unet_dataset *open_folders(const char *labels, const unet_dataset *like, const char *refusal)
{
    const unet_dataset_options options = {.ignore = -1, .labels = labels};
    unet_dataset *set = NULL;
    unet_error err = {0};
    if (un_dataset_open(in_folder("i"), in_folder("m"), &options, like ? &like->coding : NULL, &set,
                        &err) &&
        (!refusal || err.hints != UNET_HINT_LABELS))
        fail_msg("%s", err.text);
    if (refusal && !strstr(err.text, refusal))
        fail_msg("'%s', wanted '%s'", err.text, refusal);
    return set;
}

/* Folders that may be classes are asked for, unless masks, a person or another set say it. */
static void test_folders_asked(void **state)
{
    (void)state;
    make_files("i/.keep m/nucleus/.keep m/cell/.keep");
    put_pages("i/1.tif", 1, 0, 9);
    put_pages("i/2.tif", 1, 0, 9);
    put_pages("m/nucleus/1.tif", 1, 0, 255);
    put_pages("m/cell/2.tif", 1, 0, 255);
    assert_null(open_folders(NULL, NULL,
                             "two of its folders, which may be classes "
                             "(background,nucleus,cell) or have one class together "
                             "(background=0,object=255); one of both wanted"));
    unet_dataset *one = open_folders("background=0,object=255", NULL, NULL);
    unet_dataset *classes = open_folders("background,nucleus,cell", NULL, NULL);
    assert_int_equal(one->coding.labels, 2);
    assert_int_equal(one->pairs[0].mask[11] + one->pairs[1].mask[11], 2);
    assert_int_equal(classes->coding.labels, 3);
    assert_int_equal(classes->pairs[0].mask[11], 1);
    assert_int_equal(classes->pairs[1].mask[11], 2);
    assert_string_equal(classes->rule, "by name, each folder of masks a class");
    unet_dataset *again = open_folders(NULL, one, NULL);
    assert_int_equal(again->coding.labels, 2);
    un_dataset_free(again);
    again = open_folders(NULL, classes, NULL);
    assert_int_equal(again->pairs[1].mask[11], 2);
    un_dataset_free(again);
    un_dataset_free(one);
    un_dataset_free(classes);
    put_pages("m/nucleus/1.tif", 1, 0, 1); /* class indices, which no folder is one of */
    put_pages("m/cell/2.tif", 1, 0, 2);
    again = open_folders(NULL, NULL, NULL);
    assert_int_equal(again->coding.labels, 3);
    un_dataset_free(again);
}

/* A stack, and a folder with a file for each of its pages: no objects of one mask. */
static void test_slices(void **state)
{
    (void)state;
    char name[40];
    make_files("k/.keep");
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "k/s%d.tif", i);
        put_pages(name, 3, 0, 9);
        for (int z = 0; z < 3; z++) {
            snprintf(name, sizeof name, "m/s%d/%s%d.tif", i, i ? "s1_z0" : "00", z);
            make_files(name);
            put_pages(name, 1, 0, z == 1);
        }
    }
    unet_dataset *set = open_set("k", "m");
    assert_int_equal(set->count, 6);
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "s%d.tif[%d]", i / 3, i % 3);
        assert_string_equal(set->pairs[i].name, name);
        assert_int_equal(set->pairs[i].mask[11], i % 3 == 1);
    }
    un_dataset_free(set);
    remove(in_folder("m/s1/s1_z00.tif"));
    expect_no_set("k", "m", "s1.tif has 3 pages, and the folder of its masks 2 files");
}

/* Two folders, of which one has a stack alone: in natural order, or refused with both counts. */
static void test_lone_stack(void **state)
{
    (void)state;
    make_files("k/.keep m/.keep");
    put_pages("k/img2.tif", 1, 0, 0);
    put_pages("k/img10.tif", 1, 0, 255);
    put_pages("k/img1.tif", 1, 0, 255);
    put_pages("m/labels.tif", 3, 10, 0);
    unet_dataset *set = open_set("k", "m");
    assert_int_equal(set->count, 3);
    assert_string_equal(set->rule, "page by page with the files in their order");
    assert_string_equal(set->pairs[1].name, "img2.tif");
    for (int i = 0; i < 3; i++) { /* page i is 10 i but for one 0 */
        assert_int_equal(((uint8_t *)set->pairs[i].image.data)[11], i == 1 ? 0 : 255);
        assert_int_equal(set->pairs[i].mask[0], i);
    }
    un_dataset_free(set);
    set = open_set("m", "k");
    assert_int_equal(set->count, 3);
    assert_string_equal(set->pairs[2].name, "labels.tif[2]");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(*(uint8_t *)set->pairs[i].image.data, 10 * i);
        assert_int_equal(set->pairs[i].mask[11], i != 1);
    }
    un_dataset_free(set);
    remove(in_folder("k/img2.tif"));
    expect_no_set("k", "m",
                  "labels.tif has 3 pages, but there are 2 images; one for each page "
                  "wanted, in their order");
    expect_no_set("m", "k", "labels.tif has 3 pages, but there are 2 masks; one for each page");
    put_pages("m/labels.tif", 1, 10, 0);
    expect_no_set("k", "m", "2 of 2 images have no mask");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_natural_order), cmocka_unit_test(test_objects),
        cmocka_unit_test(test_rules),         cmocka_unit_test(test_folders),
        cmocka_unit_test(test_refusals),      IN_FOLDER(test_many_words),
        IN_FOLDER(test_incomplete),           IN_FOLDER(test_pages),
        IN_FOLDER(test_folders_asked),        IN_FOLDER(test_slices),
        IN_FOLDER(test_lone_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
