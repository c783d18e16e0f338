/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outline_file.h - a file of outlines that is being written, and its formats
 *
 *     begin -> for each image: image -> object, object ... -> end
 *
 * A format is one struct of functions; objects come traced, one at a time, and go to the file at
 * once.
 */
#ifndef UN_OUTLINE_FILE_H
#define UN_OUTLINE_FILE_H

#include "base/file.h"
#include "objects/outline_trace.h"
#include "unet_outlines.h"

/* An image that the file has outlines of. */
struct un_outline_image {
    char *name;
    int height, width;
};

/* An object with its box and where it lies. */
struct un_outline_object {
    const struct un_traced *traced;
    const struct un_pixels *pixels;
    uint64_t number; /* in the file, from 1 */
    bool first;      /* of its image */
    int label;
    int top, left, height, width;
};

struct unet_outlines {
    const struct un_outline_writer *writer;
    const char *const *class_names;
    int classes;
    struct un_save save;
    struct un_outline_image *images;
    int image_count;
    uint64_t objects;        /* written so far */
    uint64_t before;         /* of these, before the image at work */
    bool failed;             /* for want of memory */
    struct un_traced traced; /* room for one after the other */
    struct un_pixels pixels;
    size_t held, limit; /* bytes of what is kept until the end; limit 0: none */
    void *state;        /* the writer's own */
};

struct un_outline_writer {
    bool joins;   /* several images */
    bool corners; /* as un_trace() has it */
    bool utf8;    /* the name of an image is in the text, which is UTF-8 */
    bool plain;   /* which cannot hold control characters */
    void (*begin)(struct unet_outlines *file);
    void (*image)(struct unet_outlines *file); /* one more begins; NULL: nothing to do */
    void (*object)(struct unet_outlines *file, const struct un_outline_object *object);
    unet_code (*end)(struct unet_outlines *file, unet_error *err);
    void (*release)(struct unet_outlines *file); /* of state; NULL: it has none */
};

extern const struct un_outline_writer un_outline_coco, un_outline_geojson, un_outline_labelme,
    un_outline_yolo, un_outline_via, un_outline_cvat, un_outline_imagej;

/* The image at work. */
const struct un_outline_image *un_outline_now(const struct unet_outlines *file);

/* A class by its name: where it has none, "class 1" in `number`. */
const char *un_outline_name(const struct unet_outlines *file, int label, char number[24]);

/* Writes a text as JSON does, without its quotes and with them; of a class its name. */
void un_outline_escape(struct unet_outlines *file, const char *text);
void un_outline_text(struct unet_outlines *file, const char *text);
void un_outline_class(struct unet_outlines *file, int label);

/* Writes the corners of a ring, or of rings first .. end - 1 in one go: along the first one, over
 * to each other one, around it and back, which holds the same pixels by even and odd; so of a whole
 * part.  Each is printed by `point`, with whether it is the first. */
typedef void un_outline_point(struct unet_outlines *file, int x, int y, bool first);
void un_outline_ring(struct unet_outlines *file, const struct un_traced *traced, size_t ring,
                     un_outline_point *point);
void un_outline_bridge(struct unet_outlines *file, const struct un_traced *traced, size_t first,
                       size_t end, un_outline_point *point);
void un_outline_part(struct unet_outlines *file, const struct un_traced *traced, size_t first,
                     un_outline_point *point);

/* The ring after the last one of its part. */
size_t un_outline_next(const struct un_traced *traced, size_t ring);

/* ---- the inner halves of unet_outlines.h; arguments are checked ---- */

unet_code un_outline_file_begin(const char *path, unet_outline_format format,
                                const char *const *class_names, int classes, unet_outlines **file,
                                unet_error *err);
unet_code un_outline_file_image(unet_outlines *file, const char *name, int height, int width,
                                unet_error *err);
unet_code un_outline_file_add_objects(unet_outlines *file, unet_objects *objects, unet_error *err);
unet_code un_outline_file_add_ids(unet_outlines *file, const uint32_t *ids, const uint8_t *mask,
                                  unet_error *err);
unet_code un_outline_file_commit(unet_outlines *file, unet_error *err);
void un_outline_file_abort(unet_outlines *file);

#endif
