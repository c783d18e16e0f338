/* SPDX-License-Identifier: Apache-2.0 */
/* What the ONNX reader refuses, with which words; and what it takes though it looks unusual. */
#include "base/file.h"
#include "onnx_plain.h"
#include "support/folder.h"
#include "support/links.h"

static void test_operators(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "", NULL},
        {"Conv r0", "Conv r0 w1 > c1", "node 2 (Conv): padding (1: zeros around the map) is 0"},
        {"Conv r0", "Conv r0 w1 > c1 | pads=1,1,1,0", "node 2 (Conv): pads has 0, wanted 1"},
        {"Conv r0", "Conv r0 w1 > c1 | pads=2,2,2,2", "pads has 2, wanted 0"},
        {"Conv r0", "Conv r0 w1 > c1 | pads=1,1", "pads has 2 numbers, wanted 4"},
        {"Conv r0", "Conv r0 w1 > c1 | auto_pad:SAME_UPPER", NULL},
        {"Conv r0", "Conv r0 w1 > c1 | auto_pad:VALID", "is 0, wanted 1 as in the nodes before"},
        {"Conv r0", "Conv r0 w1 > c1 | pads=1,1,1,1 strides=2,2",
         "down (1: by stride 2) is 0, wanted 1 as in the nodes before"},
        {"Conv r0", "Conv r0 w1 > c1 | pads=1,1,1,1 strides=3,3", "strides has 3, wanted 1"},
        {"Conv r0", "Conv r0 w1 > c1 | pads=1,1,1,1 strides=2,1", "strides has 1, wanted 2"},
        {"Conv r0", "Conv r0 w1 > c1 | pads=2,2,2,2 dilations=2,2", "dilations has 2, wanted 1"},
        {"Conv r0", "Conv r0 w1 > c1 | pads=1,1,1,1 group=2", "a convolution in 2 groups"},
        {"Conv r0", "Conv r0 w1 > c1 | pads=1,1,1,1 kernel_shape=5,5", "kernel_shape is 5 x 5"},
        {"Conv r0", "Conv r0 wu > c1", "a 2x2 convolution, wanted one with padding, after"},
        {"Conv r0", "Conv r0 wu > c1 | auto_pad:SAME_UPPER",
         "a 2x2 convolution after a 3x3 convolution, wanted one after a doubling"},
        {"Conv r0", "Conv r0 wo > c1", "an activation after a 1x1 convolution"},
        {"Conv r0", "Conv r0 r0 > c1", "reads 2 maps, which only Concat does"},
        {"Conv r0", "Shape r0 > s;Conv r0 s > c1", "its weight is calculated, wanted stored"},
        {"Conv r0", "Conv r0 > c1", "its weight is missing"},
        {"Conv r0", "Identity w1 > same;Conv r0 same > c1 | pads=1,1,1,1", NULL},
        {"Conv r0",
         "tensor k 1;CastLike k r0 > l;Shape w1 > s;Expand l s > b;"
         "Conv r0 w1 b > c1 | pads=1,1,1,1",
         NULL},
        {"Conv r0", "tensor k 2;Expand k k > b;Conv r0 w1 b > c1 | pads=1,1,1,1",
         "its bias is calculated, wanted stored"},
        {"Conv r0", "tensor k 1;Expand k k > w;Conv r0 w > c1", "its weight is calculated"},
        {"Relu c1", "Elu c1 > r1", "node 3 (Elu): another activation, wanted Relu or LeakyRelu"},
        {"Relu c1", "LeakyRelu c1 > r1", "kind of activation (1: leaky) is 1, wanted 0"},
        {"Relu", "LeakyRelu c0 > r0", "the value r0 is made twice"},
        {"Relu c1", "Identity c1 > r1", "without an activation, wanted one after a block"},
        {"Relu c1", "Relu c1 > a;Relu a > r1", "an activation after an activation"},
        {"Relu c1", "Dropout c1 > d;Relu d > r1", NULL},
        {"Relu c0", "Identity c0 > r0", "whether blocks have an activation at their end only"},
        {"MaxPool", "AveragePool r1 > p | kernel_shape=2,2 strides=2,2", "takes averages, wanted"},
        {"MaxPool", "MaxPool r1 > p | kernel_shape=3,3 strides=2,2", "kernel_shape has 3"},
        {"MaxPool", "MaxPool r1 > p | kernel_shape=2,2", "strides has 1, wanted 2"},
        {"MaxPool", "MaxPool r1 > p | kernel_shape=2,2 strides=2,2 ceil_mode=1", "ceil_mode has 1"},
        /* no pooling, but a convolution of stride 2: a block of three, or one that is halved itself
         */
        {"MaxPool", "Conv r1 w1 > p | pads=1,1,1,1 strides=2,2",
         "whether blocks have an activation at their end only is 1, wanted 0"},
        {"MaxPool", "Conv r1 w1 > p | auto_pad:SAME_UPPER strides=2,2",
         "stride 2 without pads of 1 on each side"},
        {"MaxPool", "Conv c1 w1 > p | pads=1,1,1,1 strides=2,2",
         "stride 2 after a 3x3 convolution without an activation, wanted it after a block"},
        {"MaxPool", "MaxPool c0 > p | kernel_shape=2,2 strides=2,2", "without an activation"},
        {"ConvT", "ConvTranspose r3 w2 > u | strides=2,2", "a 3x3 transposed convolution in 1"},
        {"ConvT", "ConvTranspose r3 wu > u", "strides has 1, wanted 2"},
        {"ConvT", "ConvTranspose c3 wu > u | strides=2,2", "wanted one after a block"},
        {"Concat", "Concat u r0 > j | axis=1", NULL},
        {"Concat", "Concat u u > j | axis=1", "wanted a skip connection and what comes from below"},
        {"Concat", "Concat u r3 > j | axis=1", "joins maps of levels 0 and 1"},
        {"Concat", "Concat u r1 r1 > j | axis=1", "joins 3 values along axis 1"},
        {"Concat", "Concat u r1 > j | axis=2", "joins 2 values along axis 2"},
        {"Concat", "Add u r1 > j", "reads 2 maps, which only Concat does"},
        {"Conv r5", "Conv r5 wo > l;Sigmoid l > y", NULL},
        {"Conv r5", "Conv r5 wo > l;Softmax l > m;Transpose m > y | perm=0,2,3,1", NULL},
        {"Conv r5", "Conv r5 wo > l;ArgMax l > y", "the largest along axis 0, wanted that of the"},
        {"Conv r5", "Conv r5 wo > l;Relu l > y", "an activation after a 1x1 convolution"},
        {"Conv r5", "Relu r5 > y", "an activation after an activation"},
        {"Conv r5", "Identity r5 > y", "the output comes from a 3x3 convolution"},
        {"Conv x", "Pad x > q | mode:reflect;Conv q w0 > c0", "pads by another mode"},
        {"Conv x", "Transpose x > t | perm=0,3,1,2;Conv t w0 > c0 | pads=1,1,1,1", NULL},
        {"Conv p", "Transpose p > t | perm=0,3,1,2;Conv t w2 > c2",
         "moves dimensions of a pooling"},
        {"Relu c1", "tensor k 2;Mul c1 k > q;Relu q > r1", "wanted that only in a group norm"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].old, rows[i].changed, OPSET, rows[i].want);
}

