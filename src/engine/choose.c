/* SPDX-License-Identifier: Apache-2.0 */
/* The only file above the seam that knows which engines there are. */
#include "engine/choose.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/system.h"
#include "cpu/kernels/kernels.h"
#include "engine/measure.h"
#include "opencl/engine_opencl.h"

enum { MOST = 16 /* devices of a kind */ };

const char *un_cpu_isa(void)
{
    const struct un_kernels *kernels;
    return un_kernels_find(NULL, &kernels, NULL) ? "none" : kernels->isa;
}

bool un_cpu_has(const char *isa)
{
    const struct un_kernels *kernels;
    return !un_kernels_find(isa, &kernels, NULL);
}

/* ---- kinds ------------------------------------------------------------------------------- */

static int cpu_devices(unet_device *devices, int most)
{
    if (most > 0) {
        devices[0] =
            (unet_device){.type = "cpu", .bytes = un_system_memory(), .units = un_system_cores()};
        un_system_processor(devices[0].name, sizeof devices[0].name);
        snprintf(devices[0].driver, sizeof devices[0].driver, "%s", un_cpu_isa());
    }
    return 1;
}

static unet_code cpu_create(int device, int threads, struct un_engine **engine, unet_error *err)
{
    (void)device;
    return un_engine_cpu_create(NULL, threads, engine, err);
}

static int reference_devices(unet_device *devices, int most)
{
    if (most > 0)
        devices[0] = (unet_device){.name = "one core", .type = "cpu", .units = 1};
    return 1;
}

static unet_code reference_create(int device, int threads, struct un_engine **engine,
                                  unet_error *err)
{
    (void)device, (void)threads;
    return un_engine_reference_create(engine, err);
}

static int opencl_devices(unet_device *devices, int most)
{
    const int count = un_opencl_devices();
    for (int i = 0; i < count && i < most; i++) {
        struct un_opencl_device known;
        un_opencl_device(i, &known);
        devices[i] = (unet_device){.bytes = known.memory, .units = known.compute_units};
        snprintf(devices[i].name, sizeof devices[i].name, "%.95s", known.name);
        snprintf(devices[i].driver, sizeof devices[i].driver, "OpenCL, %.63s", known.driver);
        snprintf(devices[i].type, sizeof devices[i].type, "%s", known.is_gpu ? "gpu" : "cpu");
    }
    return count;
}

/* The first is the one to use. */
static const struct un_engine_kind known[] = {
    {"cpu", false, cpu_devices, cpu_create},
    {"reference", true, reference_devices, reference_create},
    {"opencl", false, opencl_devices, un_engine_opencl_create},
};

enum { KNOWN = sizeof known / sizeof *known };

/* All kinds in turn, then NULL. */
static const struct un_engine_kind *kind_at(int i)
{
    return i < KNOWN ? &known[i] : un_more_engines[i - KNOWN];
}

/* The kind whose name is the first length characters; NULL: none. */
static const struct un_engine_kind *find_kind(const char *name, size_t length)
{
    const struct un_engine_kind *kind;
    for (int i = 0; (kind = kind_at(i)); i++)
        if (strlen(kind->name) == length && !strncasecmp(kind->name, name, length))
            return kind;
    return NULL;
}

bool un_engine_known(const char *name)
{
    return find_kind(name, strlen(name));
}

/* ---- devices ----------------------------------------------------------------------------- */

/* Calls look for all devices that are for people until it is true. */
static bool each_device(bool (*look)(void *context, const struct un_choice *choice,
                                     const unet_device *device),
                        void *context)
{
    const struct un_engine_kind *kind;
    unet_device *devices = calloc(MOST, sizeof *devices);
    bool found = false;
    for (int i = 0, number = 0; devices && !found && (kind = kind_at(i)); i++) {
        const int count = kind->for_tests ? 0 : kind->devices(devices, MOST);
        for (int d = 0; d < count && d < MOST && !found; d++) {
            devices[d].number = number++;
            found = look(context, &(struct un_choice){kind, d}, &devices[d]);
        }
    }
    free(devices);
    return found;
}

static bool count_one(void *context, const struct un_choice *choice, const unet_device *device)
{
    (void)choice;
    *(int *)context = device->number + 1;
    return false;
}

const char *un_device_lacks(void)
{
    return un_opencl_lacks();
}

int un_device_count(void)
{
    int count = 0;
    each_device(count_one, &count);
    return count;
}

struct seeking {
    int number;       /* -1: any */
    const char *name; /* a part of it, or NULL */
    const char *type; /* or NULL */
    struct un_choice choice;
    unet_device device;
};

/* Whether a name has a part, in small letters or large ones. */
static bool has_part(const char *name, const char *part)
{
    const size_t length = strlen(part);
    if (!part[strspn(part, " ")]) /* nothing but blanks */
        return false;
    for (; strlen(name) >= length; name++)
        if (!strncasecmp(name, part, length))
            return true;
    return false;
}

static bool is_it(void *context, const struct un_choice *choice, const unet_device *device)
{
    struct seeking *s = context;
    if ((s->number >= 0 && s->number != device->number) ||
        (s->name && !has_part(device->name, s->name)) ||
        (s->type && strcmp(device->type, s->type) != 0))
        return false;
    s->choice = *choice;
    s->device = *device;
    return true;
}

bool un_device_at(int i, unet_device *device)
{
    struct seeking s = {.number = i};
    if (i < 0 || !each_device(is_it, &s))
        return false;
    *device = s.device;
    return true;
}

static bool is_chosen(void *context, const struct un_choice *choice, const unet_device *device)
{
    struct seeking *s = context;
    if (choice->kind != s->choice.kind || choice->device != s->choice.device)
        return false;
    s->device = *device;
    return true;
}

