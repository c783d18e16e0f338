#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The job scripts of docs/cluster.md, run by Slurm on this machine alone: slurmctld, slurmd and munge of
# Debian's packages, with all their files in a folder of their own.  A script is a fenced block `sh` whose
# second line begins with "# NAME.sh".  Usage: check_slurm.sh UNET_BINARY FOLDER
set -eu
unet=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
source=$(cd "$(dirname "$0")/.." && pwd)
for tool in slurmctld slurmd munged sbatch; do
    PATH=$PATH:/usr/sbin command -v $tool >/dev/null || {
        echo "skipped: there is no $tool (Debian: slurm-wlm munge)"
        exit 0
    }
done
[ "$(id -u)" = 0 ] || {
    echo "skipped: slurmd starts jobs as root alone"
    exit 0
}
PATH=$PATH:/usr/sbin
mkdir -p "$2"
base=$(mktemp -d "$(cd "$2" && pwd)/slurm.XXXXXX")
work=$base/work
pids=
failed=0

end() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    if [ "$failed" = 0 ]; then rm -rf "$base"; else echo "left: $base"; fi
}
trap end EXIT
trap 'exit 1' INT TERM

note() {
    failed=$((failed + 1))
    echo "FAIL: $*"
}
check() { # check WHAT COMMAND...
    what=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "ok: $what"; else note "$what"; fi
}
until_true() { # until_true SECONDS COMMAND...
    tries=$(($1 * 5))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.2
    done
}

# ---- one node that says it has 16 processors and 64 GB, so that the scripts run as they are ----

host=$(hostname -s)
mkdir -p "$base/state" "$base/spool" "$base/munge" "$work"
chmod 755 "$base" "$base/munge"
(umask 077 && head -c 1024 /dev/urandom >"$base/munge/key")
munged --force --foreground --key-file="$base/munge/key" --socket="$base/munge/socket" \
    --pid-file="$base/munge/pid" --log-file="$base/munge/log" --seed-file="$base/munge/seed" \
    --num-threads=2 2>"$base/munge/err" &
pids="$!"
until_true 20 test -S "$base/munge/socket" || { note "munged: $(cat "$base/munge/err")"; exit 1; }
first=$((20000 + $$ % 20000))
cat >"$base/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$base/munge/socket
SlurmctldPort=$first
SlurmdPort=$((first + 1))
StateSaveLocation=$base/state
SlurmdSpoolDir=$base/spool
SlurmctldPidFile=$base/slurmctld.pid
SlurmdPidFile=$base/slurmd.pid
SlurmctldLogFile=$base/slurmctld.log
SlurmdLogFile=$base/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=bf_interval=1,sched_interval=2,batch_sched_delay=0
JobCompType=jobcomp/none
MpiDefault=none
MinJobAge=3600
KillWait=30
NodeName=$host NodeAddr=127.0.0.1 CPUs=16 RealMemory=65536 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$base/slurm.conf"
slurmctld -D -c 2>"$base/slurmctld.err" &
pids="$! $pids"
slurmd -D -c 2>"$base/slurmd.err" &
pids="$! $pids"
if ! until_true 60 sh -c 'sinfo -h -o %t | grep -qx idle'; then
    note "Slurm does not begin: $(tail -3 "$base"/slurm*.log "$base"/slurm*.err)"
    exit 1
fi
echo "ok: $(sinfo --version), one node"

# ---- the scripts of the page ----

awk -v to="$work/" '
    /^```sh$/ { inside = 1; text = ""; line = 0; name = ""; next }
    /^```$/ { if (inside && name != "") { printf "%s", text >(to name); close(to name) } inside = 0; next }
    inside { line++; text = text $0 "\n"; if (line == 2 && $2 ~ /\.sh:?$/) { name = $2; sub(/:$/, "", name) } }
