/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_exchange.h - models of other programs, and what is in a model
 *
 * Files of PyTorch, ONNX and safetensors in and out (docs/formats.md), a model's tensors, the
 * coding of its masks, and what its network costs.  unet.h says how errors, memory and threads are
 * treated.
 */
#ifndef UNET_EXCHANGE_H
#define UNET_EXCHANGE_H

#include "unet.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What is known about the network in a file that says no more than names and shapes: fields of
 * unet_spec, -1 (leaky_slope and norm_epsilon: NAN; of pointers NULL): not known.  What is known
 * goes before what the file tells, and that before what is usual for networks with such names.
 */
typedef struct unet_known {
    size_t size;
    int padding, norm, groups, norm_order, single_act, act, concat, up, align_corners, up_act;
    float leaky_slope, norm_epsilon;
    int decoder;     /* how numbered layers of the decoder are listed: 0: from the deepest level on;
                        1: from the top, as those of the encoder; wanted where both make a network */
    int standardize; /* how images become input: 1: each by itself to mean 0 and variance 1 over its
                        samples; else as before any training: 8-bit samples / 255, 16-bit / 65535 */
    const char *prefix; /* which of several networks in a file: what the names of its arrays begin
                           with, dicts and modules joined by dots ("student"); NULL: not told */
    const struct unet_log *log; /* unet_embed.h: hears what of a file was left; may be NULL */
    int down;                   /* a field of unet_spec, as those above */
    /* How images become input, too: samples in 0 .. 1 (8-bit ones / 255) go in as (sample - mean) /
       std, a number for each channel: "0.485,0.456,0.406"; both or none */
    const char *mean, *std;
} unet_known;

UNET_API void unet_known_init(unet_known *known, size_t size); /* size: of *known */
static inline unet_known unet_known_nothing(void)
{
    unet_known known;
    unet_known_init(&known, sizeof known);
    return known;
}

/* Where a model came from. */
typedef struct unet_origin {
    char format[32]; /* "PyTorch, zip" */
    char layout[32]; /* whose names its arrays have, "milesial"; "" when its shapes alone told */
    int arrays;      /* in the file */
    int guesses;     /* fields that neither the file nor the caller told */
    struct {
        const char *field; /* of unet_spec */
        const char *from;  /* "layout", "numbers" of layers, or "default" */
    } guess[16];
} unet_origin;

/* As unet_model_load(); also UNET_EINVAL: the file says otherwise than known.  known and origin may
 * be NULL. */
UNET_API unet_code unet_model_import(const char *path, const unet_known *known, unet_model **model,
                                     unet_origin *origin, unet_error *err);

typedef struct unet_export_options {
    size_t size;
    const char *names; /* layout of the arrays' names: NULL or "unet": this library's own, which are
                          those of the PyTorch class it began with; "milesial", "torch_em" */
    int normalize;     /* ONNX: 1: the graph takes samples as they are in images, and scales them;
                          of a model that scales each type by itself those of example's type */
    /* of a bioimage.io package: */
    const char *author;  /* who made the model; wanted */
    const char *license; /* an SPDX identifier, "CC-BY-4.0"; wanted */
    const char *about;   /* what it finds in which images, a line; NULL: what its classes say */
    const unet_image *example;  /* its test tensors are of the middle of this; NULL: of a pattern */
    const struct unet_log *log; /* unet_embed.h: hears which samples are scaled, where that is not
                                   all that the model knows; may be NULL */
} unet_export_options;

/*
 * Writes a model for other programs, by the ending of path: .safetensors, .pth or .pt (a state_dict
 * that torch.load(weights_only=True) reads), .onnx (opset 17), .zip (a bioimage.io package).  What
 * this library knows besides is kept in the file, where others do not look, so unet_model_load()
 * gives the same model again. options may be NULL.  Temporary file, sync, rename.  UNET_EINVAL: an
 * ending that is not known, or a network that the layout or format cannot express; UNET_EIO.
 */
UNET_API unet_code unet_model_export(const unet_model *model, const char *path,
                                     const unet_export_options *options, unet_error *err);

/* What the test tensors in a bioimage.io package say of the model that was read from it. */
typedef struct unet_package_test {
    size_t size;
    int made;             /* 0: there is nothing to compare, as reason says */
    double difference;    /* the largest between the package's output and the model's */
    double largest;       /* value of the package's output */
    const char *compared; /* "logits", "softmax" or "sigmoid": what that output is */
    char reason[200];
} unet_package_test;

/*
 * Runs the test tensors of the package at path through a model.  *test must begin with its size.
 * Where path is another file, nothing is compared.  UNET_EIO, UNET_ENOMEM; UNET_EFORMAT: the
 * tensors cannot be read.
 */
