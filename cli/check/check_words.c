/* SPDX-License-Identifier: Apache-2.0 */
/* check_words.c - findings of a survey as sentences: what was found, and what to do about it */
#include "check/check_words.h"

#include <math.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/say.h"

const char *const severity_words[] = {"note", "warning", "error", NULL};

const char *sample_words(unet_sample sample)
{
    return sample == UNET_U8 ? "8-bit" : sample == UNET_U16 ? "16-bit" : "float, signed or 32-bit";
}

const char *file_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;

    return slash ? slash + 1 : path ? path : "";
}

/* How a mask became smaller or larger, if it was by one factor. */
static void size_words(const double *n, char *text, size_t size)
{
    double across = n[2] / n[0], down = n[3] / n[1];
    int used = snprintf(text, size, "the image is %g x %g pixels, its mask %g x %g", n[0], n[1],
                        n[2], n[3]);

    if (used < 0 || (size_t)used >= size)
        return;
    if (fabs(across / down - 1) < 0.02)
        snprintf(text + used, size - (size_t)used,
                 ": resized by %.3g; scale it back to the image's size with nearest neighbour",
                 across);
}

static void shift_words(const double *n, char *text, size_t size)
{
    char across[48] = "", down[48] = "";

    if (n[0] != 0)
        snprintf(across, sizeof(across), "%g px to the %s", fabs(n[0]),
                 n[0] > 0 ? "right" : "left");
    if (n[1] != 0)
        snprintf(down, sizeof(down), "%g px %s", fabs(n[1]), n[1] > 0 ? "down" : "up");
    snprintf(text, size,
             "the mask lies beside what it outlines; it would fit after moving it %s%s%s", across,
             *across && *down ? " and " : "", down);
}

static void turned_words(const unet_finding *f, char *text, size_t size)
{
    static const char *const ways[8] = {"",
                                        "upside down",
                                        "mirrored (left and right exchanged)",
                                        "turned by 180 degrees",
                                        "transposed (x and y exchanged)",
                                        "turned by 90 degrees clockwise",
                                        "turned by 90 degrees counterclockwise",
                                        "transposed along the other diagonal"};
    const double *n = f->number;
    const char *way = ways[(unsigned)n[0] % 8];

    if (f->pair < 0)
        snprintf(text, size,
                 "%g masks fit their images when %s: fit %.1f, as they are %.1f; write them again",
                 n[3], way, n[2], n[1]);
    else
        snprintf(text, size, "the mask fits its image when %s: fit %.1f, as it is %.1f", way, n[2],
                 n[1]);
}

static const char *channel_words(double channels)
{
    return channels == 1 ? "grey" : channels == 3 ? "RGB" : "";
}

static void channels_words(const double *n, char *text, size_t size)
{
    if (*channel_words(n[0]) && *channel_words(n[1]))
        snprintf(text, size, "the image is %s, most are %s", channel_words(n[0]),
                 channel_words(n[1]));
    else
        snprintf(text, size, "the image has %g channels, most have %g", n[0], n[1]);
}

