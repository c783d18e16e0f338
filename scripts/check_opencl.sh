#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The OpenCL engine at length: its kernels by clang's compilers for four kinds of devices, whether NVIDIA's
# hold in registers what is meant to be there, its operations under oclgrind (races, what lies outside of a
# buffer), and the tests by a device.
# Usage: scripts/check_opencl.sh BUILD_FOLDER [kernels|registers|oclgrind|tests...]; all of them by default
set -eu
cd "$(dirname "$0")/.."
build=$(cd "$1" && pwd)
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
complain() {
    echo "opencl: $*"
    failed=1
}

find_clang() {
    for clang in clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14; do
        command -v "$clang" >/dev/null && return 0
    done
    return 1
}

# Every program as the engine puts it together, without a warning.
check_kernels() {
    find_clang || { echo "skipped: there is no clang"; return 0; }
    for target in "spir64" "spirv64" "amdgcn-amd-amdhsa -mcpu=gfx900 -nogpulib" "nvptx64-nvidia-nvcl"; do
        if ! echo 'kernel void f(global float *x) { x[0] = 0; }' | # an older clang may lack one
            "$clang" -x cl -target ${target} -cl-std=CL1.2 -S -emit-llvm - -o /dev/null 2>/dev/null; then
            echo "skipped: $clang has no ${target%% *}"
            continue
        fi
        for file in src/opencl/kernels/*.cl; do
            case $file in */common.cl | */real.cl | */soft.cl | */group.cl | */result.cl) continue ;; esac
            for doubles in real.cl soft.cl; do
                (cd src/opencl/kernels && cat arguments.h common.cl $doubles group.cl result.cl "${file##*/}") >"$work/kernel.cl"
                # shellcheck disable=SC2086  # a target and its options
                "$clang" -x cl -target $target -cl-std=CL1.2 -O2 -S -emit-llvm -Wall -Werror -Wno-unused-function \
                    -Xclang -finclude-default-header "$work/kernel.cl" -o /dev/null ||
                    complain "$file with $doubles for ${target%% *}"
            done
        done
        echo "kernels: compiled for ${target%% *}"
    done
}

# An array that stays an array lies in a card's memory, and the kernel is many times slower: there is none
# in the kernels that compute.  Where the CUDA toolkit's ptxas is, it says how many registers they take.
check_registers() {
    find_clang || { echo "skipped: there is no clang"; return 0; }
    nvptx="-x cl -target nvptx64-nvidia-nvcl -Xclang -target-cpu -Xclang sm_80 -cl-std=CL1.2 -O3"
    for file in winograd product conv outer norms; do
        (cd src/opencl/kernels && cat ../../../scripts/nvptx_builtins.cl arguments.h common.cl real.cl group.cl result.cl $file.cl) >"$work/kernel.cl"
        # shellcheck disable=SC2086  # a list of words
        if ! "$clang" $nvptx -S -w -Xclang -finclude-default-header "$work/kernel.cl" -o "$work/$file.ptx" 2>/dev/null; then
            echo "skipped: $clang does not make NVIDIA's instructions"
            return 0
        fi
        for kernel in $(awk -F'[ (]' '/^[.]entry/ { name = $2 } /local_depot.*\[/ { print name }' "$work/$file.ptx"); do
            complain "$kernel has an array in memory"
        done
        if command -v ptxas >/dev/null; then
            ptxas -arch=sm_80 -c -v "$work/$file.ptx" -o /dev/null 2>&1 |
                sed -nE "s/.*entry function '([^']*)'.*/\1/p; s/.*Used ([0-9]+) registers.*/\1/p; s/.* ([1-9][0-9]*) bytes spill stores.*/spills \1/p" |
                awk '/^spills/ { spills = " and " $2 " bytes in memory" } /^[a-z]/ && !/^spills/ { name = $0 }
                    /^[0-9]/ { print "registers: " name ": " $0 spills; spills = "" }'
        fi
    done
    echo "registers: looked for arrays in memory"
}

# A few cases of each operation: it is thousands of times slower.
check_oclgrind() {
    command -v oclgrind >/dev/null || { echo "skipped: there is no oclgrind (Debian: oclgrind)"; return 0; }
    find /usr/lib* /usr/local/lib -name liboclgrind-rt-icd.so 2>/dev/null | head -n 1 >"$work/oclgrind.icd"
    for operation in transfer maxpool meanpool add upsample dropout norm_statistics norm_forward norm_backward norm_channels \
        loss mixed answers optimizer blend sum_squares count_nonfinite conv1x1 upconv2x2 conv3x3_half conv3x3; do
        UNET_TEST_SLOW=37 UNET_DEVICE=opencl OCL_ICD_VENDORS="$work/oclgrind.icd" XDG_CACHE_HOME="$work" timeout 1800 \
            oclgrind --data-races "$build/test_ops" "$operation" >"$work/log" 2>&1 || complain "$operation under oclgrind failed"
        if grep -qiE "data race|invalid (read|write)" "$work/log"; then
            complain "$operation under oclgrind"
            head -n 40 "$work/log"
        else
            echo "oclgrind: $operation"
        fi
    done
}

check_tests() {
    lacks=$("$build/test_opencl" lacks) || { echo "skipped: $lacks"; return 0; }
    export UNET_DEVICE=opencl
    (cd "$build" && ctest -R '^test_' --output-on-failure) || complain "tests by the engine"
    for test in predict train eval cli check; do
        sh "tests/${test}_test.sh" "$build/unet" "$(pwd)" "$build" || complain "${test}_test.sh by the engine"
    done
}

for part in ${*:-kernels registers oclgrind tests}; do
    "check_$part"
done
exit "$failed"
