/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A package may hold its weights in several formats.  Those that are read are tried in the order in
 * which they say most of the network, and the first that is one of ours is taken.  A model of this
 * project comes back by what its own file says of it; of any other, the description says how images
 * become its input and what its classes are called.
 */
#include "model/bioimage/package.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checksum.h"
#include "base/yaml.h"
#include "recognise/recognise.h"
#include "weights/onnx/onnx.h"
#include "weights/torch/torch.h"

/* ---- the archive ---- */

static const char *const descriptions[] = {"rdf.yaml", "bioimageio.yaml", NULL};

/* A name, or one that ends with a point and it. */
static bool is_description(const char *member)
{
    const char *slash = strrchr(member, '/'), *name = slash ? slash + 1 : member;
    const size_t length = strlen(name);
    for (int i = 0; descriptions[i]; i++) {
        const size_t end = strlen(descriptions[i]);
        if (length >= end && !strcmp(name + length - end, descriptions[i]) &&
            (length == end || name[length - end - 1] == '.'))
            return true;
    }
    return false;
}

static bool names_one(const struct un_mapping *file)
{
    const size_t most = (size_t)1 << 16, tail = file->size < most ? file->size : most;
    const unsigned char *end = file->data + file->size - tail;
    bool found = false;
    for (int i = 0; descriptions[i] && !found; i++)
        found = memmem(end, tail, descriptions[i], strlen(descriptions[i])) != NULL;
    return found;
}

bool un_package_is(const char *path)
{
    struct un_mapping file;
    struct un_zip zip;
    bool found = false;
    if (un_map_open(path, &file, NULL))
        return false;
    if (file.size > 4 && !memcmp(file.data, "PK\3\4", 4) && names_one(&file) &&
        !un_zip_open(path, file.data, file.size, &zip, NULL)) {
        for (int i = 0; i < zip.count && !found; i++)
            found = is_description(un_zip_name(&zip, i));
        un_zip_release(&zip);
    }
    un_map_release(&file);
    return found;
}

/* That in the outermost folder. */
static int find_description(const struct un_zip *zip)
{
    int best = -1;
    for (int i = 0; i < zip->count; i++)
        if (is_description(un_zip_name(zip, i)) &&
            (best < 0 || strlen(un_zip_name(zip, i)) < strlen(un_zip_name(zip, best))))
            best = i;
    return best;
}

static unet_code read_description(struct un_package *p, unet_error *err)
{
    const int member = find_description(&p->zip);
    if (member < 0)
        return un_fail(err, UNET_EFORMAT, "%s: a zip archive without rdf.yaml", p->path);
    const char *name = un_zip_name(&p->zip, member), *slash = strrchr(name, '/');
    const size_t size = un_zip_size(&p->zip, member);
    snprintf(p->what, sizeof p->what, "%.300s: %.80s", p->path, slash ? slash + 1 : name);
    if (size > UN_YAML_MAX_BYTES)
        return un_fail(err, UNET_EFORMAT, "%s has %zu bytes, at most %d are read", p->what, size,
                       UN_YAML_MAX_BYTES);
    p->folder = strndup(name, slash ? (size_t)(slash + 1 - name) : 0);
    p->text = malloc(size + 1);
    if (!p->folder || !p->text)
        return un_fail_memory(err, size, p->what);
    unet_code code = un_zip_read(&p->zip, member, (unsigned char *)p->text, err);
    return code ? code : un_rdf_parse(p->what, p->text, size, &p->rdf, err);
}

unet_code un_package_open(const char *path, struct un_package *package, unet_error *err)
{
    struct un_package p = {.path = path};
    unet_code code = un_map_whole(path, &p.file, err);
    if (code)
        return code;
    if (!(code = un_zip_open(path, p.file.data, p.file.size, &p.zip, err)))
        code = read_description(&p, err);
    if (code) {
        un_package_release(&p);
        return code;
    }
    *package = p;
    package->rdf.what = package->what;
    return UNET_OK;
}

void un_package_release(struct un_package *package)
{
    un_rdf_release(&package->rdf);
    un_zip_release(&package->zip);
    un_map_release(&package->file);
    free(package->folder);
    free(package->text);
    *package = (struct un_package){0};
}

static int find_file(const struct un_package *p, const char *source)
{
    const size_t folder = strlen(p->folder);
    source += strncmp(source, "./", 2) ? 0 : 2;
    for (int i = 0; i < p->zip.count; i++) {
        const char *name = un_zip_name(&p->zip, i);
        if (!strncmp(name, p->folder, folder) && !strcmp(name + folder, source))
            return i;
    }
    return -1;
}

unet_code un_package_file(const struct un_package *p, const struct un_rdf_file *file,
                          unsigned char **data, size_t *size, unet_error *err)
{
    const int member = find_file(p, file->source);
    char found[UN_SHA256_TEXT];
    if (member < 0)
        return un_fail(err, UNET_EFORMAT, "%s: names %.100s, which is not in the archive%s",
                       p->what, file->source,
                       strstr(file->source, "://") ? "; nothing is fetched from elsewhere" : "");
    *size = un_zip_size(&p->zip, member);
    unsigned char *made = malloc(*size + 1); /* and a zero byte behind it */
    if (!made)
        return un_fail_memory(err, *size, p->what);
    made[*size] = 0;
    unet_code code = un_zip_read(&p->zip, member, made, err);
    if (!code && file->sha256) {
        un_sha256_text(made, *size, found);
        if (strcasecmp(found, file->sha256))
            code =
                un_fail(err, UNET_EFORMAT, "%s: says that the sha256 of %.60s is %.64s, it is %s",
                        p->what, file->source, file->sha256, found);
    }
    if (code)
        free(made);
    else
        *data = made;
    return code;
}

/* ---- the model ---- */

