/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - one line on a terminal that shows how far the work is
 *
 * The line is drawn over itself with a carriage return, at most ten times a second, and only when
 * stderr is a terminal that can do it; elsewhere nothing is written.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stddef.h>

struct progress_line {
    int enabled;
    int columns;     /* width of the terminal */
    int drawn;       /* something stands on the line now */
    double drawn_at; /* seconds of seconds_now() */
};

void progress_init(struct progress_line *line, int quiet);

/* "label [#####-----] text"; share 0..1, below 0: not known, no bar. */
void progress_draw(struct progress_line *line, const char *label, double share, const char *text);

/* Empties the line, so that ordinary text can be printed. */
void progress_clear(struct progress_line *line);

/* "45s", "3m20s", "1h05m"; seconds below 0: "?". */
const char *format_seconds(double seconds, char text[24]);

/* "512 bytes", "3.2 MiB"; the second in the unit that the first would have of `like`. */
const char *format_bytes(double bytes, char text[24]);
const char *format_bytes_like(double bytes, double like, char text[24]);

/* "1,234,567" */
const char *format_count(unsigned long long count, char text[32]);

/* What a word has after it behind a number: "" for 1, else the ending, such as "s" or "es". */
const char *plural(double count, const char *ending);

/* A clock that only goes forward. */
double seconds_now(void);

#endif
