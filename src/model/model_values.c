/* SPDX-License-Identifier: Apache-2.0 */
/* model_values.c - whether an image has such values as those that a model was trained on */
#include "model/model.h"

unet_code un_model_check_values(const unet_model *model, unet_view image, double *distance,
                                char *text, size_t size, unet_error *err)
{
    const int channels = model->graph.spec.in_channels;
    struct un_values values;
    unet_code code = un_reading_check(image, NULL, channels, err);
    if (code || (code = un_view_check_finite(NULL, image, 0, model->scaling.fill, err)))
        return code;
    const struct un_reading reading = un_reading_of(image, channels, &model->scaling);
    if ((code = un_values_of(&reading, &values, err)))
        return code;
    *distance = un_values_distance(&model->seen, &values,
                                   image.prepared && model->scaling.per_image, text, size);
    return UNET_OK;
}

unet_code un_model_check_page(const unet_model *model, struct unet_source *source, int page,
                              double *distance, char *text, size_t size, unet_error *err)
{
    struct un_values values;
    struct un_page what;
    unet_code code = un_source_page(source, page, &what, err);
    if (code || (code = un_values_of_page(source, page, model->graph.spec.in_channels,
                                          &model->scaling, &values, err)))
        return code;
    *distance = un_values_distance(&model->seen, &values, what.prepared && model->scaling.per_image,
                                   text, size);
    return UNET_OK;
}
