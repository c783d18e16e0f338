#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Writes what bench/networks.py measured into docs/benchmarks.md and docs/benchmarks.svg.

What the page said of another processor stays: its first table moves to "Other processors".
"""
import argparse
import json
import pathlib
import re
import sys

import barchart

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- written by bench/report.py: -->", "<!-- up to here -->"
TITLES = {
    "paper": "the paper's network: 1 x 572 x 572, unpadded, width 64, 2 classes",
    "milesial": "padded, with batch norm: 3 x 512 x 512, width 64, 2 classes",
    "small": "padded, width 16, no norm: 1 x 512 x 512, 2 classes",
    "auto": "a tile of what `unet train` picks: 1 x 192 x 192, padded, width 16, instance norm, 2 classes",
}
TASKS = {"predict": "prediction", "train": "a step of training",
         "cold": "from the start of the process to the mask file"}
NAMES = {"unet": "unet (ours)", "torch": "PyTorch", "openvino": "OpenVINO"}
UNCAPPED = ("onnxruntime", "ncnn")
ORDER = [(n, t) for n in TITLES for t in ("predict", "train")] + [("small", "cold")]


def other_class(row):
    """Half precision is listed, but it is not the same work."""
    return "bf16" in row["mode"]


def fastest(result):
    """Each engine's fastest fp32 mode, as a dictionary."""
    best = {}
    for row in result["rows"]:
        if row["error"] or other_class(row):
            continue
        if row["engine"] not in best or row["median"] < best[row["engine"]]["median"]:
            best[row["engine"]] = row
    return best


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def ratio(row, result):
    """How many times our time a peer takes; only for its fastest fp32 mode."""
    best = fastest(result)
    if row["engine"] == "unet" or "unet" not in best or best.get(row["engine"]) is not row:
        return ""
    return f"{row['median'] / best['unet']['median']:.2f}"


def label(row, cap):
    mode = row["mode"].replace("_", " ") + (" (another class)" if other_class(row) else "")
    mode += " (not capped)" if cap == "avx2" and row["engine"] in UNCAPPED else ""
    return NAMES.get(row["engine"], row["engine"]), mode.strip()


def last_column(row, task):
    if task == "predict":
        return f"{row['difference']:.1e}" if row.get("difference") is not None else ""
    if task == "train":
        return ", ".join(f"{loss:.6f}" for loss in row["losses"])
    return "" if row.get("pixels") is None else str(row["pixels"])


LAST = {"predict": "difference", "train": "loss of steps 1, 2, 3", "cold": "pixels unlike ours"}


def table(result):
    """Markdown."""
    task = result["task"]
    speed = task != "cold"
    head = ["engine", "mode", "ms", "shortest to longest"] + ["GFLOP/s"] * speed
    head += ["x ours", "peak MiB", LAST[task]]
    work = f" ({result['gflop']:.1f} GFLOP by direct count)" if speed and result["gflop"] else ""
    title = f"{TASKS[task]}, {TITLES[result['network']]}"
    lines = [f"**{title[0].upper()}{title[1:]}**{work}", "",
             "| " + " | ".join(head) + " |", "| --- | --- |" + " ---: |" * (len(head) - 2)]
    for row in sorted(result["rows"], key=lambda r: (other_class(r), r.get("median", 1e9))):
        name, mode = label(row, result["cap"])
        if row["error"]:
            why = row["error"][:80]
            lines.append(f"| {name} | {mode} | failed: {why} |" + " |" * (len(head) - 3))
            continue
        bold = "**" if fastest(result).get(row["engine"]) is row else ""
        cells = [name, mode, bold + number(row["median"]) + bold,
                 f"{number(row['low'])} to {number(row['high'])}"]
        cells += [number(1e3 * result["gflop"] / row["median"])] if speed else []
        cells += [ratio(row, result), number(row["memory"]), last_column(row, task)]
        lines.append("| " + " | ".join(cells) + " |")
    lines.append("")
    if speed:
        turns = f"{result['rounds']} round" + "s" * (result["rounds"] != 1)
        lines += [f"{turns}, {result['threads']} threads; of the machine's time "
                  f"during the timed runs, {100 * result['others']:.1f} % went to other processes "
                  f"and {100 * result['stolen']:.1f} % to other machines on the host "
                  f"({result['again']} runs were made again because of them).", ""]
    else:
        lines += [f"{result['rounds']} starts of each, in turn, {result['threads']} threads.", ""]
    return "\n".join(lines)


