/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_roizip.c - any bytes given to the reader; see fuzz_outlines.h */
#include "fuzz_outlines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_outlines("/nowhere/fuzz.zip", data, size);
}
