/* SPDX-License-Identifier: Apache-2.0 */
/* Places: a tile shows what a plain resampling shows, bent as the stated law says, where it shall
 * be. */
#include "augment_scene.h"

#include <math.h>

#include "data/draw/draw.h"

/* ---- one resampling ---------------------------------------------------------------------- */

static double cubic_weight(double d) /* Catmull and Rom's kernel, Keys 1981 with a = -1/2 */
{
    d = fabs(d);
    return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/* The sum of kernel(distance) * value over the 4x4 pixels around a position. */
static double plain_sample(const double *values, int H, int W, int C, int c, double y, double x,
                           bool cubic)
{
    double sum = 0;
    for (int v = (int)floor(y) - 1; v <= (int)floor(y) + 2; v++)
        for (int u = (int)floor(x) - 1; u <= (int)floor(x) + 2; u++) {
            double wy = cubic ? cubic_weight(y - v) : fmax(0, 1 - fabs(y - v));
            double wx = cubic ? cubic_weight(x - u) : fmax(0, 1 - fabs(x - u));
            sum += wy * wx * values[(un_mirror(v, H) * W + un_mirror(u, W)) * C + c];
        }
    return sum;
}

struct scene {
    int H, W, C;
    unet_image image;
    double *values; /* what the network is to see of each sample */
    uint8_t *mask;
    float *extra;
};

static struct scene make_scene(int H, int W, int C, unet_sample type)
{
    size_t pixels = (size_t)H * (size_t)W, count = pixels * (size_t)C;
    struct scene s = {H,
                      W,
                      C,
                      {H, W, C, type, 0, malloc(count * 4)},
                      malloc(count * 8),
                      malloc(pixels),
                      malloc(pixels * 4)};
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = un_rng_bits(31, i);
        if (type == UNET_U8)
            s.values[i] = (((uint8_t *)s.image.data)[i] = (uint8_t)(bits >> 24)) / 255.0;
        else if (type == UNET_U16)
            s.values[i] = (((uint16_t *)s.image.data)[i] = (uint16_t)(bits >> 16)) / 65535.0;
        else
            s.values[i] = (double)(((float *)s.image.data)[i] = (float)bits * 0x1p-32f);
    }
    for (size_t i = 0; i < pixels; i++) {
        uint32_t label = un_rng_below(32, i, 4);
        s.mask[i] = label == 3 ? UNET_IGNORE : (uint8_t)label;
        s.extra[i] = un_rng_uniform(33, i);
    }
    return s;
}

static void free_scene(struct scene *s)
{
    free(s->image.data);
    free(s->values);
    free(s->mask);
    free(s->extra);
}

/* positions are floats below 512: 3e-5 off at most, and a value changes by less than 2 a pixel */
#define NEAR 2e-4

static void check_input(const struct scene *s, const unet_augment *a, const struct drawn *d,
                        const float *positions, uint64_t key)
{
    int T = d->tile.in_side;
    for (int i = 0; i < T * T * s->C; i++) {
        double y = (double)positions[i / s->C * 2], x = (double)positions[i / s->C * 2 + 1];
        double want = plain_sample(s->values, s->H, s->W, s->C, i % s->C, y, x, a->cubic);
        if (!(fabs((double)d->tile.input[i] - want) < NEAR))
            fail_msg("type %d, %d channels, cubic %d, elastic %g, rotate %g, key %d: sample %d at "
                     "%.4f, %.4f is %g, wanted %g",
                     s->image.sample, s->C, a->cubic, (double)a->elastic, (double)a->rotate,
                     (int)key, i, y, x, (double)d->tile.input[i], want);
    }
}

static bool is_half(double v) /* which pixel is nearest cannot be told from a rounded position */
{
    return fabs(v - floor(v) - 0.5) < NEAR;
}

static void check_labels(const struct scene *s, const float *class_weights, const struct drawn *d,
                         const float *positions, uint64_t key)
{
    int T = d->tile.in_side, O = d->tile.out_side, border = (T - O) / 2;
    double *extra = malloc((size_t)s->H * (size_t)s->W * sizeof *extra);
    for (int i = 0; i < s->H * s->W; i++)
        extra[i] = (double)s->extra[i];
    for (int i = 0; i < O * O; i++) {
        const float *p = positions + 2 * ((i / O + border) * T + i % O + border);
        double y = (double)p[0], x = (double)p[1];
        if (is_half(y) || is_half(x))
            continue;
        uint8_t label = s->mask[(int)floor(y + 0.5) * s->W + (int)floor(x + 0.5)];
        double weight =
            label == UNET_IGNORE
                ? 0
                : (double)class_weights[label] + plain_sample(extra, s->H, s->W, 1, 0, y, x, false);
        if (d->tile.labels[i] != label || fabs((double)d->tile.weights[i] - weight) > NEAR)
            fail_msg("key %d: output %d at %.4f, %.4f has label %d, weight %g; wanted %d, %g",
                     (int)key, i, y, x, d->tile.labels[i], (double)d->tile.weights[i], label,
                     weight);
    }
    free(extra);
}

