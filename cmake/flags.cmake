# SPDX-License-Identifier: Apache-2.0
# Our defaults where CMake has others: only values to start from, so what a person sets stands.
set(CMAKE_C_FLAGS_RELEASE_INIT "-O2 -DNDEBUG")
