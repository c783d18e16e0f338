/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stream.c - images that are read as they are predicted, averaged views, blended tiles, and
 * the memory that is promised
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "image/image.h"
#include "predict/stream.h"
#include "support/folder.h"
#include "unet.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

static unet_model *made_model(unet_padding padding, unet_norm norm, int depth, int channels,
                              int classes)
{
    unet_spec spec = unet_spec_default();
    unet_model *model;
    unet_error err;
    spec.in_channels = channels;
    spec.classes = classes;
    spec.width = 4;
    spec.depth = depth;
    spec.padding = padding;
    spec.norm = norm;
    if (unet_model_create(&spec, 5, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

static unet_image made_image(int height, int width, int channels)
{
    unet_image image = {.height = height, .width = width, .channels = channels};
    size_t n = (size_t)height * (size_t)width * (size_t)channels;
    uint8_t *data = image.data = malloc(n);
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(un_rng_bits(9, i) >> 24);
    return image;
}

/* All that was handed over, put together. */
struct gathered {
    int height, width, classes, next, bands;
    uint8_t *mask;
    float *logits, *probabilities;
    const unet_image *image;
    int stop_at; /* band that fails; -1: none */
};

static unet_code gather(void *context, const unet_band *band, unet_error *err)
{
    struct gathered *g = context;
    size_t width = (size_t)g->width, plane = (size_t)g->height * width;
    size_t n = (size_t)band->rows * width;
    assert_int_equal(band->top, g->next);
    assert_int_equal(band->width, g->width);
    if (g->bands++ == g->stop_at) {
        snprintf(err->text, sizeof err->text, "the disk is full");
        return err->code = UNET_EIO;
    }
    g->next += band->rows;
    assert_true(g->next <= g->height);
    if (band->mask)
        memcpy(g->mask + (size_t)band->top * width, band->mask, n);
    for (int k = 0; k < g->classes; k++) {
        size_t to = (size_t)k * plane + (size_t)band->top * width, from = (size_t)k * n;
        if (band->logits)
            memcpy(g->logits + to, band->logits + from, n * sizeof(float));
        if (band->probabilities)
            memcpy(g->probabilities + to, band->probabilities + from, n * sizeof(float));
    }
    size_t row = width * (size_t)g->image->channels;
    assert_int_equal(band->image->height, band->rows);
    assert_memory_equal(band->image->data, (uint8_t *)g->image->data + (size_t)band->top * row,
                        (size_t)band->rows * row);
    return UNET_OK;
}

static struct gathered make_room(const unet_image *image, int classes)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    return (struct gathered){.height = image->height,
                             .width = image->width,
                             .classes = classes,
                             .mask = calloc(pixels, 1),
                             .logits = calloc(pixels * (size_t)classes, sizeof(float)),
                             .probabilities = calloc(pixels * (size_t)classes, sizeof(float)),
                             .image = image,
                             .stop_at = -1};
}

static void release(struct gathered *g)
{
    free(g->mask);
    free(g->logits);
    free(g->probabilities);
}

static unet_code stream(const unet_model *model, const unet_session_options *options,
                        const char *path, struct gathered *g, unet_error *err)
{
    unet_session *session;
    unet_source *source;
    const unet_stream wanted = {
        .mask = 1, .logits = 1, .probabilities = 1, .image = 1, .band = gather, .context = g};
    if (unet_session_create(model, options, &session, err))
        fail_msg("%s", err->text);
    if (unet_source_open(path, &source, err))
        fail_msg("%s", err->text);
    unet_code code = unet_predict_stream(session, source, 0, &wanted, err);
    unet_source_close(source);
    unet_session_free(session);
    return code;
}

static void predict(const unet_model *model, const unet_session_options *options,
                    const unet_image *image, struct gathered *g)
{
    unet_session *session;
    unet_error err;
    const unet_answers answers = {
        .mask = g->mask, .logits = g->logits, .probabilities = g->probabilities};
    if (unet_session_create(model, options, &session, &err) ||
        unet_predict_all(session, image, &answers, &err))
        fail_msg("%s", err.text);
    unet_session_free(session);
}

static void expect_same_bits(const char *what, const struct gathered *a, const struct gathered *b)
{
    size_t pixels = (size_t)a->height * (size_t)a->width, n = pixels * (size_t)a->classes;
    if (memcmp(a->logits, b->logits, n * sizeof(float)) ||
        memcmp(a->probabilities, b->probabilities, n * sizeof(float)) ||
        memcmp(a->mask, b->mask, pixels))
        fail_msg("%s: %d x %d: other bits", what, a->height, a->width);
}

/* What is streamed from a file has the bits of what is predicted in memory. */
static void test_stream_is_memory(void **state)
{
    (void)state;
    static const struct {
        unet_padding padding;
        unet_norm norm;
        int depth; /* unpadded from 3 on: a tile gives more pixels than its step */
        unet_tta tta;
        int tile;
    } rows[] = {
        {UNET_PADDING_VALID, UNET_NORM_NONE, 2, UNET_TTA_NONE, 16},
        {UNET_PADDING_VALID, UNET_NORM_NONE, 3, UNET_TTA_NONE, 16},
        {UNET_PADDING_VALID, UNET_NORM_INSTANCE, 3, UNET_TTA_NONE, 40},
        {UNET_PADDING_VALID, UNET_NORM_NONE, 3, UNET_TTA_FLIPS, 16},
        {UNET_PADDING_VALID, UNET_NORM_NONE, 2, UNET_TTA_ROTATIONS, 32},
        {UNET_PADDING_SAME, UNET_NORM_BATCH, 2, UNET_TTA_NONE, 20},
        {UNET_PADDING_SAME, UNET_NORM_NONE, 2, UNET_TTA_FLIPS, 24},
        {UNET_PADDING_SAME, UNET_NORM_INSTANCE, 2, UNET_TTA_NONE, 24},
        {UNET_PADDING_SAME, UNET_NORM_INSTANCE, 2, UNET_TTA_NONE, 0},
        {UNET_PADDING_SAME, UNET_NORM_INSTANCE, 2, UNET_TTA_ROTATIONS, 0},
    };
    static const int sizes[][2] = {{1, 1}, {3, 50}, {67, 45}, {131, 70}};
    static const char *const names[] = {"a.png", "a.tif"};
    for (size_t r = 0; r < COUNT(rows); r++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            unet_model *model = made_model(rows[r].padding, rows[r].norm, rows[r].depth, 3, 3);
            unet_image image = made_image(sizes[s][0], sizes[s][1], 3);
            const char *path = in_folder(names[s % 2]);
            const unet_session_options options = {
                .threads = 1, .tile = rows[r].tile, .tta = rows[r].tta};
            struct gathered want = make_room(&image, 3), got = make_room(&image, 3);
            unet_error err;
            assert_int_equal(unet_image_write(path, &image, NULL), UNET_OK);
            predict(model, &options, &image, &want);
            if (stream(model, &options, path, &got, &err))
                fail_msg("%s", err.text);
            assert_int_equal(got.next, image.height);
            expect_same_bits("streamed", &want, &got);
            release(&want);
            release(&got);
            free(image.data);
            unet_model_free(model);
        }
}

/* An image with its own mean and variance is read twice before. */
static void test_stream_standardized(void **state)
{
    (void)state;
    unet_model *model = made_model(UNET_PADDING_SAME, UNET_NORM_NONE, 2, 1, 2);
    unet_image image = made_image(150, 60, 1);
    const unet_session_options options = {.threads = 1, .tile = 32};
    struct gathered want = make_room(&image, 2), got = make_room(&image, 2);
    unet_error err;
    model->scaling = (struct un_scaling){.set = true, .per_image = true};
    assert_int_equal(unet_image_write(in_folder("a.png"), &image, NULL), UNET_OK);
    predict(model, &options, &image, &want);
    if (stream(model, &options, in_folder("a.png"), &got, &err))
        fail_msg("%s", err.text);
    expect_same_bits("standardized", &want, &got);
    release(&want);
    release(&got);
    free(image.data);
    unet_model_free(model);
}

/* A band function that fails ends the prediction with its error. */
static void test_stream_stops(void **state)
{
    (void)state;
    unet_model *model = made_model(UNET_PADDING_VALID, UNET_NORM_NONE, 2, 1, 2);
    unet_image image = made_image(100, 60, 1);
    const unet_session_options options = {.tile = 32};
    struct gathered got = make_room(&image, 2);
    unet_error err = {0};
    got.stop_at = 2;
    assert_int_equal(unet_image_write(in_folder("a.png"), &image, NULL), UNET_OK);
    assert_int_equal(stream(model, &options, in_folder("a.png"), &got, &err), UNET_EIO);
    assert_string_equal(err.text, "the disk is full");
    assert_int_equal(got.bands, 3);
    release(&got);
    free(image.data);
    unet_model_free(model);
}

/* The image in view v, by hand: the orientations of TIFF. */
static unet_image view_of(const unet_image *image, int view)
{
    bool swap = view > 4;
    unet_image turned = *image;
    turned.height = swap ? image->width : image->height;
    turned.width = swap ? image->height : image->width;
    size_t C = (size_t)image->channels;
    uint8_t *to = turned.data = malloc((size_t)image->height * (size_t)image->width * C);
    const int way = (view - 1) % 4;
    for (int y = 0; y < turned.height; y++)
        for (int x = 0; x < turned.width; x++) {
            int a = way >= 2 ? turned.height - 1 - y : y;
            int b = way == 1 || way == 2 ? turned.width - 1 - x : x;
            int r = swap ? b : a, c = swap ? a : b;
            const uint8_t *from =
                (const uint8_t *)image->data + ((size_t)r * (size_t)image->width + (size_t)c) * C;
            memcpy(to + ((size_t)y * (size_t)turned.width + (size_t)x) * C, from, C);
        }
    return turned;
}

/* Averages are those of whole images that were turned, predicted, and turned back. */
static void test_views(void **state)
{
    (void)state;
    static const struct {
        unet_padding padding;
        int depth, classes;
        unet_tta tta;
    } rows[] = {{UNET_PADDING_VALID, 2, 2, UNET_TTA_ROTATIONS},
                {UNET_PADDING_VALID, 3, 2, UNET_TTA_ROTATIONS},
                {UNET_PADDING_SAME, 2, 3, UNET_TTA_ROTATIONS},
                {UNET_PADDING_SAME, 2, 1, UNET_TTA_FLIPS}};
    for (size_t r = 0; r < COUNT(rows); r++) {
        const int K = rows[r].classes, views = rows[r].tta == UNET_TTA_FLIPS ? 4 : 8;
        unet_model *model = made_model(rows[r].padding, UNET_NORM_NONE, rows[r].depth, 1, K);
        unet_image image = made_image(61, 43, 1);
        struct gathered got = make_room(&image, K);
        size_t pixels = 61 * 43;
        double *sum = calloc(pixels * (size_t)K, sizeof *sum);
        for (int view = 1; view <= views; view++) {
            unet_image turned = view_of(&image, view);
            struct gathered one = make_room(&turned, K);
            predict(model, &(unet_session_options){.tile = 512}, &turned, &one);
            for (int y = 0; y < turned.height; y++)
                for (int x = 0; x < turned.width; x++) {
                    const int way = (view - 1) % 4;
                    int a = way >= 2 ? turned.height - 1 - y : y;
                    int b = way == 1 || way == 2 ? turned.width - 1 - x : x;
                    int row = view > 4 ? b : a, column = view > 4 ? a : b;
                    for (int k = 0; k < K; k++)
                        sum[(size_t)k * pixels + (size_t)(row * 43 + column)] +=
                            (double)one.probabilities[(size_t)k * pixels +
                                                      (size_t)(y * turned.width + x)] /
                            views;
                }
            release(&one);
            free(turned.data);
        }
        for (int tile = 16; tile <= 64; tile += 24) {
            predict(model, &(unet_session_options){.tile = tile, .tta = rows[r].tta}, &image, &got);
            for (size_t i = 0; i < pixels * (size_t)K; i++) {
                double logit = (double)got.logits[i];
                if (fabs((double)got.probabilities[i] - sum[i]) > 1e-5 ||
                    fabs((K == 1 ? 1 / (1 + exp(-logit)) : exp(logit)) - sum[i]) > 1e-5)
                    fail_msg("row %zu, tile %d, value %zu: %g, logit %g, wanted %g", r, tile, i,
                             (double)got.probabilities[i], logit, sum[i]);
            }
        }
        free(sum);
        release(&got);
        free(image.data);
        unet_model_free(model);
    }
}

/* Tiles of a network that sees whole images have no seams: weights sum to 1. */
static void check_blending(unet_padding padding, int depth)
{
    unet_model *model = made_model(padding, UNET_NORM_INSTANCE, depth, 1, 2);
    unet_image image = made_image(300, 200, 1);
    struct gathered whole = make_room(&image, 2), got = make_room(&image, 2);
    size_t n = 2 * 300 * 200;
    predict(model, &(unet_session_options){0}, &image, &whole);
    predict(model, &(unet_session_options){.tile = 128}, &image, &got);
    double scale = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        scale += fabs((double)whole.logits[i]) / (double)n;
        sum += fabs((double)whole.logits[i] - (double)got.logits[i]) / (double)n;
    }
    /* noise has the same statistics everywhere: tiles see nearly what the whole sees */
    print_message("blended: mean difference %.4f of the mean logit\n", sum / scale);
    assert_true(sum < 0.2 * scale);
    /* a network whose tiles all say the same says it everywhere */
    int count = unet_model_tensor_count(model);
    unet_tensor bias, weight;
    assert_int_equal(unet_model_tensor(model, count - 1, &bias, NULL), UNET_OK);
    assert_int_equal(unet_model_tensor(model, count - 2, &weight, NULL), UNET_OK);
    memset(weight.data, 0, 2 * 4 * sizeof(float));
    bias.data[0] = -1.25f;
    bias.data[1] = 0.5f;
    predict(model, &(unet_session_options){.tile = 64}, &image, &got);
    for (size_t i = 0; i < n; i++) {
        float want = i < n / 2 ? -1.25f : 0.5f;
        if (fabsf(got.logits[i] - want) > 1e-6f)
            fail_msg("value %zu: %g, wanted %g", i, (double)got.logits[i], (double)want);
    }
    release(&whole);
    release(&got);
    free(image.data);
    unet_model_free(model);
}

static void test_blending(void **state)
{
    (void)state;
    check_blending(UNET_PADDING_SAME, 2);
    check_blending(UNET_PADDING_VALID, 3);
}

/* The rows that a span says it looks at are all it looks at. */
static void test_span_rows(void **state)
{
    (void)state;
    for (int padding = 0; padding < 2; padding++) {
        unet_model *model = made_model((unet_padding)padding, UNET_NORM_NONE, 2, 1, 1);
        for (int side = 1; side < 200; side += 1 + side / 7)
            for (int start = 0; start < side; start += 1 + start / 3)
                for (int count = 1; count <= side - start; count += 13) {
                    struct un_span p = un_span_at(&model->graph, start, count, side);
                    int first, end, low = side, high = 0;
                    un_span_rows(&p, side, &first, &end);
                    for (int i = p.in; i < p.in + p.size; i++) {
                        int row = un_mirror(i, side);
                        low = row < low ? row : low;
                        high = row + 1 > high ? row + 1 : high;
                    }
                    if (first > low || end < high || first < 0 || end > side)
                        fail_msg("side %d, %d+%d: rows %d..%d, looks at %d..%d", side, start, count,
                                 first, end, low, high);
                }
        unet_model_free(model);
    }
}

/* What is promised is what is held, and the largest tile below the limit is taken. */
static void test_memory_plan(void **state)
{
    (void)state;
    unet_model *model = made_model(UNET_PADDING_SAME, UNET_NORM_NONE, 2, 1, 2);
    const unet_page page = {.height = 20000, .width = 30000, .channels = 1};
    const unet_stream stream = {.mask = 1};
    unet_session_options options = {.threads = 1};
    unet_memory_plan plan = {0}, none = {0};
    unet_session *session;
    unet_error err;
    uint64_t before = 0;
    for (uint64_t limit = 30000000; limit <= 960000000; limit *= 2) {
        options.tta = limit > 400000000 ? UNET_TTA_ROTATIONS : UNET_TTA_NONE;
        before = limit > 400000000 ? 0 : before;
        if (unet_plan_memory(model, &options, &page, &stream, limit, &plan, &err))
            fail_msg("%s", err.text);
        assert_true(plan.bytes <= limit && plan.bytes >= before && plan.tile >= 16);
        assert_int_equal(plan.blended, 0);
        before = plan.bytes;
        options.tile = plan.tile;
        assert_int_equal(unet_session_create(model, &options, &session, NULL), UNET_OK);
        int window = un_stream_window(session, page.height), tile = session->tile;
        uint64_t scores = un_session_sums(session) ? 2 * sizeof(float) : 0;
        uint64_t held = unet_session_bytes(session) +
                        ((uint64_t)(window + tile) + (uint64_t)tile * scores) * 30000;
        if (held > plan.bytes || plan.bytes - held > 30000 * 32)
            fail_msg("limit %llu: %llu promised, %llu held", (unsigned long long)limit,
                     (unsigned long long)plan.bytes, (unsigned long long)held);
        unet_session_free(session);
        options.tile = 0;
    }
    options.tta = UNET_TTA_NONE;
    assert_int_equal(unet_plan_memory(model, &options, &page, &stream, 1000000, &none, &err),
                     UNET_ENOMEM);
    assert_non_null(strstr(err.text, "at least"));
    assert_true(none.smallest > 1000000);
    assert_int_equal(unet_plan_memory(model, &options, &page, &stream, none.smallest, &plan, &err),
                     UNET_OK);
    assert_int_equal(
        unet_plan_memory(model, &options, &page, &stream, none.smallest - 1, &plan, &err),
        UNET_ENOMEM);
    unet_model_free(model);
    /* a network that sees the whole image: whole where it fits, else blended */
    model = made_model(UNET_PADDING_SAME, UNET_NORM_INSTANCE, 2, 1, 2);
    const unet_page small = {.height = 500, .width = 600, .channels = 1};
    assert_int_equal(unet_plan_memory(model, &options, &small, &stream, 500000000, &plan, &err),
                     UNET_OK);
    assert_int_equal(plan.blended, 0);
    assert_int_equal(plan.tile, 0);
    assert_int_equal(
        unet_plan_memory(model, &options, &small, &stream, plan.bytes - 1, &plan, &err), UNET_OK);
    assert_int_equal(plan.blended, 1);
    unet_model_free(model);
}

/* A long image is reckoned with the sides that it has, and its session holds what was promised. */
static void test_memory_of_long_images(void **state)
{
    (void)state;
    static const unet_norm norms[] = {UNET_NORM_INSTANCE, UNET_NORM_NONE};
    const unet_stream stream_of = {.mask = 1, .image = 1, .band = gather};
    for (int i = 0; i < 2; i++) {
        unet_model *model = made_model(UNET_PADDING_SAME, norms[i], 2, 1, 2);
        const unet_page square = {.height = 1500, .width = 1500, .channels = 1};
        const unet_page tall = {.height = 1500, .width = 30, .channels = 1};
        const unet_session_options options = {.threads = 1};
        unet_memory_plan whole, plan;
        unet_session *session;
        unet_error err;
        assert_int_equal(unet_plan_memory(model, &options, &square, &stream_of, 0, &whole, &err),
                         UNET_OK);
        if (norms[i] == UNET_NORM_NONE) {
            /* with a tile that is chosen, the plan says what such a session holds */
            assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_OK);
            if (whole.bytes < unet_session_bytes(session))
                fail_msg("%llu planned, %zu held", (unsigned long long)whole.bytes,
                         unet_session_bytes(session));
            unet_session_free(session);
            unet_model_free(model);
            continue;
        }
        assert_int_equal(
            unet_plan_memory(model, &options, &tall, &stream_of, whole.bytes / 10, &plan, &err),
            UNET_OK);
        assert_int_equal(plan.blended, 0);
        assert_int_equal(plan.tile, 0);
        unet_image image = made_image(1500, 30, 1);
        struct gathered got = make_room(&image, 2);
        assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_OK);
        assert_int_equal(unet_predict_all(session, &image, &(unet_answers){.mask = got.mask}, &err),
                         UNET_OK);
        uint64_t held = unet_session_bytes(session);
        /* the image, its mask, and the scores that are summed */
        uint64_t walk = 1500 * 30 * (1 + 1 + 2 * sizeof(float));
        if (plan.bytes < held || plan.bytes > held + walk)
            fail_msg("%llu promised, %llu held", (unsigned long long)plan.bytes,
                     (unsigned long long)held);
        unet_session_free(session);
        release(&got);
        free(image.data);
        unet_model_free(model);
    }
}

