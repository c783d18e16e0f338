/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml.h - the start tags of an XML text, one after another
 *
 * A scanner, not a parser: it takes what is not well-formed, keeps no tree, expands no entities of
 * the text's own, and looks at each byte once.  Prefixes of names are passed over.
 */
#ifndef UN_XML_H
#define UN_XML_H

#include <stdbool.h>
#include <stddef.h>

struct un_xml {
    const char *at, *end; /* set by the caller: what has not been looked at */
    const char *name;     /* of the tag found, with attributes up to `close` */
    size_t name_size;
    const char *close;
};

/* Goes to the next start tag; false: there is none. */
bool un_xml_next(struct un_xml *xml);

/* Whether the tag has this name. */
bool un_xml_is(const struct un_xml *xml, const char *name);

/* The value of an attribute of the tag; false, value untouched: none, or longer than room. */
bool un_xml_attribute(const struct un_xml *xml, const char *name, char *value, size_t room);

/* The same as it is written, in the text itself, of any length: references are not resolved. */
bool un_xml_raw(const struct un_xml *xml, const char *name, const char **value, size_t *size);

/* The text behind the tag, cut to room. */
void un_xml_text(const struct un_xml *xml, char *text, size_t room);

#endif
