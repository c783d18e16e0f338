/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package.h - bioimage.io packages: a model comes in, and ours goes out
 *
 *   rdf.c           what the description says; rdf_steps.c how samples become input
 *   package.c       the archive, and the model in it
 *   package_test.c  its test tensors
 *   package_write.c a package of ours; rdf_write.c its description
 */
#ifndef UN_PACKAGE_H
#define UN_PACKAGE_H

#include "base/ziparchive.h"
#include "model/bioimage/rdf.h"
#include "model/model.h"

/* Whether the file at path is a zip archive with such a description; it need not be there. */
bool un_package_is(const char *path);

/* As un_model_import(), which calls it; known is not NULL. */
unet_code un_package_import(const char *path, const unet_known *known, unet_model **model,
                            unet_origin *origin, unet_error *err);

/* The inner half of unet_model_test_package(). */
unet_code un_package_test(const unet_model *model, const char *path, unet_package_test *test,
                          unet_error *err);

/* Writes one; metadata is this project's JSON about the model.  UNET_EINVAL names what of options
 * is wanted. */
unet_code un_package_write(const unet_model *model, const char *path, const char *metadata,
                           const unet_export_options *options, unet_error *err);

/* ---- package.c ---- */

struct un_package {
    const char *path;
    struct un_mapping file;
    struct un_zip zip;
    char *folder; /* of the description in the archive, "" or "name/": files are named from there */
    char *text;
    char what[400];
    struct un_rdf rdf;
};

/* Release it.  path must outlive it. */
unet_code un_package_open(const char *path, struct un_package *package, unet_error *err);
void un_package_release(struct un_package *package);

/* A file of the package, from malloc, its checksum compared where there is one.  UNET_EFORMAT. */
unet_code un_package_file(const struct un_package *package, const struct un_rdf_file *file,
                          unsigned char **data, size_t *size, unet_error *err);

/* ---- package_test.c ---- */

/* What the network makes of an input [height][width][channels], which fits it: *logits
 * [*out_height][*out_width][outputs], from malloc. */
unet_code un_package_run(const unet_model *model, const float *input, int height, int width,
                         float **logits, int *out_height, int *out_width, unet_error *err);

/* Samples of one image as the network takes them, [height][width][channels]; *values, from malloc,
 * are replaced.  UNET_ENOMEM. */
unet_code un_package_prepare(const struct un_scaling *scaling, int height, int width, int channels,
                             float **values, unet_error *err);

/* ---- rdf_write.c ---- */

/* What a description is made of. */
struct un_rdf_made {
    const unet_model *model;
    const unet_export_options *options;
    struct un_scaling input; /* how samples of any type become the network's input */
    int smallest;            /* side of an input; then in steps of the network's grid */
    int halo;                /* rows at each edge that depend on what lies beyond; 0: none */
    const char *weights, *test_input, *test_output; /* their sha256 */
};

/* Its text, from malloc; NULL: no memory. */
char *un_rdf_text(const struct un_rdf_made *made);

/* The documentation of the package, the same. */
char *un_rdf_readme(const struct un_rdf_made *made);

#endif
