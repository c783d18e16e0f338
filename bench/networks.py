#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures whole networks: ours against PyTorch, onnxruntime, OpenVINO and ncnn, in one run.

Every engine in each of its modes is a process of its own with the same weights, image and number of
threads.  They are loaded, run twice to warm up, and then take turns: in each round every one runs
once, or where that takes a moment a few times in a row, while the others sleep.  The results are
compared with PyTorch's in float64.

Needs the environment of scripts/bench_venv.sh and a built bench_network and unet; `make
bench-networks` does all of it.  Results are kept in build/bench-networks/results/;
`bench/report.py` writes docs/benchmarks.md and docs/benchmarks.svg from them.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

import report
import workers
from workers import Worker, locked, python_worker, take_turns

HERE = pathlib.Path(__file__).resolve().parent
NETWORKS = {
    "paper": {"channels": 1, "side": 572, "init": []},
    "milesial": {"channels": 3, "side": 512,
                 "init": ["--in-channels", "3", "--padding", "same", "--norm", "batch"]},
    "small": {"channels": 1, "side": 512, "burst": 5,
              "init": ["--width", "16", "--padding", "same"]},
    "auto": {"channels": 1, "side": 192, "burst": 20,
             "init": ["--width", "16", "--padding", "same", "--norm", "instance"]},
}
MODES = {
    "predict": {
        "unet": [""],
        "torch": ["eager", "channels_last", "channels_last_pages", "compile", "compile_pages",
                  "jit", "bf16"],
        "onnxruntime": [""],
        "openvino": ["", "bf16"],
        "ncnn": ["", "sgemm", "bf16"],
    },
    "train": {
        "unet": [""],
        "torch": ["eager", "channels_last", "channels_last_pages", "compile_channels_last",
                  "compile_channels_last_pages", "bf16"],
    },
}
COLD = ["unet", "torch", "onnxruntime", "openvino", "ncnn"]
WARM_UP = 2


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return "?"


def machine():
    """What the figures were measured on."""
    info = {}
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            info.setdefault(key.strip(), value.strip())
    flags = info.get("flags", "").split()
    with open("/etc/os-release") as file:
        names = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
    return {
        "cpu": f"{info.get('model name', platform.machine())} (family {info.get('cpu family', '?')}"
               f", model {info.get('model', '?')})",
        "cores": os.cpu_count(),
        "flags": [f for f in ("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16") if f in flags],
        "system": names.get("PRETTY_NAME", "?").strip('"'),
        "compiler": first_line(["cc", "--version"]),
        "python": platform.python_version(),
    }


def start(engine, mode, task, network, folder, options, logs):
    env = {"BENCH_LOGS": logs, **workers.caps(options.isa)}
    if engine != "unet":
        return python_worker(engine, mode, task, network, folder, options.threads, env)
    command = [str(options.build / "bench_network"), "--serve", "--side", str(network["side"]),
               "--threads", str(options.threads), "--model", str(folder / "model.safetensors"),
               "--input", str(folder / "input.f32"), "--labels", str(folder / "labels.u8")]
    return Worker(engine, mode, command + ["--train"] * (task == "train"), env)


def compare(worker, reference, scratch):
    """The largest difference to the float64 logits, as a share of the largest logit."""
    path = pathlib.Path(scratch) / "logits.f32"
    if worker.ask(f"logits {path}") != "ok":
        return None
    logits = numpy.fromfile(path, numpy.float32)
    return float(abs(logits - reference.ravel()).max() / abs(reference).max())


def row(worker):
    entry = {"engine": worker.engine, "mode": worker.mode, "version": worker.version,
             "error": worker.error}
    if not worker.times:
        return entry
    return {**entry, "median": statistics.median(worker.times), "low": min(worker.times),
            "high": max(worker.times), "times": worker.times, "memory": worker.memory,
            "difference": worker.difference, "losses": worker.losses[:3],
            "idle": worker.idle}


def measure(name, task, options):
    """One network, one task: all engines in turn."""
    network, folder = NETWORKS[name], options.build / "bench-networks" / name
    chosen = [(e, m) for e, modes in MODES[task].items() if e in options.engines for m in modes
              if not options.modes or e == "unet" or (m or "default") in options.modes]
    if options.isa == "avx2":  # which has no bf16
        chosen = [(e, m) for e, m in chosen if m != "bf16"]
    started = []
    with tempfile.TemporaryDirectory() as scratch:
        for engine, mode in chosen:
            with locked(options.lock, exclusive=False):
                worker = start(engine, mode, task, network, folder, options, scratch)
                worker.burst = network.get("burst", 1)
                warm = [worker.run() for _ in range(WARM_UP)]
            if not worker.error:
                worker.memory = float(worker.ask("memory"))
            first, last = (f"{t:.0f}" if t else "-" for t in (warm[0], warm[-1]))
            print(f"  {worker.name}: warm-up {first}, {last} ms {worker.error or ''}",
                  file=sys.stderr, flush=True)
            started.append(worker)
        disturbance = take_turns(started, options.rounds, options.lock)
        if task == "predict":
            reference = numpy.load(folder / "reference.npy")
            for worker in started:
                worker.difference = compare(worker, reference, scratch)
        rows = [row(worker) for worker in started]
        for worker in started:
            worker.quit()
    ours = next((r for r in rows if r["engine"] == "unet" and r["version"]), None)
    version, isa, gflop = ours["version"].split() if ours else ("", "", "0")
    if ours:
        ours["version"] = version
    return {"network": name, "task": task, "isa": isa or options.isa, "gflop": float(gflop),
            "threads": options.threads, "rounds": options.rounds, "rows": rows, **disturbance}


