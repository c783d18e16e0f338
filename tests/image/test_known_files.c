/* SPDX-License-Identifier: Apache-2.0 */
/* Files of other programs are named, with the way on: as images, as models, in folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "image/source.h"
#include "support/folder.h"
#include "unet_exchange.h"
#include "unet_image.h"

enum { SIZE = 1200 };

/* Bytes that begin so, padded with zeros. */
static const struct {
    const char *name;
    size_t offset, size;
    const char *bytes, *inside, *want;
} rows[] = {
    {"a.czi", 0, 10, "ZISRAWFILE", NULL, "a Zeiss CZI image; Fiji (Bio-Formats) saves it as TIFF"},
    {"renamed.tif", 0, 10, "ZISRAWFILE", NULL, "a Zeiss CZI image; Fiji"},
    {"a.nd2", 0, 4, "\xda\xce\xbe\x0a", NULL, "a Nikon ND2 image; Fiji"},
    {"a.lif", 0, 9, "\x70\0\0\0\x10\0\0\0\x2a", NULL, "a Leica LIF image; Fiji"},
    {"a.vsi", 0, 4, "II*\0", NULL,
     "an Olympus VSI image, whose picture is in the folder beside it"},
    {"a.oib", 0, 8, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", NULL, "an Olympus OIB or Zeiss ZVI image"},
    {"a.oif", 0, 3, "\xff\xfe[", NULL, "an Olympus OIF image"},
    {"a.ims", 0, 8, "\x89HDF\r\n\x1a\n", NULL, "an Imaris image (HDF5); Fiji"},
    {"a.h5", 0, 8, "\x89HDF\r\n\x1a\n", NULL, "an HDF5 file; in Python, numpy.save('x.npy', h5py"},
    {"a.weights.h5", 0, 8, "\x89HDF\r\n\x1a\n", NULL,
     "the weights of a Keras model without the model (HDF5); in Python, model.load_weights(FILE)"},
    {"a.h5", 0, 8, "\x89HDF\r\n\x1a\n", "model_config",
     "a Keras model (HDF5); it is read as a model"},
    {"a.mrc", 208, 4, "MAP ", NULL, "an MRC volume; Fiji"},
    {"a.dcm", 128, 4, "DICM", NULL, "a DICOM image; SimpleITK"},
    {"a.mp4", 0, 12,
     "\0\0\0\x20"
     "ftypisom",
     NULL, "a film (MP4 or MOV); ffmpeg -i FILE"},
    {"a.heic", 0, 12,
     "\0\0\0\x18"
     "ftypheic",
     NULL, "a HEIF or AVIF image"},
    {"a.avi", 0, 12, "RIFF\x24\0\0\0AVI ", NULL, "a film (AVI); ffmpeg"},
    {"a.webp", 0, 12, "RIFF\x24\0\0\0WEBP", NULL, "a WebP image"},
    {"a.npz", 0, 4, "PK\3\4", "x.npy", "arrays in an .npz file; in Python, numpy.save("},
    {"a.keras", 0, 4, "PK\3\4", NULL, "a Keras model; it is read as a model"},
    {"a.zip", 0, 4, "PK\3\4", "rdf.yaml", "a bioimage.io package; it is read as a model"},
    {"a.tflite", 4, 4, "TFL3", NULL, "a TensorFlow Lite model; tf2onnx"},
    {"a.json", 0, 1, "{", "\"weight_map\"", "an index of safetensors shards; it is read"},
    {"a.png", 0, 23, "version https://git-lfs", NULL, "a Git LFS pointer, not the file; git lfs"},
    {"a.tif", 0, 15, "<!DOCTYPE html>", NULL, "a web page, not the file"},
};

static void make_bytes(size_t row, unsigned char bytes[SIZE])
{
    memset(bytes, 0, SIZE);
    memcpy(bytes + rows[row].offset, rows[row].bytes, rows[row].size);
    if (rows[row].inside)
        memcpy(bytes + 600, rows[row].inside, strlen(rows[row].inside));
}

static void expect(const char *name, const char *as, const char *text, const char *want)
{
    if (!strstr(text, want))
        fail_msg("%s, as %s: \"%s\", wanted \"%s\"", name, as, text, want);
}

static void test_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char bytes[SIZE];
        char text[400], label[64];
        unet_source *source = NULL;
        unet_model *model = NULL;
        unet_error err;
        make_bytes(i, bytes);
        snprintf(label, sizeof label, "row %zu, %s", i, rows[i].name);
        put_file(in_folder(rows[i].name), bytes, SIZE);
        assert_int_equal(unet_source_open(in_folder(rows[i].name), &source, &err), UNET_EFORMAT);
        expect(label, "an image", err.text, rows[i].want);
        assert_int_equal(unet_known_file(in_folder(rows[i].name), text, sizeof text), 1);
        expect(label, "a file", text, rows[i].want);
        if (unet_model_load(in_folder(rows[i].name), &model, &err) != UNET_EFORMAT)
            fail_msg("%s: is a model", label);
        if (!strstr(rows[i].want, "not the file") && strcmp(rows[i].name, "a.vsi") &&
            memcmp(bytes, "PK", 2)) /* broken archives here */
            expect(label, "a model", err.text, rows[i].want);
        remove(in_folder(rows[i].name));
    }
}

