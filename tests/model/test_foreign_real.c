/* SPDX-License-Identifier: Apache-2.0 */
/* Real weights of other people, where ../shared/data/weights is: their networks answer as PyTorch
 * did. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "image/image.h"
#include "network_answer.h"
#include "support/known.h"

/* The values of a .npy file of any shape, of `bytes` each. */
static void *read_npy(const char *path, size_t count, size_t bytes)
{
    unsigned char head[10];
    FILE *file = fopen(path, "rb");
    void *values = malloc(count * bytes);
    if (!file || fread(head, 1, 10, file) != 10 ||
        fseek(file, 10 + head[8] + 256 * head[9], SEEK_SET) ||
        fread(values, bytes, count, file) != count || fgetc(file) != EOF)
        fail_msg("%s: is not %zu values", path, count);
    if (UN_HOST_BIG)
        un_swap(values, count, (int)bytes);
    fclose(file);
    return values;
}

static unet_model *read_real(const char *name)
{
    char path[512];
    unet_model *model = NULL;
    unet_error err;
    snprintf(path, sizeof path, "%s/weights/%s", TEST_SHARED, name);
    if (access(path, R_OK)) {
        print_message("skipped: no %s\n", path);
        skip();
    }
    if (un_model_read(path, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

/* What is stored of its results are probabilities. */
static void test_nuclei(void **state)
{
    static const char *const files[] = {"nuclei_broad/weights.pt", "nuclei_broad/weights.onnx"};
    enum { SIDE = 512, COUNT = SIDE * SIDE };
    (void)state;
    for (int f = 0; f < 2; f++) {
        struct un_shape in = {1, SIDE, SIDE, 1}, out;
        unet_model *model = read_real(files[f]);
        float *input =
            read_npy(TEST_SHARED "/weights/nuclei_broad/test_input.npy", COUNT, sizeof *input);
        float *want =
            read_npy(TEST_SHARED "/weights/nuclei_broad/test_output.npy", COUNT, sizeof *want);
        standardize(input, COUNT);
        float *got = run_whole(files[f], model, input, in, &out);
        double most = 0;
        for (int i = 0; i < COUNT; i++)
            most = fmax(most, fabs(1 / (1 + exp(-(double)got[i])) - (double)want[i]));
        if (!(most <= 1e-5))
            fail_msg("%s: probabilities differ by %g", files[f], most);
        free(input);
        free(want);
        free(got);
        unet_model_free(model);
    }
}

static void test_stemseg(void **state)
{
    enum { SIDE = 192, COUNT = SIDE * SIDE, CLASSES = 5 };
    const char *folder = TEST_SHARED "/weights/stemseg/graphene_d150";
    struct un_shape in = {1, SIDE, SIDE, 1}, out;
    char path[512];
    (void)state;
    unet_model *model = read_real("stemseg/unet.pt");
    snprintf(path, sizeof path, "%s_image.npy", folder);
    float *input = read_npy(path, COUNT, sizeof *input);
    snprintf(path, sizeof path, "%s_logits_f64ref.npy", folder);
    float *want = read_npy(path, COUNT * CLASSES, sizeof *want);
    standardize(input, COUNT);
    float *got = run_whole("stemseg", model, input, in, &out);
    float *planes = turned(got, out, false);
    double found = difference(planes, want, COUNT * CLASSES);
    if (!(found <= 1e-5))
        fail_msg("logits differ by %g of the largest", found);
    free(input);
    free(want);
    free(got);
    free(planes);
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nuclei),
        cmocka_unit_test(test_stemseg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
