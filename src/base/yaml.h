/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.h - YAML from files nobody vouches for, as the values of JSON
 *
 * Maps with text as keys, lists, and scalars: null, true, false, decimal numbers, all else text.
 * Tags mean nothing but "!!str".  What an alias stands for counts wherever it stands.
 */
#ifndef UN_YAML_H
#define UN_YAML_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"

enum {
    UN_YAML_MAX_BYTES = 1 << 22,
    UN_YAML_MAX_DEPTH = 32,
    UN_YAML_MAX_VALUES = 100000,
};

/* Whether this library was built with what reads YAML. */
bool un_yaml_reads(void);

/*
 * Parses one document.  Keys that occur twice, a second document, and more than the bounds are
 * refused.  what begins every message ("file: rdf.yaml").  The caller releases *value with
 * json_decref(), and changes nothing in it: a part may stand in it twice.  UNET_EFORMAT,
 * UNET_ENOMEM; UNET_EINVAL: there is nothing that reads YAML, and how to get it.
 */
unet_code un_yaml_parse(const char *what, const char *text, size_t size, json_t **value,
                        unet_error *err);

#endif
