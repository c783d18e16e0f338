/* SPDX-License-Identifier: Apache-2.0 */
/* project_files.h - the image files of a project: taken in, restored, looked after */
#ifndef PROJECT_FILES_H
#define PROJECT_FILES_H

#include "studio/project.h"

/* A file as project.json has it; path: of that. */
unet_code project_restore(struct project *project, const char *path, const json_t *file,
                          unet_error *err);

/* Looks whether all files are still there, with the pages that they had; else they are missing. */
void project_look(struct project *project, void (*note)(const char *text));

/* Takes in a file if it is not there yet; one that cannot be read is told and left out. */
unet_code project_add(struct project *project, const char *path, void (*note)(const char *text),
                      unet_error *err);

#endif
