/* SPDX-License-Identifier: Apache-2.0 */
/* tiff_slides.c - files of programs that scan slides: what they call the IFDs of a file */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "image/tiff/tiff_read.h"
#include "image/tiff/xml.h"

#define TEXT 2048 /* of a description, where a program says what an IFD is */
#define SCN_TEXT ((size_t)4 << 20)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- words ------------------------------------------------------------------------------- */

struct word {
    const char *begins;
    enum un_tiff_what what;
};

/* Whether a line of the text begins so, in any case of letters. */
static bool line_begins(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, "\r\n ");
        if (!strncasecmp(line, word, n))
            return true;
    }
    return false;
}

/* false: none of them. */
static bool find_word(const char *text, const struct word *words, size_t count,
                      enum un_tiff_what *what)
{
    for (size_t i = 0; i < count; i++)
        if (line_begins(text, words[i].begins)) {
            *what = words[i].what;
            return true;
        }
    return false;
}

static const struct word plain_words[] = {
    {"label", UN_TIFF_LABEL}, {"macro", UN_TIFF_MACRO}, {"thumbnail", UN_TIFF_THUMBNAIL}};

bool un_tiff_word(const char *text, enum un_tiff_what *what)
{
    return find_word(text, plain_words, COUNT(plain_words), what);
}

static bool same_sides(const struct un_tiff_ifd *a, const struct un_tiff_ifd *b)
{
    return a->width == b->width && a->height == b->height;
}

/* ---- programs ---------------------------------------------------------------------------- */

/* What one IFD is; text: of its description. */
typedef enum un_tiff_what sorter(const struct un_tiff_ifd *first, const struct un_tiff_ifd *ifd,
                                 const char *text);

/* Aperio: levels are tiled, other pictures are not.  Tiled ones as large as the first are focal
 * planes. */
static enum un_tiff_what sort_aperio(const struct un_tiff_ifd *first, const struct un_tiff_ifd *ifd,
                                     const char *text)
{
    enum un_tiff_what what;
    if (ifd == first || (ifd->tiled && same_sides(first, ifd)))
        return UN_TIFF_PAGE;
    if (un_tiff_word(text, &what))
        return what;
    return ifd->tiled ? UN_TIFF_LEVEL : UN_TIFF_THUMBNAIL;
}

static enum un_tiff_what sort_ndpi(const struct un_tiff_ifd *first, const struct un_tiff_ifd *ifd,
                                   const char *text)
{
    (void)text;
    if (ifd->lens < 0)
        return ifd->lens > -1.5f ? UN_TIFF_MACRO : UN_TIFF_THUMBNAIL;
    return same_sides(first, ifd) ? UN_TIFF_PAGE : UN_TIFF_LEVEL;
}

static enum un_tiff_what sort_qptiff(const struct un_tiff_ifd *first, const struct un_tiff_ifd *ifd,
                                     const char *text)
{
    static const struct {
        const char *type;
        enum un_tiff_what what;
    } types[] = {{"<ImageType>FullResolution<", UN_TIFF_PAGE},
                 {"<ImageType>ReducedResolution<", UN_TIFF_LEVEL},
                 {"<ImageType>Thumbnail<", UN_TIFF_THUMBNAIL},
                 {"<ImageType>Overview<", UN_TIFF_MACRO},
                 {"<ImageType>Label<", UN_TIFF_LABEL}};
    for (size_t i = 0; i < COUNT(types); i++)
        if (strstr(text, types[i].type))
            return types[i].what;
    return same_sides(first, ifd) ? UN_TIFF_PAGE : UN_TIFF_LEVEL;
}

/* Ventana: "level=0 mag=40 quality=95" and, before it, pictures of the slide. */
static enum un_tiff_what sort_ventana(const struct un_tiff_ifd *first,
                                      const struct un_tiff_ifd *ifd, const char *text)
{
    static const struct word words[] = {{"level=0", UN_TIFF_PAGE},
                                        {"level=", UN_TIFF_LEVEL},
                                        {"label", UN_TIFF_MACRO},
                                        {"thumbnail", UN_TIFF_THUMBNAIL},
                                        {"probability", UN_TIFF_THUMBNAIL}};
    enum un_tiff_what what = UN_TIFF_THUMBNAIL;
    (void)first;
    (void)ifd;
    find_word(text, words, COUNT(words), &what);
    return what;
}

