/* SPDX-License-Identifier: Apache-2.0 */
/* choose.h - what un_engine_choose() would choose from, by name */
#ifndef UN_CHOOSE_H
#define UN_CHOOSE_H

/* The instruction set of the CPU engine on this machine; "none": UNET_ISA names none. */
const char *un_cpu_isa(void);

#endif
