/* SPDX-License-Identifier: Apache-2.0 */
/* Pages are planes of z, then of t, as far as that is known; a page's samples are those of one
 * channel. */
#include "image/tiff/ome_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"

bool un_ome_named(const char *path)
{
    static const char *const endings[] = {".ome.tif", ".ome.tiff", NULL};
    const size_t length = strlen(path);
    bool is = false;
    for (int i = 0; endings[i]; i++) {
        const size_t own = strlen(endings[i]);
        is |= length > own && !strcasecmp(path + length - own, endings[i]);
    }
    return is;
}

static void put_text(FILE *file, const char *text)
{
    for (; *text; text++)
        if (strchr("<>&\"'", *text) || (unsigned char)*text < ' ')
            fprintf(file, "&#%d;", (unsigned char)*text < ' ' ? '_' : *text);
        else
            fputc(*text, file);
}

static void put_size(FILE *file, const char *axis, double size, const char *unit)
{
    static const char *const units[][2] = {{"um", "&#181;m"}, {"mm", "mm"}, {"nm", "nm"}};
    char text[UN_DECIMAL_TEXT];
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (size > 0 && !strcmp(unit, units[i][0])) {
            un_decimal_write(size, false, text);
            fprintf(file, " PhysicalSize%s=\"%s\" PhysicalSize%sUnit=\"%s\"", axis, text, axis,
                    units[i][1]);
        }
}

char *un_ome_text(const char *path, const struct un_sink_page *page)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const int pages = page->pages > 1 ? page->pages : 1;
    const int depth = page->depth > 0 && pages % page->depth == 0 ? page->depth : pages;
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return NULL;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\" "
          "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
          "xsi:schemaLocation=\"http://www.openmicroscopy.org/Schemas/OME/2016-06 "
          "http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd\" "
          "Creator=\"unet " UNET_VERSION "\"><Image ID=\"Image:0\" Name=\"",
          file);
    put_text(file, name);
    fprintf(file,
            "\"><Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"%s\" SizeX=\"%d\" "
            "SizeY=\"%d\" SizeC=\"%d\" SizeZ=\"%d\" SizeT=\"%d\"",
            page->kind == UN_FLOAT ? "float"
            : page->bytes == 4     ? "uint32"
            : page->bytes == 2     ? "uint16"
                                   : "uint8",
            page->width, page->height, page->channels, depth, pages / depth);
    put_size(file, "X", page->pixel_width, page->unit);
    put_size(file, "Y", page->pixel_height, page->unit);
    put_size(file, "Z", page->pixel_depth, page->unit);
    fprintf(file,
            "><Channel ID=\"Channel:0:0\" SamplesPerPixel=\"%d\"/><TiffData/></Pixels></Image>"
            "</OME>",
            page->channels);
    return fclose(file) ? NULL : text;
}
