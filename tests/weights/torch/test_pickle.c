/* SPDX-License-Identifier: Apache-2.0 */
/* Pickles: what must be refused, with which words, and what must be read. */
#include "pickle_wrap.h"

static void test_names(void **state)
{
    (void)state;
#define NO_LIST "; this is not a list of weights"
#define ADVICE                                                                                     \
    ", not only weights; in Python, save these alone: torch.save(model.state_dict(), "             \
    "\"weights.pth\")"
    static const struct row rows[] = {
        ROW("\x80\2cos\nsystem\nU\4exitR.", "refers to os.system" NO_LIST),
        ROW("\x80\2cposix\nsystem\nU\4exit\x85R.", "refers to posix.system" NO_LIST),
        ROW("\x80\2cos\nsystem\n)\x81.", "refers to os.system" NO_LIST),
        ROW("\x80\2csubprocess\nPopen\n)\x81}b.", "refers to subprocess.Popen" NO_LIST),
        ROW("\x80\4\x8c\2os\x8c\6system\x93.", "refers to os.system" NO_LIST),
        ROW("\x80\2c__builtin__\neval\n.", "refers to __builtin__.eval" NO_LIST),
        ROW("\x80\2cbuiltins\nexec\n.", "refers to builtins.exec" NO_LIST),
        ROW("\x80\2}U\1a)U\1bcimportlib\nimport_module\nsu.",
            "refers to importlib.import_module" NO_LIST),
        ROW("\x80\2cbuiltins\ngetattr\n.", "holds no tensors"),
        ROW("\x80\2ctorch\nload\n.", "holds an object of class torch.load" ADVICE),
        ROW("\x80\2c\n\n.", "holds an object of class ." ADVICE),
        ROW("\x80\2c__torch__\nNet\n)\x81.", "holds an object of class __torch__.Net" ADVICE),
        ROW("\x80\2ctorch.nn.modules.conv\nConv2d\nq\0)\x81q\1}b.",
            "holds an object of class torch.nn.modules.conv.Conv2d" ADVICE),
        ROW("\x80\2c__main__\nUNet\nq\0)\x81q\1}b.",
            "holds an object of class __main__.UNet" ADVICE),
        ROW("\x80\2cmodels.unet\nUNet\nr\0\0\0\0)\x81}b.",
            "holds an object of class models.unet.UNet" ADVICE),
        ROW("\x80\2U\6modulecmodels\nNet\n.", "holds an object of class models.Net" ADVICE),
        ROW("\x80\4\x8c\10__main__\x8c\4UNet\x93\x94)\x81\x94}b.",
            "holds an object of class __main__.UNet" ADVICE),
        ROW("\x80\2cmodels.unet\nmake_unet\n)R.",
            "holds an object of class models.unet.make_unet" ADVICE),
        ROW("\x80\2ctorch._utils\n_rebuild_qtensor\n.",
            "holds a quantized tensor (torch._utils._rebuild_qtensor), which is not read"),
        ROW("\x80\2ctorch._utils\n_rebuild_sparse_tensor\n.",
            "holds a sparse tensor (torch._utils._rebuild_sparse_tensor), which is not read"),
        ROW("\x80\2ctorch.storage\n_load_from_bytes\n.",
            "holds a tensor that was not saved by torch.save() (torch.storage._load_from_bytes), "
            "which is not read"),
    };
    EXPECT_ROWS(rows);
}