static void test_norms(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Relu c1", "tensor v 2;BatchNormalization c1 v v v v > n;Relu n > r1", NULL},
        {"Relu c1", "tensor v 2;BatchNormalization c1 v v v > n;Relu n > r1",
         "its running_var is missing"},
        {"Relu c1", "tensor v 2;BatchNormalization c1 v v v v > n | training_mode=1;Relu n > r1",
         "a batch norm in training"},
        {"Relu c1", "tensor v 2,1;InstanceNormalization c1 v v > n;Relu n > r1",
         "its weight has 2 dimensions, wanted 1"},
        {"Relu c1",
         "tensor v 2;InstanceNormalization c1 v v > n;InstanceNormalization n v v > m;Relu m > r1",
         "a norm after a norm"},
        {"Relu c1",
         "tensor v 2;InstanceNormalization c1 v v > n | epsilon~0.5;Relu n > i;"
         "InstanceNormalization i v v > r1",
         "a norm after a norm"},
        {"MaxPool",
         "tensor v 2;InstanceNormalization r1 v v > n;MaxPool n > p | kernel_shape=2,2 "
         "strides=2,2;",
         NULL},
        {"Relu c1", "tensor v 2;GroupNormalization c1 v v > n | num_groups=2;Relu n > r1",
         "in version 17 of the operators"},
        {"Relu c1", "Shape c0 > s;Reshape c1 s > n;Relu n > r1", "a part of a group norm"},
        {"Relu c1", "tensor v 2;Shape c0 > s;Reshape c1 s > n;InstanceNormalization n v v > r1",
         "a norm of groups that scales or shifts"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].old, rows[i].changed, OPSET, rows[i].want);
    expect("Relu c1", "tensor v 2;GroupNormalization c1 v v > n | num_groups=2;Relu n > r1", 21,
           NULL);
}

