/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet.h - train U-Net segmentation networks and run them
 *
 * Read it from top to bottom: a network, images, prediction, objects, data sets, training, scores.
 *
 * An image is an array [height][width][channels], top row first.  A mask is a uint8_t array
 * [height][width] of class indices; UNET_IGNORE marks a pixel that carries no label.
 *
 * Every function that can fail returns UNET_OK or another unet_code, and on failure describes
 * what happened in *err and leaves its outputs as they were.  err may be NULL.  A pointer
 * argument is only borrowed unless its comment says "takes".  Every _free() and _release()
 * accepts NULL.  The library never prints, never exits and never opens a network connection.
 *
 * Threads: a unet_model or unet_dataset may be read from many threads at once; a unet_session,
 * unet_trainer or unet_scores is used from one thread at a time.  Whatever the number of worker
 * threads, results have the same bits; where some cannot be started, work goes on without them.  A
 * session may be used in a child of fork(), too.
 */
#ifndef UNET_H
#define UNET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define UNET_API __attribute__((visibility("default")))
#else
#define UNET_API
#endif

#define UNET_VERSION "0.1.0"
#define UNET_IGNORE 255      /* in a mask: this pixel has no label and costs nothing */
#define UNET_MAX_CLASSES 254 /* classes a network can tell apart */
#define UNET_MAX_LAYERS 96   /* rows of unet_spec_cost() */

/* ---- errors ------------------------------------------------------------------------------ */

typedef enum unet_code {
    UNET_OK = 0,
    UNET_EINVAL,  /* an argument, or data that does not go together */
    UNET_ENOMEM,  /* not enough memory */
    UNET_EIO,     /* the operating system refused to open, read or write a file */
    UNET_EFORMAT, /* a file is not what it should be */
    UNET_EDEVICE, /* the processor lacks something, or an accelerator failed */
    UNET_ESTOPPED /* a progress function asked to stop */
} unet_code;

typedef struct unet_error {
    unet_code code;
    char text[508]; /* one line, no newline: "scan.tif: 4 channels, the model takes 1" */
} unet_error;

/* ---- the network ------------------------------------------------------------------------- */

typedef enum { UNET_PADDING_VALID, UNET_PADDING_SAME } unet_padding;
typedef enum { UNET_NORM_NONE, UNET_NORM_BATCH, UNET_NORM_INSTANCE, UNET_NORM_GROUP } unet_norm;
typedef enum { UNET_NORM_FIRST, UNET_ACT_FIRST } unet_norm_order;
typedef enum { UNET_UP_TRANSPOSE, UNET_UP_BILINEAR, UNET_UP_NEAREST } unet_up;
typedef enum { UNET_UP_CONV1X1, UNET_UP_CONV3X3, UNET_UP_NO_CONV } unet_up_conv;
typedef enum { UNET_ACT_RELU, UNET_ACT_LEAKY_RELU } unet_act;
typedef enum { UNET_CONCAT_UP_SKIP, UNET_CONCAT_SKIP_UP } unet_concat;
typedef enum { UNET_BIAS_UNLESS_NORM, UNET_BIAS_ALWAYS, UNET_BIAS_NEVER } unet_bias;

#define UNET_MAX_DEPTH 6

/*
 * How many channels each layer has; 0 means the usual number, so a zeroed struct is the usual
 * U-Net. [d] is the level (0 = full resolution; [depth] of enc is the bottleneck), the last index
 * the first or second convolution of a block.
 */
typedef struct unet_channels {
    int enc[UNET_MAX_DEPTH + 1][2]; /* usual: width * 2^d */
    int dec[UNET_MAX_DEPTH][2];     /* usual: as enc[d] */
    int up[UNET_MAX_DEPTH]; /* of the map that goes up to level d; usual: the last of enc[d];
                               UNET_UP_NO_CONV: what comes from below, whatever is set */
} unet_channels;

/*
 * The shape of a U-Net.  Level d (0 = full resolution) has width * 2^d channels.
 *
 *   UNET_PADDING_VALID  3x3 convolutions without padding, as in the paper (Ronneberger, Fischer,
 *                       Brox 2015): the output is smaller than the input
 *   UNET_PADDING_SAME   zero padding of one pixel: the output is as large as the input
 *   UNET_UP_TRANSPOSE   2x2 transposed convolution, stride 2, halving the channels
 *   UNET_UP_BILINEAR    bilinear doubling (sample points at pixel centres), then a 1x1 convolution
 *                       that halves the channels; without padding, the outermost ring of the
 *                       doubled map, which would need a neighbour that is not there, is cut off
 *   UNET_UP_NEAREST     each pixel becomes four, then as with UNET_UP_BILINEAR
 *   UNET_NORM_BATCH     batch normalisation between each 3x3 convolution and its activation
 *   UNET_NORM_INSTANCE  the same, but each channel of each image by its own mean and variance,
 *                       in training and prediction
 *   UNET_NORM_GROUP     the same, but `groups` groups of channels share a mean and a variance
 *
 * The fields after dropout describe networks that come from elsewhere; all zero, as
 * unet_spec_default() leaves them, they are the plain U-Net.
 */
typedef struct unet_spec {
    int in_channels; /* 1..64 */
    int classes;     /* 1: one logit, sigmoid; 2..UNET_MAX_CLASSES: softmax */
    int width;       /* 1..1024 */
    int depth;       /* 1..UNET_MAX_DEPTH poolings */
    unet_padding padding;
    unet_norm norm;
    unet_up up;
    unet_act act;
    float leaky_slope; /* of UNET_ACT_LEAKY_RELU, (0, 1) */
    float dropout;     /* [0, 1): rate after the deepest encoder level and the bottleneck */

    int convs;                  /* 3x3 convolutions in a block, 1 or 2; 0: 2 */
    int single_act;             /* 1: only the last convolution of a block has an activation */
    int groups;                 /* of UNET_NORM_GROUP; divides all channels that are normalised */
    float norm_epsilon;         /* added to the variance; 0: 1e-5 */
    unet_norm_order norm_order; /* UNET_ACT_FIRST: convolution, activation, norm */
    unet_bias bias;             /* which 3x3 convolutions of blocks have a bias */
    unet_concat concat;         /* UNET_CONCAT_SKIP_UP: channels of the skip connection first */
    int align_corners;          /* 1: UNET_UP_BILINEAR with the corners of both maps on each other
                                   (PyTorch's align_corners=True); only with UNET_PADDING_SAME */
    unet_up_conv up_conv;       /* what follows a bilinear or nearest doubling */
    int up_norm, up_act;        /* 1: a norm, an activation after the up-convolution */
    unet_channels channels;
} unet_spec;

typedef struct unet_model unet_model; /* a spec, its weights, and how images become its input */

/* The paper's network: 1 channel, 2 classes, width 64, depth 4, unpadded, ReLU, no norm. */
UNET_API unet_spec unet_spec_default(void);

/*
 * Makes a model with random weights: normal with variance 2 / fan_in (He et al. 2015), biases 0.
 * The same spec and seed give the same bits.  Free it with unet_model_free().
 * Fails with UNET_EINVAL (names the field of spec) or UNET_ENOMEM.
 */
UNET_API unet_code unet_model_create(const unet_spec *spec, uint64_t seed, unet_model **model,
                                     unet_error *err);

/*
 * Loads a model from a file of any format that docs/formats.md lists, told by its content: the
 * files of this library, and plain U-Nets in safetensors, PyTorch (.pth, .pt: zip, legacy, tar,
 * TorchScript) and ONNX files.  Nothing in a file is executed.  Fails with UNET_EIO, UNET_EFORMAT
 * or UNET_ENOMEM; the file is checked in full before anything of it is used.
 */
UNET_API unet_code unet_model_load(const char *path, unet_model **model, unet_error *err);

/*
 * What is known about the network in a file that says no more than names and shapes: fields of
 * unet_spec, -1 (leaky_slope and norm_epsilon: NAN): not known.  What is known goes before what the
 * file tells, and that before what is usual for networks with such names.
 */
