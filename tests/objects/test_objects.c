/* SPDX-License-Identifier: Apache-2.0 */
/* Objects: labels, holes, sums and parts against the plain way, whatever the bands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "objects_reference.h"
#include "objects_scene.h"

static void near(const struct scene *scene, const char *what, uint32_t id, double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * (1 + fabs(want))))
        fail_msg("%s: object %u: %s %.15g, wanted %.15g", scene->name, id, what, got, want);
}

static void compare_object(const struct scene *scene, const unet_object *got,
                           const unet_object *want)
{
    const unet_lengths *g = &got->pixels, *w = &want->pixels;
    if (got->label != want->label || got->pixel_count != want->pixel_count ||
        got->top != want->top || got->left != want->left || got->height != want->height ||
        got->width != want->width || got->touches_edge != want->touches_edge)
        fail_msg("%s: object %u: class %d, %d pixels in %d x %d from %d, %d, edge %d; wanted class "
                 "%d, %d pixels in %d x %d from %d, %d, edge %d",
                 scene->name, want->id, got->label, (int)got->pixel_count, got->height, got->width,
                 got->top, got->left, got->touches_edge, want->label, (int)want->pixel_count,
                 want->height, want->width, want->top, want->left, want->touches_edge);
    near(scene, "area", want->id, g->area, w->area);
    near(scene, "y", want->id, g->y, w->y);
    near(scene, "x", want->id, g->x, w->x);
    near(scene, "perimeter", want->id, g->perimeter, w->perimeter);
    near(scene, "diameter", want->id, g->equivalent_diameter, w->equivalent_diameter);
    near(scene, "major axis", want->id, g->major_axis, w->major_axis);
    near(scene, "minor axis", want->id, g->minor_axis, w->minor_axis);
    near(scene, "eccentricity^2", want->id, got->eccentricity * got->eccentricity,
         want->eccentricity * want->eccentricity);
    near(scene, "mean", want->id, got->mean, want->mean);
    near(scene, "integrated", want->id, got->integrated, want->integrated);
    near(scene, "minimum", want->id, got->minimum, want->minimum);
    near(scene, "maximum", want->id, got->maximum, want->maximum);
}

static void check_whole(const struct scene *scene, const unet_objects_options *options)
{
    struct reference want =
        reference_make(scene->mask, scene->image, scene->height, scene->width, !options->keep_holes,
                       options->minimum_area ? options->minimum_area : 1);
    unet_objects *objects = find_objects(scene, options, scene->height);
    uint32_t *ids = ids_of(scene, objects);
    if (unet_objects_count(objects) != want.count)
        fail_msg("%s: %zu objects, wanted %zu", scene->name, unet_objects_count(objects),
                 want.count);
    for (size_t i = 0; i < (size_t)scene->height * (size_t)scene->width; i++)
        if (ids[i] != want.ids[i])
            fail_msg("%s (%d x %d): row %d, column %d: id %u, wanted %u", scene->name,
                     scene->height, scene->width, (int)i / scene->width, (int)i % scene->width,
                     ids[i], want.ids[i]);
    for (size_t i = 0; i < want.count; i++) {
        unet_object got;
        assert_int_equal(unet_objects_get(objects, i, &got, NULL), UNET_OK);
        assert_int_equal(got.id, i + 1);
        compare_object(scene, &got, &want.objects[i]);
    }
    free(ids);
    unet_objects_free(objects);
    reference_release(&want);
}

/* Every height of bands gives the same bits as the whole. */
static void check_bands(const struct scene *scene, const unet_objects_options *options)
{
    unet_objects *whole = find_objects(scene, options, scene->height);
    uint32_t *want = ids_of(scene, whole);
    for (int rows = 1; rows < scene->height; rows += rows < 8 ? 1 : 5) {
        unet_objects *objects = find_objects(scene, options, rows);
        uint32_t *got = ids_of(scene, objects);
        assert_int_equal(unet_objects_count(objects), unet_objects_count(whole));
        assert_memory_equal(got, want, (size_t)scene->height * (size_t)scene->width * sizeof *got);
        for (size_t i = 0; i < unet_objects_count(whole); i++) {
            unet_object a, b;
            memset(&a, 0, sizeof a);
            memset(&b, 0, sizeof b);
            unet_objects_get(whole, i, &a, NULL);
            unet_objects_get(objects, i, &b, NULL);
            assert_memory_equal(&a, &b, sizeof a);
        }
        free(got);
        unet_objects_free(objects);
    }
    free(want);
    unet_objects_free(whole);
}