static void test_equals_a_plain_resampling(void **state)
{
    static const unet_augment rows[] = {
        {.flip = 1},
        {.rotate = 180},
        {.flip = 1, .rotate = 30, .scale = 0.5f},
        {.flip = 1, .elastic = 4},
        {.elastic = 6, .elastic_grid = 13.5f, .rotate = 90},
        {.elastic = 6, .elastic_grid = 150, .cubic = 1},
        {.flip = 1, .rotate = 180, .scale = 1, .elastic = 3, .elastic_grid = 9, .cubic = 1},
    };
    static const int sides[][2] = {{40, 40}, {52, 12}, {61, 33}, {1, 1}, {90, 66}};
    static const float class_weights[3] = {1, 2, 3};
    (void)state;
    for (int t = 0; t < 6; t++) {
        static const unet_sample types[3] = {UNET_U8, UNET_U16, UNET_F32};
        struct scene s = make_scene(70, 53, t < 3 ? 1 : 3, types[t % 3]);
        struct un_reading reading = un_reading_of(un_view_of(&s.image), s.C, NULL);
        const struct un_example example = {
            .reading = &reading, .mask = s.mask, .class_weights = class_weights, .extra = s.extra};
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (uint64_t key = 0; key < 5; key++) {
                int T = sides[key][0], O = sides[key][1];
                struct drawn d = drawn_create(&rows[r], T, O, s.C);
                float *positions = malloc((size_t)T * (size_t)T * 2 * sizeof *positions);
                un_tile_draw(&example, &rows[r], key, &d.tile);
                find_positions(&rows[r], s.mask, s.H, s.W, NULL, T, O, key, positions);
                check_input(&s, &rows[r], &d, positions, key);
                check_labels(&s, class_weights, &d, positions, key);
                drawn_release(&d);
                free(positions);
            }
        free_scene(&s);
    }
}

/* Where a tile in the middle of a large image lies, so that nothing is mirrored. */
static void find_middle_positions(const unet_augment *augment, int T, uint64_t key, float *p)
{
    enum { SIDE = 141 };
    static uint8_t mask[SIDE * SIDE];
    static double rows[SIDE];
    mask[SIDE / 2 * SIDE + SIDE / 2] = 1;
    for (int y = 0; y < SIDE; y++)
        rows[y] = y >= SIDE / 2;
    const struct un_focus focus = {rows, 1, 0, 0};
    find_positions(augment, mask, SIDE, SIDE, &focus, T, T, key, p);
}

/* Without a bend the positions are a turn times one zoom within its bounds, mirrored or not, and
 * the whole range of angles and zooms is met. */
static void test_turns_and_zooms(void **state)
{
    enum { T = 21, KEYS = 600 };
    static float p[T * T * 2];
    const unet_augment a = {.rotate = 20, .scale = 0.25f};
    double least = 0, most = 0, smallest = 1, largest = 1;
    (void)state;
    for (uint64_t key = 0; key < KEYS; key++) {
        find_middle_positions(&a, T, key, p);
        double yy = ((double)p[2 * T * (T - 1)] - (double)p[0]) / (T - 1);
        double yx = ((double)p[2 * T * (T - 1) + 1] - (double)p[1]) / (T - 1);
        double xy = ((double)p[2 * (T - 1)] - (double)p[0]) / (T - 1);
        double xx = ((double)p[2 * (T - 1) + 1] - (double)p[1]) / (T - 1);
        double zoom = hypot(yy, yx), angle = atan2(xy, xx) * 57.29577951308232;
        if (fabs(yy - xx) > 1e-4 || fabs(yx + xy) > 1e-4 || zoom < 0.8 - 1e-4 ||
            zoom > 1.25 + 1e-4 || fabs(angle) > 20 + 1e-2)
            fail_msg("key %d: rows %g, %g, columns %g, %g: zoom %g, angle %g", (int)key, yy, yx, xy,
                     xx, zoom, angle);
        least = fmin(least, angle);
        most = fmax(most, angle);
        smallest = fmin(smallest, zoom);
        largest = fmax(largest, zoom);
    }
    if (least > -19 || most < 19 || smallest > 0.82 || largest < 1.22)
        fail_msg("angles %g..%g, zooms %g..%g", least, most, smallest, largest);
}

