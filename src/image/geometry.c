/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometry.c - grids in the world compared
 *
 *     world = origin + sum of index[k] * step[k]
 *
 * The index of a mask's pixel leads to a point, and that point to an index in the image, which need
 * not be whole.  Where that is the mask's own index but for the order and the directions of axes,
 * to half a pixel at all corners, the two are the same grid.
 */
#include "image/geometry.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

#define CLOSE 0.5 /* pixels that a corner may be off */
#define ALIKE 0.01

/* Index in the image of a mask's pixel: from[k] for each of its axes, and where pixel 0 lies. */
struct way {
    double from[3][3], start[3];
};

static double length(const double v[3])
{
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

static void cross(const double a[3], const double b[3], double c[3])
{
    for (int i = 0; i < 3; i++)
        c[i] = a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3];
}

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* False: the image's steps span no space. */
static bool find_way(const struct un_place *image, const struct un_place *mask, struct way *way)
{
    double inverse[3][3], gap[3], volume;
    for (int k = 0; k < 3; k++)
        cross(image->step[(k + 1) % 3], image->step[(k + 2) % 3], inverse[k]);
    volume = dot(image->step[0], inverse[0]);
    if (!(fabs(volume) > 0) || !isfinite(volume))
        return false;
    for (int i = 0; i < 3; i++)
        gap[i] = mask->origin[i] - image->origin[i];
    for (int r = 0; r < 3; r++) {
        way->start[r] = dot(inverse[r], gap) / volume;
        for (int k = 0; k < 3; k++)
            way->from[k][r] = dot(inverse[r], mask->step[k]) / volume;
    }
    return true;
}

/* The axis of the image that each of the mask's follows most nearly; false: two follow one. */
static bool find_order(const struct way *way, const struct un_place *mask, struct un_order *order)
{
    bool taken[3] = {false};
    for (int k = 0; k < 3; k++) {
        const double *v = way->from[k];
        int r = fabs(v[0]) >= fabs(v[1]) && fabs(v[0]) >= fabs(v[2]) ? 0
                : fabs(v[1]) >= fabs(v[2])                           ? 1
                                                                     : 2;
        if (taken[r])
            return false;
        taken[r] = true;
        order->axis[k] = r;
        order->reversed[k] = v[r] < 0 && mask->count[k] > 1;
    }
    return true;
}

static bool is_plain(const struct un_order *order)
{
    for (int k = 0; k < 3; k++)
        if (order->axis[k] != k || order->reversed[k])
            return false;
    return true;
}

/* How far a corner is from where the order puts it, at most; INFINITY: the sides do not fit. */
static double farthest(const struct un_place *image, const struct un_place *mask,
                       const struct way *way, const struct un_order *order)
{
    double most = 0;
    for (int k = 0; k < 3; k++)
        if (mask->count[k] != image->count[order->axis[k]])
            return INFINITY;
    for (int corner = 0; corner < 8; corner++) {
        double at[3] = {way->start[0], way->start[1], way->start[2]};
        for (int k = 0; k < 3; k++) {
            int last = mask->count[k] - 1, index = corner >> k & 1 ? last : 0;
            for (int r = 0; r < 3; r++)
                at[r] += index * way->from[k][r];
            at[order->axis[k]] -= order->reversed[k] ? last - index : index;
        }
        for (int r = 0; r < 3; r++)
            most = fmax(most, fabs(at[r]));
    }
    return isfinite(most) ? most : INFINITY;
}

/* What programs write that know nothing: steps of 1, along the axes, from 0. */
static bool is_blank(const struct un_place *place)
{
    for (int k = 0; k < 3; k++)
        if (place->origin[k] != 0 || fabs(place->step[k][k]) != 1 || length(place->step[k]) != 1)
            return false;
    return true;
}

static bool same_lengths(const struct un_place *a, const struct un_place *b)
{
    for (int k = 0; k < 3; k++) {
        double x = length(a->step[k]), y = length(b->step[k]);
        if (a->count[k] > 1 && x > 0 && y > 0 && fabs(x / y - 1) > ALIKE)
            return false;
    }
    return true;
}

static bool same_sides(const struct un_place *a, const struct un_place *b)
{
    return !memcmp(a->count, b->count, sizeof a->count);
}

void un_place_letters(const struct un_place *place, char letters[4])
{
    static const char names[3][2] = {{'R', 'L'}, {'A', 'P'}, {'S', 'I'}};
    letters[0] = 0;
    for (int k = 0; k < 3 && place->kind == UN_PLACE_BODY; k++) {
        const double *v = place->step[k];
        int r = fabs(v[0]) >= fabs(v[1]) && fabs(v[0]) >= fabs(v[2]) ? 0
                : fabs(v[1]) >= fabs(v[2])                           ? 1
                                                                     : 2;
        letters[k] = names[r][v[r] < 0];
        letters[k + 1] = 0;
    }
}

