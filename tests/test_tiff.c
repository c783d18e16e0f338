/* SPDX-License-Identifier: Apache-2.0 */
/* test_tiff.c - reading TIFF: real files against a table, rectangles, stacks, broken files */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "data/image.h"
#include "data/tiff_read.h"
#include "folder.h"
#include "sha256.h"
#include "tiff_maker.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool skip_without(const char *path)
{
    if (!access(path, R_OK))
        return false;
    printf("skipped: no %s\n", path);
    return true;
}

static struct un_source *must_open(const char *path)
{
    struct un_source *source;
    unet_error err;
    if (un_source_open(path, &source, &err))
        fail_msg("%s", err.text);
    return source;
}

static struct un_page must_page(struct un_source *source, int i)
{
    struct un_page page;
    unet_error err;
    if (un_source_page(source, i, &page, &err))
        fail_msg("page %d: %s", i, err.text);
    return page;
}

static void *must_read(struct un_source *source, int i, struct un_page *page, struct un_rect rect)
{
    unet_error err;
    void *samples = malloc(un_rect_bytes(page, rect));
    if (un_source_raw(source, i, page, rect, samples, &err))
        fail_msg("page %d: %s", i, err.text);
    return samples;
}

static struct un_rect all_of(const struct un_page *page)
{
    return (struct un_rect){0, 0, un_page_upright_height(page), un_page_upright_width(page)};
}

/* Opening or reading all of it must fail, with these words. */
static void expect_refusal(const char *path, const char *words)
{
    struct un_source *source;
    unet_error err = {0};
    unet_code code = un_source_open(path, &source, &err);
    for (int i = 0; !code && i < source->pages; i++) {
        struct un_page page;
        if ((code = un_source_page(source, i, &page, &err)))
            break;
        void *samples = malloc(un_rect_bytes(&page, all_of(&page)));
        code = un_source_raw(source, i, &page, all_of(&page), samples, &err);
        free(samples);
        if (code)
            break;
    }
    if (!code || err.code != UNET_EFORMAT || !strstr(err.text, words))
        fail_msg("%s: '%s', wanted a refusal with '%s'", path, err.text, words);
    if (strncmp(err.text, path, strlen(path)))
        fail_msg("'%s' does not name %s", err.text, path);
}

/* ---- the table of real files ------------------------------------------------------------- */

static int column_of(const char *line, const char *name)
{
    size_t n = strlen(name);
    for (int column = 0; line; column++) {
        if (!strncmp(line, name, n) && strchr("\t\n", line[n]))
            return column;
        line = strchr(line, '\t');
        line += line ? 1 : 0;
    }
    return -1;
}

static void take_field(const char *line, int column, char *text, size_t size)
{
    for (; column > 0; column--)
        line = strchr(line, '\t') + 1;
    snprintf(text, size, "%.*s", (int)strcspn(line, "\t\n"), line);
}

