"""Puts what was measured between its marks in a document. Pure but for `rewrite`."""

from __future__ import annotations

from pathlib import Path

from .system import Refused


def between_marks(document: str, name: str, text: str) -> str:
    """The document with `text` in the place of what is between the marks `name`."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise Refused(f"the document has no marks {begin} … {end}")
    return f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}"


def rewrite(path: Path, name: str, text: str) -> None:
    path.write_text(between_marks(path.read_text(), name, text))