static void test_broken(void **state)
{
    (void)state;
#define CUT " (is the file cut short?)"
    static const struct row rows[] = {
        ROW("", "pickle: byte 0: ends before its last operation" CUT),
        ROW("\x80\2", "pickle: byte 2: ends before its last operation" CUT),
        ROW("\x80\6.", "pickle: byte 0: protocol 6, at most 5 is read"),
        ROW("\x80\2.", "pickle: byte 2: takes a value from an empty stack"),
        ROW("\x80\2(.", "pickle: byte 3: takes a value from an empty stack"),
        ROW("\x80\2N(.", "pickle: byte 4: takes a value from an empty stack"),
        ROW("\x80\2t.", "pickle: byte 2: wants a mark on the stack, there is none"),
        ROW("\x80\2N\x86.", "pickle: byte 3: takes a value from an empty stack"),
        ROW("\x80\2N(N\x86.", "pickle: byte 5: takes a value from an empty stack"),
        ROW("\x80\2(R.", "pickle: byte 3: takes a value from an empty stack"),
        ROW("\x80\2NNR.", "pickle: byte 4: calls None"),
        ROW("\x80\2ctorch\nSize\nNR.", "pickle: byte 15: calls with None, wanted a tuple"),
        ROW("\x80\2Nb.", "pickle: byte 3: takes a value from an empty stack"),
        ROW("\x80\2NNb.", "pickle: byte 4: gives a state to None"),
        ROW("\x80\2h\0.", "pickle: byte 2: asks for memo entry 0, which is not set"),
        ROW("\x80\2Nq\2h\1.", "pickle: byte 5: asks for memo entry 1, which is not set"),
        ROW("\x80\2Nr\xff\xff\xff\xff.",
            "pickle: byte 3: memo entry 4294967295, PyTorch counts them from 0"),
        ROW("\x80\2N]N\x90.", "pickle: byte 5: wants a mark on the stack, there is none"),
        ROW("\x80\2](N\x90.", "pickle: byte 5: adds items to a list"),
        ROW("\x80\2}(Nu.", "pickle: byte 5: a dict with a key and no value"),
        ROW("\x80\2}NNa.", "pickle: byte 5: adds items to None"),
        ROW("\x80\2(NNNd.", "pickle: byte 6: a dict with a key and no value"),
        ROW("\x80\2ccollections\nOrderedDict\n]N\x85"
            "aR.",
            "pickle: byte 31: calls with a list, wanted a tuple"),
        ROW("\x80\2ccollections\nOrderedDict\n]Na\x85R.",
            "pickle: byte 31: a dict made of None, wanted pairs"),
        ROW("\x80\2NN\x93.", "pickle: byte 4: a name that is None in None"),
        ROW("\x80\2i__main__\nA\n.",
            "pickle: byte 2: operation 0x69, which torch.save() does not write"),
        ROW("\x80\2X\4\0\0\0abc", "pickle: byte 2: needs 4 bytes, 3 are left" CUT),
        ROW("\x80\2X\4\0", "pickle: byte 2: needs 4 bytes, 2 are left" CUT),
        ROW("\x80\4\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
            "pickle: byte 2: a text of 18446744073709551615 bytes, at most 4294967295 are read"),
        ROW("\x80\2\x8b\xff\xff\xff\xff.",
            "pickle: byte 2: needs 4294967295 bytes, 1 are left" CUT),
        ROW("\x80\2cos", "pickle: byte 2: a line without an end" CUT),
        ROW("I12x\n.", "pickle: byte 0: \"12x\" is no integer"),
        ROW("Fx\n.", "pickle: byte 0: \"x\" is no number"),
        ROW("S'x\n.", "pickle: byte 0: a text without quotes"),
        ROW("\x80\2N.", "holds no tensors"),
        ROW("\x80\2}X\1\0\0\0aK\1s.", "holds no tensors"),
    };
    EXPECT_ROWS(rows);
}

static void test_tensors(void **state)
{
    (void)state;
#define OUTSIDE " reach outside of its storage of 4 values"
    static const struct row rows[] = {
        ROW(DICT(TENSOR("K\0", "K\5", "K\1")), "tensor w: shape [5], stride [1], offset 0" OUTSIDE),
        ROW(DICT(TENSOR("K\1", "K\4", "K\1")), "tensor w: shape [4], stride [1], offset 1" OUTSIDE),
        ROW(DICT(TENSOR("K\5", "", "")), "tensor w: shape [], stride [], offset 5" OUTSIDE),
        ROW(DICT(TENSOR("K\5", "K\0", "K\1")), "tensor w: shape [0], stride [1], offset 5" OUTSIDE),
        ROW(DICT(TENSOR(MINUS_1, "K\1", "K\1")),
            "tensor w: shape [1], stride [1], offset -1" OUTSIDE),
        ROW(DICT(TENSOR("K\0", "K\2K\2", "K\3K\1")),
            "tensor w: shape [2, 2], stride [3, 1], offset 0" OUTSIDE),
        ROW(DICT(TENSOR("K\3", "K\4", MINUS_1)), "tensor w: stride[0] is -1, wanted 0 or more"),
        ROW(DICT(TENSOR("K\0", "K\2" MINUS_1, "K\1K\1")),
            "tensor w: shape[1] is -1, wanted 0 or more"),
        ROW(DICT(TENSOR("K\0", "K\5", TWO_TO_62)),
            "tensor w: shape [5], stride [4611686018427387904], offset 0" OUTSIDE),
        ROW(DICT(TENSOR("K\0", TWO_TO_62 TWO_TO_62, "K\0K\0")),
            "tensor w: shape [4611686018427387904, 4611686018427387904], stride [0, 0], offset "
            "0" OUTSIDE),
        ROW(DICT(TENSOR("K\0", TWO_TO_62, "K\0")),
            "tensor w: shape [4611686018427387904], stride [0], offset 0" OUTSIDE),
        ROW(DICT(TENSOR("K\0", "K\1K\1K\1K\1K\1K\1K\1K\1K\1", "")),
            "tensor w: 9 dimensions, at most 8 are read"),
        ROW(DICT(TENSOR("K\0", "K\1", "")), "tensor w: 1 sides and 0 strides"),
        ROW(DICT(TENSOR("K\0", "N", "K\1")), "tensor w: shape is None, wanted integers"),
        ROW(DICT(TENSOR("N", "", "")), "tensor w: its offset is None, wanted an integer"),
        ROW(DICT(REBUILD ")R"), "tensor w: its offset is nothing, wanted an integer"),
        ROW(DICT(REBUILD "(NK\0))tR"), "tensor w: its storage is None, wanted one outside of the "
                                       "pickle"),
        ROW(DICT(REBUILD "(NQK\0))tR"),
            "tensor w: its storage is None, wanted (\"storage\", type, key, ...)"),
        ROW(DICT(REBUILD "(" STORAGE("FloatStorage", "1") "K\0))tR"),
            "tensor w: its storage 1 is missing (is the file cut short?)"),
        ROW(DICT(REBUILD "(" STORAGE("UntypedStorage", "0") "K\0))tR"),
            "tensor w: no type of values is told"),
        ROW(DICT("ctorch._utils\n_rebuild_tensor_v3\n(" STORAGE(
                "UntypedStorage", "0") "K\0))NNctorch\ncomplex32\ntR"),
            "tensor w: torch.complex32 is not read"),
        ROW(DICT(REBUILD "(" STORAGE("FloatStorage", "0") "K\0))NN}X\3\0\0\0neg\x88stR"),
            "tensor w: is a view (neg) that is not read; save its clone()"),
    };
    EXPECT_ROWS(rows);
}

