/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask_classes.c - codes of one mask as classes
 *
 * Known codes are looked up.  In a coding with a tolerance, a code near a known one is that one;
 * any other must lie on a soft edge: between two known codes (as grey values or colours lie between
 * others) that both occur within REACH pixels.  It becomes the nearer of the two.  With three
 * classes or more, a pixel whose own value is known can still be such a mixture (128 between 0 and
 * 255): when it is in no square of 3 x 3 pixels of its class, and lies between two other classes
 * that are near, nobody can tell, and it is refused.  A mask whose values are all codes has hard
 * edges.
 */
#include <stdlib.h>
#include <string.h>

#include "data/masks/census_view.h"

#define REACH 3
#define NONE UINT16_MAX

static unet_code fail_pixel(const struct un_mask *mask, const struct un_coding *coding,
                            size_t pixel, const char *why, unet_error *err)
{
    char text[40], wanted[160], advice[256] = "";
    size_t W = (size_t)mask->width;
    un_code_text(coding->kind == UN_CODING_COLOR ? UN_CODE_COLOR : UN_CODE_GREY, mask->codes[pixel],
                 text, sizeof text);
    un_coding_text(coding, wanted, sizeof wanted);
    if (coding->tolerance)
        un_coding_advice(coding, advice, sizeof advice);
    return un_fail_hint(err, UNET_EINVAL, *advice ? UNET_HINT_LABELS : 0,
                        "%s: mask %s in row %zu, column %zu %s; the masks have %s%s%s", mask->name,
                        text, pixel / W, pixel % W, why, wanted, *advice ? ": " : "", advice);
}

/* Codes of the file become those that the coding speaks of. */
static unet_code recode(struct un_mask *mask, const struct un_coding *coding, unet_error *err)
{
    size_t count = (size_t)mask->height * (size_t)mask->width;
    enum un_code_type wanted = coding->kind == UN_CODING_COLOR ? UN_CODE_COLOR : UN_CODE_GREY;
    if (coding->kind == UN_CODING_OBJECTS || mask->type == wanted ||
        (wanted == UN_CODE_GREY && mask->type == UN_CODE_INDEX))
        return UNET_OK;
    for (size_t i = 0; i < count; i++) {
        uint32_t code = mask->codes[i], color = 0;
        if (mask->type == UN_CODE_INDEX && code < 256)
            color = (uint32_t)mask->palette[code][0] << 16 | (uint32_t)mask->palette[code][1] << 8 |
                    mask->palette[code][2];
        if (!un_code_convert(coding->kind, coding->white, mask->type, color, &mask->codes[i])) {
            char text[40];
            un_code_text(mask->type, code, text, sizeof text);
            return un_fail(err, UNET_EINVAL, "%s: %s in row %zu, column %zu; %s wanted", mask->name,
                           text, i / (size_t)mask->width, i % (size_t)mask->width,
                           wanted == UN_CODE_COLOR ? "colours, or grey values to 255,"
                                                   : "grey values");
        }
    }
    mask->type = wanted;
    return UNET_OK;
}

/* The entry whose codes are within tolerance; -1: none, or several of different classes. */
static int near_entry(const struct un_coding *coding, uint32_t code)
{
    int found = -1;
    for (int i = 0; i < coding->count; i++) {
        const struct un_code *c = &coding->codes[i];
        uint32_t near = code < c->first ? c->first : code > c->last ? c->last : code;
        if (coding->kind == UN_CODING_COLOR)
            near = c->first;
        if (un_code_distance(coding->kind, code, near) > (uint32_t)coding->tolerance)
            continue;
        if (found >= 0 && coding->codes[found].label != c->label)
            return -1;
        found = i;
    }
    return found;
}

/* A mask whose pixels have been looked up: the entry each is near, or NONE. */
struct looked_up {
    const struct un_mask *mask;
    const struct un_coding *coding;
    uint16_t *entries; /* [height][width] */
};

/* Marks the entries that occur within REACH of a pixel, but not in it. */
static void look_around(const struct looked_up *all, size_t pixel, bool here[UN_CODING_CODES])
{
    int W = all->mask->width, y = (int)(pixel / (size_t)W), x = (int)(pixel % (size_t)W);
    memset(here, 0, (size_t)all->coding->count * sizeof *here);
    for (int v = y - REACH; v <= y + REACH; v++)
        for (int u = x - REACH; u <= x + REACH; u++) {
            if (v < 0 || u < 0 || v >= all->mask->height || u >= W || (v == y && u == x))
                continue;
            uint16_t at = all->entries[(size_t)v * (size_t)W + (size_t)u];
            if (at != NONE)
                here[at] = true;
        }
}

