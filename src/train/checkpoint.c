/* SPDX-License-Identifier: Apache-2.0 */
#include "train/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "weights/safetensors.h"

static const char metadata_key[] = "unet-checkpoint";

/* One array of the file and where it lies in the trainer, in engine memory. */
struct part {
    const char *name;
    float *values;
    size_t count;
    bool positive; /* none of its values is below 0 */
};

enum { MOST_PARTS = 5 };

/* Fills part[MOST_PARTS]; returns how many there are. */
static int list_parts(const unet_trainer *t, struct part *part)
{
    const struct un_graph *g = &t->network.graph;
    const bool swapped = t->shows_average && !t->network.owns_values;
    const struct part all[MOST_PARTS] = {
        {"weights", swapped ? t->average : t->network.values, g->trainable, false},
        {"statistics", t->network.values + g->trainable, g->values - g->trainable, false},
        {"moment", t->moment, g->trainable, false},
        {"square", t->square, t->square ? g->trainable : 0, true},
        {"average", swapped ? t->network.values : t->average, t->average ? g->trainable : 0, false},
    };
    int count = 0;
    for (int i = 0; i < MOST_PARTS; i++)
        if (all[i].count)
            part[count++] = all[i];
    return count;
}

/* Where the host can read a part: *copy is memory to free, or NULL when none was needed. */
static unet_code host_values(const unet_trainer *t, const struct part *part, float **copy,
                             const float **values, unet_error *err)
{
    const size_t bytes = part->count * sizeof(float);
    *values = part->values;
    if (t->engine->ops->host_memory)
        return UNET_OK;
    *values = *copy = malloc(bytes);
    return *copy ? un_trainer_bring(t, *copy, part->values, bytes, err)
                 : un_fail_memory(err, bytes, part->name);
}

/* A checkpoint that could not be read again must not take the place of one that can. */
static unet_code check_finite(const char *path, const struct un_safetensors_entry *entry,
                              size_t count, unet_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(entry->values[i]))
            return un_fail(err, UNET_EINVAL,
                           "%s: not written: value %zu of %s is %g; try a lower learning rate",
                           path, i, entry->name, (double)entry->values[i]);
    return UNET_OK;
}

unet_code un_checkpoint_write(const unet_trainer *t, const struct un_progress_state *state,
                              const struct un_fingerprint *validation, const char *path,
                              unet_error *err)
{
    struct part part[MOST_PARTS];
    struct un_safetensors_entry entries[MOST_PARTS];
    int shape[MOST_PARTS], count = list_parts(t, part);
    float *copies[MOST_PARTS] = {NULL};
    json_t *object = un_checkpoint_pack(t, state, validation);
    char *text = object ? un_json_text(object) : NULL;
    unet_code code = text ? UNET_OK : un_fail_memory(err, 4096, path);
    for (int i = 0; i < count && !code; i++) {
        shape[i] = (int)part[i].count; /* a spec has fewer values than an int holds */
        entries[i] = (struct un_safetensors_entry){part[i].name, 1, &shape[i], NULL};
        code = host_values(t, &part[i], &copies[i], &entries[i].values, err);
        if (!code)
            code = check_finite(path, &entries[i], part[i].count, err);
    }
    const char *const metadata[1][2] = {{metadata_key, text}};
    if (!code)
        code = un_safetensors_write(path, entries, count, metadata, 1, err);
    for (int i = 0; i < count; i++)
        free(copies[i]);
    free(text);
    json_decref(object);
    return code;
}

