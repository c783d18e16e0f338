/* SPDX-License-Identifier: Apache-2.0 */
/* Model files that somebody edited: what is wrong is named, what is harmless is read. */
#include "model_files.h"

#include <math.h>

/* A well-formed file with one part of its header replaced. */
static void write_edited(const char *bytes, size_t size, const char *from, const char *to)
{
    uint64_t length;
    memcpy(&length, bytes, 8);
    char *text = malloc(length + 1), *made = malloc(size + strlen(to));
    assert_non_null(text);
    assert_non_null(made);
    memcpy(text, bytes + 8, length);
    text[length] = 0;
    char *at = strstr(text, from);
    if (!at)
        fail_msg("no %s in %s", from, text);
    uint64_t edited =
        (uint64_t)sprintf(made + 8, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    memcpy(made, &edited, 8);
    memcpy(made + 8 + edited, bytes + 8 + length, size - 8 - length);
    write_bytes(made, 8 + edited + size - 8 - length);
    free(made);
    free(text);
}

static void expect_refused(const char *want)
{
    unet_model *model = NULL;
    unet_error err = {0};
    unet_code code = un_model_read(path, &model, &err);
    if (code != UNET_EFORMAT || !strstr(err.text, path) || !strstr(err.text, want))
        fail_msg("code %d, text \"%s\", wanted \"%s\"", code, err.text, want);
    assert_null(model);
}

#define Q "\\\"" /* a quote inside of the metadata's string */
#define META "m.safetensors: unet metadata: "

static const struct edit {
    const char *from, *to, *want;
} edits[] = {
    {"\"__metadata__\":", "\"__metadat__\":", "tensor __metadat__: dtype is missing"},
    {"{" Q "format" Q ":1", "", "unet metadata is not valid JSON at byte 1"},
    {"\"{" Q "format" Q ":1", "\"[{" Q "format" Q ":1", "unet metadata is not valid JSON at byte"},
    {Q "format" Q ":1", Q "format" Q ":10",
     META "format is 10, this version of unet reads up to 9"},
    {Q "format" Q ":1", Q "format" Q ":0", META "format is 0, wanted 1..2147483647"},
    {Q "format" Q ":1", Q "forma" Q ":1", META "format is missing"},
    {Q "format" Q ":1", Q "format" Q ":" Q "1" Q, META "format is a string, wanted an integer"},
    {Q "spec" Q, Q "specs" Q, META "spec is missing"},
    {Q "spec" Q ":", Q "spec" Q ":1," Q "x" Q ":", META "spec is an integer, wanted an object"},
    {Q "width" Q ":2", Q "width" Q ":0", META "spec.width is 0, wanted 1 to 1024"},
    {Q "width" Q ":2", Q "width" Q ":1e3", META "spec.width is a number, wanted an integer"},
    {Q "width" Q ":2", Q "width" Q ":99999999999", META "spec.width is 99999999999, wanted"},
    {Q "width" Q ":2", Q "width" Q ":2," Q "width" Q ":2", "unet metadata is not valid JSON"},
    {Q "width" Q ":2", Q "width" Q ":3", "weight: has shape [2, 1, 3, 3], the network needs [3, 1"},
    {Q "depth" Q ":1", Q "depth" Q ":6", "is missing"},
    {Q "spec" Q ":{", Q "spec" Q ":{" Q "convs" Q ":3,", META "spec.convs is 3, wanted 0 to 2"},
    {Q "spec" Q ":{", Q "spec" Q ":{" Q "concat" Q ":" Q "sum" Q ",",
     META "spec.concat is \"sum\", wanted up_skip or skip_up"},
    {Q "spec" Q ":{", Q "spec" Q ":{" Q "channels" Q ":{" Q "enc" Q ":[[2,2]]},",
     META "spec.channels.enc has 1 entries, wanted 2"},
    {Q "spec" Q ":{", Q "spec" Q ":{" Q "channels" Q ":{" Q "enc" Q ":[[2,2],[4]]},",
     META "spec.channels.enc[1] is not two numbers"},
    {Q "spec" Q ":{", Q "spec" Q ":{" Q "channels" Q ":{" Q "enc" Q ":[[2,2],[4,5]]},",
     META "spec.channels.dec is missing"},
    {Q "spec" Q ":{", Q "spec" Q ":{" Q "align_corners" Q ":1,",
     META "spec.align_corners is 1, wanted only with bilinear doubling and same padding"},
    {Q "spec" Q ":{", Q "spec" Q ":{" Q "norm_epsilon" Q ":2,",
     META "spec.norm_epsilon is 2, wanted 0 to 1"},
    {Q "depth" Q ":1", Q "depth" Q ":9", META "spec.depth is 9, wanted 1 to 8"},
    {Q "classes" Q ":2", Q "classes" Q ":255", META "spec.classes is 255, wanted 1 to 254"},
    {Q "in_channels" Q ":1", Q "in_channels" Q ":-1", META "spec.in_channels is -1, wanted"},
    {Q "valid" Q, Q "full" Q, META "spec.padding is \"full\", wanted valid or same"},
    {Q "transpose" Q, "true", META "spec.up is true or false, wanted a string"},
    {Q "leaky_slope" Q ":", Q "slope" Q ":", META "spec.leaky_slope is missing"},
    {Q "dropout" Q ":0.0", Q "dropout" Q ":1", META "spec.dropout is 1, wanted at least 0"},
    {Q "dropout" Q ":0.0", Q "dropout" Q ":1e99", META "spec.dropout is 1e+99, too large for"},
    {Q "dropout" Q ":0.0", Q "dropout" Q ":1e999", "unet metadata is not valid JSON"},
    {Q "dropout" Q ":0.0", Q "dropout" Q ":NaN", "unet metadata is not valid JSON"},
    {Q "set" Q ":false", Q "set" Q ":0", META "scaling.set is an integer, wanted true or false"},
    {Q "set" Q ":false", Q "set" Q ":false," Q "trained_on" Q ":8",
     META "scaling.trained_on is an integer, wanted an array"},
    {Q "set" Q ":false,", Q "set" Q ":false," Q "means" Q ":[1,2]," Q "deviations" Q ":[1,2],",
     META "scaling has 2 means, the network has 1 channels"},
    {Q "scaling" Q ":{" Q "set" Q ":false", Q "scaling" Q ":{" Q "set" Q ":true," Q "x" Q ":0",
     META "scaling.scale is 0"},
    {Q "offset" Q, Q "off" Q, META "scaling.offset is missing"},
    {"[[0,0],", "[[0,0],[0,1],", META "coding[1]: mask value 0 occurs twice"},
    {"[[0,0],", "[[256,0],", META "coding[0]: mask value 256, wanted 0..255"},
    {"[[0,0],", "[[0,2],", META "coding[0]: class 2, wanted 0..1 or 255"},
    {"[[0,0],", "[[0,-1],", META "coding[0]: class -1, wanted 0..1 or 255"},
    {"[[0,0],", "[7,", META "coding[0] is not two integers"},
    {"[[0,0],", "[[0],", META "coding[0] is not two integers"},
    {Q "trained" Q ":false", Q "trained" Q ":null", META "trained is null, wanted true or false"},
    {"{" Q "name" Q, "{" Q "nam" Q, META "classes[0].name is missing"},
    {Q "name" Q ":" Q Q, Q "name" Q ":" Q "\\\\n" Q, META "classes[0]: class name \"?\" is not"},
    {Q "#000000" Q, Q "000000" Q, META "classes[0].color is \"000000\", wanted \"#rrggbb\""},
    {Q "#000000" Q, Q "#00 00+" Q, META "classes[0].color is \"#00 00+\", wanted"},
    {Q "classes" Q ":[", Q "classes" Q ":[1,", META "classes has 3 entries, the network has 2"},
    {Q "settings" Q ":{", Q "settings" Q ":[]," Q "x" Q ":{",
     META "settings is an array, wanted an"},
    {"\"enc_0.conv_block.0.weight\"", "\"z\"", "tensor enc_0.conv_block.0.weight is missing"},
    {"\"out_conv.bias\"", "\"out_conv.bia\"", "tensor out_conv.bias is missing"},
    {"[2,1,3,3]", "[2,1,9]", "enc_0.conv_block.0.weight: has shape [2, 1, 9], the network needs"},
    {"[2,1,3,3]", "[1,2,3,3]", "has shape [1, 2, 3, 3], the network needs [2, 1, 3, 3]"},
    {"\"F32\"", "\"I32\"", "tensor enc_0.conv_block.0.weight: is I32, wanted F32, F64, F16"},
    {"\"__metadata__\"",
     "\"y\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
     "\"__metadata__\"",
     "m.safetensors: tensor y: the network has none of this name"},
};

static void test_broken_files(void **state)
{
    (void)state;
    size_t size;
    char *bytes = write_small(&size);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        write_edited(bytes, size, edits[i].from, edits[i].to);
        expect_refused(edits[i].want);
    }
    for (size_t cut = 0; cut < size; cut++) {
        write_bytes(bytes, cut);
        expect_refused("");
    }
    write_bytes(bytes, size - 4);
    expect_refused("(is the file cut short?)");
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        memcpy(bytes + size - 4, &bad[i], 4);
        write_bytes(bytes, size);
        expect_refused("tensor out_conv.bias: value 1 is ");
    }
    free(bytes);
}

static void test_harmless_edits(void **state)
{
    (void)state;
    static const char *const harmless[][2] = {
        {Q "format" Q, Q "new" Q ":[1,{}]," Q "format" Q}, /* a field of a later version */
        {"\"__metadata__\"", "\"n.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[0],"
                             "\"data_offsets\":[0,0]},\"__metadata__\""},
        {"\"format\":\"pt\"", "\"other\":\"x\""},
        {Q "offset" Q ":0.0", Q "offset" Q ":0"},
    };
    size_t size;
    char *bytes = write_small(&size);
    unet_model *want = read_model();
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        write_edited(bytes, size, harmless[i][0], harmless[i][1]);
        unet_model *model = read_model();
        assert_same_model(want, model);
        un_model_free(model);
    }
    un_model_free(want);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_harmless_edits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
