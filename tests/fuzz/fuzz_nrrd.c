/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_nrrd.c - any bytes given to the reader; see fuzz_picture.h */
#include "fuzz_picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_picture(&un_format_nrrd, data, size);
}
