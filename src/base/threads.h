/* SPDX-License-Identifier: Apache-2.0 */
/* threads.h - how many threads the host works with */
#ifndef UN_THREADS_H
#define UN_THREADS_H

/* wanted, or for 0 one per core that this process may run on. */
int un_threads(int wanted);

#endif