typedef struct unet_known {
    int padding, norm, groups, norm_order, single_act, act, concat, up, align_corners, up_act;
    float leaky_slope, norm_epsilon;
    int decoder;     /* how numbered layers of the decoder are listed: 0: from the deepest level on;
                        1: from the top, as those of the encoder; wanted where both make a network */
    int standardize; /* how images become input: 1: each by itself to mean 0 and variance 1 over its
                        samples; else as before any training: 8-bit samples / 255, 16-bit / 65535 */
} unet_known;

UNET_API unet_known unet_known_nothing(void);

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

/* Writes a model to a temporary file beside path, syncs it, and renames it to path. */
UNET_API unet_code unet_model_save(const unet_model *model, const char *path, unet_error *err);

typedef struct unet_export_options {
    const char *names; /* layout of the arrays' names: NULL or "unet": this library's own, which are
                          those of the PyTorch class it began with; "milesial" */
    int normalize;     /* ONNX: 1: the graph takes samples as they are in images, and scales them */
} unet_export_options;

/*
 * Writes a model for other programs, by the ending of path: .safetensors, .pth or .pt (a state_dict
 * that torch.load(weights_only=True) reads), .onnx (opset 17).  What this library knows besides is
 * kept in the file, where others do not look, so unet_model_load() gives the same model again.
 * options may be NULL.  Temporary file, sync, rename.  UNET_EINVAL: an ending that is not known, or
 * a network that the layout or format cannot express; UNET_EIO.
 */
UNET_API unet_code unet_model_export(const unet_model *model, const char *path,
                                     const unet_export_options *options, unet_error *err);

UNET_API void unet_model_free(unet_model *model);
UNET_API const unet_spec *unet_model_spec(const unet_model *model);

/* How many different values a mask of this model can have: max(2, classes). */
UNET_API int unet_model_labels(const unet_model *model);

/*
 * The name and colour of class index `label`, 0 <= label < unet_model_labels().  Strings belong
 * to the model.  A name may be "" (none given); rgb may be NULL.
 */
UNET_API const char *unet_model_class(const unet_model *model, int label, uint8_t rgb[3]);

/* Sets the name (takes a copy; at most 63 bytes; NULL leaves it) and colour (NULL leaves it). */
UNET_API unet_code unet_model_set_class(unet_model *model, int label, const char *name,
                                        const uint8_t *rgb, unet_error *err);

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

typedef enum { UNET_U8, UNET_U16, UNET_F32 } unet_sample; /* of an image */

/*
 * Whether a model was trained on samples of this type.  UNET_EINVAL: it was trained on others, so
 * that values may be on another scale than those it knows, and err says which: "8-bit samples, the
 * model was trained on 16-bit samples (110 to 4012)".  UNET_OK, too, where it does not matter: the
 * image is `prepared`, the model brings each image to one scale by itself, or nothing is known of
 * its training.  unet_predict() and the functions beside it ask this of each image, see
 * unet_session_options.any_samples.
 */
UNET_API unet_code unet_model_check_samples(const unet_model *model, unet_sample sample,
                                            int prepared, unet_error *err);

/* The training settings stored with the model, as one JSON object; "" when it was never trained. */
UNET_API const char *unet_model_settings(const unet_model *model);

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
 * same; class names and mask coding are not.
 *
 *   taken  [unet_model_tensor_count()], 1: that tensor's values are those of from; may be NULL
 *
 * Fails with UNET_EINVAL or UNET_ENOMEM.
 */
UNET_API unet_code unet_model_adapt(const unet_model *from, int in_channels, int classes,
                                    uint64_t seed, unet_model **model, int *taken, unet_error *err);