/* What the table's sums are of: the samples of the first IFD as they are stored. */
static void sum_first_plane(struct un_source *source, char sum[65])
{
    struct un_page page = must_page(source, 0);
    struct un_tiff *r = source->state;
    struct un_rect all = {0, 0, page.height, page.width};
    size_t pixels = (size_t)page.height * (size_t)page.width, bytes = (size_t)page.bytes;
    size_t C = (size_t)r->stored_channels, n = r->layers[0].layout.samples;
    uint8_t *samples = malloc(pixels * C * bytes);
    unet_error err;
    if (un_tiff_read_layer(source, &r->layers[0], all, samples, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < pixels; i++)
        memmove(samples + i * n * bytes, samples + i * C * bytes, n * bytes);
    sha256(samples, pixels * n * bytes, sum);
    free(samples);
}

/* Files that do not come as the table has them, and why. */
static const struct {
    const char *file, *why;
} known_different[] = {
    {"off_luv32.tif", "LogLuv comes as RGB"},
};

static bool is_known(const char *file)
{
    for (size_t i = 0; i < COUNT(known_different); i++)
        if (strstr(file, known_different[i].file))
            return true;
    return false;
}

static bool is_readable(struct un_source *source)
{
    struct un_page page;
    unet_image image;
    unet_error err;
    bool ok =
        !un_source_page(source, 0, &page, &err) && !un_image_of_source(source, 0, &image, &err);
    if (ok)
        free(image.data);
    else
        print_message("refused: %s\n", err.text);
    return ok;
}

/* Calls `look` on each file of the table that can be opened. */
static void for_table(void (*look)(struct un_source *source, const char *file, const char *sum),
                      int *refused)
{
    char line[4096], path[1024], file[256], sum[65];
    FILE *rows = fopen(TEST_SHARED "/EXPECT_tiff.tsv", "r");
    assert_non_null(fgets(line, sizeof line, rows));
    int column = column_of(line, "sha256_raw");
    while (fgets(line, sizeof line, rows)) {
        struct un_source *source;
        struct un_page page;
        unet_error err;
        take_field(line, 0, file, sizeof file);
        take_field(line, column, sum, sizeof sum);
        snprintf(path, sizeof path, "%s/%s", TEST_SHARED, file);
        if (un_source_open(path, &source, &err)) {
            print_message("refused: %s\n", err.text);
            ++*refused;
            continue;
        }
        if (!*sum && !is_readable(source)) /* the table's makers could not read it either */
            ++*refused;
        else if (un_source_page(source, 0, &page, &err)) {
            print_message("refused: %s\n", err.text);
            ++*refused;
        } else
            look(source, file, sum);
        un_source_close(source);
    }
    fclose(rows);
}

static int sums_equal, sums_known, sums_untold;

static void compare_sum(struct un_source *source, const char *file, const char *sum)
{
    char found[65];
    sum_first_plane(source, found);
    if (!strcmp(found, sum))
        sums_equal++;
    else if (!*sum)
        sums_untold++;
    else if (is_known(file))
        sums_known++;
    else
        fail_msg("%s: samples have the sum %s, wanted %s", file, found, sum);
}

static void test_table(void **state)
{
    (void)state;
    int refused = 0;
    if (skip_without(TEST_SHARED "/EXPECT_tiff.tsv"))
        return;
    for_table(compare_sum, &refused);
    print_message("TIFF: %d pictures equal, %d known to differ, %d without a sum, %d refused\n",
                  sums_equal, sums_known, sums_untold, refused);
    /* not every libtiff can unpack every compression; half of the files need none */
    assert_true(sums_equal >= 120);
}

/* ---- rectangles -------------------------------------------------------------------------- */

static unsigned dice_state = 1;

static int dice(int n)
{
    dice_state = dice_state * 1664525u + 1013904223u;
    return (int)((dice_state >> 8) % (unsigned)n);
}

static void check_rect(struct un_source *source, const char *file, int i, struct un_page *page,
                       const uint8_t *whole, struct un_rect rect)
{
    size_t pixel = (size_t)page->channels * (size_t)page->bytes;
    size_t row = (size_t)rect.width * pixel;
    uint8_t *part = must_read(source, i, page, rect);
    for (int y = 0; y < rect.height; y++)
        if (memcmp(part + (size_t)y * row,
                   whole + ((size_t)(rect.top + y) * (size_t)un_page_upright_width(page) +
                            (size_t)rect.left) *
                               pixel,
                   row))
            fail_msg("%s: page %d: row %d of %d+%d, %d+%d differs from the whole", file, i, y,
                     rect.top, rect.height, rect.left, rect.width);
    free(part);
}

static void check_rects(struct un_source *source, const char *file, const char *sum)
{
    (void)sum;
    for (int i = 0; i < source->pages && i < 4; i++) {
        struct un_page page = must_page(source, i);
        struct un_rect all = all_of(&page);
        uint8_t *whole = must_read(source, i, &page, all);
        for (int k = 0; k < 12; k++) {
            struct un_rect rect = {dice(all.height), dice(all.width), 0, 0};
            rect.height = 1 + dice(all.height - rect.top);
            rect.width = 1 + dice(all.width - rect.left);
            check_rect(source, file, i, &page, whole, rect);
        }
        int step = 1 + dice(all.height);
        for (int top = 0; top < all.height; top += step)
            check_rect(source, file, i, &page, whole,
                       (struct un_rect){top, 0, all.height - top < step ? all.height - top : step,
                                        all.width});
        free(whole);
    }
}

static void test_rectangles(void **state)
{
    (void)state;
    int refused = 0;
    if (!skip_without(TEST_SHARED "/EXPECT_tiff.tsv"))
        for_table(check_rects, &refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_rectangles),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
