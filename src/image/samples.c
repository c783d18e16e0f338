/* SPDX-License-Identifier: Apache-2.0 */
#include "image/samples.h"

#include <stdio.h>

#include "base/decimal.h"

unsigned un_samples_of(unet_sample sample, int prepared)
{
    return prepared ? UN_SAMPLES_PREPARED : 1u << sample;
}

/* "8-bit or 16-bit samples (110 to 4012)" */
static void describe_samples(unsigned samples, const struct un_scaling *scaling, char *text,
                             size_t size)
{
    static const char *const words[UN_SAMPLE_KINDS] = {"8-bit", "16-bit", "float, signed or 32-bit",
                                                       "prepared float"};
    size_t used = 0;
    *text = 0;
    for (int i = 0; i < UN_SAMPLE_KINDS && used < size; i++)
        if (samples >> i & 1)
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s", used ? " or " : "", words[i]);
    if (used < size)
        used += (size_t)snprintf(text + used, size - used, " samples");
    if (scaling && scaling->set && used < size)
        un_decimal_format(text + used, size - used, " (%.6g to %.6g)", (double)scaling->offset,
                          (double)scaling->offset + 1 / (double)scaling->scale);
}

unet_code un_samples_check(const struct un_scaling *scaling, unsigned samples, const char *name,
                           unet_error *err)
{
    char found[96], wanted[160];
    /* a file of another program that scales its input itself: what is .npy would pass that by, and
     * its program, given the same array, would say something else */
    if (samples == UN_SAMPLES_PREPARED && !scaling->trained_on && scaling->set &&
        !scaling->per_image && !scaling->apart)
        return un_fail(err, UNET_EINVAL,
                       "%s%s.npy goes in as it is, without this model's own scaling, (x - %.6g) * "
                       "%.6g; values that are to be scaled are wanted as .tif",
                       name ? name : "", name ? ": " : "", (double)scaling->offset,
                       (double)scaling->scale);
    if (!scaling->trained_on || scaling->per_image || samples == UN_SAMPLES_PREPARED ||
        scaling->trained_on & samples)
        return UNET_OK;
    describe_samples(samples, NULL, found, sizeof found);
    describe_samples(scaling->trained_on, scaling, wanted, sizeof wanted);
    return un_fail(err, UNET_EINVAL, "%s%s%s, the model was trained on %s", name ? name : "",
                   name ? ": " : "", found, wanted);
}
