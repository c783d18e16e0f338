#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a program with the OpenCL engine, or says what is missing for that and ends with 77 (skipped).
# UNET_DEVICE may name a device: "opencl:1", "opencl:part of its name".
# Usage: with_opencl.sh TEST_OPENCL PROGRAM [ARGUMENT...]
set -u
lacks=$("$1" lacks) || {
    echo "skipped: $lacks"
    exit 77
}
shift
UNET_DEVICE=${UNET_DEVICE:-opencl}
export UNET_DEVICE
exec "$@"
