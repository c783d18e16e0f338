/* SPDX-License-Identifier: Apache-2.0 */
/* folder_lock.h - one program at a time in a folder */
#ifndef FOLDER_LOCK_H
#define FOLDER_LOCK_H

/*
 * Locks a folder that exists, for what works there ("unet train"), until folder_unlock() or the end
 * of the process, however it ends. *held is 0 before, and then what folder_unlock() takes; a folder
 * that is locked already by *held is left so.  Readers of the folder are not kept out.  EXIT_DONE;
 * EXIT_FAILED (told): another has it, and still had it three seconds later (one that was killed
 * lets go a moment after it is gone).
 */
int folder_lock(const char *folder, const char *what, int *held);
/* The same, but waits for half a minute where another has it: for a moment's work on what several
 * programs share. */
int folder_lock_soon(const char *folder, const char *what, int *held);
void folder_unlock(const char *folder, int *held); /* nothing is held: does nothing */

#endif
