/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_studio_labels.c - strokes, labels by tiles, the journal, undo: each against plain arrays
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "studio/labels/flood.h"
#include "studio/labels/image_labels.h"
#include "support/folder.h"

#include "studio_plain.h"

/* ---- shapes ------------------------------------------------------------------------------ */

static void test_shapes(void **state)
{
    uint8_t *labels = malloc(HEIGHT * WIDTH);

    (void)state;
    for (int round = 0; round < 12; round++) {
        const int is_line = round % 2;
        struct stroke stroke = is_line ? random_stroke(STROKE_LINE, 1 + below(6), 2000)
                                       : random_stroke(STROKE_POLYGON, 3 + below(7), 3000);

        stroke.label = 3;
        memset(labels, UNET_IGNORE, HEIGHT * WIDTH);
        draw_on(&stroke, everything, labels);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                const int covered = labels[y * WIDTH + x] == 3;
                double margin = 0;
                int want;

                if (is_line) {
                    margin = depth_in_line(&stroke, x + 0.5, y + 0.5);
                    want = margin >= 0;
                } else {
                    want = is_in_polygon(&stroke, x + 0.5, y + 0.5, &margin);
                }
                if (covered != want && fabs(margin) > 1e-9)
                    fail_msg("round %d: pixel (%d, %d) is %d, want %d (margin %g)", round, x, y,
                             covered, want, margin);
                if (covered)
                    assert_true(x >= stroke.rect.x && x < stroke.rect.x + stroke.rect.width &&
                                y >= stroke.rect.y && y < stroke.rect.y + stroke.rect.height);
            }
        stroke_release(&stroke);
    }
    free(labels);
}

/* Pixels of a random label or none. */
static struct stroke random_runs(void)
{
    struct stroke stroke = {
        .kind = STROKE_RUNS,
        .rect = {below(WIDTH - 150), below(HEIGHT - 150), 1 + below(150), 1 + below(150)},
        .keep = (uint8_t)below(2),
        .seq = 4,
        .client = "another_client"};
    const size_t count = (size_t)stroke.rect.width * (size_t)stroke.rect.height;
    uint8_t *labels = malloc(count);

    for (size_t i = 0; i < count; i++)
        labels[i] = i && below(8) ? labels[i - 1] : below(3) ? (uint8_t)below(4) : UNET_IGNORE;
    labels[0] = 1;
    assert_true(stroke_runs_add_pixels(&stroke, labels, count));
    free(labels);
    return stroke;
}

static struct stroke any_stroke(int round)
{
    return round % 3 == 0   ? random_runs()
           : round % 3 == 1 ? random_stroke(STROKE_LINE, 1 + below(9), 900)
                            : random_stroke(STROKE_POLYGON, 3 + below(9), 1500);
}

/* Parts of a canvas are as the whole, and bytes are the stroke. */
static void test_parts_and_bytes(void **state)
{
    uint8_t *whole = malloc(HEIGHT * WIDTH), *part = malloc(HEIGHT * WIDTH);

    (void)state;
    for (int round = 0; round < 30; round++) {
        struct stroke stroke = any_stroke(round), noted = random_runs(), again;
        const struct studio_rect rect = {below(WIDTH / 2), below(HEIGHT / 2), 1 + below(300),
                                         1 + below(260)};
        size_t size;

        if (round % 2)
            stroke_note(&stroke, &noted);
        stroke_release(&noted);
        uint8_t *bytes = stroke_pack(&stroke, &size);

        memset(whole, 4, HEIGHT * WIDTH);
        memset(part, 4, HEIGHT * WIDTH);
        assert_true(stroke_unpack(bytes, size, &again));
        draw_on(&stroke, everything, whole);
        draw_on(&again, rect, part);
        for (int y = 0; y < rect.height; y++)
            assert_memory_equal(part + y * rect.width, whole + (rect.y + y) * WIDTH + rect.x,
                                (size_t)rect.width);
        assert_int_equal(again.wrong_bytes, stroke.wrong_bytes);
        if (stroke.wrong_bytes)
            assert_memory_equal(again.wrong, stroke.wrong, stroke.wrong_bytes);
        assert_string_equal(again.client, stroke.client);
        assert_int_equal(again.seq, stroke.seq);
        stroke_release(&again);
        for (size_t cut = 0; cut < size && cut < 60 && !stroke.run_bytes; cut++)
            if (stroke_unpack(bytes, cut, &again)) /* fewer bytes are another stroke at most */
                stroke_release(&again);
        stroke_release(&stroke);
        free(bytes);
    }
    free(whole);
    free(part);
}

