/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cells.c - made-up fluorescence microscopy
 *
 * A picture is built as light reaches a camera:
 *
 *   1. cells: rounded outlines r(angle) = ellipse * (1 + a few harmonics), many of them pressed
 *      against a neighbour; each has its own brightness (a factor of six between the faintest and
 *      the brightest), a rim, a mottled texture, and often a darker or brighter nucleus
 *   2. things that are no cells: haze out of focus, bright specks, fibres
 *   3. uneven illumination, which multiplies cells and background alike
 *   4. the lens: a Gaussian blur
 *   5. the camera: shot noise, whose variance is proportional to the light, and read noise
 *
 * Faint cells in a dark corner are darker than the empty background in a bright one, so no single
 * threshold finds all cells; a network that looks at the surroundings does.
 */
#include "demo/demo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
#define HARMONICS 5
#define BACKGROUND 0.16f

/* ---- random numbers: splitmix64 (Steele, Lea, Flood 2014) -------------------------------- */

static uint64_t next_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state, double low, double high)
{
    return low + (high - low) * (double)(next_bits(state) >> 11) * 0x1p-53;
}

static double normal(uint64_t *state)
{
    double u = 1 - uniform(state, 0, 1), v = uniform(state, 0, 1);

    return sqrt(-2 * log(u)) * cos(2 * PI * v);
}

/* ---- smooth fields ----------------------------------------------------------------------- */

/* Gaussian blur of image [height][width] in place, edges repeated; scratch is as large. */
static void blur(float *image, float *scratch, int height, int width, double sigma)
{
    float kernel[64], sum = 0;
    int radius = (int)ceil(3 * sigma);

    if (radius > 31)
        radius = 31;
    for (int i = -radius; i <= radius; i++)
        sum += kernel[i + radius] = (float)exp(-0.5 * i * i / (sigma * sigma));
    for (int pass = 0; pass < 2; pass++) {
        const float *src = pass ? scratch : image;
        float *dst = pass ? image : scratch;
        int length = pass ? height : width, step = pass ? width : 1;

        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int at = pass ? y : x;
                float value = 0;

                for (int i = -radius; i <= radius; i++) {
                    int from = at + i < 0 ? 0 : at + i >= length ? length - 1 : at + i;

                    value += kernel[i + radius] * src[y * width + x + (from - at) * step];
                }
                dst[y * width + x] = value / sum;
            }
        }
    }
}

/* Value noise in [-1, 1]: random numbers on a grid of `cell` pixels, smoothly joined. */
static double value_noise(uint64_t key, double y, double x, double cell)
{
    double gy = floor(y / cell), gx = floor(x / cell), fy = y / cell - gy, fx = x / cell - gx;
    double corner[4];

    for (int i = 0; i < 4; i++) {
        uint64_t state = key ^ ((uint64_t)(int64_t)(gy + i / 2) * 0x9e3779b97f4a7c15u) ^
                         ((uint64_t)(int64_t)(gx + i % 2) * 0xc2b2ae3d27d4eb4fu);

        corner[i] = uniform(&state, -1, 1);
    }
    fy = fy * fy * (3 - 2 * fy);
    fx = fx * fx * (3 - 2 * fx);
    return (corner[0] * (1 - fx) + corner[1] * fx) * (1 - fy) +
           (corner[2] * (1 - fx) + corner[3] * fx) * fy;
}

/* ---- cells ------------------------------------------------------------------------------- */

struct cell {
    double y, x, radius;                        /* radius: of a circle of the same area */
    double stretch, angle;                      /* long axis over short axis, its direction */
    double amount[HARMONICS], phase[HARMONICS]; /* of the outline */
    double brightness, texture, grain;          /* grain: size of the mottles, pixels */
    double nucleus, nucleus_y, nucleus_x, nucleus_size; /* nucleus: brightness added inside it */
    uint64_t key;
};

static struct cell draw_cell(uint64_t *state, double y, double x)
{
    struct cell cell = {.y = y, .x = x};

    cell.radius = uniform(state, 9, 19);
    cell.stretch = exp(uniform(state, 0, 0.55));
    cell.angle = uniform(state, 0, PI);
    for (int k = 0; k < HARMONICS; k++) {
        cell.amount[k] = normal(state) * 0.11 / (1 + k);
        cell.phase[k] = uniform(state, 0, 2 * PI);
    }
    /* between faint and bright all factors are as likely */
    cell.brightness = 0.15 * exp(uniform(state, 0, log(6)));
    cell.texture = uniform(state, 0.05, 0.3);
    cell.grain = uniform(state, 3, 7);
    cell.nucleus =
        uniform(state, 0, 1) < 0.65 ? uniform(state, -0.55, -0.15) : uniform(state, -0.1, 0.5);
    cell.nucleus_y = uniform(state, -0.25, 0.25);
    cell.nucleus_x = uniform(state, -0.25, 0.25);
    cell.nucleus_size = uniform(state, 0.3, 0.5);
    cell.key = next_bits(state);
    return cell;
}

