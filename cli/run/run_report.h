/* SPDX-License-Identifier: Apache-2.0 */
/* run_report.h - report.html: what run_folder.c asks for, and the sections of the page */
#ifndef RUN_REPORT_H
#define RUN_REPORT_H

#include <stdio.h>

#include "run/run_folder.h"

/* Writes RUN/report.html and, before it, pictures that are not in RUN/images yet. */
unet_code report_write(struct run_folder *run, unet_error *err);

/* Each writes a section, or nothing where there is nothing to say.  0: no memory, or a picture's
 * file cannot be read. */
int report_curves(const struct run_folder *run, FILE *out);
int report_scores(const struct run_folder *run, FILE *out);
int report_pictures(const struct run_folder *run, FILE *out);
int report_data(const struct run_folder *run, FILE *out);

/* run_trained.c: after an epoch or the end of a run that holds nothing out, predicts and draws a
 * few of its training images, unless that was done lately. */
void report_trained(struct run_folder *run, const unet_progress *progress);

/* The name of a class, or its number in words. */
enum { CLASS_NAME = 80 };
const char *report_class(const struct run_folder *run, int label, char text[CLASS_NAME]);

/* The epoch with the best score so far; NULL: none is over. */
const struct run_epoch *report_best(const struct run_folder *run);
const struct run_epoch *report_latest(const struct run_folder *run);

#endif