/* ---- what must be read ---- */

static void test_reads(void **state)
{
    (void)state;
    /* a dict of pairs, a parameter, a view from the middle with strides, a value for many, an
     * object with attributes, and things that are no arrays */
    static const char pickle[] = "\x80\2ccollections\nOrderedDict\n](" TEXT("\1", "t")
        TENSOR("K\1", "K\3", "K\1") "ta\x85R(" TEXT(
            "\1", "p") "ctorch._utils\n_rebuild_parameter\n(" TENSOR("K\0", "K\2K\2",
                                                                     "K\1K\2") "\x88NtR" TEXT("\1",
                                                                                              "e")
            TENSOR("K\2", "K\3", "K\0") TEXT("\1", "z") TENSOR("K\4", "K\0", "K\1") "K\7" TENSOR(
                "K\0", "", "") TEXT("\1", "o") "cargparse\nNamespace\n)\x81}" TEXT("\1", "x")
                TENSOR("K\3", "", "") "sb" TEXT(
                    "\1", "n") "cnumpy.core."
                               "multiarray\nscalar\nNN\x86R" TEXT(
                                   "\1", "s") "U\3"
                                              "abc" TEXT("\1", "l") "]("
                                                                    "G\0\0\0\0\0\0\0\0K\1M"
                                                                    "\1\1\x8a\1\x05\x88NeN"
                                                                    "K\1"
                                                                    "u}" TEXT("\11",
                                                                              "_metadata") "Nsb"
                                                                                           ".";
    static const struct {
        const char *name, *shape;
        float values[4];
    } rows[] = {{"t", "[3]", {2, 3, 4}}, {"p", "[2, 2]", {1, 3, 2, 4}},
                {"e", "[3]", {3, 3, 3}}, {"z", "[0]", {0}},
                {"7", "[]", {1}},        {"o.x", "[]", {4}}};
    struct bytes zip = wrap(pickle, sizeof pickle - 1, false);
    struct un_arrays arrays;
    unet_error err = {0};
    if (un_torch_parse("x.pth", zip.data, zip.size, &arrays, &err))
        fail_msg("%s", err.text);
    assert_int_equal(arrays.count, sizeof rows / sizeof *rows);
    assert_string_equal(arrays.format, "PyTorch, zip");
    for (int i = 0; i < arrays.count; i++) {
        const struct un_array *array = &arrays.items[i];
        char shape[UN_SHAPE_TEXT];
        float values[4] = {0};
        assert_string_equal(array->name, rows[i].name);
        assert_string_equal(un_shape_text(array->dims, array->shape, shape), rows[i].shape);
        assert_int_equal(un_array_to_float("x.pth", array, values, &err), UNET_OK);
        assert_memory_equal(values, rows[i].values, sizeof values);
    }
    un_arrays_release(&arrays);
    free(zip.data);
}

/* Objects of classes that nobody knows: what is in them is set apart, whatever it is; those that
 * are dicts are read as such. */