/* Distance of a point from the cell's middle, 1 on its outline; (*v, *u) in units of its radius. */
static double cell_distance(const struct cell *cell, double y, double x, double *v, double *u)
{
    double c = cos(cell->angle), s = sin(cell->angle), root = sqrt(cell->stretch), angle, r = 1;

    *u = (c * (x - cell->x) + s * (y - cell->y)) / (cell->radius * root);
    *v = (c * (y - cell->y) - s * (x - cell->x)) / (cell->radius / root);
    angle = atan2(*v, *u);
    for (int k = 0; k < HARMONICS; k++)
        r += cell->amount[k] * cos((k + 2) * angle + cell->phase[k]);
    return sqrt(*u * *u + *v * *v) / (r > 0.5 ? r : 0.5);
}

/* The light of a cell at distance d < 1 from its middle. */
static double cell_light(const struct cell *cell, double y, double x, double d, double v, double u)
{
    double rim = 0.72 + 0.28 * sqrt(1 - d * d) + 0.18 * exp(-50 * (d - 0.88) * (d - 0.88));
    double mottle = 1 + cell->texture * (value_noise(cell->key, y, x, cell->grain) +
                                         0.6 * value_noise(~cell->key, y, x, cell->grain / 2));
    double dy = v - cell->nucleus_y, dx = u - cell->nucleus_x;
    double depth = sqrt(dy * dy + dx * dx) / cell->nucleus_size;
    double nucleus = 1 + cell->nucleus / (1 + exp(12 * (depth - 1)));

    return cell->brightness * rim * mottle * nucleus;
}

/* Paints a cell where no other cell is; the pixels it gets. */
static int paint_cell(const struct cell *cell, int id, float *light, struct cells *out)
{
    int reach = (int)(cell->radius * sqrt(cell->stretch) * 1.5) + 2, pixels = 0;
    int top = (int)cell->y - reach, left = (int)cell->x - reach;

    for (int y = top < 0 ? 0 : top; y <= top + 2 * reach && y < out->height; y++) {
        for (int x = left < 0 ? 0 : left; x <= left + 2 * reach && x < out->width; x++) {
            double v, u, d = cell_distance(cell, y, x, &v, &u);
            int at = y * out->width + x;

            if (d >= 1 || out->instances[at])
                continue;
            out->instances[at] = (uint16_t)id;
            out->mask[at] = 255;
            light[at] += (float)cell_light(cell, y, x, d, v, u);
            pixels++;
        }
    }
    return pixels;
}

/*
 * Cells alone and in clusters.  A cluster grows by setting a new cell beside an old one, a little
 * into it, so that they share a border.  What lies under an older cell is hidden.
 */
static int paint_cells(uint64_t *state, float *light, struct cells *out)
{
    int room = out->height * out->width / 1600 + 1, wanted, count = 0;
    struct cell *cells = calloc((size_t)room, sizeof(*cells));

    if (!cells)
        return 0;
    wanted = (int)(room * uniform(state, 0.45, 0.85)) + 1;
    for (int tries = 0; count < wanted && tries < 40 * wanted; tries++) {
        struct cell cell =
            draw_cell(state, uniform(state, 0, out->height), uniform(state, 0, out->width));
        double nearest = 1e9;

        if (count && uniform(state, 0, 1) < 0.55) {
            const struct cell *old = &cells[next_bits(state) % (uint64_t)count];
            double angle = uniform(state, 0, 2 * PI), far = 0.93 * (old->radius + cell.radius);

            cell.y = old->y + far * sin(angle);
            cell.x = old->x + far * cos(angle);
        }
        if (cell.y < 0 || cell.x < 0 || cell.y >= out->height || cell.x >= out->width)
            continue;
        for (int i = 0; i < count; i++)
            nearest = fmin(nearest, hypot(cells[i].y - cell.y, cells[i].x - cell.x) /
                                        (cells[i].radius + cell.radius));
        if (nearest < 0.88)
            continue;
        if (paint_cell(&cell, count + 1, light, out))
            cells[count++] = cell;
    }
    out->count = count;
    free(cells);
    return 1;
}

/* ---- what is no cell --------------------------------------------------------------------- */

/* Adds a round spot with a soft edge: light * exp(-(r / radius)^power). */
static void paint_spot(float *image, int height, int width, double cy, double cx, double radius,
                       double power, double amount)
{
    int reach = (int)(radius * 3) + 2;

    for (int y = (int)cy - reach; y <= (int)cy + reach; y++)
        for (int x = (int)cx - reach; x <= (int)cx + reach; x++)
            if (y >= 0 && x >= 0 && y < height && x < width)
                image[y * width + x] +=
                    (float)(amount * exp(-pow(hypot(y - cy, x - cx) / radius, power)));
}

