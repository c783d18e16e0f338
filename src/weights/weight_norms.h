/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weight_norms.h - weights that a file has as the numbers they are computed from
 *
 *   weight_norm    weight = g v / |v|        |v| over all sides in which g has one value
 *     weight_g, weight_v; parametrizations.weight.original0, original1
 *   spectral_norm  weight = w / (u' W v)     W: w as a matrix, a row for each output channel
 *     weight_orig, weight_u, weight_v; parametrizations.weight.original, .0._u, .0._v
 *   pruning        weight = w mask
 *     weight_orig, weight_mask
 *
 * Salimans and Kingma 2016; Miyato et al. 2018; both as PyTorch evaluates them.
 */
#ifndef UN_WEIGHT_NORMS_H
#define UN_WEIGHT_NORMS_H

#include "weights/arrays.h"

/*
 * Replaces such arrays by the weight, as F32, in the place of the first of them.  UNET_EFORMAT:
 * what belongs together does not fit, or is not finite; UNET_ENOMEM.
 */
unet_code un_weight_norms_fold(const char *path, struct un_arrays *arrays, unet_error *err);

#endif
