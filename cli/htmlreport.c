/* SPDX-License-Identifier: Apache-2.0 */
/* htmlreport.c - the page: frame, text, tables, pictures.  Charts: htmlchart.c */
#include "htmlreport.h"

#include <stdarg.h>
#include <stdlib.h>

#include "htmltext.h"

static const char style[] =
    ":root{--page:#fbfbfa;--card:#fff;--ink:#1c1e21;--soft:#62676f;--line:#dfe2e6;"
    "--c0:#1769c2;--c1:#c2410c;--c2:#15803d;--c3:#7c3aed}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#15171a;--card:#1d2024;--ink:#e8eaed;"
    "--soft:#9aa1ab;--line:#353a41;--c0:#6cb0ff;--c1:#ff9b63;--c2:#5fd38a;--c3:#b794ff}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\n"
    "main{max-width:1080px;margin:0 auto;padding:28px 18px 64px}\n"
    "h1{font-size:1.9rem;line-height:1.2;margin:.2em 0}\n"
    "h2{font-size:1.25rem;margin:2em 0 .5em}\n"
    ".sub{color:var(--soft);margin:0 0 1.4em}\n"
    "p{max-width:72ch}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}\n"
    ".figures div{background:var(--card);border:1px solid var(--line);border-radius:10px;"
    "padding:14px 16px}\n"
    ".figures b{display:block;font-size:1.7rem;font-weight:650;font-variant-numeric:tabular-nums}\n"
    ".figures span{color:var(--soft);font-size:.9rem}\n"
    ".gallery{display:grid;grid-template-columns:repeat(var(--columns),minmax(0,1fr));gap:10px}\n"
    "@media(max-width:640px){.gallery{grid-template-columns:repeat(2,minmax(0,1fr))}}\n"
    "figure{margin:0}\n"
    "figure img{display:block;width:100%;height:auto;border-radius:6px;background:#000}\n"
    "figcaption{color:var(--soft);font-size:.85rem;padding:4px 2px 8px}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:6px 14px;border-bottom:1px solid var(--line);text-align:right}\n"
    "th:first-child,td:first-child{text-align:left;padding-left:0}\n"
    ".words th,.words td{text-align:left;vertical-align:top}\n"
    "th{color:var(--soft);font-weight:600}\n"
    "pre{background:var(--card);border:1px solid var(--line);border-radius:10px;"
    "padding:14px 16px;overflow-x:auto;font:14px/1.5 ui-monospace,Menlo,Consolas,monospace}\n"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));"
    "gap:12px}\n"
    "svg{display:block;width:100%;height:auto;background:var(--card);"
    "border:1px solid var(--line);border-radius:10px;margin:0 0 12px}\n"
    "svg text{fill:var(--soft);font:13px system-ui,sans-serif}\n"
    "svg .title{fill:var(--ink);font-weight:600;font-size:15px}\n"
    "svg .grid{stroke:var(--line);stroke-width:1}\n"
    "svg .curve{fill:none;stroke-width:2.2;stroke-linejoin:round}\n"
    ".s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}\n"
    ".f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}\n";

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
        default:
            fputc(*text, stream);
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
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n",
          stream);
    element(stream, "title", title);
    fprintf(stream, "<style>\n%s</style>\n</head>\n<body>\n<main>\n", style);
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
