/* SPDX-License-Identifier: Apache-2.0 */
/* dispatch.h - which kernels this processor can run */
#ifndef UN_DISPATCH_H
#define UN_DISPATCH_H

#include "cpu/kernels/kernels.h"

/*
 * The kernels of the named instruction set; isa NULL: the best one the processor and the operating
 * system support, but none above UNET_ISA in the environment.  There, baseline is the plainest that
 * the processor has, whatever its name.  UNET_EINVAL: no such name; UNET_EDEVICE: the processor
 * lacks it.
 */
unet_code un_kernels_find(const char *isa, const struct un_kernels **kernels, unet_error *err);

#endif
