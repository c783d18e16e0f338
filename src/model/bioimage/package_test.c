/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test tensors of a package: its input goes through the steps that its description names and
 * through the network as one tile, and what comes out is compared with its output.  Whether that
 * has been through a softmax or sigmoid, the network's own or that of the postprocessing, is told
 * by what fits best.
 */
#include "model/bioimage/package.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/logits.h"
#include "image/formats/npy_header.h"
#include "base/number.h"
#include "net/run.h"

enum { MOST_SIDE = 4096, MOST_VALUES = 1 << 26 };

/* A tensor as [height][width][channels], from malloc. */
struct map {
    int height, width, channels;
    float *values;
};

/* ---- the network ---- */

static unet_code forward(struct un_network *network, const float *input, float **logits,
                         unet_error *err)
{
    struct un_engine *e = network->engine;
    const struct un_tensor in = un_network_input(network), out = un_network_output(network);
    const size_t in_bytes = (size_t)in.shape.h * in.shape.w * in.shape.c * sizeof(float);
    const size_t out_bytes = (size_t)out.shape.h * out.shape.w * out.shape.c * sizeof(float);
    float *to = e->ops->host_alloc(e, in_bytes), *from = e->ops->host_alloc(e, out_bytes);
    float *made = malloc(out_bytes);
    unet_code code = UNET_OK;
    if (to && from && made) {
        memcpy(to, input, in_bytes);
        e->ops->upload(e, in, to);
        un_network_forward(network, 0);
        e->ops->download(e, from, out);
        code = e->ops->finish(e, err);
        memcpy(made, from, code ? 0 : out_bytes);
    } else {
        code = un_fail_memory(err, in_bytes + 2 * out_bytes, "test tensors");
    }
    if (to)
        e->ops->host_release(e, to);
    if (from)
        e->ops->host_release(e, from);
    if (code)
        free(made);
    else
        *logits = made;
    return code;
}

unet_code un_package_run(const unet_model *model, const float *input, int height, int width,
                         float **logits, int *out_height, int *out_width, unet_error *err)
{
    struct un_engine *engine = NULL;
    struct un_network *network = malloc(sizeof *network);
    struct un_graph *graph = malloc(sizeof *graph);
    unet_code code = UNET_OK;
    if (!graph || !network)
        code = un_fail_memory(err, sizeof *network, "test tensors");
    if (!code) {
        *graph = model->graph;
        code = un_graph_size(graph, 1, height, width, err);
    }
    if (!code && !(code = un_model_fetch(model, err)))
        code = un_engine_choose(0, &engine, err);
    if (!code &&
        !(code = un_network_create(network, engine, graph, UN_PREDICT, model->values, err))) {
        code = forward(network, input, logits, err);
        *out_height = un_network_output(network).shape.h;
        *out_width = un_network_output(network).shape.w;
        un_network_release(network);
    }
    if (engine)
        engine->ops->free(engine);
    free(network);
    free(graph);
    return code;
}

/* ---- the tensors ---- */

/* By axis letter, its place in the array's shape, -1: it has none. */
static int place_of(const struct un_rdf_tensor *tensor, char letter)
{
    const char *at = strchr(tensor->axes, letter);
    return at ? (int)(at - tensor->axes) : -1;
}

static uint64_t side_of(const struct un_npy *npy, int place)
{
    return place < 0 ? 1 : npy->shape[place];
}

/* Whether the array has the axes of the description, sides that can be run, and all its values. */
static bool fits(const struct un_npy *npy, const struct un_rdf_tensor *tensor, size_t bytes)
{
    uint64_t count = (uint64_t)npy->bytes;
    bool good = npy->dims == (int)strlen(tensor->axes);
    for (int i = 0; i < npy->dims && good; i++) {
        good = npy->shape[i] >= 1 && npy->shape[i] <= MOST_SIDE;
        count *= good ? npy->shape[i] : 1;
        good = good && count <= (uint64_t)MOST_VALUES * 8;
    }
    return good && count == bytes && side_of(npy, place_of(tensor, 'b')) == 1;
}

static void copy_values(const struct un_npy *npy, const struct un_rdf_tensor *tensor,
                        const unsigned char *bytes, struct map *map)
{
    const struct un_page page = {.kind = npy->kind, .bytes = npy->bytes, .bits = npy->bits};
    const int y = place_of(tensor, 'y'), x = place_of(tensor, 'x'), c = place_of(tensor, 'c');
    size_t stride[UN_NPY_DIMS + 1] = {0}, step = 1;
    for (int i = 0; i < npy->dims; i++) {
        const int axis = npy->fortran ? i : npy->dims - 1 - i;
        stride[axis] = step;
        step *= (size_t)npy->shape[axis];
    }
    float *to = map->values;
    for (int i = 0; i < map->height; i++)
        for (int j = 0; j < map->width; j++)
            for (int k = 0; k < map->channels; k++)
                *to++ = (float)un_page_value(&page, bytes,
                                             (size_t)i * stride[y] + (size_t)j * stride[x] +
                                                 (c < 0 ? 0 : (size_t)k * stride[c]));
}

