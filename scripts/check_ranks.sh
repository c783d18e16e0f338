#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Training by hosts that have a network between them: three network namespaces and a bridge, ranks in
# each by mpirun.  The weights must be those of one process; then one host is cut off in mid-run, and
# the others must end, with a checkpoint that goes on.  Wants root, iproute2 and Open MPI.  Where MPICH
# is, too (Debian: mpich, libmpich-dev), the same by a plugin that is made with it.
# Usage: scripts/check_ranks.sh UNET FOLDER
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
unet=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
rm -rf "$2"
mkdir -p "$2"
cd "$2"
work=$(pwd)
for command in ip mpirun; do
    command -v $command >/dev/null || { echo "skipped: $command is not here (Debian: iproute2, openmpi-bin)"; exit 0; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: namespaces of the network want root"; exit 0; }
fail() {
    echo "check_ranks: $*"
    exit 1
}

# -- hosts 10.77.0.1 .. 10.77.0.3 --
tidy() {
    for i in 1 2 3; do ip netns delete "unet$i" 2>/dev/null || true; done
    ip link delete unetbr 2>/dev/null || true
    rm -rf "${UNET_HOSTS:-}"
}
trap tidy EXIT
trap 'exit 1' INT TERM
tidy
ip link add unetbr type bridge
ip link set unetbr up
for i in 1 2 3; do
    ip netns add "unet$i"
    ip link add "unetv$i" type veth peer name eth0 netns "unet$i"
    ip link set "unetv$i" master unetbr up
    ip -n "unet$i" addr add "10.77.0.$i/24" dev eth0
    ip -n "unet$i" link set eth0 up
    ip -n "unet$i" link set lo up
done
# what mpirun takes for ssh: HOST COMMAND...
cat >agent <<'AGENT'
#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
host=$1
shift
name=unet${host##*.} # a name and a folder of its own, as hosts have them
mkdir -p "$UNET_HOSTS/$name"
exec ip netns exec "$name" unshare --uts sh -c "echo $name >/proc/sys/kernel/hostname; export TMPDIR=$UNET_HOSTS/$name; $*"
AGENT
chmod +x agent
UNET_HOSTS=$(mktemp -d)
export UNET_HOSTS
on_hosts() { # on_hosts RANKS COMMAND...
    ranks=$1
    shift
    ip netns exec unet1 mpirun --allow-run-as-root --oversubscribe --bind-to none \
        --host 10.77.0.1:2,10.77.0.2:2,10.77.0.3:2 --map-by node -n "$ranks" \
        --mca plm_rsh_agent "$work/agent" --mca btl self,tcp --mca btl_tcp_if_include 10.77.0.0/24 \
        --mca oob_tcp_if_include 10.77.0.0/24 --mca oob_tcp_keepalive_time 3 --mca oob_tcp_keepalive_intvl 1 \
        --mca oob_tcp_keepalive_probes 3 "$@"
}

"$unet" demo demo --time 1s --quiet >/dev/null
recipe="--images demo/images --masks demo/masks --preset seed --width 8 --depth 3 --tile 64 --batch 6 --norm batch
    --dropout 0.2 --steps-per-epoch 5 --time 1h --quiet"
# shellcheck disable=SC2086  # a list of options
"$unet" train $recipe --steps 10 -o one
for ranks in 2 3 6; do
    # shellcheck disable=SC2086
    on_hosts "$ranks" "$unet" train $recipe --steps 10 --threads 1 -o "by$ranks"
    for file in last best; do
        cmp "one/$file.safetensors" "by$ranks/$file.safetensors" || fail "$ranks ranks on three hosts: other weights"
    done
    echo "$ranks ranks on three hosts: the weights of one process"
done

# -- host 3 loses its cable --
# shellcheck disable=SC2086
on_hosts 3 "$unet" train $recipe --steps 1000000 --threads 1 -o cut >out 2>&1 &
launcher=$!
for _ in $(seq 600); do
    [ -e cut/checkpoint ] && break
    sleep 0.1
done
[ -e cut/checkpoint ] || fail "no checkpoint: $(cat out)"
ip link set unetv3 down
start=$(date +%s)
(sleep 120 && kill $launcher 2>/dev/null) &
watch=$!
wait $launcher && fail "a host that was cut off was not noticed"
seconds=$(($(date +%s) - start))
kill $watch 2>/dev/null || true
[ $seconds -le 60 ] || fail "the others ended after $seconds s: $(tail -n 5 out)"
ip link set unetv3 up
steps=$(($(wc -l <cut/history.jsonl) + 5))
# shellcheck disable=SC2086
"$unet" train $recipe --steps $steps -o whole
"$unet" train --resume cut --steps $steps --quiet
cmp whole/last.safetensors cut/last.safetensors || fail "after the cut: other weights"
echo "a host cut off: the others ended after $seconds s, and the run goes on with the same bits"

# -- another MPI --
if ! command -v mpicc.mpich >/dev/null || ! command -v mpirun.mpich >/dev/null; then
    echo "skipped: MPICH is not here (Debian: mpich, libmpich-dev)"
    exit 0
fi
mpicc.mpich -std=c11 -D_GNU_SOURCE -O2 -I"$source/include" -shared -fPIC -o mpich.so "$source/mpi/ranks_mpi.c" \
    -lpthread 2>mpich.log || fail "the plugin with MPICH: $(cat mpich.log)"
for ranks in 2 3; do
    # shellcheck disable=SC2086
    UNET_MPI_PLUGIN=$work/mpich.so timeout 120 mpirun.mpich -n $ranks "$unet" train $recipe --steps 10 --threads 1 \
        -o "mpich$ranks" || fail "$ranks ranks by MPICH"
    cmp one/last.safetensors "mpich$ranks/last.safetensors" || fail "$ranks ranks by MPICH: other weights"
done
echo "2 and 3 ranks by MPICH: the weights of one process"
UNET_MPI_PLUGIN=$work/mpich.so timeout 60 mpirun --allow-run-as-root --oversubscribe -n 2 "$unet" train $recipe \
    --steps 2 -o mixed >out 2>&1 && fail "MPICH's plugin under Open MPI's launcher was not noticed"
grep -q 'libunet_mpi.so speaks MPICH' out || fail "MPICH's plugin under Open MPI's launcher: $(head -n 5 out)"
