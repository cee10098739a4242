"""Processes and network namespaces, and their end: whatever a Lab has started or made goes with it."""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Words = Sequence[str]


class Refused(Exception):
    """A command failed, or something did not happen in time."""


class Skip(Exception):
    """A case cannot be measured here, for a reason that is not its fault."""


def _keep_from_terminal() -> None:
    """An interrupt from the terminal is for us to pass on: a process group of its own does that.

    Not a session of its own: the scheduler's automatic groups share the cores out among sessions, and two threads of one switch
    would get no more than one.
    """
    os.setpgrp()


def run(words: Words, *, seconds: float = 60, may_fail: bool = False, text: str | None = None) -> str:
    """Runs a command to its end and returns what it printed."""
    try:
        done = subprocess.run(
            words, input=text, stdin=None if text is not None else subprocess.DEVNULL, capture_output=True, text=True,
            timeout=seconds, preexec_fn=_keep_from_terminal)
    except subprocess.TimeoutExpired as late:
        raise Refused(f"{' '.join(words)}: not done after {seconds:.0f} s") from late
    if done.returncode != 0 and not may_fail:
        raise Refused(f"{' '.join(words)}: status {done.returncode}\n{done.stderr or done.stdout}".rstrip())
    return done.stdout


def until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Asks again until it is so; for what announces itself by no event."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Refused(f"{what}: not so after {seconds:.0f} s")
        time.sleep(0.005)


@dataclass(frozen=True)
class Namespace:
    name: str

    @property
    def path(self) -> str:
        return f"/run/netns/{self.name}"

    def inside(self, words: Words) -> list[str]:
        """The command line that runs there, in the same process."""
        return ["nsenter", f"--net={self.path}", *words]

    def run(self, *words: str, seconds: float = 60, may_fail: bool = False, text: str | None = None) -> str:
        return run(self.inside(words), seconds=seconds, may_fail=may_fail, text=text)

    def ip(self, *words: str) -> str:
        return run(["ip", "-n", self.name, *words])

    def received(self, interface: str) -> int:
        """Frames that the interface has taken from the switch, whether or not anybody in here wanted them."""
        links = json.loads(self.ip("-json", "-statistics", "link", "show", "dev", interface))
        return int(links[0]["stats64"]["rx"]["packets"])

    def has(self, interface: str) -> bool:
        return bool(run(["ip", "-n", self.name, "link", "show", "dev", interface], may_fail=True))

    def mac(self, interface: str) -> str:
        return str(json.loads(self.ip("-json", "link", "show", "dev", interface))[0]["address"])

    def silence(self) -> None:
        """The kernel in here says nothing by itself: what it says cannot be taken for traffic of a measurement."""
        if Path("/proc/sys/net/ipv6").exists():
            self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")


@dataclass(frozen=True)
class Cores:
    """Where who runs, when it is not left to the scheduler: the switch apart from those who load it."""

    all: set[int]

    @property
    def switch(self) -> set[int]:
        return {max(self.all)}

    @property
    def load(self) -> set[int]:
        return self.all - self.switch or self.all

    @property
    def are_few(self) -> bool:
        """So few that nobody is apart."""
        return self.load == self.switch


CORES = Cores(os.sched_getaffinity(0))


@dataclass(frozen=True)
class CPUTime:
    """By thread, nanoseconds: how long it ran, and how long it could have run and had no core."""

    threads: dict[str, tuple[int, int]]

    def ran_since(self, earlier: CPUTime) -> int:
        return self._since(earlier, 0)

    def waited_since(self, earlier: CPUTime) -> int:
        return self._since(earlier, 1)

    def _since(self, earlier: CPUTime, which: int) -> int:
        """Threads may have come; what one that has ended did in between is not in it."""
        return sum(times[which] - earlier.threads.get(thread, (0, 0))[which] for thread, times in self.threads.items())


