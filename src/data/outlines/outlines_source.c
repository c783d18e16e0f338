/* SPDX-License-Identifier: Apache-2.0 */
/* outlines_source.c - a drawing as an open image file: one page is in memory, as codes */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/outlines/outlines.h"

struct painting {
    struct un_outlines *set;
    struct un_drawing *drawing;
    int (*sides)[2]; /* [pages] height, width */
    struct un_stack stack;
    char *image; /* its name */
    int first;   /* page of the image's file that is the first of these */
    int page;    /* that is painted; -1: none */
    uint32_t *codes;
};

static unet_code page_of(struct unet_source *source, int index, struct un_page *page,
                         unet_error *err)
{
    const struct painting *p = source->state;
    (void)err;
    *page = (struct un_page){.height = p->sides[index][0],
                             .width = p->sides[index][1],
                             .channels = 1,
                             .kind = UN_UINT,
                             .bits = 32,
                             .bytes = 4,
                             .orientation = 1};
    return UNET_OK;
}

/* The paintings of all pages are counted once, from the first on. */
static void count_up(struct painting *p, int page, const struct un_painted *painted)
{
    struct un_painted *all = &p->set->painted;
    if (p->drawing->counted != page)
        return;
    p->drawing->counted++;
    all->bare += painted->bare;
    all->outside += painted->outside;
    all->away += painted->away;
    all->empty += painted->empty;
    all->over += painted->over;
    all->hidden += painted->hidden;
}

static unet_code paint(struct unet_source *source, int index, unet_error *err)
{
    struct painting *p = source->state;
    const int height = p->sides[index][0], width = p->sides[index][1];
    const uint64_t bytes = (uint64_t)height * (uint64_t)width * sizeof *p->codes;
    struct un_painted painted;
    free(p->codes);
    p->page = -1;
    if (!(p->codes = bytes <= UN_IMAGE_BYTES ? calloc(1, (size_t)bytes) : NULL))
        return un_fail_memory(err, (size_t)bytes, source->name);
    p->stack.page = p->first + index;
    unet_code code =
        un_drawing_paint(p->set, p->drawing, &p->stack, height, width, p->codes, &painted, err);
    if (code)
        return code;
    p->page = index;
    count_up(p, index, &painted);
    return UNET_OK;
}

static unet_code read_part(struct unet_source *source, int index, const struct un_page *page,
                           struct un_rect rect, void *samples, unet_error *err)
{
    const struct painting *p = source->state;
    unet_code code = p->page == index ? UNET_OK : paint(source, index, err);
    if (!code)
        un_rect_copy(page, p->codes, rect, samples);
    return code;
}

static void let_go(struct unet_source *source)
{
    struct painting *p = source->state;
    if (p) {
        free(p->sides);
        free(p->codes);
        free(p->image);
    }
    free(p);
}

static const struct un_format painted = {
    .name = "outlines", .page = page_of, .read = read_part, .close = let_go};

/* The sides of all pages of the image, and what it says of them. */
static unet_code take_pages(struct painting *p, struct unet_source *image, unet_error *err)
{
    const struct un_drawing *drawing = p->drawing;
    p->first = image->first;
    if (!(p->sides = malloc((size_t)image->pages * sizeof *p->sides)) ||
        !(p->image = strndup(image->name, image->file_name)))
        return un_fail_memory(err, (size_t)image->pages * sizeof *p->sides, drawing->file);
    for (int i = 0; i < image->pages; i++) {
        struct un_page page;
        unet_code code = un_source_page(image, i, &page, err);
        if (code)
            return code;
        if (!i)
            p->stack = (struct un_stack){.image = p->image,
                                         .pages = image->file_pages,
                                         .slices = image->depth              ? image->depth
                                                   : page.place.count[2] > 1 ? page.place.count[2]
                                                                             : 0,
                                         .planes = image->planes,
                                         .channels = page.channels};
        const int height = p->sides[i][0] = un_page_upright_height(&page);
        const int width = p->sides[i][1] = un_page_upright_width(&page);
        if (drawing->height && (drawing->height != height || drawing->width != width))
            return un_fail(err, UNET_EINVAL, "%s is %d x %d pixels, but in %s it is %d x %d",
                           image->name, width, height, drawing->file, drawing->width,
                           drawing->height);
    }
    return UNET_OK;
}

unet_code un_outlines_open(struct un_outlines *set, struct un_drawing *drawing,
                           struct unet_source *image, struct unet_source **source, unet_error *err)
{
    struct unet_source *made = calloc(1, sizeof *made);
    struct painting *p = calloc(1, sizeof *p);
    unet_code code = UNET_OK;
    if (!made || !p) {
        free(made);
        free(p);
        return un_fail_memory(err, sizeof *made, drawing->file);
    }
    *p = (struct painting){.set = set, .drawing = drawing, .page = -1};
    *made = (struct unet_source){
        .format = &painted, .file_pages = image->pages, .pages = image->pages, .state = p};
    if ((drawing->several ? asprintf(&made->name, "%s: %s", drawing->file, drawing->image)
                          : asprintf(&made->name, "%s", drawing->file)) < 0) {
        made->name = NULL;
        code = un_fail_memory(err, strlen(drawing->file), drawing->file);
    } else {
        made->file_name = strlen(made->name);
        code = take_pages(p, image, err);
    }
    if (code)
        un_source_close(made);
    else
        *source = made;
    return code;
}
