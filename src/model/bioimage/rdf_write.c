/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The description of a package of ours, format 0.5.4, which is the oldest that has all that it
 * says.  Texts are quoted as in JSON, which YAML reads as well.
 */
#include "model/bioimage/package.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

static void put_text(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', file);
        fputc((unsigned char)*text < ' ' || *text == 127 ? ' ' : *text, file);
    }
    fputc('"', file);
}

static void put_field(FILE *file, const char *before, const char *text)
{
    fputs(before, file);
    put_text(file, text);
    fputc('\n', file);
}

static void put_number(FILE *file, const char *before, double value)
{
    char text[UN_DECIMAL_TEXT];
    un_decimal_write(value, true, text);
    fprintf(file, "%s%s\n", before, text);
}

/* "cell"; of a class without a name "class 1". */
static const char *class_name(const unet_model *model, int label, char text[80])
{
    uint8_t rgb[3];
    const char *name = un_model_class(model, label, rgb);
    if (*name)
        snprintf(text, 80, "%s", name);
    else
        snprintf(text, 80, "class %d", label);
    return text;
}

/* Output k of the network: a class, or a rim of one. */
static const char *output_name(const unet_model *model, int k, char text[120])
{
    const unet_spec *spec = &model->graph.spec;
    const int rim = k < spec->classes ? 0 : (k - spec->classes) / (spec->classes - 1) + 1;
    const int label = spec->classes == 1 ? 1
                      : rim              ? (k - spec->classes) % (spec->classes - 1) + 1
                                         : k;
    char name[80];
    class_name(model, label, name);
    if (rim)
        snprintf(text, 120, "%s, rim %d", name, rim);
    else
        snprintf(text, 120, "%s", name);
    return text;
}

static void put_numbers(FILE *file, const char *before, const float *values, int count)
{
    char text[UN_READING_CHANNELS * UN_DECIMAL_TEXT];
    un_decimal_list(text, sizeof text, values, (size_t)count);
    fprintf(file, "%s[%s]\n", before, text);
}

static void put_steps(FILE *file, const struct un_rdf_made *made)
{
    const struct un_scaling *input = &made->input;
    const double offset = (double)input->offset, scale = (double)input->scale;
    fputs("  preprocessing:\n", file);
    if (input->per_image) {
        fprintf(file,
                "  - id: zero_mean_unit_variance\n"
                "    kwargs: {axes: [%sy, x], eps: 1.0e-06}\n",
                input->apart ? "" : "channel, ");
        return;
    }
    if (input->clips) {
        fputs("  - id: clip\n    kwargs:\n", file);
        put_number(file, "      min: ", (double)input->low);
        put_number(file, "      max: ", (double)input->high);
    }
    fputs("  - id: scale_linear\n    kwargs:\n", file);
    put_number(file, "      gain: ", scale);
    put_number(file, "      offset: ", offset != 0 ? -offset * scale : 0);
    if (input->centred) {
        fputs("  - id: fixed_zero_mean_unit_variance\n    kwargs:\n      axis: channel\n", file);
        put_numbers(file, "      mean: ", input->means, input->centred);
        put_numbers(file, "      std: ", input->deviations, input->centred);
    }
}

static void put_input(FILE *file, const struct un_rdf_made *made)
{
    const int grid = made->model->graph.geometry.grid,
              channels = made->model->graph.spec.in_channels;
    fputs("inputs:\n- id: image\n  axes:\n  - type: batch\n  - type: channel\n"
          "    channel_names: [",
          file);
    for (int c = 0; c < channels; c++)
        fprintf(file, "%schannel%d", c ? ", " : "", c);
    fputs("]\n", file);
    for (int i = 0; i < 2; i++)
        fprintf(file, "  - {type: space, id: %c, size: {min: %d, step: %d}}\n", "yx"[i],
                made -> smallest, grid);
    fputs("  data: {type: float32}\n  test_tensor: {source: test_input.npy, sha256: ", file);
    fprintf(file, "%s}\n", made->test_input);
    put_steps(file, made);
}

