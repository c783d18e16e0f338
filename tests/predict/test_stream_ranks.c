/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream_ranks.c - an image predicted by several ranks: the bits of one, and its share each */
#include <pthread.h>
#include <stdio.h>

#include "stream_scene.h"
#include "support/thread_ranks.h"

enum { RANKS_MOST = 7 };

/* What ranks, which are threads here, share. */
struct scene {
    const unet_model *model;
    unet_session_options options;
    const char *path;
    struct gathered *got;
    int inner;
    int rows[RANKS_MOST];  /* of tiles, that each rank computed */
    int bands[RANKS_MOST]; /* that it was handed */
    unet_code code[RANKS_MOST];
    uint8_t *inside;
};

struct rank_scene {
    struct scene *scene;
    int rank;
};

static unet_code take(void *context, const unet_band *band, unet_error *err)
{
    struct rank_scene *r = context;
    struct scene *scene = r->scene;
    const size_t at = (size_t)band->top * (size_t)band->width;
    const size_t n = (size_t)band->rows * (size_t)band->width;
    (void)err;
    scene->bands[r->rank]++;
    if (scene->inner)
        memcpy(scene->inside + at, band->inner, n);
    return r->rank ? UNET_EINVAL : gather(scene->got, band, err);
}

/* Called after each tile with the share that is done: a row of tiles ends where a band does. */
static int count_tiles(void *context, double share)
{
    struct rank_scene *r = context;
    (void)share;
    r->scene->rows[r->rank]++;
    return 0;
}

static void work(const unet_ranks *ranks, void *context)
{
    struct scene *scene = context;
    struct rank_scene own = {scene, ranks->rank};
    unet_session *session = NULL;
    unet_source *source = NULL;
    unet_error err;
    const unet_stream stream = {.size = sizeof stream,
                                .mask = 1,
                                .logits = 1,
                                .probabilities = 1,
                                .image = 1,
                                .inner = scene->inner,
                                .band = take,
                                .progress = ranks->rank ? count_tiles : NULL,
                                .context = &own,
                                .ranks = ranks};
    unet_code code = unet_session_create(scene->model, &scene->options, &session, &err);
    if (!code)
        code = unet_source_open(scene->path, &source, &err);
    if (!code)
        code = unet_predict_stream(session, source, 0, &stream, &err);
    if (code)
        fprintf(stderr, "rank %d of %d: %s\n", ranks->rank, ranks->count, err.text);
    scene->code[ranks->rank] = code;
    unet_source_close(source);
    unet_session_free(session);
}

static void compare(const char *what, int ranks, const struct gathered *a, const struct gathered *b)
{
    const size_t pixels = (size_t)a->height * (size_t)a->width, n = pixels * (size_t)a->classes;
    if (b->next != a->height)
        fail_msg("%s, %d ranks: %d of %d rows were handed over", what, ranks, b->next, a->height);
    if (memcmp(a->logits, b->logits, n * sizeof(float)) ||
        memcmp(a->probabilities, b->probabilities, n * sizeof(float)) ||
        memcmp(a->mask, b->mask, pixels))
        fail_msg("%s, %d ranks: %d x %d: other bits", what, ranks, a->height, a->width);
}

static const struct {
    const char *what;
    unet_padding padding;
    unet_norm norm;
    int depth;
    unet_tta tta;
    int tile;
} rows[] = {
    {"unpadded", UNET_PADDING_VALID, UNET_NORM_NONE, 3, UNET_TTA_NONE, 16},
    {"unpadded, blended", UNET_PADDING_VALID, UNET_NORM_INSTANCE, 3, UNET_TTA_NONE, 40},
    {"unpadded, flips", UNET_PADDING_VALID, UNET_NORM_NONE, 3, UNET_TTA_FLIPS, 16},
    {"padded", UNET_PADDING_SAME, UNET_NORM_BATCH, 2, UNET_TTA_NONE, 20},
    {"padded, blended", UNET_PADDING_SAME, UNET_NORM_INSTANCE, 2, UNET_TTA_NONE, 24},
    {"blended, rotations", UNET_PADDING_SAME, UNET_NORM_INSTANCE, 2, UNET_TTA_ROTATIONS, 32},
    {"whole", UNET_PADDING_SAME, UNET_NORM_INSTANCE, 2, UNET_TTA_NONE, 0},
};