def summary(results):
    """Ours, and how many times longer each peer's fastest fp32 mode takes."""
    peers = []
    for result in results:
        peers += [e for e in fastest(result) if e != "unet" and e not in peers]
    lines = ["| | unet, ms | " + " | ".join(NAMES.get(e, e) for e in peers) + " |",
             "| --- |" + " ---: |" * (len(peers) + 1)]
    for result in results:
        best = fastest(result)
        if "unet" not in best:
            continue
        cells = [f"{result['network']}, {TASKS[result['task']]}", number(best["unet"]["median"])]
        cells += [f"{number(best[e]['median'])} (x {ratio(best[e], result)})" if e in best else ""
                  for e in peers]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def machine_text(results):
    m, versions = results[0]["machine"], {}
    for result in results:
        versions |= {NAMES.get(row["engine"], row["engine"]): row["version"]
                     for row in result["rows"] if row.get("version")}
    engines = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (f"{m['cores']} cores of an {m['cpu']}, {' '.join(m['flags'])}; {m['system']}; "
            f"{m['compiler']}; Python {m['python']}. {engines}.\n")


CAPPED = ("`UNET_ISA`, `ATEN_CPU_CAPABILITY` and `ONEDNN_MAX_CPU_ISA` hold ours, PyTorch and "
          "OpenVINO to AVX2. onnxruntime and ncnn have no such switch: they ran with all that the "
          "CPU has.\n")


def load(folder, cap):
    found = []
    for name, task in ORDER:
        path = folder / f"{name}-{task}-{cap}.json"
        if path.exists():
            found.append(json.loads(path.read_text()))
    return found


def section(results, capped):
    isas = sorted({r["isa"] for r in results if r["isa"] not in ("", "best")})
    parts = [f"### Capped to AVX2\n\n{CAPPED}" if capped else
             f"### {' '.join(isas).upper() or 'Results'}\n\n{machine_text(results)}",
             summary(results), *(table(r) for r in results)]
    return "\n".join(parts)


OTHERS = "### Other processors"
MACHINE = re.compile(r"^\d+ cores of an? (.*?);.*$", re.M)
TABLE = re.compile(r"^\|.*\n(?:\|.*\n)+", re.M)


def others(old, results):
    """The newest first table of each processor that the old page knows and these results are not of."""
    known = {}
    now, _, before = old.partition(OTHERS)
    for text in [now, *re.split(r"^(?=\d+ cores of )", before, flags=re.M)[1:]]:
        machine, table = MACHINE.search(text), TABLE.search(text)
        if machine and table:
            known.setdefault(machine[1], f"{machine[0]}\n\n{table[0]}")
    m = results[0]["machine"]
    known.pop(f"{m['cpu']}, {' '.join(m['flags'])}", None)
    return f"{OTHERS}\n\n" + "\n".join(known.values()) if known else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=pathlib.Path,
                        default=ROOT / "build" / "bench-networks" / "results")
    parser.add_argument("--docs", type=pathlib.Path, default=ROOT / "docs")
    options = parser.parse_args()
    best, capped = load(options.results, "best"), load(options.results, "avx2")
    if not best:
        sys.exit("report: nothing was measured yet: make bench-networks")
    text = section(best, False) + ("\n" + section(capped, True) if capped else "")
    page = options.docs / "benchmarks.md"
    old = page.read_text()
    if BEGIN not in old or END not in old:
        sys.exit(f"report: {page} has lost its two marks")
    head, tail = old.split(BEGIN)[0], old.split(END)[1]
    text = f"{text.strip()}\n\n{others(old.split(BEGIN)[1].split(END)[0], best)}"
    picture = "![Ours and each peer's fastest mode](benchmarks.svg)"
    page.write_text(f"{head}{BEGIN}\n\n{picture}\n\n{text.strip()}\n\n{END}{tail}")
    groups = [(f"{TITLES[r['network']].split(':')[0]}, ".replace("`", "") + f"{TASKS[r['task']]}",
               [(NAMES.get(e, e), row["median"]) for e, row in fastest(r).items()])
              for r in best if "unet" in fastest(r)]
    (options.docs / "benchmarks.svg").write_text(barchart.draw(groups))
    print(f"wrote {page} and {options.docs / 'benchmarks.svg'}")


if __name__ == "__main__":
    main()
