/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_fields.h - settings by name, and what this library and this machine can do
 *
 * Each field of unet_spec, unet_train_options and unet_session_options by its name in the struct
 * ("norm", of a struct within it "augment.elastic"), for bindings of other languages, forms and
 * programs that take settings as text.  - and _ are the same in names and words.  Arrays
 * (unet_channels, class_weights) and pointers are set in the struct alone.  unet.h says how errors
 * are treated.
 */
#ifndef UNET_FIELDS_H
#define UNET_FIELDS_H

#include "unet_exchange.h"
#include "unet_train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    UNET_FIELD_INT,    /* int */
    UNET_FIELD_LONG,   /* long */
    UNET_FIELD_FLOAT,  /* float */
    UNET_FIELD_DOUBLE, /* double */
    UNET_FIELD_FLAG,   /* int: 0, 1 */
    UNET_FIELD_CHOICE, /* an enum, whose values have words */
    UNET_FIELD_SEED    /* uint64_t */
} unet_field_type;

/* A field; belongs to the library and lasts.  Later versions may add members at the end. */
typedef struct unet_field {
    const char *name;
    unet_field_type type;
    double low, high;         /* its range (of a seed: all of them) */
    int above, below;         /* 1: more than low, less than high: these are not in the range */
    const char *const *words; /* FLAG, CHOICE: words[value], NULL behind the last; else NULL */
    const char *help;         /* half a line */
} unet_field;

/* Field i, from 0; NULL behind the last. */
UNET_API const unet_field *unet_spec_field(int i);
UNET_API const unet_field *unet_train_options_field(int i);
UNET_API const unet_field *unet_session_options_field(int i);

/*
 * Sets a field from text: a word, or a decimal number (with a point, whatever the locale).
 * UNET_EINVAL says what was found and what is wanted: "norm: found "btch", wanted none, batch,
 * instance or group".  What fields mean together is checked where the struct is used.
 */
UNET_API unet_code unet_spec_set(unet_spec *spec, const char *field, const char *text,
                                 unet_error *err);
UNET_API unet_code unet_train_options_set(unet_train_options *options, const char *field,
                                          const char *text, unet_error *err);
UNET_API unet_code unet_session_options_set(unet_session_options *options, const char *field,
                                            const char *text, unet_error *err);

/*
 * The value of a field as the text that sets it, with the fewest digits that do, in size bytes (32
 * are always enough).  UNET_EINVAL: no such field, a value that is out of range, or no room.
 */
UNET_API unet_code unet_spec_get(const unet_spec *spec, const char *field, char *text, size_t size,
                                 unet_error *err);
UNET_API unet_code unet_train_options_get(const unet_train_options *options, const char *field,
                                          char *text, size_t size, unet_error *err);
UNET_API unet_code unet_session_options_get(const unet_session_options *options, const char *field,
                                            char *text, size_t size, unet_error *err);

/* Sets what is known of a network in a file, by the spec's field and in its words; UNET_EINVAL also
 * for fields that unet_known does not have. */
UNET_API unet_code unet_known_set(unet_known *known, const char *field, const char *text,
                                  unet_error *err);

/* ---- this library and this machine ------------------------------------------------------- */

/* The version of the library that runs, as UNET_VERSION is of the one that was compiled with. */
UNET_API const char *unet_version(void);

/*
 * Whether there is a feature, 1 or 0.  Engines: "cpu", "reference", "opencl"; instruction sets that
 * this processor and this build have: "avx512", "avx2", "baseline", "neon"; endings of image files
 * that are read: "png", "tif", "jpg", "npy", ...; formats of models: "safetensors", "pytorch",
 * "onnx". A word that is not known is none.
 */
UNET_API int unet_has(const char *feature);

/*
 * The instruction set in use: "avx512", "avx2" or "baseline"; on 64-bit Arm "neon".  UNET_ISA in
 * the environment caps it; "none" when that is no such name, and then no session can be made.
 */
UNET_API const char *unet_isa(void);

/*
 * What networks can run on.  UNET_DEVICE in the environment says which one sessions and trainers
 * that are made from then on take: "cpu" or nothing, "gpu" (the first graphics card), "auto" (the
 * fastest of the graphics cards and the processor, measured each time for a moment), a number as
 * below, a part of a name, or an engine and one of its devices, "opencl:1".  Bits differ between
 * devices, answers do not but for rounding.
 */
typedef struct unet_device {
    int number;      /* from 0 on: the processor; -1: of an engine for tests */
    char name[96];   /* as its maker calls it */
    char driver[96]; /* and the driver's version; of the processor the instruction set */
    char type[16];   /* "cpu", or "gpu" for cards of all kinds */
    uint64_t bytes;  /* of its memory */
    int units;       /* that compute at the same time: cores, multiprocessors */
} unet_device;

UNET_API int unet_device_count(void);
UNET_API unet_code unet_device_get(int i, unet_device *device, unet_error *err);

/* Why there is no other than the processor, and what to install; "" where there is one. */
UNET_API const char *unet_device_lacks(void);

/* The one that UNET_DEVICE stands for now.  UNET_EINVAL: for nothing; UNET_EDEVICE: it is not
 * there. */
UNET_API unet_code unet_device_chosen(unet_device *device, unet_error *err);

#ifdef __cplusplus
}
#endif

#endif