/* Findings whose words are more than a format. */
static int words_of_numbers(const unet_finding *f, char *text, size_t size)
{
    const double *n = f->number;

    switch (f->kind) {
    case UNET_FOUND_NO_MASK:
        snprintf(text, size, "the image has no mask%s",
                 f->severity == UNET_ERROR ? ": add one, or leave it out with --only-pairs"
                                           : ", so it is left out");
        return 1;
    case UNET_FOUND_MASK_SIZE:
        size_words(n, text, size);
        return 1;
    case UNET_FOUND_MASK_SHIFTED:
        shift_words(n, text, size);
        return 1;
    case UNET_FOUND_MASK_TURNED:
        if (f->severity == UNET_WARNING)
            turned_words(f, text, size);
        return f->severity == UNET_WARNING;
    case UNET_FOUND_CHANNELS:
        channels_words(n, text, size);
        return 1;
    case UNET_FOUND_SAMPLE:
        if (f->pair < 0) {
            snprintf(text, size,
                     "samples are mixed: %g images of 8 bits, %g of 16 bits, %g of floats; 8-bit "
                     "ones are divided by 255, others scaled by their range: save all in one way",
                     n[0], n[1], n[2]);
            return 1;
        }
        snprintf(text, size, "the image has %s samples, most have %s",
                 sample_words((unet_sample)n[0]), sample_words((unet_sample)n[1]));
        return 1;
    case UNET_FOUND_MASK_SOFT:
        if (f->severity == UNET_NOTE)
            snprintf(text, size,
                     "%g masks have soft edges; values between codes are taken to the nearest",
                     n[0]);
        else if (f->severity == UNET_WARNING)
            snprintf(text, size,
                     "soft edges, which other masks do not have (%.2g %% of the pixels): values "
                     "between codes are taken to the nearest",
                     100 * n[1]);
        return f->severity != UNET_ERROR;
    case UNET_FOUND_SATURATED:
        if (f->pair >= 0)
            snprintf(text, size, "overexposed: %.0f %% of the samples have the highest value",
                     100 * n[0]);
        else
            snprintf(text, size,
                     "overexposed as a rule: in half of the images more than %.0f %% of the "
                     "samples have the highest value",
                     100 * n[0]);
        return 1;
    case UNET_FOUND_INVERTED:
        if (f->pair < 0)
            snprintf(text, size,
                     "masks look inverted: in %g of them foreground and background are the other "
                     "way round than in the other %g; invert those of one kind",
                     n[0], n[1]);
        return f->pair < 0;
    case UNET_FOUND_SCALES:
        if (f->pair >= 0)
            snprintf(text, size,
                     "values reach %.6g, in all others %.6g or %s, and all are scaled by one "
                     "range: too %s, or on another scale",
                     n[0], n[1], n[0] < n[1] ? "more" : "less", n[0] < n[1] ? "dark" : "bright");
        return f->pair >= 0;
    case UNET_FOUND_CONTRAST:
        if (f->pair >= 0) {
            snprintf(text, size, "the foreground is %s than the background, in the others %s: %s",
                     n[0] != 0 ? "brighter" : "darker", n[0] != 0 ? "darker" : "brighter",
                     f->severity == UNET_NOTE ? "another kind of image, or inverted"
                                              : "it looks like a negative; invert the image");
            return 1;
        }
        snprintf(text, size,
                 "the foreground is brighter than the background in %g images and darker in %g: %s",
                 n[0], n[1],
                 f->severity == UNET_NOTE ? "two kinds of images, if none are inverted"
                                          : "these look like negatives of the others; invert "
                                            "those of one kind");
        return 1;
    case UNET_FOUND_FILL:
        snprintf(
            text, size,
            "samples of %g are no data (in %g image%s, %.2g %% of them): left out of scaling and "
            "statistics, the network sees 0 there; --fill V names another value",
            n[0], n[1], n[1] == 1 ? "" : "s", 100 * n[2]);
        return 1;
    default:
        return 0;
    }
}

/* Formats of the numbers where a finding is about one pair and not the set. */
static const char *const of_pair[UNET_FINDING_KINDS] = {
    [UNET_FOUND_MASK_EMPTY] = "the mask is empty: background only",
    [UNET_FOUND_MASK_FULL] = "class %g fills the whole mask",
    [UNET_FOUND_BITS_SPREAD] =
        "16-bit samples in steps of %g, in most images of %g: scaled in another way, so its "
        "brightness cannot be compared; save it as the others were",
};

