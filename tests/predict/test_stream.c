/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stream.c - images that are read as they are predicted, averaged views, blended tiles, and
 * the memory that is promised
 */
#include "stream_scene.h"

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

/* A picture whose columns from 20 to 109 are empty. */
static unet_code mark_columns(struct unet_source *source, int index, struct un_rect rect,
                              uint8_t value, uint8_t *mask, unet_error *err)
{
    (void)source;
    (void)index;
    (void)err;
    for (int i = 0; i < rect.height * rect.width; i++) {
        const int x = rect.left + i % rect.width;
        mask[i] = x >= 20 && x < 110 ? value : mask[i];
    }
    return UNET_OK;
}

/* What was not scanned is class 0, whether tiles of it are passed over or not. */
static void test_stream_empty(void **state)
{
    (void)state;
    static const struct {
        unet_tta tta;
        int tile, scores;
    } rows[] = {{UNET_TTA_NONE, 16, 0},
                {UNET_TTA_NONE, 16, 1},
                {UNET_TTA_NONE, 64, 0},
                {UNET_TTA_FLIPS, 16, 0},
                {UNET_TTA_FLIPS, 16, 1}};
    unet_model *model = made_model(UNET_PADDING_VALID, UNET_NORM_NONE, 2, 1, 3);
    unet_image image = made_image(90, 130, 1);
    assert_int_equal(unet_image_write(in_folder("a.tif"), &image, NULL), UNET_OK);
    for (size_t r = 0; r < COUNT(rows); r++) {
        const unet_session_options options = {
            .threads = 1, .tile = rows[r].tile, .tta = rows[r].tta, .exact = 1};
        struct gathered want = make_room(&image, 3), got = make_room(&image, 3);
        unet_stream wanted = {.mask = 1, .image = 1, .band = gather, .context = &got};
        unet_session *session;
        unet_source *source;
        unet_error err;
        int others = 0;
        wanted.logits = wanted.probabilities = rows[r].scores;
        if (stream(model, &options, in_folder("a.tif"), &want, &err) ||
            unet_session_create(model, &options, &session, &err) ||
            unet_source_open(in_folder("a.tif"), &source, &err))
            fail_msg("%s", err.text);
        source->mark_empty = mark_columns;
        if (unet_predict_stream(session, source, 0, &wanted, &err))
            fail_msg("%s", err.text);
        for (int i = 0; i < 90 * 130; i++) {
            const int x = i % 130, expected = x >= 20 && x < 110 ? 0 : want.mask[i];
            others += expected != want.mask[i];
            if (got.mask[i] != expected)
                fail_msg("row %zu: class %d at %d, %d; wanted %d", r, got.mask[i], x, i / 130,
                         expected);
        }
        assert_true(others > 0);
        unet_source_close(source);
        unet_session_free(session);
        release(&want);
        release(&got);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_stream_is_memory), IN_FOLDER(test_stream_standardized),
        IN_FOLDER(test_stream_stops),     IN_FOLDER(test_stream_empty),
        cmocka_unit_test(test_views),     cmocka_unit_test(test_blending),
        cmocka_unit_test(test_span_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
