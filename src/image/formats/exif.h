/* SPDX-License-Identifier: Apache-2.0 */
/* exif.h - the one thing that is read of EXIF: how a picture is to be turned */
#ifndef UN_EXIF_H
#define UN_EXIF_H

#include <stddef.h>

/* The orientation, 1..8, in the small TIFF that EXIF is, of either byte order; 0: it says none. */
int un_exif_orientation(const unsigned char *tiff, size_t size);

#endif
