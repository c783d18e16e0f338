#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet train and unet augment as a person meets them: recipes, run folders, resuming, folds.
# Usage: train_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
. "$2/tests/shell/expect.sh"

# ---- wrong command lines ----

expect 2 - '--images DIR is missing' train
expect 2 - '--output RUN is missing' train --images a --masks b
expect 2 - '--val-images and --val-masks' train --images a --masks b -o c --val-images d
expect 2 - '--folds holds out each image once' train --images a --masks b -o c --folds 3 --val-share 0.1
expect 2 - '--class-weights and --balance exclude' train --images a --masks b -o c \
    --class-weights 1,2 --balance full
expect 2 - '--tversky: found 1 numbers, wanted two' train --images a --masks b -o c --tversky 0.3
expect 2 - 'perhaps --elastic' train --images a --masks b -o c --elastik 3
expect 2 - 'no help on "nonsense"' train --help nonsense
for topic in network layers loss augment optimizer; do
    expect 0 "^unet train, $topic: " - train --help $topic
    check "unet train --help $topic: more than 40 lines or 80 columns" \
        awk 'length > 80 { bad = 1 } END { exit bad || NR > 40 || NR < 4 }' .out
done
expect 1 - '^unet: --resume nowhere: wanted the folder of a run' train --resume nowhere
one_line 'resuming what is not there'

# ---- recipes ----

expect 0 '' - demo d --time 1s --quiet
data='--images d/images --masks d/masks'
for preset in paper2015 release2015 lmb2019 seed milesial auto auto1; do
    expect 0 "^preset +$preset" - train $data --preset $preset --width 4 --tile 188 --dry-run
    check "$preset: memory, time and every part of the recipe" awk '
        /^(network|tiles|loss|weights|optimiser|rate|changes|until|memory|time) / { n++ }
        END { exit n != 10 }' .out
done
expect 0 'SGD|sgd, momentum 0.99' - train $data --preset paper2015 --width 4 --tile 188 --dry-run
check 'paper2015: border weights and elastic deformation' \
    grep -Eq 'between objects 10, sigma 5 px' .out
check 'paper2015: elastic deformation' grep -Eq 'elastic 10 px.*3x3 points' .out
expect 0 '^input +each image to mean 0' - train $data --standardize yes --width 4 --dry-run
expect 0 '1 class,' - train $data --preset seed --width 4 --tile 188 --dry-run
check 'seed: pos_weight' grep -Eq 'foreground times 10' .out
expect 0 'rmsprop, momentum 0.999.*clipped to 1' - \
    train $data --preset milesial --width 4 --dry-run
check 'milesial: plateau' grep -Eq 'plateau, times 0.1 after 5 epochs' .out
expect 0 'leaky-relu 0.1' - train $data --preset lmb2019 --width 4 --tile 188 --dry-run
expect 0 'elastic 3 px' - train $data --preset lmb2019 --width 4 --tile 188 --elastic 3 --dry-run
expect 0 '"seconds_per_epoch":' - train $data --width 4 --tile 64 --dry-run --json --quiet
check 'unet train --dry-run --json is no JSON' is_json .out
expect 1 - '--memory 1.00 MiB: training takes .* tiles of [1-9]' train $data -o x --memory 1048576
absent 'a training that does not fit' x
build=$(cd "$OLDPWD" && cd "$3" && pwd)
if [ -x "$build/peak" ] && ! nm "$unet" | grep -q __asan_init; then
    for most in 70 110; do # with all that happens between epochs
        "$build/peak" "$unet" train $data --memory ${most}M --steps 4 -o fits$most >.out 2>.err
        check "training in --memory ${most}M" awk -v most=$most '
            /^peak/ { peak = $2 } END { exit !(peak && peak <= most) }' .err
        rm -r fits$most
    done
fi
expect 0 'feature maps made twice' - train $data --width 16 --tile 128 --memory 105M --dry-run
expect 1 - 'tiles of 512, the smallest that was tried; what was said stayed' \
    train $data --recompute no --batch 1 --tile 512 --width 16 --dry-run --memory 105M

# ---- one run ----

set -- train $data --width 4 --depth 2 --batch 1 --tile 32
expect 0 - 'network +1 channel -> 2 classes, width 4' "$@" -o t --steps 4 --steps-per-epoch 2
for file in best.safetensors last.safetensors checkpoint settings.json history.jsonl report.html; do
    check "a run has no $file" test -s t/$file
