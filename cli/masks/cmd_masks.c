/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_masks.c - unet masks: outlines become label images, and label images outlines
 *
 * Masks of whatever kind are read as for a training; each is then written as what is wanted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/notes.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "shared/say.h"
#include "shared/text_file.h"
#include "unet_outlines.h"
#include "unet_train.h"

/* What is written: images first, then unet_outline_format. */
static const char *const kind_words[] = {"png",  "tif", "coco", "geojson", "labelme",
                                         "yolo", "via", "cvat", "imagej",  NULL};
static const char *const kind_endings[] = {".png", ".tif",  ".json", ".geojson", ".json",
                                           ".txt", ".json", ".xml",  ".zip"};
enum { KIND_PNG, KIND_TIF, KIND_OUTLINES };

/* Whether one file holds all images. */
static int is_one(int kind)
{
    return kind == KIND_OUTLINES + UNET_OUTLINES_COCO ||
           kind == KIND_OUTLINES + UNET_OUTLINES_VIA || kind == KIND_OUTLINES + UNET_OUTLINES_CVAT;
}

struct masks_command {
    const char *images, *masks, *output, *labels, *channels;
    const char *pair[2];
    int kind, ignore, only_pairs, as_stored;
    struct common_settings common;
};

#define AT(field) offsetof(struct masks_command, field)