static void test_doubling(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"ConvT", "tensor s 4;Resize r3 _ s > u | mode:linear", "scales by 0 and 0, wanted 2"},
        {"ConvT", "Shape r3 > s;Resize r3 _ s > u | mode:linear", "its scale is not stored"},
        {"ConvT", "Shape r0 > s;Resize r3 _ _ s > u | mode:linear", NULL},
        {"ConvT", "Shape r0 > s;Resize r3 _ _ s > u | mode:cubic", "wanted linear or nearest"},
        {"ConvT",
         "Shape r0 > s;Resize r3 _ _ s > u | mode:linear "
         "coordinate_transformation_mode:asymmetric",
         "wanted half_pixel or align_corners"},
        {"ConvT", "Shape r0 > s;Resize r3 _ _ s > u | nearest_mode:ceil",
         "takes neighbours so that a pixel does not become four"},
        {"ConvT",
         "Shape r0 > s;Resize r3 _ _ s > u | coordinate_transformation_mode:asymmetric "
         "nearest_mode:floor",
         NULL},
        {"ConvT", "Shape r0 > s;Resize r3 _ _ s > q;Slice q s s > u",
         "crops what comes from below"},
        {"ConvT", "Shape r0 > s;ConvTranspose r3 wu > q | strides=2,2;Pad q s > u", NULL},
        {"Concat", "Shape u > s;Slice r1 s s > q;Concat u q > j | axis=1", NULL},
        {"Concat", "Shape u > s;Pad r1 s > q;Concat u q > j | axis=1",
         "wanted the map that comes from below, or a crop"},
        {"Concat", "Slice r1 > q | starts=1,1 ends=3,3 axes=2,1;Concat u q > j | axis=1",
         "takes some of the channels"},
        {"Concat", "Slice r1 > q | starts=1,1 ends=3,3 axes=2,3;Concat u q > j | axis=1", NULL},
        {"Concat", "Slice r1 > q | starts=0 ends=9 axes=2 steps=2;Concat u q > j | axis=1",
         "takes one of 2, wanted a crop"},
        {"Concat", "Pad u > q | pads=0,1,0,0,0,0,0,0;Concat q r1 > j | axis=1",
         "pads other dimensions than height and width"},
        {"Concat", "Pad u > q | pads=0,0,0,0,0,0,1,1;Concat q r1 > j | axis=1", NULL},
        {"Concat", "Pad u > q | pads=0,0,0,0,0,0,1,-1;Concat q r1 > j | axis=1",
         "pads a transposed"},
        {"Concat", "Pad r1 > q | pads=0,0,-1,-1,0,0,0,0;Concat u q > j | axis=1", NULL},
        {"MaxPool", "Shape r1 > s;Slice r1 s s > q;MaxPool q > p | kernel_shape=2,2 strides=2,2",
         "a pooling after a crop or padding"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].old, rows[i].changed, OPSET, rows[i].want);
}

