/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which convolution a norm follows, or stands before in networks of which that is known.  The pair
 * that has most in common is settled first, then the next, and so on.  In common means, in this
 * order: how many channels they have (a must), where their names begin alike, where they end alike,
 * and how soon the norm follows the convolution.
 *
 *   down1.double_conv.0, down1.double_conv.1   begin alike, 1 follows 0 (and not 4)
 *   down1.conv1, down1.conv2, down1.bn1        begin alike, conv1 and bn1 end alike
 *   layers.17, layers.18                       18 follows 17
 *
 * Names that give no hint leave it to the order of the file; where that means nothing, too, there
 * is no telling.  A file that lists its layers as they run (ONNX) needs no names: what normalises a
 * convolution comes right behind it.
 */
#include "recognise/layouts.h"

enum { BEHIND = 1000 }; /* more than any distance: a norm that lies before the convolution */

struct score {
    int common, end, distance;
};

static struct score score_of(const struct un_modules *modules, int conv, int norm)
{
    const struct un_module *c = &modules->items[conv], *n = &modules->items[norm];
    int distance = modules->arrays->ordered ? n->file_rank - c->file_rank : n->natural - c->natural;
    return (struct score){modules->common[conv][norm], un_module_common_end(c, n),
                          distance > 0 ? distance : BEHIND - distance};
}

static bool is_better(struct score a, struct score b)
{
    if (a.common != b.common)
        return a.common > b.common;
    if (a.end != b.end)
        return a.end > b.end;
    return a.distance < b.distance;
}

/* Whether the norm may still be chosen for the convolution. */
static bool fits(const struct un_modules *modules, const bool *used, int conv, int norm)
{
    const struct un_module *c = &modules->items[conv], *n = &modules->items[norm];
    return c->kind != UN_MODULE_NORM && n->kind == UN_MODULE_NORM && c->out == n->out &&
           c->norm < 0 && !used[norm];
}

/* Another norm that is as good a choice by its name, -1: none. */
static int rival(const struct un_modules *modules, const bool *used, int conv, int norm)
{
    if (modules->arrays->ordered || modules->alike[conv][norm])
        return -1; /* the order of the file or of the numbers has decided */
    struct score best = score_of(modules, conv, norm);
    for (int i = 0; i < modules->count; i++) {
        struct score s = score_of(modules, conv, i);
        if (i != norm && fits(modules, used, conv, i) && s.common == best.common &&
            s.end == best.end)
            return i;
    }
    return -1;
}

/* false: some norm does not come right behind a convolution of its channels, and none is settled.
 */
static bool attach_as_they_run(struct un_modules *modules)
{
    bool all = true;
    for (int n = 0; n < modules->count && all; n++) {
        struct un_module *norm = &modules->items[n], *conv = norm - 1;
        if (norm->kind != UN_MODULE_NORM)
            continue;
        all = n > 0 && conv->kind != UN_MODULE_NORM && conv->out == norm->out;
        if (all)
            conv->norm = n;
    }
    for (int c = 0; c < modules->count && !all; c++)
        modules->items[c].norm = -1;
    return all;
}

/* The module of m's container whose number is the one before m's, -1: none. */
static int module_before(const struct un_modules *modules, const struct un_module *m)
{
    for (int i = 0; i < modules->count; i++) {
        const struct un_module *other = &modules->items[i];
        if (un_module_siblings(m, other) && un_module_number(other) == un_module_number(m) - 1)
            return i;
    }
    return -1;
}

static unet_code attach_before(struct un_modules *modules, unet_error *err)
{
    bool used[UN_MAX_MODULES] = {false};
    for (int c = 0; c < modules->count; c++) {
        struct un_module *conv = &modules->items[c];
        const int n = conv->kind == UN_MODULE_CONV3X3 ? module_before(modules, conv) : -1;
        if (n < 0 || modules->items[n].kind != UN_MODULE_NORM)
            continue;
        if (modules->items[n].out != conv->in)
            return un_module_fail(modules, n, err,
                                  "a norm before a convolution that reads %d channels", conv->in);
        conv->norm = n;
        used[n] = true;
    }
    for (int n = 0; n < modules->count; n++)
        if (modules->items[n].kind == UN_MODULE_NORM && !used[n])
            return un_module_fail(modules, n, err,
                                  "a norm that stands before no convolution, and in networks of "
                                  "this class each does");
    return UNET_OK;
}

unet_code un_modules_attach_norms(struct un_modules *modules, unet_error *err)
{
    const struct un_names *layout = un_layout_of(modules);
    if (layout && (layout->residual || layout->family))
        return UNET_OK; /* there names say all */
    if (un_layout_is_before(layout, modules))
        return attach_before(modules, err);
    if (modules->arrays->one_network && attach_as_they_run(modules))
        return UNET_OK;
    bool used[UN_MAX_MODULES] = {false};
    for (;;) {
        int conv = -1, norm = -1;
        struct score best = {0};
        for (int c = 0; c < modules->count; c++)
            for (int n = 0; n < modules->count; n++) {
                if (modules->common[c][n] < best.common || !fits(modules, used, c, n))
                    continue;
                struct score s = score_of(modules, c, n);
                if (conv < 0 || is_better(s, best)) {
                    conv = c;
                    norm = n;
                    best = s;
                }
            }
        if (conv < 0)
            break;
        int other = rival(modules, used, conv, norm);
        if (other >= 0)
            return un_module_fail(modules, conv, err,
                                  "is it normalised by %.*s or by %.*s? neither their names nor "
                                  "their order in the file tells",
                                  modules->items[norm].length, modules->items[norm].name,
                                  modules->items[other].length, modules->items[other].name);
        modules->items[conv].norm = norm;
        used[norm] = true;
    }
    for (int n = 0; n < modules->count; n++)
        if (modules->items[n].kind == UN_MODULE_NORM && !used[n])
            return un_module_fail(modules, n, err,
                                  "a norm for which no convolution of %d outputs is left; in a "
                                  "plain U-Net each follows a convolution",
                                  modules->items[n].out);
    return UNET_OK;
}