static unet_code read_map(const struct un_package *p, const struct un_rdf_tensor *tensor,
                          struct map *map, unet_error *err)
{
    unsigned char *data = NULL;
    size_t size = 0;
    struct un_npy npy;
    char name[512];
    unet_code code = un_package_file(p, &tensor->test, &data, &size, err);
    if (code)
        return code;
    snprintf(name, sizeof name, "%.300s: %.100s", p->path, tensor->test.source);
    if (size < 6 || memcmp(data, UN_NPY_MAGIC, 6))
        code = un_fail(err, UNET_EFORMAT, "%s: is no .npy", name);
    else if (!(code = un_npy_header(name, data, size, &npy, err)) &&
             !fits(&npy, tensor, size - npy.start))
        code = un_fail(err, UNET_EFORMAT,
                       "%s: is no array of axes %s with all its values, a batch of 1 and sides of "
                       "up to %d",
                       name, tensor->axes, MOST_SIDE);
    if (!code) {
        *map = (struct map){(int)npy.shape[place_of(tensor, 'y')],
                            (int)npy.shape[place_of(tensor, 'x')],
                            (int)side_of(&npy, place_of(tensor, 'c')), NULL};
        const size_t count = (size_t)map->height * (size_t)map->width * (size_t)map->channels;
        if (!(map->values = malloc(count * sizeof(float))))
            code = un_fail_memory(err, count * sizeof(float), name);
        else if (npy.turn)
            un_swap(data + npy.start, count, npy.bytes);
    }
    if (!code)
        copy_values(&npy, tensor, data + npy.start, map);
    free(data);
    return code;
}

unet_code un_package_prepare(const struct un_scaling *scaling, int height, int width, int channels,
                             float **values, unet_error *err)
{
    const size_t count = (size_t)height * (size_t)width * (size_t)channels;
    const unet_image image = {height, width, channels, UNET_F32, 0, *values};
    float *made = malloc(count * sizeof *made);
    if (!made)
        return un_fail_memory(err, count * sizeof *made, "the input of a test");
    const struct un_reading reading = un_reading_of(un_view_of(&image), channels, scaling);
    un_tile_read(&reading, 0, 0, height, width, made);
    free(*values);
    *values = made;
    return UNET_OK;
}

/* ---- the comparison ---- */

static void take_softmax(float *values, int channels)
{
    float most = values[0], sum = 0;
    for (int k = 1; k < channels; k++)
        most = values[k] > most ? values[k] : most;
    for (int k = 0; k < channels; k++)
        sum += values[k] = expf(values[k] - most);
    for (int k = 0; k < channels; k++)
        values[k] /= sum;
}

static void take_sigmoid(float *values, int channels)
{
    for (int k = 0; k < channels; k++)
        values[k] = (float)un_sigmoid((double)values[k]);
}

static void take_nothing(float *values, int channels)
{
    (void)values, (void)channels;
}

static const struct {
    const char *name;
    void (*take)(float *values, int channels);
} ends[] = {{"logits", take_nothing}, {"softmax", take_softmax}, {"sigmoid", take_sigmoid}};

enum { ENDS = sizeof ends / sizeof *ends, MOST_CHANNELS = 1024 };

/* The largest difference of what `end` makes of the logits; the wanted map may be their middle. */
static double difference(const struct map *got, const struct map *wanted, int end)
{
    const int top = (got->height - wanted->height) / 2, left = (got->width - wanted->width) / 2;
    const size_t C = (size_t)got->channels;
    double most = 0;
    float pixel[MOST_CHANNELS];
    for (int y = 0; y < wanted->height; y++)
        for (int x = 0; x < wanted->width; x++) {
            const size_t at = (size_t)(y + top) * (size_t)got->width + (size_t)(x + left);
            const float *want =
                wanted->values + ((size_t)y * (size_t)wanted->width + (size_t)x) * C;
            memcpy(pixel, got->values + at * C, C * sizeof *pixel);
            ends[end].take(pixel, got->channels);
            for (size_t k = 0; k < C; k++) {
                const double apart = fabs((double)pixel[k] - (double)want[k]);
                most = apart > most || apart != apart ? apart : most;
            }
        }
    return most;
}

