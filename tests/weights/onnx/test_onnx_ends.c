/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_onnx_ends.c - what comes before and behind the network in graphs of ONNX: scaling, classes,
 * new shapes; and doublings in several steps
 */
#include "onnx_plain.h"

static void test_ends(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Conv r5", "Conv r5 wo > l;ArgMax l > m | axis=1;Cast m > y | to=6", NULL},
        {"Conv r5", "Conv r5 wo > l;Sigmoid l > m;Cast m > y | to=6", "whole numbers of a map"},
        {"Conv r5", "floats h 0.5;Conv r5 wo > l;Sigmoid l > m;Greater m h > y", NULL},
        {"Conv r5", "floats h 0.5;Conv r5 wo > l;Greater l h > y", "a threshold of 0.5, wanted 0"},
        {"Conv r5", "tensor h 2;Conv r5 wo > l;Greater l h > y", "that is calculated, wanted"},
        {"Conv r5", "Conv r5 wo > l;Sigmoid l > m;Round m > y", NULL},
        {"Conv r5", "Conv r5 wo > l;Round l > y", "a threshold of a 1x1 convolution, wanted"},
        {"Conv r5", "Conv r5 w5 > l | pads=1,1,1,1;Relu l > m;ArgMax m > y | axis=1",
         "the largest of a 3x3 convolution"},
        {"Conv r5", "Shape r5 > s;Conv r5 wo > l;Reshape l s > m;Squeeze m > y", NULL},
        {"Conv r5", "Squeeze r5 > l;Conv l wo > y", "a new shape for a 3x3 convolution"},
        {"Conv x", "floats k 0.5;Mul x k > q;Conv q w0 > c0 | pads=1,1,1,1", NULL},
        {"Conv x", "tensor k 1;Mul x k > q;Conv q w0 > c0 | pads=1,1,1,1",
         "reads the image times 0 plus 0, wanted a factor above 0"},
        {"Conv x", "floats k 1,2;Mul x k > q;Conv q w0 > c0 | pads=1,1,1,1",
         "by numbers that differ, wanted the same for all"},
        {"Conv x",
         "floats k 2;Sub x k > a;Div a k > b;Unsqueeze b > c;Squeeze c > q;"
         "Conv q w0 > c0 | pads=1,1,1,1",
         NULL},
        {"Conv x", "Shape x > k;Mul x k > q;Conv q w0 > c0 | pads=1,1,1,1",
         "scales or shifts the image by what is calculated"},
        {"Conv x", "tensor k 65;Mul x k > q;Conv q w0 > c0 | pads=1,1,1,1",
         "scales or shifts the image by what is calculated"},
        {"Conv p", "Unsqueeze p > t | axes=3;Conv t w2 > c2", "a new dimension of a pooling"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].old, rows[i].changed, OPSET, rows[i].want);
}

/* Keras 3's UpSampling2D; 2: the repeats of the second time. */
#define REPEATED(axis, repeats, order, again, back)                                                \
    "whole t1 " repeats ";whole t2 1,1,1,2,1;Shape r3 > s;Unsqueeze r3 > a | axes=" axis           \
    ";Tile a t1 > b;Transpose b > c | perm=" order                                                 \
    ";Reshape c s > d;Unsqueeze d > e | axes=" again                                               \
    ";Tile e t2 > f;Reshape f s > g;Transpose g > u | perm=" back

static void test_steps(void **state)
{
    (void)state;
    static const struct row rows[] = {
        /* as tf2onnx has it: cut to a size that is calculated, and filled up to it */
        {"ConvT", "Shape r0 > s;ConvTranspose r3 wu > q | strides=2,2;Slice q s s > t;Pad t s > u",
         NULL},
        {"ConvT",
         "Shape r0 > s;ConvTranspose r3 wu > q | strides=2,2;Slice q s s > t;Slice t s s > u",
         "crops what comes from below"},
        /* each row and each column twice, step by step */
        {"ConvT", REPEATED("3", "1,1,1,2,1", "0,2,3,4,1", "3", "0,3,1,2"), NULL},
        {"ConvT", REPEATED("2", "1,1,2,1,1", "0,2,3,4,1", "3", "0,3,1,2"),
         "wanted one behind height or width"},
        {"ConvT", REPEATED("3", "1,1,2,1,1", "0,2,3,4,1", "3", "0,3,1,2"),
         "wanted each row and each column twice"},
        {"ConvT", REPEATED("3", "1,1,1,3,1", "0,2,3,4,1", "3", "0,3,1,2"),
         "wanted each row and each column twice"},
        {"ConvT", REPEATED("3", "1,1,1,2,1", "0,3,2,4,1", "3", "0,3,1,2"),
         "wanted each row and each column twice"},
        {"ConvT", REPEATED("3", "1,1,1,2,1", "0,2,3,4,1", "2", "0,3,1,2"),
         "wanted each row and each column twice"},
        {"ConvT", REPEATED("3", "1,1,1,2,1", "0,2,3,4,1", "3", "0,3,2,1"), "of a doubling"},
        {"ConvT", REPEATED("3", "1,1,1,2,1", "0,2,2,4,1", "3", "0,3,1,2"),
         "moves 5 dimensions of a part of a doubling that has 5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].old, rows[i].changed, OPSET, rows[i].want);
}

/* x * 0.5 - 3, of which a model keeps the factor and the offset. */
static void test_scale(void **state)
{
    struct un_builder model = {0};
    struct un_arrays arrays = {0};
    unet_error err;
    (void)state;
    if (parse_changed("Conv x",
                      "floats k 2,2;floats m 3;Div x k > a;Sub a m > b;"
                      "Conv b w0 > c0 | pads=1,1,1,1",
                      OPSET, &arrays, &model, &err))
        fail_msg("%s", err.text);
    assert_true(arrays.hints.scale == 0.5f && arrays.hints.shift == -3);
    un_arrays_release(&arrays);
    free(model.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_scale),
    };
    return cmocka_run_group_tests_name("ends of ONNX", tests, NULL, NULL);
}
