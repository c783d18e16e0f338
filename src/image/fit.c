/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fit.c - a mask's header against its image's
 *
 * Sides that are equal prove little: a volume that is mirrored has the same, and so has a square
 * picture that was turned.  So places in space are compared (geometry.h), and the orientations that
 * cameras and TIFF write: a mask that was drawn on the picture as it is stored does not fit the one
 * that viewers show, and only sides that differ can tell.
 */
#include "image/fit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

__attribute__((format(printf, 3, 4))) static void
remark(struct un_fits *fits, enum un_fit_remark which, const char *format, ...)
{
    va_list args;
    if (fits->remark[which].count++)
        return;
    va_start(args, format);
    un_decimal_vformat(fits->remark[which].first, sizeof fits->remark[which].first, format, args);
    va_end(args);
}

/* ---- places ------------------------------------------------------------------------------ */

/* "%.160s" keeps long paths from hiding what comes behind them. */
static unet_code fit_places(struct unet_source *image, struct unet_source *mask,
                            struct un_fits *fits, unet_error *err)
{
    struct un_place of_image, of_mask;
    struct un_order order;
    char text[200];
    unet_code code = un_source_place(image, &of_image, err);
    if (code || (code = un_source_place(mask, &of_mask, err)))
        return code;
    switch (un_place_compare(&of_image, &of_mask, &order, text, sizeof text)) {
    case UN_FIT_NOT:
        return un_fail_hint(err, UNET_EINVAL, UNET_HINT_AS_STORED,
                            "%.160s, the mask of %.160s, %s; wanted on the image's grid",
                            mask->name, image->name, text);
    case UN_FIT_ORDERED:
        if ((code = un_source_reorder(mask, &order, err)))
            return code;
        remark(fits, UN_FITS_ORDERED, "%.160s %s: put into the image's order", mask->name, text);
        break;
    case UN_FIT_DOUBT:
        remark(fits, UN_FITS_DOUBT, "%.160s %s: taken pixel by pixel", mask->name, text);
        break;
    default:
        break;
    }
    return UNET_OK;
}

/* How large pixels are by resolution tags and metadata, which say nothing of places. */
static void compare_sizes(const struct unet_source *mask, const struct un_page *a,
                          const struct un_page *b, struct un_fits *fits)
{
    unet_page x, y;
    un_page_describe(a, &x);
    un_page_describe(b, &y);
    if (a->place.kind || b->place.kind || !(x.pixel_width > 0) || !(y.pixel_width > 0) ||
        strcmp(x.unit, y.unit))
        return;
    double across = x.pixel_width / y.pixel_width, down = x.pixel_height / y.pixel_height;
    if (across < 0.99 || across > 1.01 || down < 0.99 || down > 1.01)
        remark(fits, UN_FITS_DOUBT,
               "%.160s has pixels of %.4g x %.4g %s by its header; those of the image have "
               "%.4g x %.4g: taken pixel by pixel",
               mask->name, y.pixel_width, y.pixel_height, y.unit, x.pixel_width, x.pixel_height);
}

/* ---- orientation ------------------------------------------------------------------------- */

static const char *word_of(const struct unet_source *source)
{
    return source->format == &un_format_tiff ? "orientation tag" : "EXIF orientation";
}

/* turned: the one of the two that its header turns; the other has nothing to say. */
static unet_code fit_turned(const struct unet_source *turned, const struct un_page *page,
                            const struct unet_source *other, const struct un_page *plain,
                            bool is_image, struct un_fits *fits, unet_error *err)
{
    const int height = un_page_upright_height(page), width = un_page_upright_width(page);
    const bool fits_turned = plain->height == height && plain->width == width;
    const bool fits_stored = plain->height == page->height && plain->width == page->width;
    const char *kind = is_image ? "mask" : "image";
    if (fits_stored && !fits_turned)
        return un_fail_hint(err, UNET_EINVAL, UNET_HINT_AS_STORED,
                            "%.160s: its %s %.160s fits the picture as stored, %d x %d, not as "
                            "turned by its %s (%d), %d x %d",
                            turned->name, kind, other->name, page->width, page->height,
                            word_of(turned), page->orientation, width, height);
    if (fits_stored)
        remark(fits, UN_FITS_TURNED,
               "%.160s is turned by its %s (%d), and its %s %.100s, which is not, would fit either "
               "way: taken to be of the turned picture",
               turned->name, word_of(turned), page->orientation, kind, other->name);
    return UNET_OK;
}

unet_code un_source_fit(struct unet_source *image, struct unet_source *mask, struct un_fits *fits,
                        unet_error *err)
{
    struct un_page a, b;
    unet_code code = un_source_page(image, 0, &a, err);
    if (code || (code = un_source_page(mask, 0, &b, err)))
        return code;
    if (image->manner.as_stored)
        return UNET_OK;
    compare_sizes(mask, &a, &b, fits);
    if (a.orientation > 1 && b.orientation <= 1)
        code = fit_turned(image, &a, mask, &b, true, fits, err);
    else if (b.orientation > 1 && a.orientation <= 1)
        code = fit_turned(mask, &b, image, &a, false, fits, err);
    return code ? code : fit_places(image, mask, fits, err);
}

/* ---- of a set ---------------------------------------------------------------------------- */

void un_fits_image(struct unet_source *image, struct un_fits *fits)
{
    const char *slash = strrchr(image->name, '/');
    struct un_place place;
    struct un_page page;
    char letters[4];
    if (!un_source_page(image, 0, &page, NULL))
        un_sizes_add(&fits->sizes, un_page_size(&page), slash ? slash + 1 : image->name);
    if (image->manner.as_stored || un_source_place(image, &place, NULL))
        return;
    un_place_letters(&place, letters);
    if (!*letters || place.count[2] < 2)
        return;
    if (!fits->like)
        memcpy(fits->letters, letters, sizeof letters);
    if (!strcmp(fits->letters, letters))
        fits->like++;
    else if (!fits->unlike++)
        snprintf(fits->odd, sizeof fits->odd, "%s, such as %.140s", letters, image->name);
}

void un_fits_text(const struct un_fits *fits, enum un_fit_remark which, char *text, size_t size)
{
    const int more = fits->remark[which].count - 1;
    *text = 0;
    if (more >= 0)
        snprintf(text, size, "%s", fits->remark[which].first);
    size_t used = strlen(text);
    if (more > 0)
        snprintf(text + used, size - used, " (and %d more)", more);
}

void un_fits_directions_text(const struct un_fits *fits, char *text, size_t size)
{
    *text = 0;
    if (fits->unlike)
        snprintf(text, size,
                 "%d images lie in the directions %s by their headers and %d in others (%s): a "
                 "network sees them mirrored or turned",
                 fits->like, fits->letters, fits->unlike, fits->odd);
}