/* One row of the network as it runs. */
typedef struct unet_layer {
    char name[40];  /* "enc_0.conv_block.0" */
    const char *op; /* "conv3x3", "norm", "maxpool", "upconv2x2", "upsample", "conv1x1" */
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

/* ---- images ------------------------------------------------------------------------------ */

typedef struct unet_image {
    int height, width, channels; /* each >= 1 */
    unet_sample sample;
    int prepared; /* 1: the values go to the network as they are (a .npy file); 0: normalised */
    void *data;   /* [height][width][channels] of the sample type, from malloc */
} unet_image;

/*
 * Reads an image, the first of its pages or of those that path chooses (unet_source_open()), of any
 * format that docs/images.md lists, told by its first bytes: PNG, TIFF, JPEG, BMP, GIF, NIfTI,
 * Netpbm or .npy.  It is turned upright; samples below 8 bits are spread over 0..255, those of 9 to
 * 15 over 0..65535; signed and wider ones become float; palettes are resolved to RGB; an alpha
 * channel is dropped.  The caller releases *image.  Fails with UNET_EIO, UNET_EFORMAT, UNET_ENOMEM.
 */
UNET_API unet_code unet_image_read(const char *path, unet_image *image, unet_error *err);

/*
 * Writes an image by the ending of path: .png (U8, U16; 1 or 3 channels), .tif/.tiff (any, with
 * lossless compression), .npy (any).  Temporary file, sync, rename.
 */
UNET_API unet_code unet_image_write(const char *path, const unet_image *image, unet_error *err);
UNET_API void unet_image_release(unet_image *image);

/* Whether a file name ends as one of an image that we can read. */
UNET_API int unet_image_name(const char *path);

/*
 * An image file that is open, for images with several pages or too large for memory.  A page is one
 * plane with all its channels.
 */
typedef struct un_source unet_source;

typedef struct unet_page {
    int height, width, channels; /* upright; as unet_image_read() would give it */
    unet_sample sample;
    int prepared;
    double pixel_height, pixel_width; /* in `unit`; 0: the file does not say */
    char unit[8];                     /* "um", "mm", "nm"; "" */
    uint64_t reading_bytes;           /* memory that reading takes besides the caller's array */
} unet_page;

/*
 * Opens an image file.  path may end in the pages wanted, counted from 0 as in Python: scan.tif[3],
 * scan.tif[2:7] (2 to 6), scan.tif[-1] (the last); a file of that very name goes first.  Close it
 * with unet_source_close().  Fails with UNET_EIO, UNET_EFORMAT, UNET_EINVAL (no such pages).
 */
UNET_API unet_code unet_source_open(const char *path, unet_source **source, unet_error *err);
UNET_API void unet_source_close(unet_source *source);

/* How many pages were chosen, 1 or more. */
UNET_API int unet_source_pages(const unet_source *source);

/* What a user should know about how the file was read; "" mostly. */
UNET_API const char *unet_source_note(const unet_source *source);

/* What page 0 .. pages - 1 holds. */
UNET_API unet_code unet_source_page(unet_source *source, int page, unet_page *what,
                                    unet_error *err);

/*
 * Reads rows top .. top + rows - 1 of a page into samples [rows][width][channels] of the page's
 * sample type, from the caller.  From top to bottom each part of a file is decoded once.
 */
UNET_API unet_code unet_source_read(unet_source *source, int page, int top, int rows, void *samples,
                                    unet_error *err);

/*
 * An image file that is written row by row: unet_writer_open(), unet_writer_begin(),
 * unet_writer_rows() until the page is full, perhaps further pages (TIFF), unet_writer_commit().
 * Before that nothing is at path that was not there; unet_writer_abort() leaves it so.
 */
typedef struct un_sink unet_writer;

typedef struct unet_writer_page {
    int height, width, channels;
    unet_sample sample;
    int planar; /* 1: rows come as [channels][rows][width], and .npy is [channels][height][width] */
    const uint8_t (*colors)[3];       /* of U8 samples in one channel; NULL: none; .png and .tif */
    int color_count;                  /* 1..256 */
    double pixel_height, pixel_width; /* kept in TIFF; 0: not known */
    char unit[8];
} unet_writer_page;

/*
 * By the ending of path: .png, .tif, .tiff or .npy.  bytes: about as many as all samples take; a
 * TIFF that may pass 4 GB is a BigTIFF.  Fails with UNET_EINVAL or UNET_EIO.
 */
UNET_API unet_code unet_writer_open(const char *path, uint64_t bytes, unet_writer **writer,
                                    unet_error *err);

/* colors must stay until the commit. */
UNET_API unet_code unet_writer_begin(unet_writer *writer, const unet_writer_page *page,
                                     unet_error *err);

/* The next rows, [rows][width][channels] or as page.planar says. */
UNET_API unet_code unet_writer_rows(unet_writer *writer, const void *samples, int rows,
                                    unet_error *err);

/* Both free the writer. */
UNET_API unet_code unet_writer_commit(unet_writer *writer, unet_error *err);
UNET_API void unet_writer_abort(unet_writer *writer);

/* Bytes that a writer holds for such a page. */
UNET_API uint64_t unet_writer_bytes(const char *path, const unet_writer_page *page);

/*
 * Writes a float array of any shape as .npy, such as probabilities [classes][height][width].
 *
 *   shape  [dims], each >= 1; dims 1..8
 *   data   the product of shape values, the last dimension fastest
 *
 * Temporary file, sync, rename.  Fails with UNET_EINVAL or UNET_EIO.
 */
UNET_API unet_code unet_npy_write(const char *path, const float *data, int dims, const int *shape,
                                  unet_error *err);

/*
 * Writes a mask as an indexed PNG or a TIFF with a palette, by the ending of path.  Pixel values
 * are class indices; colors [color_count][3] is what a person sees (color_count 1..256).
 */
UNET_API unet_code unet_mask_write(const char *path, const uint8_t *mask, int height, int width,
                                   const uint8_t (*colors)[3], int color_count, unet_error *err);

/*
 * Draws a mask over an image: the image stretched to 8 bits between its 0.5 and 99.5 percentile,
 * class k > 0 blended in colors[k] at the given opacity 0..1, with its outline opaque.  The result
 * is a fresh U8 RGB image; the caller releases it.
 */
UNET_API unet_code unet_overlay(const unet_image *image, const uint8_t *mask,
                                const uint8_t (*colors)[3], int color_count, float opacity,
                                unet_image *overlay, unet_error *err);

/*
 * The samples that unet_overlay() would draw black and white, of a page of a file: its 0.5 and 99.5
 * percentiles; those of evenly spaced rows where it has more than 4 million samples.
 */
UNET_API unet_code unet_overlay_range(unet_source *source, int page, float range[2],
                                      unet_error *err);

/*
 * Some rows of an overlay.
 *
 *   image         the rows
 *   mask          [height][width] of image
 *   above, below  the mask's row before these and after them; NULL at the image's edge
 *   range         the samples that are drawn black and white
 *   rgb           [height][width][3], from the caller
 */
UNET_API unet_code unet_overlay_rows(const unet_image *image, const uint8_t *mask,
                                     const uint8_t *above, const uint8_t *below,
                                     const uint8_t (*colors)[3], int color_count, float opacity,
                                     const float range[2], uint8_t *rgb, unet_error *err);

/* ---- prediction -------------------------------------------------------------------------- */

typedef struct unet_session unet_session; /* a model, an engine, and all memory a pass needs */

typedef enum {
    UNET_TTA_NONE,
    UNET_TTA_FLIPS,    /* 4 views: as it is, and mirrored left-right, up-down, both */
    UNET_TTA_ROTATIONS /* 8 views: these, each also with rows and columns exchanged */
} unet_tta;

typedef struct unet_session_options {
    int threads; /* 0: one per core */
    int tile;  /* side of the output tile in pixels, rounded up to the network's grid; 0: chosen */
    int exact; /* not 0: a pixel's result has the same bits for every tile; takes 2 to 3 times as
                  long.  Else tiles differ by rounding, some 1e-6 to 1e-5 of the largest logit */
    unet_tta tta; /* views of each tile whose probabilities are averaged, which takes as many times
                     as long; logits are then those of the averages */
    /* Further models, whose probabilities are averaged with those of the first (and of each with
       its views); each reads the image by its own scaling.  They are borrowed and must outlive the
       session, others only the call.  Channels, classes, padding, depth and the border that tiles
       need must be the same; widths, norms and activations need not. */
    const unet_model *const *others;
    int other_count;
    int any_samples; /* 0: an image whose samples are of another type than those of the training is
                        UNET_EINVAL, see unet_model_check_samples().  Not 0: it is taken, 8-bit
                        samples / 255, 16-bit and float ones by the range of those that were
                        trained on, or / 65535 and as they are where there were none */
} unet_session_options;

/* Fails with UNET_EINVAL (says in what a model differs from the first one) or UNET_ENOMEM.  options
 * may be NULL.  The model must outlive it. */
UNET_API unet_code unet_session_create(const unet_model *model, const unet_session_options *options,
                                       unet_session **session, unet_error *err);
UNET_API void unet_session_free(unet_session *session);

/*
 * Bytes the session holds.  No image makes it hold more, but for networks that see the whole image
 * at once (instance or group norm, align_corners): without options->tile, their session grows to
 * an image that is larger, because only the whole image as one tile gives the right answer.
 */
UNET_API size_t unet_session_bytes(const unet_session *session);

/*
 * Labels each pixel of one image with its most probable class.
 *
 *   mask   [height][width], allocated by the caller, overwritten
 *
 * An image larger than the session's tile is cut into tiles that see their real neighbours, and
 * mirrored pixels only beyond the image's edge (paper, section 2, overlap-tile); the result does
 * not depend on the tile size.  Fails with UNET_EINVAL when channels do not fit, samples are of
 * another type than those of the training (see any_samples) or not finite.
 */
UNET_API unet_code unet_predict(unet_session *session, const unet_image *image, uint8_t *mask,
                                unet_error *err);

/* As unet_predict(), but the raw scores: logits [classes][height][width]. */
UNET_API unet_code unet_predict_logits(unet_session *session, const unet_image *image,
                                       float *logits, unet_error *err);

/* As unet_predict_logits(), after softmax, or sigmoid when the model has one class. */
UNET_API unet_code unet_predict_probabilities(unet_session *session, const unet_image *image,
                                              float *probabilities, unet_error *err);

/* What one pass over an image is to give; pointers that are NULL are not wanted. */
typedef struct unet_answers {
    uint8_t *mask;        /* [height][width] */
    float *logits;        /* [classes][height][width] */
    float *probabilities; /* [classes][height][width] */
    /* called after each tile with the share that is done, 0..1; non-zero stops: UNET_ESTOPPED */
    int (*progress)(void *context, double share);
    void *context;
} unet_answers;

/* As the three functions above in one pass.  After a failure the arrays hold parts of an answer. */
UNET_API unet_code unet_predict_all(unet_session *session, const unet_image *image,
                                    const unet_answers *answers, unet_error *err);

/* Some rows of an image and what was predicted for them. */
typedef struct unet_band {
    int top, rows, width;       /* rows top .. top + rows - 1 of the page */
    const uint8_t *mask;        /* [rows][width]; NULL: not asked for, as those below */
    const float *logits;        /* [classes][rows][width] */
    const float *probabilities; /* [classes][rows][width] */
    const unet_image *image;    /* the same rows of the page */
} unet_band;

typedef struct unet_stream {
    int mask, logits, probabilities, image; /* 1: wanted */
    /* Called for bands in their order, from top to bottom without gaps; what it returns but UNET_OK
     * ends the prediction, with what it put into err. */
    unet_code (*band)(void *context, const unet_band *band, unet_error *err);
    int (*progress)(void *context, double share); /* as in unet_answers; may be NULL */
    void *context;
} unet_stream;

/*
 * Predicts a page of a file that need not fit into memory: rows are read as they are needed, and
 * answers are handed over as they are done.  The answers are those of unet_predict_all().  Fails as
 * it does and as unet_source_read().
 */
UNET_API unet_code unet_predict_stream(unet_session *session, unet_source *source, int page,
                                       const unet_stream *stream, unet_error *err);

/* What unet_plan_memory() settles. */
typedef struct unet_memory_plan {
    int tile;          /* for unet_session_options */
    int blended;       /* 1: the network sees whole images, which do not fit: tiles are blended, and
                          the answer is only near that of the whole */
    uint64_t bytes;    /* that session and stream will hold */
    double work;       /* how many times the arithmetic of one endless tile it takes: the smaller
                          the tile, the more of it is borders */
    uint64_t smallest; /* bytes with the smallest tile, and its side and work */
    int smallest_tile;
    double smallest_work;
    uint64_t useful; /* with the smallest tile that takes at most 4 times the arithmetic */
    int useful_tile;
} unet_memory_plan;

/*
 * Chooses the largest tile with which a session (of `options`, whose tile is chosen if 0) and
 * unet_predict_stream() over pages like `page` hold no more than `limit` bytes (0: no limit).  What
 * the band function keeps is not counted.  UNET_ENOMEM when no tile is small enough, with
 * plan->smallest set; UNET_EINVAL.
 */
UNET_API unet_code unet_plan_memory(const unet_model *model, const unet_session_options *options,
                                    const unet_page *page, const unet_stream *stream,
                                    uint64_t limit, unet_memory_plan *plan, unet_error *err);

/* ---- objects ----------------------------------------------------------------------------- */

/*
 * The objects of a mask that comes band by band: unet_objects_create(), unet_objects_add() for all
 * rows from top to bottom, unet_objects_finish(), then the objects can be asked for and written.
 * However the rows are cut into bands, the results have the same bits.
 *
 * An object is a set of pixels of one class, not 0, that hang together by sides or corners.  What
 * rows of the image and of the mask are needed again waits in files without a name.
 */
typedef struct unet_objects unet_objects;

typedef struct unet_objects_options {
    int minimum_area;   /* pixels, holes filled; smaller objects are dropped; 0: 1 */
    int keep_holes;     /* 0: background that touches no edge of the image and borders on one class
                           alone becomes part of what it borders on; 1: it stays background */
    int split;          /* 1: objects are cut where they are narrow (watershed) */
    double split_depth; /* pixels: how much farther from the object's border than the neck between
                           them the middles of two parts have to be; 0: 0.75 */
    int channel;        /* of the image, whose intensities are measured */
    double pixel_height, pixel_width; /* in unit; 0: not known */
    char unit[8];
    uint64_t memory;                              /* most bytes to hold; 0: no limit */
    const char *scratch_folder;                   /* NULL: TMPDIR, or else /var/tmp */
    int (*progress)(void *context, double share); /* of unet_objects_finish(); non-zero stops */
    void *context;
} unet_objects_options;

/* Lengths and areas of an object, in pixels or in the image's unit. */
typedef struct unet_lengths {
    double area;
    double y, x; /* centroid; the middle of the top left pixel is at 0, 0 */
    double perimeter;
    double equivalent_diameter;
    double major_axis, minor_axis; /* of the ellipse with the same second moments */
} unet_lengths;

/* docs/objects.md defines every field. */
typedef struct unet_object {
    uint32_t id; /* from 1, in raster order of the objects' first pixels */
    int label;   /* its class */
    uint64_t pixel_count;
    int top, left, height, width; /* bounding box */
    int touches_edge;             /* of the image */
    double eccentricity;
    unet_lengths pixels, physical; /* physical: NAN when the pixels' size is not known */
    double mean, minimum, maximum, integrated; /* intensities; NAN without an image */
} unet_object;

/*
 * height, width: of the whole mask; classes: its values are below, 2..UNET_MAX_CLASSES.  options
 * may be NULL.  Fails with UNET_EINVAL, UNET_ENOMEM (memory is too little for any mask of that
 * size) or UNET_EIO.
 */
UNET_API unet_code unet_objects_create(const unet_objects_options *options, int height, int width,
                                       int classes, unet_objects **objects, unet_error *err);
UNET_API void unet_objects_free(unet_objects *objects);

/* The next rows: band->mask and, if the first band had it, band->image.  Fails with UNET_EINVAL,
 * UNET_EIO, and UNET_ENOMEM, which says how much memory would do. */
UNET_API unet_code unet_objects_add(unet_objects *objects, const unet_band *band, unet_error *err);

/* After the last row.  Fails as unet_objects_add() does, and with UNET_ESTOPPED. */
UNET_API unet_code unet_objects_finish(unet_objects *objects, unet_error *err);

/* How many objects there are after unet_objects_finish(). */
UNET_API size_t unet_objects_count(const unet_objects *objects);

/* How many touching objects stayed one because options.memory is too little to split them. */
UNET_API size_t unet_objects_left_whole(const unet_objects *objects);

/* Object i, the one with id i + 1. */
UNET_API unet_code unet_objects_get(const unet_objects *objects, size_t i, unet_object *object,
                                    unet_error *err);

/* The ids of some rows after unet_objects_finish(), ids [rows][width]; 0: no object.  From top to
 * bottom is fastest.  UNET_EINVAL, UNET_EIO. */
UNET_API unet_code unet_objects_rows(unet_objects *objects, int top, int rows, uint32_t *ids,
                                     unet_error *err);

/*
 * Writes the ids as an image of 16-bit samples, or 32-bit ones if there are more than 65535; by the
 * ending of path: .tif, .tiff, .png (up to 65535), .npy.  UNET_EINVAL, UNET_EIO.
 */
UNET_API unet_code unet_objects_write_ids(unet_objects *objects, const char *path, unet_error *err);

/*
 * Writes a table as CSV (RFC 4180), a row for each object.
 *
 *   class_names  [classes], may be NULL
 */
UNET_API unet_code unet_objects_write_csv(const unet_objects *objects, const char *path,
                                          const char *const *class_names, unet_error *err);

/*
 * A table of the objects of several images or pages: unet_table_open(), unet_table_add() for each
 * in the order of the rows, unet_table_commit().  Before that nothing is at path that was not
 * there; unet_table_abort() leaves it so.
 */
typedef struct unet_table unet_table;

typedef struct unet_table_options {
    int images, pages;              /* 1: columns `image` and `page` come first */
    const char *const *class_names; /* [classes], until the commit; NULL: no such column */
    int intensities;                /* 1: with their columns */
    const char *unit; /* of the columns in the pixels' size, empty where an image does not tell it;
                         NULL: no such columns */
} unet_table_options;

UNET_API unet_code unet_table_open(const char *path, const unet_table_options *options,
                                   unet_table **table, unet_error *err);

/* The objects of one page, after unet_objects_finish(); image may be NULL without that column.
 * UNET_EINVAL: their unit is not that of the table. */
UNET_API unet_code unet_table_add(unet_table *table, const unet_objects *objects, const char *image,
                                  int page, unet_error *err);

/* Both free the table. */
UNET_API unet_code unet_table_commit(unet_table *table, unet_error *err);
UNET_API void unet_table_abort(unet_table *table);

/*
 * Rows top .. top + image->height - 1 of an overlay, as unet_overlay_rows() draws it, but of the
 * objects as they are counted after unet_objects_finish(): each has an outline of its own, also
 * where it touches another one of its class.
 *
 *   image  these rows
 *   rgb    [height][width][3] of image, from the caller
 */
UNET_API unet_code unet_objects_overlay(unet_objects *objects, int top, const unet_image *image,
                                        const uint8_t (*colors)[3], int color_count, float opacity,
                                        const float range[2], uint8_t *rgb, unet_error *err);

/* Writes the outlines as a zip of ImageJ ROIs, one for each object, without its holes.  Fails with
 * UNET_EIO, and with UNET_ENOMEM if options.memory is too little for all outlines. */
UNET_API unet_code unet_objects_write_rois(unet_objects *objects, const char *path,
                                           unet_error *err);

/* ---- data sets --------------------------------------------------------------------------- */

typedef struct unet_dataset unet_dataset; /* images in memory, each with its mask */

typedef struct unet_dataset_options {
    int ignore;               /* mask value that means "no label"; -1: only UNET_IGNORE does */
    int classes;              /* classes expected; 0: as many as the masks show */
    const unet_model *model;  /* use this model's mask coding and class count; may be NULL */
    const unet_dataset *like; /* read the masks as this set's were read; may be NULL */
    const char *labels; /* what the masks' values mean, docs/labels.md: "background=0,cell=255",
                           "road=#804080,...", "cell=1|2|7-999", "indices", "instances",
                           "instances+border", names for a file per class; NULL: found */
    int only_pairs;     /* 1: images without a mask are left out instead of refused */
} unet_dataset_options;

/*
 * Reads the images of a folder and those below it (or one image file) and the masks of another,
 * paired by name; each page of a file is an image.  docs/labels.md has the rules, and the masks
 * that are understood.  options may be NULL.
 * Fails with UNET_EIO; UNET_EFORMAT; UNET_EINVAL: no pairs, an image without a mask (unless
 * options->only_pairs is set and others have one), sizes that differ, masks whose meaning is not
 * clear: the message says what to put into options.
 */
UNET_API unet_code unet_dataset_open(const char *images, const char *masks,
                                     const unet_dataset_options *options, unet_dataset **dataset,
                                     unet_error *err);

/*
 * Puts a share (0..1, at least one image when the set has two or more and share > 0) of the images,
 * drawn by seed, into *held_out and leaves the others in dataset.
 */
UNET_API unet_code unet_dataset_split(unet_dataset *dataset, double share, uint64_t seed,
                                      unet_dataset **held_out, unet_error *err);

/*
 * The same for cross-validation: the images are shuffled by seed and dealt to `folds` parts, of
 * which number fold (from 0) is put into *held_out.  UNET_EINVAL: fewer images than folds.
 */
UNET_API unet_code unet_dataset_fold(unet_dataset *dataset, int fold, int folds, uint64_t seed,
                                     unet_dataset **held_out, unet_error *err);

UNET_API void unet_dataset_free(unet_dataset *dataset);
UNET_API int unet_dataset_count(const unet_dataset *dataset);
UNET_API int unet_dataset_channels(const unet_dataset *dataset); /* most that an image has */
UNET_API int unet_dataset_labels(const unet_dataset *dataset);   /* class indices: 2 or more */

/* One line on what the masks' values mean: "grey values 0 = background, 255 = cell". */
UNET_API const char *unet_dataset_coding_text(const unet_dataset *dataset);

/* One line on how images and masks were paired: "by name". */
UNET_API const char *unet_dataset_pairing_text(const unet_dataset *dataset);

/* One line on files without a partner, which are not in the set: "1 mask without an image: a.png";
 * "" when there are none. */
UNET_API const char *unet_dataset_left_out(const unet_dataset *dataset);

/* Image i, its mask [height][width] and its file name; all belong to the data set. */
UNET_API const unet_image *unet_dataset_image(const unet_dataset *dataset, int i,
                                              const uint8_t **mask, const char **name);

/*
 * The objects of image i where its mask numbers them: [height][width], 0: none; else NULL.  They
 * belong to the data set.
 */
UNET_API const uint32_t *unet_dataset_objects(const unet_dataset *dataset, int i);

/* ---- a look at the data before training --------------------------------------------------- */

typedef struct unet_survey unet_survey; /* what a set of images and masks holds, and what is odd */

typedef enum {
    UNET_NOTE,    /* good to know */
    UNET_WARNING, /* training goes, but a person should look */
    UNET_ERROR    /* training cannot work */
} unet_severity;

/* What can be found.  number[]: see there; others are 0.  A finding of one file has `file`. */
typedef enum unet_finding_kind {
    UNET_FOUND_NO_MASK,         /* an image without a mask */
    UNET_FOUND_NO_IMAGE,        /* a mask without an image */
    UNET_FOUND_UNREADABLE,      /* text says why */
    UNET_FOUND_NOT_FINITE,      /* an image with NaN or infinite samples: how many */
    UNET_FOUND_MASK_SIZE,       /* image width, height, mask width, height */
    UNET_FOUND_MASK_TURNED,     /* the same four: height and width change places */
    UNET_FOUND_MASK_VALUES,     /* what the values mean cannot be told; text says why */
    UNET_FOUND_MASK_SOFT,       /* values between the codes of the masks: how many, share of pixels.
                                   Of the set: how many masks.  An error when they cannot be taken to
                                   the nearest code */
    UNET_FOUND_MASK_STRANGE,    /* a value that no code of the other masks is, share of pixels; a
                                   warning where it became a class */
    UNET_FOUND_CHANNELS,        /* channels of this image, of most */
    UNET_FOUND_SAMPLE,          /* unet_sample of this image, of most */
    UNET_FOUND_SIZE,            /* width, height, and those of most */
    UNET_FOUND_BITS,            /* 16-bit samples that only use: bits, highest sample */
    UNET_FOUND_BITS_SPREAD,     /* 16-bit samples that are 8-bit ones times 257; of a pair: samples
                                   are multiples of: this, those of most images */
    UNET_FOUND_CONSTANT,        /* the sample that fills the image */
    UNET_FOUND_SATURATED,       /* share of samples at the highest value */
    UNET_FOUND_CHANNEL_ORDER,   /* the others fit better with channel 1, 2, 3 of this image taken
                                   from: three numbers from 1 */
    UNET_FOUND_MASK_EMPTY,      /* only background; of the set: how many */
    UNET_FOUND_MASK_FULL,       /* the class that fills it; of the set: how many */
    UNET_FOUND_INVERTED,        /* of two classes, foreground and background seem to be exchanged:
                                   share of foreground here, of the others */
    UNET_FOUND_CLASSES_SWAPPED, /* two classes seem to be exchanged: which */
    UNET_FOUND_PALETTE_ORDER,   /* the mask's palette has the colours of the other masks in another
                                   order */
    UNET_FOUND_CLASS_OFFSET,    /* class numbers seem to be too high by: how much */
    UNET_FOUND_BACKGROUND_SMALL, /* of the set: share of class 0, when two classes; inverted? */
    UNET_FOUND_CLASS_ABSENT,     /* of the set: a class that no mask has */
    UNET_FOUND_MASK_SHIFTED,     /* the mask would fit after moving it right and down by: two
                                    numbers, in pixels */
    UNET_FOUND_MASK_OF_OTHER,    /* the mask fits another image's (`other`) place */
    UNET_FOUND_SAME_PAIR,        /* image and mask are those of `other` */
    UNET_FOUND_SAME_IMAGE,       /* the image is that of `other`, the masks differ */
    UNET_FOUND_SAME_MASK,        /* the mask is that of `other`, the images differ */
    UNET_FOUND_NEAR_IMAGE,       /* the image nearly is that of `other`: correlation */
    UNET_FINDING_KINDS
} unet_finding_kind;

typedef struct unet_finding {
    unet_finding_kind kind;
    unet_severity severity;
    int pair;                 /* that it is about; -1: the set, or a file without a partner */
    const char *file, *other; /* NULL: none */
    double number[4];
    const char *text; /* one line of the library's own; "" */
} unet_finding;

/* What is known of one image and its mask. */
typedef struct unet_survey_pair {
    const char *image, *mask; /* paths; of a data set: the image's name, NULL */
    int readable;             /* 0: a finding says why, and all below is 0 */
    int height, width, channels;
    unet_sample sample;
    int prepared;
    int grey;                       /* 1: all channels are equal, or there is one */
    double low, dark, bright, high; /* smallest, 0.1 and 99.9 percentile, largest sample */
    double mean[3];                 /* of each of the first three channels */
    double saturated;               /* share of samples at the highest value */
    const uint64_t *pixels;         /* [labels] of each class; NULL: the mask was of no use */
    uint64_t ignored;               /* pixels without a label */
    double fit;                     /* how well the mask's outlines lie on edges of the image: in
                                       standard deviations above chance; NAN: cannot be said */
} unet_survey_pair;

/* What is known of all. */
typedef struct unet_survey_facts {
    int pairs, readable;
    int errors, warnings, notes;
    int channels; /* that a network for them takes */
    int labels;   /* class indices; 0: not known */
    int min_height, max_height, min_width, max_width;
    int smallest_side, largest_side;   /* of the shorter sides of the images */
    int prepared;                      /* 1: all are .npy, and go in as they are */
    double low, high;                  /* samples that become 0 and 1 */
    uint64_t pixels[UNET_MAX_CLASSES]; /* of each class */
    uint64_t ignored;
    uint64_t bytes;     /* of all images and masks in memory, as a data set holds them */
    const char *rule;   /* how images and masks were paired; "" */
    const char *coding; /* what mask values mean; "": not known */
} unet_survey_facts;

/*
 * Looks at every image and mask that unet_dataset_open() would read with these arguments, one pair
 * in memory at a time.  What is wrong with the data becomes findings, so this fails only when there
 * is nothing to look at: UNET_EIO, UNET_EINVAL (no pairs), UNET_ENOMEM, UNET_ESTOPPED.
 *
 *   progress  called after each pair; non-zero stops; may be NULL
 */
UNET_API unet_code unet_survey_open(const char *images, const char *masks,
                                    const unet_dataset_options *options,
                                    int (*progress)(void *context, int done, int count),
                                    void *context, unet_survey **survey, unet_error *err);

/* The same of what is in memory already. */
UNET_API unet_code unet_survey_dataset(const unet_dataset *dataset, unet_survey **survey,
                                       unet_error *err);
UNET_API void unet_survey_free(unet_survey *survey);

/* All belong to the survey. */
UNET_API const unet_survey_facts *unet_survey_all(const unet_survey *survey);
UNET_API const unet_survey_pair *unet_survey_at(const unet_survey *survey, int i);

/* Errors first, then warnings, then notes; of one kind in the order of the pairs. */
UNET_API int unet_survey_findings(const unet_survey *survey);
UNET_API const unet_finding *unet_survey_finding(const unet_survey *survey, int i);

/* A word for a kind, for programs: "mask-shifted". */
UNET_API const char *unet_finding_name(unet_finding_kind kind);

/*
 * Reads pair i again and draws it small: image and overlay (see unet_overlay()), U8 RGB, the longer
 * side at most `side`.  A class with more than half of all pixels is an outline alone.  The caller
 * releases both.  Not for a survey of a data set.
 */
UNET_API unet_code unet_survey_picture(const unet_survey *survey, int i, int side,
                                       const uint8_t (*colors)[3], int color_count,
                                       unet_image *image, unet_image *overlay, unet_error *err);

/* ---- training ---------------------------------------------------------------------------- */

/*
 * What is minimised, for a batch whose pixels have weights w and probabilities p:
 *
 *   pixel * sum(w * (1 - p_t)^focal * CE) / sum(w)  +  overlap * (1 - mean over classes of T)
 *
 * CE is the cross-entropy of softmax, or of sigmoid where the network has one class; p_t the
 * probability of the pixel's own class.  T is the Tversky index (Salehi et al. 2017) of soft counts
 * over all pixels of the batch, each times its w:
 *
 *   T = (tp + smooth) / (tp + false_positive * fp + false_negative * fn + smooth)
 *
 * with 0.5 and 0.5 the Dice coefficient.  The mean goes over the classes from first_class on.
 */
typedef struct unet_loss {
    float pixel, overlap;                 /* shares, >= 0, not both 0 */
    float pos_weight;                     /* one class: times the CE of foreground pixels */
    float focal;                          /* gamma of the focal loss (Lin et al. 2017); 0: none */
    float false_positive, false_negative; /* alpha and beta of the Tversky index */
    float smooth;                         /* > 0: an absent class costs nothing; usual: 1 */
    int first_class;                      /* 1: the overlap of class 0 does not count; 0: it does;
                                             looked at where there are two or more classes */
} unet_loss;

/*
 * What a pixel's weight has besides that of its class: more on the background between objects that
 * are near each other (Ronneberger et al. 2015, equation 2).  d1, d2: Euclidean distances in pixels
 * from the middle of a background pixel to that of the nearest pixel of the nearest object, and of
 * the second nearest one.  Where there is one object the first term is 0, where there is none both.
 *
 *   weight * exp(-(d1 + d2)^2 / (2 sigma^2))  +  near_weight * exp(-d1^2 / (2 near_sigma^2))
 *
 * Objects are those of object-number masks, else connected parts of one class, not class 0 (joined
 * by sides or corners).
 */
typedef struct unet_border {
    float weight, sigma;           /* the paper: 10, 5; weight 0: none */
    float near_weight, near_sigma; /* near_weight 0: none */
    int gap; /* 1: where masks number objects, pixels of one that touch another become background,
                in training; parts of a class never touch */
} unet_border;

/*
 * Random changes to a tile.  Each is drawn anew for each tile, keyed by (seed, step, sample); all
 * that move pixels are composed into one resampling (image linear or cubic, labels nearest, weights
 * linear), beyond the image's edge it is mirrored.  docs/training.md says each exactly.
 */
typedef struct unet_augment {
    int flip;      /* 1: mirror left-right and up-down, and turn by quarters */
    float rotate;  /* further rotation by up to this many degrees either way, 0..180 */
    float scale;   /* zoom by a factor in [1 / (1 + scale), 1 + scale] */
    float elastic; /* standard deviation in pixels of the displacement vectors on a coarse grid,
                      between which is interpolated bicubically; 0: none */
    float elastic_grid; /* spacing of the grid in pixels; 0: 3x3 points over the tile */
    int cubic;     /* 1: the image is resampled with bicubic weights (Catmull-Rom), not linearly */
    float grey;    /* brightness, contrast and gamma jitter; 0: none, 1: strong */
    float curve;   /* a monotone grey curve; 1: black moves within +-0.05 of the range, white
                      too, slopes lie in 0.8..1.2; 0: none */
    float noise;   /* Gaussian noise, its standard deviation drawn from 0..noise, in the tile's
                      own standard deviations */
    float blur;    /* Gaussian blur, its sigma drawn from 0..blur pixels */
    float channel; /* gain and brightness of each channel by itself; 0: none, 1: strong */
    /* weights with which a pixel is drawn as the middle of a tile; all 0: places alike */
    float at_foreground, at_background, at_ignored;
} unet_augment;

typedef enum {
    UNET_SCHEDULE_CONSTANT,
    UNET_SCHEDULE_POLY,   /* learning rate * (1 - p)^power */
    UNET_SCHEDULE_COSINE, /* learning rate * (1 + cos(pi p)) / 2 */
    UNET_SCHEDULE_STEP,   /* learning rate * factor^(epochs done / every) */
    UNET_SCHEDULE_PLATEAU /* times factor whenever `every` epochs brought no better score */
} unet_schedule;

typedef enum {
    UNET_OPTIMIZER_SGD,
    UNET_OPTIMIZER_ADAM,
    UNET_OPTIMIZER_ADAMW,
    UNET_OPTIMIZER_RMSPROP
} unet_optimizer;

typedef struct unet_train_options {
    /* when to stop: whichever of these comes first; 0: no limit */
    int epochs;
    long steps;
    double seconds; /* of work, also over several runs that continue each other */
    int patience;   /* epochs without a better score */

    int batch;      /* tiles of a pass, >= 1 */
    int accumulate; /* passes of a step, whose gradients are averaged as if they were one batch;
                       0: 1 */
    int tile;       /* side of the input tile, rounded up to what fits; 0: chosen */
    int steps_per_epoch; /* 0: as many tiles as cover every image once, in rounds until there are at
                            least 32 steps */

    unet_loss loss;
    const float *class_weights; /* [labels], each pixel's weight by its class; NULL: all 1 */
    unet_border border;         /* added to these */

    unet_optimizer optimizer;
    float learning_rate;
    float momentum;              /* SGD, RMSprop */
    int nesterov;                /* SGD: 1: Nesterov's momentum */
    float beta1, beta2, epsilon; /* Adam, AdamW; epsilon: RMSprop, too */
    float alpha;                 /* RMSprop: decay of the mean square, usual 0.99 */
    float weight_decay;          /* AdamW: decoupled; else added to the gradient */
    float clip;      /* largest norm of all gradients together; above, they are scaled down
                        to it; 0: none */
    float bias_rate; /* learning rate of biases as a factor of that of weights */
    float average;   /* decay d of averaged weights, a = d a + (1 - d) w after each step,
                        with d at most (1 + step) / (10 + step); they are what is validated and
                        saved; 0: none */

    /* over unet_train()'s length, p = 0..1 of its steps (or of its seconds, when only those end it)
     */
    unet_schedule schedule;
    float power;  /* POLY, usual 0.9 */
    float factor; /* STEP, PLATEAU: (0, 1] */
    int every;    /* STEP, PLATEAU: epochs */
    float lowest; /* the rate does not fall below this share of learning_rate */
    long warmup;  /* steps in which the rate rises in a line from 0 */

    unet_augment augment;

    unet_tta tta; /* not for training: kept in the model, as what unet predict is to average */

    int freeze_encoder; /* 1: weights of the way down and the bottleneck stay as they are; the
                           running statistics of their norms go on */

    uint64_t seed;
    int threads; /* 0: one per core */
} unet_train_options;

/* Adam at 1e-3 on a poly schedule, batch 1, cross-entropy, flips and a little grey jitter. */
UNET_API unet_train_options unet_train_options_default(const unet_spec *spec);

/* UNET_EINVAL names the first field that is out of range for a network of this spec. */
UNET_API unet_code unet_train_options_check(const unet_train_options *options,
                                            const unet_spec *spec, unet_error *err);

/*
 * Draws a tile of image i as training does, to look at: changed as options->augment says, with the
 * weights of options->class_weights and options->border, by random numbers of (options->seed,
 * sample).  Other fields of options are not used, but have to be in range.
 *
 *   side     of the tile, 1..16384; input and output are the same
 *   tile     [side][side][channels of the data set], a fresh F32 image: the network's input; the
 *            caller releases it
 *   labels   [side][side], may be NULL; UNET_IGNORE: no label
 *   weights  [side][side], may be NULL; 0 where there is no label
 *
 * The same arguments give the same bits, and the same sample without options->augment's changes
 * (but with its at_...) the same place.  UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_augment_draw(const unet_dataset *dataset, int i,
                                     const unet_train_options *options, int sample, int side,
                                     unet_image *tile, uint8_t *labels, float *weights,
                                     unet_error *err);

typedef struct unet_trainer unet_trainer;

/*
 * Prepares to train model on dataset; both must outlive the trainer.  The model takes over the data
 * set's normalisation and mask coding unless it has been trained before.  All memory that training
 * needs is allocated here, and a thread started that draws tiles ahead of the steps.
 */
UNET_API unet_code unet_trainer_create(unet_model *model, const unet_dataset *dataset,
                                       const unet_train_options *options, unet_trainer **trainer,
                                       unet_error *err);
UNET_API void unet_trainer_free(unet_trainer *trainer);

/*
 * One step: draws a batch, forward, loss, backward, update of the model's weights.  *loss is the
 * batch's mean loss before the update (may be NULL).  Fails with UNET_EINVAL when the loss or a
 * gradient is not finite, and names the layer; the weights are then those from before the step.
 */
UNET_API unet_code unet_trainer_step(unet_trainer *trainer, double *loss, unet_error *err);

typedef struct unet_trainer_facts {
    size_t bytes; /* that the trainer holds */
    int in_tile, out_tile;
    int steps_per_epoch;
    long step;            /* steps done */
    float rate;           /* learning rate of the last step */
    double gradient_norm; /* of the last step, before it was clipped */
    double waited;        /* seconds that steps waited for tiles, in all */
} unet_trainer_facts;

UNET_API unet_trainer_facts unet_trainer_all(const unet_trainer *trainer);

/*
 * Writes all that the next step depends on: weights, optimiser, step.  Reading it into a trainer
 * that was created with the same arguments (other threads, time, epochs, steps are fine) continues
 * bit for bit as if there had been no stop.  Temporary file, sync, rename.  UNET_EIO;
 * _load(): also UNET_EFORMAT, and UNET_EINVAL when it was written for other options or data.
 */
UNET_API unet_code unet_trainer_save(const unet_trainer *trainer, const char *path,
                                     unet_error *err);
UNET_API unet_code unet_trainer_load(unet_trainer *trainer, const char *path, unet_error *err);

typedef enum {
    UNET_RUNNING,
    UNET_END_LIMIT,    /* epochs or steps are done */
    UNET_END_TIME,     /* seconds are over */
    UNET_END_PATIENCE, /* no better score for so long */
    UNET_END_ASKED     /* a function of the job asked for it */
} unet_train_end;

typedef enum {
    UNET_EVENT_BEGIN, /* before the first step; after a resume, step and epoch say where it is */
    UNET_EVENT_STEP,  /* after each step */
    UNET_EVENT_EPOCH, /* the epoch is over, validated and saved */
    UNET_EVENT_CHECKPOINT, /* a checkpoint was written: what is lost from now on begins here */
    UNET_EVENT_END         /* `end` says why */
} unet_train_event;

/* What unet_train() reports. */
typedef struct unet_progress {
    unet_train_event event;
    int epoch, epochs;    /* from 1: the epoch that this step belongs to; UNET_EVENT_BEGIN: epochs
                             that are done; epochs 0: not known */
    long step, steps;     /* steps done in all; steps 0: not known */
    double loss;          /* mean over the epoch so far */
    double step_loss;     /* of the last step */
    double rate;          /* learning rate of the last step */
    double next_rate;     /* of the one to come, by the limits that this call was given */
    double gradient_norm; /* of the last step, before clipping */
    double seconds;       /* of work, also in runs that this one continues */
    double seconds_left;  /* estimate; < 0: not known */
    double images_per_second; /* tiles, in this run */
    double waited;            /* share of this run's time that steps waited for tiles */
    /* from here on of UNET_EVENT_EPOCH, else those of the epoch before */
    double val_loss; /* mean cross-entropy of validation pixels, NAN: no validation set */
    double val_dice; /* unet_scores_mean_dice() of all its pixels; NAN: no validation set */
    double val_iou, val_accuracy;
    const double *class_dice; /* Dice of each of `labels` classes, NAN: occurs nowhere; NULL: no
                                 validation set; valid during the call */
    const struct unet_scores *scores; /* the confusion matrix; as class_dice */
    int labels;
    double score;      /* what `improved` compares: unet_scores_all_dice(), or minus the loss */
    int improved;      /* 1: best so far, just saved */
    int best_epoch;    /* 0: none yet */
    double best_score; /* of that epoch, also when an earlier run reached it */
    int one_class; /* epochs in a row up to this one in which the network answered with one class
                      everywhere, though the masks have more; > 0 is an alarm.  Without a
                      validation set the last tiles of each epoch are looked at, and less than
                      three such epochs count as 0 */
    unet_train_end end;
} unet_progress;

/* A validation image and what the network makes of it; all valid during the call. */
typedef struct unet_validated {
    int epoch, index, count; /* image index of count */
    const char *name;
    const unet_image *image;
    const uint8_t *truth, *predicted;
    const struct unet_scores *scores; /* of this image alone */
} unet_validated;

typedef struct unet_train_job {
    unet_model *model;
    const unet_dataset *dataset;
    const unet_dataset *validation; /* may be NULL */
    /* files; each may be NULL */
    const char *best_path;       /* the best model so far, by score */
    const char *last_path;       /* the newest, after each epoch and at the end */
    const char *checkpoint_path; /* as unet_trainer_save(), and all that unet_train() must know */
    double checkpoint_seconds;   /* between checkpoints, besides those of epochs; 0: 60 */
    int resume;                  /* 1: go on from checkpoint_path */
    /* what they return but 0 ends the training after the step; each may be NULL */
    int (*progress)(void *context, const unet_progress *progress);
    int (*validated)(void *context, const unet_validated *image);
    void *context;
} unet_train_job;

/*
 * Trains until a limit of options is reached or a function of the job returns non-zero.  After
 * every epoch each image of the validation set is predicted whole.  Models are written as
 * unet_model_save() does, a checkpoint after every epoch, every checkpoint_seconds and at the end,
 * so a later call with resume continues bit for bit, in the middle of an epoch too.  On return
 * the model holds the newest weights (the averaged ones where options->average is set).
 *
 * Fails as unet_trainer_step() does (the newest good weights are then in last_path), and with
 * UNET_EIO when a file cannot be written; what was there before is whole.
 */
UNET_API unet_code unet_train(const unet_train_job *job, const unet_train_options *options,
                              unet_error *err);

/* ---- scores ------------------------------------------------------------------------------ */

/* docs/scores.md defines every score, and says where its formula is from. */

typedef struct unet_scores unet_scores; /* a confusion matrix */

/* labels: 2..UNET_MAX_CLASSES.  NULL when memory is short or labels out of range. */
UNET_API unet_scores *unet_scores_create(int labels);
UNET_API void unet_scores_free(unet_scores *scores);

/* Counts `count` pixels; those whose truth is UNET_IGNORE are passed over. */
UNET_API void unet_scores_add(unet_scores *scores, const uint8_t *predicted, const uint8_t *truth,
                              size_t count);

/* Adds the counts of `more`, which has as many labels. */
UNET_API void unet_scores_merge(unet_scores *scores, const unet_scores *more);

UNET_API int unet_scores_labels(const unet_scores *scores);

/* Pixels of class `truth` that were labelled `predicted`; predicted == labels: that were labelled
 * as something else. */
UNET_API uint64_t unet_scores_pixels(const unet_scores *scores, int truth, int predicted);

/* 2 tp / (2 tp + fp + fn) and tp / (tp + fp + fn) of a class; NAN when it occurs nowhere. */
UNET_API double unet_scores_dice(const unet_scores *scores, int label);
UNET_API double unet_scores_iou(const unet_scores *scores, int label);

/* tp / (tp + fp), NAN when nothing was labelled so; tp / (tp + fn), NAN when nothing is so. */
UNET_API double unet_scores_precision(const unet_scores *scores, int label);
UNET_API double unet_scores_recall(const unet_scores *scores, int label);

/* Means over the classes that occur, but class 0; NAN when none does. */
UNET_API double unet_scores_mean_dice(const unet_scores *scores);
UNET_API double unet_scores_mean_iou(const unet_scores *scores);

/* Dice of all classes: the mean over those that occur, class 0 too; NAN when none does. */
UNET_API double unet_scores_all_dice(const unet_scores *scores);

/* The share of pixels that are right; NAN when none were counted. */
UNET_API double unet_scores_accuracy(const unet_scores *scores);

/* Match thresholds of objects: 0.5, 0.55 .. 0.95. */
#define UNET_MATCH_STEPS 10

/* What objects of one kind came to; sums, so that those of several images can be added up. */
typedef struct unet_matches {
    uint64_t truth, predicted;          /* objects */
    uint64_t matched[UNET_MATCH_STEPS]; /* pairs whose IoU is more than 0.5 + 0.05 * step */
    double iou;                         /* sum of the IoU of pairs with more than 0.5 */
    double seg; /* sum over true objects of the IoU with the predicted one that covers more than
                   half of them; 0: there is none */
} unet_matches;

/*
 * Matches the objects of one image and adds what they come to.  Any number of objects, any ids.
 *
 *   predicted, truth  [count] ids, 0: no object
 *   mask              [count]; pixels that are UNET_IGNORE are passed over; may be NULL
 *
 * UNET_ENOMEM.
 */
UNET_API unet_code unet_matches_add(unet_matches *matches, const uint32_t *predicted,
                                    const uint32_t *truth, const uint8_t *mask, size_t count,
                                    unet_error *err);
UNET_API void unet_matches_merge(unet_matches *matches, const unet_matches *more);

/* Scores of objects; NAN where a quotient has nothing below its line. */
typedef struct unet_match_scores {
    double precision[UNET_MATCH_STEPS]; /* tp / (tp + fp) */
    double recall[UNET_MATCH_STEPS];    /* tp / (tp + fn) */
    double f1[UNET_MATCH_STEPS];        /* 2 tp / (2 tp + fp + fn) */
    double ap[UNET_MATCH_STEPS];        /* tp / (tp + fp + fn), as of DSB 2018 and StarDist */
    double mean_ap;                     /* of these */
    double pq, sq, rq;                  /* panoptic quality, of segmentation, of recognition */
    double seg;                         /* SEG of the Cell Tracking Challenge */
} unet_match_scores;
UNET_API unet_match_scores unet_matches_scores(const unet_matches *matches);

/* How well a partition into objects fits that of the truth (Arganda-Carreras et al. 2015). */
typedef struct unet_partition {
    uint64_t pixels;                     /* that were looked at; 0: all scores are NAN */
    double rand_split, rand_merge;       /* the shares that are left after splits, and mergers */
    double rand;                         /* V_rand, their F-score; adapted Rand error = 1 - rand */
    double info_split, info_merge;       /* the same of information */
    double info;                         /* V_info */
    double entropy_split, entropy_merge; /* H(predicted | truth), H(truth | predicted), in bits;
                                            their sum is the variation of information */
} unet_partition;

/*
 *   predicted, truth  [count] ids; only pixels where truth is not 0 are looked at
 *   singles           1: a pixel whose predicted id is 0 is an object by itself; 0: all of these
 *                     are one object
 *
 * UNET_ENOMEM.
 */
UNET_API unet_code unet_partition_compare(const uint32_t *predicted, const uint32_t *truth,
                                          size_t count, int singles, unet_partition *partition,
                                          unet_error *err);

/*
 * Numbers the connected parts of the pixels of mask that are `label`, from 1 in raster order of
 * their first pixels; others get 0.
 *
 *   connectivity  4: pixels that share a side hang together; 8: a corner is enough
 *   ids           [height][width], from the caller
 *   parts         how many; may be NULL
 *
 * UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_parts(const uint8_t *mask, int height, int width, int label,
                              int connectivity, uint32_t *ids, uint32_t *parts, unet_error *err);

/*
 * Warping error (Jain et al. 2010): the truth is warped towards the prediction, one pixel after the
 * other and only where that changes no topology; what they then still disagree in.
 *
 *   predicted, truth  [height][width], 1: inside of an object, 0: between them; truth UNET_IGNORE:
 *                     passed over
 *   connectivity      of the inside, 4 or 8; that of the rest is the other
 *   distance          farthest, in steps of a king, that a pixel that changes may lie from a pixel
 *                     of the other kind in the truth; 0: as far as may be
 *   warped            [height][width], receives the warped truth; may be NULL
 *   wrong             pixels that disagree
 *
 * UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_warp(const uint8_t *predicted, const uint8_t *truth, int height, int width,
                             int connectivity, int distance, uint8_t *warped, uint64_t *wrong,
                             unet_error *err);

/* Thresholds of the scores of boundaries: 0, 0.1 .. 0.9. */
#define UNET_BOUNDARY_STEPS 10

typedef struct unet_boundary_options {
    int connectivity; /* of objects: 4 or 8; 0: 4 */
    int distance;     /* of unet_warp() */
} unet_boundary_options;

/* Of an image at one threshold. */
typedef struct unet_boundary {
    double threshold;
    unet_partition plain; /* predicted boundary inside true objects is an object for each pixel */
    unet_partition thin;  /* the same after the predicted objects have grown until they meet */
    double pixel_error, warping_error; /* shares of the labelled pixels; NAN: there are none */
} unet_boundary;

/*
 * Scores of a segmentation by boundaries, as of the ISBI 2012 challenge.  Objects are the connected
 * parts of the pixels whose probability is more than the threshold, and those of the truth.
 *
 *   inside   [height][width] probability 0..1 of not being boundary
 *   truth    as of unet_warp()
 *   rows     [UNET_BOUNDARY_STEPS]
 *
 * UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_boundary_scores(const float *inside, const uint8_t *truth, int height,
                                        int width, const unet_boundary_options *options,
                                        unet_boundary *rows, unet_error *err);

/*
 * Bootstrap: draws `count` of count images with replacement, again and again, and gives the 2.5 and
 * 97.5 percentiles of what statistic() makes of them (NAN is left out).
 *
 *   statistic  times [count]: how often each image was drawn
 *   interval   NAN when count < 2 or statistic() was never a number
 *
 * The same for the same seed.  UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_bootstrap(int count, int resamples, uint64_t seed,
                                  double (*statistic)(void *context, const int *times, int count),
                                  void *context, double interval[2], unet_error *err);

/* ---- the machine ------------------------------------------------------------------------- */

/*
 * The instruction set in use: "avx512", "avx2" or "baseline"; on 64-bit Arm "neon".  UNET_ISA in
 * the environment caps it; "none" when that is no such name, and then no session can be made.
 */
UNET_API const char *unet_isa(void);

#ifdef __cplusplus
}
#endif

#endif
