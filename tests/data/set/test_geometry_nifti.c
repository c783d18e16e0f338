/* SPDX-License-Identifier: Apache-2.0 */
/* test_geometry_nifti.c - NIfTI masks whose headers say that they lie otherwise than their images
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "geometry_volume.h"

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

/* The mask with its axes in another order, axis[k] of the image as axis k, and the right header for
 * it. */
static void put_ordered(const int axis[3], const int reversed[3], int by)
{
    uint8_t samples[W * H * D];
    struct volume mask = scene;
    mask.by = by;
    for (int k = 0; k < 3; k++) {
        mask.count[k] = scene.count[axis[k]];
        for (int r = 0; r < 3; r++) {
            double step = scene.affine[r][axis[k]];
            mask.affine[r][k] = reversed[k] ? -step : step;
            mask.affine[r][3] += reversed[k] ? step * (mask.count[k] - 1) : 0;
        }
    }
    for (int z = 0, i = 0; z < mask.count[2]; z++)
        for (int y = 0; y < mask.count[1]; y++)
            for (int x = 0; x < mask.count[0]; x++, i++) {
                int index[3] = {x, y, z}, at[3];
                for (int k = 0; k < 3; k++)
                    at[axis[k]] = reversed[k] ? mask.count[k] - 1 - index[k] : index[k];
                samples[i] = (uint8_t)is_set(at[0], at[1], at[2]);
            }
    mask.samples = samples;
    put_volume(in_folder("m/a.nii"), &mask);
}

static void check_masks(const unet_dataset *set, const char *what)
{
    assert_int_equal(set->count, D);
    for (int z = 0; z < D; z++)
        for (int i = 0; i < W * H; i++)
            if (set->pairs[z].mask[i] != is_set(i % W, i / W, z))
                fail_msg("%s: plane %d, row %d, column %d: class %d", what, z, i / W, i % W,
                         set->pairs[z].mask[i]);
}

/* All 48 ways in which the axes of a volume can lie. */
static void test_nifti_order(void **state)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    (void)state;
    make_folders();
    put_image(&scene);
    for (int i = 0; i < 48; i++) {
        const int reversed[3] = {i & 1, i >> 1 & 1, i >> 2 & 1}, plain = i == 0;
        char what[40];
        snprintf(what, sizeof what, "order %d, reversed %d", i / 8, i % 8);
        for (int by = BY_MATRIX; by <= (i < 8 ? BY_QUATERNION : BY_MATRIX); by++) {
            put_ordered(orders[i / 8], reversed, by);
            unet_dataset *set = must_open(0, !plain, 0, plain ? "" : "by its header, ");
            check_masks(set, what);
            un_dataset_free(set);
        }
    }
}

/* With keep_masks it is the image whose axes are put into order: an evaluation reads two sets of
 * masks as images of each other, and both have to end in one order. */
static void test_nifti_kept(void **state)
{
    static const int order[3] = {2, 0, 1}, reversed[3] = {0, 1, 0}, plain[3] = {0, 1, 2}, no[3];
    const unet_dataset_options options = {.ignore = -1, .keep_masks = 1};
    unet_dataset *set;
    unet_error err;
    (void)state;
    make_folders();
    put_ordered(order, reversed, BY_MATRIX);
    rename(in_folder("m/a.nii"), in_folder("i/a.nii"));
    put_ordered(plain, no, BY_MATRIX);
    if (un_dataset_open(in_folder("i"), in_folder("m"), &options, NULL, &set, &err))
        fail_msg("%s", err.text);
    check_masks(set, "masks kept");
    for (int z = 0; z < D; z++)
        assert_memory_equal(set->pairs[z].image.data, set->pairs[z].mask, W * H);
    un_dataset_free(set);
}

/* The mask's samples are in the image's order; its header is not. */
static void put_mask(double affine[3][4], int by)
{
    uint8_t samples[W * H * D];
    struct volume mask = scene;
    for (int i = 0; i < W * H * D; i++)
        samples[i] = (uint8_t)is_set(i % W, i / W % H, i / W / H);
    memcpy(mask.affine, affine, sizeof mask.affine);
    mask.samples = samples;
    mask.by = by;
    put_volume(in_folder("m/a.nii"), &mask);
}

