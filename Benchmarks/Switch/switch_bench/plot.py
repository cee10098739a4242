"""The comparison as a picture: a panel for each figure, a bar for each switch. SVG by hand; light or dark as its reader. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_STYLE = """
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .panel { font-size: 14px; font-weight: 600; }
  .note, .value { fill: #59636e; }
  .value { font-variant-numeric: tabular-nums; }
  .background { fill: #ffffff; }
  .bar { fill: #a8b3c0; }
  .ours { fill: #0a7d55; }
  .axis { stroke: #d1d9e0; }
  .name-ours { font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .note, .value { fill: #9198a1; }
    .background { fill: #0d1117; }
    .bar { fill: #565f6b; }
    .ours { fill: #3fb27f; }
    .axis { stroke: #3d444d; }
  }
"""

_WIDTH, _MARGIN, _GUTTER = 960, 24, 40
_NAMES, _VALUES = 168, 52   # room left of a panel's bars for names, and right of them for numbers
_BAR, _PITCH = 14, 20
_HEAD, _PANEL_HEAD, _PANEL_FOOT = 72, 30, 22


@dataclass(frozen=True)
class Panel:
    title: str
    note: str       # unit, and which way is better
    decimals: int
    values: Mapping[str, float]  # by switch


def draw(title: str, note: str, switches: Sequence[str], ours: str, panels: Sequence[Panel]) -> str:
    """`switches`: names in the order of their bars. Panels stand two in a row."""
    width = (_WIDTH - 2 * _MARGIN - _GUTTER) // 2
    parts: list[str] = []
    top = _HEAD
    for start in range(0, len(panels), 2):
        row = panels[start:start + 2]
        heights = [_panel(parts, panel, switches, ours, _MARGIN + place * (width + _GUTTER), top, width)
                   for place, panel in enumerate(row)]
        top += max(heights)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}" role="img">',
        f"<title>{escape(title)}</title>", f"<style>{_STYLE}</style>",
        f'<rect class="background" width="{_WIDTH}" height="{top}"/>', _text(_MARGIN, 32, title, "title"),
        _text(_MARGIN, 53, note, "note"), *parts, "</svg>", ""]
    return "\n".join(lines)


def _panel(parts: list[str], panel: Panel, switches: Sequence[str], ours: str, left: int, top: int, width: int) -> int:
    """Adds the panel; its height."""
    shown = [name for name in switches if name in panel.values]
    largest = max((panel.values[name] for name in shown), default=1) or 1
    axis, room = left + _NAMES, width - _NAMES - _VALUES
    parts.append(
        f'<text x="{left}" y="{top + 14}" class="panel">{escape(panel.title)}'
        f'<tspan class="note" font-weight="400" dx="8">{escape(panel.note)}</tspan></text>')
    for place, name in enumerate(shown):
        y = top + _PANEL_HEAD + place * _PITCH
        length = panel.values[name] / largest * room
        mark = "ours" if name == ours else "bar"
        parts.append(_text(axis - 8, y + 11, name, f"name-{mark}", "end"))
        parts.append(f'<rect class="{mark}" x="{axis}" y="{y}" width="{max(length, 1):.1f}" height="{_BAR}" rx="2"/>')
        parts.append(_text(axis + length + 6, y + 11, f"{panel.values[name]:.{panel.decimals}f}", "value"))
    bottom = top + _PANEL_HEAD + len(shown) * _PITCH
    parts.append(f'<line class="axis" x1="{axis}" y1="{top + _PANEL_HEAD - 4}" x2="{axis}" y2="{bottom}"/>')
    return bottom - top + _PANEL_FOOT


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'
