/* SPDX-License-Identifier: Apache-2.0 */
/* train_settings.c - the options of unet train, and how they change a recipe */
#include "train/train_settings.h"

#include "shared/paths.h"

const char *const optimizer_words[] = {"sgd", "adam", "adamw", "rmsprop", NULL};
const char *const schedule_words[] = {"constant", "poly", "cosine", "step", "plateau", NULL};
const char *const loss_words[] = {"ce", "bce", "dice", "ce+dice", "focal", "tversky", NULL};
static const char *const balance_words[] = {"none", "root", "full", NULL};
static const char *const freeze_words[] = {"encoder", NULL};
static const char *const yes_words[] = {"no", "yes", NULL};

#define AT(field) offsetof(struct loss_settings, field)

static const struct option_row loss_options[] = {
    OPT_CHOICE("loss", AT(loss), loss_words,
               "cross-entropy (bce: of 1 class), overlap, or both [ce]"),
    OPT_FLOAT("pos-weight", AT(pos_weight), 0, 1e6, "X", "1 class: weight of the foreground [1]"),
    OPT_FLOAT("focal-gamma", AT(focal_gamma), 0, 10, "G",
              "cross-entropy times (1 - p)^G [2 with focal]"),
    OPT_FLOATS("tversky", AT(tversky), 0, 100, "A,B",
               "weights of false positives and negatives [0.3,0.7]"),
    OPT_FLOAT("smooth", AT(smooth), 1e-9, 1e6, "X", "added to both halves of an overlap [1]"),
    OPT_INT("overlap-from", AT(overlap_from), 0, 1, "K", "first class whose overlap counts [0]"),
    OPT_FLOATS("class-weights", AT(class_weights), 0, 1e6, "A,B,...", "of each class [1]"),
    OPT_CHOICE("balance", AT(balance), balance_words,
               "class weights from the data: median share / share, or its root [none]"),
    OPT_END,
};

#undef AT
#define AT(field) offsetof(struct optimizer_settings, field)

static const struct option_row optimizer_options[] = {
    OPT_CHOICE("optimizer", AT(optimizer), optimizer_words, "[adam]"),
    OPT_FLOAT("lr", AT(lr), 0, 100, "X", "learning rate [0.001]"),
    OPT_FLOAT("momentum", AT(momentum), 0, 0.9999, "X", NULL),
    OPT_CHOICE("nesterov", AT(nesterov), yes_words, "of sgd, rmsprop [0.9]; of sgd [no]"),
    OPT_FLOAT("beta1", AT(beta1), 0, 0.9999, "X", NULL),
    OPT_FLOAT("beta2", AT(beta2), 0, 0.999999, "X", "of adam, adamw [0.9, 0.999]"),
    OPT_FLOAT("alpha", AT(alpha), 0, 0.999999, "X", NULL),
    OPT_FLOAT("epsilon", AT(epsilon), 0, 1, "X", "of rmsprop [0.99]; of all but sgd [1e-8]"),
    OPT_FLOAT("weight-decay", AT(weight_decay), 0, 10, "X", "adamw: decoupled [0]"),
    OPT_FLOAT("clip", AT(clip), 0, 1e9, "X", "largest norm of the gradient; 0: any [0]"),
    OPT_FLOAT("average", AT(average), 0, 0.999999, "D",
              "decay of averaged weights, which are saved; 0: none [0]"),
    OPT_FLOAT("bias-rate", AT(bias_rate), 0, 1000, "X", "learning rate of biases, times lr [1]"),
    OPT_CHOICE("schedule", AT(schedule), schedule_words, "of the learning rate [poly]"),
    OPT_FLOAT("power", AT(power), 0, 100, "X", "poly: (1 - share done)^X [0.9]"),
    OPT_FLOAT("factor", AT(factor), 1e-6, 1, "X", NULL),
    OPT_INT("every", AT(every), 1, 1e6, "N", "step, plateau: times X [0.1] after N epochs [1]"),
    OPT_FLOAT("lowest", AT(lowest), 0, 1, "X", "the rate ends at this share of lr [0]"),
    OPT_LONG("warmup", AT(warmup), 0, 1e9, "N", "steps in which the rate rises from 0 [0]"),
    OPT_END,
};

#undef AT
#define AT(field) offsetof(struct train_settings, field)