static void test_ranks(void **state)
{
    static const int sizes[][2] = {{1, 1}, {67, 45}, {211, 38}};
    (void)state;
    for (size_t r = 0; r < COUNT(rows); r++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            unet_model *model = made_model(rows[r].padding, rows[r].norm, rows[r].depth, 3, 3);
            unet_image image = made_image(sizes[s][0], sizes[s][1], 3);
            const char *path = in_folder(s % 2 ? "a.png" : "a.tif"); /* one is read from the top */
            const unet_session_options options = {
                .threads = 1, .tile = rows[r].tile, .tta = rows[r].tta};
            struct gathered want = make_room(&image, 3);
            unet_error err;
            unet_session *session;
            int tile_rows = 0;
            assert_int_equal(unet_image_write(path, &image, NULL), UNET_OK);
            if (stream(model, &options, path, &want, &err) ||
                unet_session_create(model, &options, &session, &err) ||
                unet_session_rows(session, image.height, image.width, &tile_rows, &err))
                fail_msg("%s", err.text);
            assert_int_equal(tile_rows, want.bands);
            unet_session_free(session);
            for (int ranks = 1; ranks <= RANKS_MOST; ranks += 1 + ranks / 3) {
                struct gathered got = make_room(&image, 3);
                struct scene scene = {
                    .model = model, .options = options, .path = path, .got = &got};
                if (!meet(ranks, work, &scene))
                    fail_msg("%s, %d ranks: a message is left", rows[r].what, ranks);
                compare(rows[r].what, ranks, &want, &got);
                assert_int_equal(scene.bands[0], want.bands);
                for (int k = 1; k < ranks; k++) {
                    assert_int_equal(scene.code[k], UNET_OK);
                    assert_int_equal(scene.bands[k], 0);
                    /* as many rows of tiles as there are for it */
                    const int own = (want.bands - k + ranks - 1) / ranks;
                    if (want.bands > k ? scene.rows[k] < own || scene.rows[k] % own
                                       : scene.rows[k] != 0)
                        fail_msg("%s, rank %d of %d: %d tiles for %d of %d rows of them",
                                 rows[r].what, k, ranks, scene.rows[k], own, want.bands);
                }
                release(&got);
            }
            release(&want);
            free(image.data);
            unet_model_free(model);
        }
}

/* What parts objects comes along, too. */
static void test_inner(void **state)
{
    unet_spec spec = unet_spec_default();
    unet_image image = made_image(100, 40, 1);
    const size_t pixels = 100 * 40;
    unet_model *model;
    uint8_t *want = calloc(pixels, 1), *inside = calloc(pixels, 1);
    (void)state;
    spec.width = 4;
    spec.depth = 2;
    spec.padding = UNET_PADDING_SAME;
    spec.rims = 3;
    assert_int_equal(unet_model_create(&spec, 3, &model, NULL), UNET_OK);
    assert_int_equal(unet_image_write(in_folder("a.png"), &image, NULL), UNET_OK);
    for (int ranks = 1; ranks <= 4; ranks++) {
        struct gathered got = make_room(&image, 2);
        struct scene scene = {.model = model,
                              .options = {.threads = 1, .tile = 16},
                              .path = in_folder("a.png"),
                              .got = &got,
                              .inner = 1,
                              .inside = ranks == 1 ? want : inside};
        assert_true(meet(ranks, work, &scene));
        assert_int_equal(got.next, 100);
        if (ranks > 1)
            assert_memory_equal(want, inside, pixels);
        release(&got);
    }
    free(want);
    free(inside);
    free(image.data);
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_FOLDER(test_ranks), IN_FOLDER(test_inner)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
