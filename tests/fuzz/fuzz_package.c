/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the description in a bioimage.io package: no crash, and bounded work. */
#include <stdint.h>

#include "model/bioimage/rdf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct un_rdf rdf;
    struct un_rdf_input input;
    unet_error err;
    if (un_rdf_parse("x", (const char *)bytes, size, &rdf, &err))
        return 0;
    un_rdf_preprocessing(&rdf, 1 + (int)(size % 3), &input, &err);
    un_rdf_release(&rdf);
    return 0;
}
