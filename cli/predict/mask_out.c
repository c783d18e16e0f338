/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/predict_out.h"
#include "shared/cli.h"
#include "unet_exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLAB 32 /* rows recoded at a time */

void mask_out_classes(struct mask_out *out, const unet_model *model)
{
    *out = (struct mask_out){.labels = unet_model_labels(model), .channels = 1, .paletted = 1};
    for (int label = 0; label < out->labels; label++) {
        unet_model_class(model, label, out->rgb[label]);
        memcpy(out->palette[label], out->rgb[label], 3);
    }
}

unet_code mask_out_as_trained(struct mask_out *out, const unet_model *model, unet_error *err)
{
    unet_mask_kind kind = unet_model_mask_kind(model);

    if (!*unet_model_settings(model))
        return set_error(err, UNET_EINVAL,
                         "--values masks: this model was not trained on masks that unet has read");
    if (kind == UNET_MASKS_OBJECTS || kind == UNET_MASKS_FILES)
        return UNET_OK; /* class numbers */
    out->recoded = 1;
    out->channels = kind == UNET_MASKS_COLOR ? 3 : 1;
    out->paletted = kind == UNET_MASKS_PALETTE;
    for (int label = 0; label < out->labels; label++) {
        unet_code code =
            unet_model_mask_value(model, label, &out->value[label], out->rgb[label], err);

        if (code)
            return code;
        out->words |= out->channels == 1 && out->value[label] > 255;
        if (out->paletted && out->value[label] <= 255)
            memcpy(out->palette[out->value[label]], out->rgb[label], 3);
        if (out->channels == 1 && (out->value[label] > 65535 || (out->paletted && out->words)))
            return set_error(err, UNET_EINVAL, "--values masks: value %u does not fit",
                             (unsigned)out->value[label]);
    }
    return UNET_OK;
}

void mask_out_page(const struct mask_out *out, unet_writer_page *page)
{
    int most = out->labels - 1;

    for (int label = 0; label < out->labels && out->recoded && out->paletted; label++)
        most = (int)out->value[label] > most ? (int)out->value[label] : most;
    page->channels = out->channels;
    page->sample = out->words ? UNET_U16 : UNET_U8;
    page->colors = out->paletted ? out->palette : NULL;
    page->color_count = out->paletted ? most + 1 : 0;
}

static void recode(const struct mask_out *out, const uint8_t *mask, size_t count, void *to)
{
    uint8_t *bytes = to;
    uint16_t *words = to;

    for (size_t i = 0; i < count; i++) {
        if (out->channels == 3)
            memcpy(bytes + 3 * i, out->rgb[mask[i]], 3);
        else if (out->words)
            words[i] = (uint16_t)out->value[mask[i]];
        else
            bytes[i] = (uint8_t)out->value[mask[i]];
    }
}

unet_code mask_out_rows(const struct mask_out *out, unet_writer *writer, const unet_band *band,
                        unet_error *err)
{
    size_t width = (size_t)band->width;
    unet_code code = UNET_OK;
    void *rows;

    if (!out->recoded)
        return unet_writer_rows(writer, band->mask, band->rows, err);
    rows = malloc(SLAB * width * 3);
    if (!rows)
        return set_error(err, UNET_ENOMEM, "not enough memory for the mask");
    for (int y = 0; y < band->rows && !code; y += SLAB) {
        int count = band->rows - y < SLAB ? band->rows - y : SLAB;

        recode(out, band->mask + (size_t)y * width, (size_t)count * width, rows);
        code = unet_writer_rows(writer, rows, count, err);
    }
    free(rows);
    return code;
}