static void paint_fibre(uint64_t *state, float *light, int height, int width)
{
    double y = uniform(state, 0, height), x = uniform(state, 0, width);
    double angle = uniform(state, 0, 2 * PI), bend = uniform(state, -0.03, 0.03);
    double amount = uniform(state, 0.2, 0.5);
    int length = (int)uniform(state, 20, 60);

    for (int i = 0; i < length; i++) {
        paint_spot(light, height, width, y, x, 1.1, 2, amount * 0.5);
        y += sin(angle);
        x += cos(angle);
        angle += bend;
    }
}

static void paint_debris(uint64_t *state, float *light, int height, int width)
{
    double area = (double)height * width / 65536;
    int haze = (int)(uniform(state, 2, 5) * area + 0.5),
        specks = (int)(uniform(state, 6, 22) * area);
    int fibres = (int)(uniform(state, 0, 3) * area + 0.5);

    for (int i = 0; i < haze; i++)
        paint_spot(light, height, width, uniform(state, 0, height), uniform(state, 0, width),
                   uniform(state, 18, 40), 2, uniform(state, 0.08, 0.3));
    for (int i = 0; i < specks; i++)
        paint_spot(light, height, width, uniform(state, 0, height), uniform(state, 0, width),
                   uniform(state, 0.8, 3), 4, uniform(state, 0.25, 1.1));
    for (int i = 0; i < fibres; i++)
        paint_fibre(state, light, height, width);
}

/* ---- light, lens, camera ----------------------------------------------------------------- */

/* Multiplies by a slope across the picture, a darker rim, and slow waves. */
static void illuminate(uint64_t *state, float *light, int height, int width)
{
    double angle = uniform(state, 0, 2 * PI), slope = uniform(state, 0.3, 0.75);
    double rim = uniform(state, 0.1, 0.35), cy = uniform(state, 0.35, 0.65);
    double cx = uniform(state, 0.35, 0.65);
    uint64_t key = next_bits(state);

    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            double v = (double)y / height, u = (double)x / width;
            double along = (u - 0.5) * cos(angle) + (v - 0.5) * sin(angle);
            double out = (v - cy) * (v - cy) + (u - cx) * (u - cx);
            double waves = 0.12 * value_noise(key, y, x, 70);

            light[y * width + x] *=
                (float)fmax(0.15, 1 + 2 * slope * along - rim * 2 * out + waves);
        }
    }
}

/* Light to samples: `photons` of them saturate the camera. */
static void expose(uint64_t *state, const float *light, struct cells *out)
{
    size_t count = (size_t)out->height * (size_t)out->width;
    double photons = uniform(state, 150, 500), read_noise = uniform(state, 0.006, 0.014);
    double gain = uniform(state, 0.65, 0.95), top = out->image16 ? 4095 : 255;

    for (size_t i = 0; i < count; i++) {
        double signal = gain * (double)light[i];
        double value =
            0.02 + signal + sqrt(signal / photons) * normal(state) + read_noise * normal(state);
        long sample = lround(fmin(fmax(value, 0), 1) * top);

        if (out->image16)
            out->image16[i] = (uint16_t)sample;
        else
            out->image8[i] = (uint8_t)sample;
    }
}

int cells_make(const struct cells_options *options, struct cells *cells)
{
    int height = options->height, width = options->width;
    size_t count = (size_t)height * (size_t)width;
    uint64_t state = options->seed * 0xd1342543de82ef95u + 0x2545f4914f6cdd1du;
    float *light = malloc(count * sizeof(float)), *scratch = malloc(count * sizeof(float));
    struct cells out = {.height = height, .width = width};
    int ok;

    out.mask = calloc(count, 1);
    out.instances = calloc(count, sizeof(*out.instances));
    if (options->deep)
        out.image16 = calloc(count, sizeof(*out.image16));
    else
        out.image8 = calloc(count, 1);
    ok = light && scratch && out.mask && out.instances && (out.image8 || out.image16);
    for (size_t i = 0; ok && i < count; i++)
        light[i] = BACKGROUND;
    ok = ok && paint_cells(&state, light, &out);
    if (ok) {
        paint_debris(&state, light, height, width);
        illuminate(&state, light, height, width);
        blur(light, scratch, height, width, uniform(&state, 0.8, 1.3));
        expose(&state, light, &out);
        *cells = out;
    } else {
        cells_release(&out);
    }
    free(light);
    free(scratch);
    return ok;
}

void cells_release(struct cells *cells)
{
    free(cells->image8);
    free(cells->image16);
    free(cells->mask);
    free(cells->instances);
    memset(cells, 0, sizeof(*cells));
}
