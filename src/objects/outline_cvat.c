/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outline_cvat.c - CVAT for images 1.1: one text with all images
 *
 * An object of one part without holes is a polygon, which a person can mend by its corners; any
 * other is a mask, as CVAT itself keeps it: numbers of pixels outside, inside, outside ... along
 * the rows of its box.  The labels at the head are what a task is made with.
 */
#include "objects/outline_file.h"

#define PRINT(file, ...) fprintf((file)->save.file, __VA_ARGS__)

/* A text between tags or quotes. */
static void print_text(struct unet_outlines *file, const char *text)
{
    for (; *text; text++)
        if (*text == '&')
            PRINT(file, "&amp;");
        else if (*text == '<')
            PRINT(file, "&lt;");
        else if (*text == '>')
            PRINT(file, "&gt;");
        else if (*text == '"')
            PRINT(file, "&quot;");
        else
            fputc((unsigned char)*text < 0x20 ? '?' : *text, file->save.file);
}

static void cvat_begin(struct unet_outlines *file)
{
    char number[24];
    PRINT(file, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n"
                "  <version>1.1</version>\n  <meta><task><labels>\n");
    for (int k = 1; k < file->classes; k++) {
        PRINT(file, "    <label><name>");
        print_text(file, un_outline_name(file, k, number));
        PRINT(file, "</name><attributes></attributes></label>\n");
    }
    PRINT(file, "  </labels></task></meta>\n");
}

static void cvat_image(struct unet_outlines *file)
{
    const struct un_outline_image *image = un_outline_now(file);
    PRINT(file, "%s  <image id=\"%d\" name=\"", file->image_count > 1 ? "  </image>\n" : "",
          file->image_count - 1);
    print_text(file, image->name);
    PRINT(file, "\" width=\"%d\" height=\"%d\">\n", image->width, image->height);
}

static void point_semicolon(struct unet_outlines *file, int x, int y, bool first)
{
    PRINT(file, "%s%d,%d", first ? "" : ";", x, y);
}

/* Runs of the box's rows, one behind the other; a row's end and the next one's beginning are one.
 */
static void print_runs(struct unet_outlines *file, const struct un_outline_object *object)
{
    const struct un_pixels *pixels = object->pixels;
    uint64_t written = 0, inside = 0, end = 0; /* of the run that is not written yet, and its end */
    for (int row = 0; row < pixels->rows; row++)
        for (size_t i = pixels->first[row]; i < un_pixels_end(pixels, row); i++) {
            const int *run = pixels->runs[i];
            const uint64_t from =
                (uint64_t)row * (uint64_t)object->width + (uint64_t)(run[0] - object->left);
            const uint64_t length = (uint64_t)(run[1] - run[0]);
            if (from > end || !written) {
                if (written)
                    PRINT(file, ", %llu, ", (unsigned long long)inside);
                PRINT(file, "%llu", (unsigned long long)(from - end));
                written++;
                inside = 0;
            }
            inside += length;
            end = from + length;
        }
    PRINT(file, ", %llu", (unsigned long long)inside);
    if (end < (uint64_t)object->height * (uint64_t)object->width)
        PRINT(file, ", %llu",
              (unsigned long long)((uint64_t)object->height * (uint64_t)object->width - end));
}

static void cvat_object(struct unet_outlines *file, const struct un_outline_object *object)
{
    const bool plain = object->traced->ring_count == 1;
    char number[24];
    PRINT(file, "    <%s label=\"", plain ? "polygon" : "mask");
    print_text(file, un_outline_name(file, object->label, number));
    PRINT(file, "\" source=\"manual\" occluded=\"0\" %s=\"", plain ? "points" : "rle");
    if (plain) {
        un_outline_ring(file, object->traced, 0, point_semicolon);
        PRINT(file, "\" z_order=\"0\"></polygon>\n");
    } else {
        print_runs(file, object);
        PRINT(file, "\" left=\"%d\" top=\"%d\" width=\"%d\" height=\"%d\" z_order=\"0\"></mask>\n",
              object->left, object->top, object->width, object->height);
    }
}

static unet_code cvat_end(struct unet_outlines *file, unet_error *err)
{
    (void)err;
    PRINT(file, "%s</annotations>\n", file->image_count ? "  </image>\n" : "");
    return UNET_OK;
}

const struct un_outline_writer un_outline_cvat = {.joins = true,
                                                  .utf8 = true,
                                                  .plain = true,
                                                  .begin = cvat_begin,
                                                  .image = cvat_image,
                                                  .object = cvat_object,
                                                  .end = cvat_end};
