/* SPDX-License-Identifier: Apache-2.0 */
/* What is written of objects, and what is refused. */
#include <locale.h>
#include <math.h>

#include "base/ziparchive.h"
#include "objects_scene.h"
#include "support/folder.h"
#include "unet_image.h"

/* An L with a hole, a speck at the edge, and a second class beside the L. */
static struct scene small_scene(void)
{
    static const char *const rows[] = {
        "1........", "..1111...", "..1.12...", "..11122..", ".........",
    };
    struct scene scene = new_scene("small", 5, 9, 3);
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 9; x++) {
            *pixel(&scene, y, x) = rows[y][x] == '.' ? 0 : (uint8_t)(rows[y][x] - '0');
            scene.image[y * 9 + x] = (float)(10 * y + x) / 4;
        }
    return scene;
}

static char *text_of(const char *path)
{
    struct un_mapping mapping;
    assert_int_equal(un_map_open(path, &mapping, NULL), UNET_OK);
    char *text = calloc(mapping.size + 1, 1);
    memcpy(text, mapping.data, mapping.size);
    un_map_release(&mapping);
    return text;
}

static void test_csv(void **state)
{
    const unet_objects_options options = {
        .pixel_height = 0.5, .pixel_width = 0.5, .unit = "um", .minimum_area = 2};
    static const char *const names[] = {"", "a \"b\", c", "=d\x1b"};
    static const char want[] =
        "id,class,class_name,area_px,centroid_y_px,centroid_x_px,perimeter_px,"
        "equivalent_diameter_px,major_axis_px,minor_axis_px,box_top_px,box_left_px,box_height_px,"
        "box_width_px,eccentricity,touches_edge,intensity_mean,intensity_min,intensity_max,"
        "intensity_integrated,area_um2,centroid_y_um,centroid_x_um,perimeter_um,"
        "equivalent_diameter_um,major_axis_um,minor_axis_um,box_top_um,box_left_um,box_height_um,"
        "box_width_um\r\n"
        "1,1,\"a \"\"b\"\", c\",10,1.9,3.2,11.6067512,3.56824823,4.25832518,3.30655914,1,2,3,4,"
        "0.630126038,0,5.55,3,8.5,55.5,2.5,0.95,1.6,5.80337559,1.78412412,2.12916259,1.65327957,"
        "0.5,1,1.5,2\r\n";
    (void)state;
    struct scene scene = small_scene();
    unet_objects *objects = find_objects(&scene, &options, 2);
    assert_int_equal(unet_objects_count(objects), 2);
    setlocale(LC_NUMERIC, "de_DE.UTF-8"); /* where there is one, points must not become commas */
    assert_int_equal(unet_objects_write_csv(objects, in_folder("o.csv"), names, NULL), UNET_OK);
    setlocale(LC_NUMERIC, "C");
    char *text = text_of(in_folder("o.csv"));
    if (strncmp(text, want, strlen(want)) != 0)
        fail_msg("got\n%s\nwanted\n%s", text, want);
    assert_non_null(strstr(text, "\r\n2,2,\"'=d?\",3,"));
    free(text);
    assert_int_equal(unet_objects_write_csv(objects, in_folder("o.csv"), NULL, NULL), UNET_OK);
    text = text_of(in_folder("o.csv"));
    assert_memory_equal(text, "id,class,area_px", 16);
    free(text);
    unet_objects_free(objects);
    release_scene(&scene);
}

static void check_ids(const struct scene *scene, unet_objects *objects, const char *path)
{
    unet_image image;
    unet_error err = {0};
    if (unet_objects_write_ids(objects, path, &err) || unet_image_read(path, &image, &err))
        fail_msg("%s", err.text);
    uint32_t *ids = ids_of(scene, objects);
    assert_int_equal(image.height, scene->height);
    assert_int_equal(image.width, scene->width);
    for (int i = 0; i < scene->height * scene->width; i++) {
        const double got = image.sample == UNET_F32 ? (double)((const float *)image.data)[i]
                                                    : ((const uint16_t *)image.data)[i];
        assert_true(got == ids[i]);
    }
    free(ids);
    unet_image_release(&image);
}

static void test_ids(void **state)
{
    unet_error err;
    (void)state;
    struct scene scene = small_scene();
    unet_objects *objects = find_objects(&scene, NULL, 2);
    check_ids(&scene, objects, in_folder("ids.tif"));
    check_ids(&scene, objects, in_folder("ids.png"));
    unet_objects_free(objects);
    release_scene(&scene);
    scene = new_scene("specks", 520, 530, 2);
    for (int y = 0; y < 520; y += 2)
        for (int x = 0; x < 530; x += 2)
            *pixel(&scene, y, x) = 1;
    objects = find_objects(&scene, NULL, 100);
    assert_int_equal(unet_objects_count(objects), 68900);
    check_ids(&scene, objects, in_folder("many.tif"));
    assert_int_equal(unet_objects_write_ids(objects, in_folder("many.png"), &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "many.png: 68900 objects, a PNG can number 65535"));
    unet_objects_free(objects);
    release_scene(&scene);
}