const struct option_row train_options[] = {
    OPT_REQUIRED(0, "images", AT(images), "DIR", NULL),
    OPT_REQUIRED(0, "masks", AT(masks), "DIR", "images and masks, paired by file name"),
    OPT_FLAG("only-pairs", AT(only_pairs), "go without images that have no mask"),
    OPT_PAIR(AT(pair)),
    OPT_LETTER('o', "output", AT(output), "RUN", "folder: best.safetensors, report.html, ..."),
    OPT_STRING("resume", AT(resume), "RUN", "go on where a run was stopped, bit for bit"),
    OPT_FLAG("overwrite", AT(overwrite), "begin anew where a run is already"),
    OPT_CHOICE("preset", AT(preset), preset_words, "the recipe [auto]; docs/training.md"),
    OPT_FLAG("dry-run", AT(dry_run), "print recipe, memory and time per epoch, then stop"),
    OPT_STRING("init", AT(init), "MODEL", NULL),
    OPT_CHOICE("freeze", AT(freeze), freeze_words, "start from its weights; leave some alone"),
    OPT_STRING("labels", AT(labels), "L", NULL),
    OPT_INT("ignore", AT(ignore), 0, 1 << 24, "V",
            "mask values: 'background=0,cell=255'; no label"),
    OPT_FLOAT("val-share", AT(val_share), 0, 0.9, "X", NULL),
    OPT_INT("folds", AT(folds), 2, 1000, "K", "hold out [0.2 of 5 or more]; train K times"),
    OPT_STRING("val-images", AT(val_images), "DIR", NULL),
    OPT_STRING("val-masks", AT(val_masks), "DIR", "check on these instead"),
    OPT_HEADING("length [10m]:"),
    OPT_INT("epochs", AT(epochs), 1, 1e6, "N", NULL),
    OPT_LONG("steps", AT(steps), 1, 1e9, "N", NULL),
    OPT_DURATION("time", AT(time), "T", "stop at the first of these; T: 40s, 10m, 2h"),
    OPT_INT("patience", AT(patience), 1, 1e6, "N", "or after N epochs without a better score"),
    OPT_BYTES("memory", AT(memory), "SIZE", "fit into this: smaller batch, tiles, network"),
    OPT_INT("batch", AT(batch), 1, 4096, "N", NULL),
    OPT_INT("accumulate", AT(accumulate), 1, 4096, "N", "tiles of a pass; passes of a step"),
    OPT_INT("tile", AT(tile), 1, 65536, "N", NULL),
    OPT_INT("steps-per-epoch", AT(steps_per_epoch), 1, 1e6, "N", "side in pixels; [covers images]"),
    OPT_DURATION("checkpoint-every", AT(checkpoint_every), "T", NULL),
    OPT_FLAG("tensorboard", AT(tensorboard), "[60s]; event files besides"),
    OPT_HEADING("more of the recipe:"),
    OPT_TOPIC("network", AT(network), network_options, "width, depth, padding, norm, classes, ..."),
    OPT_TOPIC("layers", AT(network), network_more_options, "rarer kinds of network"),
    OPT_TOPIC("loss", AT(loss), loss_options, "losses and class weights"),
    OPT_TOPIC("augment", AT(augment), augment_options, "random changes to tiles, border weights"),
    OPT_TOPIC("optimizer", AT(optimizer), optimizer_options, "optimisers, learning rate, schedule"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

const struct train_settings train_settings_none = {
    .freeze = -1,
    .val_share = -1,
    .ignore = -1,
    .preset = PRESET_AUTO,
    .loss = {.loss = -1,
             .balance = -1,
             .overlap_from = -1,
             .pos_weight = -1,
             .focal_gamma = -1,
             .smooth = -1},
    .optimizer = {.optimizer = -1,
                  .nesterov = -1,
                  .schedule = -1,
                  .every = -1,
                  .lr = -1,
                  .momentum = -1,
                  .weight_decay = -1,
                  .beta1 = -1,
                  .beta2 = -1,
                  .epsilon = -1,
                  .alpha = -1,
                  .clip = -1,
                  .average = -1,
                  .bias_rate = -1,
                  .power = -1,
                  .factor = -1,
                  .lowest = -1,
                  .warmup = -1},
    .augment = AUGMENT_SETTINGS_NONE,
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
    if (loss->loss >= 0 && loss->loss != LOSS_BCE && classes != 1 && loss->pos_weight >= 0)
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

static void set_float(float *place, double given)
{
    if (given >= 0)
        *place = (float)given;
}

static void set_int(int *place, int given)
{
    if (given >= 0)
        *place = given;
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
    set_float(&loss->pos_weight, given->pos_weight);
    set_float(&loss->focal, given->focal_gamma);
    set_float(&loss->smooth, given->smooth);
    set_int(&loss->first_class, given->overlap_from);
}

static void apply_optimizer(const struct optimizer_settings *given, unet_train_options *options)
{
    if (given->optimizer >= 0)
        options->optimizer = (unet_optimizer)given->optimizer;
    if (given->schedule >= 0)
        options->schedule = (unet_schedule)given->schedule;
    set_int(&options->nesterov, given->nesterov);
    set_int(&options->every, given->every);
    set_float(&options->learning_rate, given->lr);
    set_float(&options->momentum, given->momentum);
    set_float(&options->weight_decay, given->weight_decay);
    set_float(&options->beta1, given->beta1);
    set_float(&options->beta2, given->beta2);
    set_float(&options->epsilon, given->epsilon);
    set_float(&options->alpha, given->alpha);
    set_float(&options->clip, given->clip);
    set_float(&options->average, given->average);
    set_float(&options->bias_rate, given->bias_rate);
    set_float(&options->power, given->power);
    set_float(&options->factor, given->factor);
    set_float(&options->lowest, given->lowest);
    if (given->warmup >= 0)
        options->warmup = given->warmup;
}

void train_settings_apply(const struct train_settings *settings, unet_train_options *options)
{
    if (settings->epochs > 0 || settings->steps > 0 || settings->time > 0) {
        options->epochs = settings->epochs;
        options->steps = settings->steps;
        options->seconds = settings->time;
    }
    if (settings->patience > 0)
        options->patience = settings->patience;
    if (settings->batch > 0)
        options->batch = settings->batch;
    if (settings->accumulate > 0)
        options->accumulate = settings->accumulate;
    if (settings->tile > 0)
        options->tile = settings->tile;
    if (settings->steps_per_epoch > 0)
        options->steps_per_epoch = settings->steps_per_epoch;
    options->freeze_encoder = settings->freeze >= 0;
    apply_loss(&settings->loss, &options->loss);
    apply_optimizer(&settings->optimizer, options);
    augment_apply(&settings->augment, &options->augment, &options->border);
    options->seed = settings->common.seed;
    options->threads = settings->common.threads;
}
