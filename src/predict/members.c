/* SPDX-License-Identifier: Apache-2.0 */
/* members.c - the models of a session: whether they go together, and how each reads an image */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "predict/session.h"

/* What all members share, as words: "depth" and "4". */
struct shared {
    const char *what;
    char value[16];
};
enum { SHARED = 8 };

static void list_shared(const struct un_graph *graph, struct shared list[SHARED])
{
    const unet_spec *spec = &graph->spec;
    const struct un_geometry g = graph->geometry;
    const struct {
        const char *what;
        int value;
    } numbers[] = {{"in_channels", spec->in_channels},
                   {"classes", spec->classes},
                   {"depth", spec->depth},
                   {"rims", spec->rims},
                   {"down (1: by stride 2)", (int)spec->down},
                   {"the border of tiles", g.border}};
    list[0] = (struct shared){"padding", "none"};
    if (!g.valid)
        strcpy(list[0].value, "same");
    for (int i = 0; i < SHARED - 2; i++) {
        list[i + 1].what = numbers[i].what;
        snprintf(list[i + 1].value, sizeof list->value, "%d", numbers[i].value);
    }
    list[SHARED - 1] = (struct shared){"what is looked at", "a part"};
    if (!un_spec_local(spec))
        strcpy(list[SHARED - 1].value, "the whole image");
}

static const char *name_of(const unet_model *model, int label)
{
    return un_model_class(model, label, NULL);
}

/* who: "model 3: ", or nothing where there is only one that it can be. */
static unet_code check_member(const unet_model *first, const unet_model *other, const char *who,
                              unet_error *err)
{
    struct shared want[SHARED], found[SHARED];
    list_shared(&first->graph, want);
    list_shared(&other->graph, found);
    for (int i = 0; i < SHARED; i++)
        if (strcmp(found[i].value, want[i].value) != 0)
            return un_fail(err, UNET_EINVAL,
                           "%s%s is %s, that of the first model %s; models that are averaged have "
                           "to agree in it",
                           who, found[i].what, found[i].value, want[i].value);
    for (int label = 0; label < un_model_labels(first); label++) {
        const char *a = name_of(first, label), *b = name_of(other, label);
        if (*a && *b && strcmp(a, b) != 0)
            return un_fail(err, UNET_EINVAL, "%sclass %d is '%s', of the first model '%s'", who,
                           label, b, a);
    }
    return UNET_OK;
}

unet_code un_members_set(unet_session *s, const unet_model *model,
                         const unet_session_options *options, unet_error *err)
{
    const int others = options->other_count;
    if (others < 0 || others > 1000)
        return un_fail(err, UNET_EINVAL, "%d other models, wanted 0 to 1000", others);
    if (others && !options->others)
        return un_fail(err, UNET_EINVAL, "others is NULL, wanted %d models", others);
    if (!(s->members = calloc((size_t)others + 1, sizeof *s->members)))
        return un_fail_memory(err, ((size_t)others + 1) * sizeof *s->members, "models");
    s->members[0].model = model;
    s->member_count = 1 + others;
    for (int i = 0; i < others; i++) {
        char who[32] = "";
        if (others > 1)
            snprintf(who, sizeof who, "model %d: ", i + 2);
        if (!options->others[i])
            return un_fail(err, UNET_EINVAL, "others[%d] is NULL", i);
        unet_code code = check_member(model, options->others[i], who, err);
        if (code)
            return code;
        s->members[1 + i].model = options->others[i];
    }
    return UNET_OK;
}

struct un_scaling un_member_scaling(const unet_session *s, int m, const struct un_page *page)
{
    const unet_model *model = s->members[m].model;
    struct un_scaling scaling = model->scaling;
    if (s->fill.set)
        scaling.fill = s->fill;
    else if (page && page->fill.set && (model->seen.images || !model->trained))
        scaling.fill = page->fill;
    return scaling;
}

void un_members_read(unet_session *s, unet_view image)
{
    for (int m = 0; m < s->member_count; m++) {
        const struct un_scaling scaling = un_member_scaling(s, m, NULL);
        s->members[m].reading = un_reading_of(image, s->model->graph.spec.in_channels, &scaling);
    }
}

void un_members_move(unet_session *s, unet_view rows, int top)
{
    for (int m = 0; m < s->member_count; m++) {
        s->members[m].reading.view = rows;
        s->members[m].reading.top = top;
    }
}