/* ---- tiles ------------------------------------------------------------------------------- */

static void compare_level(const struct label_tiles *map, const uint8_t *plain, int level)
{
    uint8_t tile[STUDIO_TILE * STUDIO_TILE];
    const int size = 1 << level;

    for (int ty = 0; ty * STUDIO_TILE * size < HEIGHT; ty++)
        for (int tx = 0; tx * STUDIO_TILE * size < WIDTH; tx++) {
            int any = 0, found = label_tiles_level(map, level, tx, ty, tile);

            for (int i = 0; i < STUDIO_TILE * STUDIO_TILE; i++) {
                const int x = (tx * STUDIO_TILE + i % STUDIO_TILE) * size;
                const int y = (ty * STUDIO_TILE + i / STUDIO_TILE) * size;
                int painted = 0, there = 0;

                for (int v = y; v < y + size && v < HEIGHT; v++)
                    for (int u = x; u < x + size && u < WIDTH; u++) {
                        painted |= plain[v * WIDTH + u] != UNET_IGNORE;
                        there |= plain[v * WIDTH + u] == tile[i];
                    }
                any |= painted;
                if ((tile[i] != UNET_IGNORE) != painted || (painted && !there))
                    fail_msg("level %d: pixel (%d, %d) is %d", level, x, y, tile[i]);
            }
            assert_int_equal(found, any);
        }
}

static int put_again(void *context, int x, int y, const uint8_t *bytes, size_t size)
{
    return !label_tiles_put(context, x, y, bytes, size);
}

static void test_tiles(void **state)
{
    struct label_tiles *map = label_tiles_create(HEIGHT, WIDTH), *copy;
    uint8_t *plain = malloc(HEIGHT * WIDTH), *read = malloc(HEIGHT * WIDTH);
    int64_t counts[256] = {0};

    (void)state;
    memset(plain, UNET_IGNORE, HEIGHT * WIDTH);
    assert_int_equal(label_tiles_list(map, NULL, 0), 0);
    for (int round = 0; round < 40; round++) {
        const struct studio_rect rect =
            rect_common(everything, (struct studio_rect){below(WIDTH), below(HEIGHT),
                                                         1 + below(400), 1 + below(400)});
        const int kind = below(3); /* noise, one label, nothing */

        for (int i = 0; i < rect.width * rect.height; i++)
            read[i] = kind == 0   ? (uint8_t)below(4)
                      : kind == 1 ? (uint8_t)(round % 7)
                                  : UNET_IGNORE;
        assert_true(label_tiles_write(map, rect, read));
        for (int y = 0; y < rect.height; y++)
            memcpy(plain + (rect.y + y) * WIDTH + rect.x, read + y * rect.width,
                   (size_t)rect.width);
    }
    label_tiles_read(map, everything, read);
    assert_memory_equal(read, plain, HEIGHT * WIDTH);
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        counts[plain[i]] += plain[i] != UNET_IGNORE;
    assert_memory_equal(counts, label_tiles_counts(map), sizeof(counts));
    for (int level = 0; level < 4; level++)
        compare_level(map, plain, level);
    copy = label_tiles_create(HEIGHT, WIDTH);
    assert_int_equal(label_tiles_each(map, put_again, copy), 0);
    label_tiles_read(copy, everything, read);
    assert_memory_equal(read, plain, HEIGHT * WIDTH);
    assert_false(label_tiles_put(copy, 0, 0, (const uint8_t *)"\1\1\1\1", 4));
    assert_false(label_tiles_put(copy, 9, 0, plain, STUDIO_TILE * STUDIO_TILE));
    label_tiles_free(copy);
    label_tiles_free(map);
    free(plain);
    free(read);
}

