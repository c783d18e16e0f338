/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/predict_plan.h"

#include <stddef.h>

/* The columns that jobs first .. first + count - 1 ask for. */
static unet_table_options options_for(const struct predict_job *first, size_t count)
{
    unet_table_options options = {.intensities = 1};

    for (size_t i = 0; i < count; i++) {
        options.pages |= first[i].pages > 1;
        if (!options.unit && first[i].has_size)
            options.unit = first[i].unit;
    }
    return options;
}

unet_code predict_table_open(struct predict_table *table, const struct predict_plan *plan,
                             const struct predict_job *job, const char *path,
                             const unet_model *model, unet_error *err)
{
    const struct predict_job *first = job ? job : plan->jobs;
    unet_table_options options = options_for(first, job ? 1 : plan->inputs.count);

    *table = (struct predict_table){.path = path ? path : first->output[PRODUCT_MEASURE]};
    if (!table->path || plan->joined[PRODUCT_MEASURE] != !job)
        return UNET_OK;
    for (int label = 0; label < unet_model_labels(model); label++)
        table->names[label] = unet_model_class(model, label, NULL);
    options.class_names = table->names;
    options.images = !job;
    return unet_table_open(table->path, &options, &table->table, err);
}

unet_code predict_table_commit(struct predict_table *table, unet_error *err)
{
    unet_code code = table->table ? unet_table_commit(table->table, err) : UNET_OK;

    table->table = NULL;
    return code;
}

void predict_table_abort(struct predict_table *table)
{
    unet_table_abort(table->table);
    table->table = NULL;
}