static void test_graphs(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Relu c0", "Relu r1 > r0", "the value r1 is read before it is made: the nodes are in a"},
        {"Relu c0", "Relu r0 > r0", "the value r0 is read before it is made"},
        {"Relu c0", "Relu nowhere > r0", "the value nowhere is read, but nothing makes it"},
        {"Relu c0", "Relu c0 > c0", "is made twice"},
        {"tensor w1", "tensor w0 2,2,3,3", "the value w0 is made twice"},
        {"tensor w1", "", "the value w1 is read, but nothing makes it"},
        {"tensor w1", "tensor w1 2,2,3", "its kernel is not square, or not of 2 dimensions"},
        {"tensor w1", "tensor w1 1,1,1,1,1,1,1,1,1", "more than 8 dimensions"},
        {"Conv r0", "tensor Conv_5.weight 2,2,3,3;Conv r0 Conv_5.weight > c1 | pads=1,1,1,1",
         "its weight would be the second Conv_5.weight"},
        {"Relu c0", "Relu c0 > r0;Conv x w0 > unused | strides=7,7", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].old, rows[i].changed, OPSET, rows[i].want);
    expect("", "", 6, "version 6 of the operators, wanted 7 or later");
    expect("", "", 0, "version 0 of the operators");
}

/* ---- tensors ---- */

/* A network whose w1 is this message. */
static void expect_tensor(struct un_builder *tensor, const char *want)
{
    struct un_builder graph = {0}, model = {0};
    struct un_arrays arrays = {0};
    unet_error err = {0};
    un_put_text(tensor, 8, "w1");
    un_put_message(&graph, 5, tensor);
    for (int i = 0; i < LINES; i++)
        if (strncmp(plain[i], "tensor w1", 9))
            text_line(&graph, plain[i]);
    text_model(&graph, OPSET, &model);
    unet_code code = un_onnx_parse("x.onnx", model.bytes, model.size, &arrays, &err);
    if (want ? code != UNET_EFORMAT || !strstr(err.text, want) : code != UNET_OK)
        fail_msg("code %d, \"%s\", wanted \"%s\"", code, err.text, want ? want : "success");
    if (!want) { /* all tests below store 0.5 */
        float values[36];
        assert_int_equal(arrays.items[1].count, 36);
        arrays.items[1].dtype->to_float(arrays.items[1].data, 36, values);
        for (int i = 0; i < 36; i++)
            assert_true(values[i] == 0.5f);
    }
    un_arrays_release(&arrays);
    free(model.bytes);
}

static struct un_builder tensor_of(int type, const int64_t shape[4])
{
    struct un_builder made = {0};
    for (int i = 0; i < 4; i++)
        un_put_int(&made, 1, shape[i]);
    un_put_int(&made, 2, type);
    return made;
}