done
check 'history.jsonl is no JSON' is_json t/history.jsonl
check 'a line for each step and epoch' test "$(wc -l <t/history.jsonl)" -eq 6
check 'the report loads something' sh -c '! grep -Eq "(src|href)=.?https?:|url\(.?https?:|<script" t/report.html'
expect 1 - '^unet: t: has a run already; --resume t' "$@" -o t --steps 4
one_line 'a run where one is'
expect 0 '"val_dice":' - "$@" -o u --steps 4 --steps-per-epoch 2 --json --quiet
check 'unet train --json is no JSON' is_json .out
check 'a line of JSON for each epoch' test "$(wc -l <.out)" -eq 2
check 'training twice gives two models' cmp t/last.safetensors u/last.safetensors
expect 0 - - "$@" -o m.safetensors --steps 4 --steps-per-epoch 2 --quiet
check 'a model by name and the rest beside it' test -s m.safetensors -a -s m.run/last.safetensors
check 'the model is that of a folder' cmp m.safetensors t/best.safetensors
expect 0 - - train $data --init t/best.safetensors -o v --steps 1 --batch 1 --tile 32 --quiet
expect 0 - "" "$@" -o v --overwrite --steps 1 --loss bce --pos-weight 2 --quiet
expect 0 '-> 1 class,' - info v/best.safetensors
expect 2 - '--class-weights: found 3 numbers, wanted 2' "$@" -o x --class-weights 1,2,3
expect 2 - '--class-names: found 3 names, wanted 2' "$@" -o x --class-names a,b,c
expect 2 - '--class-names: "a": this name was given before' "$@" -o x --class-names a,a
expect 2 - '--pos-weight is for a network with one class' "$@" -o x --loss ce --pos-weight 2
expect 1 - '^unet: /proc/x: cannot be made: ' "$@" -o /proc/x
one_line 'a run where none can be'
expect 1 - '^unet: d/report.html: is a file' "$@" -o d/report.html
expect 0 - - "$@" -o elastic --steps 3 --elastic 5 --rotate 90 --border-weight 5 --gap --noise 0.1 \
    --blur 1 --curve 1 --average 0.9 --accumulate 2 --loss ce+dice --optimizer adamw --warmup 2 \
    --tensorboard --quiet
check 'event files' sh -c 'ls elastic/events.out.tfevents.*'

expect 0 - '^warning .* of --val-images are trained on too \(.* is .*\), so the scores flatter$' train $data \
    --width 2 --depth 1 --batch 1 --tile 32 --steps 1 -o flatter --val-images d/images --val-masks d/masks

# a limit on the size of files is an error of writing, not the end without a word
(ulimit -f 4; exec "$unet" train $data --width 8 --depth 2 --batch 1 --tile 32 --steps 1 --quiet -o limited) >.out 2>.err
check 'a file over the limit is said' grep -q '^unet: limited/last.safetensors: cannot be written: ' .err
check 'and what was begun of it is removed' test -z "$(find limited -name '*.tmp')"

# one number under one name: terminal, history, report, eval
held='--images d/test/images --masks d/test/masks'
expect 0 - 'Dice without class 0 0\.[0-9]+, of all classes 0\.' train $data --width 4 --depth 2 --batch 1 \
    --tile 32 --steps 20 --steps-per-epoch 10 -o dice --val-images d/test/images --val-masks d/test/masks
check 'other held-out images are said to be trained on' sh -c '! grep -q "trained on too" .err'
all=$(sed -n 's/.*: best, Dice of all classes \([0-9.]*\), of epoch.*/\1/p' .err)
both=$(sed -n 's|.*<b>\([0-9.]*\)</b><span>Dice without class 0, epoch.*|\1|p' dice/report.html)
check "the report's Dice of all classes is not the terminal's, $all" \
    grep -q "<b>$all</b><span>Dice of all classes, best epoch" dice/report.html
expect 0 "^Dice of all classes +$all\$" - eval dice $held --quiet
expect 0 "^Dice without class 0 +$both " - eval dice $held --quiet
check "history.jsonl has neither $all nor $both" \
    awk -v all="$all" -v both="$both" -F '"(score|val_dice)":' '
    /"improved":true/ { dice = $2 + 0; score = $3 + 0 }
    END { exit !(sprintf("%.4f", score) == all && sprintf("%.4f", dice) == both) }' dice/history.jsonl
