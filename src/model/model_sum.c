/* SPDX-License-Identifier: Apache-2.0 */
/* model_sum.c - a checksum of all that a model answers by: what its file says, and its values */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "model/model.h"

unet_code un_model_sum(const unet_model *model, char sum[UN_SHA256_TEXT], unet_error *err)
{
    const struct un_graph *graph = &model->graph;
    struct un_sha256 all;
    unet_code code = un_model_fetch(model, err);
    char *text = code ? NULL : un_metadata_text(model);
    if (code)
        return code;
    if (!text)
        return un_fail(err, UNET_ENOMEM, "no memory for what a model says of itself");
    un_sha256_begin(&all);
    un_sha256_add(&all, text, strlen(text) + 1);
    for (int i = 0; i < graph->param_count; i++) {
        const struct un_param *param = &graph->params[i];
        un_sha256_add(&all, param->name, strlen(param->name) + 1);
        un_sha256_add(&all, model->values + param->offset, param->count * sizeof *model->values);
    }
    free(text);
    un_sha256_end(&all, sum);
    return UNET_OK;
}
