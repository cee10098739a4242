"""Tables of words, for a terminal and for Markdown. The first column is text, the others are numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Table:
    title: str
    #: A heading can have two lines: what, and the unit.
    headings: list[tuple[str, str]]
    rows: list[list[str]] = field(default_factory=list)

    def text(self) -> str:
        lines = [[first for first, _ in self.headings], [second for _, second in self.headings]]
        if not any(lines[1]):
            lines.pop()
        every = lines + self.rows
        widths = [max(len(line[column]) for line in every) for column in range(len(self.headings))]
        ruled = ["─" * width for width in widths]
        shown = [self._aligned(line, widths) for line in [*lines, ruled, *self.rows]]
        return "\n".join([self.title, "", *shown])

    def markdown(self) -> str:
        names = [f"{first}, {second}" if second else first for first, second in self.headings]
        rules = ["---"] + ["---:"] * (len(names) - 1)
        lines = [names, rules, *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    @staticmethod
    def _aligned(line: list[str], widths: list[int]) -> str:
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        return "  ".join(cells).rstrip()
