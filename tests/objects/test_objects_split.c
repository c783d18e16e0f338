/* SPDX-License-Identifier: Apache-2.0 */
/* Touching objects are parted as a plain watershed does it, and where a person would. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>

#include "objects_reference.h"
#include "objects_scene.h"

/* ---- the plain watershed of one object ---- */

struct plain {
    int height, width;
    const uint32_t *ids; /* before splitting */
    double *distance;
    uint32_t *part; /* 0: none */
    double *peak;   /* of parts, from 1 */
};

static double plain_distance(const struct plain *p, int y, int x)
{
    const uint32_t id = p->ids[y * p->width + x];
    double best = INFINITY;
    for (int v = 0; v < p->height; v++)
        for (int u = 0; u < p->width; u++)
            if (p->ids[v * p->width + u] != id)
                best = fmin(best, hypot(v - y, u - x));
    return best;
}

static void plain_merge(struct plain *p, uint32_t from, uint32_t to)
{
    for (int i = 0; i < p->height * p->width; i++)
        if (p->part[i] == from)
            p->part[i] = to;
}

static int plain_next(const struct plain *p, uint32_t id)
{
    int best = -1;
    for (int i = 0; i < p->height * p->width; i++)
        if (p->ids[i] == id && !p->part[i] && (best < 0 || p->distance[i] > p->distance[best]))
            best = i;
    return best;
}

static bool touch(const struct plain *p, int a, int b)
{
    return a != b && abs(a / p->width - b / p->width) <= 1 && abs(a % p->width - b % p->width) <= 1;
}

/* Parts are numbered as they begin; a part's name is that of the one it was merged into. */
static void plain_flood(struct plain *p, uint32_t id, double depth, uint32_t *parts)
{
    for (int at; (at = plain_next(p, id)) >= 0;) {
        int deepest = -1;
        for (int i = 0; i < p->height * p->width; i++)
            if (p->ids[i] == id && p->part[i] && touch(p, i, at) &&
                (deepest < 0 || p->distance[i] > p->distance[deepest]))
                deepest = i;
        if (deepest < 0) {
            p->peak[++*parts] = p->distance[at];
            p->part[at] = *parts;
            continue;
        }
        for (int i = 0; i < p->height * p->width; i++) {
            const uint32_t a = p->part[i], b = p->part[deepest];
            if (p->ids[i] != id || !a || a == b || !touch(p, i, at))
                continue;
            const bool a_high = p->peak[a] > p->peak[b] || (p->peak[a] == p->peak[b] && a < b);
            const uint32_t low = a_high ? b : a;
            if (p->peak[low] - p->distance[at] < depth)
                plain_merge(p, low, a_high ? a : b);
        }
        p->part[at] = p->part[deepest];
    }
}

static void check_split(const struct scene *scene, double depth)
{
    const size_t area = (size_t)scene->height * (size_t)scene->width;
    const unet_objects_options whole = {.minimum_area = 0};
    const unet_objects_options options = {.split = 1, .split_depth = depth};
    unet_objects *before = find_objects(scene, &whole, scene->height);
    unet_objects *after = find_objects(scene, &options, 3);
    uint32_t *ids = ids_of(scene, before), *got = ids_of(scene, after), parts = 0, count = 0;
    struct plain p = {scene->height,
                      scene->width,
                      ids,
                      malloc(area * sizeof(double)),
                      calloc(area, sizeof(uint32_t)),
                      malloc((area + 1) * sizeof(double))};
    uint32_t *number = calloc(area + 1, sizeof *number);
    for (int i = 0; i < (int)area; i++)
        p.distance[i] = ids[i] ? plain_distance(&p, i / p.width, i % p.width) : 0;
    for (uint32_t id = 1; id <= unet_objects_count(before); id++)
        plain_flood(&p, id, depth, &parts);
    for (size_t i = 0; i < area; i++) {
        if (p.part[i] && !number[p.part[i]])
            number[p.part[i]] = ++count;
        const uint32_t want = p.part[i] ? number[p.part[i]] : 0;
        if (got[i] != want)
            fail_msg("%s, depth %g: row %d, column %d: id %u, wanted %u", scene->name, depth,
                     (int)i / p.width, (int)i % p.width, got[i], want);
    }
    assert_int_equal(unet_objects_count(after), count);
    free(p.distance);
    free(p.part);
    free(p.peak);
    free(number);
    free(ids);
    free(got);
    unet_objects_free(before);
    unet_objects_free(after);
}