/* ---- outlines ---- */

static int word(const unsigned char *at)
{
    return (int16_t)(at[0] << 8 | at[1]);
}

static float float_at(const unsigned char *at)
{
    const uint32_t bits =
        (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | (uint32_t)at[3];
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Twice the signed area of a polygon, and its corners' range of x. */
static double polygon(const unsigned char *roi, double *left, double *right)
{
    const int n = word(roi + 16), subpixel = word(roi + 50) & 128;
    double area = 0, x[64], y[64];
    assert_true(n >= 4 && n <= 64);
    for (int i = 0; i < n; i++) {
        x[i] = word(roi + 10) + word(roi + 64 + 2 * i);
        y[i] = word(roi + 8) + word(roi + 64 + 2 * (n + i));
        if (subpixel) {
            x[i] = (double)float_at(roi + 64 + 4 * n + 4 * i);
            y[i] = (double)float_at(roi + 64 + 8 * n + 4 * i);
        }
    }
    *left = INFINITY;
    *right = -INFINITY;
    for (int i = 0; i < n; i++) {
        area += x[i] * y[(i + 1) % n] - x[(i + 1) % n] * y[i];
        *left = fmin(*left, x[i]);
        *right = fmax(*right, x[i]);
    }
    return area;
}

static void check_rois(const struct scene *scene)
{
    const char *path = in_folder("o.zip");
    unet_objects *objects = find_objects(scene, NULL, 2);
    unet_error err = {0};
    struct un_mapping mapping;
    struct un_zip zip;
    if (unet_objects_write_rois(objects, path, &err) || un_map_open(path, &mapping, &err) ||
        un_zip_open(path, mapping.data, mapping.size, &zip, &err))
        fail_msg("%s", err.text);
    assert_int_equal(zip.count, unet_objects_count(objects));
    for (int i = 0; i < zip.count; i++) {
        unet_object object;
        unsigned char roi[1024];
        double left, right;
        char name[32];
        unet_objects_get(objects, (size_t)i, &object, NULL);
        snprintf(name, sizeof name, "%06d.roi", i + 1);
        assert_string_equal(un_zip_name(&zip, i), name);
        assert_true(un_zip_size(&zip, i) >= 64 && un_zip_size(&zip, i) <= sizeof roi);
        assert_int_equal(un_zip_read(&zip, i, roi, NULL), UNET_OK);
        assert_memory_equal(roi, "Iout", 4);
        assert_true(polygon(roi, &left, &right) == 2 * object.pixels.area);
        assert_true(left == object.left && right == object.left + object.width);
    }
    un_zip_release(&zip);
    un_map_release(&mapping);
    unet_objects_free(objects);
}

static void test_rois(void **state)
{
    (void)state;
    struct scene scene = small_scene();
    check_rois(&scene);
    release_scene(&scene);
    scene = new_scene("pixels by their corners", 6, 6, 2);
    for (int i = 0; i < 5; i++)
        *pixel(&scene, i, i % 2 + 1) = 1;
    check_rois(&scene);
    release_scene(&scene);
    scene = new_scene("a long row", 3, 40000, 2); /* beyond 16 bits */
    memset(scene.mask + 40000 + 32000, 1, 7000);
    memset(scene.mask + 80000 + 33000, 1, 2);
    memset(scene.mask + 20, 1, 3);
    check_rois(&scene);
    release_scene(&scene);
    scene = new_scene("nothing", 3, 4, 2);
    unet_objects *objects = find_objects(&scene, NULL, 2);
    assert_int_equal(unet_objects_write_rois(objects, in_folder("none.zip"), NULL), UNET_OK);
    unet_objects_free(objects);
    release_scene(&scene);
}

/* ---- samples ---- */

static void test_samples(void **state)
{
    uint8_t mask[6] = {1, 1, 0, 0, 1, 1}, rgb[18];
    uint16_t deep[6] = {60000, 60001, 1, 2, 3, 65535};
    const unet_image images[] = {{2, 3, 3, UNET_U8, 0, rgb}, {2, 3, 1, UNET_U16, 0, deep}};
    (void)state;
    for (int i = 0; i < 18; i++)
        rgb[i] = (uint8_t)(14 * i);
    for (int i = 0; i < 2; i++) {
        const unet_objects_options options = {.channel = i ? 0 : 2};
        const unet_band band = {.rows = 2, .width = 3, .mask = mask, .image = &images[i]};
        unet_objects *objects;
        unet_object o;
        assert_int_equal(unet_objects_create(&options, 2, 3, 2, &objects, NULL), UNET_OK);
        assert_int_equal(unet_objects_add(objects, &band, NULL), UNET_OK);
        assert_int_equal(unet_objects_finish(objects, NULL), UNET_OK);
        assert_int_equal(unet_objects_get(objects, 0, &o, NULL), UNET_OK);
        assert_true(o.integrated == (i ? 60000 + 60001 + 3 + 65535 : 14 * (2 + 5 + 14 + 17)));
        assert_true(o.minimum == (i ? 3 : 28) && o.maximum == (i ? 65535 : 238));
        assert_true(o.mean == o.integrated / 4);
        assert_true(isnan(o.physical.area));
        assert_int_equal(unet_objects_get(objects, 1, &o, NULL), UNET_EINVAL);
        unet_objects_free(objects);
    }
}

/* ---- what is refused ---- */

static void test_refused(void **state)
{
    uint8_t mask[12] = {0, 1, 2, 3};
    unet_objects *objects, *none = NULL;
    unet_error err;
    (void)state;
    assert_int_equal(unet_objects_create(NULL, 0, 4, 2, &none, &err), UNET_EINVAL);
    assert_int_equal(unet_objects_create(NULL, 3, 4, 255, &none, &err), UNET_EINVAL);
    const unet_objects_options lost = {.scratch_folder = in_folder("nowhere")};
    assert_int_equal(unet_objects_create(&lost, 3, 4, 2, &none, &err), UNET_EIO);
    assert_non_null(strstr(err.text, "nowhere"));
    const unet_objects_options tiny = {.memory = 1000};
    assert_int_equal(unet_objects_create(&tiny, 3, 4, 2, &none, &err), UNET_ENOMEM);
    assert_null(none);
    assert_int_equal(unet_objects_create(NULL, 3, 4, 3, &objects, &err), UNET_OK);
    unet_band band = {.top = 1, .rows = 1, .width = 4, .mask = mask};
    assert_int_equal(unet_objects_add(objects, &band, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "wanted from row 0 of 3"));
    band.top = 0;
    band.rows = 4;
    assert_int_equal(unet_objects_add(objects, &band, &err), UNET_EINVAL);
    band.rows = 1;
    assert_int_equal(unet_objects_add(objects, &band, &err), UNET_EINVAL);
    assert_string_equal(err.text, "objects: row 0, column 3: class 3, wanted 0 to 2");
    assert_int_equal(unet_objects_add(objects, &band, &err), UNET_EINVAL);
    assert_string_equal(err.text, "objects: rows follow a failure");
    assert_int_equal(unet_objects_finish(objects, &err), UNET_EINVAL);
    assert_int_equal(unet_objects_write_ids(objects, in_folder("x.tif"), &err), UNET_EINVAL);
    assert_int_equal(unet_objects_count(objects), 0);
    unet_objects_free(objects);
    unet_objects_free(NULL);
}

/* Too many pieces for the memory: at once, with how much would do; and that much does. */
static void test_memory(void **state)
{
    unet_objects_options options = {.memory = 3 << 20};
    unet_error err = {0};
    unet_objects *objects;
    (void)state;
    struct scene scene = new_scene("specks", 1200, 1000, 2);
    for (int y = 0; y < 1200; y += 2)
        for (int x = 0; x < 1000; x += 2)
            *pixel(&scene, y, x) = 1;
    const unet_band band = {.rows = 1200, .width = 1000, .mask = scene.mask};
    assert_int_equal(unet_objects_create(&options, 1200, 1000, 2, &objects, &err), UNET_OK);
    assert_int_equal(unet_objects_add(objects, &band, &err), UNET_ENOMEM);
    const char *enough = strstr(err.text, "too many for 3.1 MB; ");
    assert_non_null(strstr(err.text, "MB would do if the other rows have as many"));
    if (!enough || atof(strstr(enough, "; ") + 2) > 100) /* the unit of its size */
        fail_msg("%s", err.text);
    unet_objects_free(objects);
    options.memory = 8 << 20; /* enough for labels, not for as many objects */
    assert_int_equal(unet_objects_create(&options, 1200, 1000, 2, &objects, &err), UNET_OK);
    assert_int_equal(unet_objects_add(objects, &band, &err), UNET_OK);
    assert_int_equal(unet_objects_finish(objects, &err), UNET_ENOMEM);
    unet_objects_free(objects);
    options.memory = 100 << 20;
    objects = find_objects(&scene, &options, 100);
    assert_int_equal(unet_objects_count(objects), 300000);
    unet_objects_free(objects);
    release_scene(&scene);
}

static int stop_now(void *context, double share)
{
    (void)context;
    return share > 0.5;
}

static void test_stop(void **state)
{
    const unet_objects_options options = {.progress = stop_now};
    unet_objects *objects;
    (void)state;
    struct scene scene = new_scene("nothing", 200, 4, 2);
    const unet_band band = {.rows = 200, .width = 4, .mask = scene.mask};
    assert_int_equal(unet_objects_create(&options, 200, 4, 2, &objects, NULL), UNET_OK);
    assert_int_equal(unet_objects_add(objects, &band, NULL), UNET_OK);
    assert_int_equal(unet_objects_finish(objects, NULL), UNET_ESTOPPED);
    unet_objects_free(objects);
    release_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),     cmocka_unit_test(test_ids),
        cmocka_unit_test(test_rois),    cmocka_unit_test(test_samples),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
