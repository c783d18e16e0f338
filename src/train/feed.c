/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of slots.  Under the lock a thread takes the number of the next pass that nobody draws and
 * looks up which images its tiles come from; it draws without the lock.  Pass q lies in slot
 * q mod slots, so drawing stays at most so many passes ahead of the one that is taken.
 */
#include "train/feed.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"

struct slot {
    struct un_batch batch;
    int *images; /* [local]: which image each tile comes from */
    long ready;  /* the pass that lies in it, -1: none */
};

struct un_feed {
    struct un_feed_source source;
    pthread_mutex_t lock;
    pthread_cond_t drawn, wanted; /* a slot is ready; there is something to draw */
    struct slot *slots;
    void **scratch; /* [threads], each its own */
    pthread_t *threads;
    int slot_count, thread_count, running, busy;
    long next, taken; /* the next pass to draw; the one that is taken next or being used */
    int *order;       /* [tiles]: which image each tile of this epoch comes from */
    int tiles;
    int64_t order_epoch; /* the epoch that order is for, -1: none */
    bool leave;
    bool held; /* images are being changed: nothing is drawn until a pass is taken */
    double waited;
};

/* What a thread needs to know. */
struct drawer {
    struct un_feed *feed;
    int index;
};

static int thread_count(int threads)
{
    int count = 1 + threads / 8;
    return count < 8 ? count : 8;
}

int un_feed_slots(int threads)
{
    return 2 + thread_count(threads);
}

/* How many tiles it takes to cover an image. */
static int64_t tiles_of(int height, int width, int out_side)
{
    int64_t rows = (height + out_side - 1) / out_side;
    int64_t columns = (width + out_side - 1) / out_side;
    return rows * columns;
}

int un_feed_tiles(const unet_dataset *dataset, int out_side)
{
    int64_t tiles = 0;
    for (int i = 0; i < dataset->count && tiles <= 1 << 28; i++)
        tiles += tiles_of(dataset->pairs[i].image.height, dataset->pairs[i].image.width, out_side);
    return tiles <= 1 << 28 ? (int)tiles : 0;
}

/* How often an image stands in the order of an epoch. */
static int64_t draws_of(const struct un_prepared *p, int out_side)
{
    const unet_view *view = &p->reading.view;
    return p->draws < 0 ? tiles_of(view->height, view->width, out_side) : p->draws;
}

/* Fills the order of an epoch and shuffles it (Fisher and Yates). */
static void shuffle(struct un_feed *f, int64_t epoch)
{
    uint64_t key = un_rng_key(f->source.seed, UN_STREAM_ORDER, (uint64_t)epoch, 0);
    int at = 0;
    const struct un_examples *e = f->source.examples;
    for (int i = 0; i < e->count; i++)
        for (int64_t k = draws_of(e->list[i], f->source.out_side); k > 0; k--)
            f->order[at++] = i;
    for (int i = at - 1; i > 0; i--) {
        int j = (int)un_rng_below(key, (uint64_t)i, (uint32_t)i + 1), swap = f->order[i];
        f->order[i] = f->order[j];
        f->order[j] = swap;
    }
    f->order_epoch = epoch;
}

/* With the lock: which images a pass draws from. */
static void look_up(struct un_feed *f, long pass, int *images)
{
    for (int b = 0; b < f->source.local; b++) {
        int64_t number = (int64_t)pass * f->source.batch + f->source.first + b,
                epoch = number / f->tiles;
        if (epoch != f->order_epoch)
            shuffle(f, epoch);
        images[b] = f->order[number % f->tiles];
    }
}

static void draw_batch(const struct un_feed_source *s, long pass, const struct slot *slot,
                       void *scratch)
{
    const size_t in = (size_t)s->in_side * s->in_side * s->channels;
    const size_t out = (size_t)s->out_side * s->out_side;
    const uint64_t step = (uint64_t)(pass / s->accumulate);
    const uint64_t first = (uint64_t)(pass % s->accumulate) * s->batch + s->first;
    for (int b = 0; b < s->local; b++) {
        const struct un_tile tile = {.in_side = s->in_side,
                                     .out_side = s->out_side,
                                     .input = slot->batch.input + b * in,
                                     .labels = slot->batch.labels + b * out,
                                     .weights = slot->batch.weights + b * out,
                                     .scratch = scratch};
        const uint64_t key = un_rng_key(s->seed, UN_STREAM_TILE, step, first + b);
        un_tile_draw(&s->examples->list[slot->images[b]]->example, s->augment, key, &tile);
    }
}