expect 0 '' - eval dice/last.safetensors $held --quiet --csv dice.csv
sed -n 's/.*"name":"\([^"]*\)","dice":\([0-9.]*\).*/\1 \2/p' dice/images/index.jsonl >pictures
check 'six pictures' test "$(wc -l <pictures)" -eq 6
while read -r name dice; do
    dice=$(printf %.4f "$dice")
    check "the picture of $name has not the Dice of its row" \
        awk -v name="$name" -v dice="$dice" -F , \
        '$1 == name { found = sprintf("%.4f", $4) == dice } END { exit !found }' dice.csv
    check "$name: another Dice on the page" \
        grep -q "$name</b>: Dice of all classes, this image alone, $dice" dice/report.html
done <pictures

# without held-out images
expect 0 - 'warning: the network answers with one class everywhere' train $data --norm none --width 4 --depth 2 \
    --tile 32 --val-share 0 --class-weights 0,1 --lr 0.05 --steps 30 -o none
check 'a report without held-out images has no pictures of others' \
    grep -q 'Trained on, not held out' none/report.html
check 'training images are not drawn' test -s none/images/6-errors.png
check 'one class everywhere is not told' \
    grep -q 'In all training images below the answer for every pixel is the same class' none/report.html
check 'a run with held-out images shows training images' \
    sh -c '! grep -q "Trained on, not held out" t/report.html'

# more threads, the same bits
expect 0 - - "$@" -o threads1 --steps 6 --elastic 5 --border-weight 5 --threads 1 --quiet
expect 0 - - "$@" -o threads3 --steps 6 --elastic 5 --border-weight 5 --threads 3 --quiet
check 'one thread and three give two models' cmp threads1/last.safetensors threads3/last.safetensors

# ---- stopping and going on ----

set -- "$@" --elastic 4 --dropout 0.3 --seed 5 --steps-per-epoch 50
expect 0 - - "$@" -o whole --steps 400 --quiet
"$unet" "$@" -o cut --steps 400 >.out 2>.err &
pid=$!
for _ in $(seq 1200); do
    sleep 0.1
    [ -s cut/history.jsonl ] && [ "$(wc -l <cut/history.jsonl)" -gt 60 ] && break
done
kill -TERM $pid
wait $pid
code=$?
checks=$((checks + 1))
[ $code -eq 130 ] || note "an interrupted training: exit code $code, wanted 130: $(tail -2 .err)"
check 'an interrupted training says how to go on' grep -q '^unet: interrupted.*--resume cut' .err
check 'an interrupted training saves' test -s cut/last.safetensors -a -s cut/checkpoint
mkdir elsewhere
mv cut elsewhere/moved
expect 0 - - train --resume elsewhere/moved --threads 1 --quiet
check 'a run that was stopped, moved and resumed has other weights' \
    cmp whole/last.safetensors elsewhere/moved/last.safetensors
for run in whole elsewhere/moved; do
    sed 's/, *"seconds":.*//' $run/history.jsonl >"$(basename $run).lines"
done
check 'its history differs' cmp whole.lines moved.lines
cp -r whole kept
rise='the learning rate has fallen to [^ ]+, and in a run of this length it would rise to'
expect 1 - "^unet: whole: $rise 0\.000129 \(poly\); .* --schedule poly, .* --lr 9\.1e-06; --init whole/last" \
    train --resume whole --steps 420 --quiet
one_line 'a resume whose rate would rise'
check 'a refused resume changed the run' diff -r whole kept
expect 0 - 'learning rate 9\.1e-06 up to here, 4e-06 from here on \(constant\)' \
    train --resume kept --steps 402 --schedule constant --lr 4e-6
