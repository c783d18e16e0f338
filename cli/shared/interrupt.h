/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.h - signals: the first Ctrl-C asks to finish, the second one ends the program at once;
 * a file that is cut while it is read is a failure */
#ifndef INTERRUPT_H
#define INTERRUPT_H

/* From now on SIGINT and SIGTERM only set a flag, the first time. */
void interrupt_watch(void);

/* 1 when such a signal has come. */
int interrupted(void);

/* From now on the loss of mapped bytes (SIGBUS), which the library sees in all but a few moments,
 * is told and ends the program with EXIT_FAILED. */
void interrupt_watch_files(void);

#endif
