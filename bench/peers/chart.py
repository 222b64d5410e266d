# SPDX-License-Identifier: Apache-2.0
"""chart.py REPORT.json > CHART.svg   each cell's throughput against the best peer that runs one request at a time, as bars from 1."""
import json
import sys
from xml.sax.saxutils import escape

LEFT, BAR, ROW, SCALE_STEP = 230, 420, 22, 0.25


def bars(report, contest="one stream"):
    """(label, ratio, rival, certain) per cell."""
    for c in report["cells"]:
        r = c["comparisons"].get(contest)
        if r:
            yield f"{c['model']}, batch {c['batch']}", r["ratio"], r["rival"], r["told_apart"] and not r["doubtful"]


def svg(report):
    rows = list(bars(report))
    top = max([1.0, *(ratio for _, ratio, _, _ in rows)]) + SCALE_STEP
    x = lambda ratio: LEFT + BAR * ratio / top
    height = ROW * (len(rows) + 2)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + BAR + 130} {height}" font-family="sans-serif" font-size="12">',
           '<title>Throughput of Tercet against the best peer in each cell</title>',
           f'<rect width="{LEFT + BAR + 130}" height="{height}" fill="#ffffff"/>']
    for i, (label, ratio, rival, certain) in enumerate(rows):
        y = ROW * (i + 0.5)
        color = "#2a6f97" if ratio >= 1 else "#c1502e"
        out += [f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end" fill="#222222">{escape(label)}</text>',
                f'<rect x="{LEFT}" y="{y + 3}" width="{x(ratio) - LEFT:.1f}" height="{ROW - 7}" fill="{color}" fill-opacity="{1 if certain else 0.55}"/>',
                f'<text x="{x(ratio) + 5:.1f}" y="{y + 14}" fill="#222222">{ratio:.2f} {escape(rival)}{"" if certain else " (ranges overlap)"}</text>']
    line = x(1)
    out += [f'<line x1="{line:.1f}" x2="{line:.1f}" y1="4" y2="{height - ROW}" stroke="#222222" stroke-dasharray="3 3"/>',
            f'<text x="{line:.1f}" y="{height - 7}" text-anchor="middle" fill="#222222">the best peer = 1</text>', "</svg>"]
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        sys.stdout.write(svg(json.load(file)))
