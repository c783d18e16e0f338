# SPDX-License-Identifier: Apache-2.0
"""Horizontal bars as SVG: for each group ours first, then the peers by time."""
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 760, 120, 150  # pixels; names stand left of the bars, figures right
BAR, GAP, TITLE, SPACE = 16, 4, 24, 14
OURS, PEER = "#0072b2", "#b0b7bf"
STYLE = ("text{font:13px sans-serif;fill:#1f2328}.title{font-weight:bold}"
         ".figure{font-variant-numeric:tabular-nums}")


def milliseconds(value):
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms"


def group(title, bars, top):
    """One group's elements, and where the next begins.  bars: (name, ms), ours is the first."""
    ours = bars[0][1]
    longest = max(ms for _, ms in bars)
    lines = [f'<text class="title" x="{LEFT}" y="{top + 14}">{escape(title)}</text>']
    y = top + TITLE
    for number, (name, ms) in enumerate([bars[0], *sorted(bars[1:], key=lambda bar: bar[1])]):
        width = (WIDTH - LEFT - RIGHT) * ms / longest
        figure = milliseconds(ms) + (f"  (x {ms / ours:.2f})" if number else "")
        lines += [
            f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" '
            f'fill="{PEER if number else OURS}"/>',
            f'<text class="figure" x="{LEFT + width + 6:.1f}" y="{y + 13}">{figure}</text>',
        ]
        y += BAR + GAP
    return lines, y + SPACE


def draw(groups):
    lines, y = [], 10
    for title, bars in groups:
        if bars:
            more, y = group(title, bars, y)
            lines += more
    return "\n".join([
        "<!-- SPDX-License-Identifier: Apache-2.0 -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
        f'viewBox="0 0 {WIDTH} {y}">',
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *lines, "</svg>", ""])
