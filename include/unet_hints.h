/* SPDX-License-Identifier: Apache-2.0 */
/* unet_hints.h - the settings that an error's text may point to; unet.h includes it */
#ifndef UNET_HINTS_H
#define UNET_HINTS_H

/* Which setting would help; a program names its own option or button for it beside the text. */
enum {
    UNET_HINT_LABELS = 1,      /* unet_dataset_options.labels: what the masks' values mean */
    UNET_HINT_IGNORE = 2,      /* ... .ignore: the value that is no label */
    UNET_HINT_ONLY_PAIRS = 4,  /* ... .only_pairs: without the images that have no mask */
    UNET_HINT_CLIP = 8,        /* unet_train_options.clip: the largest norm of the gradients */
    UNET_HINT_CHANNELS = 16,   /* unet_dataset_options.channels: "pages", if they are channels */
    UNET_HINT_NORM = 32,       /* unet_known.norm: what the layers of a foreign file are */
    UNET_HINT_FILL = 64,       /* ... .fill of data sets and sessions: the sample that is no data */
    UNET_HINT_AS_STORED = 128, /* ... .as_stored of data sets: pixels as they lie in the files */
    UNET_HINT_PAIR = 256,      /* ... .pair_image: which mask is whose */
    UNET_HINT_PREFIX = 512,    /* unet_known.prefix: which of several networks in a file */
    UNET_HINT_STANDARDIZE = 1024, /* ... .standardize: images of mean 0 and variance 1 instead */
    UNET_HINT_AUTHOR = 2048,      /* unet_export_options.author and .license */
    UNET_HINT_DEVICE = 4096,      /* UNET_DEVICE, unet_device_get(): what networks run on */
    UNET_HINT_MEMORY = 8192,      /* smaller tiles or batches, a narrower network */
    UNET_HINT_OUTLINES = 16384    /* outlines are read alone, or as masks that were made of them */
};

#endif