static const struct {
    const char *begins; /* a line of the description of the first IFD, or of any */
    bool any;
    sorter *sort;
} programs[] = {{"Aperio", false, sort_aperio},
                {"<PerkinElmer-QPI", false, sort_qptiff},
                {"<?xml version=\"1.0\" encoding=\"utf-16\"?>", false, sort_qptiff},
                {"level=0 ", true, sort_ventana}};

static sorter *find_program(struct unet_source *source, const struct un_tiff_table *table)
{
    char text[TEXT];
    if (table->ifds[0].ndpi)
        return sort_ndpi;
    for (uint32_t i = 0; i < table->ifd_count && i < 16; i++) {
        un_tiff_text(source, &table->ifds[i], text, sizeof text);
        for (size_t k = 0; k < COUNT(programs); k++)
            if ((!i || programs[k].any) && line_begins(text, programs[k].begins) &&
                (programs[k].sort != sort_qptiff || strstr(text, "<ImageType>")))
                return programs[k].sort;
    }
    return NULL;
}

/*
 * Leica: one text tells of all IFDs,
 *
 *     <collection sizeX= sizeY=> <image> <pixels> <dimension r="0" ifd="3" sizeX= sizeY=/> ..
 *         <view sizeX= sizeY= ..>
 *
 * r: the level.  The image whose view is the collection is a picture of all of the slide.
 */
struct scn {
    struct un_tiff_table *table;
    char width[24], height[24]; /* of the collection */
    uint32_t image;             /* which of those in `of` are of the image at hand */
    uint32_t *of;               /* [ifd_count]: number of the image that each IFD belongs to */
};

static void take_scn(struct scn *scn, const struct un_xml *xml)
{
    char text[24], more[24] = "";
    struct un_tiff_table *table = scn->table;
    if (un_xml_is(xml, "collection")) {
        un_xml_attribute(xml, "sizeX", scn->width, sizeof scn->width);
        un_xml_attribute(xml, "sizeY", scn->height, sizeof scn->height);
    } else if (un_xml_is(xml, "image")) {
        scn->image++;
    } else if (un_xml_is(xml, "dimension") && un_xml_attribute(xml, "ifd", text, sizeof text)) {
        unsigned long i = strtoul(text, NULL, 10);
        if (i >= table->ifd_count)
            return;
        scn->of[i] = scn->image;
        if (un_xml_attribute(xml, "r", text, sizeof text) && strcmp(text, "0"))
            table->ifds[i].what = UN_TIFF_LEVEL;
    } else if (un_xml_is(xml, "view") && un_xml_attribute(xml, "sizeX", text, sizeof text) &&
               un_xml_attribute(xml, "sizeY", more, sizeof more) && !strcmp(text, scn->width) &&
               !strcmp(more, scn->height)) {
        for (uint32_t i = 0; i < table->ifd_count; i++)
            if (scn->of[i] == scn->image && table->ifds[i].what == UN_TIFF_PAGE)
                table->ifds[i].what = UN_TIFF_MACRO;
    }
}

static bool sort_scn(struct unet_source *source, struct un_tiff_table *table, bool *done)
{
    const struct un_tiff_ifd *first = &table->ifds[0];
    char start[TEXT];
    un_tiff_text(source, first, start, sizeof start);
    *done = strstr(start, "<scn ") != NULL;
    if (!*done)
        return true;
    size_t room = first->text_bytes < SCN_TEXT ? (size_t)first->text_bytes + 1 : SCN_TEXT;
    char *text = malloc(room);
    struct scn scn = {.table = table, .of = calloc(table->ifd_count, sizeof *scn.of)};
    bool ok = text && scn.of;
    if (ok) {
        un_tiff_text(source, first, text, room);
        struct un_xml xml = {.at = text, .end = text + strlen(text)};
        while (un_xml_next(&xml))
            take_scn(&scn, &xml);
    }
    free(text);
    free(scn.of);
    return ok;
}

/* ---- all --------------------------------------------------------------------------------- */

bool un_tiff_slide(struct unet_source *source, struct un_tiff_table *table, bool *known,
                   bool *channels)
{
    char text[TEXT];
    if (!sort_scn(source, table, known))
        return false;
    if (*known)
        return true;
    sorter *sort = find_program(source, table);
    for (uint32_t i = 0; sort && i < table->ifd_count; i++) {
        struct un_tiff_ifd *ifd = &table->ifds[i];
        un_tiff_text(source, ifd, text, sizeof text);
        ifd->what = (uint8_t)sort(&table->ifds[0], ifd, text);
    }
    *known = sort != NULL;
    *channels = sort == sort_qptiff;
    return true;
}
