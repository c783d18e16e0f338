/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_studio_pictures.c - tiles as PNG; images that are kept in memory, and those that are too
 * large
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "studio/pictures/pictures.h"
#include "studio/pictures/png_out.h"
#include "support/folder.h"

#include "unet_image.h"

static uint32_t state_of_random = 7;
static int below(int limit)
{
    state_of_random = state_of_random * 1664525u + 1013904223u;
    return (int)((state_of_random >> 8) % (uint32_t)limit);
}

/* ---- pictures ---------------------------------------------------------------------------- */

static void save(const struct png_bytes *png, const char *name)
{
    FILE *stream = fopen(in_folder(name), "wb");

    assert_int_equal(fwrite(png->bytes, 1, png->size, stream), png->size);
    fclose(stream);
}

/* The library reads back what was written. */
static void test_png(void **state)
{
    static const uint8_t colors[3][3] = {{1, 2, 3}, {200, 100, 50}, {9, 8, 7}};
    static uint8_t pixels[256 * 3 * 256];

    (void)state;
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)below(256);
    for (int round = 0; round < 12; round++) {
        const int channels = round % 3 == 0 ? 1 : 3, indexed = round % 3 == 2;
        const int height = 1 + below(256), width = round < 3 ? 256 : 1 + below(256);
        const int deep = indexed ? 1 : channels;
        const size_t stride = (size_t)width * (size_t)deep;
        struct png_bytes png;
        unet_image image;
        unet_error err;

        for (int i = 0; indexed && i < height * width; i++)
            pixels[i] %= 3;
        assert_true(indexed ? png_indexed(pixels, height, width, stride, colors, 3, -1, &png)
                            : png_picture(pixels, height, width, channels, stride, &png));
        save(&png, "a.png");
        if (unet_image_read(in_folder("a.png"), &image, &err))
            fail_msg("%s", err.text);
        assert_int_equal(image.height, height);
        assert_int_equal(image.width, width);
        assert_int_equal(image.channels, channels);
        for (int i = 0; i < height * width * channels; i++)
            assert_int_equal(((uint8_t *)image.data)[i],
                             indexed ? colors[pixels[i / 3]][i % 3] : pixels[i]);
        unet_image_release(&image);
        free(png.bytes);
    }
}

struct reader {
    struct pictures *pictures;
    pthread_barrier_t *all;
    unet_code code;
    unet_error err;
    uint8_t sample;
};

static void *read_corner(void *context)
{
    struct reader *reader = context;
    const struct studio_rect corner = {4095, 4095, 1, 1};

    pthread_barrier_wait(reader->all);
    reader->code = pictures_read(reader->pictures, 0, corner, &reader->sample, &reader->err);
    return NULL;
}

/* Whether a copy is done. */
static void hear(void *context, int image, double share)
{
    (void)image;
    if (share >= 1)
        atomic_store((atomic_int *)context, 1);
}

/* A page asks for many tiles at once: the image is read once and is in memory once. */
static void test_read_once(void **state)
{
    enum { READERS = 32, SIDE = 4096, MEBIBYTES = 16 };
    uint8_t *samples = malloc(SIDE * SIDE);
    const struct studio_image image = {.path = in_folder("large.tif"),
                                       .height = SIDE,
                                       .width = SIDE,
                                       .channels = 1,
                                       .sample = UNET_U8};
    const unet_image written = {SIDE, SIDE, 1, UNET_U8, 0, samples};
    struct pictures *pictures;
    struct reader readers[READERS];
    pthread_t threads[READERS];
    pthread_barrier_t all;
    struct rusage before, after;
    unet_error err;

    (void)state;
    memset(samples, 7, SIDE * SIDE);
    if (unet_image_write(image.path, &written, &err) ||
        pictures_create(&image, 1, ".", hear, NULL, &pictures, &err))
        fail_msg("%s", err.text);
    free(samples);
    pthread_barrier_init(&all, NULL, READERS);
    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.pictures = pictures, .all = &all};
        assert_int_equal(pthread_create(&threads[i], NULL, read_corner, &readers[i]), 0);
    }
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        if (readers[i].code)
            fail_msg("%s", readers[i].err.text);
        assert_int_equal(readers[i].sample, 7);
    }
    getrusage(RUSAGE_SELF, &after);
    if (after.ru_maxrss - before.ru_maxrss > 6 * MEBIBYTES * 1024)
        fail_msg("%ld KiB for an image of %d MiB", after.ru_maxrss - before.ru_maxrss, MEBIBYTES);
    pthread_barrier_destroy(&all);
    pictures_free(pictures);
}

/* ---- large images ------------------------------------------------------------------------ */

enum { LARGE = 10300 }; /* so many pixels of a side, in one byte each, are not kept in memory */

/* Dark above, bright below; a file whose upper half takes no room. */
static void write_halves(const char *path)
{
    const int fd = open(path, O_RDWR | O_CREAT, 0666);
    uint8_t *row = malloc(LARGE);
    char head[32];
    const int size = snprintf(head, sizeof(head), "P5 %d %d 255\n", LARGE, LARGE);

    memset(row, 200, LARGE);
    assert_int_equal(pwrite(fd, head, (size_t)size, 0), size);
    for (off_t y = LARGE / 2; y < LARGE; y++)
        assert_int_equal(pwrite(fd, row, LARGE, size + y * LARGE), LARGE);
    close(fd);
    free(row);
}

