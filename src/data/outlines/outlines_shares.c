/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_shares.c - coordinates from 0 to 1 where pixels belong
 *
 * Drawn in shares of the image's sides, all shapes lie in the first pixel, or reach a little beyond
 * it where a person drew over the edge.  Then nearly none holds the centre of a pixel, which tells
 * them from what somebody drew in the corner of an image.
 */
#include <math.h>
#include <string.h>

#include "data/outlines/outlines.h"

#define BEYOND 0.5 /* of a side: so far over the edge of an image a shape may reach */
enum { CORNER = 2, NEARLY = 10 /* of ten shapes one may hold a pixel */ };

struct range {
    double least, most;
    bool between; /* some coordinate is no whole number */
};

/* false: it is too far off to be a share. */
static bool widen(struct range *range, double at)
{
    range->between = range->between || (at > 0 && at < 1);
    range->least = fmin(range->least, at);
    range->most = fmax(range->most, at);
    return at >= -BEYOND && at <= 1 + BEYOND;
}

static bool take_range(const struct un_drawing *drawing, struct range *range)
{
    for (size_t i = 0; i < drawing->point_count; i++)
        if (!widen(range, drawing->points[i][0]) || !widen(range, drawing->points[i][1]))
            return false;
    for (size_t i = 0; i < drawing->part_count; i++) {
        const struct un_area *part = &drawing->parts[i];
        if (part->kind == UN_AREA_RUNS)
            return false;
        for (int k = 0; part->kind == UN_AREA_ELLIPSE && k < 4; k++)
            if (!widen(range, part->ellipse[k]))
                return false;
    }
    return !drawing->relative && !drawing->failed;
}

unet_code un_outlines_check_shares(const struct un_outlines *set, const char *path, int first,
                                   unet_error *err)
{
    struct range range = {0, 0, false};
    uint64_t shapes = 0, empty = 0;
    for (int i = first; i < set->count; i++)
        if (!take_range(set->drawings[i], &range))
            return UNET_OK;
    if (!range.between)
        return UNET_OK;
    for (int i = first; i < set->count; i++) {
        uint32_t codes[CORNER * CORNER] = {0};
        struct un_painted painted;
        unet_code code =
            un_drawing_paint(set, set->drawings[i], NULL, CORNER, CORNER, codes, &painted, err);
        if (code)
            return code;
        shapes += set->drawings[i]->shape_count;
        empty += painted.empty + painted.away + painted.bare;
    }
    if ((range.least < 0 || range.most > 1) && NEARLY * (shapes - empty) > shapes)
        return UNET_OK;
    return un_fail(
        err, UNET_EFORMAT,
        "%s: all coordinates lie from %.3g to %.3g, as shares of the image's sides would, "
        "and %llu of %llu shapes hold no pixel; pixels wanted: multiply x by the image's "
        "width and y by its height (shares are read from YOLO's .txt)",
        path, range.least, range.most, (unsigned long long)empty, (unsigned long long)shapes);
}
