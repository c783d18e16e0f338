/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A package of ours: rdf.yaml, README.md, weights.onnx, test_input.npy, test_output.npy.
 *
 * The softmax (of one output: the sigmoid) is in the network, since not every program that reads
 * packages knows a softmax as a step after it.  Scaling is a step before it, as the format has it.
 * The test output is what our own engine makes of the test input.
 */
#include "model/bioimage/package.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/logits.h"
#include "base/number.h"
#include "base/checksum.h"
#include "image/formats/npy_header.h"
#include "weights/onnx/onnx.h"

enum { EXAMPLE_SIDE = 256, PATTERN_SIDE = 64 };

/* A member that is made in memory. */
struct blob {
    char *data;
    size_t size;
    char sha256[UN_SHA256_TEXT];
};

struct making {
    const unet_model *model;
    const char *path, *metadata;
    const unet_export_options *options;
    struct un_scaling input; /* of samples of any type */
    int side[2];             /* of the test input */
    float *tensor;           /* the same, [height][width][channels] */
    struct blob weights, test[2], text, readme;
};

static unet_code no_memory(const struct making *m, unet_error *err)
{
    return un_fail_memory(err, (size_t)1 << 20, m->path);
}

/* ---- the test input ---- */

/* A number in 0..1 that is the same on every machine. */
static float noise(unsigned a, unsigned b)
{
    unsigned h = a * 0x9e3779b1u ^ b * 0x85ebca6bu;
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    return (float)((h ^ h >> 13) & 0xffff) / 65535;
}

/* Bright discs, somewhat apart, on dark ground. */
static float pattern(int y, int x)
{
    const unsigned row = (unsigned)y / 16, column = (unsigned)x / 16;
    const float dy = (float)(y % 16) - 6 - 4 * noise(row, column);
    const float dx = (float)(x % 16) - 6 - 4 * noise(column, row + 99);
    const float radius = 3 + 2 * noise(row + 7, column + 7);
    const float level = dy * dy + dx * dx < radius * radius ? 0.7f : 0.2f;
    return level + 0.1f * noise((unsigned)y, (unsigned)x + 1000);
}

/* Samples that the network sees as 0..1; whole numbers, where they are large. */
static void draw_pattern(struct making *m)
{
    const int channels = m->model->graph.spec.in_channels;
    const bool scaled = !m->input.per_image;
    const double scale = scaled ? (double)m->input.scale : 1.0 / 255;
    const double offset = scaled ? (double)m->input.offset : 0;
    float *to = m->tensor;
    for (int y = 0; y < m->side[0]; y++)
        for (int x = 0; x < m->side[1]; x++)
            for (int c = 0; c < channels; c++) {
                const double v = offset + (double)pattern(y, x + 5 * c) / scale;
                *to++ = (float)(scale < 0.1 ? floor(v) : v);
            }
}

/* The middle of an image of the caller's, mirrored beyond its edges. */
static void take_example(struct making *m)
{
    const unet_view view = un_view_of(m->options->example);
    const struct un_reading plain = {.view = view,
                                     .height = view.height,
                                     .channels = m->model->graph.spec.in_channels,
                                     .scale = 1};
    un_tile_read(&plain, (view.height - m->side[0]) / 2, (view.width - m->side[1]) / 2, m->side[0],
                 m->side[1], m->tensor);
}

/* The largest side that the description allows, up to `most`; at least the smallest. */
static int fitting_side(int smallest, int grid, int most)
{
    return most <= smallest ? smallest : smallest + (most - smallest) / grid * grid;
}

static unet_code make_input(struct making *m, int smallest, unet_error *err)
{
    const struct un_graph *graph = &m->model->graph;
    const unet_image *example = m->options->example;
    for (int i = 0; i < 2; i++) {
        int most = !example ? PATTERN_SIDE : i ? example->width : example->height;
        most = most < EXAMPLE_SIDE ? most : EXAMPLE_SIDE;
        m->side[i] = fitting_side(smallest, graph->geometry.grid, most);
    }
    m->tensor = malloc((size_t)m->side[0] * (size_t)m->side[1] * (size_t)graph->spec.in_channels *
                       sizeof(float));
    if (!m->tensor)
        return no_memory(m, err);
    if (!example) {
        draw_pattern(m);
        return UNET_OK;
    }
    unet_code code = un_reading_check(un_view_of(example), NULL, graph->spec.in_channels, err);
    if (!code)
        take_example(m);
    return code;
}

/* ---- members ---- */

static void seal(struct blob *blob)
{
    un_sha256_text(blob->data, blob->size, blob->sha256);
}

/* [1][channels][height][width] of [height][width][channels]. */
static unet_code make_npy(struct making *m, const float *values, int height, int width,
                          int channels, struct blob *blob, unet_error *err)
{
    const int shape[4] = {1, channels, height, width};
    const size_t plane = (size_t)height * (size_t)width;
    size_t start;
    FILE *file = open_memstream(&blob->data, &blob->size);
    if (!file)
        return no_memory(m, err);
    unet_code code = un_npy_begin(m->path, file, 4, shape, &start, err);
    for (int c = 0; c < channels && !code; c++)
        for (size_t i = 0; i < plane; i++)
            un_little_write(values + i * (size_t)channels + c, sizeof(float), 1, file);
    const bool failed = ferror(file);
    if ((fclose(file) || failed) && !code)
        return no_memory(m, err);
    seal(blob);
    return code;
}