/* Whether a square of 3 x 3 pixels around (y, x) lies in the mask and has this class alone. */
static bool is_square(const struct looked_up *all, int y, int x, int label)
{
    int W = all->mask->width;
    if (y < 1 || x < 1 || y + 1 >= all->mask->height || x + 1 >= W)
        return false;
    for (int v = y - 1; v <= y + 1; v++)
        for (int u = x - 1; u <= x + 1; u++) {
            uint16_t at = all->entries[(size_t)v * (size_t)W + (size_t)u];
            if (at == NONE || all->coding->codes[at].label != label)
                return false;
        }
    return true;
}

/* Whether some square of the pixel's class has the pixel in it: soft edges are thinner. */
static bool is_in_area(const struct looked_up *all, size_t pixel, int label)
{
    int W = all->mask->width, y = (int)(pixel / (size_t)W), x = (int)(pixel % (size_t)W);
    for (int v = y - 1; v <= y + 1; v++)
        for (int u = x - 1; u <= x + 1; u++)
            if (is_square(all, v, u, label))
                return true;
    return false;
}

/* The nearer of two entries that are here, and that the code lies between; -1: there are none. */
static int mixture(const struct un_coding *coding, uint32_t code, const bool *here, int but)
{
    uint32_t least = UINT32_MAX;
    int best = -1;
    for (int i = 0; i < coding->count; i++)
        for (int j = i + 1; j < coding->count && here[i]; j++) {
            uint32_t a = coding->codes[i].first, b = coding->codes[j].first;
            if (!here[j] || coding->codes[i].label == but || coding->codes[j].label == but ||
                !un_code_between(coding->kind, code, a, b))
                continue;
            uint32_t to_a = un_code_distance(coding->kind, code, a);
            uint32_t to_b = un_code_distance(coding->kind, code, b);
            if (to_a < least || to_b < least) {
                best = to_a <= to_b ? i : j;
                least = to_a <= to_b ? to_a : to_b;
            }
        }
    return best;
}

static unet_code snap_pixel(const struct looked_up *all, size_t pixel, uint8_t *label,
                            unet_error *err)
{
    const struct un_coding *coding = all->coding;
    uint32_t code = all->mask->codes[pixel];
    bool here[UN_CODING_CODES];
    int at = all->entries[pixel];
    if (at == NONE) {
        look_around(all, pixel, here);
        if ((at = mixture(coding, code, here, -1)) < 0)
            return fail_pixel(all->mask, coding, pixel,
                              "is near none of the masks' values and on no edge between two of "
                              "them",
                              err);
    } else if (coding->labels > 2 && !is_in_area(all, pixel, coding->codes[at].label)) {
        look_around(all, pixel, here);
        if (mixture(coding, code, here, coding->codes[at].label) >= 0)
            return fail_pixel(all->mask, coding, pixel,
                              "may be its class or the soft edge of two others", err);
    }
    *label = (uint8_t)coding->codes[at].label;
    return UNET_OK;
}

static unet_code snap(const struct un_mask *mask, const struct un_coding *coding, uint8_t *classes,
                      unet_error *err)
{
    size_t count = (size_t)mask->height * (size_t)mask->width;
    struct looked_up all = {mask, coding, malloc(count * sizeof *all.entries)};
    unet_code code = UNET_OK;
    if (!all.entries)
        return un_fail_memory(err, count * sizeof *all.entries, mask->name);
    for (size_t i = 0; i < count; i++) {
        int at = i && mask->codes[i] == mask->codes[i - 1] ? all.entries[i - 1]
                                                           : near_entry(coding, mask->codes[i]);
        all.entries[i] = at < 0 ? NONE : (uint16_t)at;
    }
    for (size_t i = 0; i < count && !code; i++)
        code = snap_pixel(&all, i, &classes[i], err);
    free(all.entries);
    return code;
}

/* Whether every value is a code as it stands: soft edges take others as well, so there are none. */
static bool is_exact(const struct un_mask *mask, const struct un_coding *coding)
{
    size_t count = (size_t)mask->height * (size_t)mask->width;
    for (size_t i = 0; i < count; i++)
        if ((!i || mask->codes[i] != mask->codes[i - 1]) &&
            un_coding_class(coding, mask->codes[i]) < 0)
            return false;
    return true;
}

static unet_code look_up(struct un_mask *mask, const struct un_coding *coding, uint8_t *classes,
                         unet_error *err)
{
    size_t count = (size_t)mask->height * (size_t)mask->width;
    unet_code code = recode(mask, coding, err);
    if (code)
        return code;
    if (coding->tolerance && !is_exact(mask, coding))
        return snap(mask, coding, classes, err);
    int label = -1;
    for (size_t i = 0; i < count; i++) {
        if (!i || mask->codes[i] != mask->codes[i - 1])
            label = un_coding_class(coding, mask->codes[i]);
        if (label < 0)
            return fail_pixel(mask, coding, i, "is none of the masks' values", err);
        classes[i] = (uint8_t)label;
    }
    if (coding->border)
        un_mask_mark_borders(mask, classes);
    return UNET_OK;
}