/* Small tiles of a network with a wide border are said to be slow, and what would be quicker. */
static void test_work_of_tiles(void **state)
{
    (void)state;
    unet_model *model = made_model(UNET_PADDING_VALID, UNET_NORM_NONE, 4, 1, 2);
    const unet_page page = {.height = 3000, .width = 3000, .channels = 1};
    const unet_stream wanted = {.mask = 1};
    const unet_session_options options = {.threads = 1};
    unet_memory_plan plan = {0}, slow = {0}, useful = {0};
    unet_error err;
    assert_int_equal(unet_plan_memory(model, &options, &page, &wanted, 1, &plan, &err),
                     UNET_ENOMEM);
    assert_int_equal(unet_plan_memory(model, &options, &page, &wanted, 4000000000u, &plan, &err),
                     UNET_OK);
    assert_int_equal(plan.smallest_tile, 16);
    /* 16 + 4 pixels come out of 16 k + 60 = 204 */
    assert_true(plan.smallest_work > 100 && plan.smallest_work < 170);
    assert_true(plan.work < 2 && plan.tile >= 768);
    assert_true(plan.useful > plan.smallest);
    assert_int_equal(unet_plan_memory(model, &options, &page, &wanted, plan.useful, &useful, &err),
                     UNET_OK);
    assert_int_equal(useful.tile, plan.useful_tile);
    assert_true(useful.work <= 4);
    assert_int_equal(
        unet_plan_memory(model, &options, &page, &wanted, plan.useful - 1, &slow, &err), UNET_OK);
    assert_true(slow.work > 4 && slow.tile < useful.tile);
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_stream_is_memory),     IN_FOLDER(test_stream_standardized),
        IN_FOLDER(test_stream_stops),         cmocka_unit_test(test_views),
        cmocka_unit_test(test_blending),      cmocka_unit_test(test_span_rows),
        cmocka_unit_test(test_memory_plan),   cmocka_unit_test(test_memory_of_long_images),
        cmocka_unit_test(test_work_of_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