static void to_probabilities(float *values, size_t pixels, int outputs)
{
    for (size_t i = 0; i < pixels; i++, values += outputs)
        un_probabilities(values, 1, values, 1, outputs);
}

static unet_code make_tensors(struct making *m, unet_error *err)
{
    const unet_spec *spec = &m->model->graph.spec;
    float *logits = NULL;
    int height = 0, width = 0;
    unet_code code =
        make_npy(m, m->tensor, m->side[0], m->side[1], spec->in_channels, &m->test[0], err);
    if (code)
        return code;
    code =
        un_package_prepare(&m->input, m->side[0], m->side[1], spec->in_channels, &m->tensor, err);
    if (!code)
        code = un_package_run(m->model, m->tensor, m->side[0], m->side[1], &logits, &height, &width,
                              err);
    if (!code) {
        to_probabilities(logits, (size_t)height * (size_t)width, un_spec_outputs(spec));
        code = make_npy(m, logits, height, width, un_spec_outputs(spec), &m->test[1], err);
    }
    free(logits);
    return code;
}

static unet_code make_weights(struct making *m, unet_error *err)
{
    const struct un_onnx_options options = {.probabilities = true, .metadata = m->metadata};
    FILE *file = open_memstream(&m->weights.data, &m->weights.size);
    if (!file)
        return no_memory(m, err);
    unet_code code = un_onnx_put(m->path, file, &m->model->graph, m->model->values, &options, err);
    const bool failed = ferror(file);
    if ((fclose(file) || failed) && !code)
        return no_memory(m, err);
    if (!code)
        seal(&m->weights);
    return code;
}

static unet_code make_texts(struct making *m, int smallest, int halo, unet_error *err)
{
    const struct un_rdf_made made = {.model = m->model,
                                     .options = m->options,
                                     .input = m->input,
                                     .smallest = smallest,
                                     .halo = halo,
                                     .weights = m->weights.sha256,
                                     .test_input = m->test[0].sha256,
                                     .test_output = m->test[1].sha256};
    m->text.data = un_rdf_text(&made);
    m->readme.data = un_rdf_readme(&made);
    if (!m->text.data || !m->readme.data)
        return no_memory(m, err);
    m->text.size = strlen(m->text.data);
    m->readme.size = strlen(m->readme.data);
    return UNET_OK;
}

/* ---- the package ---- */

static unet_code check_options(const struct making *m, unet_error *err)
{
    const char *author = m->options->author, *license = m->options->license;
    if (author && *author && license && *license)
        return UNET_OK;
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_AUTHOR,
                        "%s: a package says %s, which are not known", m->path,
                        "who made it and under which license others may use it");
}

static unet_code save_members(const struct making *m, unet_error *err)
{
    const struct un_zip_entry entries[] = {
        {"rdf.yaml", m->text.data, m->text.size},
        {"README.md", m->readme.data, m->readme.size},
        {"test_input.npy", m->test[0].data, m->test[0].size},
        {"test_output.npy", m->test[1].data, m->test[1].size},
        {"weights.onnx", m->weights.data, m->weights.size},
    };
    struct un_save save = {0};
    unet_code code = un_save_begin(&save, m->path, err);
    if (!code)
        code = un_zip_write(m->path, save.file, entries, sizeof entries / sizeof *entries, err);
    if (code)
        un_save_abort(&save);
    else
        code = un_save_commit(&save, err);
    return code;
}

/* The smallest input, and how much of an output depends on what lies beyond the input's edges: of a
 * padded network as far as a pixel sees, where that is not the whole image. */
static int smallest_side(const struct un_graph *graph, int *halo)
{
    const struct un_geometry *g = &graph->geometry;
    *halo = !g->valid && un_spec_local(&graph->spec) ? g->border : 0;
    return g->valid ? un_fit_input(graph, 1) : 2 * *halo + (*halo ? g->grid : 2 * g->grid);
}

unet_code un_package_write(const unet_model *model, const char *path, const char *metadata,
                           const unet_export_options *options, unet_error *err)
{
    struct making m = {.model = model, .path = path, .metadata = metadata, .options = options};
    int halo;
    const int smallest = smallest_side(&model->graph, &halo);
    m.input = model->scaling;
    m.input.fill = (struct un_fill){0}; /* which a package cannot say */
    m.input.set = true;
    un_model_scale(model, options, &m.input.offset, &m.input.scale);
    unet_code code = check_options(&m, err);
    if (!code)
        un_model_tell_scale(model, path, options);
    if (!code && model->scaling.per_image && model->scaling.clips)
        code = un_fail(err, UNET_EINVAL,
                       "%s: packages hold no samples to limits before each image is brought to "
                       "mean 0 and variance 1, as this model does",
                       path);
    if (!code && !(code = make_input(&m, smallest, err)) && !(code = make_tensors(&m, err)) &&
        !(code = make_weights(&m, err)) && !(code = make_texts(&m, smallest, halo, err)))
        code = save_members(&m, err);
    free(m.tensor);
    free(m.weights.data);
    free(m.test[0].data);
    free(m.test[1].data);
    free(m.text.data);
    free(m.readme.data);
    return code;
}
