/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.h - the first Ctrl-C asks to finish, the second one ends the program at once */
#ifndef INTERRUPT_H
#define INTERRUPT_H

/* From now on SIGINT and SIGTERM only set a flag, the first time. */
void interrupt_watch(void);

/* 1 when such a signal has come. */
int interrupted(void);

#endif