static void put_disc(struct scene *scene, double cy, double cx, double r, uint8_t class)
{
    for (int y = 0; y < scene->height; y++)
        for (int x = 0; x < scene->width; x++)
            if ((y - cy) * (y - cy) + (x - cx) * (x - cx) <= r * r)
                *pixel(scene, y, x) = class;
}

static void test_plain(void **state)
{
    static const double depths[] = {0.01, 0.75, 2};
    (void)state;
    for (uint64_t seed = 0; seed < 9; seed++) {
        struct scene scene = new_scene("discs", 26 + (int)seed, 33, 3);
        for (uint64_t i = 0; i < 9; i++)
            put_disc(&scene, un_rng_below(seed, 4 * i, 30), un_rng_below(seed, 4 * i + 1, 33),
                     2 + un_rng_below(seed, 4 * i + 2, 5),
                     (uint8_t)(1 + (un_rng_below(seed, 4 * i + 3, 5) == 0)));
        check_split(&scene, depths[seed % 3]);
        release_scene(&scene);
    }
}

static size_t count_of(const struct scene *scene, const unet_objects_options *options)
{
    unet_objects *objects = find_objects(scene, options, 5);
    const size_t count = unet_objects_count(objects);
    unet_objects_free(objects);
    return count;
}

static void test_discs(void **state)
{
    const unet_objects_options split = {.split = 1}, large = {.split = 1, .minimum_area = 400};
    (void)state;
    struct scene scene = new_scene("two discs", 60, 100, 2);
    put_disc(&scene, 30, 25, 20, 1);
    assert_int_equal(count_of(&scene, &split), 1);
    put_disc(&scene, 30, 62, 19, 1);
    assert_int_equal(count_of(&scene, NULL), 1);
    assert_int_equal(count_of(&scene, &split), 2);
    put_disc(&scene, 30, 86, 7, 1); /* 150 pixels: too few to be an object alone */
    assert_int_equal(count_of(&scene, &split), 3);
    assert_int_equal(count_of(&scene, &large), 2);
    release_scene(&scene);
    scene = new_scene("no background at all", 9, 12, 2);
    memset(scene.mask, 1, 9 * 12);
    assert_int_equal(count_of(&scene, &split), 1);
    release_scene(&scene);
}

/* A component whose box does not fit into memory stays whole, is counted, and is measured. */
static void test_too_large(void **state)
{
    const unet_objects_options options = {.split = 1, .memory = 3 << 20};
    unet_object object;
    (void)state;
    struct scene scene = new_scene("large discs", 300, 600, 2);
    put_disc(&scene, 150, 150, 140, 1);
    put_disc(&scene, 150, 420, 138, 1);
    put_disc(&scene, 8, 8, 6, 1);
    put_disc(&scene, 8, 18, 6, 1);
    unet_objects *objects = find_objects(&scene, &options, 50);
    assert_int_equal(unet_objects_left_whole(objects), 1);
    assert_int_equal(unet_objects_count(objects), 3);
    unet_objects_get(objects, 2, &object, NULL);
    assert_true(object.pixel_count > 110000);
    unet_objects_free(objects);
    release_scene(&scene);
}

/* ---- parted by what a network says of borders ---- */

/*
 * Two halves of a bar without any neck, and what a network that sees the border between them says:
 * how deep each pixel lies in its half.
 */
static struct scene two_halves(int height, int width)
{
    struct scene scene = new_scene("two halves", height, width, 2);
    scene.inner = calloc((size_t)height * (size_t)width, 1);
    for (int y = 4; y < height - 4; y++)
        for (int x = 4; x < width - 4; x++) {
            const int half = x < width / 2, from = half ? 4 : width / 2;
            const int to = half ? width / 2 : width - 4;
            const int across = x - from < to - 1 - x ? x - from : to - 1 - x;
            const int down = y - 4 < height - 5 - y ? y - 4 : height - 5 - y;
            const int near = across < down ? across : down;
            *pixel(&scene, y, x) = 1;
            scene.inner[y * width + x] = (uint8_t)(near > 7 ? 255 : 16 + 32 * near);
        }
    return scene;
}

