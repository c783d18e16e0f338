/* SPDX-License-Identifier: Apache-2.0 */
/* What the text of TorchScript's classes tells of a network, and what makes it one of another kind.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "weights/torch/torch_file.h"

static struct un_hints hints_of(const char *text)
{
    struct un_torch_hints hints = {.told = un_hints_none(), .steps_left = 1000};
    un_torch_take_code(&hints, text, text + strlen(text));
    return hints.told;
}

#define NET "class Net(Module):\n  def forward(self, x: Tensor) -> Tensor:\n"

static void test_activations(void **state)
{
    static const struct {
        const char *text;
        int act;
        float slope;
        const char *stranger;
    } rows[] = {
        {NET "    return torch.relu_(x)\n", UNET_ACT_RELU, NAN, NULL},
        {NET "    return torch.leaky_relu(x, 0.25)\n", UNET_ACT_LEAKY_RELU, 0.25f, NULL},
        {NET
         "    _2 = __torch__.torch.nn.functional.leaky_relu\n    return _2(x, 0.125, False, )\n",
         UNET_ACT_LEAKY_RELU, 0.125f, NULL},
        {NET "    _2 = __torch__.torch.nn.functional.___torch_mangle_7.relu\n", UNET_ACT_RELU, NAN,
         NULL},
        {NET "    act = self.elu\n    return (act).forward(x, )\n", -1, NAN, NULL},
        {"class LeakyReLU(Module):\n  negative_slope : Final[float] = 0.5\n", UNET_ACT_LEAKY_RELU,
         0.5f, NULL},
        {"class ELU(Module):\n  alpha : Final[float] = 1.\n", -1, NAN, "ELU"},
        {NET "    return torch.gelu(x, approximate=\"none\")\n", -1, NAN, "GELU"},
        {NET "    return torch.avg_pool2d(x, [2, 2])\n", -1, NAN, "AvgPool2d"},
        {NET "    _0 = __torch__.torch.nn.functional.___torch_mangle_1.silu\n    return _0(x, "
             "False, )\n",
         -1, NAN, "SiLU"},
        /* functions are PyTorch's own, and have a branch for everything */
        {"def silu(input: Tensor) -> Tensor:\n  return torch.silu(input)\n", -1, NAN, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct un_hints told = hints_of(rows[i].text);
        const char *stranger = told.stranger ? told.stranger : "", *want = rows[i].stranger;
        bool slope =
            isnan(rows[i].slope) ? isnan(told.leaky_slope) : told.leaky_slope == rows[i].slope;
        if (told.act != rows[i].act || !slope || strcmp(stranger, want ? want : ""))
            fail_msg("row %zu: act %d, slope %g, stranger \"%s\"", i, told.act,
                     (double)told.leaky_slope, stranger);
    }
}

/* What a class does to what it is given: scales it, which is refused, or joins it to a map. */
static void test_arguments(void **state)
{
    static const struct {
        const char *text;
        bool scales, sigmoid;
        int concat;
    } rows[] = {
        {NET "    return torch.mul(x, CONSTANTS.c0)\n", true, false, -1},
        {NET "    y = torch.div(torch.sub(x, CONSTANTS.c0), CONSTANTS.c1)\n", true, false, -1},
        {NET "    y = torch.div(x, 255.)\n", true, false, -1},
        {NET "    mean = self.mean\n    y = torch.sub(x, mean)\n", true, false, -1},
        {NET "    y = torch.div(torch.to(x, 6), 255)\n", true, false, -1},
        {NET "    y = torch.to(x, 6)\n    z = torch.div(y, 255)\n", true, false, -1},
        {NET "    return torch.mul(CONSTANTS.c0, x)\n", true, false, -1},
        {NET "    scale = self.scale\n    return torch.mul(scale, x)\n", true, false, -1},
        /* of maps that were made, of sizes, of two arguments */
        {NET "    y = torch.add(x, y)\n", false, false, -1},
        {NET "    n = torch.sub(torch.size(x, 2), 1)\n", false, false, -1},
        {"class B(Module):\n  def f(self, n: int) -> int:\n    return torch.add(n, 1)\n", false,
         false, -1},
        {NET "    return torch.sigmoid(x)\n", false, true, -1},
        {"class Sigmoid(Module):\n", false, true, -1},
        {NET "    _0 = [(up).forward(y, ), x]\n    z = torch.cat(_0, 1)\n", false, false,
         UNET_CONCAT_UP_SKIP},
        {NET "    z = torch.cat([x, (up).forward(y, None, )], 1)\n", false, false,
         UNET_CONCAT_SKIP_UP},
        {NET "    y = (up).forward(a, )\n    z = torch.cat([y, x], 1)\n", false, false,
         UNET_CONCAT_UP_SKIP},
        /* one that crops the skip has what comes from below as an argument */
        {NET "    y = torch.slice(a, 2, 1, 9)\n    z = torch.cat([x, y], 1)\n", false, false, -1},
        {NET "    z = torch.cat([x, torch.slice(a, 2, 1, 9)], 1)\n", false, false, -1},
        {NET "    z = torch.cat([y, z], 1)\n", false, false, -1},
        {NET "    z = torch.cat([x, y, w], 1)\n", false, false, -1},
        {NET "    y = (up).forward(a, )\n    z = torch.cat([x, y], 1)\n    z = torch.cat([y, x], "
             "1)\n",
         false, false, UN_HINT_CONFLICT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct un_hints told = hints_of(rows[i].text);
        if ((told.stranger != NULL) != rows[i].scales || told.sigmoid != rows[i].sigmoid ||
            told.concat != rows[i].concat)
            fail_msg("row %zu: stranger \"%s\", sigmoid %d, concat %d", i,
                     told.stranger ? told.stranger : "", told.sigmoid, told.concat);
    }
}

/* Calls in branches that say different things tell nothing. */
static void test_doublings(void **state)
{
    static const char one[] = NET "    _4 = __torch__.torch.nn.functional.interpolate\n"
                                  "    return _4(x, None, 2., \"bilinear\", True, None, False, )\n";
    static const char two[] =
        NET "    _4 = __torch__.torch.nn.functional.interpolate\n"
            "    if a:\n      y = _4(x, None, 2., \"nearest\", None, None, False, )\n"
            "    else:\n      y = _4(x, None, 2., \"bilinear\", False, None, False, )\n";
    (void)state;
    assert_int_equal(hints_of(one).up, UNET_UP_BILINEAR);
    assert_int_equal(hints_of(one).align_corners, 1);
    assert_int_equal(hints_of(two).up, UN_HINT_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_doublings),
    };
    return cmocka_run_group_tests_name("hints", tests, NULL, NULL);
}
