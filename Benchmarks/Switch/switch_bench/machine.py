"""What the figures were taken on."""

from __future__ import annotations

import datetime
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    processor: str
    cores: int
    memory_gib: int
    kernel: str
    distribution: str
    date: str

    @staticmethod
    def here() -> Machine:
        return Machine(
            processor=_field("/proc/cpuinfo", "model name", ":") or platform.machine(),
            cores=len(os.sched_getaffinity(0)),
            memory_gib=round(int((_field("/proc/meminfo", "MemTotal", ":") or "0").split()[0]) / (1 << 20)),
            kernel=platform.release(),
            distribution=(_field("/etc/os-release", "PRETTY_NAME", "=") or "Linux").strip('"'),
            date=datetime.date.today().isoformat(),
        )

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        # A distribution's own name of a kernel build says nothing that its version does not.
        kernel = self.kernel.split("-")[0]
        return f"{self.processor}, {self.cores} cores, {self.memory_gib} GiB, Linux {kernel}, {self.distribution}, {self.date}"


def _field(path: str, name: str, separator: str) -> str | None:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        key, found, value = line.partition(separator)
        if found and key.strip() == name:
            return value.strip()
    return None
