/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layouts.  A pattern is a name in which # stands for a number; a pattern that begins with ? is
 * of modules that not every network of the class has.  A class is recognised when every module fits
 * a pattern and every pattern without ? has a module.
 */
#include "recognise/layouts.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { OPEN = -1 };

/* ---- the patterns ---- */

#define KEYS(name) static const char *const name##_keys[]

KEYS(unet) = {"enc_#.conv_block.#",
              "bottleneck.conv_block.#",
              "?upconv_#",
              "?upnorm_#",
              "dec_#.conv_block.#",
              "out_conv",
              NULL};
KEYS(milesial) = {"inc.double_conv.#", "down#.maxpool_conv.#.double_conv.#",
                  "?up#.up",           "up#.conv.double_conv.#",
                  "outc.conv",         NULL};
KEYS(milesial_2019) = {
    "inc.conv.conv.#", "down#.mpconv.#.conv.#", "?up#.up", "up#.conv.conv.#", "outc.conv", NULL};
KEYS(mateuszbuda) = {"encoder#.enc#conv#",
                     "encoder#.enc#norm#",
                     "bottleneck.bottleneckconv#",
                     "bottleneck.bottlenecknorm#",
                     "upconv#",
                     "decoder#.dec#conv#",
                     "decoder#.dec#norm#",
                     "conv",
                     NULL};
KEYS(stemseg) = {"enc#.#", "bottom.#", "up#", "dec#.#", "head", NULL};
KEYS(bioimage) = {"encoders.#.#", "base.#", "decoders.#.#", "upsamplers.#.#", "output", NULL};
KEYS(jvanvugt) = {"down_path.#.block.#",          "?up_path.#.up", "?up_path.#.up.#",
                  "up_path.#.conv_block.block.#", "last",          NULL};
KEYS(leejunhyun) = {"Conv#.conv.#", "Up#.up.#", "Up_conv#.conv.#", "Conv_#x#", NULL};
KEYS(aladdinpersson) = {"downs.#.conv.#",    "ups.#",      "ups.#.conv.#",
                        "bottleneck.conv.#", "final_conv", NULL};
KEYS(usuyama) = {"dconv_down#.#", "dconv_up#.#", "conv_last", NULL};
KEYS(monai) = {"conv_#.conv_#.conv",
               "?conv_#.conv_#.adn.N",
               "down_#.convs.conv_#.conv",
               "?down_#.convs.conv_#.adn.N",
               "?upcat_#.upsample.deconv",
               "upcat_#.convs.conv_#.conv",
               "?upcat_#.convs.conv_#.adn.N",
               "final_conv",
               NULL};

KEYS(torch_em) = {"encoder.blocks.#.block.#", "base.block.#", "decoder.blocks.#.block.#",
                  "decoder.samplers.#.conv",  "out_conv",     NULL};
KEYS(nnunet) = {"encoder.stages.#.#.convs.#.conv",
                "encoder.stages.#.#.convs.#.norm",
                "decoder.stages.#.convs.#.conv",
                "decoder.stages.#.convs.#.norm",
                "decoder.transpconvs.#",
                "decoder.seg_layers.#",
                NULL};
KEYS(nnunet_resenc) = {"encoder.stem.convs.#.conv",
                       "encoder.stem.convs.#.norm",
                       "encoder.stages.#.blocks.#.conv#.conv",
                       "encoder.stages.#.blocks.#.conv#.norm",
                       "?encoder.stages.#.blocks.#.skip.#.conv",
                       "?encoder.stages.#.blocks.#.skip.#.norm",
                       "decoder.stages.#.convs.#.conv",
                       "decoder.stages.#.convs.#.norm",
                       "decoder.transpconvs.#",
                       "decoder.seg_layers.#",
                       NULL};
KEYS(monai_unet) = {"0.*", "1.submodule.*", "2.*", NULL};