/* ---- flood ------------------------------------------------------------------------------- */

static unet_code read_plain(void *context, struct studio_rect rect, uint8_t *labels,
                            unet_error *err)
{
    (void)err;
    for (int y = 0; y < rect.height; y++)
        memcpy(labels + y * rect.width, (uint8_t *)context + (rect.y + y) * WIDTH + rect.x,
               (size_t)rect.width);
    return UNET_OK;
}

/* Spreads marks to neighbours until nothing changes. */
static void spread(const uint8_t *plain, uint8_t *mark, int start)
{
    int *stack = malloc(4 * HEIGHT * WIDTH * sizeof(int)), count = 0;

    memset(mark, 0, HEIGHT * WIDTH);
    stack[count++] = start;
    while (count) {
        const int at = stack[--count], x = at % WIDTH, y = at / WIDTH;

        if (mark[at] || plain[at] != plain[start])
            continue;
        mark[at] = 1;
        if (x > 0)
            stack[count++] = at - 1;
        if (x + 1 < WIDTH)
            stack[count++] = at + 1;
        if (y > 0)
            stack[count++] = at - WIDTH;
        if (y + 1 < HEIGHT)
            stack[count++] = at + WIDTH;
    }
    free(stack);
}

static void test_flood(void **state)
{
    uint8_t *plain = malloc(HEIGHT * WIDTH), *mark = malloc(HEIGHT * WIDTH);
    uint8_t *drawn = malloc(HEIGHT * WIDTH);
    const struct flood_source source = {HEIGHT, WIDTH, read_plain, plain};
    struct stroke none = {0};

    (void)state;
    for (int round = 0; round < 10; round++) {
        struct stroke stroke = {.kind = STROKE_RUNS, .label = round % 3 ? 9 : UNET_IGNORE};
        int start;

        for (int i = 0; i < HEIGHT * WIDTH; i++)
            plain[i] = (uint8_t)(below(100) < 60);
        for (int i = 0; round > 4 && i < HEIGHT * WIDTH; i++)
            plain[i] = (uint8_t)(i % WIDTH % 40 > 3 && i / WIDTH % 50 > 3);
        start = below(HEIGHT * WIDTH);
        spread(plain, mark, start);
        memcpy(drawn, plain, HEIGHT * WIDTH);
        assert_int_equal(flood(&source, start % WIDTH, start / WIDTH, 0, &stroke, NULL), UNET_OK);
        draw_on(&stroke, everything, drawn);
        for (int i = 0; i < HEIGHT * WIDTH; i++)
            assert_int_equal(drawn[i], mark[i] ? stroke.label : plain[i]);
        stroke_release(&stroke);
    }
    memset(plain, UNET_IGNORE, HEIGHT * WIDTH);
    assert_int_equal(flood(&source, 5, 5, 1, &none, NULL), UNET_EINVAL);
    stroke_release(&none);
    free(plain);
    free(mark);
    free(drawn);
}

/* ---- history: everything that was done, again in plain arrays ----------------------------- */

enum { ROUNDS = 120 };

struct past_life {
    struct journal journal;
    struct image_labels labels;
    struct stroke done[ROUNDS], undone[ROUNDS];
    int done_count, undone_count;
    uint8_t *plain, *read;
};

static int recall(void *context, const uint8_t *bytes, size_t size, uint64_t at)
{
    struct stroke stroke;
    struct studio_rect changed;

    assert_true(stroke_unpack_head(bytes, size, &stroke));
    return labels_recall(context, &stroke, at, size, &changed);
}

static void open_life(struct past_life *life, int *lost, uint64_t *cut)
{
    unet_error err;

    life->labels = (struct image_labels){.height = HEIGHT, .width = WIDTH};
    if (journal_open(&life->journal, in_folder("journal"), recall, &life->labels, lost, cut, &err))
        fail_msg("%s", err.text);
    labels_glance(&life->labels, in_folder(""));
    if (labels_load(&life->labels, &life->journal, in_folder(""), &err))
        fail_msg("%s", err.text);
}

static void close_life(struct past_life *life)
{
    labels_release(&life->labels);
    journal_close(&life->journal);
}

