# SPDX-License-Identifier: Apache-2.0
# The front door over CMakeLists.txt.
#
#   make            build the library and the command in build/
#   make demo       train on generated microscopy and look at the result (about two minutes)
#   make test       build and run all tests
#   make sanitize   the tests under AddressSanitizer and UBSan
#   make check-arm  the tests on an emulated 64-bit Arm; some minutes
#   make check-long sanitizers, fuzzers, real training, other systems: hours; PARTS="isa fuzz" for some
#                   of them (PARTS=help lists them)
#   make bench      measure the kernels, then bench-networks
#   make bench-networks  whole networks, ours beside PyTorch, onnxruntime, OpenVINO and ncnn from
#                   PyPI where Python has it, else ours alone; BENCH="--networks paper --rounds 3"
#   make bench-docs put what was measured into docs/benchmarks.md
#   make install    (PREFIX=/usr/local, DESTDIR=)
#   make release    the command as one static file, and a tarball with it, in build-release/
#   make uninstall  remove what make install put there
#   make ci         what continuous integration runs; half an hour
#   make format     let clang-format decide
#
# CFLAGS are used as they are, without the -O2 of a release build; BUILD_TYPE=Debug and others are CMake's.
# docs/install.md has the rest.

PREFIX ?= /usr/local
override PREFIX := $(patsubst ~/%,$(HOME)/%,$(PREFIX))
BUILD_TYPE ?= $(if $(CFLAGS),None,Release)
JOBS := $(shell nproc 2>/dev/null || echo 2)
CONFIGURE = cmake -S . -DCMAKE_BUILD_TYPE=$(BUILD_TYPE) -DCMAKE_C_FLAGS='$(CFLAGS)' \
    -DCMAKE_INSTALL_PREFIX='$(PREFIX)'

.PHONY: all demo test sanitize check-arm check-long bench bench-build bench-networks bench-docs \
    install uninstall release ci format clean

all:
	@scripts/setup.sh build
	@$(CONFIGURE) -B build -DUNET_TESTS=OFF >/dev/null
	@scripts/build.sh build -j$(JOBS) --target unet_cli unet_static unet_shared unet_completions unet_man3

demo: all
	build/unet demo demo

test:
	@scripts/setup.sh test
	@scripts/run_tests.sh build-test -DCMAKE_BUILD_TYPE=Release

sanitize:
	@scripts/setup.sh test
	@scripts/run_tests.sh build-sanitize -DCMAKE_BUILD_TYPE=RelWithDebInfo \
	    -DUNET_SANITIZE=address,undefined

check-arm:
	@scripts/check_cross.sh aarch64

check-long:
	@scripts/check_long.sh $(PARTS)

bench: bench-build
	build/bench_kernels
	@$(MAKE) --no-print-directory bench-networks

bench-build:
	@scripts/setup.sh build
	@$(CONFIGURE) -B build -DUNET_TESTS=OFF >/dev/null
	@cmake --build build -j$(JOBS) --target unet_cli bench_kernels bench_network bench_recompute bench_workers -- -s >/dev/null

BENCH_PYTHON = build/bench-venv/bin/python

bench-networks: bench-build
	@if scripts/bench_venv.sh build/bench-venv; then \
	    $(BENCH_PYTHON) bench/networks.py $(BENCH); \
	else \
	    for n in paper milesial small auto; do \
	        build/bench_network --network $$n --predict && \
	        build/bench_network --network $$n --train || exit 1; \
	    done; \
	fi

bench-docs:
	@python3 bench/report.py

install: all
	@scripts/install.sh install build '$(PREFIX)'

uninstall:
	@scripts/install.sh uninstall build '$(PREFIX)'

release:
	@scripts/release.sh

ci:
	@scripts/ci.sh

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf build build-*
