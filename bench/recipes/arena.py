#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains recipes on tasks for a budget of work, several times each, and says which differences count.

    arena.py run   UNET FOLDER [--tasks A,B] [--recipes A,B] [--seeds 0,1,2] [--minutes 1]
    arena.py table FOLDER [the same] [--scores dice,f1]

Tasks are the paragraphs of tasks.ini (NAME:3 trains on three images alone), recipes the lines of
recipes.txt.  Needs nothing but Python's standard library.

A budget is minutes of two quiet cores, that is, twice as many minutes of processor time, and no
clock is looked at: on a machine with other work the same words give the same runs.  Each recipe's
step is measured in processor time, training by one thread (the least of some tries), and the budget
is turned into steps, which the learning rate's schedule covers.  All images of a task are trained
on, and its test images, never seen, are scored with the newest weights.

Each finished measurement is a line of FOLDER/results.jsonl, which belongs to one machine and one
build; what is there is not done again.

What counts: runs of the same task, minutes and options differ by chance.  Their deviation s is
pooled over all recipes of the task that have two runs or more.  A difference of the means of n and
m runs counts where it exceeds t s sqrt(1/n + 1/m), t being Student's 97.5 % point.
"""
import argparse
import configparser
import json
import math
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared/data/seg"
PEER = "peer: "  # before the name of another program's recipe, where options of ours would stand
STUDENT = [0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23]  # by degrees of freedom


def read_tasks():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(HERE / "tasks.ini")
    tasks = {}
    for name in parser.sections():
        task = {key: value for key, value in parser[name].items()}
        for key in ("train", "three", "test"):
            task[key] = task[key].split()
        tasks[name] = task
        tasks[name + ":3"] = dict(task, train=task["three"])
    return tasks


def read_recipes():
    lines = (HERE / "recipes.txt").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): " ".join(options.split()) for name, options in pairs}


def link_images(folder, task, names, which):
    """FOLDER/which/images and masks, linked under the name that the pair has in common."""
    for kind, pattern in (("images", task["image"]), ("masks", task["mask"])):
        place = folder / which / kind
        place.mkdir(parents=True)
        for name in names:
            path = DATA / pattern.format(name)
            (place / (name + path.suffix)).symlink_to(path)


def prepare(folder, name, task):
    place = folder / "tasks" / name.replace(":", "-")
    if not (place / "test").is_dir():
        shutil.rmtree(place, ignore_errors=True)
        link_images(place, task, task["train"], "train")
        link_images(place, task, task["test"], "test")
    return place


def call(words):
    """Runs it; returns its output and its processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(" ".join(map(str, words)) + "\n" + done.stderr)
    return done.stdout, after.ru_utime - before.ru_utime


def train(unet, place, run, options, steps, seed):
    """Returns the processor time."""
    words = [unet, "train", "--images", place / "train/images", "--masks", place / "train/masks",
             "-o", run, "--overwrite", "--val-share", "0", "--steps", steps, "--seed", seed,
             "--threads", 1, "--checkpoint-every", "1h", "--quiet"]
    return call(words + options)[1]


def step_seconds(unet, place, run, options):
    """Processor time of a step: what a longer run takes beyond a short one, each the least of four.

    Other work on the machine can only add to a time.
    """
    def least(steps):
        return min(train(unet, place, run, options, steps, seed) for seed in range(4))
    short, steps = least(2), 22
    while (long := least(steps)) < 2 * short:
        steps *= 2
    return (long - short) / (steps - 2)


def evaluate(unet, place, what, options):
    words = [unet, "eval", *what, "--masks", place / "test/masks", "--json", "--quiet", "--threads", 1]
    return json.loads(call(words + options)[0])


def of_run(place, run):
    return [run / "last.safetensors", "--images", place / "test/images"]


def scores(unet, place, what, task, may_split=True):
    """what: a model and images, or masks that were predicted, as unet eval takes them.

    Masks that number their objects cannot be split.
    """
    options = task.get("eval_options", "").split()
    found = evaluate(unet, place, what, options)
    dice = [row["dice"] for row in found["classes"]]
    wanted = task["class"]
    result = {"dice": found["mean_dice"] if wanted == "foreground" else dice[int(wanted)],
              "class_dice": dice, "iou": found["mean_iou"], "accuracy": found["accuracy"]}
    if "objects" in found:
        split = evaluate(unet, place, what, options + ["--split"]) if may_split else found
        for suffix, objects in (("", found["objects"]), ("_split", split["objects"])):
            result["f1" + suffix] = objects["f1"][0]
            result["ap" + suffix] = objects["mean_ap"]
            result["seg" + suffix] = objects["seg"]
    if "boundary" in found:
        for key, kind, score in (("rand", "plain", "rand"), ("rand_thin", "thin", "rand"),
                                 ("info_thin", "thin", "info")):
            result[key] = max(row[kind][score] for row in found["boundary"])
    return result


class Results:
    """The lines of results.jsonl, by what they are of."""

    def __init__(self, folder):
        self.path = folder / "results.jsonl"
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.rows = [json.loads(line) for line in lines]

    def find(self, **wanted):
        return [row for row in self.rows
                if all(row.get(key) == value for key, value in wanted.items())]

    def add(self, **row):
        self.rows.append(row)
        with open(self.path, "a") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return row


