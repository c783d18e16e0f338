/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_pages.c - which page of its image a shape is on
 *
 * ImageJ says channel, slice and frame in a hyperstack, or the position in a plain stack.  Pages
 * are slices, then frames, and have all channels:
 *
 *     page = slice - 1 + slices (frame - 1)        page = position - 1
 *
 * A position among planes of several channels ImageJ itself takes for a plane, or for a slice, so
 * it is refused.
 */
#include "data/outlines/outlines.h"

#define WAY_ON                                                                                     \
    "in ImageJ's ROI Manager \"Update\" each on its slice and frame, in QuPath move it there"

/* Slices of a volume; where the image does not say it, the only number that its pages and the
 * shapes leave; 0: there are several. */
static int find_slices(const struct un_drawing *drawing, const struct un_stack *stack)
{
    int slice = 1, frame = 1, found = 0;
    for (size_t i = 0; i < drawing->shape_count; i++) {
        const struct un_outline *shape = &drawing->shapes[i];
        slice = shape->slice > slice ? shape->slice : slice;
        frame = shape->frame > frame ? shape->frame : frame;
    }
    if (stack->slices)
        return stack->slices;
    if (frame == 1)
        return stack->pages;
    for (int slices = slice; slices <= stack->pages / frame; slices++)
        if (stack->pages % slices == 0) {
            if (found)
                return 0;
            found = slices;
        }
    return found;
}

/* Planes of the file that are a page; 0: not known. */
static int count_planes(const struct un_stack *stack)
{
    return stack->planes ? stack->planes : stack->channels > 1 ? 0 : 1;
}

static unet_code fail(const struct un_drawing *drawing, size_t at, const struct un_stack *stack,
                      int slices, unet_error *err)
{
    const struct un_outline *shape = &drawing->shapes[at];
    const int frames = slices ? stack->pages / slices : 0;
    if (!shape->slice && !shape->frame && count_planes(stack) == 1 && shape->plane > stack->pages)
        return un_fail(err, UNET_EINVAL, "%s: shape %zu is on page %d, but %s has %d",
                       drawing->file, at + 1, shape->plane, stack->image, stack->pages);
    if (!shape->slice && !shape->frame && shape->plane)
        return un_fail(err, UNET_EINVAL,
                       "%s: shape %zu is at position %d, which may be a page of %s or one of its "
                       "channels; slice and frame wanted: " WAY_ON,
                       drawing->file, at + 1, shape->plane, stack->image);
    if (!shape->slice && !shape->frame)
        return un_fail(err, UNET_EINVAL,
                       "%s: shape %zu is on no page, but %s has %d; a page for each wanted, as "
                       "regions of ImageJ have one",
                       drawing->file, at + 1, stack->image, stack->pages);
    if (!slices)
        return un_fail(err, UNET_EINVAL,
                       "%s: shape %zu is on slice %d of frame %d, but %s does not say how many "
                       "slices a frame has; an image that ImageJ saved as TIFF wanted",
                       drawing->file, at + 1, shape->slice, shape->frame, stack->image);
    return un_fail(
        err, UNET_EINVAL,
        "%s: shape %zu is on slice %d of frame %d (0: all), but %s has %d slice%s and %d "
        "frame%s; one of these for each wanted: " WAY_ON,
        drawing->file, at + 1, shape->slice, shape->frame, stack->image, slices,
        slices == 1 ? "" : "s", frames, frames == 1 ? "" : "s");
}

/* The page of a shape, from 0; -1: none. */
static int page_of(const struct un_outline *shape, const struct un_stack *stack, int slices)
{
    if (!shape->slice && !shape->frame) {
        const int planes = count_planes(stack);
        return shape->plane > stack->pages || (planes != 1 && shape->plane > 1) ? -1
                                                                                : shape->plane - 1;
    }
    const int slice = shape->slice ? shape->slice : slices == 1 ? 1 : 0;
    const int frame = shape->frame ? shape->frame : slices == stack->pages ? 1 : 0;
    if (!slices || !slice || !frame || slice > slices || frame > stack->pages / slices)
        return -1;
    return slice - 1 + slices * (frame - 1);
}

/* Where a shape is said to be, on an image of one page, whose planes are its channels; false: it is
 * not said. */
static bool take_place(const struct un_outline *shape, const struct un_stack *stack, int place[2])
{
    const int planes = stack->planes > stack->channels ? stack->planes : stack->channels;
    place[0] = shape->frame > 1 ? shape->frame : 1;
    place[1] = shape->slice > 1 ? shape->slice : shape->plane > planes ? shape->plane : 1;
    return shape->plane || shape->slice || shape->frame;
}

/* Shapes that were drawn on several pages do not lie over one, unless somebody says so. */
static unet_code check_one(const struct un_drawing *drawing, const struct un_stack *stack,
                           unet_error *err)
{
    int first[2], place[2];
    bool found = false;
    for (size_t i = 0; i < drawing->shape_count; i++) {
        if (!take_place(&drawing->shapes[i], stack, place))
            continue;
        if (found && (place[0] != first[0] || place[1] != first[1]))
            return un_fail(
                err, UNET_EINVAL,
                "%s: shape %zu is on another slice or frame than others before it (%d, %d "
                "and %d, %d), but %s has one page; if all belong there: in ImageJ's ROI "
                "Manager \"Remove Positions\"",
                drawing->file, i + 1, place[1], place[0], first[1], first[0], stack->image);
        first[0] = place[0];
        first[1] = place[1];
        found = true;
    }
    return UNET_OK;
}

unet_code un_outlines_pages(const struct un_drawing *drawing, const struct un_stack *stack,
                            int *pages, unet_error *err)
{
    const int slices = find_slices(drawing, stack);
    for (size_t i = 0; i < drawing->shape_count; i++) {
        pages[i] = stack->pages == 1 ? 0 : page_of(&drawing->shapes[i], stack, slices);
        if (pages[i] < 0)
            return fail(drawing, i, stack, slices, err);
    }
    return stack->pages == 1 ? check_one(drawing, stack, err) : UNET_OK;
}
