/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census.c - codes are counted in a hash table; connected areas of one code by union and find
 *
 * The areas (8 neighbours) tell object numbers, of which each is one area, from classes.  A pixel
 * joins the areas of those neighbours above and to the left that have its code:
 *
 *     pieces of a code = pixels that join none - areas that a pixel found apart and joined
 */
#include "data/masks/census.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 29;
    x *= 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 32;
}

static struct un_census_entry *place(struct un_census_entry *entries, size_t room,
                                     const struct un_census_entry *wanted)
{
    uint64_t key = ((uint64_t)wanted->type << 56) ^ ((uint64_t)wanted->color << 32) ^ wanted->code;
    size_t at = (size_t)hash(key) & (room - 1);
    while (entries[at].pixels &&
           (entries[at].type != wanted->type || entries[at].code != wanted->code ||
            entries[at].color != wanted->color))
        at = (at + 1) & (room - 1);
    return &entries[at];
}

static bool grow(struct un_census *census)
{
    size_t room = census->room ? 2 * census->room : 1024;
    struct un_census_entry *entries = calloc(room, sizeof *entries);
    if (!entries)
        return false;
    for (size_t i = 0; i < census->room; i++)
        if (census->entries[i].pixels)
            *place(entries, room, &census->entries[i]) = census->entries[i];
    free(census->entries);
    census->entries = entries;
    census->room = room;
    return true;
}

static struct un_census_entry find(const struct un_mask *mask, uint32_t code)
{
    struct un_census_entry entry = {.type = mask->type, .code = code};
    if (mask->clear && code == UN_MASK_CLEAR)
        entry.type = UN_CODE_CLEAR;
    if (mask->type == UN_CODE_INDEX && code < 256) {
        const uint8_t *rgb = mask->palette[code];
        entry.color = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
    }
    return entry;
}

/* The entry of a pixel's code, made if it is not there.  NULL: *code says why. */
static struct un_census_entry *entry_of(struct un_census *census, const struct un_mask *mask,
                                        size_t pixel, unet_code *code, unet_error *err)
{
    const struct un_census_entry wanted = find(mask, mask->codes[pixel]);
    if (2 * (census->count + 1) > census->room && !grow(census)) {
        *code = un_fail_memory(err, 2 * census->room * sizeof wanted, mask->name);
        return NULL;
    }
    struct un_census_entry *entry = place(census->entries, census->room, &wanted);
    int file = census->file_count - 1;
    if (!entry->pixels) {
        if (census->count >= UN_CENSUS_CODES) {
            *code = un_fail(err, UNET_EINVAL,
                            "%s: more than %d different values in the masks; are these masks?",
                            mask->name, UN_CENSUS_CODES);
            return NULL;
        }
        *entry = wanted;
        entry->file = file;
        entry->last_file = -1;
        entry->row = (int)(pixel / (size_t)mask->width);
        entry->column = (int)(pixel % (size_t)mask->width);
        census->count++;
    }
    if (entry->last_file != file) {
        struct un_census_file *here = &census->files[file];
        entry->depths |= mask->bits > 8 ? 2 : 1;
        entry->last_file = file;
        entry->files++;
        if (wanted.type == UN_CODE_CLEAR)
            return entry;
        here->kinds += wanted.code > 0;
        here->most = wanted.code > here->most ? wanted.code : here->most;
    }
    entry->pixels++;
    return entry;
}

static bool is_near(enum un_code_type type, uint32_t a, uint32_t b)
{
    return un_code_distance(type == UN_CODE_COLOR ? UN_CODING_COLOR : UN_CODING_GREY, a, b) <=
           UN_CENSUS_NEAR;
}

/* Whether the code of a pixel, which is not at the edge, is a mixture of two opposite neighbours':
 * so are those of a soft edge; those of a line are not. */
static bool is_slope(const struct un_mask *mask, size_t pixel)
{
    const ptrdiff_t W = mask->width, steps[4] = {1, W - 1, W, W + 1};
    const uint32_t *p = mask->codes + pixel;
    const enum un_coding_kind kind = mask->type == UN_CODE_COLOR ? UN_CODING_COLOR : UN_CODING_GREY;
    for (int s = 0; s < 4 && mask->type != UN_CODE_INDEX; s++) {
        const uint32_t a = p[-steps[s]], b = p[steps[s]];
        if (a != *p && b != *p && a != b && un_code_between(kind, *p, a, b))
            return true;
    }
    return false;
}