def cold_command(engine, folder, mask, options):
    image = str(folder / "image.png")
    if engine == "unet":
        return [str(options.build / "unet"), "predict", str(folder / "model.safetensors"), image,
                "-o", mask, "--quiet", "--threads", str(options.threads)]
    return [sys.executable, str(HERE / "cold_start.py"), engine, str(folder), image, mask,
            str(options.threads)]


def start_once(command, env):
    """Milliseconds and peak memory in MiB of a process from start to end; None: it failed."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    took = 1e3 * (time.perf_counter() - begin)
    process.returncode = status
    return None if status else (took, usage.ru_maxrss / 1024)


def measure_cold(options):
    """The start of a process to the mask file, for the small network; all in turn."""
    from PIL import Image

    folder = options.build / "bench-networks" / "small"
    env = {**os.environ, **workers.caps(options.isa)}
    engines = [e for e in COLD if e in options.engines]
    took, memory, masks = {e: [] for e in engines}, {e: [] for e in engines}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(options.rounds + 1):
            with locked(options.lock, exclusive=number > 0):
                for engine in engines:
                    mask = f"{scratch}/{engine}.png"
                    time.sleep(workers.PAUSE)
                    result = start_once(cold_command(engine, folder, mask, options), env)
                    if result and number:  # the first start only fills the file cache
                        took[engine].append(result[0])
                        memory[engine].append(result[1])
        for engine in engines:
            if took[engine]:
                mask = numpy.asarray(Image.open(f"{scratch}/{engine}.png").convert("L"))
                masks[engine] = mask > 0
    rows = []
    for engine in engines:
        if not took[engine]:
            rows.append({"engine": engine, "mode": "", "error": "it failed"})
            continue
        differs = int((masks[engine] != masks["unet"]).sum()) if took.get("unet") else None
        rows.append({"engine": engine, "mode": "", "error": None,
                     "median": statistics.median(took[engine]), "low": min(took[engine]),
                     "high": max(took[engine]), "memory": max(memory[engine]), "pixels": differs})
    return {"network": "small", "task": "cold", "isa": options.isa, "threads": options.threads,
            "rounds": options.rounds, "rows": rows}


def prepare(name, options):
    folder, network = options.build / "bench-networks" / name, NETWORKS[name]
    if (folder / "labels.u8").exists():  # what is written last
        return
    print(f"{name}: making the weights and every engine's model file", file=sys.stderr, flush=True)
    command = [sys.executable, str(HERE / "prepare.py"), str(options.build / "unet"), str(folder),
               str(network["channels"]), str(network["side"]), *network["init"]]
    with locked(options.lock, exclusive=False):
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"prepare.py failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words = {"type": lambda text: text.split(","), "metavar": "A,B,..."}
    parser.add_argument("--networks", default=list(NETWORKS), **words, help=" ".join(NETWORKS))
    parser.add_argument("--tasks", default=["predict", "train", "cold"], **words,
                        help="predict train cold")
    parser.add_argument("--engines", default=COLD, **words, help=" ".join(COLD))
    parser.add_argument("--modes", **words,
                        help="only these modes of the peers; 'default' is the one without a name")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--isa", choices=["best", "avx2"], default="best",
                        help="avx2 caps ours, PyTorch and OpenVINO; the others cannot be")
    parser.add_argument("--lock", metavar="FILE", help="held exclusively during each round, shared "
                        "while loading: for a machine where others work, too")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build")
    return parser.parse_args()


def main():
    options = parse()
    results = options.build / "bench-networks" / "results"
    results.mkdir(parents=True, exist_ok=True)
    jobs = [(n, t) for n in options.networks for t in options.tasks if t != "cold"]
    jobs += [("small", "cold")] * ("cold" in options.tasks)
    for name, task in jobs:
        prepare(name, options)
        print(f"{name}, {task}", file=sys.stderr, flush=True)
        result = measure_cold(options) if task == "cold" else measure(name, task, options)
        result = {**result, "cap": options.isa, "machine": machine()}
        (results / f"{name}-{task}-{options.isa}.json").write_text(json.dumps(result, indent=1))
        print(report.table(result), flush=True)


if __name__ == "__main__":
    main()
