/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - the progress line, and numbers as people read them */
#include "shared/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "shared/say.h"

#define BAR 24 /* characters between the brackets */

double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_init(struct progress_line *line, int quiet)
{
    const char *term = getenv("TERM");
    struct winsize size;

    *line = (struct progress_line){.columns = 80, .drawn_at = -1};
    line->enabled = !quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
    if (line->enabled && !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col >= 20)
        line->columns = size.ws_col;
}

void progress_draw(struct progress_line *line, const char *label, double share, const char *text)
{
    double now = seconds_now();
    char bar[BAR + 1], whole[512];

    if (!line->enabled || (line->drawn && now - line->drawn_at < 0.1))
        return;
    if (share >= 0) {
        int full = (int)(fmin(share, 1) * BAR);

        memset(bar, '-', BAR);
        memset(bar, '#', (size_t)full);
        bar[BAR] = 0;
        snprintf(whole, sizeof(whole), "%s [%s] %s", label, bar, text);
    } else {
        snprintf(whole, sizeof(whole), "%s %s", label, text);
    }
    /* erase to the end of the line instead of padding: the terminal may have been resized */
    putc('\r', stderr);
    say(stderr, "%.*s", line->columns - 1, whole);
    fputs("\033[K", stderr);
    fflush(stderr);
    line->drawn = 1;
    line->drawn_at = now;
}

void progress_clear(struct progress_line *line)
{
    if (!line->drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    line->drawn = 0;
}

const char *format_seconds(double seconds, char text[24])
{
    if (!(seconds >= 0 && seconds < 1e6)) {
        snprintf(text, 24, "?");
        return text;
    }
    if (seconds < 9.95) {
        snprintf(text, 24, "%.1fs", seconds);
        return text;
    }
    long s = lround(seconds);
    if (s < 60)
        snprintf(text, 24, "%lds", s);
    else if (s < 3600)
        snprintf(text, 24, "%ldm%02lds", s / 60, s % 60);
    else
        snprintf(text, 24, "%ldh%02ldm", s / 3600, s / 60 % 60);
    return text;
}

const char *format_bytes(double bytes, char text[24])
{
    return format_bytes_like(bytes, bytes, text);
}

const char *format_bytes_like(double bytes, double like, char text[24])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    int unit = -1;

    for (; like >= 1024 && unit < 3; like /= 1024) {
        bytes /= 1024;
        unit++;
    }
    if (unit < 0)
        snprintf(text, 24, "%.0f bytes", bytes);
    else
        snprintf(text, 24, "%.*f %s", bytes < 10 ? 2 : bytes < 100 ? 1 : 0, bytes, units[unit]);
    return text;
}

const char *plural(double count, const char *ending)
{
    return count == 1 ? "" : ending;
}

const char *format_count(unsigned long long count, char text[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%llu", count), at = 0;

    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}
