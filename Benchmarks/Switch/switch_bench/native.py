"""Builds the helpers in C."""

from __future__ import annotations

from pathlib import Path

from .system import Lab, run

_SOURCES = Path(__file__).resolve().parent.parent / "native"
_PROGRAMS = {
    "tap-forward": ["tap_forward.c", "tap.c", "-luring"],
    "frame-generator": ["frame_generator.c", "frame_template.c"],
    "frame-sink": ["frame_sink.c"],
}


def build(lab: Lab) -> None:
    for name, parts in _PROGRAMS.items():
        words = [part if part.startswith("-") else str(_SOURCES / part) for part in parts]
        run(["gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-o", lab.native(name), *words])