expect 0 - 'nothing left to do: 402 steps' train --resume kept
cp -r kept longer
expect 0 - '--steps 402 of before, which is over, gives way' train --resume longer --epochs 3
check 'it had nothing to do' grep -q 'nothing left to do: 402 steps' .err
check 'a call that made no step changed what the run was told' cmp longer/settings.json kept/settings.json
expect 0 - 'trained 452 steps' train --resume longer --epochs 10 --time 1h
expect 0 - '--epochs 10 of before, which is over, gives way' train --resume longer --steps 455
check 'a new length is held up by one of before' grep -q 'trained 455 steps' .err
check 'a limit that is not over is gone' grep -q '"time": "3600"' longer/settings.json
sed 's/"device": "[^"]*"/"device": "a card"/' kept/settings.json >.settings && cp .settings kept/settings.json
expect 0 - 'was on a card and goes on on ' train --resume kept --steps 403
expect 0 - - train --resume whole --steps 420 --schedule poly --quiet
check 'a run that is done can be made longer' test "$(grep -c '"kind": *"step"' whole/history.jsonl)" -eq 420
expect 1 - 'batch' train --resume whole --batch 2 --steps 430 --schedule poly --quiet
one_line 'a resume with another recipe'
expect 0 - 'nothing left to do: 420 steps' train --resume whole
check 'a run that is done calls its Dice something else' grep -q 'best, Dice of all classes 0\.' .err
expect 2 - 'goes on in its own folder, whole' train --resume whole -o other --steps 430
expect 0 - 'trained 425 steps' train --resume whole -o ./whole --steps 425 --lr 1e-3
expect 1 - 'checkpoint: is the checkpoint of a training.*best.safetensors and last' info whole/checkpoint
cp -r whole bestless
rm bestless/best.safetensors
expect 0 - 'the best, of epoch [0-9]*, are no longer at bestless/best' train --resume bestless
echo 'no checkpoint' >whole/checkpoint
expect 1 - '^unet: .*checkpoint: ' train --resume whole --steps 450 --quiet
one_line 'a broken checkpoint'
rm whole/checkpoint
expect 1 - 'stopped before its first checkpoint' train --resume whole --quiet
one_line 'a resume without a checkpoint'
expect 1 - 'stopped before its first checkpoint; --overwrite' "$@" -o whole
sed '/"output"/d' elsewhere/moved/settings.json >whole/settings.json
expect 1 - 'settings.json: "options" has no "output"' train --resume whole --quiet

# ---- folds ----

expect 0 '^mean +0\.[0-9]+ \+- ' '' "${@}" -o folds --folds 3 --steps 20
check 'a blank line between folds' grep -q '^fold 2 of 3$' .err
check 'a model for each fold' test -s folds/fold1/best.safetensors -a -s folds/fold3/best.safetensors
check 'their summary' grep -q '"mean_score"' folds/folds.json
check 'which names models as seen from there' grep -q '"model": "fold2/best.safetensors"' folds/folds.json
expect 0 '' 'nothing left to do: all 3 folds' train --resume folds
expect 2 - 'is one of 3 folds' train --resume folds/fold2
expect 1 - 'images for 50 folds' "$@" -o many --folds 50
absent 'the folder of folds that cannot be' many
"$unet" "$@" -o stop --folds 2 --steps 4000 >.out 2>.err &
pid=$!
for _ in $(seq 100); do
    sleep 0.1
    [ -s stop/fold1/history.jsonl ] && break
done
kill -TERM $pid
wait $pid
check 'an interrupted fold says to resume all' grep -q '^unet: interrupted.*--resume stop goes on' .err

# ---- averages that a preset keeps ----

expect 0 - - train $data -o views --preset release2015 --width 2 --depth 2 --tile 60 --steps 1 --quiet
one=d/images/cells_001.png
expect 0 - "tta: .* 4 views.*the model's preset" predict views $one -o follows.png
expect 0 - "tta: .* 4 views" predict views $one -o flips.png --tta flips
check 'a preset of flips is none' cmp follows.png flips.png
expect 0 - '' predict views $one -o plain.png --tta none
check '--tta none is not none' sh -c '! grep -q tta: .err'
expect 0 '' "tta: .* 4 views" eval views $data
expect 0 - '' predict t $one -o follows.png
check 'a model without views has some' sh -c '! grep -q tta: .err'
expect 0 '^pixel accuracy' - eval folds --images d/images --masks d/masks --quiet

# ---- held-out images ----

mkdir -p tiles/i tiles/m
for k in 0 1 2 3 4 5 6 7 8; do
    to=x_$((k / 3))_$((k % 3)).png
    cp "d/images/cells_00$((k + 1)).png" tiles/i/$to
    cp "d/masks/cells_00$((k + 1)).png" tiles/m/$to