/* Whether all 8 neighbours have the same code (flat) or near ones (smooth), or two of them mix to
 * it (slope); not at the edge. */
static void look_around(const struct un_mask *mask, size_t pixel, struct un_census_entry *entry)
{
    size_t W = (size_t)mask->width, y = pixel / W, x = pixel % W;
    const uint32_t *p = mask->codes + pixel;
    if (!y || !x || x + 1 == W || y + 1 == (size_t)mask->height)
        return;
    bool flat = true, smooth = true;
    for (int dy = -1; dy <= 1 && smooth; dy++)
        for (int dx = -1; dx <= 1 && smooth; dx++) {
            uint32_t other = p[dy * (ptrdiff_t)W + dx];
            if (other == *p)
                continue;
            flat = false;
            smooth = is_near(mask->type, *p, other);
        }
    entry->flat += flat;
    entry->smooth += smooth;
    entry->slope += !flat && is_slope(mask, pixel);
}

static uint32_t root_of(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

/* How the pixel changes the number of areas: +1, 0, or fewer. */
static int join(const struct un_mask *mask, uint32_t *parent, size_t pixel)
{
    size_t W = (size_t)mask->width, x = pixel % W;
    const bool up = pixel >= W, left = x > 0, right = x + 1 < W;
    const struct {
        bool here;
        size_t back;
    } sides[4] = {{left, 1}, {up, W}, {up && left, W + 1}, {up && right, W - 1}};
    int change = 1;
    parent[pixel] = (uint32_t)pixel;
    for (int s = 0; s < 4; s++) {
        if (!sides[s].here || mask->codes[pixel - sides[s].back] != mask->codes[pixel])
            continue;
        uint32_t a = root_of(parent, (uint32_t)(pixel - sides[s].back));
        uint32_t b = root_of(parent, (uint32_t)pixel);
        if (a == b)
            continue;
        change--;
        parent[a > b ? a : b] = a > b ? b : a;
    }
    return change;
}

static unet_code add_file(struct un_census *census, const struct un_mask *mask, unet_error *err)
{
    if (census->file_count == census->file_room) {
        int room = census->file_room ? 2 * census->file_room : 64;
        struct un_census_file *more = realloc(census->files, (size_t)room * sizeof *more);
        if (!more)
            return un_fail_memory(err, (size_t)room * sizeof *more, mask->name);
        census->files = more;
        census->file_room = room;
    }
    struct un_census_file *file = &census->files[census->file_count];
    *file = (struct un_census_file){.type = mask->type,
                                    .bits = mask->bits,
                                    .lossy = mask->lossy,
                                    .inverted = mask->inverted,
                                    .turned = mask->turned};
    if (!(file->name = strdup(mask->name)))
        return un_fail_memory(err, strlen(mask->name), mask->name);
    census->file_count++;
    return UNET_OK;
}

unet_code un_census_take(struct un_census *census, const struct un_mask *mask, unet_error *err)
{
    size_t count = (size_t)mask->height * (size_t)mask->width;
    unet_code code = add_file(census, mask, err);
    uint32_t *parent = code || count > UINT32_MAX ? NULL : malloc(count * sizeof *parent);
    if (!code && !parent)
        code = un_fail_memory(err, count * sizeof *parent, mask->name);
    struct un_census_entry *entry = NULL;
    for (size_t i = 0; !code && i < count; i++) {
        if (i && mask->codes[i] == mask->codes[i - 1])
            entry->pixels++;
        else if (!(entry = entry_of(census, mask, i, &code, err)))
            break;
        look_around(mask, i, entry);
        entry->pieces += (uint32_t)join(mask, parent, i);
    }
    free(parent);
    census->pixels += count;
    return code;
}

void un_census_release(struct un_census *census)
{
    for (int i = 0; i < census->file_count; i++)
        free(census->files[i].name);
    free(census->files);
    free(census->entries);
    *census = (struct un_census){0};
}
