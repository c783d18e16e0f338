/* SPDX-License-Identifier: Apache-2.0 */
/* htmlchart.c - line charts as inline SVG, coloured by the style sheet of htmlreport.c */
#include <math.h>

#include "htmlreport.h"
#include "htmltext.h"

/* The drawing is 640 x 320 units; the plot lies within these margins. */
enum { WIDTH = 640, HEIGHT = 320, LEFT = 58, RIGHT = 18, TOP = 66, BOTTOM = 44 };

/* A range of data and where it lies on the drawing. */
struct axis {
    double low, high, step; /* in data, ticks at multiples of step */
    double from, to;        /* in units */
};

static double place(const struct axis *axis, double value)
{
    return axis->from + (value - axis->low) / (axis->high - axis->low) * (axis->to - axis->from);
}

/* A tick distance of 1, 2 or 5 times a power of ten that gives about `ticks` of them. */
static double nice_step(double range, int ticks)
{
    double raw = range / ticks, power = pow(10, floor(log10(raw)));
    double part = raw / power;

    return power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

static void widen(double value, double *low, double *high)
{
    if (!isfinite(value))
        return;
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

static void find_ranges(const struct html_chart *chart, struct axis *x, struct axis *y)
{
    double x_low = 0, x_high = 0, y_low = INFINITY, y_high = -INFINITY;

    for (int s = 0; s < chart->series_count; s++) {
        for (int i = 0; i < chart->series[s].count; i++) {
            widen(chart->series[s].x[i], &x_low, &x_high);
            widen(chart->series[s].y[i], &y_low, &y_high);
        }
    }
    if (chart->y_low < chart->y_high) {
        y_low = chart->y_low;
        y_high = chart->y_high;
    } else if (y_low > y_high) {
        y_low = 0;
        y_high = 1;
    } else if (y_low == y_high) {
        y_high = y_low + 1;
    }
    if (x_low == x_high)
        x_high = x_low + 1;
    *x = (struct axis){x_low, x_high, nice_step(x_high - x_low, 6), LEFT, WIDTH - RIGHT};
    *y = (struct axis){0, 0, nice_step(y_high - y_low, 4), HEIGHT - BOTTOM, TOP};
    y->low = floor(y_low / y->step + 1e-9) * y->step;
    y->high = ceil(y_high / y->step - 1e-9) * y->step;
}

static void draw_axes(FILE *stream, const struct html_chart *chart, const struct axis *x,
                      const struct axis *y)
{
    for (int i = 0; i * y->step + y->low <= y->high + 1e-9 * y->step; i++) {
        double value = i * y->step + y->low, at = place(y, value);

        fprintf(stream,
                "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n",
                LEFT, WIDTH - RIGHT, at, at, LEFT - 8, at + 4.5, value);
    }
    for (int i = 0; i * x->step <= x->high + 1e-9 * x->step; i++)
        fprintf(stream, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
                place(x, i * x->step), HEIGHT - BOTTOM + 20, i * x->step);
    fprintf(stream, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", WIDTH - RIGHT, HEIGHT - 6);
    html_escape(stream, chart->x_label);
    fputs("</text>\n", stream);
}

/* A curve; where values are missing the pen is lifted.  A lone point is drawn as a dot. */
static void draw_series(FILE *stream, const struct html_series *series, int color,
                        const struct axis *x, const struct axis *y)
{
    int pen_down = 0;

    fprintf(stream, "<path class=\"curve s%d\" d=\"", color);
    for (int i = 0; i < series->count; i++) {
        if (!isfinite(series->y[i])) {
            pen_down = 0;
            continue;
        }
        fprintf(stream, "%c%.1f %.1f", pen_down ? 'L' : 'M', place(x, series->x[i]),
                place(y, series->y[i]));
        pen_down = 1;
    }
    fputs("\"/>\n", stream);
    for (int i = 0; i < series->count; i++)
        if (isfinite(series->y[i]))
            fprintf(stream, "<circle class=\"f%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"/>", color,
                    place(x, series->x[i]), place(y, series->y[i]));
    fputc('\n', stream);
}

void html_chart(FILE *stream, const struct html_chart *chart)
{
    struct axis x, y;
    double legend = LEFT;

    find_ranges(chart, &x, &y);
    fprintf(stream, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    html_escape(stream, chart->title);
    fputs("\">\n<text class=\"title\" x=\"18\" y=\"26\">", stream);
    html_escape(stream, chart->title);
    fputs("</text>\n", stream);
    draw_axes(stream, chart, &x, &y);
    for (int s = 0; s < chart->series_count; s++) {
        const char *name = chart->series[s].name;
        int length = 0;

        draw_series(stream, &chart->series[s], s % 4, &x, &y);
        fprintf(stream, "<circle class=\"f%d\" cx=\"%.1f\" cy=\"46\" r=\"5\"/>", s % 4, legend + 5);
        fprintf(stream, "<text x=\"%.1f\" y=\"50.5\">", legend + 16);
        html_escape(stream, name);
        fputs("</text>\n", stream);
        while (name[length])
            length++;
        legend += 40 + 7.0 * length;
    }
    fputs("</svg>\n", stream);
}

void html_charts_begin(FILE *stream)
{
    fputs("<div class=\"charts\">\n", stream);
}

void html_charts_end(FILE *stream)
{
    fputs("</div>\n", stream);
}