static void test_tensors(void **state)
{
    (void)state;
    static const int64_t shape[4] = {2, 2, 3, 3}, huge[4] = {INT64_MAX, 3, 3, 3},
                         negative[4] = {-1, 2, 3, 3}, none[4] = {INT64_MAX, 0, 3, 3};
    struct un_builder t, packed = {0};
    float halves[36];
    double doubles[36];
    for (int i = 0; i < 36; i++)
        doubles[i] = halves[i] = 0.5f;

    t = tensor_of(1, shape);
    un_put_bytes(&t, 9, halves, sizeof halves);
    expect_tensor(&t, NULL);
    t = tensor_of(1, shape);
    un_put_bytes(&t, 4, halves, sizeof halves); /* packed */
    expect_tensor(&t, NULL);
    t = tensor_of(1, shape);
    for (int i = 0; i < 36; i++) /* one by one */
        un_put_float(&t, 4, 0.5f);
    expect_tensor(&t, NULL);
    t = tensor_of(1, shape);
    un_put_bytes(&t, 4, halves, 80); /* in two parts */
    un_put_bytes(&t, 4, halves, sizeof halves - 80);
    expect_tensor(&t, NULL);
    t = tensor_of(11, shape);
    un_put_bytes(&t, 10, doubles, sizeof doubles);
    expect_tensor(&t, NULL);
    for (int type = 10; type <= 16; type += 6) { /* float16 and bfloat16, each as a varint */
        const int half = type == 10 ? 0x3800 : 0x3f00;
        t = tensor_of(type, shape);
        for (int i = 0; i < 36; i++)
            un_put_int(&t, 5, half);
        expect_tensor(&t, NULL);
        t = tensor_of(type, shape);
        for (int i = 0; i < 36; i++)
            un_put_varint(&packed, (uint64_t)half);
        un_put_message(&t, 5, &packed);
        expect_tensor(&t, NULL);
    }

    t = tensor_of(1, shape);
    un_put_bytes(&t, 9, halves, sizeof halves - 4);
    expect_tensor(&t, "tensor w1: its shape and type need another number of bytes");
    t = tensor_of(1, shape);
    un_put_float(&t, 4, 1);
    expect_tensor(&t, "tensor w1: has fewer values than its shape says");
    t = tensor_of(1, shape);
    for (int i = 0; i < 37; i++)
        un_put_float(&t, 4, 1);
    expect_tensor(&t, "tensor w1: has more values than its shape says");
    t = tensor_of(1, huge);
    expect_tensor(&t, "its shape is too large or negative");
    t = tensor_of(1, negative);
    expect_tensor(&t, "its shape is too large or negative");
    t = tensor_of(1, none);
    expect_tensor(&t, "tensor w1: has no values");
    t = tensor_of(7, shape);
    un_put_bytes(&t, 9, doubles, sizeof doubles);
    expect_tensor(&t, "its weight is of type I64, wanted floats");
    t = tensor_of(8, shape);
    expect_tensor(&t, "its type is none of float, double, float16, bfloat16");
    t = tensor_of(1, shape);
    un_put_int(&t, 14, 1);
    un_put_text(&t, 13, "\n\x08location\x12\x01w");
    expect_tensor(&t, "tensor w1: its values lie in another file: w");
}

/* ---- bytes ---- */

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *want;
    } rows[] = {
        {"", 0, "has no graph"},
        {"\x08\x08", 2, "has no graph"},
        {"\x08\x08\x3a", 3, "the model is broken"},
        {"\x08\x08\x3a\x7f", 4, "the model is broken"},
        {"\x08\x08\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13, "the model is broken"},
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 13, "the model is broken"},
        {"\x0b\x0c", 2, "the model is broken"}, /* a group */
        {"\x00\x00", 2, "the model is broken"}, /* field 0 */
        {"\x42\x02\x10\x11\x3a\x02\x0a\x05", 8, "the graph is broken"},
        {"\x42\x02\x10\x11\x3a\x04\x0a\x02\x2a\x09", 10, "a node is broken"},
        {"\x42\x02\x10\x11\x3a\x00", 6, "a network of 0 inputs and 0 outputs, wanted 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char *bytes = malloc(rows[i].size ? rows[i].size : 1);
        struct un_arrays arrays = {0};
        unet_error err = {0};
        memcpy(bytes, rows[i].bytes, rows[i].size);
        unet_code code = un_onnx_parse("x.onnx", bytes, rows[i].size, &arrays, &err);
        if (code != UNET_EFORMAT || !strstr(err.text, rows[i].want))
            fail_msg("row %zu: code %d, \"%s\", wanted \"%s\"", i, code, err.text, rows[i].want);
        free(bytes);
    }
}

