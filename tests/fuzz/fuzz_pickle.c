/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the pickle of a PyTorch file, in an archive made here.  The first byte says whether
 * it is TorchScript.  Mutations put in what such pickles are made of, and an empty corpus begins
 * with a tensor.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz_zip.h"
#include "weights/torch/torch.h"

#define TEXT(size, text) "X" size "\0\0\0" text
#define STORAGE(type)                                                                              \
    "(" TEXT("\7", "storage") "ctorch\n" type "\nX\1\0\0\0"                                        \
                              "0X\3\0\0\0cpuK\4tQ"
#define SEED                                                                                       \
    "\0\x80\2}(X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(" STORAGE(                            \
        "FloatStorage") "K\0(K\2K\2t(K\2K\1t\x89"                                                  \
                        "ccollections\nOrderedDict\n)RtRu."
#define PIECE(text)                                                                                \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }

static const struct {
    const char *text;
    size_t size;
} pieces[] = {
    PIECE(SEED),
    PIECE(STORAGE("FloatStorage")),
    PIECE(STORAGE("HalfStorage")),
    PIECE(STORAGE("UntypedStorage")),
    PIECE("ctorch._utils\n_rebuild_tensor_v2\n"),
    PIECE("ctorch._utils\n_rebuild_tensor_v3\n"),
    PIECE("ctorch._utils\n_rebuild_parameter\n"),
    PIECE("ctorch._tensor\n_rebuild_from_type_v2\n"),
    PIECE("ccollections\nOrderedDict\n)R"),
    PIECE("ccollections\nOrderedDict\n]\x85R"),
    PIECE("ctorch\nSize\n"),
    PIECE("ctorch\nfloat16\n"),
    PIECE("c__torch__.torch.nn.modules.conv\nConv2d\n)\x81}(X\6\0\0\0weight"),
    PIECE("c__torch__.torch.nn.modules.container\nSequential\n)\x81}("),
    PIECE("c__torch__.torch.nn.modules.activation\nReLU\n)\x81}b"),
    PIECE("X\1\0\0\0a"),
    PIECE("}(X\1\0\0\0b"),
    PIECE("](K\1K\2K\3e"),
    PIECE("q\1"),
    PIECE("h\1"),
    PIECE("\x8a\x08\0\0\0\0\0\0\0\x40"),
    PIECE("J\xff\xff\xff\xff"),
    PIECE("tR"),
    PIECE("ub"),
};

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    const unsigned piece = size < 8 ? 0 : seed / 2 % (sizeof pieces / sizeof *pieces);
    if ((seed % 2 && size >= 8) || pieces[piece].size > most - size)
        return LLVMFuzzerMutate(bytes, size, most);
    const size_t at = size ? seed / 64 % size : 0;
    memmove(bytes + at + pieces[piece].size, bytes + at, size - at);
    memcpy(bytes + at, pieces[piece].text, pieces[piece].size);
    return size + pieces[piece].size;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const float values[4] = {1, 2, 3, 4};
    struct zip_maker zip = {0};
    struct un_arrays arrays;
    unet_error err;
    if (!size)
        return 0;
    zip_add(&zip, "a/data.pkl", bytes + 1, size - 1);
    zip_add(&zip, "a/data/0", values, sizeof values);
    if (*bytes & 1)
        zip_add(&zip, "a/constants.pkl", "", 0);
    struct bytes file = zip_end(&zip);
    if (!un_torch_parse("x", file.data, file.size, &arrays, &err)) {
        for (int i = 0; i < arrays.count; i++) {
            const struct un_array *array = &arrays.items[i];
            float *floats =
                array->count < 1 << 16 ? malloc((array->count + 1) * sizeof *floats) : NULL;
            if (floats)
                un_array_to_float("x", array, floats, &err);
            free(floats);
        }
        un_arrays_release(&arrays);
    }
    free(file.data);
    return 0;
}
