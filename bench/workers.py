# SPDX-License-Identifier: Apache-2.0
"""The processes that are measured, and the rounds in which they take turns."""
import contextlib
import fcntl
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")
PAUSE = 0.1  # seconds between two runs, so that the threads of the last one have gone to sleep
CALM = 0.03  # a run during which others took a larger share of the machine is made again,
TRIES = 4  # at most so often in all


def caps(isa):
    """Environment that caps the engines to an instruction set, as far as they let themselves."""
    if isa != "avx2":
        return {}
    return {"UNET_ISA": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2",
            "DNNL_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}


# A mode that ends in "_pages" runs with a C library that keeps freed memory and asks for huge
# pages: what an engine that allocates on the way gains from a better allocator.
PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "MALLOC_MMAP_MAX_": "0",
         "MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


def cpu_seconds(pid):
    """What a process has computed so far, all its threads."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def machine_seconds():
    """What all processes have computed so far, and what the hypervisor took."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, soft, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + soft) / TICK, steal / TICK


class Worker:
    """One engine in one mode, in a process of its own."""

    def __init__(self, engine, mode, command, env):
        self.engine, self.mode, self.version = engine, mode, ""
        self.times, self.losses, self.error, self.idle = [], [], None, 0.0
        self.memory = self.difference = None
        self.burst = 1
        self.log = open(f"{env['BENCH_LOGS']}/{engine}-{mode or 'only'}.log", "w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True, env={**os.environ, **env})
        answer = self.answer()
        if answer:
            self.version = answer.partition(" ")[2]

    @property
    def name(self):
        return f"{self.engine} {self.mode}".strip()

    def answer(self):
        line = self.process.stdout.readline().strip()
        if not line and not self.error:
            self.log.seek(0)
            lines = self.log.read().strip().splitlines() or ["it ended without a word"]
            self.error = lines[-1][:200]
        return line

    def ask(self, line):
        if self.error:
            return ""
        try:
            print(line, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass
        return self.answer()

    def run(self):
        """Milliseconds, of a burst the median, or None when it failed."""
        times = [self.run_once() for _ in range(self.burst)]
        return None if None in times else statistics.median(times)

    def run_once(self):
        words = self.ask("run").split()
        if not words:
            return None
        if len(words) > 1:
            self.losses.append(float(words[1]))
        return float(words[0])

    def quit(self):
        if not self.error:
            try:
                print("quit", file=self.process.stdin, flush=True)
            except BrokenPipeError:
                pass
        self.process.wait()
        self.log.close()


def python_worker(engine, mode, task, network, folder, threads, env):
    plain = mode.removesuffix("pages").removesuffix("_")
    command = [sys.executable, str(HERE / "worker.py"), engine, plain, task, str(folder),
               str(network["channels"]), str(network["side"]), str(threads)]
    return Worker(engine, mode, command, {**env, **(PAGES if plain != mode else {})})


@contextlib.contextmanager
def locked(path, exclusive):
    """Holds a lock file while others, who respect it, may (shared) or may not work beside us."""
    if not path:
        yield
        return
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield


class Disturbance:
    """How much of the machine's time during the timed runs that count went elsewhere."""

    def __init__(self):
        self.others = self.stolen = self.total = 0.0
        self.again = 0

    def run(self, worker, workers):
        """One run of worker, while all others should sleep: (ms, others, stolen, wall) or None."""
        idle = [w for w in workers if w is not worker and not w.error]
        before = [cpu_seconds(w.process.pid) for w in idle]
        (busy, steal), own = machine_seconds(), cpu_seconds(worker.process.pid)
        start = time.perf_counter()
        took = worker.run()
        wall = time.perf_counter() - start
        if took is None:
            return None
        busy_after, steal_after = machine_seconds()
        own = cpu_seconds(worker.process.pid) - own
        for w, was in zip(idle, before):
            w.idle += cpu_seconds(w.process.pid) - was
        return took, max(0.0, busy_after - busy - own), steal_after - steal, wall

    def turn(self, worker, workers):
        """One run that counts: when others took part of the machine, the calmest of a few."""
        calmest = None
        for attempt in range(TRIES):
            time.sleep(PAUSE * (1 + attempt))
            found = self.run(worker, workers)
            if found is None:
                return
            if calmest is None or found[1] + found[2] < calmest[1] + calmest[2]:
                calmest = found
            if found[1] + found[2] <= max(CALM * found[3] * os.cpu_count(), 3 / TICK):
                break
            self.again += 1
        took, others, stolen, wall = calmest
        worker.times.append(took)
        self.others += others
        self.stolen += stolen
        self.total += wall * os.cpu_count()

    def shares(self):
        total = self.total or 1.0
        return {"others": self.others / total, "stolen": self.stolen / total, "again": self.again}


def take_turns(workers, rounds, lock=None):
    """Each worker runs once a round, another one first each time."""
    disturbance = Disturbance()
    for number in range(rounds):
        shift = number % len(workers)
        with locked(lock, exclusive=True):
            for worker in workers[shift:] + workers[:shift]:
                if not worker.error:
                    disturbance.turn(worker, workers)
    return disturbance.shares()