static void check_scene(const struct scene *scene)
{
    const unet_objects_options options[] = {
        {.minimum_area = 0}, {.minimum_area = 5}, {.keep_holes = 1}, {.split = 1}};
    for (int i = 0; i < 3; i++)
        check_whole(scene, &options[i]);
    for (int i = 0; i < 4; i++)
        check_bands(scene, &options[i]);
}

/* ---- masks ---- */

static void test_random(void **state)
{
    static const int sizes[][2] = {{1, 1},   {1, 17}, {19, 1},  {2, 2},  {3, 8},
                                   {17, 23}, {31, 9}, {24, 40}, {40, 64}};
    static const int percents[] = {0, 5, 20, 40, 50, 60, 80, 95, 100};
    uint64_t draw = 0;
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t p = 0; p < sizeof percents / sizeof *percents; p++)
            for (int classes = 2; classes < 5; classes++) {
                char name[64];
                snprintf(name, sizeof name, "%d %% of %d classes", percents[p], classes);
                struct scene scene = new_scene(name, sizes[s][0], sizes[s][1], classes);
                for (int i = 0; i < scene.height * scene.width; i++, draw++)
                    if ((int)un_rng_below(1, draw, 100) < percents[p])
                        scene.mask[i] = (uint8_t)(1 + un_rng_below(2, draw, (uint32_t)classes - 1));
                check_scene(&scene);
                release_scene(&scene);
            }
}

/* Blobs: random masks made smooth, so that there are holes, islands in them, and necks. */
static void test_blobs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 12; seed++) {
        const int height = 60, width = 70, classes = 2 + (int)(seed % 3);
        struct scene scene = new_scene("blobs", height, width, classes);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                double sum = 0;
                for (int k = 0; k < 8; k++) {
                    const double a = 0.1 + 0.4 * un_rng_uniform(seed + 100, (uint64_t)k);
                    const double b = 0.1 + 0.4 * un_rng_uniform(seed + 200, (uint64_t)k);
                    sum += sin(a * y + 7 * b) * cos(b * x + 9 * a);
                }
                if (fabs(sum) > 0.6)
                    *pixel(&scene, y, x) =
                        (uint8_t)(sum > 0 ? 1 : 1 + (x / 9 + (int)seed) % (classes - 1));
            }
        check_scene(&scene);
        release_scene(&scene);
    }
}

static void test_spiral(void **state)
{
    (void)state;
    for (int gap = 1; gap < 3; gap++) {
        struct scene scene = new_scene("a spiral", 41, 37, 2);
        static const int step[4][2] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
        int y = 0, x = 0, way = 0, turns = 0;
        while (turns < 2) {
            const int v = y + step[way][0], u = x + step[way][1];
            const int far_v = v + gap * step[way][0], far_u = u + gap * step[way][1];
            const bool in = v >= 0 && u >= 0 && v < scene.height && u < scene.width;
            const bool seen = far_v >= 0 && far_u >= 0 && far_v < scene.height &&
                              far_u < scene.width && *pixel(&scene, far_v, far_u);
            *pixel(&scene, y, x) = 1;
            if (!in || seen) {
                way = (way + 1) % 4;
                turns++;
                continue;
            }
            turns = 0;
            y = v;
            x = u;
        }
        check_scene(&scene);
        release_scene(&scene);
    }
}

static void test_combs(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct scene scene = new_scene("a comb", 20, 31, 3);
        for (int y = 0; y < scene.height; y++)
            for (int x = 0; x < scene.width; x++) {
                const int v = kind & 1 ? scene.height - 1 - y : y;
                *pixel(&scene, y, x) = v == 0 || x % 2 ? 1 : 0;
                if (kind & 2 && x % 4 == 2 && v > 5)
                    *pixel(&scene, y, x) = 2;
            }
        check_scene(&scene);
        release_scene(&scene);
    }
}

