/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset.c - pairs of files become images and class indices in memory
 *
 * un_dataset_open(): find the pairs (pairs.c); look at all masks, one at a time, for what their
 * codes mean (coding_find.c); read images and masks into memory; then look at the whole
 * (dataset_whole.c).
 */
#include "data/set/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "base/hooks.h"
#include "data/masks/census.h"
#include "data/set/pairs.h"
#include "image/fill.h"

/* ---- what the masks mean ----------------------------------------------------------------- */

/* Shows every mask to a census, so that their codes can be understood together; they lie as they
 * do in their files. */
static unet_code take_census(const struct un_pairs *files, const unet_dataset_options *options,
                             struct un_census *census, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < files->count && !code; i++) {
        struct unet_source *source;
        struct un_mask joined = {0};
        if (files->pairs[i].objects) {
            if (!(code = un_mask_join(files->pairs[i].objects, NULL, NULL, &joined, err)))
                code = un_census_take(census, &joined, err);
            un_mask_release(&joined);
            continue;
        }
        if (!files->pairs[i].mask || (code = un_check_cancel(options->cancel, err)) ||
            (code = un_pair_open_mask(files, &files->pairs[i], NULL, &source, err)))
            continue;
        for (int page = 0; page < source->pages && !code; page++) {
            struct un_mask mask;
            if ((code = un_mask_of_page(source, page, &mask, err)))
                break;
            code = un_census_take(census, &mask, err);
            un_mask_release(&mask);
        }
        un_source_close(source);
    }
    return code;
}

static unet_code find_coding(const char *masks, const struct un_pairs *files,
                             const unet_dataset_options *options, const struct un_coding *given,
                             struct un_coding *coding, unet_error *err)
{
    struct un_census census = {0};
    struct un_wish *wish = malloc(sizeof *wish);
    if (!wish)
        return un_fail_memory(err, sizeof *wish, "labels");
    unet_code code = un_wish_of_options(options, wish, err);
    if (!code && files->objects)
        code = un_wish_join(wish, &given, err);
    else if (!code && !files->class_count && !files->outlines)
        code = un_wish_of_folder(masks, given != NULL, wish, err);
    if (!code && files->outlines)
        code = un_outlines_settle(files->outlines, wish, &given, err);
    if (code)
        goto done;
    if (files->class_count)
        code = un_coding_of_files((const char *const *)files->classes, files->class_count, wish,
                                  given, coding, err);
    else if (given && given->kind == UN_CODING_FILES && wish->what == UN_WISH_NONE)
        code = un_fail(err, UNET_EINVAL,
                       "%s: one mask for an image; the model was trained on a file for each class",
                       files->pairs[0].mask);
    else if (wish->what == UN_WISH_NAMES)
        code = un_fail(err, UNET_EINVAL,
                       "labels: names alone are for masks with a file for each class; codes, such "
                       "as %s=0, wanted for %s",
                       wish->coding.names[0], files->pairs[0].mask);
    else if (!(code = take_census(files, options, &census, err)) &&
             !(code = un_coding_find(&census, wish, given, coding, err)))
        code = un_pairs_folders_settled(files, masks, wish, given, coding, err);
    if (!code && files->outlines)
        un_outlines_name_coding(files->outlines, coding);
done:
    un_census_release(&census);
    free(wish);
    return code;
}

/* ---- masks ------------------------------------------------------------------------------- */

static unet_code check_sides(const char *name, const unet_image *image, const struct un_mask *mask,
                             unet_error *err)
{
    if (mask->height == image->height && mask->width == image->width)
        return UNET_OK;
    if (un_dataset_planes(image, mask->height, mask->width, name, mask->name, err))
        return err ? err->code : UNET_EINVAL;
    return un_fail(err, UNET_EINVAL, "%s is %d x %d pixels, but its mask %s is %d x %d", name,
                   image->width, image->height, mask->name, mask->width, mask->height);
}

/* What reading the pairs works on. */
struct reading {
    const struct un_pairs *files;
    const unet_log *log;
    unet_dataset *dataset;
    struct un_fits *fits;
    bool keep_masks;
};

