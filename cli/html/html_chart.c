/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_chart.c - line charts as inline SVG, coloured by the style sheet of html_style.css
 *
 * Title and legend are text of the page, so they keep their size and wrap on a small screen.
 */
#include <math.h>

#include "html/html_page.h"

/* The drawing is 640 x 280 units; the plot lies within these margins. */
enum { WIDTH = 640, HEIGHT = 280, LEFT = 72, RIGHT = 16, TOP = 22, BOTTOM = 52 };
enum { COLORS = 8, MOST_DOTS = 40 };

/* A range of data and where it lies on the drawing. */
struct axis {
    double low, high, step; /* in data, ticks at multiples of step; log: of their logarithms */
    double from, to;        /* in units */
    int log;
};

static double place(const struct axis *axis, double value)
{
    if (axis->log)
        value = log10(value);
    return axis->from + (value - axis->low) / (axis->high - axis->low) * (axis->to - axis->from);
}

static int drawable(const struct axis *axis, double value)
{
    return isfinite(value) && (!axis->log || value > 0);
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

/* The axis upwards, when the data do not give it away. */
static struct axis upward(const struct html_chart *chart, double low, double high)
{
    struct axis y = {low, high, 1, HEIGHT - BOTTOM, TOP, 0};

    if (chart->y_low < chart->y_high) {
        y.low = chart->y_low;
        y.high = chart->y_high;
    } else if (low > high) {
        y.low = 0;
        y.high = 1;
    } else if (chart->log_y && low > 0 && high / low >= 30) {
        y.log = 1;
        y.low = floor(log10(low) + 1e-9);
        y.high = ceil(log10(high) - 1e-9);
        y.step = y.high - y.low > 6 ? 2 : 1;
        return y;
    } else if (high - low <= 1e-9 * fabs(high)) {
        y.high = low > 0 ? 2 * low : low + 1;
        y.low = low > 0 ? 0 : low;
    }
    y.step = nice_step(y.high - y.low, 4);
    y.low = floor(y.low / y.step + 1e-9) * y.step;
    y.high = ceil(y.high / y.step - 1e-9) * y.step;
    return y;
}

static void find_axes(const struct html_chart *chart, struct axis *x, struct axis *y)
{
    double x_low = 0, x_high = 0, y_low = INFINITY, y_high = -INFINITY;

    for (int s = 0; s < chart->series_count; s++) {
        for (int i = 0; i < chart->series[s].count; i++) {
            widen(chart->series[s].x[i], &x_low, &x_high);
            widen(chart->series[s].y[i], &y_low, &y_high);
        }
    }
    if (x_low == x_high)
        x_high = x_low + 1;
    *x = (struct axis){x_low, x_high, nice_step(x_high - x_low, 6), LEFT, WIDTH - RIGHT, 0};
    if (chart->whole_x && x->step < 1)
        x->step = 1;
    *y = upward(chart, y_low, y_high);
}

static void draw_axes(FILE *stream, const struct html_chart *chart, const struct axis *x,
                      const struct axis *y)
{
    for (int i = 0; i * y->step + y->low <= y->high + 1e-9 * y->step; i++) {
        double value = i * y->step + y->low, at;

        if (fabs(value) < 1e-9 * y->step)
            value = 0;
        if (y->log)
            value = pow(10, value);
        at = place(y, value);
        fprintf(stream,
                "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n",
                LEFT, WIDTH - RIGHT, at, at, LEFT - 8, at + 5, value);
    }
    for (int i = 0; i * x->step <= x->high + 1e-9 * x->step; i++)
        fprintf(stream, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
                place(x, i * x->step), HEIGHT - BOTTOM + 21, i * x->step);
    fprintf(stream, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", WIDTH - RIGHT, HEIGHT - 8);
    html_escape(stream, chart->x_label);
    fputs("</text>\n", stream);
    if (chart->mark > 0 && chart->mark <= x->high)
        fprintf(stream, "<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>\n",
                place(x, chart->mark), place(x, chart->mark), TOP - 8, HEIGHT - BOTTOM);
}

/* A curve; where values are missing the pen is lifted.  Few points are drawn as dots, too. */
static void draw_series(FILE *stream, const struct html_series *series, const char *classes,
                        int color, const struct axis *x, const struct axis *y)
{
    int pen_down = 0, points = 0;

    fprintf(stream, "<path class=\"curve %s\" d=\"", classes);
    for (int i = 0; i < series->count; i++) {
        if (!drawable(y, series->y[i])) {
            pen_down = 0;
            continue;
        }
        fprintf(stream, "%c%.1f %.1f", pen_down ? 'L' : 'M', place(x, series->x[i]),
                place(y, series->y[i]));
        pen_down = 1;
        points++;
    }
    fputs("\"/>\n", stream);
    for (int i = 0; i < series->count && points <= MOST_DOTS; i++)
        if (drawable(y, series->y[i]))
            fprintf(stream, "<circle class=\"f%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"/>", color,
                    place(x, series->x[i]), place(y, series->y[i]));
    fputc('\n', stream);
}

/* "s1", "k1 dash": the letter says which property has the colour. */
static const char *classes_of(const struct html_chart *chart, int s, char letter, char text[24])
{
    int color = chart->pale && s == 0 ? 1 : s;

    snprintf(text, 24, "%c%d%s%s", letter, color % COLORS, chart->pale && s == 0 ? " pale" : "",
             color >= COLORS ? " dash" : "");
    return text;
}

static void draw_legend(FILE *stream, const struct html_chart *chart)
{
    char classes[24];

    html_legend_begin(stream);
    for (int s = 0; s < chart->series_count; s++) {
        fprintf(stream, "<li><i class=\"key %s\"></i>", classes_of(chart, s, 'k', classes));
        html_escape(stream, chart->series[s].name);
        fputs("</li>\n", stream);
    }
    if (chart->mark > 0) {
        fputs("<li>&#x250a; ", stream);
        html_escape(stream, chart->mark_name);
        fputs("</li>\n", stream);
    }
    html_legend_end(stream);
}

void html_chart(FILE *stream, const struct html_chart *chart)
{
    char classes[24];
    struct axis x, y;

    find_axes(chart, &x, &y);
    fputs("<figure class=\"chart\"><b>", stream);
    html_escape(stream, chart->title);
    fputs(y.log ? " (logarithmic)</b>\n" : "</b>\n", stream);
    draw_legend(stream, chart);
    fprintf(stream, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    html_escape(stream, chart->title);
    fputs("\">\n", stream);
    draw_axes(stream, chart, &x, &y);
    for (int s = 0; s < chart->series_count && s < HTML_SERIES; s++)
        draw_series(stream, &chart->series[s], classes_of(chart, s, 's', classes), s % COLORS, &x,
                    &y);
    fputs("</svg></figure>\n", stream);
}

void html_charts_begin(FILE *stream)
{
    fputs("<div class=\"charts\">\n", stream);
}

void html_charts_end(FILE *stream)
{
    fputs("</div>\n", stream);
}
