/* SPDX-License-Identifier: Apache-2.0 */
/* train_settings.c - the options of unet train, and how they change a recipe */
#include "train/train_settings.h"

#include "shared/paths.h"

static const char *const loss_words[] = {"ce", "bce", "dice", "ce+dice", "focal", "tversky", NULL};
static const char *const balance_words[] = {"none", "root", "full", NULL};
static const char *const freeze_words[] = {"encoder", NULL};
static const char *const val_by_words[] = {"sequences", "images", NULL};

#define FIELD(word, place, field, value, text)                                                     \
    OPT_FIELD(word, place, &said_train, field, value, text)

#define AT(field) offsetof(struct loss_settings, field)
#define LOSS(word, field, value, text) FIELD(word, AT(said), "loss." field, value, text)

static const struct option_row loss_options[] = {
    OPT_CHOICE("loss", AT(loss), loss_words,
               "cross-entropy (bce: of 1 class), overlap, or both [ce]"),
    LOSS("pos-weight", "pos_weight", "X", "{} [{=}]"),
    LOSS("focal-gamma", "focal", "G", "cross-entropy times (1 - p)^G [2 with focal]"),
    OPT_FLOATS("tversky", AT(tversky), 0, 100, "A,B",
               "weights of false positives and negatives [0.3,0.7]"),
    LOSS("smooth", "smooth", "X", "{} [{=}]"),
    LOSS("overlap-from", "first_class", "K", "{} [{=}]"),
    OPT_FLOATS("class-weights", AT(class_weights), 0, 1e6, "A,B,...", "of each class [1]"),
    OPT_CHOICE("balance", AT(balance), balance_words,
               "class weights from the data: median share / share, or its root [none]"),
    OPT_END,
};

#define STEP(word, field, value, text) FIELD(word, 0, field, value, text)

static const struct option_row optimizer_options[] = {
    STEP("optimizer", "optimizer", NULL, "[{=}]"),
    STEP("lr", "learning_rate", "X", "{} [{=}]"),
    STEP("momentum", "momentum", "X", NULL),
    STEP("nesterov", "nesterov", NULL, "of sgd, rmsprop [{momentum}]; {} [{=}]"),
    STEP("beta1", "beta1", "X", NULL),
    STEP("beta2", "beta2", "X", "{} [{beta1}, {=}]"),
    STEP("alpha", "alpha", "X", NULL),
    STEP("epsilon", "epsilon", "X", "of rmsprop [{alpha}]; {} [{=}]"),
    STEP("weight-decay", "weight_decay", "X", "{} [{=}]"),
    STEP("clip", "clip", "X", "{} [{=}]"),
    STEP("average", "average", "D", "{} [{=}]"),
    STEP("bias-rate", "bias_rate", "X", "{} [{=}]"),
    STEP("schedule", "schedule", NULL, "{} [{=}]"),
    STEP("power", "power", "X", "{} [{=}]"),
    STEP("factor", "factor", "X", NULL),
    OPT_FIELD_FROM("every", 0, &said_train, "every", 1, "N",
                   "step, plateau: times X [{factor}] after N epochs [{=}]"),
    STEP("lowest", "lowest", "X", "the rate ends at this share of lr [{=}]"),
    STEP("warmup", "warmup", "N", "{} [{=}]"),
    STEP("recompute", "recompute", NULL, "feature maps twice: {} [{=}]"),
    OPT_END,
};

#undef AT
#define AT(field) offsetof(struct train_settings, field)
#define LENGTH(word, field, text) OPT_FIELD_FROM(word, AT(length), &said_train, field, 1, "N", text)