/* The classes of one page: from one mask, or from the masks of all classes. */
static unet_code read_classes(const struct un_pair *files, struct unet_source *source,
                              struct unet_source *mask, int page, const struct reading *r,
                              struct un_sample_pair *pair, unet_error *err)
{
    const char *image = files->image;
    const struct un_coding *coding = &r->dataset->coding;
    int height = pair->image.height, width = pair->image.width;
    struct un_mask codes;
    unet_code code = UNET_OK;
    if (mask || files->objects) {
        code = mask ? un_mask_of_page(mask, page, &codes, err)
                    : un_mask_join(files->objects, source, r->fits, &codes, err);
        if (code)
            return code;
        if (!(code = check_sides(image, &pair->image, &codes, err)))
            code = un_pair_take_classes(pair, &codes, coding, err);
        un_mask_release(&codes);
        return code;
    }
    if (!(pair->mask = calloc((size_t)height, (size_t)width)))
        return un_fail_memory(err, (size_t)height * (size_t)width, image);
    for (int label = 1; label < coding->labels && !code; label++) {
        const char *path = un_pair_file(r->files, files, coding->names[label]);
        if (!path)
            continue;
        if ((code = un_mask_read_for(path, source, r->fits, &codes, err)))
            return code;
        if (!(code = check_sides(image, &pair->image, &codes, err)))
            code = un_mask_lay(&codes, coding, label, coding->ordered, pair->mask, err);
        un_mask_release(&codes);
    }
    return code;
}

static unet_code grow(unet_dataset *dataset, int room, unet_error *err)
{
    size_t bytes = (size_t)room * sizeof *dataset->pairs;
    struct un_sample_pair *more = realloc(dataset->pairs, bytes ? bytes : 1);
    if (!more)
        return un_fail_memory(err, bytes, "images");
    dataset->pairs = more;
    return UNET_OK;
}

static unet_code read_page(const struct un_pair *files, struct unet_source *image,
                           struct unet_source *mask, int page, const struct reading *r,
                           unet_error *err)
{
    struct un_sample_pair *pair = &r->dataset->pairs[r->dataset->count];
    *pair = (struct un_sample_pair){0};
    r->dataset->count++;
    struct un_page what;
    unet_code code = un_source_page(image, page, &what, err);
    if (code)
        return code;
    pair->fill = r->dataset->scaling.fill.set ? r->dataset->scaling.fill : what.fill;
    pair->size = un_page_size(&what);
    if ((code = un_image_of_source(image, page, &pair->image, err)) ||
        (code = un_view_check_finite(files->image, un_view_of(&pair->image), 0, pair->fill, err)) ||
        (code = read_classes(files, image, mask, page, r, pair, err)))
        return code;
    size_t end = strlen(files->image); /* of the name; a choice of channels is the same for all */
    un_channels_chosen(files->image, &end);
    const int length = (int)(end - (size_t)(files->name - files->image));
    if (image->pages > 1 ? asprintf(&pair->name, "%.*s[%d]", length, files->name, page) < 0
                         : !(pair->name = strndup(files->name, (size_t)length)))
        return un_fail_memory(err, strlen(files->name), files->name);
    return UNET_OK;
}

static void tell_note(const unet_log *log, const struct unet_source *source)
{
    if (source && *source->note)
        un_note(log, UNET_NOTE, "%s: %s", source->name, source->note);
}

static void tell_fits(const unet_log *log, const struct un_fits *fits)
{
    char text[600];
    for (int k = 0; k < UN_FITS_REMARKS; k++) {
        un_fits_text(fits, (enum un_fit_remark)k, text, sizeof text);
        if (*text)
            un_note(log, k == UN_FITS_ORDERED ? UNET_NOTE : UNET_WARNING, "%s", text);
    }
    un_fits_directions_text(fits, text, sizeof text);
    if (*text)
        un_note(log, UNET_WARNING, "%s", text);
    un_sizes_text(&fits->sizes, text, sizeof text);
    if (*text)
        un_note(log, UNET_WARNING, "%s", text);
}

static void tell_outlines(const unet_log *log, const struct un_outlines *outlines)
{
    char text[600];
    un_outlines_text(outlines, text, sizeof text);
    if (*text)
        un_note(log, UNET_WARNING, "outlines: %s", text);
}

