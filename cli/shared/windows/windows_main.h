/* SPDX-License-Identifier: Apache-2.0 */
/* windows_main.h - what the linker calls in the place of main() on Windows */
#ifndef WINDOWS_MAIN_H
#define WINDOWS_MAIN_H

int __wrap_main(int argc, char **argv);

#endif
