#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Several processes as one, started by mpirun on this machine.
# Usage: mpi_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
set -u
unet=$1
build=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
    echo "FAIL: $*"
    failed=1
}

# -- who started us: srun's tasks are ranks, a batch script of Slurm and one process are none --
bare() { # bare NAME=VALUE... COMMAND...: without what this test itself may have been started by
    env -u OMPI_COMM_WORLD_SIZE -u OMPI_COMM_WORLD_RANK -u PMI_SIZE -u PMI_RANK -u SLURM_PROCID \
        -u SLURM_NTASKS -u SLURM_STEP_NUM_TASKS UNET_MPI_PLUGIN="$work/none.so" "$@"
}
refused() { # refused WORDS NAME=VALUE...: train does not begin
    words=$1
    shift
    bare "$@" timeout 20 "$unet" train --images "$work" --masks "$work" -o "$work/run" >"$work/out" 2>&1
    status=$?
    grep -q "$words" "$work/out" && [ "$status" = 1 ] ||
        fail "train with $*: status $status, wanted 1 and '$words': $(cat "$work/out")"
}
refused 'mpirun (Open MPI) started 3 processes, and without libunet_mpi.so' \
    OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=3
refused 'mpiexec started 2 processes' PMI_RANK=1 PMI_SIZE=2
refused 'srun started 4 processes' SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=4 SLURM_NTASKS=4
refused 'rank 3 on .*srun started 4 processes' SLURM_PROCID=3 SLURM_STEP_NUM_TASKS=4
refused 'none.so' PMI_RANK=1 PMI_SIZE=2
refused "no image" SLURM_PROCID=0 SLURM_NTASKS=4
refused "no image" OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1

# -- from here on with an MPI and the plugin --
if ! command -v mpirun >/dev/null 2>&1; then
    echo "skipped: mpirun is not here (Debian: openmpi-bin)"
    exit "$failed"
fi
if [ ! -e "$build/libunet_mpi.so" ]; then
    echo "skipped: libunet_mpi.so was not built: CMake found no MPI (Debian: libopenmpi-dev)"
    exit "$failed"
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_plm=isolated OMPI_MCA_orte_base_help_aggregate=0
export ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}" # MPI keeps what it has until the end
run() { # run RANKS COMMAND...
    ranks=$1
    shift
    timeout 60 mpirun -n "$ranks" "$@"
}
for ranks in 2 3 5; do
    run "$ranks" "$build/ranks_try" 3 >"$work/out" 2>&1
    [ "$(cat "$work/out")" = "$ranks ranks in order" ] || fail "$ranks ranks: $(cat "$work/out")"
done
# one fails: all end, and it is told who
start=$(date +%s)
run 3 "$build/ranks_try" fail 2 >"$work/out" 2>&1 && fail "a rank that failed was not noticed"
grep -q '^unet: rank 2 on [^ ]*: disk full$' "$work/out" || fail "who failed: $(cat "$work/out")"
[ $(($(date +%s) - start)) -le 10 ] || fail "the others did not end soon"
# all have the same to say: rank 0 says it once (and a slow launcher lets the others say it, too)
UNET_MPI_PLUGIN=$work/none.so run 3 "$unet" train --images "$work" --masks "$work" -o "$work/run" \
    >"$work/out" 2>&1 && fail "three equal trainings"
[ "$(grep -c '^unet: mpirun (Open MPI) started 3 processes, and without libunet_mpi.so' "$work/out")" = 1 ] || fail "not said once: $(cat "$work/out")"
[ ! -e "$work/run" ] || fail "a run was begun"

# -- a training: images of 40 x 40 pixels, noise with a disc --
cd "$work" || exit 1
unet=$(cd "$(dirname "$unet")" && pwd)/$(basename "$unet")
mkdir images masks other
for i in 1 2 3 4 5 6; do
    for kind in images masks; do
        LC_ALL=C awk -v seed="$i" -v kind="$kind" 'BEGIN {
            srand(seed); printf "P5 40 40 255\n"
            for (y = 0; y < 40; y++) for (x = 0; x < 40; x++) {
                disc = (y - 14 - seed) ^ 2 + (x - 20) ^ 2 < 90
                printf "%c", kind == "masks" ? 255 * disc : int(60 + 90 * disc + 60 * rand())
            } }' >"$kind/cell$i.pgm"
    done
