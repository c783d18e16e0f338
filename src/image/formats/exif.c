/* SPDX-License-Identifier: Apache-2.0 */
/* exif.c - the tag Orientation in the first directory of EXIF, bounded by its bytes */
#include "image/formats/exif.h"

#include "base/number.h"

#define ORIENTATION 0x112
#define SHORT 3

int un_exif_orientation(const unsigned char *p, size_t size)
{
    if (size < 8 || (memcmp(p, "II", 2) && memcmp(p, "MM", 2)))
        return 0;
    const bool big = *p == 'M';
    uint64_t at = un_number(p + 4, 4, big);
    if (at > size - 2)
        return 0;
    uint64_t entries = un_number(p + at, 2, big);
    for (at += 2; entries > 0 && at + 12 <= size; entries--, at += 12)
        if (un_number(p + at, 2, big) == ORIENTATION && un_number(p + at + 2, 2, big) == SHORT) {
            uint64_t value = un_number(p + at + 8, 2, big);
            return value >= 1 && value <= 8 ? (int)value : 0;
        }
    return 0;
}