UNET_API unet_code unet_model_test_package(const unet_model *model, const char *path,
                                           unet_package_test *test, unet_error *err);

typedef enum {
    UNET_MASKS_GREY,    /* grey values */
    UNET_MASKS_PALETTE, /* palette indices */
    UNET_MASKS_COLOR,
    UNET_MASKS_OBJECTS, /* object numbers; classes are written as indices */
    UNET_MASKS_FILES    /* a file for each class; written as indices in one */
} unet_mask_kind;

/* How the masks that the model was trained on hold their classes. */
UNET_API unet_mask_kind unet_model_mask_kind(const unet_model *model);

/*
 * What these masks write for class `label` (or UNET_IGNORE), the first of several values: a number
 * in *value, a colour in rgb (of UNET_MASKS_COLOR; else the class's own).  UNET_EINVAL: no such
 * class, or nothing stands for it.
 */
UNET_API unet_code unet_model_mask_value(const unet_model *model, int label, uint32_t *value,
                                         uint8_t rgb[3], unet_error *err);

/* As unet_dataset_coding_text() said of these masks; cut at size bytes. */
UNET_API void unet_model_coding_text(const unet_model *model, char *text, size_t size);

/* 1: masks of this set have classes that contradict those that a trained model knows, and text says
 * how: a value that is another class there. */
UNET_API int unet_model_contradicts(const unet_model *model, const unet_dataset *dataset,
                                    char *text, size_t size);

/* The sample that was no data in the training's images, "-9999"; "" where there was none. */
UNET_API void unet_model_fill_text(const unet_model *model, char *text, size_t size);

/* How samples become the network's input, in words: "of 8 bits / 255, of 16 / 65535; then
 * less mean 0.5, by std 0.25"; cut at size bytes. */
UNET_API void unet_model_samples_text(const unet_model *model, char *text, size_t size);

/* The training settings stored with the model, as one JSON object; "" when it was never trained. */
UNET_API const char *unet_model_settings(const unet_model *model);

/* Sets the name (takes a copy; at most 63 bytes; NULL leaves it) and colour (NULL leaves it). */
UNET_API unet_code unet_model_set_class(unet_model *model, int label, const char *name,
                                        const uint8_t *rgb, unet_error *err);

/*
 * Whether a model was trained on samples of this type.  UNET_EINVAL: it was trained on others, so
 * that values may be on another scale than those it knows, and err says which: "8-bit samples, the
 * model was trained on 16-bit samples (110 to 4012)".  UNET_OK, too, where it does not matter: the
 * image is `prepared` (but for a model of another program that scales its input itself, as ONNX
 * may: a prepared image passes that by), the model brings each image to one scale by itself, or
 * nothing is known of its training.  unet_predict() and the functions beside it ask this of each
 * image, see unet_session_options.any_samples.
 */
UNET_API unet_code unet_model_check_samples(const unet_model *model, unet_sample sample,
                                            int prepared, unet_error *err);

/*
 * How far the values of an image lie from those that a model was trained on: the 1, 50 and 99
 * percentiles of each channel beyond the smallest and largest of the training's images, so that
 * *distance is 0 within, and from 1 on the answers are not to be trusted.  text (cut at size bytes;
 * size may be 0) then says both ranges in samples of this image: "values of 24 to 133, in the
 * training 0.09 to 0.52; divided by 255 they would fit"; else it is "".  -1 where the model does
 * not know its training.  Fails as unet_predict() where the image does not fit at all.
 */
UNET_API unet_code unet_model_check_values(const unet_model *model, const unet_image *image,
                                           double *distance, char *text, size_t size,
                                           unet_error *err);

struct unet_source; /* unet_image.h */

/* The same of a page of a file, of which some rows are read. */
UNET_API unet_code unet_model_check_page(const unet_model *model, struct unet_source *source,
                                         int page, double *distance, char *text, size_t size,
                                         unet_error *err);

/*
 * The level of a slide (a path without one) whose pixels are nearest in size to those of the
 * model's training, by the headers of both: slide.svs/2 is level 2.  0 where one of them does not
 * tell it; text (cut at size bytes) says which was taken, and why.  UNET_EFORMAT: OpenSlide, which
 * need not be installed, does not read it.
 */
UNET_API unet_code unet_model_level(const unet_model *model, const char *slide, int *level,
                                    char *text, size_t size, unet_error *err);

/* One parameter tensor of a model: its name in the file, its shape and its values. */
typedef struct unet_tensor {
    const char *name; /* "enc_0.conv_block.0.weight" */
    int dims;         /* 1..4 */
    int shape[4];     /* PyTorch's order: [out][in][3][3], transposed [in][out][2][2] */
    float *data;      /* belongs to the model; may be written, but not while a session or a trainer
                         uses it; a trainer's steps show in it when it is asked for again */
    int trainable;    /* 0 for the running statistics of a norm */
} unet_tensor;

