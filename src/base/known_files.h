/* SPDX-License-Identifier: Apache-2.0 */
/* known_files.h - files of other programs that are not read: what they are, and the way on */
#ifndef UN_KNOWN_FILES_H
#define UN_KNOWN_FILES_H

#include <stdbool.h>
#include <stddef.h>

enum un_known_kind {
    UN_KNOWN_IMAGE, /* or a film, or a volume */
    UN_KNOWN_MODEL,
    UN_KNOWN_OTHER
};

struct un_known_file {
    enum un_known_kind kind;
    const char *what; /* "a Zeiss CZI image" */
    const char *way;  /* "Fiji (Bio-Formats) saves it as TIFF", NULL: none that is special */
    /* ---- how it is told, all but NULL; of un_known_file() alone ---- */
    const char *endings; /* of names: " .czi ", also where the content says nothing */
    size_t offset;
    const char *bytes; /* [size] at offset */
    size_t size;
    const char *inside; /* and this, among its first and last bytes */
    bool among;         /* see un_known_among_images() */
    bool first;         /* its name counts though the content looks like something that is read */
};

/* By its first bytes, else by its name; name may be NULL, bytes[0] too.  NULL: not known. */
const struct un_known_file *un_known_file(const char *name, const unsigned char *bytes,
                                          size_t size);

/* Whether a name among images means an image, so that passing over it would be silent. */
bool un_known_among_images(const char *name);
/* Whether a name counts more than the content. */
bool un_known_name_first(const char *name);

/*
 * Says what a file is, or a folder, or what most of the files in a folder are: "a Zeiss CZI image;
 * Fiji (Bio-Formats) saves it as TIFF".  false: not known, and text is "".
 */
bool un_known_path(const char *path, char *text, size_t size);

#endif