KEYS(smp) = {"encoder.conv#",
             "encoder.bn#",
             "encoder.layer#.#.conv#",
             "encoder.layer#.#.bn#",
             "?encoder.layer#.#.downsample.#",
             "decoder.blocks.#.conv#.#",
             "segmentation_head.#",
             NULL};

/* ---- the layouts ---- */

#define RELU .act = UNET_ACT_RELU, .leaky_slope = NAN, .single_act = 0
#define SAME .padding = UNET_PADDING_SAME
#define TRANSPOSED .up = OPEN, .align_corners = OPEN, .up_act = 0
#define NO_OTHER_NORM .norm = OPEN
#define MILESIAL /* before and after it renamed its layers */                                      \
    .direction = UN_NUMBERS_RISE, SAME, RELU, .norm_order = UNET_NORM_FIRST,                       \
    .concat = UNET_CONCAT_SKIP_UP, NO_OTHER_NORM, .up = UNET_UP_BILINEAR, .align_corners = 1,      \
    .up_act = 0
#define NNUNET                                                                                     \
    .direction = UN_NUMBERS_RISE, SAME, .act = UNET_ACT_LEAKY_RELU, .leaky_slope = 0.01f,          \
    .single_act = 0, .norm_order = UNET_NORM_FIRST, .concat = UNET_CONCAT_UP_SKIP,                 \
    .norm = UNET_NORM_INSTANCE, TRANSPOSED, .down = UNET_DOWN_CONV, .lists = true