/* Finds a part in the file and looks at all of its values. */
static unet_code check_part(const struct un_safetensors *file, const struct part *part,
                            const char *path, const struct un_array **array, unet_error *err)
{
    const struct un_array *found = un_safetensors_find(file, part->name);
    if (!found)
        return un_fail(err, UNET_EFORMAT, "%s: %s is missing", path, part->name);
    if (strcmp(found->dtype->name, "F32") || found->count != part->count)
        return un_fail(err, UNET_EFORMAT, "%s: %s has %zu values of type %s, wanted %zu of F32",
                       path, part->name, found->count, found->dtype->name, part->count);
    for (size_t i = 0; i < part->count; i++) {
        float value;
        un_little_copy(&value, found->data + i * sizeof value, 1, sizeof value);
        if (!isfinite(value) || (part->positive && value < 0))
            return un_fail(err, UNET_EFORMAT, "%s: value %zu of %s is %g", path, i, part->name,
                           (double)value);
    }
    *array = found;
    return UNET_OK;
}

static unet_code read_metadata(const struct un_safetensors *file, const unet_trainer *t,
                               const struct un_fingerprint *validation, const char *path,
                               long *step, struct un_progress_state *state, unet_error *err)
{
    const char *text = un_safetensors_metadata(file, metadata_key);
    json_t *object;
    if (!text)
        return un_fail(err, UNET_EFORMAT, "%s: is no checkpoint: it has no metadata \"%s\"", path,
                       metadata_key);
    unet_code code = un_json_parse(path, text, strlen(text), &object, err);
    if (code)
        return code;
    code = un_checkpoint_unpack(object, t, validation, path, step, state, err);
    json_decref(object);
    return code;
}

/* Nothing can fail any more.  The file was copied into memory, where values may be turned. */
static void take_parts(unet_trainer *t, const struct part *part, const struct un_array *const *from,
                       int count)
{
    struct un_engine *e = t->engine;
    for (int i = 0; i < count; i++) {
        if (UN_HOST_BIG)
            un_swap((unsigned char *)(uintptr_t)from[i]->data, part[i].count, sizeof(float));
        e->ops->put(e, part[i].values, from[i]->data, part[i].count * sizeof(float));
    }
    t->behind = t->network.owns_values;
}

unet_code un_checkpoint_read(unet_trainer *t, struct un_progress_state *state,
                             const struct un_fingerprint *validation, const char *path,
                             unet_error *err)
{
    struct un_safetensors file;
    struct part part[MOST_PARTS];
    const struct un_array *found[MOST_PARTS];
    struct un_progress_state made;
    long step;
    unet_code code = un_safetensors_open(path, &file, err);
    if (code)
        return code;
    un_trainer_show_average(t, false);
    const int count = list_parts(t, part);
    code = read_metadata(&file, t, validation, path, &step, state ? &made : NULL, err);
    for (int i = 0; i < count && !code; i++)
        code = check_part(&file, &part[i], path, &found[i], err);
    if (!code) {
        take_parts(t, part, found, count);
        t->step = step;
        if (state)
            *state = made;
    }
    un_safetensors_release(&file);
    return code;
}

unet_code un_checkpoint_hand_out(unet_trainer *t, struct un_progress_state *state, unet_error *err)
{
    const struct un_engine_ops *ops = t->engine->ops;
    struct part part[MOST_PARTS];
    const int count = list_parts(t, part);
    unet_code code =
        un_ranks_broadcast(t->ranks, UN_CHANNEL_TALK, 0, &t->step, sizeof t->step, err);
    if (!code)
        code = un_ranks_broadcast(t->ranks, UN_CHANNEL_TALK, 0, state, sizeof *state, err);
    for (int i = 0; i < count && !code; i++) {
        const size_t bytes = part[i].count * sizeof(float);
        float *copy = ops->host_memory ? part[i].values : malloc(bytes);
        if (!copy)
            return un_fail_memory(err, bytes, part[i].name);
        if (!ops->host_memory)
            code = un_trainer_bring(t, copy, part[i].values, bytes, err);
        if (!code)
            code = un_ranks_broadcast(t->ranks, UN_CHANNEL_TALK, 0, copy, bytes, err);
        if (!ops->host_memory) {
            ops->put(t->engine, part[i].values, copy, bytes);
            free(copy);
        }
    }
    t->behind = t->network.owns_values;
    return code;
}