/* ---- the elastic field ------------------------------------------------------------------- */

/* Mean, variance and what two components, and two neighbouring points, have in common. */
static void test_elastic_statistics(void **state)
{
    enum { T = 41, GRID = 20, KEYS = 4000 };
    static const int at[][2] = {{0, 0},   {20, 40}, {10, 0}, {0, 30},
                                {10, 10}, {30, 10}, {5, 20}, {35, 5}};
    static float bent[T * T * 2], straight[T * T * 2];
    const double deviation = 4;
    double sum[8][2] = {{0}}, squares[8][2] = {{0}}, both = 0, neighbours = 0;
    (void)state;
    for (int grid = 0; grid <= GRID; grid += GRID) { /* 3x3 points are those of 20 pixels here */
        unet_augment a = {.elastic = (float)deviation, .elastic_grid = (float)grid}, none = {0};
        find_middle_positions(&none, T, 0, straight);
        memset(sum, 0, sizeof sum);
        memset(squares, 0, sizeof squares);
        both = neighbours = 0;
        for (uint64_t key = 0; key < KEYS; key++) {
            find_middle_positions(&a, T, key, bent);
            double u[8][2];
            for (int k = 0; k < 8; k++)
                for (int c = 0; c < 2; c++) {
                    int i = 2 * (at[k][0] * T + at[k][1]) + c;
                    u[k][c] = (double)bent[i] - (double)straight[i];
                    sum[k][c] += u[k][c];
                    squares[k][c] += u[k][c] * u[k][c];
                }
            both += u[0][0] * u[0][1];
            neighbours += u[0][0] * u[1][0];
        }
        for (int k = 0; k < 8; k++)
            for (int c = 0; c < 2; c++) {
                double variance = deviation * deviation;
                for (int side = 0; side < 2; side++) {
                    double t = at[k][side] % GRID / (double)GRID, share = 0;
                    for (int tap = -1; tap <= 2; tap++)
                        share += pow(cubic_weight(t - tap), 2);
                    variance *= share;
                }
                double mean = sum[k][c] / KEYS, found = squares[k][c] / KEYS;
                /* standard errors: sqrt(v / n), and v sqrt(2 / n); five of them */
                if (fabs(mean) > 5 * sqrt(variance / KEYS) ||
                    fabs(found - variance) > 5 * variance * sqrt(2.0 / KEYS))
                    fail_msg("grid %d, row %d, column %d, component %d: mean %g, variance %g; "
                             "wanted 0, %g",
                             grid, at[k][0], at[k][1], c, mean, found, variance);
            }
        double most = 5 * deviation * deviation / sqrt(KEYS);
        if (fabs(both / KEYS) > most || fabs(neighbours / KEYS) > most)
            fail_msg("grid %d: covariance of components %g, of points %g; at most %g wanted", grid,
                     both / KEYS, neighbours / KEYS, most);
    }
}

/*
 * From pixel to pixel the displacement bends no more than the second derivative of Catmull-Rom
 * allows, also across grid points: 12 / spacing^2 times the largest vector, and 1.25 for the
 * overshoot of the other direction.
 */
static void test_elastic_is_smooth(void **state)
{
    static const struct {
        int side;
        float grid;
    } rows[] = {{100, 0}, {100, 25}, {97, 13.7f}, {40, 150}, {3, 0}, {1, 0}};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (uint64_t key = 0; key < 20; key++) {
            int side = rows[r].side;
            struct un_elastic e;
            void *memory = malloc(un_elastic_bytes(side, rows[r].grid));
            un_elastic_draw(&e, side, 10, rows[r].grid, key, memory);
            double most = 0, u[3][2] = {{0}};
            for (int i = 0; i < 2 * e.points * e.points; i++)
                most = fmax(most, fabs((double)e.vectors[i]));
            double limit = 12 * 1.25 * most / (e.spacing * e.spacing) + 1e-4;
            for (int along = 0; along < 2; along++)
                for (int i = 0; i < side; i++)
                    for (int j = 0; j < side; j++) {
                        memmove(u, u + 1, 2 * sizeof *u);
                        un_elastic_row(&e, along ? i : j);
                        un_elastic_at(&e, along ? j : i, &u[2][0], &u[2][1]);
                        for (int c = 0; c < 2 && j > 1; c++)
                            if (fabs(u[2][c] - 2 * u[1][c] + u[0][c]) > limit)
                                fail_msg("side %d, grid %g, key %d: %g, %g, %g at %d, %d", side,
                                         (double)rows[r].grid, (int)key, u[0][c], u[1][c], u[2][c],
                                         i, j);
                    }
            free(memory);
        }
}

