/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_scores.c - how well predictions went with what was painted then
 *
 * Of an image: S_k pixels that are shown as class k, of which W_k were painted another class when
 * they were shown so, and M_k pixels that were painted k when they were shown as another.  What is
 * not painted over counts as right, as in RootPainter's plot, so after correction there are
 * S_k - W_k + M_k pixels of class k, and
 *
 *     Dice_k = 2 (S_k - W_k) / (S_k + S_k - W_k + M_k)
 *
 * The mean goes over the classes but the first that occur.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/progress.h"
#include "studio/live/live.h"

static double dice_of(struct live *live, int image)
{
    const struct learner_tally *t = &live->images[image].tally;
    int64_t shown[UNET_MAX_CLASSES];
    double sum = 0;
    int classes = 0;

    live_tiles_count(&live->tiles, image, shown);
    for (int k = 1; k < UNET_MAX_CLASSES; k++) {
        const int64_t all =
            shown[k] > t->wrong[k] + t->same[k] ? shown[k] : t->wrong[k] + t->same[k];
        const int64_t right = all - t->wrong[k], after = right + t->missed[k];
        if (all + after == 0)
            continue;
        sum += 2.0 * (double)right / (double)(all + after);
        classes++;
    }
    return classes ? sum / classes : NAN;
}

static json_t *dice_json(const struct live_dice *d)
{
    return json_pack("{sisisfsf}", "image", d->image, "stroke", d->stroke, "dice", d->dice,
                     "seconds", d->seconds);
}

void live_scores_take(struct live *live, int image, const struct learner_tally *tally)
{
    struct live_scores *s = &live->scores;
    int64_t seen = 0;

    pthread_mutex_lock(&live->lock);
    struct live_image *of = &live->images[image];
    of->changes++;
    for (int k = 0; k < UNET_MAX_CLASSES; k++) {
        of->tally.same[k] += tally->same[k];
        of->tally.missed[k] += tally->missed[k];
        of->tally.wrong[k] += tally->wrong[k];
        seen += tally->same[k] + tally->missed[k];
    }
    const double dice = seen ? dice_of(live, image) : NAN;
    json_t *data = NULL;
    if (isfinite(dice)) {
        if (s->dice_count == LIVE_DICE) { /* every second one, of long ago and of now */
            for (int i = 0; i < LIVE_DICE / 2; i++)
                s->dice[i] = s->dice[2 * i + 1];
            s->dice_count /= 2;
        }
        struct live_dice *d = &s->dice[s->dice_count++];
        *d = (struct live_dice){image, of->changes, dice, live_seconds(live)};
        data = dice_json(d);
    }
    pthread_mutex_unlock(&live->lock);
    if (data)
        studio_event(live->studio, "score", data);
}

void live_scores_loss(struct live_scores *s, long step, double loss)
{
    s->every = s->every ? s->every : 10;
    s->sum += loss;
    if (++s->summed < s->every)
        return;
    if (s->loss_count == LIVE_LOSSES) {
        for (int i = 0; i < LIVE_LOSSES / 2; i++) {
            s->loss_step[i] = s->loss_step[2 * i + 1];
            s->loss[i] = (s->loss[2 * i] + s->loss[2 * i + 1]) / 2;
        }
        s->loss_count /= 2;
        s->every *= 2;
    }
    s->loss_step[s->loss_count] = step;
    s->loss[s->loss_count++] = s->sum / (double)s->summed;
    s->sum = 0;
    s->summed = 0;
}

json_t *live_scores(struct live *live)
{
    const struct live_scores *s = &live->scores;
    json_t *dice = json_array(), *loss = json_array();

    pthread_mutex_lock(&live->lock);
    for (int i = 0; i < s->dice_count; i++)
        json_array_append_new(dice, dice_json(&s->dice[i]));
    for (int i = 0; i < s->loss_count; i++)
        json_array_append_new(loss, json_pack("[If]", (json_int_t)s->loss_step[i], s->loss[i]));
    pthread_mutex_unlock(&live->lock);
    return json_pack("{soso}", "dice", dice, "loss", loss);
}

unet_code live_scores_save(struct live *live, unet_error *err)
{
    json_t *all = live_scores(live);
    pthread_mutex_lock(&live->lock);
    const double seconds = live_seconds(live);
    pthread_mutex_unlock(&live->lock);
    if (all)
        json_object_set_new(all, "seconds", json_real(seconds));
    char *text = all ? json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    unet_code code = text ? unet_replace_file(live->scores_path, text, strlen(text), err) : UNET_OK;
    free(text);
    json_decref(all);
    return code;
}

/* What it can of the file; without one it begins anew. */
void live_scores_load(struct live *live)
{
    struct live_scores *s = &live->scores;
    json_t *all = json_load_file(live->scores_path, JSON_REJECT_DUPLICATES, NULL), *row;
    size_t i;

    json_array_foreach(json_object_get(all, "dice"), i, row)
    {
        struct live_dice d;
        if (s->dice_count < LIVE_DICE &&
            !json_unpack(row, "{sisisFsF}", "image", &d.image, "stroke", &d.stroke, "dice", &d.dice,
                         "seconds", &d.seconds) &&
            d.image >= 0 && d.image < studio_images(live->studio)) {
            s->dice[s->dice_count++] = d;
            live->images[d.image].changes = d.stroke;
        }
    }
    json_array_foreach(json_object_get(all, "loss"), i, row)
    {
        json_int_t step;
        double loss;
        if (s->loss_count < LIVE_LOSSES && !json_unpack(row, "[IF]", &step, &loss)) {
            s->loss_step[s->loss_count] = (long)step;
            s->loss[s->loss_count++] = loss;
        }
    }
    if (s->loss_count > 1)
        s->every = s->loss_step[s->loss_count - 1] - s->loss_step[s->loss_count - 2];
    s->every = s->every > 0 ? s->every : 10;
    live->before = json_number_value(json_object_get(all, "seconds"));
    json_decref(all);
}
