/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that mean something to a reader of weights.  None of them is ever called; a name is
 * here when PyTorch writes it for tensors, or when it commonly lies beside weights and holds none.
 */
#include <string.h>

#include "weights/torch/pickle.h"

#define STORAGE(name, dtype)                                                                       \
    {"torch", name, UN_MEANS_STORAGE, dtype},                                                      \
    {                                                                                              \
        "torch.cuda", name, UN_MEANS_STORAGE, dtype                                                \
    }
#define DTYPE(name, dtype)                                                                         \
    {                                                                                              \
        "torch", name, UN_MEANS_DTYPE, dtype                                                       \
    }
#define TENSOR_TYPE(name)                                                                          \
    {"torch", name, UN_MEANS_OPAQUE, NULL},                                                        \
    {                                                                                              \
        "torch.cuda", name, UN_MEANS_OPAQUE, NULL                                                  \
    }
#define OPAQUE(module, name)                                                                       \
    {                                                                                              \
        module, name, UN_MEANS_OPAQUE, NULL                                                        \
    }
#define NOT_READ(module, name, what)                                                               \
    {                                                                                              \
        module, name, UN_MEANS_NOT_READ, what                                                      \
    }

static const struct un_pickle_global globals[] = {
    {"collections", "OrderedDict", UN_MEANS_DICT, NULL},
    {"collections", "defaultdict", UN_MEANS_DICT, NULL},
    {"collections", "Counter", UN_MEANS_DICT, NULL},
    {"builtins", "dict", UN_MEANS_DICT, NULL},
    {"__builtin__", "dict", UN_MEANS_DICT, NULL},

    {"torch._utils", "_rebuild_tensor", UN_MEANS_TENSOR, NULL},
    {"torch._utils", "_rebuild_tensor_v2", UN_MEANS_TENSOR, NULL},
    {"torch._utils", "_rebuild_tensor_v3", UN_MEANS_TENSOR_V3, NULL},
    {"torch._utils", "_rebuild_parameter", UN_MEANS_PARAMETER, NULL},
    {"torch._utils", "_rebuild_parameter_with_state", UN_MEANS_PARAMETER, NULL},
    {"torch.nn.parameter", "Parameter", UN_MEANS_PARAMETER, NULL},
    {"torch.nn.parameter", "Buffer", UN_MEANS_PARAMETER, NULL},
    {"torch._tensor", "_rebuild_from_type_v2", UN_MEANS_FROM_TYPE, NULL},
    OPAQUE("torch", "Tensor"),
    OPAQUE("torch._tensor", "Tensor"),

    STORAGE("FloatStorage", "F32"),
    STORAGE("HalfStorage", "F16"),
    STORAGE("BFloat16Storage", "BF16"),
    STORAGE("DoubleStorage", "F64"),
    STORAGE("LongStorage", "I64"),
    STORAGE("IntStorage", "I32"),
    STORAGE("ShortStorage", "I16"),
    STORAGE("CharStorage", "I8"),
    STORAGE("ByteStorage", "U8"),
    STORAGE("BoolStorage", "BOOL"),
    STORAGE("ComplexFloatStorage", "C64"),
    STORAGE("ComplexDoubleStorage", "C128"),
    STORAGE("UntypedStorage", NULL),
    {"torch.storage", "UntypedStorage", UN_MEANS_STORAGE, NULL},
    {"torch.storage", "_UntypedStorage", UN_MEANS_STORAGE, NULL},
    NOT_READ("torch", "QInt8Storage", "quantized values"),
    NOT_READ("torch", "QUInt8Storage", "quantized values"),
    NOT_READ("torch", "QInt32Storage", "quantized values"),
    NOT_READ("torch", "QUInt4x2Storage", "quantized values"),
    NOT_READ("torch", "QUInt2x4Storage", "quantized values"),
    NOT_READ("torch.storage", "TypedStorage", "a bare storage"),
    NOT_READ("torch.storage", "_load_from_bytes", "a tensor that was not saved by torch.save()"),

    DTYPE("float32", "F32"),
    DTYPE("float", "F32"),
    DTYPE("float16", "F16"),
    DTYPE("half", "F16"),
    DTYPE("bfloat16", "BF16"),
    DTYPE("float64", "F64"),
    DTYPE("double", "F64"),
    DTYPE("int64", "I64"),
    DTYPE("int32", "I32"),
    DTYPE("int16", "I16"),
    DTYPE("int8", "I8"),
    DTYPE("uint64", "U64"),
    DTYPE("uint32", "U32"),
    DTYPE("uint16", "U16"),
    DTYPE("uint8", "U8"),
    DTYPE("bool", "BOOL"),
    DTYPE("complex64", "C64"),
    DTYPE("complex128", "C128"),
    DTYPE("float8_e4m3fn", "F8_E4M3"),
    DTYPE("float8_e5m2", "F8_E5M2"),
    DTYPE("float8_e8m0fnu", "F8_E8M0"),
    DTYPE("float8_e4m3fnuz", NULL),
    DTYPE("float8_e5m2fnuz", NULL),
    DTYPE("complex32", NULL),
    DTYPE("qint8", NULL),
    DTYPE("quint8", NULL),
    DTYPE("qint32", NULL),

    TENSOR_TYPE("FloatTensor"),
    TENSOR_TYPE("HalfTensor"),
    TENSOR_TYPE("BFloat16Tensor"),
    TENSOR_TYPE("DoubleTensor"),
    TENSOR_TYPE("LongTensor"),
    TENSOR_TYPE("IntTensor"),
    TENSOR_TYPE("ShortTensor"),
    TENSOR_TYPE("CharTensor"),
    TENSOR_TYPE("ByteTensor"),
    TENSOR_TYPE("BoolTensor"),

    NOT_READ("torch._utils", "_rebuild_qtensor", "a quantized tensor"),
    NOT_READ("torch._utils", "_rebuild_sparse_tensor", "a sparse tensor"),
    NOT_READ("torch._utils", "_rebuild_sparse_csr_tensor", "a sparse tensor"),
    NOT_READ("torch._utils", "_rebuild_nested_tensor", "a nested tensor"),
    NOT_READ("torch._utils", "_rebuild_meta_tensor_no_storage", "a tensor without values"),
    NOT_READ("torch._utils", "_rebuild_device_tensor_from_numpy", "a tensor of another device"),
    NOT_READ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor",
             "a tensor of another device"),
    NOT_READ("torch._utils", "_rebuild_wrapper_subclass", "a tensor of another library"),

    {"torch", "Size", UN_MEANS_ARGUMENT, NULL},
    {"torch.jit._pickle", "build_intlist", UN_MEANS_ARGUMENT, NULL},
    {"torch.jit._pickle", "build_doublelist", UN_MEANS_ARGUMENT, NULL},
    {"torch.jit._pickle", "build_boollist", UN_MEANS_ARGUMENT, NULL},
    {"torch.jit._pickle", "build_tensorlist", UN_MEANS_ARGUMENT, NULL},
    {"torch.jit._pickle", "restore_type_tag", UN_MEANS_ARGUMENT, NULL},
    OPAQUE("torch.jit._pickle", "build_tensor_from_id"),
    OPAQUE("torch", "device"),
    OPAQUE("torch", "strided"),
    OPAQUE("torch.serialization", "_get_layout"),
    OPAQUE("torch._C", "_get_layout"),

    OPAQUE("numpy", "dtype"),
    OPAQUE("numpy", "ndarray"),
    OPAQUE("numpy", "float64"),
    OPAQUE("numpy", "float32"),
    OPAQUE("numpy", "int64"),
    OPAQUE("numpy", "int32"),
    OPAQUE("numpy", "bool_"),
    OPAQUE("numpy.core.multiarray", "scalar"),
    OPAQUE("numpy.core.multiarray", "_reconstruct"),
    OPAQUE("numpy._core.multiarray", "scalar"),
    OPAQUE("numpy._core.multiarray", "_reconstruct"),
    OPAQUE("numpy.core.numeric", "_frombuffer"),
    OPAQUE("numpy._core.numeric", "_frombuffer"),
    OPAQUE("_codecs", "encode"),
    OPAQUE("builtins", "object"),
    OPAQUE("builtins", "type"),
    OPAQUE("builtins", "getattr"), /* members of enumerations */
    OPAQUE("builtins", "property"),
    OPAQUE("builtins", "Ellipsis"),
    OPAQUE("builtins", "set"),
    OPAQUE("builtins", "frozenset"),
    OPAQUE("builtins", "list"),
    OPAQUE("builtins", "tuple"),
    OPAQUE("builtins", "int"),
    OPAQUE("builtins", "float"),
    OPAQUE("builtins", "bool"),
    OPAQUE("builtins", "str"),
    OPAQUE("builtins", "complex"),
    OPAQUE("builtins", "bytearray"),
    OPAQUE("builtins", "range"),
    OPAQUE("builtins", "slice"),
    OPAQUE("__builtin__", "object"),
    OPAQUE("__builtin__", "getattr"),
    OPAQUE("__builtin__", "set"),
    OPAQUE("__builtin__", "frozenset"),
    OPAQUE("__builtin__", "list"),
    OPAQUE("__builtin__", "complex"),
    OPAQUE("__builtin__", "bytearray"),
    {"pytorch_lightning.utilities.parsing", "AttributeDict", UN_MEANS_DICT, NULL},
    {"lightning.pytorch.utilities.parsing", "AttributeDict", UN_MEANS_DICT, NULL},
    {"lightning_fabric.utilities.data", "AttributeDict", UN_MEANS_DICT, NULL},
    {"lightning.fabric.utilities.data", "AttributeDict", UN_MEANS_DICT, NULL},
    OPAQUE("argparse", "Namespace"),
    OPAQUE("pathlib", "Path"),
    OPAQUE("pathlib", "PosixPath"),
    OPAQUE("pathlib", "PurePosixPath"),
    OPAQUE("pathlib", "WindowsPath"),
    OPAQUE("pathlib", "PureWindowsPath"),
    OPAQUE("pathlib._local", "PosixPath"),
    OPAQUE("pathlib._local", "WindowsPath"),
    OPAQUE("datetime", "datetime"),
    OPAQUE("datetime", "date"),
    OPAQUE("datetime", "timedelta"),
};

static bool same(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && !memcmp(text, word, size);
}

const struct un_pickle_global *un_pickle_global_find(const char *module, size_t module_size,
                                                     const char *name, size_t name_size)
{
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (same(name, name_size, globals[i].name) && same(module, module_size, globals[i].module))
            return &globals[i];
    return NULL;
}