static void test_nifti_doubt(void **state)
{
    double one[3][4] = {{1}, {0, 1}, {0, 0, 1}}, other[3][4] = {{-1}, {0, -1}, {0, 0, 1}};
    double wide[3][4] = {{-1, 0, 0, 30}, {0, -0.7, 0, 40}, {0, 0, 2, 5}};
    double moved[3][4] = {{-0.5, 0, 0, 37}, {0, -0.7, 0, 40}, {0, 0, 2, 5}};
    double near[3][4] = {{-0.5, 0, 0, 30.1}, {0, -0.7, 0, 40}, {0, 0, 2, 5}};
    const struct {
        double (*affine)[4];
        int by, warnings;
        const char *said;
    } rows[] = {
        {one, BY_MATRIX, 1, "has no place by its header"},
        {other, BY_MATRIX, 1, "has no place by its header"},
        {one, BY_SIZES, 0, ""}, /* a header that says nothing */
        {wide, BY_MATRIX, 1, "pixels of 1 x 0.7 x 2 by its header; those of the image have 0.5"},
        {wide, BY_SIZES, 1, "pixels of 1 x 0.7 x 2"},
        {moved, BY_MATRIX, 1, "begins at 37, 40, 5 by its header; the image at 30, 40, 5"},
        {near, BY_MATRIX, 0, ""}, /* rounding */
    };
    (void)state;
    make_folders();
    put_image(&scene);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_mask(rows[i].affine, rows[i].by);
        unet_dataset *set = must_open(0, 0, rows[i].warnings, rows[i].said);
        check_masks(set, rows[i].said);
        un_dataset_free(set);
        un_dataset_free(must_open(1, 0, 0, ""));
    }
}

/* One header in millimetres, the other in micrometres, or without a unit. */
static void test_nifti_units(void **state)
{
    double fine[3][4] = {{-500, 0, 0, 30000}, {0, -700, 0, 40000}, {0, 0, 2000, 5000}};
    struct volume image = scene, mask = scene;
    uint8_t samples[W * H * D];
    (void)state;
    make_folders();
    for (int i = 0; i < W * H * D; i++)
        samples[i] = (uint8_t)is_set(i % W, i / W % H, i / W / H);
    image.unit = 2;
    put_image(&image);
    memcpy(mask.affine, fine, sizeof fine);
    mask.samples = samples;
    for (int unit = 0; unit < 4; unit += 3) {
        mask.unit = unit;
        put_volume(in_folder("m/a.nii"), &mask);
        unet_dataset *set =
            must_open(0, 0, unit == 0, unit ? "" : "has pixels of 500 x 700 x 2000");
        check_masks(set, "units");
        un_dataset_free(set);
    }
}

static void test_nifti_refused(void **state)
{
    double mirrored[3][4] = {{0.5, 0, 0, 30}, {0, -0.7, 0, 40}, {0, 0, 2, 5}};
    (void)state;
    make_folders();
    put_image(&scene);
    put_mask(mirrored, BY_MATRIX); /* beside the image, not over it */
    must_refuse("RPS", "LPS");
    unet_dataset *set = must_open(1, 0, 0, "");
    check_masks(set, "as stored");
    un_dataset_free(set);
}

static void test_nifti_directions(void **state)
{
    struct volume other = scene;
    (void)state;
    make_folders();
    put_image(&scene);
    put_mask((double(*)[4])scene.affine, BY_MATRIX);
    rename(in_folder("i/a.nii"), in_folder("i/b.nii"));
    rename(in_folder("m/a.nii"), in_folder("m/b.nii"));
    other.affine[1][1] = 0.7;
    put_image(&other);
    put_mask(other.affine, BY_MATRIX);
    un_dataset_free(must_open(0, 0, 1, "LAS by their headers and 1 in others (LPS"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_nifti_order),   IN_FOLDER(test_nifti_kept),
        IN_FOLDER(test_nifti_doubt),   IN_FOLDER(test_nifti_units),
        IN_FOLDER(test_nifti_refused), IN_FOLDER(test_nifti_directions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