const struct option_row train_options[] = {
    OPT_REQUIRED(0, "images", AT(images), "DIR", NULL),
    OPT_REQUIRED(0, "masks", AT(masks), "DIR", "images and masks, paired by file name"),
    OPT_FLAG("only-pairs", AT(only_pairs), "go without images that have no mask"),
    OPT_PAIR(AT(pair)),
    OPT_STRING("channels", AT(channels), "C", "those of images: 0,2; pages: they are"),
    OPT_FLAG("as-stored", AT(as_stored), "turn nothing by what headers say"),
    OPT_LETTER('o', "output", AT(output), "RUN", "folder: best.safetensors, report.html, ..."),
    OPT_STRING("resume", AT(resume), "RUN", NULL),
    OPT_FLAG("overwrite", AT(overwrite), "go on with it, bit for bit; begin it anew"),
    OPT_CHOICE("preset", AT(preset), preset_words, "the recipe [auto]; docs/training.md"),
    OPT_FLAG("dry-run", AT(dry_run), "print recipe, memory and time, and stop"),
    OPT_STRING("init", AT(init), "MODEL", NULL),
    OPT_CHOICE("freeze", AT(freeze), freeze_words, "start from its weights; leave some alone"),
    OPT_STRING("labels", AT(labels), "L", NULL),
    OPT_STRING("ignore", AT(ignore), "V", "mask values: 'background=0,cell=255'; no label"),
    OPT_STRING("fill", AT(fill), "V", "sample without data: nan [plain ones]"),
    OPT_FIELD("standardize", AT(length), &said_train, "standardize", NULL, "{} [{=}]"),
    OPT_FLOAT("val-share", AT(val_share), 0, 0.9, "X", NULL),
    OPT_INT("folds", AT(folds), 2, 1000, "K", "hold out [0.2 of 5 or more]; train K times"),
    OPT_INT("fold", AT(fold), 0, 1000, "I", "the I-th of them alone, as a job of an array"),
    OPT_CHOICE("val-by", AT(val_by), val_by_words, "neighbours stay together [sequences]"),
    OPT_STRING("val-images", AT(val_images), "DIR", NULL),
    OPT_STRING("val-masks", AT(val_masks), "DIR", "check on these instead"),
    OPT_HEADING("length [10m]:"),
    LENGTH("epochs", "epochs", NULL),
    LENGTH("steps", "steps", NULL),
    OPT_DURATION("time", AT(time), "T", "stop at the first of these; T: 40s, 10m, 2h"),
    LENGTH("patience", "patience", "or after N epochs without a better score"),
    OPT_BYTES("memory", AT(memory), "SIZE", "fit: --recompute; smaller batch, tile, width"),
    LENGTH("batch", "batch", NULL),
    LENGTH("accumulate", "accumulate", "tiles of a pass; passes of a step"),
    LENGTH("tile", "tile", NULL),
    LENGTH("steps-per-epoch", "steps_per_epoch", "side in pixels; [covers images]"),
    OPT_DURATION("checkpoint-every", AT(checkpoint_every), "T", NULL),
    OPT_FLAG("tensorboard", AT(tensorboard), "[60s]; event files besides"),
    OPT_HEADING("more of the recipe:"),
    OPT_TOPIC("network", AT(network), network_options, "width, depth, padding, norm, classes, ..."),
    OPT_TOPIC("layers", AT(network), network_more_options, "rarer kinds of network"),
    OPT_TOPIC("loss", AT(loss), loss_options, "losses and class weights"),
    OPT_TOPIC("augment", AT(augment), augment_options, "random changes to tiles, border weights"),
    OPT_TOPIC("optimizer", AT(optimizer), optimizer_options,
              "optimisers, learning rate, --recompute"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

const struct train_settings train_settings_none = {
    .freeze = -1,
    .val_share = -1,
    .val_by = -1,
    .fold = -1,
    .preset = PRESET_AUTO,
    .loss = {.loss = -1, .balance = -1},
};

/* Another network than that of --init was described. */
static const char *other_network(const struct train_settings *settings, char name[SAID_WORD])
{
    static const char *const adapted[] = {"in_channels", "classes", NULL};

    return network_given(&settings->network, adapted, name);
}

static int check_loss(const struct command *command, const struct train_settings *settings)
{
    const struct loss_settings *loss = &settings->loss;
    int classes = network_asked(&settings->network).classes;

    if (loss->loss == LOSS_BCE && classes > 1)
        return usage_error(command, "--loss bce is for --classes 1");
    if (loss->loss == LOSS_CE && classes == 1)
        return usage_error(command, "--loss ce is for --classes 2 or more");
    if (loss->loss >= 0 && loss->loss != LOSS_BCE && classes != 1 &&
        said_text(&loss->said, "loss.pos_weight"))
        return usage_error(command,
                           "--pos-weight is for a network with one class, which --loss bce "
                           "or --classes 1 makes; --class-weights is for others");
    if (loss->tversky.count && loss->tversky.count != 2)
        return usage_error(command,
                           "--tversky: found %d numbers, wanted two: of false positives "
                           "and of false negatives",
                           loss->tversky.count);
    if (loss->class_weights.count && loss->balance > BALANCE_NONE)
        return usage_error(command, "--class-weights and --balance exclude each other");
    return EXIT_DONE;
}

int train_settings_check(const struct command *command, const struct train_settings *settings)
{
    char name[SAID_WORD];
    const char *network = other_network(settings, name);

    if (settings->init && network)
        return usage_error(command, "--%s describes a new network, but --init takes that of %s",
                           network, settings->init);
    if (settings->freeze >= 0 && !settings->init)
        return usage_error(command, "--freeze is for a network that --init reads");
    if (!settings->val_images != !settings->val_masks)
        return usage_error(command, "--val-images and --val-masks go together");
    if (settings->val_images && settings->val_share >= 0)
        return usage_error(command, "--val-share and --val-images exclude each other");
    if (settings->folds && (settings->val_images || settings->val_share >= 0))
        return usage_error(command, "--folds holds out each image once; --val-%s goes without it",
                           settings->val_images ? "images" : "share");
    if (settings->fold >= 0 && !settings->folds)
        return usage_error(command, "--fold %d: of how many, --folds K says", settings->fold);
    if (settings->fold > settings->folds)
        return usage_error(command,
                           "--fold: found %d of %d, wanted 1 to %d, or 0 to %d (0 is the last)",
                           settings->fold, settings->folds, settings->folds, settings->folds - 1);
    if (augment_conflict(&settings->augment))
        return usage_error(command, "%s exclude each other", augment_conflict(&settings->augment));
    if (!settings->output && !settings->dry_run)
        return usage_error(command, "--output RUN is missing");
    if (settings->output && path_is_foreign(settings->output))
        return usage_error(command,
                           "--output: found \"%s\", but a model is written as safetensors; "
                           "unet convert writes the others",
                           settings->output);
    return check_loss(command, settings);
}

static void apply_loss(const struct loss_settings *given, unet_loss *loss)
{
    static const struct {
        float pixel, overlap, focal, false_positive;
    } kinds[] = {
        [LOSS_CE] = {1, 0, 0, 0.5f},    [LOSS_BCE] = {1, 0, 0, 0.5f},
        [LOSS_DICE] = {0, 1, 0, 0.5f},  [LOSS_CE_DICE] = {1, 1, 0, 0.5f},
        [LOSS_FOCAL] = {1, 0, 2, 0.5f}, [LOSS_TVERSKY] = {0, 1, 0, 0.3f},
    };

    if (given->loss >= 0) {
        loss->pixel = kinds[given->loss].pixel;
        loss->overlap = kinds[given->loss].overlap;
        loss->focal = kinds[given->loss].focal;
        loss->false_positive = kinds[given->loss].false_positive;
        loss->false_negative = 1 - loss->false_positive;
    }
    if (given->tversky.count == 2) {
        loss->false_positive = given->tversky.value[0];
        loss->false_negative = given->tversky.value[1];
    }
}

void train_settings_apply(const struct train_settings *settings, unet_train_options *options)
{
    if (said_text(&settings->length, "epochs") || said_text(&settings->length, "steps") ||
        settings->time > 0) {
        options->epochs = 0;
        options->steps = 0;
        options->seconds = settings->time;
    }
    said_apply(&settings->length, &said_train, options);
    options->freeze_encoder = settings->freeze >= 0;
    apply_loss(&settings->loss, &options->loss);
    said_apply(&settings->loss.said, &said_train, options);
    said_apply(&settings->optimizer, &said_train, options);
    augment_apply(&settings->augment, options);
    options->seed = settings->common.seed;
    options->threads = settings->common.threads;
}