def cost_of(unet, results, place, run, name, options, said):
    found = results.find(kind="cost", task=name, options=said)
    if found:
        return found[0]["seconds"]
    seconds = step_seconds(unet, place, run, options)
    return results.add(kind="cost", task=name, options=said, seconds=seconds)["seconds"]


def one_run(unet, folder, results, name, task, said, minutes, seed):
    if results.find(kind="run", task=name, options=said, minutes=minutes, seed=seed):
        return None
    place, run = prepare(folder, name, task), folder / f"run-{os.getpid()}"
    options = task.get("train_options", "").split() + said.split()
    cost = cost_of(unet, results, place, run, name, options, said)
    steps = max(int(minutes * 120 / cost), 1)
    used = train(unet, place, run, options, steps, seed)
    found = scores(unet, place, of_run(place, run), task)
    shutil.rmtree(run)
    return results.add(kind="run", task=name, options=said, minutes=minutes, seed=seed, steps=steps,
                       used_seconds=round(used, 1), scores=found)


def run_all(arguments, tasks, recipes):
    folder = pathlib.Path(arguments.folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not DATA.is_dir():
        print("skipped: the real images are not beside the project")
        return
    unet, results = pathlib.Path(arguments.unet).resolve(), Results(folder)
    for seed in arguments.seeds:
        for said_name, said in recipes.items():
            for name, task in tasks.items():
                row = one_run(unet, folder, results, name, task, said, arguments.minutes, seed)
                if row:
                    print(f"{name} {said_name} seed {seed}: {row['steps']} steps, Dice "
                          f"{row['scores']['dice']:.4f}", flush=True)


def pooled(groups):
    """Deviation of runs from the mean of their group, and its degrees of freedom."""
    squares = freedom = 0
    for values in groups:
        if len(values) > 1:
            squares += sum((value - statistics.mean(values)) ** 2 for value in values)
            freedom += len(values) - 1
    return (math.sqrt(squares / freedom) if freedom else None), freedom


def counts(mine, base, deviation, freedom):
    """1, -1: the difference of the means counts; 0: it may be chance."""
    if deviation is None or mine is base:
        return 0
    student = STUDENT[freedom] if freedom < len(STUDENT) else 1.96 + 2.7 / freedom
    least = student * deviation * math.sqrt(1 / len(mine) + 1 / len(base))
    difference = statistics.mean(mine) - statistics.mean(base)
    return 0 if abs(difference) <= least else 1 if difference > 0 else -1


def cell(mine, base, noise):
    if not mine:
        return ""
    mark = {1: " +", -1: " -", 0: ""}[counts(mine, base, *noise) if base else 0]
    spread = f" ({min(mine):.3f} to {max(mine):.3f}, {len(mine)})" if len(mine) > 1 else ""
    return f"{statistics.mean(mine):.3f}{mark}{spread}"


def print_table(rows, tasks, recipes, score):
    """One score: a line for each recipe, a column for each task that has it."""
    def values(name, said):
        return [row["scores"][score] for row in rows
                if row["task"] == name and row["options"] == said
                and row["scores"].get(score) is not None]
    columns = [name for name in tasks if any(values(name, said) for said in recipes.values())]
    if not columns:
        return
    noise = {name: pooled([values(name, said) for said in recipes.values()]) for name in columns}
    base = next(iter(recipes.values()))
    print(f"\n| {score} | " + " | ".join(columns) + " |")
    print("| --- |" + " --- |" * len(columns))
    for recipe, said in recipes.items():
        cells = [cell(values(name, said), values(name, base), noise[name]) for name in columns]
        if any(cells):
            print(f"| {recipe} | " + " | ".join(cells) + " |")
    deviations = [f"{noise[name][0]:.4f}" if noise[name][0] else "" for name in columns]
    print("| *deviation of runs* | " + " | ".join(deviations) + " |")


def table(arguments, tasks, recipes):
    results = Results(pathlib.Path(arguments.folder))
    rows = [row for row in results.find(kind="run", minutes=arguments.minutes)
            if row["seed"] in arguments.seeds]
    peers = sorted({row["options"] for row in rows if row["options"].startswith(PEER)})
    recipes = recipes | {said.removeprefix(PEER): said for said in peers}
    for score in arguments.scores:
        print_table(rows, tasks, recipes, score)


def chosen(everything, words, usual):
    """A dictionary of what is named, in that order."""
    names = words.split(",") if words else usual
    for name in names:
        if name not in everything:
            sys.exit(f"arena: there is no {name}, only: {' '.join(everything)}")
    return {name: everything[name] for name in names}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("run", "table"):
        command = commands.add_parser(name)
        if name == "run":
            command.add_argument("unet")
        else:
            command.add_argument("--scores", default=["dice", "f1", "f1_split", "ap", "ap_split",
                                                      "rand_thin", "info_thin"],
                                 type=lambda text: text.split(","))
        command.add_argument("folder")
        command.add_argument("--seeds", default="0,1,2",
                             type=lambda text: [int(word) for word in text.split(",")])
        command.add_argument("--tasks")
        command.add_argument("--recipes")
        command.add_argument("--minutes", type=float, default=1)
    arguments = parser.parse_args()
    tasks, recipes = read_tasks(), read_recipes()
    whole = [name for name in tasks if ":" not in name]
    (run_all if arguments.command == "run" else table)(
        arguments, chosen(tasks, arguments.tasks, whole),
        chosen(recipes, arguments.recipes, list(recipes)))


if __name__ == "__main__":
    main()