void un_choice_facts(const struct un_choice *choice, unet_device *device)
{
    struct seeking s = {.choice = *choice};
    unet_device devices[MOST];
    if (!each_device(is_chosen, &s)) {
        if (choice->kind->devices(devices, MOST) > choice->device && choice->device < MOST)
            s.device = devices[choice->device];
        s.device.number = -1;
    }
    *device = s.device;
}

/* ---- the fastest ------------------------------------------------------------------------- */

struct race {
    double seconds;
    struct un_choice choice;
};

static bool let_run(void *context, const struct un_choice *choice, const unet_device *device)
{
    struct race *race = context;
    struct un_engine *engine;
    if ((device->number > 0 && strcmp(device->type, "gpu") != 0) ||
        choice->kind->create(choice->device, 0, &engine, NULL))
        return false;
    const double seconds = un_engine_seconds(engine);
    engine->ops->free(engine);
    if (seconds < race->seconds)
        *race = (struct race){seconds, *choice};
    return false;
}

/* The processor, or a graphics card that is faster. */
static struct un_choice find_fastest(void)
{
    struct seeking card = {.number = -1, .type = "gpu"};
    struct race race = {HUGE_VAL, {&known[0], 0}};
    if (each_device(is_it, &card))
        each_device(let_run, &race);
    return race.choice;
}

/* ---- which one is meant ------------------------------------------------------------------ */

static int number_of(const char *text)
{
    const size_t length = strlen(text);
    return length && length < 4 && strspn(text, "0123456789") == length ? atoi(text) : -1;
}

static unet_code find_in_kind(const struct un_engine_kind *kind, const char *wanted, int *device,
                              unet_error *err)
{
    unet_device devices[MOST];
    const int count = kind->devices(devices, MOST), number = number_of(wanted);
    for (int i = 0; i < count && i < MOST; i++)
        if (number >= 0 ? i == number : has_part(devices[i].name, wanted)) {
            *device = i;
            return UNET_OK;
        }
    return un_fail_hint(err, UNET_EDEVICE, UNET_HINT_DEVICE,
                        "device %s:%s: there is none, %s has %d, counted from 0%s%.60s", kind->name,
                        wanted, kind->name, count, count ? "; the first is " : "",
                        count ? devices[0].name : "");
}

static unet_code no_such_device(const char *wanted, unet_error *err)
{
    struct seeking last = {.number = un_device_count() - 1};
    if (!strcasecmp(wanted, "gpu"))
        return un_fail_hint(err, UNET_EDEVICE, UNET_HINT_DEVICE,
                            "device gpu: there is no graphics card with a driver");
    if (last.number < 0 || number_of(wanted) < 0)
        return un_fail_hint(err, UNET_EINVAL, UNET_HINT_DEVICE,
                            "device \"%.40s\": nothing is called so, wanted auto, cpu, gpu, the "
                            "number of a device or a part of its name",
                            wanted);
    each_device(is_it, &last);
    return un_fail_hint(err, UNET_EDEVICE, UNET_HINT_DEVICE,
                        "device %.9s: there is none, the last is %d, %.60s", wanted, last.number,
                        last.device.name);
}

struct counting {
    const char *name;
    int count;
    char names[2][64]; /* of the first two */
};

static bool count_named(void *context, const struct un_choice *choice, const unet_device *device)
{
    struct counting *c = context;
    (void)choice;
    if (!has_part(device->name, c->name))
        return false;
    if (c->count < 2)
        snprintf(c->names[c->count], sizeof c->names[0], "%d, %.50s", device->number, device->name);
    c->count++;
    return false;
}

/* A part of a name must not be one of several: the processor and a card can have the same maker. */
static unet_code check_one(const char *name, unet_error *err)
{
    struct counting c = {.name = name};
    each_device(count_named, &c);
    if (c.count < 2)
        return UNET_OK;
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_DEVICE,
                        "device \"%.40s\": %d are called so, such as %s and %s; wanted one of the "
                        "numbers",
                        name, c.count, c.names[0], c.names[1]);
}

unet_code un_choice_of(const char *wanted, struct un_choice *choice, unet_error *err)
{
    struct un_choice made = {&known[0], 0};
    const size_t length = wanted ? strcspn(wanted, ":") : 0;
    struct seeking s = {.number = wanted ? number_of(wanted) : -1};
    unet_code code = UNET_OK;
    if (!wanted || !*wanted) {
        *choice = made;
        return UNET_OK;
    }
    const struct un_engine_kind *kind = find_kind(wanted, length);
    if (!strcasecmp(wanted, "auto")) {
        made = find_fastest();
    } else if (kind) {
        made.kind = kind;
        if (wanted[length])
            code = find_in_kind(kind, wanted + length + 1, &made.device, err);
    } else {
        if (!strcasecmp(wanted, "gpu"))
            s.type = "gpu";
        else if (s.number < 0)
            s.name = wanted;
        if (s.name && (code = check_one(wanted, err)))
            return code;
        if (each_device(is_it, &s))
            made = s.choice;
        else
            code = no_such_device(wanted, err);
    }
    if (!code)
        *choice = made;
    return code;
}

unet_code un_choice_here(struct un_choice *choice, unet_error *err)
{
    return un_choice_of(getenv("UNET_DEVICE"), choice, err);
}

unet_code un_engine_choose(int threads, struct un_engine **engine, unet_error *err)
{
    struct un_choice choice;
    if (threads < 0 || threads > 1024)
        return un_fail(err, UNET_EINVAL, "%d threads, wanted 0 (one per core) to 1024", threads);
    const unet_code code = un_choice_here(&choice, err);
    return code ? code : choice.kind->create(choice.device, threads, engine, err);
}