/* With the lock, which it lets go of while it draws: the next pass. */
static void draw_next(struct un_feed *f, void *scratch)
{
    const long pass = f->next++;
    struct slot *slot = &f->slots[pass % f->slot_count];
    slot->ready = -1;
    look_up(f, pass, slot->images);
    f->busy++;
    pthread_mutex_unlock(&f->lock);
    draw_batch(&f->source, pass, slot, scratch);
    pthread_mutex_lock(&f->lock);
    f->busy--;
    slot->ready = pass;
    pthread_cond_broadcast(&f->drawn);
}

static void *draw(void *context)
{
    const struct drawer drawer = *(struct drawer *)context;
    struct un_feed *f = drawer.feed;
    free(context);
    pthread_mutex_lock(&f->lock);
    while (!f->leave)
        if (f->tiles && !f->held && f->next < f->taken + f->slot_count)
            draw_next(f, f->scratch[drawer.index]);
        else
            pthread_cond_wait(&f->wanted, &f->lock);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static size_t slot_bytes(const struct un_feed_source *s)
{
    const size_t in = (size_t)s->in_side * s->in_side * s->channels * sizeof(float);
    const size_t out = (size_t)s->out_side * s->out_side * (sizeof(float) + 1);
    return (in + out + sizeof(int)) * s->local;
}

size_t un_feed_bytes(const struct un_feed_source *s, int tiles)
{
    const size_t scratch = un_tile_scratch(s->augment, s->in_side, s->out_side, s->channels);
    return un_feed_slots(s->threads) * slot_bytes(s) + thread_count(s->threads) * scratch +
           (size_t)tiles * sizeof(int);
}

static bool allocate_slot(const struct un_feed_source *s, struct slot *slot)
{
    const size_t in = (size_t)s->in_side * s->in_side * s->channels * s->local;
    const size_t out = (size_t)s->out_side * s->out_side * s->local;
    struct un_engine *e = s->engine;
    slot->batch.input = e->ops->host_alloc(e, in * sizeof(float));
    slot->batch.labels = e->ops->host_alloc(e, out);
    slot->batch.weights = e->ops->host_alloc(e, out * sizeof(float));
    slot->images = malloc((size_t)s->local * sizeof(int));
    slot->ready = -1;
    return slot->batch.input && slot->batch.labels && slot->batch.weights && slot->images;
}

static bool allocate(struct un_feed *f)
{
    const struct un_feed_source *s = &f->source;
    const size_t scratch = un_tile_scratch(s->augment, s->in_side, s->out_side, s->channels);
    f->order = malloc((size_t)f->tiles * sizeof *f->order);
    f->slots = calloc((size_t)f->slot_count, sizeof *f->slots);
    f->scratch = calloc((size_t)f->thread_count, sizeof *f->scratch);
    f->threads = calloc((size_t)f->thread_count, sizeof *f->threads);
    bool all = f->order && f->slots && f->scratch && f->threads;
    for (int i = 0; all && i < f->slot_count; i++)
        all = allocate_slot(s, &f->slots[i]);
    for (int i = 0; all && scratch && i < f->thread_count; i++)
        all = (f->scratch[i] = un_aligned_alloc(un_round_up(scratch, UN_ALIGN))) != NULL;
    return all;
}

/* As many threads as there can be; without any, the taker draws.  Signals are the caller's: a
 * handler that runs in one of these threads would surprise it. */
static void start(struct un_feed *f)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; f->running < f->thread_count; f->running++) {
        struct drawer *drawer = malloc(sizeof *drawer);
        if (!drawer)
            break;
        *drawer = (struct drawer){f, f->running};
        if (pthread_create(&f->threads[f->running], NULL, draw, drawer)) {
            free(drawer);
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

unet_code un_feed_create(const struct un_feed_source *source, struct un_feed **feed,
                         unet_error *err)
{
    struct un_feed *f = calloc(1, sizeof *f);
    if (!f)
        return un_fail_memory(err, sizeof *f, "the tiles");
    f->source = *source;
    f->slot_count = un_feed_slots(source->threads);
    f->thread_count = thread_count(source->threads);
    f->order_epoch = -1;
    for (int i = 0; i < source->examples->count; i++)
        f->tiles += (int)draws_of(source->examples->list[i], source->out_side);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->drawn, NULL);
    pthread_cond_init(&f->wanted, NULL);
    if (!allocate(f)) {
        const size_t bytes = un_feed_bytes(source, f->tiles);
        un_feed_free(f);
        return un_fail_memory(err, bytes, "the tiles");
    }
    start(f);
    *feed = f;
    return UNET_OK;
}

void un_feed_free(struct un_feed *f)
{
    if (!f)
        return;
    struct un_engine *e = f->source.engine;
    pthread_mutex_lock(&f->lock);
    f->leave = true;
    pthread_cond_broadcast(&f->wanted);
    pthread_mutex_unlock(&f->lock);
    for (int i = 0; i < f->running; i++)
        pthread_join(f->threads[i], NULL);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->drawn);
    pthread_cond_destroy(&f->wanted);
    for (int i = 0; f->slots && i < f->slot_count; i++) {
        e->ops->host_release(e, f->slots[i].batch.input);
        e->ops->host_release(e, f->slots[i].batch.labels);
        e->ops->host_release(e, f->slots[i].batch.weights);
        free(f->slots[i].images);
    }
    for (int i = 0; f->scratch && i < f->thread_count; i++)
        un_aligned_free(f->scratch[i]);
    free(f->slots);
    free(f->scratch);
    free(f->threads);
    free(f->order);
    free(f);
}