UNET_API int unet_model_tensor_count(const unet_model *model);
UNET_API unet_code unet_model_tensor(unet_model *model, int index, unet_tensor *tensor,
                                     unet_error *err);

/*
 * A new model of the same network, but for its channels and classes, to train on other data: it
 * takes the weights whose shapes stay the same; the others (of the first convolution, of the last
 * one) are as unet_model_create() makes them.  Normalisation is taken while the channels are the
 * same; class names and mask coding are not, and rims not where the classes have no room for them.
 *
 *   taken  [unet_model_tensor_count()], 1: that tensor's values are those of from; may be NULL
 *
 * Fails with UNET_EINVAL or UNET_ENOMEM.
 */
UNET_API unet_code unet_model_adapt(const unet_model *from, int in_channels, int classes,
                                    uint64_t seed, unet_model **model, int *taken, unet_error *err);

/* The same model once more, for other threads or to be trained by itself; the caller frees it. */
UNET_API unet_code unet_model_copy(const unet_model *model, unet_model **copy, unet_error *err);

/*
 * As unet_model_import(), but of tensors in memory, such as those of a PyTorch state_dict in its
 * order: names, shapes and float values one behind the other, which are copied.  count >= 1.
 * UNET_EINVAL, too: a tensor that is none.
 */
UNET_API unet_code unet_model_from_tensors(const unet_tensor *tensors, int count,
                                           const unet_known *known, unet_model **model,
                                           unet_origin *origin, unet_error *err);

#define UNET_MAX_LAYERS 432 /* rows of unet_spec_cost() */

/* One row of the network as it runs. */
typedef struct unet_layer {
    char name[40];  /* "enc_0.conv_block.0" */
    const char *op; /* "conv3x3", "conv3x3s2" (of stride 2), "norm", "maxpool", "maxpool3x3",
                       "meanpool", "upconv2x2", "upconv3x3", "upsample", "conv1x1", "conv1x1s2",
                       "conv7x7s2", "add", "prelu" */
    int height, width, channels; /* of its output */
    uint64_t parameters;         /* trainable */
    uint64_t macs;               /* multiply-adds of one forward pass for one image */
} unet_layer;

typedef struct unet_cost {
    int in_height, in_width;   /* the smallest input that fits and gives at least what was asked */
    int out_height, out_width; /* what comes out for that input */
    uint64_t parameters, macs; /* of the whole network */
    size_t predict_bytes;      /* memory of a session that runs this input, weights included */
    size_t train_bytes;        /* memory of a trainer with this input, Adam, weights included */
} unet_cost;

/*
 * What a network costs for a batch of inputs of at least height x width: sizes, multiply-adds and
 * bytes (what is allocated, not a guess; with one thread per core).  layers may be NULL; else it
 * has room for *layer_count rows (UNET_MAX_LAYERS always do) and receives the rows of the network;
 * *layer_count is set to how many there are.  Fails with UNET_EINVAL when the spec or a size is out
 * of range.
 */
UNET_API unet_code unet_spec_cost(const unet_spec *spec, int height, int width, int batch,
                                  unet_cost *cost, unet_layer *layers, int *layer_count,
                                  unet_error *err);

/*
 * Puts data [size] at path as all files of this library are put: written beside it, synced and
 * renamed, so that whoever reads finds the old file or the whole new one.  The mode is the old
 * file's or what the process's umask gives.  Fails with UNET_EIO and errno set, or UNET_ENOMEM.
 */
UNET_API unet_code unet_replace_file(const char *path, const void *data, size_t size,
                                     unet_error *err);

/*
 * Removes what killed processes left of files that this library was to put at path; what a live
 * process is writing stays.  Whoever puts a file there does so, too: this is for one that is done.
 */
UNET_API void unet_remove_unfinished(const char *path);

/*
 * SHA-256 as lower-case hexadecimal text: of a file's bytes, as sha256sum prints it; of all that a
 * model answers by (network, weights, how it takes images and what its classes are), the same
 * however its file is written.  unet_source_checksum() is that of an image.  UNET_EIO, UNET_ENOMEM.
 */
enum { UNET_CHECKSUM_TEXT = 65 };
UNET_API unet_code unet_file_checksum(const char *path, char text[UNET_CHECKSUM_TEXT],
                                      unet_error *err);
UNET_API unet_code unet_model_checksum(const unet_model *model, char text[UNET_CHECKSUM_TEXT],
                                       unet_error *err);

#ifdef __cplusplus
}
#endif

#endif
