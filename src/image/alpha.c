/* SPDX-License-Identifier: Apache-2.0 */
/* alpha.c - whether an alpha channel says anything */
#include <stdlib.h>

#include "image/source.h"

#define BAND 64

unet_code un_source_alpha(struct unet_source *source, int i, double range[2], unet_error *err)
{
    struct un_page page;
    unet_code code = un_source_page(source, i, &page, err);
    if (code)
        return code;
    struct un_rect band = {0, 0, BAND, un_page_upright_width(&page)};
    const int height = un_page_upright_height(&page);
    const size_t C = (size_t)page.channels, bytes = un_rect_bytes(&page, band);
    void *samples = malloc(bytes);
    if (!samples)
        return un_fail_memory(err, bytes, source->name);
    for (; band.top < height && !code && !(range[0] < range[1]); band.top += BAND) {
        band.height = height - band.top < BAND ? height - band.top : BAND;
        if ((code = un_source_raw(source, i, &page, band, samples, err)))
            break;
        for (size_t p = 0; p < (size_t)band.height * (size_t)band.width; p++) {
            double v = un_page_value(&page, samples, p * C + C - 1);
            range[0] = v < range[0] ? v : range[0];
            range[1] = v > range[1] ? v : range[1];
        }
    }
    free(samples);
    return code;
}