/* ---- middles of tiles -------------------------------------------------------------------- */

static void test_focus_meets_pixels_by_weight(void **state)
{
    enum { H = 8, W = 9, KEYS = 60000 };
    uint8_t mask[H * W];
    int met[H * W] = {0};
    const unet_augment a = {.at_foreground = 1, .at_background = 0.1f, .at_ignored = 0};
    struct un_focus focus;
    double weights[H * W], all = 0, chi = 0, free_numbers = -1;
    float p[2];
    (void)state;
    for (int i = 0; i < H * W; i++) {
        mask[i] = i / W == 3                        ? UNET_IGNORE
                  : un_rng_below(4, (uint64_t)i, 5) ? 0
                                                    : (uint8_t)(1 + i % 2);
        weights[i] = mask[i] == UNET_IGNORE ? 0 : mask[i] ? 1 : (double)0.1f;
        all += weights[i];
    }
    assert_int_equal(un_focus_make(&a, mask, H, W, &focus, NULL), UNET_OK);
    for (uint64_t key = 0; key < KEYS; key++) {
        find_positions(&a, mask, H, W, &focus, 1, 1, un_rng_key(9, key, 0, 0), p);
        met[(int)p[0] * W + (int)p[1]]++;
    }
    for (int i = 0; i < H * W; i++) {
        double want = KEYS * weights[i] / all;
        if (want == 0 && met[i])
            fail_msg("pixel %d of weight 0 was met %d times", i, met[i]);
        chi += want > 0 ? (met[i] - want) * (met[i] - want) / want : 0;
        free_numbers += want > 0;
    }
    if (chi > free_numbers + 5 * sqrt(2 * free_numbers))
        fail_msg("chi-square %g of %g degrees of freedom", chi, free_numbers);
    free(focus.rows);
}

/* The one foreground pixel is in the middle of each tile, though it lies in a corner. */
static void test_focus_is_the_middle(void **state)
{
    enum { H = 30, W = 40 };
    static uint8_t mask[H * W];
    static float p[64 * 64 * 2];
    const unet_augment a = {.at_foreground = 1, .flip = 1}, none = {0}, ignored = {.at_ignored = 1};
    struct un_focus focus;
    (void)state;
    mask[2 * W + 37] = 1;
    assert_int_equal(un_focus_make(&a, mask, H, W, &focus, NULL), UNET_OK);
    for (int side = 1; side < 64; side++)
        for (uint64_t key = 0; key < 8; key++) {
            bool there = false;
            find_positions(&a, mask, H, W, &focus, side, side, key, p);
            for (int i = (side - 1) / 2; i <= side / 2; i++)
                for (int j = (side - 1) / 2; j <= side / 2; j++)
                    there =
                        there || (p[2 * (i * side + j)] == 2 && p[2 * (i * side + j) + 1] == 37);
            if (!there)
                fail_msg("side %d, key %d: the middle shows row %g, column %g", side, (int)key,
                         (double)p[side / 2 * side * 2 + side / 2 * 2],
                         (double)p[side / 2 * side * 2 + side / 2 * 2 + 1]);
        }
    free(focus.rows);
    assert_int_equal(un_focus_make(&none, mask, H, W, &focus, NULL), UNET_OK);
    assert_null(focus.rows);
    assert_int_equal(un_focus_make(&ignored, mask, H, W, &focus, NULL), UNET_OK);
    assert_null(focus.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_a_plain_resampling),
        cmocka_unit_test(test_turns_and_zooms),
        cmocka_unit_test(test_elastic_statistics),
        cmocka_unit_test(test_elastic_is_smooth),
        cmocka_unit_test(test_focus_meets_pixels_by_weight),
        cmocka_unit_test(test_focus_is_the_middle),
    };
    return cmocka_run_group_tests_name("augmentation", tests, NULL, NULL);
}