/* In words; "directions", "pixel sizes" or "place" is what differs. */
static void tell_directions(const struct un_place *image, const struct un_place *mask, char *text,
                            size_t size)
{
    char a[4], b[4];
    un_place_letters(image, a);
    un_place_letters(mask, b);
    if (*a)
        snprintf(text, size, "lies in other directions by its header, %s; the image in %s", b, a);
    else
        snprintf(text, size, "lies in other directions by its header: rows run %s, the image's %s",
                 mask->step[1][1] > 0 ? "north" : "south",
                 image->step[1][1] > 0 ? "north" : "south");
}

static void tell_sizes(const struct un_place *image, const struct un_place *mask, char *text,
                       size_t size)
{
    un_decimal_format(text, size,
                      "has pixels of %.6g x %.6g x %.6g by its header; those of the image have "
                      "%.6g x %.6g x %.6g",
                      length(mask->step[0]), length(mask->step[1]), length(mask->step[2]),
                      length(image->step[0]), length(image->step[1]), length(image->step[2]));
}

static void tell_origins(const struct un_place *image, const struct un_place *mask, char *text,
                         size_t size)
{
    if (image->kind == UN_PLACE_MAP)
        un_decimal_format(text, size,
                          "begins at %.10g, %.10g by its header; the image at %.10g, %.10g",
                          mask->origin[0], mask->origin[1], image->origin[0], image->origin[1]);
    else
        un_decimal_format(text, size,
                          "begins at %.6g, %.6g, %.6g by its header; the image at %.6g, %.6g, %.6g",
                          mask->origin[0], mask->origin[1], mask->origin[2], image->origin[0],
                          image->origin[1], image->origin[2]);
}

/* Whether the grids have a pixel in common; they have the same sides and directions. */
static bool overlaps(const struct un_place *mask, const struct way *way)
{
    for (int r = 0; r < 3; r++)
        if (fabs(way->start[r]) >= mask->count[r])
            return false;
    return true;
}

/* Two that are no order of each other. */
static enum un_fit judge(const struct un_place *image, const struct un_place *mask,
                         const struct way *way, bool plain, char *text, size_t size)
{
    if (is_blank(mask) || is_blank(image)) {
        snprintf(text, size, "%s by its header: steps of 1 from 0, as of a program that knew none",
                 is_blank(mask) ? "has no place" : "has a place and its image none");
        return UN_FIT_DOUBT;
    }
    if (!plain) {
        tell_directions(image, mask, text, size);
        return UN_FIT_NOT;
    }
    if (!same_lengths(image, mask)) {
        tell_sizes(image, mask, text, size);
        return UN_FIT_DOUBT;
    }
    tell_origins(image, mask, text, size);
    return image->kind == UN_PLACE_MAP && !overlaps(mask, way) ? UN_FIT_NOT : UN_FIT_DOUBT;
}

/* The same grid in another unit, where both are known. */
static struct un_place in_unit(const struct un_place *place, double unit)
{
    struct un_place made = *place;
    const double times = place->unit > 0 && unit > 0 ? place->unit / unit : 1;
    for (int k = 0; k < 3; k++) {
        made.origin[k] *= times;
        for (int r = 0; r < 3; r++)
            made.step[k][r] *= times;
    }
    return made;
}

static enum un_fit compare(const struct un_place *image, const struct un_place *mask,
                           struct un_order *order, char *text, size_t size)
{
    struct way way;
    *text = 0;
    if (!image->kind || !mask->kind)
        return UN_FIT;
    if (image->kind != mask->kind || image->kind == UN_PLACE_SIZES) {
        if (!same_sides(image, mask) || is_blank(image) || is_blank(mask) ||
            same_lengths(image, mask))
            return UN_FIT;
        tell_sizes(image, mask, text, size);
        return UN_FIT_DOUBT;
    }
    if (image->system && mask->system && image->system != mask->system) {
        snprintf(text, size, "is in reference system EPSG:%d by its header; the image in EPSG:%d",
                 mask->system, image->system);
        return UN_FIT_DOUBT;
    }
    if (!find_way(image, mask, &way))
        return UN_FIT;
    bool ordered = find_order(&way, mask, order), plain = ordered && is_plain(order);
    if (ordered && farthest(image, mask, &way, order) <= CLOSE) {
        if (!plain)
            tell_directions(image, mask, text, size);
        return plain ? UN_FIT : UN_FIT_ORDERED;
    }
    if (!same_sides(image, mask)) { /* whoever reads it refuses it; the directions may say why */
        if (!plain && !is_blank(mask) && !is_blank(image))
            tell_directions(image, mask, text, size);
        return *text ? UN_FIT_NOT : UN_FIT;
    }
    return judge(image, mask, &way, plain, text, size);
}

enum un_fit un_place_compare(const struct un_place *image, const struct un_place *mask,
                             struct un_order *order, char *text, size_t size)
{
    const struct un_place same = in_unit(mask, image->unit);
    return compare(image, &same, order, text, size);
}

void un_place_part(struct un_place *place, int first, int count)
{
    for (int i = 0; i < 3; i++)
        place->origin[i] += first * place->step[2][i];
    place->count[2] = count;
}