/* The same of all others, or formats of the other file. */
static const char *const plain[UNET_FINDING_KINDS] = {
    [UNET_FOUND_NO_IMAGE] = "the mask has no image and will not be used",
    [UNET_FOUND_NO_CLASS_FILE] = "a file of one class is not there",
    [UNET_FOUND_UNREADABLE] = "cannot be read",
    [UNET_FOUND_NOT_FINITE] = "%g samples are NaN or infinite",
    [UNET_FOUND_MASK_TURNED] =
        "the image is %g x %g pixels, its mask %g x %g: turned; transpose or rotate the mask",
    [UNET_FOUND_MASK_VALUES] = "the mask values cannot be understood",
    [UNET_FOUND_MASK_EMPTY] = "%g masks are empty: background only",
    [UNET_FOUND_MASK_FULL] = "in %g masks one class fills everything",
    [UNET_FOUND_MASK_SOFT] =
        "%g values that other masks do not have (%.2g %% of the pixels): anti-aliased, resized "
        "with "
        "interpolation or saved as JPEG; make it again with nearest neighbour, or say --labels "
        "with ranges, such as 'a=0-63,b=64-255'",
    [UNET_FOUND_MASK_STRANGE] = "value %g, which is none of the other masks' codes (%.2g %% of the "
                                "pixels); if it is meant, "
                                "say with --labels what it is",
    [UNET_FOUND_SIZE] = "%g x %g pixels, most are %g x %g",
    [UNET_FOUND_BITS] = "16-bit samples of which %g bits are in use (highest value %g); scaling "
                        "comes from the values, so this is fine if all are alike",
    [UNET_FOUND_BITS_SPREAD] = "16-bit samples that are 8-bit ones times 257",
    [UNET_FOUND_SCALES] =
        "values are on two scales: %g images reach %.6g, %g reach %.6g; all are scaled by one "
        "range, so bring them to one first",
    [UNET_FOUND_SCRIBBLES] =
        "%g masks look like scribbles: thin strokes of several classes beside %.3g %% of 0; if 0 "
        "is what nobody labelled, say --ignore 0, else it is learnt as background",
    [UNET_FOUND_CONSTANT] = "the image is %g everywhere: nothing to see",
    [UNET_FOUND_CHANNEL_ORDER] =
        "the channels seem to be in another order: like the others if taken as %g, %g, %g",
    [UNET_FOUND_INVERTED] =
        "the mask looks inverted: foreground is %.3g %% of it, in the others about "
        "%.3g %%, and what it covers looks as their background does",
    [UNET_FOUND_CLASSES_SWAPPED] =
        "classes %g and %g look exchanged, by their shapes and by what they cover",
    [UNET_FOUND_CLASS_OFFSET] =
        "class numbers look too high by %g: no background, and a class that no other mask has",
    [UNET_FOUND_PALETTE_ORDER] =
        "the palette has the colours of the other masks in another order: indices may differ",
    [UNET_FOUND_BACKGROUND_SMALL] =
        "class 0, the background, has only %.3g %% of the pixels, and scores begin with class 1: "
        "if "
        "class 0 is what is looked for (membranes), name it last, --labels 'inside=255,line=0' or "
        "as the values are; else all masks may be inverted",
    [UNET_FOUND_CLASS_ABSENT] = "no mask has class %g",
    [UNET_FOUND_MASK_OF_OTHER] = "the mask does not fit; that of %s does",
    [UNET_FOUND_SAME_PAIR] = "image and mask are the same as those of %s",
    [UNET_FOUND_SAME_IMAGE] = "the image is the same as %s, but the masks differ",
    [UNET_FOUND_SAME_MASK] = "the mask is the same as that of %s, but the images differ",
    [UNET_FOUND_NEAR_IMAGE] = "the image is nearly the same as %s: do not train on one and check "
                              "on the other",
};

/* Of the set, where training cannot go on. */
static const char *const of_error[UNET_FINDING_KINDS] = {
    [UNET_FOUND_MASK_EMPTY] =
        "every mask (%g) is empty, background only, so there is nothing to learn; if they show "
        "something, --labels 'background=0,cell=V' says by which value",
    [UNET_FOUND_MASK_FULL] =
        "every mask (%g) is filled by one class, so there is nothing to learn; if they show two, "
        "--labels 'background=V,cell=W' says by which values",
};

/* Which of the numbers are shares, which a person reads as percent. */
static const int shares[UNET_FINDING_KINDS][4] = {
    [UNET_FOUND_MASK_SOFT] = {0, 1}, [UNET_FOUND_MASK_STRANGE] = {0, 1},
    [UNET_FOUND_INVERTED] = {1, 1},  [UNET_FOUND_BACKGROUND_SMALL] = {1},
    [UNET_FOUND_SCRIBBLES] = {0, 1},
};

void finding_words(const unet_finding *finding, char *text, size_t size)
{
    const char *one = finding->pair >= 0 ? of_pair[finding->kind] : NULL;
    const char *error = finding->severity == UNET_ERROR ? of_error[finding->kind] : NULL;
    const char *format = one ? one : error ? error : plain[finding->kind];
    double n[4];

    for (int i = 0; i < 4; i++)
        n[i] = finding->number[i] * (shares[finding->kind][i] ? 100 : 1);

    if (*finding->text) {
        snprintf(text, size, "%s", finding->text);
        add_hints(finding->hints, text, size);
    } else if (finding->other && format) {
        snprintf(text, size, format, file_name(finding->other));
    } else if (!words_of_numbers(finding, text, size) && format) {
        snprintf(text, size, format, n[0], n[1], n[2], n[3]);
    }
}

void print_findings(FILE *stream, const unet_survey *survey, unet_severity least, int most)
{
    int same = 0;

    for (int i = 0; i < unet_survey_findings(survey); i++) {
        const unet_finding *finding = unet_survey_finding(survey, i);
        const unet_finding *next = unet_survey_finding(survey, i + 1);
        int more = next && next->kind == finding->kind && next->severity == finding->severity;
        char text[640];

        if (finding->severity < least)
            break;
        finding_words(finding, text, sizeof(text));
        if (same < most)
            say(stream, "%-8s %s%s%s\n", severity_words[finding->severity],
                *finding->text ? "" : file_name(finding->file),
                finding->file && !*finding->text ? ": " : "", text);
        same++;
        if (!more && same > most)
            say(stream, "%-8s and %d more like this\n", "", same - most);
        same = more ? same : 0;
    }
}
