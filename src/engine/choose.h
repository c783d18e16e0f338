/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose.h - the engines there are, the devices that they run on, and which of them is meant
 *
 * Devices that are for people have numbers from 0 on, in the order of the kinds: 0 is the
 * processor.
 */
#ifndef UN_CHOOSE_H
#define UN_CHOOSE_H

#include "engine/engine.h"
#include "unet_fields.h"

/* Engines of one kind, and the devices of this machine that they run on, counted from 0. */
struct un_engine_kind {
    const char *name;
    bool for_tests; /* has no numbers, and is never chosen but by its name */
    /* how many devices there are; what is known of the first `most` of them goes to devices[most].
     * Silent, and quick where there is none */
    int (*devices)(unet_device *devices, int most);
    unet_code (*create)(int device, int threads, struct un_engine **engine, unet_error *err);
};

/* Kinds besides those that choose.c knows, up to NULL.  The library has none; programs of the tests
 * are linked with a list of their own in the place of more.c. */
extern const struct un_engine_kind *const un_more_engines[];

/* All kinds in turn, the processor first, then NULL; the one whose name is the first length
 * characters, NULL: none. */
const struct un_engine_kind *un_kind_at(int i);
const struct un_engine_kind *un_kind_find(const char *name, size_t length);

/* A device: of its kind, and its number there. */
struct un_choice {
    const struct un_engine_kind *kind;
    int device;
};

/*
 * The device that `wanted` stands for:
 *
 *   NULL, ""      the processor
 *   KIND          an engine by its name, "cpu": its first device
 *   KIND:DEVICE   a number from 0 on, or a part of the device's name
 *   gpu           the first graphics card
 *   auto          a graphics card where that is faster than the processor (measured in a moment,
 *                 measure.h), else the processor
 *   NUMBER, NAME  of un_device_at(), or a part of its name
 *
 * UNET_EINVAL: nothing is called so; UNET_EDEVICE: there is no such device.
 */
unet_code un_choice_of(const char *wanted, struct un_choice *choice, unet_error *err);

/* What UNET_DEVICE in the environment stands for. */
unet_code un_choice_here(struct un_choice *choice, unet_error *err);

/* How many devices are for people, and number i of them; false: there is none. */
int un_device_count(void);
bool un_device_at(int i, unet_device *device);

/* Why there is none but the processor, and what to install; "": there is. */
const char *un_device_lacks(void);

/* What is known of a chosen one. */
void un_choice_facts(const struct un_choice *choice, unet_device *device);

/* Whether there is an engine of a kind, and an instruction set that this processor has. */
bool un_engine_known(const char *name);
bool un_cpu_has(const char *isa);

/* The instruction set of the CPU engine on this machine; "none": UNET_ISA names none. */
const char *un_cpu_isa(void);

#endif