/* Words of the network's class that say what arrays do not. */
static void take_kwargs(const struct un_rdf *rdf, struct un_hints *hints)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)rdf->kwargs, key, value)
    {
        if (json_is_string(value))
            un_hints_take_text(hints, key, json_string_value(value));
        else if (json_is_number(value))
            un_hints_take_number(hints, key, json_number_value(value));
    }
}

static unet_code parse_weights(enum un_rdf_weights kind, const struct un_rdf *rdf, const char *path,
                               const unsigned char *data, size_t size, struct un_arrays *arrays,
                               unet_error *err)
{
    unet_code code = kind == UN_RDF_ONNX ? un_onnx_parse(path, data, size, arrays, err)
                                         : un_torch_parse(path, data, size, arrays, err);
    if (!code && kind == UN_RDF_STATE_DICT)
        take_kwargs(rdf, &arrays->hints);
    return code;
}

/* A network that scales what it is given by itself does so after the package's steps. */
static unet_code scale_on(const struct un_package *p, const struct un_scaling *network,
                          struct un_scaling *scaling, unet_error *err)
{
    const float offset = network->offset, scale = network->scale;
    if (!network->set || (offset == 0 && scale == 1))
        return UNET_OK;
    if (scaling->per_image)
        return un_fail(err, UNET_EFORMAT,
                       "%s: its network scales an image that was brought to mean 0 and variance 1, "
                       "which is not done here",
                       p->path);
    if (!scaling->centred)
        scaling->offset += offset / scaling->scale;
    for (int c = 0; c < scaling->centred; c++) {
        scaling->means[c] += offset * scaling->deviations[c];
        scaling->deviations[c] /= scale;
    }
    scaling->scale *= scaling->centred ? 1 : scale;
    scaling->dim_offset = scaling->offset;
    scaling->dim_scale = scaling->scale;
    return UNET_OK;
}

/* Of a network that is not ours: how images become its input. */
static unet_code take_input(const struct un_package *p, const unet_known *known, unet_model *model,
                            unet_error *err)
{
    struct un_scaling scaling = model->scaling;
    unet_error why;
    if (known->mean) /* who says so knows better, as who says standardize */
        return UNET_OK;
    unet_code code = un_rdf_preprocessing(&p->rdf, model->graph.spec.in_channels, &scaling, &why);
    if (code && known->standardize > 0) {
        un_note(known->log, UNET_WARNING, "%s; each is brought to mean 0 and variance 1 instead",
                why.text);
        return UNET_OK;
    }
    if (code)
        return un_fail_again(err, &why);
    if (known->standardize > 0)
        return UNET_OK;
    if (!(code = scale_on(p, &model->scaling, &scaling, err)))
        model->scaling = scaling;
    return code;
}

/* The names of the output's channels, unless they are numbers of their places. */
static void take_names(const struct un_rdf *rdf, unet_model *model)
{
    const json_t *names = rdf->output.names;
    const int labels = un_model_labels(model), outputs = model->graph.spec.classes;
    const int first = labels - outputs; /* one output is that of class 1 */
    if (json_array_size(names) != (size_t)outputs)
        return;
    for (int i = 0; i < outputs; i++) {
        const char *name = json_string_value(json_array_get(names, (size_t)i));
        if (name && *name && strncmp(name, "channel", 7) && strcmp(name, "null"))
            un_model_set_class(model, first + i, name, NULL, NULL);
    }
}

static unet_code import_one(const struct un_package *p, enum un_rdf_weights kind,
                            const unet_known *known, unet_model **model, unet_origin *origin,
                            unet_error *err)
{
    char path[512];
    struct un_arrays arrays = {0};
    unsigned char *data = NULL;
    size_t size = 0;
    unet_origin told = {0};
    unet_model *made = NULL;
    snprintf(path, sizeof path, "%.300s: %.200s", p->path, p->rdf.weights[kind].source);
    unet_code code = un_package_file(p, &p->rdf.weights[kind], &data, &size, err);
    if (!code)
        code = parse_weights(kind, &p->rdf, path, data, size, &arrays, err);
    if (!code) {
        const bool own = arrays.metadata != NULL;
        arrays.size = size;
        code = un_model_from_file(path, known, &arrays, &made, &told, err);
        if (!code && !own && !(code = take_input(p, known, made, err)))
            take_names(&p->rdf, made);
        un_arrays_release(&arrays);
    }
    free(data);
    if (code) {
        un_model_free(made);
        return code;
    }
    *model = made;
    if (origin) {
        *origin = told;
        snprintf(origin->format, sizeof origin->format, "bioimage.io, %.18s", told.format);
    }
    return UNET_OK;
}

static unet_code import_any(const struct un_package *p, const unet_known *known, unet_model **model,
                            unet_origin *origin, unet_error *err)
{
    unet_error why = {.code = UNET_OK};
    for (int kind = 0; kind < UN_RDF_WEIGHTS; kind++) {
        unet_error now;
        if (!p->rdf.weights[kind].source)
            continue;
        unet_code code = import_one(p, kind, known, model, origin, &now);
        if (!code)
            return UNET_OK;
        why = why.code ? why : now;
        if (code != UNET_EFORMAT)
            break;
    }
    if (why.code)
        return un_fail_again(err, &why);
    return un_fail(err, UNET_EFORMAT,
                   "%s: has weights of no format that is read: onnx, torchscript or "
                   "pytorch_state_dict wanted",
                   p->what);
}

unet_code un_package_import(const char *path, const unet_known *known, unet_model **model,
                            unet_origin *origin, unet_error *err)
{
    struct un_package package;
    unet_code code = un_package_open(path, &package, err);
    if (code)
        return code;
    code = import_any(&package, known, model, origin, err);
    un_package_release(&package);
    return code;
}