' "$source/docs/cluster.md"
ls "$work"/*.sh >/dev/null || { note "docs/cluster.md has no scripts"; exit 1; }
echo "ok: scripts $(cd "$work" && ls ./*.sh | tr '\n' ' ')"

# what they name: unet, images/, masks/, and a run called cells
cd "$work"
mkdir bin && ln -s "$unet" bin/unet
export PATH="$work/bin:$PATH" TERM=dumb
unet demo d --time 2s --quiet
mkdir images masks
for k in 001 002 003 004 005 006 007 008 009 010; do
    cp d/images/cells_$k.png images/$k.png
    cp d/masks/cells_$k.png masks/$k.png
done
unet train --images images --masks masks -o cells --width 2 --depth 2 --steps 8 --quiet

ended() { # ended ID...: none of these jobs waits or runs
    ! squeue -h -j "$1" 2>/dev/null | grep -q .
}
state_of() { scontrol show job "$1" -o | grep -oE 'JobState=[A-Z]+' | sort | uniq -c | tr -s ' ' | tr '\n' ' '; }
submit() { # submit SECONDS OPTIONS SCRIPT: sets id; waits for its end
    seconds=$1
    shift
    id=$(sbatch --parsable "$@") || { note "sbatch $*"; return; }
    until_true "$seconds" ended "$id" || note "$*: still there after $seconds s: $(squeue -j "$id")"
}


# ---- predict-array.sh ----

completed() { # completed ID: all tasks of it
    ! scontrol show job "$1" -o | grep -vq 'JobState=COMPLETED '
}
unet predict cells images -o whole/ --quiet
submit 300 predict-array.sh
check 'all parts of the array are done' completed "$id"
check 'their masks are those of one process' diff -r -x .unet-done whole found
rm found/004.png
submit 300 --array=1-40 predict-array.sh
check 'with ids from 1 the parts are the same, and one image lacked' \
    sh -c 'grep -l "^images/.* -> found/" predict-*.log | grep -qx predict-4.log &&
        [ "$(cat predict-*.log | grep -c "^done before: 1 of 1 image")" = 9 ] && diff -r -x .unet-done whole found'

# ---- predict-ranks.sh ----

if command -v mpirun >/dev/null && [ -e "$(dirname "$unet")/libunet_mpi.so" ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
    submit 300 predict-ranks.sh
    check 'the ranks are done' completed "$id"
    check 'their masks are those of one process' diff -r -x .unet-done whole by-ranks
    check 'each had some' grep -Eq '^ranks: [0-9]+, [0-9]+, [0-9]+, [0-9]+ images' predict-ranks.log
else
    echo "skipped: predict-ranks.sh, as there is no mpirun or no libunet_mpi.so beside unet (Debian: libopenmpi-dev)"
fi

# ---- train-folds.sh, cross-validate.sh ----

sed -i 's/--time 8h/--width 2 --depth 2 --batch 1 --tile 32 --steps 2000/' train-folds.sh
out=$(bash cross-validate.sh)
id=$(echo "$out" | sed -n '1s/[^0-9]*\([0-9]*\).*/\1/p')
scores=$id
folds=$(squeue -h -n train-folds.sh -o %F | head -n 1) # the array before it
if until_true 600 test -s cv/fold1/history.jsonl; then
    sleep 1
    scancel --verbose --signal=TERM "${folds}_1" # what Slurm sends two minutes before the time is over
else
    note "no fold has begun: $(cat fold-*.log)"
fi
until_true 1800 ended "$folds" || note "folds are still there: $(squeue)"
check 'all folds are done' completed "$folds"
check 'the one that got SIGTERM said how to go on' grep -q 'interrupted: .*--resume cv --fold 1 goes on' fold-1.log
check 'went on' grep -q '^fold 1 of 5, resumed$' fold-1.log
unet train --images images --masks masks -o calm --folds 5 --width 2 --depth 2 --batch 1 --tile 32 --steps 2000 --quiet \
    >/dev/null
check 'and all are those of one process' sh -c '
    for k in 1 2 3 4 5; do cmp cv/fold$k/best.safetensors calm/fold$k/best.safetensors || exit 1; done
    cmp cv/folds.json calm/folds.json'
until_true 600 ended "$scores" || note "scores: $(squeue)"
check 'scores of all images' sh -c 'grep -q "^images  *10$" scores.txt && [ "$(wc -l <scores.csv)" = 11 ]'

[ "$failed" = 0 ] && echo "check_slurm: all is as docs/cluster.md says"
exit "$failed"