/* Transparent pixels are looked up as some other pixel, and then are what the coding says. */
unet_code un_mask_to_classes(struct un_mask *mask, const struct un_coding *coding, uint8_t *classes,
                             unet_error *err)
{
    size_t count = (size_t)mask->height * (size_t)mask->width, some = 0;
    if (!mask->clear)
        return look_up(mask, coding, classes, err);
    const uint8_t label = (uint8_t)(coding->clear ? coding->clear - 1 : UNET_IGNORE);
    while (some < count && mask->codes[some] == UN_MASK_CLEAR)
        some++;
    if (some == count) {
        memset(classes, label, count);
        return UNET_OK;
    }
    bool *clear = malloc(count * sizeof *clear);
    if (!clear)
        return un_fail_memory(err, count, mask->name);
    for (size_t i = 0; i < count; i++)
        if ((clear[i] = mask->codes[i] == UN_MASK_CLEAR))
            mask->codes[i] = mask->codes[some];
    unet_code code = look_up(mask, coding, classes, err);
    for (size_t i = 0; i < count && !code; i++)
        classes[i] = clear[i] ? label : classes[i];
    free(clear);
    return code;
}

void un_mask_mark_borders(const struct un_mask *mask, uint8_t *classes)
{
    int H = mask->height, W = mask->width;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            size_t i = (size_t)y * (size_t)W + (size_t)x;
            uint32_t first = mask->codes[i];
            bool two = false;
            for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < H && classes[i] != UNET_IGNORE; v++)
                for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < W; u++) {
                    size_t j = (size_t)v * (size_t)W + (size_t)u;
                    uint32_t other = classes[j] != UNET_IGNORE ? mask->codes[j] : 0;
                    first = first ? first : other;
                    two = two || (other && other != first);
                }
            if (two)
                classes[i] = 2;
        }
}

uint32_t un_mask_brightness(const struct un_mask *mask, size_t pixel)
{
    uint32_t code = mask->codes[pixel];
    if (mask->clear && (mask->plain || code == UN_MASK_CLEAR))
        return code != UN_MASK_CLEAR;
    return mask->type == UN_CODE_COLOR ? un_code_distance(UN_CODING_COLOR, code, 0) : code;
}

uint32_t un_mask_least(const struct un_mask *mask)
{
    size_t count = (size_t)mask->height * (size_t)mask->width;
    uint32_t most = 0;
    for (size_t i = 0; i < count && mask->lossy; i++)
        most = un_mask_brightness(mask, i) > most ? un_mask_brightness(mask, i) : most;
    return mask->lossy && most > 2 ? most / 2 : 0;
}

/* Two classes in one pixel: of masks that are nearly the same, they are no classes. */
static unet_code fail_both(const struct un_mask *mask, const struct un_coding *coding, int label,
                           size_t pixel, const uint8_t *classes, unet_error *err)
{
    const char *under = coding->names[classes[pixel]], *name = coding->names[label];
    const uint32_t least = un_mask_least(mask);
    size_t count = (size_t)mask->height * (size_t)mask->width, own = 0, other = 0, both = 0;
    for (size_t i = 0; i < count; i++) {
        bool here = un_mask_brightness(mask, i) > least, there = classes[i] == classes[pixel];
        own += here;
        other += there;
        both += here && there;
    }
    if (mask->turned && 2 * both > (own > other ? own : other))
        return un_fail(err, UNET_EINVAL,
                       "%s: the masks \"%s\" and \"%s\" have mostly the same pixels: a bit of 1 is "
                       "black in them, as tifffile writes booleans, so that all but each class is "
                       "it; values of 0 and 255 wanted",
                       mask->name, under, name);
    if (2 * both > (own > other ? own : other))
        return un_fail(err, UNET_EINVAL,
                       "%s: the masks \"%s\" and \"%s\" have mostly the same pixels, as those of "
                       "two people; they are no classes: one mask for an image wanted",
                       mask->name, under, name);
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS,
                        "%s: row %zu, column %zu is %s and %s; say labels with the classes in "
                        "the order in which they lie over one another (%s,%s)",
                        mask->name, pixel / (size_t)mask->width, pixel % (size_t)mask->width, under,
                        name, under, name);
}

unet_code un_mask_lay(const struct un_mask *mask, const struct un_coding *coding, int label,
                      bool over, uint8_t *classes, unet_error *err)
{
    size_t count = (size_t)mask->height * (size_t)mask->width;
    const uint32_t least = un_mask_least(mask);
    for (size_t i = 0; i < count; i++)
        if (un_mask_brightness(mask, i) > least && classes[i] && !over)
            return fail_both(mask, coding, label, i, classes, err);
    for (size_t i = 0; i < count; i++)
        if (un_mask_brightness(mask, i) > least)
            classes[i] = (uint8_t)label;
    return UNET_OK;
}