static void put_output(FILE *file, const struct un_rdf_made *made)
{
    const struct un_graph *graph = &made->model->graph;
    const int lost = graph->geometry.valid ? 2 * graph->geometry.border : 0;
    char text[120];
    fputs("outputs:\n- id: probabilities\n  axes:\n  - type: batch\n  - type: channel\n"
          "    channel_names:\n",
          file);
    for (int k = 0; k < un_spec_outputs(&graph->spec); k++)
        put_field(file, "    - ", output_name(made->model, k, text));
    for (int i = 0; i < 2; i++) {
        const char axis = "yx"[i];
        fprintf(file, "  - type: space\n    id: %c\n", axis);
        fprintf(file, "    size: {tensor_id: image, axis_id: %c, offset: %d}\n", axis, -lost);
        if (made->halo)
            fprintf(file, "    halo: %d\n", made->halo);
    }
    fprintf(file, "  data: {type: float32}\n  test_tensor: {source: test_output.npy, sha256: %s}\n",
            made->test_output);
}

/* "cell, gap": what the classes but the first are called. */
static void put_found(FILE *file, const unet_model *model)
{
    char name[80];
    for (int label = 1; label < un_model_labels(model); label++)
        fprintf(file, "%s%s", label > 1 ? ", " : "", class_name(model, label, name));
}

/* What the model finds, a line; from malloc. */
static char *about_text(const struct un_rdf_made *made)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return NULL;
    if (made->options->about) {
        fputs(made->options->about, file);
    } else {
        fputs("A U-Net that finds in each pixel: ", file);
        put_found(file, made->model);
    }
    return fclose(file) ? NULL : text;
}

/* The format wants 5 to 128 letters, digits and spaces. */
static void put_name(FILE *file, const struct un_rdf_made *made)
{
    enum { MOST = 100 };
    char name[80];
    int count = 0;
    fputs("name: \"U-Net", file);
    for (int label = 1; label < un_model_labels(made->model) && count < MOST; label++) {
        fputs(label > 1 ? " " : " for ", file);
        for (const char *c = class_name(made->model, label, name); *c && count < MOST; c++, count++)
            fputc(isalnum((unsigned char)*c) && (unsigned char)*c < 128 ? *c : ' ', file);
    }
    fputs("\"\n", file);
}

char *un_rdf_text(const struct un_rdf_made *made)
{
    char *text = NULL, *about = about_text(made);
    size_t size;
    FILE *file = about ? open_memstream(&text, &size) : NULL;
    if (!file) {
        free(about);
        return NULL;
    }
    fputs("format_version: 0.5.4\ntype: model\n", file);
    put_name(file, made);
    put_field(file, "description: ", about);
    put_field(file, "authors:\n- name: ", made->options->author);
    put_field(file, "license: ", made->options->license);
    fputs("cite:\n- text: \"Ronneberger, Fischer, Brox: U-Net: Convolutional Networks for "
          "Biomedical Image Segmentation. MICCAI 2015\"\n  doi: 10.1007/978-3-319-24574-4_28\n"
          "tags: [unet, semantic-segmentation, pytorch, 2d]\n"
          "documentation: README.md\n",
          file);
    put_input(file, made);
    put_output(file, made);
    fprintf(file,
            "weights:\n  onnx:\n    source: weights.onnx\n    sha256: %s\n    opset_version: 17\n",
            made->weights);
    free(about);
    return fclose(file) ? NULL : text;
}

char *un_rdf_readme(const struct un_rdf_made *made)
{
    const unet_model *model = made->model;
    const unet_spec *spec = &model->graph.spec;
    char *text = NULL, *about = about_text(made), name[120];
    size_t size;
    FILE *file = about ? open_memstream(&text, &size) : NULL;
    if (!file) {
        free(about);
        return NULL;
    }
    fprintf(file, "# U-Net\n\n%s\n\n", about);
    fprintf(file,
            "Input: an image of %d channel%s, each side %d pixels or a multiple of %d more.  ",
            spec->in_channels, spec->in_channels == 1 ? "" : "s", made->smallest,
            model->graph.geometry.grid);
    fputs(made->input.per_image
              ? "It is brought to mean 0 and variance 1.\n"
              : "Its samples must be on the scale of the training images: the description scales "
                "them by fixed numbers.\n",
          file);
    fputs("\nOutput: a probability of", file);
    for (int k = 0; k < un_spec_outputs(spec); k++)
        fprintf(file, "%s %s", k ? "," : "", output_name(model, k, name));
    fputs(".\n", file);
    if (spec->rims)
        fputs("That of a class is the sum of its own and its rims'.\n", file);
    fputs("\n# Validation\n\n"
          "The description does not say how good the model is.  Compare its masks with ones that "
          "people drew, of images that it was not trained on: `unet eval` gives Dice, IoU and "
          "scores of objects.\n",
          file);
    free(about);
    return fclose(file) ? NULL : text;
}
