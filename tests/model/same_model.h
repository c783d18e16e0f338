/* SPDX-License-Identifier: Apache-2.0 */
/* same_model.h - whether two models are the same, to the bit */
#ifndef SAME_MODEL_H
#define SAME_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"

/* Their specs and weights alone, which is what other programs' files keep. */
static inline void assert_same_weights(const unet_model *a, const unet_model *b, const char *what)
{
    if (memcmp(&a->graph.spec, &b->graph.spec, sizeof a->graph.spec))
        fail_msg("%s: another spec", what);
    assert_int_equal(a->graph.values, b->graph.values);
    for (size_t i = 0; i < a->graph.values; i++)
        if (memcmp(&a->values[i], &b->values[i], sizeof *a->values))
            fail_msg("%s: value %zu is %.9g, wanted %.9g", what, i, (double)b->values[i],
                     (double)a->values[i]);
}

/* All that a file of ours keeps. */
static inline void assert_same_model(const unet_model *a, const unet_model *b)
{
    assert_same_weights(a, b, "a model");
    assert_int_equal(a->trained, b->trained);
    assert_int_equal(a->scaling.set, b->scaling.set);
    assert_memory_equal(&a->scaling.offset, &b->scaling.offset, sizeof(float));
    assert_memory_equal(&a->scaling.scale, &b->scaling.scale, sizeof(float));
    assert_int_equal(a->coding.labels, b->coding.labels);
    assert_int_equal(a->coding.kind, b->coding.kind);
    assert_int_equal(a->coding.count, b->coding.count);
    assert_memory_equal(a->coding.codes, b->coding.codes,
                        (size_t)a->coding.count * sizeof *a->coding.codes);
    assert_int_equal(a->coding.tolerance, b->coding.tolerance);
    assert_int_equal(a->coding.white, b->coding.white);
    assert_int_equal(a->coding.border, b->coding.border);
    assert_int_equal(a->coding.ordered, b->coding.ordered);
    for (int i = 0; i < un_model_labels(a); i++) {
        assert_string_equal(a->classes[i].name, b->classes[i].name);
        assert_memory_equal(a->classes[i].rgb, b->classes[i].rgb, 3);
    }
    assert_int_equal(!a->settings, !b->settings);
    if (a->settings)
        assert_string_equal(a->settings, b->settings);
}

#endif
