/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel_files.h - images that have a file for each channel
 *
 *     cell_ch00.tif cell_ch01.tif    a_w1DAPI_s1.TIF a_w2GFP_s1.TIF    case_0000.nii case_0001.nii
 *
 * Such files become one path, cell_{ch00,ch01}.tif, which un_source_open() opens as one image.
 */
#ifndef UN_CHANNEL_FILES_H
#define UN_CHANNEL_FILES_H

#include "data/set/pairs_rules.h"
#include "image/channels.h"

/*
 * Looks for files of channels among images: every name has a word for a channel, most images have
 * all of them, and masks are called as the images without that word, none as with it: names of
 * frames, or of pictures that have masks of their own, are not taken for channels.  Sets
 * found->files; none: file_count 0.
 */
unet_code un_channel_files_find(const struct un_listing *images, const struct un_listing *masks,
                                struct un_channels *found, unet_error *err);

/*
 * Replaces paths of files whose names have a word of channels->files by one for each image, and
 * adds the choice of pages and channels to all.  paths [*count], each from malloc; those left over
 * are freed.  UNET_EINVAL names a file that lacks.
 */
unet_code un_channel_files_join(const struct un_channels *channels, char **paths, int *count,
                                unet_error *err);

/* Both for a listing; channels->files are taken as they are where there are any. */
unet_code un_channel_files_list(struct un_channels *channels, struct un_listing *images,
                                const struct un_listing *masks, unet_error *err);

#endif