done
set -- train --images tiles/i --masks tiles/m --width 4 --depth 2 --tile 32
ends='the last 2 of 9 images in sequence, x_0_0\.png to x_2_2\.png; --val-by images draws'
expect 0 "^held out +$ends" - "$@" --dry-run
expect 0 - "^held out +$ends" "$@" -o ends --steps 4
check 'how images were held out is not kept' grep -q '"held_out_by": "sequences"' ends/settings.json
expect 0 - 'trained 6 steps' train --resume ends --steps 6 --schedule poly
expect 0 '' - "$@" --val-by images --dry-run
check '--val-by images keeps neighbours together' sh -c '! grep -q "^held out" .out'
# of a run from before there was a choice
expect 0 - '' "$@" -o old --steps 4 --val-by images
sed '/"held_out_by"/d; s/"val-by": "images",*//' old/settings.json >.settings
cp .settings old/settings.json
expect 0 - 'trained 6 steps' train --resume old --steps 6 --schedule poly
check 'an old run draws otherwise when it goes on' grep -q '"held_out_by": "images"' old/settings.json
expect 0 '' '' "$@" -o parts --folds 3 --steps 2
check 'folds do not say how' grep -q '^held out *sequences and pictures whole' .err

# ---- nothing to learn ----

mkdir -p none/i none/m none/one
for k in 0 1 2 3 4 5; do
    { printf 'P5 64 64 255\n'; seq $k 9999 | head -c 4096; } >none/i/$k.pgm
    { printf 'P5 64 64 255\n'; head -c 4096 /dev/zero; } >none/m/$k.pgm
    cp none/m/$k.pgm none/one/$k.pgm
done
expect 1 - 'error +every mask \(6\) is empty.*--labels' train --images none/i --masks none/m -o x
expect 1 '^error +every mask' '' check --images none/i --masks none/m --no-page --quiet
set -- train --images none/i --masks none/one --width 4 --depth 2 --tile 32 --steps 2 --overwrite
refused=0
warned=0
for k in 0 1 2 3 4 5; do # of six, one is held out
    { printf 'P5 64 64 255\n'; head -c 2048 /dev/zero | tr '\0' '\377'; head -c 2048 /dev/zero; } \
        >none/one/$k.pgm
    "$unet" "$@" -o single >.out 2>.err && warned=$((warned + $(grep -c 'no held-out image has class 1,' .err)))
    grep -q 'class 1 is in held-out images only: another --seed draws others' .err &&
        refused=$((refused + 1))
    cp none/m/$k.pgm none/one/$k.pgm
done
check "foreground in one of six images: $refused refused, $warned warned of" \
    test "$refused,$warned" = 1,5

# ---- pairs that do not go together ----

expect 1 - 'nofolder' train --images nofolder --masks d/masks -o x
mkdir i m empty
expect 1 - 'empty' train --images empty --masks empty -o x
one_line 'an empty folder'
cp d/images/cells_001.png i/one.png
expect 1 - 'one\.png' train --images i --masks m -o x
one_line 'an image without a mask'
cp d/masks/cells_001.png m/one.png
cp d/images/cells_002.png i/two.png
cp d/masks/cells_003.png m/three.png
expect 1 - '1 of 2 images have no mask in m: two\.png; unused masks there: three\.png \(--only-pairs goes without them\)$' \
    train --images i --masks m -o x
one_line 'an image without a mask among others'
left='1 image without a mask: two\.png; 1 mask without an image: three\.png'
expect 0 - "^left out +$left" train --images i --masks m --only-pairs -o pairs --width 4 --depth 2 \
    --tile 32 --steps 2
check 'what is left out is not in the report' grep -Eq "$left" pairs/report.html
check '--only-pairs is not kept' grep -q '"only-pairs": true' pairs/settings.json
expect 0 "^left out +$left" - train --images i --masks m --only-pairs --width 4 --tile 32 --dry-run
expect 0 'accuracy' "^left out: $left" eval pairs --images i --masks m --only-pairs
expect 0 "\"left_out\":\"$left\"" - eval pairs --images i --masks m --only-pairs --json --quiet
expect 1 '^error +two\.png: the image has no mask: add one, or leave it out with --only-pairs' '' \
    check --images i --masks m --no-page
