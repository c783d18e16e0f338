/* SPDX-License-Identifier: Apache-2.0 */
/* test_volumes_files.c - samples in a file beside their header; what is cut short, and what is
 * refused */
#include "volumes_maker.h"

#include "support/links.h"

/* ---- files beside ------------------------------------------------------------------------ */

static void put_header(const char *name, const char *format, const char *file)
{
    struct bytes b = {0};
    add_text(&b, format, file);
    put_file(in_folder(name), b.data, b.size);
    free(b.data);
}

#define DETACHED                                                                                   \
    "NRRD0004\ntype: int16\nendian: little\ndimension: 3\nsizes: 7 5 3\nencoding: raw\n"

static void test_beside(void **state)
{
    static const struct {
        const char *name, *format;
        int before; /* bytes of the file before the samples */
    } rows[] = {
        {"a.nhdr", DETACHED "data file: %s", 0},
        {"b.nhdr", DETACHED "datafile: ./%s\nbyte skip: 9\n\n", 9},
        {"c.nhdr", DETACHED "byte skip: -1\ndata file: %s\n", 33},
        {"d.nhdr", DETACHED "line skip: 2\nbyteskip: 1\ndata file: %s\n", 5},
        {"e.mhd", "NDims = 3\nDimSize = 7 5 3\nElementType = MET_SHORT\nElementDataFile = %s\n", 0},
        {"f.mhd",
         "NDims = 3\nDimSize = 7 5 3\nHeaderSize = 9\nElementType = MET_SHORT\n"
         "ElementDataFile = %s\n",
         9},
        {"g.mhd",
         "NDims = 3\nDimSize = 7 5 3\nHeaderSize = -1\nElementType = MET_SHORT\n"
         "ElementDataFile = %s",
         7},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes samples = {0};
        struct unet_source *source;
        unet_error err;
        put_header(rows[i].name, rows[i].format, "s.raw");
        assert_int_not_equal(un_source_open(in_folder(rows[i].name), &source, &err), UNET_OK);
        assert_non_null(strstr(err.text, "its samples are in a file of their own: "));
        for (int k = 0; k < rows[i].before; k++)
            bytes_add(&samples, k % 2 ? "\n" : "x", 1);
        add_samples(&samples, &types[1], PLACES, false);
        put_file(in_folder("s.raw"), samples.data, samples.size);
        if (un_source_open(in_folder(rows[i].name), &source, &err))
            fail_msg("%s: %s", rows[i].name, err.text);
        check_samples(source, &types[1], (struct steps){1, W, W * H, 0}, rows[i].name);
        un_source_close(source);
        put_file(in_folder("s.raw"), samples.data, 2 * PLACES - 1);
        assert_int_equal(un_source_open(in_folder(rows[i].name), &source, &err), UNET_EFORMAT);
        assert_non_null(strstr(err.text, "s.raw: truncated"));
        put_header(rows[i].name, rows[i].format, "../s.raw");
        assert_int_equal(un_source_open(in_folder(rows[i].name), &source, &err), UNET_EIO);
        assert_non_null(strstr(err.text, "wanted in the folder of"));
        if (make_link("/etc/hostname", in_folder("link.raw"))) {
            put_header(rows[i].name, rows[i].format, "link.raw");
            assert_int_equal(un_source_open(in_folder(rows[i].name), &source, &err), UNET_EIO);
        }
        put_header(rows[i].name, rows[i].format, "s%03d.raw 1 3 1");
        assert_int_equal(un_source_open(in_folder(rows[i].name), &source, &err), UNET_EFORMAT);
        assert_non_null(strstr(err.text, "in a list of files"));
        unlink(in_folder("link.raw"));
        unlink(in_folder("s.raw"));
        free(samples.data);
    }
}

/* ---- damage ------------------------------------------------------------------------------ */

static void test_truncated(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct bytes b = make(way & 2, 1, true, way & 1);
        check_truncation(b.data, b.size);
        check_damage(b.data, b.size, 3000);
        must_fail(b.data, b.size - 1, "truncated");
        if (way & 1) { /* of the sum */
            b.data[b.size - 1 - (way & 2 ? 4 : 0)] ^= 1;
            must_fail(b.data, b.size, way & 2 ? "broken gzip data" : "broken zlib data");
        }
        free(b.data);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *header, *words;
    } rows[] = {
        {"NRRD0004\ntype: block\n\n", "type \"block\""},
        {"NRRD0004\ntype: uchar\n\n", "encoding \"\""},
        {"NRRD0004\ntype: uchar\nencoding: bzip2\n\n", "encoding \"bzip2\"; raw or gzip wanted"},
        {"NRRD0004\ntype: uchar\nencoding: ascii\n\n", "encoding \"ascii\""},
        {"NRRD0004\ntype: short\nencoding: raw\n\n", "endian is \"\""},
        {"NRRD0004\ntype: uchar\nencoding: raw\n\n", "dimension \"\"; 1 to 16"},
        {"NRRD0004\ntype: uchar\nencoding: raw\ndimension: 17\n\n", "dimension \"17\""},
        {"NRRD0004\ntype: uchar\nencoding: raw\ndimension: 3\nsizes: 3 4\n\n", "sizes are \"3 4\""},
        {"NRRD0004\ntype: uchar\nencoding: raw\ndimension: 2\nsizes: 3 0\n\n", "dimension 2 is 0"},
        {"NRRD0004\ntype: uchar\nencoding: raw\ndimension: 2\nsizes: 3 1e9\n\n", "dimension 2 is"},
        {"NRRD0004\ntype: uchar\nencoding: raw\ndimension: 2\nsizes: 3 x\n\n", "sizes are \"3 x\""},
        {"NRRD0004\ntype: uchar\nencoding: gzip\ndimension: 3\nsizes: 99999 99999 999\n\n",
         "truncated or broken"},
        {"NRRD0004\n" SIDES "byte skip: -2\n\n", "byte skip \"-2\""},
        {"NRRD0004\n" SIDES "line skip: -1\n\n", "line skip \"-1\""},
        {"NRRD0004\n" SIDES "kinds: complex domain domain\n\n", "complex numbers"},
        {"NRRD0004\n" SIDES "kinds: vector domain vector\n\n", "axes 1 and 3 are both channels"},
        {"NRRD0004\n" SIDES, "truncated NRRD header"},
        {"NRRD0004\n" SIDES "data file: LIST\na.raw\n", "in a list of files, LIST"},
        {"NRRD0004\n" SIDES "data file: a.raw\n", "only the header of an image"},
        {"ObjectType = Tube\nElementDataFile = LOCAL\n", "a Tube of MetaIO"},
        {META "BinaryData = False" LOCAL, "samples as text"},
        {META, "truncated MetaImage header"},
        {"NDims = 3\nDimSize = 7 5 3\nElementType = MET_STRING" LOCAL, "type MET_STRING"},
        {"NDims = 0\nElementType = MET_CHAR" LOCAL, "0 dimensions"},
        {"NDims = 3\nDimSize = 7 5\nElementType = MET_CHAR" LOCAL, "DimSize is \"7 5\""},
        {META "ElementNumberOfChannels = 0" LOCAL, "0 channels"},
        {META "HeaderSize = x" LOCAL, "HeaderSize is x"},
        {META LOCAL, "truncated"},
        {META "CompressedData = True" LOCAL, "truncated"},
        {META "ElementDataFile = LIST 2\n", "in a list of files, LIST 2"},
        {META "ElementDataFile = a.raw\n", "only the header of an image"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        must_fail(rows[i].header, strlen(rows[i].header), rows[i].words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("volumes", tests, folder_create, folder_destroy);
}