static bool inside(const struct map *wanted, const struct map *got)
{
    const int rows = got->height - wanted->height, columns = got->width - wanted->width;
    return rows >= 0 && columns >= 0 && rows % 2 == 0 && columns % 2 == 0;
}

static void compare(const struct map *got, const struct map *wanted, unet_package_test *test)
{
    if (got->channels != wanted->channels || !inside(wanted, got)) {
        snprintf(test->reason, sizeof test->reason,
                 "its output is %d x %d with %d channels, the network's %d x %d with %d",
                 wanted->height, wanted->width, wanted->channels, got->height, got->width,
                 got->channels);
        return;
    }
    const size_t count = (size_t)wanted->height * (size_t)wanted->width * (size_t)wanted->channels;
    for (size_t i = 0; i < count; i++)
        test->largest = fmax(test->largest, fabs((double)wanted->values[i]));
    for (int end = 0; end < ENDS; end++) {
        const double apart = difference(got, wanted, end);
        if (!test->made || apart < test->difference) {
            test->difference = apart;
            test->compared = ends[end].name;
        }
        test->made = 1;
    }
}

/* The first step after the network that the comparison does not know; NULL: there is none. */
static const char *stranger(const struct un_rdf *rdf)
{
    static const char *const known[] = {"sigmoid", "softmax", "ensure_dtype", NULL};
    for (size_t i = 0; i < json_array_size(rdf->output.steps); i++) {
        const json_t *step = json_array_get(rdf->output.steps, i);
        const char *name = json_string_value(un_rdf_get(step, "id"));
        bool found = false;
        name = name ? name : json_string_value(un_rdf_get(step, "name"));
        for (int k = 0; known[k] && name && !found; k++)
            found = !strcmp(known[k], name);
        if (!found)
            return name ? name : "a step without a name";
    }
    return NULL;
}

static bool refuse(unet_package_test *test, const char *why)
{
    snprintf(test->reason, sizeof test->reason, "%.190s", why);
    return false;
}

/* Whether the network can take the input as it is; *why says why not. */
static bool can_run(const unet_model *model, const struct map *map, unet_package_test *test)
{
    const struct un_graph *graph = &model->graph;
    if (map->channels != graph->spec.in_channels)
        return refuse(test, "its input has another number of channels than the network");
    if (un_fit_input(graph, map->height) != map->height ||
        un_fit_input(graph, map->width) != map->width)
        return refuse(test, "the network takes no input of these sides");
    return true;
}

static unet_code run_test(const unet_model *model, const struct un_package *p,
                          const struct un_scaling *scaling, unet_package_test *test,
                          unet_error *err)
{
    struct map in = {0}, out = {0}, got = {.channels = un_spec_outputs(&model->graph.spec)};
    unet_code code = read_map(p, &p->rdf.input, &in, err);
    if (!code && can_run(model, &in, test) && !(code = read_map(p, &p->rdf.output, &out, err))) {
        code = un_package_prepare(scaling, in.height, in.width, in.channels, &in.values, err);
        if (!code)
            code = un_package_run(model, in.values, in.height, in.width, &got.values, &got.height,
                                  &got.width, err);
        if (!code)
            compare(&got, &out, test);
    }
    free(in.values);
    free(out.values);
    free(got.values);
    return code;
}

/* Whether the model scales samples of every type alike: then it knows better than the steps, to
 * which the scaling of a network of somebody else was joined when it was read.  One of ours says in
 * its steps which type they are for. */
static bool scales_itself(const unet_model *model)
{
    const struct un_scaling *scaling = &model->scaling;
    return scaling->set && scaling->dim_scale == scaling->scale &&
           scaling->dim_offset == scaling->offset;
}

unet_code un_package_test(const unet_model *model, const char *path, unet_package_test *test,
                          unet_error *err)
{
    struct un_package package;
    struct un_scaling scaling = {0};
    unet_error why;
    unet_code code;
    if (!un_package_is(path)) {
        refuse(test, "no bioimage.io package");
        return UNET_OK;
    }
    if ((code = un_package_open(path, &package, err)))
        return code;
    const struct un_rdf *rdf = &package.rdf;
    const char *step = stranger(rdf);
    if (!rdf->input.test.source || !rdf->output.test.source)
        refuse(test, "the package has no test tensors");
    else if (un_rdf_preprocessing(rdf, model->graph.spec.in_channels, &scaling, &why))
        refuse(test, "its images are prepared in a way that is not known here");
    else if (step)
        snprintf(test->reason, sizeof test->reason, "its output is made by %.60s", step);
    else
        code =
            run_test(model, &package, scales_itself(model) ? &model->scaling : &scaling, test, err);
    un_package_release(&package);
    return code;
}