/* With the lock: goes on at another pass. */
static void seek(struct un_feed *f, long pass)
{
    f->next = f->taken + f->slot_count; /* nobody begins a batch while the others end theirs */
    while (f->busy)
        pthread_cond_wait(&f->drawn, &f->lock);
    for (int i = 0; i < f->slot_count; i++)
        f->slots[i].ready = -1;
    f->next = f->taken = pass;
    pthread_cond_broadcast(&f->wanted);
}

unet_code un_feed_put(struct un_feed *f, int i, struct un_prepared *prepared, unet_error *err)
{
    struct un_examples *e = f->source.examples;
    const int side = f->source.out_side;
    unet_code code = UNET_OK;
    pthread_mutex_lock(&f->lock);
    const int64_t before = i < e->count ? draws_of(e->list[i], side) : 0;
    const int64_t tiles = f->tiles - before + draws_of(prepared, side);
    int *order = tiles > 1 << 28 ? NULL : realloc(f->order, ((size_t)tiles + 1) * sizeof *order);
    if (tiles > 1 << 28)
        code = un_fail(err, UNET_EINVAL, "%lld tiles of %d pixels, at most %d wanted",
                       (long long)tiles, side, 1 << 28);
    else if (!order)
        code = un_fail_memory(err, (size_t)tiles * sizeof *order, "the tiles");
    else
        f->order = order;
    if (!code)
        seek(f, f->taken); /* nobody draws from the list that may move now */
    if (!code && i == e->count)
        code = un_examples_reserve(e, err);
    if (!code) {
        f->held = true; /* another may follow, and would wait for what is drawn now in vain */
        un_examples_put(e, i, prepared);
        f->tiles = (int)tiles;
        f->order_epoch = -1;
    }
    pthread_mutex_unlock(&f->lock);
    return code;
}

const struct un_batch *un_feed_take(struct un_feed *f, long pass)
{
    pthread_mutex_lock(&f->lock);
    if (!f->tiles) {
        pthread_mutex_unlock(&f->lock);
        return NULL;
    }
    if (pass != f->taken)
        seek(f, pass);
    if (f->held) {
        f->held = false;
        pthread_cond_broadcast(&f->wanted);
    }
    struct slot *slot = &f->slots[pass % f->slot_count];
    if (slot->ready != pass) {
        double since = un_clock_seconds();
        while (slot->ready != pass)
            if (f->running)
                pthread_cond_wait(&f->drawn, &f->lock);
            else
                draw_next(f, f->scratch[0]);
        f->waited += un_clock_seconds() - since;
    }
    pthread_mutex_unlock(&f->lock);
    return &slot->batch;
}

void un_feed_give_back(struct un_feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->taken++;
    pthread_cond_signal(&f->wanted);
    pthread_mutex_unlock(&f->lock);
}

double un_feed_waited(const struct un_feed *f)
{
    return f->waited;
}
