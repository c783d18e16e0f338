/* SPDX-License-Identifier: Apache-2.0 */
/* header_text.h - headers that are lines of text, "name: value": of NRRD and MetaImage */
#ifndef UN_HEADER_TEXT_H
#define UN_HEADER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/formats/volume.h"

#define UN_HEADER_VALUE 1024 /* bytes of a value that are looked at */

struct un_header_text {
    const unsigned char *at, *end; /* what has not been looked at */
};

/* The next line without blanks and carriage return at its end, cut to size; false: there is none.
 */
bool un_header_line(struct un_header_text *text, char *line, size_t size);

/*
 * Which of `count` names a line begins with, in any case; a name may have others behind it:
 * "data file|datafile".  -1: none.  *value: what follows the separator and blanks.
 */
int un_header_field(const char *line, char separator, const char *const names[], int count,
                    const char **value);

/* Numbers with blanks, commas and parentheses around them.  -1: something else, or more than most.
 */
int un_header_numbers(const char *text, double numbers[], int most);

/* The same of whole numbers; what is beyond 2^53, or has a fraction, is refused, too. */
int un_header_integers(const char *text, int64_t numbers[], int most);

/* How samples are called, and what they are. */
struct un_header_type {
    const char *name;
    enum un_kind kind;
    int bytes;
};

/* Sets kind, bits and bytes of a page by its name in a table that ends in a name of NULL. */
bool un_header_sample(const struct un_header_type types[], const char *name, struct un_page *page);

/*
 * The page's sizes and place by the steps of columns, rows and planes, whose middle of the first
 * pixel is at origin; in `unit`, "": not known.  body: as NIfTI has it, in 3 dimensions; else only
 * the steps' lengths count.
 */
void un_header_place(struct un_volume *volume, const double step[3][3], const double origin[3],
                     const char *unit, bool body);

/* The file of samples that a header names; it must lie in its folder, or below. */
unet_code un_header_beside(const struct unet_source *source, const char *name,
                           struct un_mapping *mapping, unet_error *err);

#endif
