/* SPDX-License-Identifier: Apache-2.0 */
/* network_subjects.h - the engines that networks are tried on, and how arrays are compared */
#ifndef NETWORK_SUBJECTS_H
#define NETWORK_SUBJECTS_H

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/rng.h"
#include "net/run.h"
#include "support/chosen.h"
#include "support/slow.h"
#include "weights/safetensors.h"

struct fixture {
    const char *name;
    struct un_safetensors file;
    unet_spec spec;
    float pos_weight;
    struct un_graph graph;
    int n, h, w; /* of the input */
};

struct subject { /* an engine under test */
    char name[48];
    struct un_engine *engine;
};

static inline void compare(const struct fixture *f, const struct subject *s, const char *what,
                           const float *got, const float *want, size_t count, double tolerance)
{
    double scale = 1e-3;
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fabs(want[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance * scale))
            fail_msg("%s on %s: %s: value %zu of %zu is %.9g, PyTorch has %.9g (tolerance %g)",
                     f->name, s->name, what, i, count, (double)got[i], (double)want[i],
                     tolerance * scale);
}

/* Floats of the engine's, for the caller to free. */
static inline float *bring(struct un_engine *e, const float *from, size_t count)
{
    float *values = malloc(count * sizeof *values);
    e->ops->get(e, values, from, count * sizeof *values);
    return values;
}

static inline bool by_tiles(const struct subject *s)
{
    return strcmp(s->engine->ops->name, "reference") && !s->engine->exact;
}

static inline float largest(const float *x, size_t count)
{
    float most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmaxf(most, fabsf(x[i]));
    return most;
}

/*
 * want and got are gradients of all trainable parameters.  That of a bias is zero when a norm
 * behind it takes the mean away: what is there instead is rounding of sums like those of the
 * weights, and it is held to the size of those.
 */
#define NONE 1e-12f /* in double precision, in which the fixtures are made */

static inline void compare_gradients(const struct fixture *f, const struct subject *s,
                                     const float *got, const float *want)
{
    const struct un_graph *g = &f->graph;
    for (int i = 0; i < g->node_count; i++) {
        const struct un_node *node = &g->nodes[i];
        const int params[] = {node->weight, node->bias};
        /* that of an up-convolution, or of the 1x1 before a doubling, moves the whole map that the
         * next convolution reads, where that has no padding */
        bool flat = node->where.role == UN_ROLE_UP && g->spec.padding == UNET_PADDING_VALID &&
                    g->spec.norm == UNET_NORM_BATCH;
        int last = i;
        while (flat && last + 1 < g->node_count &&
               (last == i || g->nodes[last].kind != UN_NODE_CONV))
            last++;
        bool vanishes = node->kind == UN_NODE_CONV && node->act.kind == UN_ACT_NONE &&
                        last + 1 < g->node_count && g->nodes[last].act.kind == UN_ACT_NONE &&
                        g->nodes[last + 1].kind == UN_NODE_NORM;
        for (int k = 0; k < 2; k++) {
            if (params[k] < 0)
                continue;
            const struct un_param *p = &g->params[params[k]];
            const struct un_param *w = &g->params[params[0]];
            if (k == 1 && (vanishes || largest(want + p->offset, p->count) < NONE)) {
                float most =
                    largest(got + p->offset, p->count) + largest(want + p->offset, p->count);
                float least = 1e-4f * fmaxf(1e-3f, largest(want + w->offset, w->count));
                if (!(most <= 2 * least))
                    fail_msg("%s on %s: %s: %.9g, wanted nearly zero (%g)", f->name, s->name,
                             p->name, (double)most, (double)least);
            } else {
                compare(f, s, p->name, got + p->offset, want + p->offset, p->count, 1e-4);
            }
        }
    }
}

static inline int list_subjects(struct subject *list)
{
    static const char *const isas[] = {"baseline", "neon", "avx2", "avx512"};
    int count = 0;
    unet_error err;
    if (un_engine_reference_create(&list[count].engine, &err))
        fail_msg("%s", err.text);
    snprintf(list[count++].name, sizeof list->name, "reference");
    if (chosen_engine()) {
        if (un_engine_choose(2, &list[count].engine, &err))
            fail_msg("%s", err.text);
        snprintf(list[count++].name, sizeof list->name, "%.20s", chosen_engine());
        return count;
    }
    for (int i = 0; i < 8; i++) { /* each by tiles of Winograd's and directly */
        const char *isa = isas[i / 2];
        snprintf(list[count].name, sizeof list->name, "%s%s", isa, i % 2 ? ", exact" : "");
        if (un_engine_cpu_create(isa, 2, &list[count].engine, &err)) {
            print_message("skipped: %s\n", err.text);
            continue;
        }
        list[count++].engine->exact = i % 2;
    }
    return count;
}

#endif