static void test_inner(void **state)
{
    const unet_objects_options split = {.split = 1}, inner = {.size = sizeof inner, .inner = 1};
    unet_object object;
    (void)state;
    struct scene scene = two_halves(40, 81);
    assert_int_equal(count_of(&scene, &split), 1); /* there is no neck */
    unet_objects *objects = find_objects(&scene, &inner, 7);
    assert_int_equal(unet_objects_count(objects), 2);
    for (size_t i = 0; i < 2; i++) { /* the border is found to a pixel */
        unet_objects_get(objects, i, &object, NULL);
        assert_in_range(object.width, 35, 38);
        assert_int_equal(object.height, 32);
    }
    uint32_t *want = ids_of(&scene, objects);
    unet_objects_free(objects);
    for (int rows = 1; rows <= 40; rows = rows * 2 + 1) { /* however the image is cut */
        objects = find_objects(&scene, &inner, rows);
        uint32_t *got = ids_of(&scene, objects);
        assert_memory_equal(got, want, 40 * 81 * sizeof *got);
        free(got);
        unet_objects_free(objects);
    }
    free(want);
    release_scene(&scene);
}

/* Bands must have what the options promise; old programs, whose bands have no such member, promise
 * nothing. */
static void test_inner_lacks(void **state)
{
    const unet_objects_options inner = {.size = sizeof inner, .inner = 1};
    static const uint8_t mask[6] = {0, 1, 1, 0, 1, 1};
    const unet_band band = {.rows = 2, .width = 3, .mask = mask};
    unet_objects *objects;
    unet_error err;
    (void)state;
    assert_int_equal(unet_objects_create(&inner, 2, 3, 2, &objects, &err), UNET_OK);
    assert_int_equal(unet_objects_add(objects, &band, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "inner"));
    unet_objects_free(objects);
}

/* ---- nuclei that people have counted ---- */

#define NUCLEI TEST_SHARED "/seg/dsb2018/"

static size_t largest_id(const char *path)
{
    unet_image image;
    size_t most = 0;
    assert_int_equal(unet_image_read(path, &image, NULL), UNET_OK);
    for (size_t i = 0; i < (size_t)image.height * (size_t)image.width; i++) {
        const size_t id =
            image.sample == UNET_U8 ? ((uint8_t *)image.data)[i] : ((uint16_t *)image.data)[i];
        most = id > most ? id : most;
    }
    unet_image_release(&image);
    return most;
}

static size_t nuclei_of(const char *path)
{
    const unet_objects_options options = {.split = 1, .minimum_area = 10};
    unet_image image;
    assert_int_equal(unet_image_read(path, &image, NULL), UNET_OK);
    assert_int_equal(image.sample, UNET_U8);
    struct scene scene = new_scene(path, image.height, image.width, 2);
    for (int i = 0; i < image.height * image.width; i++)
        scene.mask[i] = ((uint8_t *)image.data)[i * image.channels] != 0;
    const size_t count = count_of(&scene, &options);
    release_scene(&scene);
    unet_image_release(&image);
    return count;
}

static void test_nuclei(void **state)
{
    struct dirent **names = NULL;
    const int files = scandir(NUCLEI "mask", &names, NULL, alphasort);
    double off = 0, right = 0, pictures = 0;
    (void)state;
    if (files < 0) {
        print_message("skipped: " NUCLEI "mask is not here\n");
        skip();
    }
    for (int i = 0; i < files; i++) {
        char mask[512], ids[512];
        snprintf(mask, sizeof mask, NUCLEI "mask/%s", names[i]->d_name);
        snprintf(ids, sizeof ids, NUCLEI "label16/%s", names[i]->d_name);
        if (strstr(names[i]->d_name, ".png")) {
            const double want = (double)largest_id(ids), got = (double)nuclei_of(mask);
            pictures++;
            right += want;
            off += fabs(got - want);
        }
        free(names[i]);
    }
    free(names);
    print_message("%.0f pictures of %.0f nuclei, mean error of a count %.2f\n", pictures, right,
                  off / pictures);
    assert_true(off / pictures < 1.6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),       cmocka_unit_test(test_discs),
        cmocka_unit_test(test_too_large),   cmocka_unit_test(test_inner),
        cmocka_unit_test(test_inner_lacks), cmocka_unit_test(test_nuclei),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