/* More nodes than any network has take no memory worth speaking of. */
static void test_many_nodes(void **state)
{
    (void)state;
    struct un_builder graph = {0}, model = {0};
    struct un_arrays arrays = {0};
    unet_error err = {0};
    for (int i = 0; i < 1000000; i++)
        un_put_text(&graph, 1, "");
    text_model(&graph, OPSET, &model);
    assert_int_equal(un_onnx_parse("x", model.bytes, model.size, &arrays, &err), UNET_EFORMAT);
    assert_non_null(strstr(err.text, "more than 20000 nodes"));
    free(model.bytes);
}

/* Values in a file beside the model: which are taken, and that no other file is ever opened. */
static void test_external(void **state)
{
    static const struct {
        const char *place, *want; /* NULL: it is read */
    } rows[] = {
        {"location=w.data offset=8 length=72", NULL},
        {"location=w.data offset=8", NULL},
        {"location=./w.data offset=8", NULL},
        {"location=sub/w.data offset=8", NULL},
        {"location=w.data offset=9", "tensor w0: its values lie behind the end"},
        {"location=w.data offset=18446744073709551600", "tensor w0: its values lie behind the end"},
        {"location=w.data offset=8 length=71", "need another number of bytes than it has in w.dat"},
        {"location=w.data offset=-8", "the place of its values is no number of bytes: -8"},
        {"location=w.data offset=99999999999999999999999", "is no number of bytes: 9999"},
        {"offset=8", "tensor w0: its values lie in another file, which it does not name"},
        {"location=../w.data offset=8", "../w.data: lies elsewhere, is a link or may not"},
        {"location=sub/../w.data offset=8", "sub/../w.data: lies elsewhere, is a link or may not"},
        {"location=/etc/passwd offset=8", "/etc/passwd: lies elsewhere, is a link or may not"},
        {"location=link offset=8", "link: lies elsewhere, is a link or may not be read"},
        {"location=up/w.data offset=8", "up/w.data: "},
        {"location=sub offset=8", "sub: is a folder, not a file"},
        {"location=none offset=8", "its weights lie in a second file: none: No such file"},
    };
    unsigned char bytes[80] = {0};
    const float first = 1.5f, last = -2.5f;
    (void)state;
    memcpy(bytes + 8, &first, sizeof first);
    memcpy(bytes + 76, &last, sizeof last);
    assert_int_equal(mkdir(in_folder("sub"), 0777), 0);
    const bool links = make_link("w.data", in_folder("link")) &&
                       make_link("..", in_folder("sub/up")) && make_link("sub", in_folder("up"));
    assert_int_equal(un_file_replace(in_folder("w.data"), bytes, sizeof bytes, NULL), UNET_OK);
    assert_int_equal(un_file_replace(in_folder("sub/w.data"), bytes, sizeof bytes, NULL), UNET_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_builder model = {0};
        struct un_arrays arrays = {0};
        char line[200];
        unet_error err = {0};
        if (!links && (strstr(rows[i].place, "=link") || strstr(rows[i].place, "=up/")))
            continue;
        snprintf(line, sizeof line, "external w0 2,1,3,3 %s", rows[i].place);
        /* from memory there is no folder, so nothing is opened */
        assert_int_equal(parse_changed("tensor w0", line, OPSET, &arrays, &model, &err),
                         UNET_EFORMAT);
        un_file_replace(in_folder("x.onnx"), model.bytes, model.size, NULL);
        free(model.bytes);
        unet_code code = un_onnx_open(in_folder("x.onnx"), &arrays, &err);
        if (rows[i].want ? !code || !strstr(err.text, rows[i].want) : code)
            fail_msg("%s: \"%s\", wanted \"%s\"", rows[i].place, err.text,
                     rows[i].want ? rows[i].want : "");
        float value[18];
        if (!code)
            assert_int_equal(un_array_to_float("x", &arrays.items[0], value, NULL), UNET_OK);
        assert_true(code || (value[0] == first && value[17] == last));
        un_arrays_release(&arrays);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_norms),
        cmocka_unit_test(test_doubling),
        cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_many_nodes),
        cmocka_unit_test_setup_teardown(test_external, folder_create, folder_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
