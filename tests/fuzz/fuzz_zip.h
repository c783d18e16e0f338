/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_zip.h - mutations that keep the checksums of a zip archive
 *
 * A plain mutation of a member almost always breaks its CRC, and then nothing behind that check is
 * ever reached.  So three times in four the CRCs of stored members are made right again.
 */
#ifndef FUZZ_ZIP_H
#define FUZZ_ZIP_H

#include "support/zip_maker.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static inline uint32_t fuzz_number(const uint8_t *bytes, int size)
{
    uint32_t number = 0;
    for (int i = 0; i < size; i++)
        number |= (uint32_t)bytes[i] << 8 * i;
    return number;
}

/* The member whose row in the archive's list is `row`. */
static inline void fuzz_repair_member(uint8_t *bytes, size_t size, uint8_t *row)
{
    enum { LOCAL_CRC = 14, LOCAL_NAME = 26, LOCAL_EXTRA = 28, LOCAL_SIZE = 30 };
    const size_t packed = fuzz_number(row + 20, 4), at = fuzz_number(row + 42, 4);
    if (at > size || size - at < LOCAL_SIZE)
        return;
    const size_t begin = at + LOCAL_SIZE + fuzz_number(bytes + at + LOCAL_NAME, 2) +
                         fuzz_number(bytes + at + LOCAL_EXTRA, 2);
    if (begin > size || packed > size - begin)
        return;
    const uint32_t crc = zip_crc(bytes + begin, packed);
    memcpy(bytes + at + LOCAL_CRC, &crc, 4);
    memcpy(row + 16, &crc, 4);
}

static inline void fuzz_repair_zip(uint8_t *bytes, size_t size)
{
    enum { ROW_SIZE = 46, METHOD = 10 };
    for (size_t at = 0; at + ROW_SIZE <= size; at++)
        if (!memcmp(bytes + at, "PK\1\2", 4) && !fuzz_number(bytes + at + METHOD, 2))
            fuzz_repair_member(bytes, size, bytes + at);
}

#endif
