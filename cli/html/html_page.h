/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_page.h - one HTML page that holds everything it shows
 *
 * Pictures are data URIs, charts are inline SVG, the style follows the reader's light or dark mode.
 * The page loads nothing and runs no script.  All text is escaped here; callers pass plain text.
 * Errors of the stream are left to the caller's text_file_finish().
 */
#ifndef HTML_PAGE_H
#define HTML_PAGE_H

#include <stdint.h>
#include <stdio.h>

void html_begin(FILE *stream, const char *title, const char *subtitle);
/* The same of a page that the browser loads again every so many seconds; 0: that it does not. */
void html_begin_live(FILE *stream, const char *title, const char *subtitle, int seconds);
void html_end(FILE *stream);
void html_heading(FILE *stream, const char *text);
void html_paragraph(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
void html_code(FILE *stream, const char *text); /* as it is, line breaks kept */

/* A box that cannot be overlooked; text may be NULL. */
enum html_box { HTML_PLAIN, HTML_GOOD, HTML_ALARM };
void html_box(FILE *stream, enum html_box kind, const char *title, const char *text);

/* What colours mean: begin, color..., end. */
void html_legend_begin(FILE *stream);
void html_legend_color(FILE *stream, const uint8_t rgb[3], const char *text);
void html_legend_end(FILE *stream);

/* A row of large numbers, each with a line below: begin, add..., end. */
void html_figures_begin(FILE *stream);
void html_figure(FILE *stream, const char *number, const char *label);
void html_figures_end(FILE *stream);

/* cells [rows][columns]; the first row is the head. */
void html_table(FILE *stream, const char *const *cells, int rows, int columns);
/* The same with all columns set from the left; numbers go to the right in html_table(). */
void html_table_of_words(FILE *stream, const char *const *cells, int rows, int columns);

/* Pictures side by side in rows of `columns`: begin, image..., end. */
void html_gallery_begin(FILE *stream, int columns);
/* A PNG file with a caption; caption NULL: none.  0: the file cannot be read. */
int html_image(FILE *stream, const char *path, const char *alt, const char *caption);
void html_gallery_end(FILE *stream);

struct html_series {
    const char *name;
    const double *x, *y; /* [count]; a y that is not finite leaves a gap */
    int count;
};

struct html_chart {
    const char *title, *x_label;
    const struct html_series *series; /* up to HTML_SERIES, each with its own colour or dashes */
    int series_count;
    double y_low, y_high; /* the axis; both 0: from the data */
    int pale;             /* the first series is pale, in the colour of the second */
    int log_y;            /* 1: logarithmic where the data are positive and spread by 30 or more */
    int whole_x;          /* 1: ticks at whole numbers only */
    double mark;          /* a line across at this x; 0: none */
    const char *mark_name;
};
enum { HTML_SERIES = 16 };

/* Charts side by side where there is room: begin, chart..., end. */
void html_charts_begin(FILE *stream);
void html_chart(FILE *stream, const struct html_chart *chart);
void html_charts_end(FILE *stream);

/* ---- what the files that write a page share ---- */

/* Plain text, as it may stand between tags and in attributes. */
void html_escape(FILE *stream, const char *text);

extern const char html_style[]; /* the style sheet */

#endif
