/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_ranks.c - what several processes agree on: before the first step what they train, and
 * between two steps whether to go on, and the time
 *
 * Rank 0 tells the others what its checkpoint would say of the run, and each compares its own run
 * with that as if it were to go on from there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hooks.h"
#include "base/json.h"
#include "engine/choose.h"
#include "train/loop.h"

enum { CHANNEL = UN_CHANNEL_TALK, VERDICT = 400 };

/* What has to be the same in all processes, besides what a checkpoint says. */
struct build {
    char version[16], engine[32], isa[16];
    uint64_t weights;
    uint64_t json; /* bytes of the checkpoint's object */
};

static struct build build_of(const unet_trainer *t, const char *json)
{
    const unet_model *model = t->model;
    struct build b;
    memset(&b, 0, sizeof b);
    snprintf(b.version, sizeof b.version, "%s", UNET_VERSION);
    snprintf(b.engine, sizeof b.engine, "%s", t->engine->ops->name);
    snprintf(b.isa, sizeof b.isa, "%s", un_cpu_isa());
    b.weights = un_hash(4, model->values, model->graph.values, sizeof *model->values);
    b.json = json ? strlen(json) : 0;
    return b;
}

/* Fills verdict, if this process does another thing than rank 0. */
static void judge(const struct un_loop *l, const struct build *mine, const struct build *first,
                  const char *json, char verdict[VERDICT])
{
    unet_error why = {.text = ""};
    json_t *object = NULL;
    char host[64] = "";
    long step;
    if (strcmp(mine->version, first->version))
        snprintf(why.text, sizeof why.text, "is unet %s, rank 0 has %s", mine->version,
                 first->version);
    else if (strcmp(mine->engine, first->engine))
        snprintf(why.text, sizeof why.text, "computes by the engine %s, rank 0 by %s", mine->engine,
                 first->engine);
    else if (strcmp(mine->isa, first->isa))
        snprintf(why.text, sizeof why.text,
                 "computes with %s, rank 0 with %s, and these round differently; set UNET_ISA to "
                 "what all have",
                 mine->isa, first->isa);
    else if (!un_json_parse("rank 0", json, first->json, &object, &why) &&
             !un_checkpoint_unpack(object, l->trainer, &l->held_out, "rank 0", &step, NULL, &why) &&
             mine->weights != first->weights)
        snprintf(why.text, sizeof why.text, "begins with other weights than rank 0");
    json_decref(object);
    verdict[0] = '\0';
    if (!*why.text)
        return;
    gethostname(host, sizeof host - 1);
    snprintf(verdict, VERDICT, "rank %d on %s: %.300s", l->job->ranks->rank, host, why.text);
}

/* The first verdict of all ranks. */
static unet_code hear_verdicts(const unet_ranks *ranks, const char mine[VERDICT], unet_error *err)
{
    const size_t bytes = (size_t)ranks->count * VERDICT;
    char(*all)[VERDICT] = malloc(bytes);
    if (!all)
        return un_fail_memory(err, bytes, "messages");
    unet_code code = un_ranks_gather(ranks, CHANNEL, mine, VERDICT, all, err);
    for (int r = 0; r < ranks->count && !code; r++)
        if (all[r][0])
            code = un_fail(err, UNET_EINVAL, "%s", all[r]);
    free(all);
    return code;
}

unet_code un_loop_compare(struct un_loop *l, unet_error *err)
{
    const unet_ranks *ranks = l->job->ranks;
    char verdict[VERDICT] = "", *text;
    if (!un_loop_shared(l))
        return UNET_OK;
    json_t *object = un_checkpoint_pack(l->trainer, NULL, &l->held_out);
    char *own = object ? un_json_text(object) : NULL;
    json_decref(object);
    if (!own)
        return un_fail_memory(err, 4096, "messages");
    const struct build mine = build_of(l->trainer, own);
    struct build first = mine;
    unet_code code = un_ranks_broadcast(ranks, CHANNEL, 0, &first, sizeof first, err);
    if (code || !(text = malloc(first.json + 1))) {
        free(own);
        return code ? code : un_fail_memory(err, first.json, "messages");
    }
    if (ranks->rank == 0)
        memcpy(text, own, first.json);
    text[first.json] = '\0';
    code = un_ranks_broadcast(ranks, CHANNEL, 0, text, first.json, err);
    if (!code) {
        judge(l, &mine, &first, text, verdict);
        code = hear_verdicts(ranks, verdict, err);
    }
    free(own);
    free(text);
    return code;
}

/* What a rank says between two steps. */
struct word {
    double seconds;
    int stop, due;
};

unet_code un_loop_agree(struct un_loop *l, unet_error *err)
{
    const unet_ranks *ranks = l->job->ranks;
    l->stop |= un_cancelled(l->job->cancel);
    if (!un_loop_shared(l))
        return UNET_OK;
    const struct word mine = {un_loop_seconds(l), l->stop, un_loop_due(l)};
    struct word *all = malloc((size_t)ranks->count * sizeof *all);
    if (!all)
        return un_fail_memory(err, (size_t)ranks->count * sizeof *all, "messages");
    unet_code code = un_ranks_gather(ranks, CHANNEL, &mine, sizeof mine, all, err);
    for (int r = 0; r < ranks->count && !code; r++)
        l->stop |= all[r].stop != 0;
    if (!code) {
        l->agreed = all[0].seconds;
        l->due = all[0].due != 0;
    }
    free(all);
    return code;
}

unet_code un_loop_compare_times(struct un_loop *l, unet_error *err)
{
    const unet_ranks *ranks = l->job->ranks;
    const unet_rank_time mine = un_together_time(l->trainer);
    if (!un_loop_shared(l))
        return UNET_OK;
    const size_t bytes = (size_t)ranks->count * sizeof mine;
    if (!l->times && !(l->times = malloc(bytes)))
        return un_fail_memory(err, bytes, "messages");
    l->now.rank_times = l->times;
    l->now.rank_count = ranks->count;
    return un_ranks_gather(ranks, CHANNEL, &mine, sizeof mine, l->times, err);
}
