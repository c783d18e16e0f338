/* SPDX-License-Identifier: Apache-2.0 */
/* choice.c - the devices of all kinds in one row, and which of them a word stands for */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/choose.h"
#include "engine/measure.h"

enum { MOST = 16 /* devices of a kind */ };

/* Calls look for all devices that are for people until it is true. */
static bool each_device(bool (*look)(void *context, const struct un_choice *choice,
                                     const unet_device *device),
                        void *context)
{
    const struct un_engine_kind *kind;
    unet_device *devices = calloc(MOST, sizeof *devices);
    bool found = false;
    for (int i = 0, number = 0; devices && !found && (kind = un_kind_at(i)); i++) {
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
    struct race race = {HUGE_VAL, {un_kind_at(0), 0}};
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
    struct un_choice made = {un_kind_at(0), 0};
    const size_t length = wanted ? strcspn(wanted, ":") : 0;
    struct seeking s = {.number = wanted ? number_of(wanted) : -1};
    unet_code code = UNET_OK;
    if (!wanted || !*wanted) {
        *choice = made;
        return UNET_OK;
    }
    const struct un_engine_kind *kind = un_kind_find(wanted, length);
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