/* Rings in rings: all of one class, two classes by turns, and broken by one pixel. */
static void test_rings(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        struct scene scene = new_scene("rings", 39, 39, 3);
        for (int y = 0; y < 39; y++)
            for (int x = 0; x < 39; x++) {
                const int dy = abs(y - 19), dx = abs(x - 19), d = dy > dx ? dy : dx;
                if (d % 3 == 0 && d < 19)
                    *pixel(&scene, y, x) = kind % 2 ? (uint8_t)(1 + d / 3 % 2) : 1;
            }
        if (kind >= 2)
            *pixel(&scene, 19, 19 + 6 * (kind / 2)) = 0; /* opens a ring by its side */
        if (kind >= 4)
            *pixel(&scene, 19 - 9, 19 - 9) = 0; /* a corner: its ring opens to sides */
        check_scene(&scene);
        release_scene(&scene);
    }
}

/* ---- shapes with known measures ---- */

static unet_object only_object(const struct scene *scene, const unet_objects_options *options)
{
    unet_object object;
    unet_objects *objects = find_objects(scene, options, 7);
    assert_int_equal(unet_objects_count(objects), 1);
    unet_objects_get(objects, 0, &object, NULL);
    unet_objects_free(objects);
    return object;
}

static void test_ellipse(void **state)
{
    const double pi = 3.14159265358979323846;
    (void)state;
    for (int turn = 0; turn < 180; turn += 15) {
        const double a = 60, b = 36, c = cos(turn * pi / 180), s = sin(turn * pi / 180);
        struct scene scene = new_scene("an ellipse", 160, 160, 2);
        for (int y = 0; y < 160; y++)
            for (int x = 0; x < 160; x++) {
                const double u = (x - 80.3) * c + (y - 79.6) * s;
                const double v = (y - 79.6) * c - (x - 80.3) * s;
                *pixel(&scene, y, x) = u * u / (a * a) + v * v / (b * b) <= 1;
            }
        const unet_object o = only_object(&scene, NULL);
        const double h = (a - b) * (a - b) / ((a + b) * (a + b));
        const double around = pi * (a + b) * (1 + 3 * h / (10 + sqrt(4 - 3 * h))); /* Ramanujan */
        assert_true(fabs(o.pixels.area / (pi * a * b) - 1) < 0.005);
        assert_true(fabs(o.pixels.perimeter / around - 1) < 0.015);
        assert_true(fabs(o.eccentricity - sqrt(1 - b * b / (a * a))) < 0.003);
        assert_true(fabs(o.pixels.major_axis / (2 * a) - 1) < 0.005);
        assert_true(fabs(o.pixels.minor_axis / (2 * b) - 1) < 0.005);
        assert_true(fabs(o.pixels.y - 79.6) < 0.05 && fabs(o.pixels.x - 80.3) < 0.05);
        release_scene(&scene);
    }
}

/* A disc seen by pixels that are twice as wide as high is a disc in micrometres. */
static void test_oblong_pixels(void **state)
{
    const double pi = 3.14159265358979323846, r = 50;
    const unet_objects_options options = {.pixel_height = 0.5, .pixel_width = 1, .unit = "um"};
    (void)state;
    struct scene scene = new_scene("oblong pixels", 240, 120, 2);
    for (int y = 0; y < 240; y++)
        for (int x = 0; x < 120; x++)
            *pixel(&scene, y, x) = (y * 0.5 - 60) * (y * 0.5 - 60) + (x - 60) * (x - 60) <= r * r;
    const unet_object o = only_object(&scene, &options);
    assert_true(fabs(o.physical.area / (pi * r * r) - 1) < 0.005);
    assert_true(fabs(o.physical.perimeter / (2 * pi * r) - 1) < 0.015);
    assert_true(fabs(o.physical.equivalent_diameter / (2 * r) - 1) < 0.005);
    assert_true(o.eccentricity < 0.1 && o.pixels.major_axis > 1.9 * o.pixels.minor_axis);
    assert_true(fabs(o.physical.y - 60) < 0.05 && fabs(o.physical.x - 60) < 0.05);
    release_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),        cmocka_unit_test(test_blobs),
        cmocka_unit_test(test_spiral),        cmocka_unit_test(test_combs),
        cmocka_unit_test(test_rings),         cmocka_unit_test(test_ellipse),
        cmocka_unit_test(test_oblong_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
