/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset_groups.c - parts of a set in which some images are neighbours
 *
 * A split takes groups whole, in an order drawn by the seed, until it has the share; a group that
 * would make it more than twice as much, or half of all, is passed over.  Where that finds too
 * little, as in one long sequence, the last images of each group are taken, and singles by chance.
 *
 * Folds deal pieces: a group is one, or as many as a fold's size asks for, cut where images follow
 * each other; the largest first, each to the fold that has least.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/set/dataset.h"

struct piece {
    int first, count; /* in grouping.images */
    int fold;
};

struct grouping {
    int count, groups;
    int *images;          /* [count] in the order of their groups; in a group in their own */
    struct piece *pieces; /* [count] at most; the groups */
    int *order;           /* [count] of pieces, shuffled */
    bool *out;            /* [count] */
    int held;             /* how many of those are set */
};

static void release(struct grouping *g)
{
    free(g->images);
    free(g->pieces);
    free(g->order);
    free(g->out);
}

static void shuffle(int *order, int count, uint64_t key)
{
    for (int i = 0; i < count; i++) { /* Fisher and Yates, inside out */
        const int j = (int)un_rng_below(key, (uint64_t)i, (uint32_t)i + 1);
        if (j != i)
            order[i] = order[j];
        order[j] = i;
    }
}

static unet_code make_grouping(struct grouping *g, const int *group, int count, unet_error *err)
{
    const size_t room = (size_t)count + 1;
    int placed = 0;
    *g = (struct grouping){.count = count};
    g->images = malloc(room * sizeof *g->images);
    g->pieces = malloc(room * sizeof *g->pieces);
    g->order = malloc(room * sizeof *g->order);
    g->out = calloc(room, sizeof *g->out);
    if (!g->images || !g->pieces || !g->order || !g->out)
        return un_fail_memory(err, room * sizeof *g->pieces, "split");
    for (int i = 0; i < count; i++) { /* out: has its place */
        if (g->out[i])
            continue;
        const int first = placed;
        for (int j = i; j < count; j++)
            if (group[j] == group[i]) {
                g->images[placed++] = j;
                g->out[j] = true;
            }
        g->pieces[g->groups++] = (struct piece){first, placed - first, -1};
    }
    memset(g->out, 0, room * sizeof *g->out);
    return UNET_OK;
}

static void hold(struct grouping *g, int image)
{
    g->held += !g->out[image];
    g->out[image] = true;
}

/* ---- a share ----------------------------------------------------------------------------- */

/* Whole groups; returns how many, 0: they do not come near to n images. */
static int hold_groups(struct grouping *g, int n)
{
    int most = 2 * n < g->count / 2 ? 2 * n : g->count / 2, whole = 0;
    most = most < n ? n : most;
    for (int k = 0; k < g->groups && g->held < n; k++) {
        const struct piece *p = &g->pieces[g->order[k]];
        if (g->held + p->count > most)
            continue;
        for (int i = 0; i < p->count; i++)
            hold(g, g->images[p->first + i]);
        whole++;
    }
    if (2 * g->held >= n && g->held < g->count)
        return whole;
    memset(g->out, 0, (size_t)g->count * sizeof *g->out);
    g->held = 0;
    return 0;
}

/* The end of each sequence, and singles in the drawn order. */
static void hold_ends(struct grouping *g, int n)
{
    const double share = (double)n / g->count;
    int singles = 0, longest = 0;
    for (int k = 0; k < g->groups; k++) {
        const struct piece *p = &g->pieces[k];
        singles += p->count == 1;
        longest = p->count > g->pieces[longest].count ? k : longest;
        for (int i = 0; p->count > 1 && i < (int)lround(share * p->count); i++)
            hold(g, g->images[p->first + p->count - 1 - i]);
    }
    singles = (int)lround(share * singles);
    for (int k = 0; k < g->groups && singles; k++)
        if (g->pieces[g->order[k]].count == 1) {
            hold(g, g->images[g->pieces[g->order[k]].first]);
            singles--;
        }
    const struct piece *p = &g->pieces[longest];
    if (!g->held && n)
        hold(g, g->images[p->first + p->count - 1]);
}

/* ---- words ------------------------------------------------------------------------------- */

/* The first and last image of the longest group of which some are held out. */
static const struct piece *longest_held(const struct grouping *g)
{
    const struct piece *longest = NULL;
    for (int k = 0; k < g->groups; k++) {
        const struct piece *p = &g->pieces[k];
        if (g->out[g->images[p->first + p->count - 1]] && (!longest || p->count > longest->count))
            longest = p;
    }
    return longest;
}