done
cp masks/* other/
cp masks/cell2.pgm other/cell3.pgm
recipe="--images images --masks masks --preset seed --width 4 --depth 2 --tile 32 --val-share 0.34 --steps-per-epoch 3 --time 1h --quiet"
train() { # train RANKS RUN OPTION...
    ranks=$1 folder=$2
    shift 2
    # shellcheck disable=SC2086  # a list of options
    if [ "$ranks" = 1 ]; then
        "$unet" train $recipe -o "$folder" "$@"
    else
        run "$ranks" "$unet" train $recipe -o "$folder" "$@"
    fi >"$work/out" 2>&1 || fail "training $folder by $ranks: $(head -n 5 "$work/out")"
}
same() { # same RUN RUN WHAT: models and what was told of them have the same bytes
    for file in last.safetensors best.safetensors; do
        cmp -s "$1/$file" "$2/$file" || fail "$3: $file of $1 and $2 differ"
    done
}
for kind in 'none 0' 'batch 0.2' 'instance 0'; do
    set -- ${kind}
    options="--norm $1 --dropout $2 --batch 4 --steps 4"
    train 1 one $options --threads 1 --overwrite
    for threads in 1 2; do
        for ranks in 1 2 3 4; do
            [ "$ranks$threads" != 11 ] || continue
            rm -rf some
            train "$ranks" some $options --threads "$threads"
            same one some "$1, dropout $2: $ranks ranks, $threads threads"
        done
    done
done
# rank 0 alone wrote, and told who waited for whom
[ "$(ls some)" = "$(ls one)" ] || fail "files of 4 ranks: $(ls some), of one: $(ls one)"
rm -rf some
run 3 "$unet" train $recipe --quiet --json -o some --batch 4 --steps 3 >out 2>&1
[ "$(grep -c '"ranks":\[{"host":"[^"]*","step_seconds":[0-9.e-]*,"waited"' out)" = 1 ] ||
    fail "what ranks took is not told: $(cat out)"

# -- four begin, two go on, then one: as if there had been no stop --
options="--norm batch --dropout 0.2 --batch 4 --average 0.9"
rm -rf one some
train 1 one $options --steps 7
train 4 some $options --steps 2
run 2 "$unet" train --resume some --steps 5 --quiet >out 2>&1 || fail "2 do not go on: $(cat out)"
"$unet" train --resume some --steps 7 --quiet >out 2>&1 || fail "one does not go on: $(cat out)"
cmp -s one/last.safetensors some/last.safetensors || fail "4, 2 and 1 ranks: other weights than one's"

# -- a run for each fold, by two --
rm -rf one some
whole=$recipe
recipe=$(echo "$recipe" | sed 's/--val-share [0-9.]*//')
train 1 one --folds 2 --batch 2 --steps 2
train 2 some --folds 2 --batch 2 --steps 2
recipe=$whole
for fold in fold1 fold2; do
    same one/$fold some/$fold "a fold by two"
done

# -- who differs is named before the first step, and nothing is left --
rm -rf some
timeout 60 mpirun -n 1 "$unet" train $recipe -o some --batch 2 --steps 2 : \
    -n 1 "$unet" train $recipe --masks other -o some --batch 2 --steps 2 >out 2>&1 &&
    fail "other masks on one rank were not noticed"
grep -q '^unet: rank 0 on .*: rank 1 on .*: rank 0: has other masks in the training set' out ||
    fail "other masks: $(cat out)"
[ ! -e some/checkpoint ] && [ ! -e some/best.safetensors ] || fail "other masks: a step was made"
run 3 "$unet" train $recipe -o some --overwrite --batch 2 --steps 2 >out 2>&1 && fail "2 tiles for 3 ranks"
grep -q 'batch is 2, wanted at least 3' out || fail "2 tiles for 3 ranks: $(cat out)"

# -- one has no memory: all end, and it is told who (a sanitizer needs more than any limit) --
rm -rf some
large="--width 128 --depth 3 --batch 2 --steps 2"
if (ulimit -v 600000 && "$unet" --version) >out 2>&1; then
    # shellcheck disable=SC2086
    timeout 60 mpirun -n 1 "$unet" train $recipe $large -o some : \
        -n 1 sh -c 'ulimit -v 600000; exec "$@"' sh "$unet" train $recipe $large -o some >out 2>&1 &&
        fail "a rank without memory was not noticed"
    grep -q '^unet: rank 1 on [^ ]*: .*not enough memory for' out || fail "no memory on rank 1: $(head -n 5 out)"
    [ ! -e some/checkpoint ] && [ ! -e some/last.safetensors ] || fail "no memory on rank 1: a step was made"
fi

# -- one that is killed, and a disk that is full: all end soon, the checkpoint is whole --
wait_for() { # wait_for FILE: some seconds
    for _ in $(seq 200); do
        [ -e "$1" ] && return 0
        sleep 0.1
    done
    return 1
}
rm -rf one some
# shellcheck disable=SC2086
mpirun -n 3 "$unet" train $recipe -o some --norm batch --batch 4 --steps 1000000 >out 2>&1 &
launcher=$!
wait_for some/checkpoint || fail "no checkpoint: $(cat out)"
victim=$(ps -o pid= --ppid "$launcher" | tail -n 1)
start=$(date +%s)
kill -9 $victim
wait "$launcher" && fail "a killed rank was not noticed"
[ $(($(date +%s) - start)) -le 15 ] || fail "the others did not end soon"
grep -q 'signal 9' out || fail "who was killed is not told: $(cat out)"
steps=$(($(wc -l <some/history.jsonl) + 4)) # at least the steps that were done
"$unet" train --resume some --steps "$steps" --quiet >out 2>&1 || fail "after a kill: $(cat out)"
train 1 one --norm batch --batch 4 --steps "$steps"
same one some "a killed rank, $steps steps"
rm -rf some
start=$(date +%s)
# shellcheck disable=SC2086
OMPI_MCA_btl=self,tcp timeout 60 mpirun -n 2 sh -c 'ulimit -f 40; exec "$@"' sh "$unet" train $recipe -o some --batch 2 --steps 1000000 \
    >out 2>&1 && fail "a full disk was not noticed"
grep -q '^unet: rank 0 on .*: .*some/' out || fail "who has a full disk: $(cat out)"
[ $(($(date +%s) - start)) -le 30 ] || fail "a full disk did not end the others soon"
[ "$failed" = 0 ] && echo "mpi: in order"
exit "$failed"