static void replay(struct past_life *life)
{
    memset(life->plain, UNET_IGNORE, HEIGHT * WIDTH);
    for (int i = 0; i < life->done_count; i++)
        draw_on(&life->done[i], everything, life->plain);
}

static void compare(struct past_life *life, const char *when)
{
    replay(life);
    label_tiles_read(life->labels.map, everything, life->read);
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        if (life->read[i] != life->plain[i])
            fail_msg("%s: pixel (%d, %d) is %d, want %d", when, i % WIDTH, i / WIDTH, life->read[i],
                     life->plain[i]);
}

static void commit(struct past_life *life, const struct stroke *stroke)
{
    struct studio_rect rect;
    size_t size;
    uint64_t at;
    uint8_t *bytes = stroke_pack(stroke, &size);

    assert_int_equal(journal_add(&life->journal, bytes, size, &at, NULL), UNET_OK);
    assert_true(labels_recall(&life->labels, stroke, at, size, &rect));
    if (stroke->kind >= STROKE_UNDO)
        assert_int_equal(labels_redraw(&life->labels, &life->journal, rect, NULL), UNET_OK);
    else
        assert_int_equal(labels_draw(&life->labels, stroke, NULL), UNET_OK);
    free(bytes);
}

/* Undo or redo, here and in the plain lists. */
static void turn(struct past_life *life, int back)
{
    const int64_t which = labels_next_turn(&life->labels, back);
    struct stroke stroke = {.kind = back ? STROKE_UNDO : STROKE_REDO, .client = "a-client"};

    assert_int_equal(which >= 0, (back ? life->done_count : life->undone_count) > 0);
    if (which < 0)
        return;
    stroke.which = (uint32_t)which;
    commit(life, &stroke);
    if (back)
        life->undone[life->undone_count++] = life->done[--life->done_count];
    else
        life->done[life->done_count++] = life->undone[--life->undone_count];
}

static void new_stroke(struct past_life *life, int round)
{
    for (int i = 0; i < life->undone_count; i++)
        stroke_release(&life->undone[i]);
    life->undone_count = 0;
    life->done[life->done_count] = any_stroke(round);
    commit(life, &life->done[life->done_count++]);
}

static void test_history(void **state)
{
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    struct past_life *life = calloc(1, sizeof(*life));
    uint64_t cut;
    int lost, kept;

    (void)state;
    life->plain = malloc(HEIGHT * WIDTH);
    life->read = malloc(HEIGHT * WIDTH);
    open_life(life, &lost, &cut);
    for (int round = 0; round < ROUNDS; round++) {
        const int what = below(10);

        if (what < 5 || round < 10)
            new_stroke(life, round);
        else
            turn(life, what < 8);
        if (round % 10 == 0)
            compare(life, "while painting");
        if (round % 17 == 16) { /* a snapshot, of which the next opening makes use */
            assert_int_equal(
                labels_keep(&life->labels, in_folder(""), life->labels.last, &lock, &kept, NULL),
                UNET_OK);
            assert_int_equal(kept, 1);
            assert_int_equal(labels_keep(&life->labels, in_folder(""), 1, &lock, &kept, NULL),
                             UNET_OK);
            assert_int_equal(kept, 0);
        }
        if (round % 7 == 6) {
            close_life(life);
            open_life(life, &lost, &cut);
            assert_int_equal(lost, 0);
            assert_int_equal(cut, 0);
            compare(life, "opened again");
        }
    }
    while (life->done_count)
        turn(life, 1);
    compare(life, "all taken back");
    assert_int_equal(label_tiles_list(life->labels.map, NULL, 0), 0);
    while (life->undone_count)
        turn(life, 0);
    compare(life, "all done again");
    close_life(life);
    for (int i = 0; i < life->done_count; i++)
        stroke_release(&life->done[i]);
    free(life->plain);
    free(life->read);
    free(life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_parts_and_bytes),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_flood),
        cmocka_unit_test_setup_teardown(test_history, folder_create, folder_destroy),
    };

    return cmocka_run_group_tests_name("studio labels", tests, NULL, NULL);
}