expect 0 '^unet train .* --only-pairs -o i\.run$' - check --images i --masks m --no-page --only-pairs
check 'check warns of what it leaves out' grep -q '^warning  two.png: .* left out' .out
expect 0 '' - augment --images i --masks m --only-pairs --preview pairs.png --quiet
mkdir -p p/i p/m
for k in 1 2; do
    cp d/images/cells_00$k.png "p/i/${k}_he.png"
    cp d/masks/cells_00$k.png "p/m/dab^${k}x$k.png"
done
pattern='by the pattern \(\.\*\)_he with dab\^\\1x\\1'
expect 0 - "^pairs +$pattern\$" train --images p/i --masks p/m --pair '(.*)_he' 'dab^\1x\1' -o pattern \
    --width 4 --depth 2 --tile 32 --steps 2
expect 0 - "^pairs +$pattern\$" train --resume pattern --steps 3
expect 0 'accuracy' - eval pattern --images p/i --masks p/m --pair '(.*)_he' 'dab^\1x\1'
expect 0 "^unet train .* --pair '\(\.\*\)_he' 'dab.+x.1' -o" - check --images p/i --masks p/m --no-page \
    --pair '(.*)_he' 'dab^\1x\1'
expect 0 '' - augment --images p/i --masks p/m --pair '(.*)_he' 'dab^\1x\1' --preview pairs.png --quiet
expect 2 - '--pair: two values wanted, IMAGE MASK' train --images p/i --masks p/m -o x --pair '(.*)'
printf 'image,mask\n2_he.png,m/dab^1x1.png\n' >p/list.csv
expect 0 '^pairs +1, paired as a list says' - check --images p/i --masks p/list.csv --no-page
check 'a list leaves out without a word' grep -q '^note  *1_he.png: .* left out' .out
rm m/one.png
expect 1 - '2 of 2 images have no mask in m: one\.png, two\.png' \
    train --images i --masks m --only-pairs -o x
one_line 'no pair at all'
cp d/masks/cells_001.png m/one.png
rm m/three.png
echo 'no picture' >i/two.png
cp m/one.png m/two.png
expect 1 - 'two\.png' train --images i --masks m -o x
one_line 'a text file among the images'
absent 'failed training' x

# ---- masks that number objects ----

mkdir -p o/i o/masks
for k in 1 2 3; do
    cp "d/images/cells_00$k.png" o/i/
done
expect 0 '' '' predict pairs o/i --instances o/masks/ --min-area 4 --quiet
rims='^objects +rims tell touching ones apart: 3 outputs more for each class but the first; --rims 0: none$'
numbers='train --images o/i --masks o/masks --labels instances --width 4 --depth 2 --tile 32'
expect 0 '' "$rims" $numbers -o objects --steps 3
expect 0 '' '' $numbers -o objects --steps 3 --overwrite
check 'rims without weights between objects' grep -q '^weights .*between objects 5, sigma 3 px' .err
expect 0 'rims 3' '' info objects/best.safetensors
expect 0 '' "$rims" train --resume objects --steps 4 --schedule constant
expect 0 '' '' predict objects o/i/cells_001.png --instances ids.tif -o mask.png --memory 400M
expect 0 '' '' predict objects/best.safetensors objects/last.safetensors o/i/cells_001.png \
    --instances two.tif --tta flips
expect 0 'objects \(IoU' '' eval objects --images o/i --masks o/masks --labels instances
expect 0 '' '^rims +of its 5 outputs the last 3 are classes again' convert objects/best.safetensors rims.onnx
expect 0 '' '' $numbers -o norims --steps 2 --rims 0
check '--rims 0 learns rims' test -z "$(grep '^objects' .err)"
expect 1 '' 'rims is 0, that of the first model 3' predict objects norims o/i/cells_001.png -o mixed.png
expect 0 '' '^objects +rims' train --images o/i --masks d/masks --rims 2 -o rimparts --steps 2 --width 4 \
    --depth 2 --tile 32
# a run from before there were rims goes on as it was
sed -i -e '/"objects": "by themselves"/d' -e 's/"rims": "0"/"patience": "9"/' norims/settings.json
expect 0 '' '' train --resume norims --steps 3 --schedule constant
check 'an older run learns rims when it goes on' test -z "$(grep '^objects' .err)"

finish train_test
