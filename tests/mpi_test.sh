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
[ "$failed" = 0 ] && echo "mpi: in order"
exit "$failed"
