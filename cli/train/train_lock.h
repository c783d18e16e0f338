/* SPDX-License-Identifier: Apache-2.0 */
/* train_lock.h - one training at a time in a folder */
#ifndef TRAIN_LOCK_H
#define TRAIN_LOCK_H

/*
 * Locks a folder that exists, until train_unlock() or the end of the process, however it ends.
 * *held is 0 before, and then what train_unlock() takes; a folder that is locked already by *held
 * is left so.  Readers of the folder are not kept out.  EXIT_DONE; EXIT_FAILED (told): another has
 * it.
 */
int train_lock(const char *folder, int *held);
void train_unlock(const char *folder, int *held); /* nothing is held: does nothing */

#endif