static const struct option_row command_options[] = {
    OPT_REQUIRED(0, "images", AT(images), "DIR", NULL),
    OPT_REQUIRED(0, "masks", AT(masks), "PATH", "images and masks or outlines, paired by name"),
    OPT_REQUIRED('o', "output", AT(output), "PATH",
                 "a folder for a file of each image's name; of coco and via one file, x.json, of "
                 "cvat x.xml"),
    OPT_CHOICE("as", AT(kind), kind_words, "label images, or outlines [png]"),
    OPT_FLAG("only-pairs", AT(only_pairs), "leave out images that have no mask"),
    OPT_TWO("pair", AT(pair), "IMAGE MASK", "which mask is whose, as unet train"),
    OPT_FLAG("as-stored", AT(as_stored), "turn no image by its EXIF or TIFF orientation"),
    OPT_STRING("channels", AT(channels), "C", "of the images, as unet train"),
    OPT_STRING("labels", AT(labels), "L",
               "what masks mean: 'background=0,cell=255'; names of outlines in their order: "
               "'background,cell'; instances: number objects"),
    OPT_INT("ignore", AT(ignore), 0, 1 << 24, "V", "mask value that carries no label"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* What writing the masks of a set works on. */
struct conversion {
    const struct masks_command *given;
    const unet_dataset *dataset;
    unet_outlines *all; /* the file of all images */
    const char *names[UNET_MAX_CLASSES];
    int labels; /* with one more for what carries no label, if some pixel does not */
    int ignores;
    uint64_t objects;
};

/* OUT/a/b.png of image a/b.tif, whose folder is made. */
static char *file_of(const struct conversion *c, const char *name)
{
    const char *slash = strrchr(name, '/');
    char *stem = path_stem(name), *path;

    path = stem ? path_text("%s/%.*s%s%s", c->given->output, slash ? (int)(slash + 1 - name) : 0,
                            name, stem, kind_endings[c->given->kind])
                : NULL;
    free(stem);
    if (path && strrchr(path, '/')) {
        char *end = strrchr(path, '/');

        *end = 0;
        path_make_folder(path); /* opening the file will say why it cannot be */
        *end = '/';
    }
    return path;
}

/* ---- label images ------------------------------------------------------------------------ */

static unet_code write_rows(const char *path, const unet_writer_page *page, const void *samples,
                            unet_error *err)
{
    unet_writer *writer;
    uint64_t bytes = (uint64_t)page->height * (uint64_t)page->width * 4;
    unet_code code = unet_writer_open(path, bytes, &writer, err);

    if (code)
        return code;
    if ((code = unet_writer_begin(writer, page, err)) ||
        (code = unet_writer_rows(writer, samples, page->height, err))) {
        unet_writer_abort(writer);
        return code;
    }
    return unet_writer_commit(writer, err);
}

/* Numbers in 16 bits, or in 32 where there are more; what carries no label is 0 there. */
static unet_code write_ids(const char *path, unet_writer_page *page, const uint32_t *ids,
                           const uint8_t *mask, unet_error *err)
{
    const size_t count = (size_t)page->height * (size_t)page->width;
    uint32_t most = 0, *wide = malloc(count * sizeof(*wide));
    uint16_t *narrow = (uint16_t *)wide;
    unet_code code;

    if (!wide)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    for (size_t i = 0; i < count; i++) {
        wide[i] = mask[i] == UNET_IGNORE ? 0 : ids[i];
        most = wide[i] > most ? wide[i] : most;
    }
    page->sample = most > UINT16_MAX ? UNET_U32 : UNET_U16;
    for (size_t i = 0; i < count && most <= UINT16_MAX; i++)
        narrow[i] = (uint16_t)wide[i];
    code = write_rows(path, page, wide, err);
    free(wide);
    return code;
}

static unet_code write_image(const struct conversion *c, int i, const char *path, unet_error *err)
{
    const uint32_t *ids = unet_dataset_objects(c->dataset, i);
    const uint8_t *mask;
    const unet_image *image = unet_dataset_image(c->dataset, i, &mask, NULL);
    unet_writer_page page = {.size = sizeof(page),
                             .height = image->height,
                             .width = image->width,
                             .channels = 1,
                             .sample = UNET_U8};

    return ids ? write_ids(path, &page, ids, mask, err) : write_rows(path, &page, mask, err);
}

/* ---- outlines ---------------------------------------------------------------------------- */

/* Pixels of one class that hang together are an object; those without a label are one more class,
 * the only one where objects have numbers. */
static unet_code add_classes(struct conversion *c, unet_outlines *file, int i, unet_error *err)
{
    const int numbered = unet_dataset_objects(c->dataset, i) != NULL;
    const uint8_t *mask;
    const unet_image *image = unet_dataset_image(c->dataset, i, &mask, NULL);
    const size_t count = (size_t)image->height * (size_t)image->width;
    const unet_objects_options options = {.size = sizeof(options), .keep_holes = 1};
    uint8_t *classes = malloc(count);
    unet_objects *objects = NULL;
    unet_code code;

    if (!classes)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    for (size_t p = 0; p < count; p++)
        classes[p] = mask[p] == UNET_IGNORE ? (uint8_t)(c->labels - 1) : numbered ? 0 : mask[p];
    const unet_band band = {.rows = image->height, .width = image->width, .mask = classes};
    if (!(code = unet_objects_create(&options, image->height, image->width, c->labels, &objects,
                                     err)) &&
        !(code = unet_objects_add(objects, &band, err)) &&
        !(code = unet_objects_finish(objects, err))) {
        c->objects += unet_objects_count(objects);
        code = unet_outlines_add(file, objects, err);
    }
    unet_objects_free(objects);
    free(classes);
    return code;
}

static unet_code write_outlines(struct conversion *c, int i, const char *path, unet_error *err)
{
    const uint32_t *ids = unet_dataset_objects(c->dataset, i);
    const uint8_t *mask;
    const char *name;
    const unet_image *image = unet_dataset_image(c->dataset, i, &mask, &name);
    unet_outlines *file = c->all;
    unet_code code = UNET_OK;

    if (!file)
        code = unet_outlines_open(path, (unet_outline_format)(c->given->kind - KIND_OUTLINES),
                                  c->names, c->labels, &file, err);
    if (!code)
        code = unet_outlines_image(file, name, image->height, image->width, err);
    if (!code)
        code = ids ? unet_outlines_add_ids(file, ids, mask, err) : UNET_OK;
    if (!code && (!ids || c->ignores))
        code = add_classes(c, file, i, err);
    if (file == c->all)
        return code;
    if (!code)
        return unet_outlines_commit(file, err);
    unet_outlines_abort(file);
    return code;
}

/* ---- all --------------------------------------------------------------------------------- */

/* Whether some pixel carries no label. */
static int ignores(const unet_dataset *dataset)
{
    for (int i = 0; i < unet_dataset_count(dataset); i++) {
        const uint8_t *mask;
        const unet_image *image = unet_dataset_image(dataset, i, &mask, NULL);

        if (memchr(mask, UNET_IGNORE, (size_t)image->height * (size_t)image->width))
            return 1;
    }
    return 0;
}

static unet_code convert_all(struct conversion *c, unet_error *err)
{
    const int outlines = c->given->kind >= KIND_OUTLINES;
    const int one = is_one(c->given->kind);
    unet_code code = UNET_OK;

    c->labels = unet_dataset_labels(c->dataset);
    for (int k = 0; k < c->labels; k++)
        c->names[k] = unet_dataset_class(c->dataset, k);
    c->ignores = outlines && c->labels < UNET_MAX_CLASSES && ignores(c->dataset);
    if (c->ignores)
        c->names[c->labels++] = "ignore";
    if (one)
        code = unet_outlines_open(c->given->output,
                                  (unet_outline_format)(c->given->kind - KIND_OUTLINES), c->names,
                                  c->labels, &c->all, err);
    for (int i = 0; i < unet_dataset_count(c->dataset) && !code && !interrupted(); i++) {
        const char *name;
        char *path;

        unet_dataset_image(c->dataset, i, NULL, &name);
        path = one ? strdup(c->given->output) : file_of(c, name);
        if (!path)
            code = set_error(err, UNET_ENOMEM, "not enough memory");
        else
            code = outlines ? write_outlines(c, i, path, err) : write_image(c, i, path, err);
        free(path);
    }
    if (one && !code && !interrupted())
        return unet_outlines_commit(c->all, err);
    unet_outlines_abort(c->all);
    return code;
}

/* YOLO's names of classes, in a file of their own. */
static int write_names(const struct conversion *c)
{
    char *path = path_join(c->given->output, "classes.txt");
    struct text_file file;
    int status = EXIT_DONE;

    if (!path)
        return fail_memory();
    if (!text_file_begin(&file, path)) {
        status = fail_text("%s: cannot be written: %s", path, strerror(errno));
    } else {
        for (int k = 1; k < c->labels; k++)
            if (*c->names[k])
                say(file.stream, "%s\n", c->names[k]);
            else
                say(file.stream, "class %d\n", k);
        if (!text_file_finish(&file))
            status = fail_text("%s: cannot be written: %s", path, strerror(errno));
    }
    free(path);
    return status;
}

static int report(const struct conversion *c)
{
    const struct masks_command *given = c->given;

    if (given->common.json)
        return json_print(json_pack("{so si ss ss}", "output", json_path(given->output), "images",
                                    unet_dataset_count(c->dataset), "masks",
                                    unet_dataset_coding_text(c->dataset), "as",
                                    kind_words[given->kind]))
                   ? EXIT_DONE
                   : fail_memory();
    if (given->common.quiet)
        return EXIT_DONE;
    say(stderr, "pairs      %d, paired %s\n", unet_dataset_count(c->dataset),
        unet_dataset_pairing_text(c->dataset));
    if (*unet_dataset_left_out(c->dataset))
        say(stderr, "left out   %s\n", unet_dataset_left_out(c->dataset));
    say(stderr, "masks      %s\n", unet_dataset_coding_text(c->dataset));
    say(stderr, "written    %s (%s)\n", given->output, kind_words[given->kind]);
    return EXIT_DONE;
}

static int run_masks(const struct command *command, int argc, char **argv)
{
    struct masks_command given = {.ignore = -1};
    struct conversion c = {.given = &given};
    unet_dataset *dataset = NULL;
    int operands, status;
    unet_error err;

    if (!options_parse(command, argc, argv, &given, &operands, &status))
        return status;
    const char *const ending[] = {kind_endings[given.kind], NULL};

    if (is_one(given.kind) && !path_has_ending(given.output, ending))
        return usage_error(command, "-o: found \"%s\", wanted a name ending in %s", given.output,
                           ending[0]);
    if (!is_one(given.kind) && !path_make_folder(given.output))
        return fail_text("%s: cannot make this folder: %s", given.output, strerror(errno));
    const unet_dataset_options data = {.size = sizeof(data),
                                       .ignore = given.ignore,
                                       .labels = given.labels,
                                       .only_pairs = given.only_pairs,
                                       .channels = given.channels,
                                       .threads = given.common.threads,
                                       .as_stored = given.as_stored,
                                       .pair_image = given.pair[0],
                                       .pair_mask = given.pair[1]};

    if (open_noting(given.images, given.masks, &data, given.common.quiet, &dataset, &err))
        return fail(&err);
    interrupt_watch();
    c.dataset = dataset;
    if (convert_all(&c, &err))
        status = fail(&err);
    else if (interrupted())
        status = EXIT_INTERRUPTED;
    else if (given.kind != KIND_OUTLINES + UNET_OUTLINES_YOLO || !(status = write_names(&c)))
        status = report(&c);
    unet_dataset_free(dataset);
    return finish_output(status);
}

const struct command command_masks = {
    .name = "masks",
    .arguments = "--images DIR --masks PATH -o PATH [options]",
    .summary = "turn outlines into label images, and back",
    .about = "Reads masks as unet train does, images or outlines (LabelMe, COCO, VIA, CVAT, "
             "GeoJSON, YOLO, ImageJ), and writes them as label images (class numbers; objects' "
             "numbers where there is one class of many) or as outlines.",
    .options = command_options,
    .run = run_masks,
};