static void test_folders(void **state)
{
    unet_dataset *set = NULL;
    char text[400], images[200], masks[200], mrc[300];
    unet_error err;
    (void)state;
    snprintf(images, sizeof images, "%s", in_folder("films"));
    snprintf(masks, sizeof masks, "%s", in_folder("volumes"));
    mkdir(images, 0700);
    mkdir(masks, 0700);
    assert_int_equal(unet_known_file(images, text, sizeof text), 0);
    assert_string_equal(text, "");
    put_file(in_folder("films/b.avi"), "RIFF\x24\0\0\0AVI ", 12);
    memset(mrc, 0, sizeof mrc);
    memcpy(mrc + 208, "MAP ", 4);
    put_file(in_folder("volumes/b.mrc"), mrc, sizeof mrc);
    assert_int_equal(unet_dataset_open(images, masks, NULL, &set, &err), UNET_EINVAL);
    expect("films", "a folder of images", err.text, "b.avi: a film (AVI); ffmpeg");
    put_file(in_folder("films/b.pgm"), "P5 2 2 255\n\1\2\3\4", 15);
    assert_int_equal(unet_dataset_open(images, masks, NULL, &set, &err), UNET_EINVAL);
    expect("volumes", "a folder of masks", err.text, "b.mrc: an MRC volume; Fiji");
    mkdir(in_folder("saved"), 0700);
    put_file(in_folder("saved/saved_model.pb"), "\x08\x01", 2);
    assert_int_equal(unet_known_file(in_folder("saved"), text, sizeof text), 1);
    expect("saved", "a folder", text, "a TensorFlow SavedModel; tf2onnx");
}

/* cellpose's _seg.npy is an object; beside a mask it is passed over. */
static void test_pickled(void **state)
{
    char seg[160] = "\x93NUMPY\1\0\x76"; /* and 0: 118 bytes */
    unet_dataset *set = NULL;
    unet_error err;
    char folder[200];
    (void)state;
    snprintf(folder, sizeof folder, "%s", in_folder("cellpose"));
    mkdir(folder, 0700);
    put_file(in_folder("cellpose/a.pgm"), "P5 2 2 255\n\1\2\3\4", 15);
    snprintf(seg + 10, sizeof seg - 10, "%-117s\n",
             "{'descr': '|O', 'fortran_order': False, 'shape': (), }");
    put_file(in_folder("cellpose/a_seg.npy"), seg, sizeof seg);
    assert_int_equal(unet_dataset_open(folder, folder, NULL, &set, &err), UNET_EFORMAT);
    expect("a_seg.npy", "a mask", err.text, "such as cellpose's _seg.npy, and no array; in Python");
    put_file(in_folder("cellpose/a_cp_masks.pgm"), "P5 2 2 255\n\0\1\0\1", 15);
    if (unet_dataset_open(folder, folder, NULL, &set, &err))
        fail_msg("%s", err.text);
    unet_dataset_free(set);
}

/* What is damaged is not called truncated while its end is there. */
static void test_png(void **state)
{
    uint8_t pixels[32 * 32];
    unsigned char *bytes;
    size_t size = 0;
    const unet_image image = {32, 32, 1, UNET_U8, 0, pixels};
    unet_error err;
    (void)state;
    for (int i = 0; i < 32 * 32; i++)
        pixels[i] = (uint8_t)(i * i);
    assert_int_equal(unet_image_write(in_folder("a.png"), &image, &err), UNET_OK);
    bytes = get_file(in_folder("a.png"), &size);
    for (size_t at = 8; at < 40; at++) {
        unet_image read = {0};
        bytes[at] ^= 0x40;
        put_file(in_folder("b.png"), bytes, size);
        bytes[at] ^= 0x40;
        if (unet_image_read(in_folder("b.png"), &read, &err)) {
            if (strstr(err.text, "truncated"))
                fail_msg("byte %zu: %s", at, err.text);
        }
        unet_image_release(&read);
    }
    unet_image read = {0};
    put_file(in_folder("b.png"), bytes, size / 2);
    assert_int_equal(unet_image_read(in_folder("b.png"), &read, &err), UNET_EFORMAT);
    expect("b.png", "half of a file", err.text, "truncated PNG");
    unet_image_release(&read);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_pickled),
        cmocka_unit_test(test_png),
    };
    return cmocka_run_group_tests_name("known_files", tests, folder_create, folder_destroy);
}
