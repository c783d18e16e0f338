/* SPDX-License-Identifier: Apache-2.0 */
/* outlines_json.h - the formats of outlines that are JSON */
#ifndef UN_OUTLINES_JSON_H
#define UN_OUTLINES_JSON_H

#include "base/json.h"
#include "data/outlines/outlines.h"

/* Adds the drawings of a text that was parsed; path is for messages. */
typedef unet_code un_outlines_json(struct un_outlines *set, const char *path, const json_t *root,
                                   unet_error *err);
un_outlines_json un_read_labelme, un_read_coco, un_read_via, un_read_geojson;

/* Whether a text is of the format; of LabelMe and COCO two keys say so. */
bool un_is_via(const json_t *root);
bool un_is_geojson(const json_t *root);

/* [[x, y], ...] as a ring of the drawing's last part; UNET_EFORMAT. */
unet_code un_json_ring(struct un_drawing *drawing, const json_t *points, unet_error *err);

/* Text of a field, or of a number there; NULL: there is none. */
const char *un_json_word_of(const json_t *object, const char *field, char number[32]);

/* A side in pixels; 0: it is not said.  UNET_EFORMAT: no such number. */
unet_code un_json_side(const char *what, const json_t *object, const char *field, int *side,
                       unet_error *err);

/* Starts the error of what is wrong in a drawing: "file: image: shape 3: ". */
unet_code un_fail_shape(const struct un_drawing *drawing, const char *why, unet_error *err);

#endif