static const struct un_names layouts[] = {
    {.name = "unet",
     .direction = UN_NUMBERS_FALL,
     .padding = UNET_PADDING_VALID,
     RELU,
     .norm_order = UNET_NORM_FIRST,
     .concat = UNET_CONCAT_UP_SKIP,
     .norm = OPEN,
     .up = UNET_UP_BILINEAR,
     .align_corners = 0,
     .up_act = OPEN,
     .keys = unet_keys},
    {.name = "milesial", MILESIAL, .keys = milesial_keys},
    {.name = "milesial 2019", MILESIAL, .keys = milesial_2019_keys},
    {.name = "mateuszbuda",
     .direction = UN_NUMBERS_FALL,
     SAME,
     RELU,
     .norm_order = UNET_NORM_FIRST,
     .concat = UNET_CONCAT_UP_SKIP,
     NO_OTHER_NORM,
     TRANSPOSED,
     .keys = mateuszbuda_keys},
    {.name = "stemseg",
     .direction = UN_NUMBERS_FALL,
     SAME,
     RELU,
     .norm_order = UNET_NORM_FIRST,
     .concat = UNET_CONCAT_UP_SKIP,
     NO_OTHER_NORM,
     TRANSPOSED,
     .keys = stemseg_keys},
    {.name = "bioimage.io",
     .direction = UN_NUMBERS_RISE,
     SAME,
     .act = UNET_ACT_RELU,
     .leaky_slope = NAN,
     .single_act = 1,
     .norm_order = UNET_NORM_FIRST,
     .concat = UNET_CONCAT_SKIP_UP,
     NO_OTHER_NORM,
     .up = UNET_UP_BILINEAR,
     .align_corners = 0,
     .up_act = 0,
     .keys = bioimage_keys},
    {.name = "jvanvugt",
     .direction = UN_NUMBERS_RISE,
     .padding = UNET_PADDING_VALID,
     RELU,
     .norm_order = UNET_ACT_FIRST,
     .concat = UNET_CONCAT_UP_SKIP,
     NO_OTHER_NORM,
     .up = UNET_UP_BILINEAR,
     .align_corners = 0,
     .up_act = 0,
     .keys = jvanvugt_keys},
    {.name = "leejunhyun",
     .direction = UN_NUMBERS_FALL,
     SAME,
     RELU,
     .norm_order = UNET_NORM_FIRST,
     .concat = UNET_CONCAT_SKIP_UP,
     NO_OTHER_NORM,
     .up = UNET_UP_NEAREST,
     .align_corners = OPEN,
     .up_act = 1,
     .keys = leejunhyun_keys},
    {.name = "aladdinpersson",
     .direction = UN_NUMBERS_RISE,
     SAME,
     RELU,
     .norm_order = UNET_NORM_FIRST,
     .concat = UNET_CONCAT_SKIP_UP,
     NO_OTHER_NORM,
     TRANSPOSED,
     .keys = aladdinpersson_keys},
    {.name = "usuyama",
     .direction = UN_NUMBERS_FALL,
     SAME,
     RELU,
     .norm_order = UNET_NORM_FIRST,
     .concat = UNET_CONCAT_UP_SKIP,
     NO_OTHER_NORM,
     .up = UNET_UP_BILINEAR,
     .align_corners = 1,
     .up_act = 0,
     .keys = usuyama_keys},
    {.name = "torch_em",
     .direction = UN_NUMBERS_RISE,
     SAME,
     RELU,
     .norm_order = UNET_BEFORE_CONV,
     .before = true,
     .concat = UNET_CONCAT_UP_SKIP,
     NO_OTHER_NORM,
     .up = UNET_UP_BILINEAR,
     .align_corners = 0,
     .up_act = 0,
     .keys = torch_em_keys},
    {.name = "nnunet", NNUNET, .keys = nnunet_keys}, /* PlainConvUNet of the second version */
    {.name = "nnunet_resenc", NNUNET, .residual = UNET_RESIDUAL_NNUNET, .keys = nnunet_resenc_keys},
    /* segmentation_models_pytorch's Unet with the encoders resnet18 .. resnet152; of bottlenecks,
       too */
    {.name = "smp",
     .direction = UN_NUMBERS_RISE,
     SAME,
     RELU,
     .norm_order = UNET_NORM_FIRST,
     .concat = UNET_CONCAT_UP_SKIP,
     NO_OTHER_NORM,
     .up = UNET_UP_NEAREST,
     .align_corners = 0,
     .up_act = 0,
     .down = UNET_DOWN_CONV,
     .residual = UNET_RESIDUAL_RESNET,
     .lists = true,
     .keys = smp_keys},
    {.name = "monai",
     .direction = UN_NUMBERS_FALL,
     SAME,
     .act = UNET_ACT_LEAKY_RELU,
     .leaky_slope = 0.1f,
     .single_act = 0,
     .norm_order = UNET_NORM_FIRST,
     .concat = UNET_CONCAT_SKIP_UP,
     .norm = UNET_NORM_INSTANCE,
     TRANSPOSED,
     .keys = monai_keys},
    {.name = "monai_unet",
     .direction = UN_NUMBERS_RISE,
     SAME,
     .act = UNET_ACT_RELU, /* where it is not PReLU, which has arrays */
     .leaky_slope = 0.01f,
     .single_act = 0,
     .norm_order = UNET_NORM_FIRST,
     .concat = UNET_CONCAT_SKIP_UP,
     .norm = UNET_NORM_INSTANCE,
     TRANSPOSED,
     .down = UNET_DOWN_CONV,
     .lists = true,
     .family = UNET_FAMILY_MONAI,
     .keys = monai_unet_keys},
};

enum { LAYOUTS = sizeof layouts / sizeof *layouts };

/* Classes whose arrays have the shapes of a plain U-Net's while the network is another.  A number
 * in a key is one that the other network has and a plain one of the same names has not. */