class Process:
    """A program in the background. Its output is kept; `line` waits for a part of it."""

    def __init__(self, words: Words, environment: dict[str, str] | None = None, keep_input: bool = False) -> None:
        self.words = list(words)
        self._child = subprocess.Popen(
            # Dies with us, however we die.
            ["setpriv", "--pdeathsig", "TERM", *words], stdin=subprocess.PIPE if keep_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})},
            preexec_fn=_keep_from_terminal)
        self._output = bytearray()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def runs(self) -> bool:
        return self._child.poll() is None

    @property
    def output(self) -> str:
        return self._output.decode(errors="replace")

    def line(self, pattern: str, seconds: float = 20) -> None:
        """Returns when it has printed a line that matches."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.output):
            if not self._read(deadline):
                raise Refused(f"{' '.join(self.words)} did not say {pattern!r}:\n{self.output}".rstrip())

    def finish(self, seconds: float) -> str:
        """Waits for its end and returns all that it printed."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        try:
            status = self._child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as late:
            self.end()
            raise Refused(f"{' '.join(self.words)}: not done after {seconds:.0f} s") from late
        if status != 0:
            raise Refused(f"{' '.join(self.words)}: status {status}\n{self.output}".rstrip())
        return self.output

    def stop(self) -> str:
        """Ends it politely and returns all that it printed."""
        if self.runs:
            self._child.send_signal(signal.SIGTERM)
        return self.finish(20)

    def end(self) -> None:
        """Ends it for certain."""
        if self.runs:
            self._child.terminate()
            self.resume()
            try:
                self._child.wait(10)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe:
                pipe.close()

    def run_on(self, cores: set[int]) -> None:
        """All its threads, from now on."""
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                os.sched_setaffinity(int(thread.name), cores)
            except ProcessLookupError:
                pass  # it has just ended

    def pause(self) -> None:
        self._child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def cpu(self) -> CPUTime:
        """As the scheduler counts it: to the nanosecond, not to the clock's tick."""
        threads: dict[str, tuple[int, int]] = {}
        for schedule in Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            try:
                ran, waited, _ = schedule.read_text().split()
                threads[schedule.parent.name] = int(ran), int(waited)
            except OSError:
                pass  # a thread that has just ended
        return CPUTime(threads)

    def resident_bytes(self) -> int:
        found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) << 10 if found else 0

    def listens(self, namespace: Namespace, protocol: str, port: int) -> None:
        """Returns when it, or whoever is in its namespace, has the port."""
        here = Path(f"/proc/{self.pid}")
        inode = os.stat(namespace.path).st_ino
        entry = re.compile(rf"^\s*\d+: \w+:{port:04X} \w+:\w+ (0A|07) ", re.MULTILINE)

        def has_it() -> bool:
            if not self.runs:
                raise Refused(f"{' '.join(self.words)} ended:\n{self.finish(1)}")
            return os.stat(here / "ns/net").st_ino == inode and bool(entry.search((here / "net" / protocol).read_text()))

        until(has_it, f"{' '.join(self.words)} listens at {port}")

    def _read(self, deadline: float) -> bool:
        """Takes what it has printed since; false at the end of its output or of the time."""
        pipe = self._child.stdout
        assert pipe
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            if not selector.select(max(0, deadline - time.monotonic())):
                return False
        data = os.read(pipe.fileno(), 1 << 16)
        self._output += data
        return bool(data)


@dataclass
class Lab:
    """A place for a run: names that are its own, a temporary directory, and what has to be taken away."""

    programs: Path  # where toprackd and toprack are
    prefix: str = field(default_factory=lambda: f"tb{os.getpid()}")
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix=f"toprack-bench-{os.getpid()}-")))
    _namespaces: list[Namespace] = field(default_factory=list)
    _processes: list[Process] = field(default_factory=list)

    def namespace(self, name: str, silent: bool = True) -> Namespace:
        made = Namespace(f"{self.prefix}-{name}")
        # Noted first: an interrupt may come between the two.
        self._namespaces.append(made)
        run(["ip", "netns", "add", made.name])
        made.ip("link", "set", "lo", "up")
        if silent:
            made.silence()
        return made

    def start(
        self, words: Words, *, inside: Namespace | None = None, environment: dict[str, str] | None = None,
        keep_input: bool = False,
    ) -> Process:
        process = Process(inside.inside(words) if inside else words, environment, keep_input)
        self._processes.append(process)
        return process

    def end_process(self, process: Process) -> None:
        process.end()
        if process in self._processes:
            self._processes.remove(process)

    def native(self, name: str) -> str:
        return str(self.directory / name)

    def __enter__(self) -> Lab:
        sweep()
        return self

    def __exit__(self, *_: object) -> None:
        # The youngest first: clients before the daemons that they talk to.
        for process in reversed(self._processes):
            process.end()
        for namespace in reversed(self._namespaces):
            run(["ip", "netns", "delete", namespace.name], may_fail=True, seconds=120)
        shutil.rmtree(self.directory, ignore_errors=True)


def sweep() -> None:
    """Takes away what a run that was killed has left: its names carry its process id."""
    for line in run(["ip", "netns", "list"]).splitlines():
        owner = re.match(r"(tb(\d+)-\S+)", line)
        if owner and not Path(f"/proc/{owner[2]}").exists():
            run(["ip", "netns", "delete", owner[1]], may_fail=True, seconds=120)
    for directory in Path(tempfile.gettempdir()).glob("toprack-bench-*-*"):
        owner = re.match(r"toprack-bench-(\d+)-", directory.name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            shutil.rmtree(directory, ignore_errors=True)


def end_on_signals() -> None:
    """A polite kill ends us as an interrupt does, so that nothing is left behind."""
    def leave(number: int, _: object) -> None:
        # Once is enough: the end itself is not to be interrupted.
        for later in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(later, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def note(text: str) -> None:
    """Progress, for a person who waits."""
    print(text, file=sys.stderr, flush=True)