static void test_other_objects(void **state)
{
    (void)state;
    static const char pickle[] =
        "\x80\2}(" TEXT("\2", "sd") "cmy.lib\nMyDict\n)\x81(" TEXT("\1", "w")
            TENSOR("K\1", "K\3", "K\1") "u}" TEXT("\1", "x") "Nsb" /* a dict with attributes */
        TEXT("\2", "hp") "comegaconf\nNode\n)\x81q\1}(" TEXT("\1", "p") "h\1" /* its own parent */
        TEXT("\1", "t") TENSOR("K\0", "K\1", "K\1") "ub"                      /* behind that */
        TEXT("\2", "fn") "cfunctools\npartial\nctorch.optim\nAdam\n\x85R" TEXT(
            "\2", "ee") "cbuiltins\ngetattr\ncmy\nColor\n" TEXT("\3", "red") "\x86R)R" TEXT("\2",
                                                                                            "ok")
            TENSOR("K\3", "", "") "u.";
    static const struct {
        const char *name, *object;
    } rows[] = {{"sd.w", NULL}, {"hp.t", "omegaconf.Node"}, {"ok", NULL}};
    struct bytes zip = wrap(pickle, sizeof pickle - 1, false);
    struct un_arrays arrays;
    unet_error err = {0};
    if (un_torch_parse("x.pth", zip.data, zip.size, &arrays, &err))
        fail_msg("%s", err.text);
    for (int i = 0, row = 0; i < arrays.count; i++, row++) {
        row += row == 1 && strcmp(arrays.items[i].name, rows[row].name); /* it may be left out */
        assert_string_equal(arrays.items[i].name, rows[row].name);
        if (rows[row].object)
            assert_string_equal(arrays.items[i].object, rows[row].object);
        else
            assert_null(arrays.items[i].object);
    }
    un_arrays_select_network(&arrays);
    assert_int_equal(arrays.count, 2);
    assert_string_equal(arrays.items[0].name, "sd.w");
    assert_string_equal(arrays.items[1].name, "ok");
    un_arrays_release(&arrays);
    free(zip.data);
}

/* Each of 60 objects has the one before it twice: none is entered a second time. */
static void test_objects_once(void **state)
{
    (void)state;
    struct bytes p = {0};
    static const char tensor[] = TEXT("\1", "w") TENSOR("K\0", "K\4", "K\1");
    static const char start[] = "\x80\2}(" TEXT("\1", "o") "cx\nO\n)\x81}bq\1"
                                                           "0";
    static const char next[] = "cx\nO\n)\x81](h\1h\1ebq\1"
                               "0";
    bytes_add(&p, start, sizeof start - 1);
    for (int i = 0; i < 60; i++)
        bytes_add(&p, next, sizeof next - 1);
    bytes_add(&p, "h\1", 2);
    bytes_add(&p, tensor, sizeof tensor - 1);
    bytes_add(&p, "u.", 2);
    struct bytes zip = wrap(p.data, p.size, false);
    struct un_arrays arrays;
    unet_error err = {0};
    if (un_torch_parse("x.pth", zip.data, zip.size, &arrays, &err))
        fail_msg("%s", err.text);
    assert_int_equal(arrays.count, 1);
    assert_string_equal(arrays.items[0].name, "w");
    un_arrays_release(&arrays);
    free(zip.data);
    free(p.data);
}

static void test_script_objects(void **state)
{
    (void)state;
    static const char pickle[] =
        "\x80\2c__torch__.net\nNet\n)\x81}(" TEXT("\10", "training") "\x88" TEXT(
            "\3", "enc") "c__torch__.torch.nn.modules.container\nSequential\n)\x81}"
                         "(" TEXT("\1", "0") "c__torch__.torch.nn.modules.conv\nConv2d\n)"
                                             "\x81}(" TEXT("\6", "weight")
                                                 TENSOR("K\0", "K\4", "K\1") "ububub.";
    struct bytes zip = wrap(pickle, sizeof pickle - 1, true);
    struct un_arrays arrays;
    unet_error err = {0};
    if (un_torch_parse("x.pt", zip.data, zip.size, &arrays, &err))
        fail_msg("%s", err.text);
    assert_string_equal(arrays.format, "TorchScript");
    assert_int_equal(arrays.count, 1);
    assert_string_equal(arrays.items[0].name, "enc.0.weight");
    assert_ptr_equal(arrays.items[0].name, arrays.items[0].key);
    un_arrays_release(&arrays);
    free(zip.data);
}

/* Every beginning of a pickle, in memory of just that size. */
static void test_truncated(void **state)
{
    (void)state;
    static const char pickle[] = DICT(TENSOR("K\0", "K\2K\2", "K\1K\2"));
    for (size_t size = 0; size < sizeof pickle - 1; size++) {
        unsigned char *bytes = bytes_exact(pickle, size);
        struct un_pickle made;
        unet_error err = {0};
        assert_int_equal(un_pickle_parse("x", bytes, size, false, &made, &err), UNET_EFORMAT);
        assert_non_null(strstr(err.text, "cut short"));
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),          cmocka_unit_test(test_broken),
        cmocka_unit_test(test_tensors),        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_script_objects), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_other_objects),  cmocka_unit_test(test_objects_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