static const struct {
    const char *key, *reason; /* * stands for anything */
    bool unread;              /* only where no layout is of these names */
} refused[] = {
    {"conv_blocks_context.#.*", "the names of nnU-Net's first version; that of its second is read",
     false},
    {"encoder.stages.#.blocks.#.conv3.*", "residual blocks of three convolutions (bottlenecks)",
     false},
    {"encoder.stages.#.blocks.#.squeeze*", "residual blocks with squeeze and excitation", false},
    {"encoder.stages.#.blocks.#.*",
     "residual blocks and other arrays than nnU-Net's ResidualEncoderUNet has", true},
    {"encoder.layer#.#.se_module.*", "residual blocks with squeeze and excitation", false},
    {"decoder.blocks.#.attention#.*",
     "attention in its decoder (segmentation_models_pytorch's scse)", false},
    {"decoder.blocks.x_#_#.*", "a nested decoder (segmentation_models_pytorch's UnetPlusPlus)",
     false},
    {"decoder.blocks.#.hl_conv.*", "attention in its decoder (segmentation_models_pytorch's MAnet)",
     false},
    {"encoder.layer#.#.*",
     "residual blocks and other arrays than segmentation_models_pytorch's Unet with a ResNet as "
     "its "
     "encoder has",
     true},
    {"down_sample_layers.#.layers.4.*", "fastMRI's average poolings", false},
};

/* ---- looking up ---- */

bool un_layout_matches(const char *key, const char *name, int length)
{
    const char *end = name + length;
    for (; *key; key++) {
        if (*key == '*')
            return true;
        if (name == end)
            return false;
        if (*key != '#') {
            if (*key != *name++)
                return false;
            continue;
        }
        if (!isdigit((unsigned char)*name))
            return false;
        while (name < end && isdigit((unsigned char)*name))
            name++;
    }
    return name == end;
}

bool un_layout_matches_within(const char *pattern, const char *name)
{
    const char *at = name;
    while (at && !un_layout_matches(pattern, at, (int)strnlen(at, UN_MAX_MODULE_NAME)))
        at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL;
    return at;
}

/* The length of the longest text up to a dot with which all names begin. */
static int common_prefix(const struct un_modules *modules)
{
    const struct un_module *first = &modules->items[0];
    int length = first->length;
    for (int i = 1; i < modules->count; i++) {
        const struct un_module *m = &modules->items[i];
        int same = 0;
        while (same < length && same < m->length && m->name[same] == first->name[same])
            same++;
        length = same;
    }
    while (length > 0 && first->name[length - 1] != '.')
        length--;
    return length;
}

static bool all_match(const char *const *keys, const struct un_modules *modules, int prefix)
{
    bool seen[16] = {false};
    for (int i = 0; i < modules->count; i++) {
        const struct un_module *m = &modules->items[i];
        bool found = false;
        for (int k = 0; keys[k] && !found; k++) {
            const char *key = keys[k] + (*keys[k] == '?');
            found = un_layout_matches(key, m->name + prefix, m->length - prefix);
            seen[k] |= found;
        }
        if (!found)
            return false;
    }
    for (int k = 0; keys[k]; k++)
        if (*keys[k] != '?' && !seen[k])
            return false;
    return true;
}

const struct un_names *un_layout_of(const struct un_modules *modules)
{
    int prefix = common_prefix(modules);
    for (int i = 0; i < LAYOUTS; i++)
        if (all_match(layouts[i].keys, modules, prefix))
            return &layouts[i];
    return NULL;
}

bool un_layout_is_before(const struct un_names *layout, const struct un_modules *modules)
{
    bool before = layout && layout->before;
    for (int i = 0; i < modules->count && before; i++) {
        const int number = un_module_number(&modules->items[i]);
        before = modules->items[i].kind != UN_MODULE_CONV3X3 || number == 1 || number == 4;
    }
    return before;
}

const struct un_names *un_layout_find(const char *name)
{
    for (int i = 0; i < LAYOUTS; i++)
        if (!strcmp(layouts[i].name, name))
            return &layouts[i];
    return NULL;
}

const struct un_names *un_layout_at(int i)
{
    return i < LAYOUTS ? &layouts[i] : NULL;
}

const char *un_layout_refusal(const char *name, bool unread)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (refused[i].unread <= unread && un_layout_matches_within(refused[i].key, name))
            return refused[i].reason;
    return NULL;
}
