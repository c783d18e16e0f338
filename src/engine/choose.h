/* SPDX-License-Identifier: Apache-2.0 */
/* choose.h - what un_engine_choose() would choose from, by name */
#ifndef UN_CHOOSE_H
#define UN_CHOOSE_H

#include "engine/engine.h"

enum { UN_DEVICE_NAME = 64 };

/* Engines of one kind, and the devices of this machine that they run on, numbered from 0. */
struct un_engine_kind {
    const char *name;
    /* how many devices there are; the names of the first `most` of them go to names[most] */
    int (*devices)(char (*names)[UN_DEVICE_NAME], int most);
    unet_code (*create)(int device, int threads, struct un_engine **engine, unet_error *err);
};

/* Kinds besides those that choose.c knows, up to NULL.  The library has none; programs of the tests
 * are linked with a list of their own in the place of more.c. */
extern const struct un_engine_kind *const un_more_engines[];

/* Whether there is an engine of a kind, and an instruction set that this processor has. */
bool un_engine_known(const char *name);
bool un_cpu_has(const char *isa);

/* The instruction set of the CPU engine on this machine; "none": UNET_ISA names none. */
const char *un_cpu_isa(void);

#endif
