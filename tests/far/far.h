/* SPDX-License-Identifier: Apache-2.0 */
/*
 * far.h - an engine whose memory the host cannot touch, and that does nothing before it has to
 *
 * It lets another engine work (UNET_DEVICE=far:0, or far, the CPU engine; far:1 the reference), and
 * is as strict as a device can be:
 *
 *   - what alloc gives are addresses of pages that nobody may read or write, so a host that follows
 *     such a pointer ends at once.  The bytes lie in a second mapping, between two more pages of
 *     that kind
 *   - an operation that is given other memory than this, or too little of it, ends the program
 *   - operations wait in a queue until a fence, and so do the reads of host_alloc's memory: what is
 *     changed too early shows in the results
 *   - un_far_lost: from the next fence on the device is lost
 *
 * Programs that tests/far/far_more.c is linked to can choose it.
 */
#ifndef TEST_FAR_H
#define TEST_FAR_H

#include "engine/choose.h"

extern const struct un_engine_kind un_far;

/* Takes the engine that does the work. */
unet_code un_far_over(struct un_engine *inner, struct un_engine **engine, unet_error *err);

/* While it is set all devices are lost, and those that a fence meets stay so. */
extern bool un_far_lost;

/* ---- what its files share ------------------------------------------------------------------- */

enum { FAR_REGIONS = 256, FAR_PINNED = 64, FAR_CALLS = 512 };

struct far_region {
    char *far;  /* what the host has */
    char *near; /* the same byte, for the engine that does the work */
    size_t bytes;
    char *far_map, *near_map; /* both of mapped bytes */
    size_t mapped;
};

/* An operation that waits: which, and everything that any of them is told. */
struct far_call {
    void (*run)(struct un_engine *inner, const struct far_call *c);
    void *workspace;
    bool exact;
    struct un_conv conv;
    struct un_tensor t[3];
    struct un_gradient g[2];
    struct un_norm norm;
    struct un_activation act;
    unet_loss loss;
    enum un_pass pass;
    enum un_doubling how;
    void *p[6];
    const void *host;
    size_t count;
    float f[6];
    double d;
    uint64_t key, first;
    long step;
    int i, left;
    bool flag;
};

struct far_engine {
    struct un_engine base;
    struct un_engine *inner;
    bool lost;
    struct far_region regions[FAR_REGIONS];
    int region_count;
    struct {
        char *memory;
        size_t bytes;
    } pinned[FAR_PINNED];
    int pinned_count;
    struct far_call calls[FAR_CALLS];
    int call_count;
};

static inline struct un_engine *far_inner(struct un_engine *e)
{
    struct far_engine *f = (struct far_engine *)e;
    f->inner->exact = e->exact;
    return f->inner;
}

/* Does all that waits. */
void far_flush(struct un_engine *e);

/* The next place in the queue. */
struct far_call *far_queue(struct un_engine *e,
                           void (*run)(struct un_engine *inner, const struct far_call *c));

/* Where the engine that does the work finds these bytes; NULL is NULL. */
void *far_near(struct un_engine *e, const void *far, size_t bytes);

/* Whether it is host_alloc's memory. */
bool far_is_pinned(const struct un_engine *e, const void *host);

/* The same for so many floats, and for a tensor. */
float *far_floats(struct un_engine *e, const float *far, size_t count);
struct un_tensor far_tensor(struct un_engine *e, struct un_tensor far);
size_t far_values(struct un_shape s);

void far_cross_operations(struct un_engine_ops *ops);
void far_layer_operations(struct un_engine_ops *ops);
void far_step_operations(struct un_engine_ops *ops);

#endif