/* All pages of a pair of files. */
static unet_code read_pair(const struct un_pair *files, const struct reading *r, int further,
                           unet_error *err)
{
    struct unet_source *image = NULL, *mask = NULL;
    unet_code code = un_source_open_as(files->image, &r->files->manner, &image, err);
    if (code || (files->mask && !files->objects &&
                 (code = un_pair_open_mask(r->files, files, image, &mask, err))))
        goto done;
    tell_note(r->log, image);
    tell_note(r->log, mask);
    un_fits_image(image, r->fits);
    if (mask && (code = r->keep_masks ? un_source_fit(mask, image, r->fits, err)
                                      : un_source_fit(image, mask, r->fits, err)))
        goto done;
    if (mask ? mask->pages != image->pages : image->pages > 1) {
        const int pages = mask ? mask->pages : 1;
        code = un_fail_hint(err, UNET_EINVAL, pages == 1 ? UNET_HINT_CHANNELS : 0,
                            "%s has %d pages, but its mask %s %d", files->image, image->pages,
                            mask ? files->mask : "of each class or object", pages);
        goto done;
    }
    code = grow(r->dataset, r->dataset->count + image->pages + further, err);
    for (int page = 0; page < image->pages && !code; page++)
        code = read_page(files, image, mask, page, r, err);
done:
    un_source_close(image);
    un_source_close(mask);
    return code;
}

static unet_code read_all(const char *masks, const struct un_pairs *files,
                          const unet_dataset_options *options, unet_dataset *dataset,
                          unet_error *err)
{
    struct un_fits fits = {0};
    const struct reading r = {files, options->log, dataset, &fits, options->keep_masks};
    unet_code code = UNET_OK;
    for (int i = 0; i < files->count && !code; i++)
        if (!(code = un_check_cancel(options->cancel, err)))
            code = read_pair(&files->pairs[i], &r, files->count - i, err);
    if (!code)
        tell_fits(options->log, &fits);
    if (!code && files->outlines)
        tell_outlines(options->log, files->outlines);
    return code ? code : un_dataset_complete(dataset, masks, err);
}

static unet_code settle_manner(struct un_pairs *files, const unet_dataset_options *options,
                               unet_error *err)
{
    char text[320];
    unet_code code = un_pairs_manner(files, options, err);
    if (code)
        return code;
    code = un_pairs_alpha(files, options->expect_channels, text, sizeof text, err);
    if (!code && *text)
        un_note(options->log, UNET_WARNING, "%s", text);
    return code;
}

unet_code un_dataset_open(const char *images, const char *masks,
                          const unet_dataset_options *options, const struct un_coding *coding,
                          unet_dataset **dataset, unet_error *err)
{
    static const unet_dataset_options none = {.ignore = -1};
    struct un_pairs files;
    options = options ? options : &none;
    const struct un_pair_wish wish = {options->pair_image, options->pair_mask, options->channels,
                                      options->predicted, un_pairs_by_class(options, coding)};
    unet_code code = un_pairs_find(images, masks, &wish, &files, err);
    if (code)
        return code;
    unet_dataset *made = calloc(1, sizeof *made);
    if (!made)
        code = un_fail_memory(err, sizeof *made, images);
    else if (!(code = un_fill_of_text(options->fill, &made->scaling.fill, err)) &&
             !(code = un_pairs_complete(images, masks, &files, options->only_pairs, err)) &&
             !(code = settle_manner(&files, options, err)) &&
             !(code = find_coding(masks, &files, options, coding, &made->coding, err)))
        code = read_all(masks, &files, options, made, err);
    if (code) {
        un_dataset_free(made);
    } else {
        made->threads = options->threads;
        memcpy(made->rule, files.rule, sizeof made->rule);
        un_channels_text(&files.channels, made->channels_text, sizeof made->channels_text);
        un_pairs_left_out(&files, made->left_out, sizeof made->left_out);
        if (*made->left_out)
            un_note(options->log, UNET_WARNING, "%s", made->left_out);
        if (*made->fill_text)
            un_note(options->log, UNET_NOTE, "%s", made->fill_text);
        *dataset = made;
    }
    un_pairs_release(&files);
    return code;
}
