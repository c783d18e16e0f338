/* SPDX-License-Identifier: Apache-2.0 */
/* html_page.c - the page: frame, text, tables, pictures.  Charts: html_chart.c, style:
 * html_style.css
 */
#include "html/html_page.h"

#include <stdarg.h>
#include <stdlib.h>

/* ---- text -------------------------------------------------------------------------------- */

void html_escape(FILE *stream, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", stream);
            break;
        case '<':
            fputs("&lt;", stream);
            break;
        case '>':
            fputs("&gt;", stream);
            break;
        case '"':
            fputs("&quot;", stream);
            break;
        case '\n':
        case '\t':
            fputc(*text, stream);
            break;
        default:
            fputc((unsigned char)*text < 0x20 || *text == 0x7F ? '?' : *text, stream);
        }
    }
}

static void element(FILE *stream, const char *tag, const char *text)
{
    fprintf(stream, "<%s>", tag);
    html_escape(stream, text);
    fprintf(stream, "</%s>\n", tag);
}

void html_begin(FILE *stream, const char *title, const char *subtitle)
{
    html_begin_live(stream, title, subtitle, 0);
}

void html_begin_live(FILE *stream, const char *title, const char *subtitle, int seconds)
{
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n",
          stream);
    if (seconds > 0)
        fprintf(stream, "<meta http-equiv=\"refresh\" content=\"%d\">\n", seconds);
    element(stream, "title", title);
    fprintf(stream, "<style>\n%s</style>\n</head>\n<body>\n<main>\n", html_style);
    element(stream, "h1", title);
    fputs("<p class=\"sub\">", stream);
    html_escape(stream, subtitle);
    fputs("</p>\n", stream);
}

void html_end(FILE *stream)
{
    fputs("</main>\n</body>\n</html>\n", stream);
}

void html_heading(FILE *stream, const char *text)
{
    element(stream, "h2", text);
}

void html_paragraph(FILE *stream, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    int length;

    va_start(args, format);
    length = vasprintf(&text, format, args);
    va_end(args);
    if (length >= 0)
        element(stream, "p", text);
    free(length >= 0 ? text : NULL);
}

void html_code(FILE *stream, const char *text)
{
    element(stream, "pre", text);
}

void html_box(FILE *stream, enum html_box kind, const char *title, const char *text)
{
    static const char *const classes[] = {
        [HTML_PLAIN] = "plain", [HTML_GOOD] = "good", [HTML_ALARM] = "alarm"};

    fprintf(stream, "<div class=\"box %s\"%s><b>", classes[kind],
            kind == HTML_ALARM ? " role=\"alert\"" : "");
    html_escape(stream, title);
    fputs("</b>\n", stream);
    if (text && *text)
        element(stream, "p", text);
    fputs("</div>\n", stream);
}

void html_legend_begin(FILE *stream)
{
    fputs("<ul class=\"legend\">\n", stream);
}

void html_legend_color(FILE *stream, const uint8_t rgb[3], const char *text)
{
    fprintf(stream, "<li><i class=\"swatch\" style=\"background:#%02x%02x%02x\"></i>", rgb[0],
            rgb[1], rgb[2]);
    html_escape(stream, text);
    fputs("</li>\n", stream);
}

void html_legend_end(FILE *stream)
{
    fputs("</ul>\n", stream);
}

void html_figures_begin(FILE *stream)
{
    fputs("<div class=\"figures\">\n", stream);
}

void html_figure(FILE *stream, const char *number, const char *label)
{
    fputs("<div><b>", stream);
    html_escape(stream, number);
    fputs("</b><span>", stream);
    html_escape(stream, label);
    fputs("</span></div>\n", stream);
}

void html_figures_end(FILE *stream)
{
    fputs("</div>\n", stream);
}

static void table(FILE *stream, const char *kind, const char *const *cells, int rows, int columns)
{
    fprintf(stream, "<div class=\"scroll\"><table%s>\n", kind);
    for (int row = 0; row < rows; row++) {
        fputs("<tr>", stream);
        for (int column = 0; column < columns; column++)
            element(stream, row ? "td" : "th", cells[row * columns + column]);
        fputs("</tr>\n", stream);
    }
    fputs("</table></div>\n", stream);
}

void html_table(FILE *stream, const char *const *cells, int rows, int columns)
{
    table(stream, "", cells, rows, columns);
}

void html_table_of_words(FILE *stream, const char *const *cells, int rows, int columns)
{
    table(stream, " class=\"words\"", cells, rows, columns);
}

/* ---- pictures ---------------------------------------------------------------------------- */

/* RFC 4648: three bytes make four letters, the rest is filled with '='. */
static void base64(FILE *stream, FILE *source)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char in[3];
    size_t got;

    while ((got = fread(in, 1, 3, source)) > 0) {
        unsigned bits = (unsigned)in[0] << 16 | (got > 1 ? (unsigned)in[1] << 8 : 0) |
                        (got > 2 ? (unsigned)in[2] : 0);

        fputc(letters[bits >> 18], stream);
        fputc(letters[bits >> 12 & 63], stream);
        fputc(got > 1 ? letters[bits >> 6 & 63] : '=', stream);
        fputc(got > 2 ? letters[bits & 63] : '=', stream);
    }
}

void html_gallery_begin(FILE *stream, int columns)
{
    fprintf(stream, "<div class=\"gallery\" style=\"--columns:%d\">\n", columns);
}

int html_image(FILE *stream, const char *path, const char *alt, const char *caption)
{
    FILE *source = fopen(path, "rb");
    int ok;

    if (!source)
        return 0;
    fputs("<figure><img alt=\"", stream);
    html_escape(stream, alt);
    fputs("\" src=\"data:image/png;base64,", stream);
    base64(stream, source);
    fputs("\">", stream);
    if (caption)
        element(stream, "figcaption", caption);
    fputs("</figure>\n", stream);
    ok = !ferror(source);
    fclose(source);
    return ok;
}

void html_gallery_end(FILE *stream)
{
    fputs("</div>\n", stream);
}