static void tell_split(const struct grouping *g, const unet_dataset *dataset, int whole, char *text,
                       size_t size)
{
    const struct piece *p = longest_held(g);
    int last = 0;
    if (!p || p->count < 2)
        return;
    const char *from = dataset->pairs[g->images[p->first]].name;
    const char *to = dataset->pairs[g->images[p->first + p->count - 1]].name;
    for (int i = 0; i < p->count; i++)
        last += g->out[g->images[p->first + i]];
    if (whole)
        snprintf(text, size, "%d of %d sequences or pictures, whole, such as %.120s to %.120s",
                 whole, g->groups, from, to);
    else
        snprintf(text, size, "the last %d of %d images in sequence, %.120s to %.120s%s", last,
                 p->count, from, to, g->groups > 1 ? "; so of others" : "");
}

/* ---- the split --------------------------------------------------------------------------- */

static bool has_groups(const int *group, int count)
{
    for (int i = 0; i < count; i++)
        for (int j = i + 1; j < count; j++)
            if (group[i] == group[j])
                return true;
    return false;
}

unet_code un_dataset_split_groups(unet_dataset *dataset, const int *group, double share,
                                  uint64_t seed, unet_dataset **held_out, unet_error *err)
{
    char text[sizeof dataset->held_out] = "";
    struct grouping g;
    int n;
    unet_code code = un_dataset_share(dataset, share, &n, err);
    if (code)
        return code;
    if (!n || !has_groups(group, dataset->count))
        return un_dataset_split(dataset, share, seed, held_out, err);
    if ((code = make_grouping(&g, group, dataset->count, err)))
        goto done;
    shuffle(g.order, g.groups, un_rng_key(seed, 0x73706c6974 /* "split" */, 0, 0));
    const int whole = hold_groups(&g, n);
    if (!whole)
        hold_ends(&g, n);
    tell_split(&g, dataset, whole, text, sizeof text);
    if (!(code = un_dataset_part(dataset, g.out, g.held, held_out, err)))
        memcpy((*held_out)->held_out, text, sizeof text);
done:
    release(&g);
    return code;
}

/* ---- folds ------------------------------------------------------------------------------- */

/* Cuts groups so that none is larger than `most`; g->groups is then the number of pieces. */
static void cut_groups(struct grouping *g, int most)
{
    int count = g->groups;
    for (int k = 0; k < g->groups; k++) {
        struct piece *p = &g->pieces[k];
        const int all = p->count, parts = (all + most - 1) / most, first = p->first;
        p->count = all / parts;
        for (int i = 1; i < parts; i++) {
            const int from = (int)((int64_t)all * i / parts);
            g->pieces[count++] =
                (struct piece){first + from, (int)((int64_t)all * (i + 1) / parts) - from, -1};
        }
    }
    g->groups = count;
}

static void deal(struct grouping *g, int *size, int folds)
{
    for (int dealt = 0; dealt < g->groups; dealt++) {
        struct piece *next = NULL;
        int least = 0;
        for (int k = 0; k < g->groups; k++) {
            struct piece *p = &g->pieces[g->order[k]];
            if (p->fold < 0 && (!next || p->count > next->count))
                next = p;
        }
        for (int f = 1; f < folds; f++)
            least = size[f] < size[least] ? f : least;
        next->fold = least;
        size[least] += next->count;
    }
}

unet_code un_dataset_fold_groups(unet_dataset *dataset, const int *group, int fold, int folds,
                                 uint64_t seed, unet_dataset **held_out, unet_error *err)
{
    struct grouping g;
    int *size = NULL;
    unet_code code = un_dataset_check_folds(dataset, fold, folds, err);
    if (code)
        return code;
    if (!has_groups(group, dataset->count))
        return un_dataset_fold(dataset, fold, folds, seed, held_out, err);
    if ((code = make_grouping(&g, group, dataset->count, err)))
        goto done;
    if (!(size = calloc((size_t)folds, sizeof *size))) {
        code = un_fail_memory(err, (size_t)folds * sizeof *size, "folds");
        goto done;
    }
    int most = (g.count + folds - 1) / folds;
    for (cut_groups(&g, most); g.groups < folds; cut_groups(&g, --most))
        continue; /* at 1, each image is a piece */
    shuffle(g.order, g.groups, un_rng_key(seed, 0x666f6c64 /* "fold" */, 0, 0));
    deal(&g, size, folds);
    for (int k = 0; k < g.groups; k++)
        for (int i = 0; g.pieces[k].fold == fold && i < g.pieces[k].count; i++)
            hold(&g, g.images[g.pieces[k].first + i]);
    if (!(code = un_dataset_part(dataset, g.out, g.held, held_out, err)))
        snprintf((*held_out)->held_out, sizeof(*held_out)->held_out,
                 "sequences and pictures whole, or images of them in a row");
done:
    free(size);
    release(&g);
    return code;
}
