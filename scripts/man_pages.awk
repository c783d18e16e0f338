# SPDX-License-Identifier: Apache-2.0
# The headers of include/ as manual pages of section 3: one for each chapter, and one for each function,
# which leads to its chapter's.  What stands together in a header, a comment and the declarations below it,
# becomes a part with these names as its title, the declarations first.
#
# Usage: awk -v folder=man3 -v version=0.1.0 -f scripts/man_pages.awk include/*.h

function escaped(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    if (text ~ /^[.']/)
        text = "\\&" text
    return text
}

function base(path) {
    sub(/.*\//, "", path)
    return path
}

# A line of a comment: prose flows, what is set in by three and more stays as it is.
function prose(text,    set_in) {
    if (text == "") {
        said = said (as_is ? ".EE\n" : "") ".PP\n"
        as_is = 0
        return
    }
    set_in = text ~ /^   /
    if (set_in && !as_is)
        said = said ".EX\n"
    if (!set_in && as_is)
        said = said ".EE\n"
    as_is = set_in
    said = said escaped(text) "\n"
}

function end_prose() {
    if (as_is)
        said = said ".EE\n"
    as_is = 0
}

function name(word) {
    if (("," names ",") ~ ("[, ]" word ","))
        return
    names = names (names == "" ? "" : ", ") word
}

function flush_part() {
    end_prose()
    if (code != "") {
        if (names != "")
            page = page ".SS " escaped(names) "\n"
        sub(/\n+$/, "\n", code)
        page = page ".EX\n" code ".EE\n" (said == "" ? "" : ".PP\n") said
    } else if (said != "")
        page = page ".PP\n" said
    code = said = names = ""
}

function end_page(    i) {
    if (title == "")
        return
    flush_part()
    # paragraphs that are empty, or begin a part
    gsub(/\.PP\n(\.PP\n)+/, ".PP\n", page)
    gsub(/\.SH DESCRIPTION\n\.PP\n/, ".SH DESCRIPTION\n", page)
    file = folder "/" title ".3"
    printf "%s", page ".SH SEE ALSO\n" > file
    for (i = 1; i < ARGC; i++)
        if (base(ARGV[i]) != title)
            printf ".BR %s (3),\n", escaped(base(ARGV[i])) > file
    print ".BR unet (1)" > file
    close(file)
}

FNR == 1 {
    end_page()
    title = base(FILENAME)
    shown = title
    state = "before"
    page = code = said = names = ""
    as_is = skip = 0
    upper = toupper(title)
    page = ".\\\" made from " title " by scripts/man_pages.awk\n.TH " escaped(upper) \
        " 3 \"\" \"unet " version "\" \"unet library\"\n"
    next
}

# the comment at the head
state == "before" {
    if ($0 ~ /^\/\* .* - .*\*\/$/) { # of one line
        line = $0
        sub(/^\/\* /, "", line)
        sub(/ \*\/$/, "", line)
        state = "guard"
    } else if ($0 ~ /^ \* /) {
        line = substr($0, 4)
        state = "head"
    } else
        next
    sub(/^[^ ]* - /, "", line)
    page = page ".SH NAME\n" escaped(title) " \\- " escaped(line) "\n.SH SYNOPSIS\n\\fB#include <" \
        escaped(title) ">\\fR\n.SH DESCRIPTION\n"
    next
}
state == "head" {
    if ($0 ~ /^ \*\//) {
        flush_part()
        state = "guard"
    } else
        prose(substr($0, 4))
    next
}

# the preprocessor's own
/^#if/ { skip++ }
skip && /^#endif/ { skip--; next }
/^#ifndef UNET_[A-Z_]*_?H$/ { skip = 0; next }
skip || /^#(include|endif)/ || /^#define UNET_[A-Z_]*_?H$/ { next }

/^\/\* ---- .* -+ \*\/$/ {
    flush_part()
    line = $0
    sub(/^\/\* -+ /, "", line)
    sub(/ -+ \*\/$/, "", line)
    page = page ".SH " escaped(toupper(line)) "\n"
    next
}

state == "comment" {
    if ($0 ~ /\*\/$/) {
        line = $0
        sub(/ ?\*\/$/, "", line)
        if (line ~ /[^ *]/)
            prose(substr(line, 4))
        end_prose()
        state = "code"
    } else
        prose(substr($0, 4))
    next
}
/^\/\*/ {
    if (code != "")
        flush_part()
    else if (said != "")
        prose("")
    line = $0
    state = "comment"
    if (line ~ /\*\/$/) {
        sub(/ ?\*\/$/, "", line)
        state = "code"
    }
    sub(/^\/\* ?/, "", line)
    if (line != "")
        prose(line)
    next
}
{
    state = "code"
    line = $0
    if (line == "" && code == "")
        next
    if (sub(/^UNET_API /, "", line) || (going_on && sub(/^         /, "", line)))
        going_on = line !~ /;$/
    # functions lead here
    if ($0 ~ /^UNET_API/ && match(line, /unet_[a-z0-9_]+\(/)) {
        word = substr(line, RSTART, RLENGTH - 1)
        name(word)
        alias = folder "/" word ".3"
        print ".so man3/" title ".3" > alias
        close(alias)
    } else if (match(line, /^} unet_[a-z0-9_]+;/))
        name(substr(line, 3, RLENGTH - 3))
    else if (match(line, /^typedef .* unet_[a-z0-9_]+;$/)) {
        word = line
        sub(/;$/, "", word)
        sub(/.* /, "", word)
        name(word)
    }
    code = code escaped(line) "\n"
}

END { end_page() }
