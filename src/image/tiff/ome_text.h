/* SPDX-License-Identifier: Apache-2.0 */
/* ome_text.h - the OME-XML of a file that is written (openmicroscopy.org, 2016-06) */
#ifndef UN_OME_TEXT_H
#define UN_OME_TEXT_H

#include "image/sink.h"

/* Whether a file of this name has such a text: .ome.tif, .ome.tiff. */
bool un_ome_named(const char *path);

/* The text for page->pages pages like this one, from malloc; NULL: no memory. */
char *un_ome_text(const char *path, const struct un_sink_page *page);

#endif