/* The last level, which must be dark above and bright below; *coarse as the tile says. */
static void look_from_afar(struct pictures *pictures, const struct studio_image *what, int *coarse)
{
    const struct picture_view view = {.gamma = 1};
    struct png_bytes png;
    unet_image image;
    unet_error err;

    if (pictures_tile(pictures, 0, picture_levels(what) - 1, 0, 0, &view, &png, coarse, &err))
        fail_msg("%s", err.text);
    save(&png, "far.png");
    free(png.bytes);
    if (unet_image_read(in_folder("far.png"), &image, &err))
        fail_msg("%s", err.text);
    for (int y = 0; y < image.height; y++) {
        const int want = y < image.height / 2 ? 0 : 200, edge = y - image.height / 2;
        const int got = ((uint8_t *)image.data)[y * image.width + image.width / 2];

        if (got != want && (edge < -12 || edge > 12))
            fail_msg("row %d of %d: %d, wanted %d", y, image.height, got, want);
    }
    unet_image_release(&image);
}

static struct pictures *open_pictures(const struct studio_image *what, atomic_int *done)
{
    struct pictures *pictures;
    unet_error err;

    atomic_store(done, 0);
    if (pictures_create(what, 1, in_folder(""), hear, done, &pictures, &err))
        fail_msg("%s", err.text);
    return pictures;
}

static void wait_until(atomic_int *done)
{
    for (int i = 0; i < 6000 && !atomic_load(done); i++)
        usleep(10000);
    assert_true(atomic_load(done));
}

/* A large image is seen at once, from a few samples; well, when it has been gone through; and the
 * next time at once, unless the file is another one. */
static void test_large_at_once(void **state)
{
    const struct studio_image what = {.name = "halves.pgm",
                                      .path = in_folder("halves.pgm"),
                                      .height = LARGE,
                                      .width = LARGE,
                                      .channels = 1,
                                      .sample = UNET_U8};
    const struct timespec times[2] = {{1000, 0}, {1000, 5}};
    atomic_int done;
    int coarse;

    (void)state;
    write_halves(what.path);
    assert_int_equal(mkdir(in_folder("cache"), 0777), 0);
    fclose(fopen(in_folder("cache/.0-torn"), "w")); /* of one that was killed */
    struct pictures *pictures = open_pictures(&what, &done);
    assert_int_not_equal(access(in_folder("cache/.0-torn"), F_OK), 0);
    look_from_afar(pictures, &what, &coarse);
    assert_true(coarse || atomic_load(&done));
    wait_until(&done);
    look_from_afar(pictures, &what, &coarse);
    assert_false(coarse);
    pictures_free(pictures);

    pictures = open_pictures(&what, &done);
    look_from_afar(pictures, &what, &coarse);
    assert_false(coarse || atomic_load(&done)); /* nothing was made */
    pictures_free(pictures);

    assert_int_equal(utimensat(AT_FDCWD, what.path, times, 0), 0);
    pictures = open_pictures(&what, &done);
    look_from_afar(pictures, &what, &coarse);
    wait_until(&done); /* it was made anew */
    pictures_free(pictures);
}

/* What is compressed as one piece is written out once, and any part of it is read from there, now
 * and the next time. */
static void test_large_in_one_piece(void **state)
{
    const struct studio_image what = {.name = "one.png",
                                      .path = in_folder("one.png"),
                                      .height = LARGE,
                                      .width = LARGE,
                                      .channels = 1,
                                      .sample = UNET_U8};
    uint8_t *samples = calloc(LARGE, LARGE), part[16];
    const unet_image image = {LARGE, LARGE, 1, UNET_U8, 0, samples};
    const struct studio_rect rect = {5000, LARGE - 100, 8, 2};
    struct stat facts;
    atomic_int done;
    unet_error err;

    (void)state;
    for (int i = 0; i < 16; i++)
        samples[(size_t)(rect.y + i / 8) * LARGE + (size_t)(rect.x + i % 8)] = (uint8_t)(i + 1);
    if (unet_image_write(what.path, &image, &err))
        fail_msg("%s", err.text);
    free(samples);
    for (int time = 0; time < 2; time++) {
        struct pictures *pictures = open_pictures(&what, &done);
        if (pictures_read(pictures, 0, rect, part, &err))
            fail_msg("%s", err.text);
        for (int i = 0; i < 16; i++)
            assert_int_equal(part[i], i + 1);
        if (!time)
            wait_until(&done);
        assert_int_equal(atomic_load(&done), !time);
        pictures_free(pictures);
    }
    assert_int_equal(stat(in_folder("cache/0.pixels"), &facts), 0);
    assert_true(facts.st_size >= (off_t)LARGE * LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_png, folder_create, folder_destroy),
        cmocka_unit_test_setup_teardown(test_read_once, folder_create, folder_destroy),
        cmocka_unit_test_setup_teardown(test_large_at_once, folder_create, folder_destroy),
        cmocka_unit_test_setup_teardown(test_large_in_one_piece, folder_create, folder_destroy),
    };

    return cmocka_run_group_tests_name("studio pictures", tests, NULL, NULL);
}
