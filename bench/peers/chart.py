# SPDX-License-Identifier: Apache-2.0
"""chart.py REPORT.json [CONTEST] > CHART.svg   each cell's throughput against its rival, as bars from 1. CONTEST is `one stream` (the best peer
that runs one request at a time), unless one of the others is named: `two streams`, `own fp32`, `own fp32, two streams`."""
import json
import sys
from xml.sax.saxutils import escape

import peers

LEFT, BAR, ROW, SCALE_STEP = 250, 420, 22, 0.25


def bars(report, contest):
    """(label, ratio, rival, certain) per cell that has this contest; precisions are named if there are several."""
    several = len({c["precision"] for c in report["cells"]}) > 1
    for c in report["cells"]:
        r = c["comparisons"].get(contest)
        if r:
            yield f"{c['model']}, batch {c['batch']}" + (f", {c['precision']}" if several else ""), r["ratio"], r["rival"], r["told_apart"] and not r["doubtful"]


def svg(report, contest="one stream"):
    rows = list(bars(report, contest))
    rival = "its own FP32" if contest in peers.OWN_CONTESTS else "the best peer"
    top = max([1.0, *(ratio for _, ratio, _, _ in rows)]) + SCALE_STEP
    x = lambda ratio: LEFT + BAR * ratio / top
    height = ROW * (len(rows) + 2)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + BAR + 130} {height}" font-family="sans-serif" font-size="12">',
           f'<title>Throughput of Tercet against {rival} in each cell</title>',
           f'<rect width="{LEFT + BAR + 130}" height="{height}" fill="#ffffff"/>']
    for i, (label, ratio, name, certain) in enumerate(rows):
        y = ROW * (i + 0.5)
        color = "#2a6f97" if ratio >= 1 else "#c1502e"
        out += [f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end" fill="#222222">{escape(label)}</text>',
                f'<rect x="{LEFT}" y="{y + 3}" width="{x(ratio) - LEFT:.1f}" height="{ROW - 7}" fill="{color}" fill-opacity="{1 if certain else 0.55}"/>',
                f'<text x="{x(ratio) + 5:.1f}" y="{y + 14}" fill="#222222">{ratio:.2f} {escape(name)}{"" if certain else " (ranges overlap)"}</text>']
    line = x(1)
    out += [f'<line x1="{line:.1f}" x2="{line:.1f}" y1="4" y2="{height - ROW}" stroke="#222222" stroke-dasharray="3 3"/>',
            f'<text x="{line:.1f}" y="{height - 7}" text-anchor="middle" fill="#222222">{rival} = 1</text>', "</svg>"]
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    if not (len(sys.argv) == 2 or len(sys.argv) == 3 and sys.argv[2] in (*peers.CONTESTS, *peers.OWN_CONTESTS)):
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        sys.stdout.write(svg(json.load(file), *sys.argv[2:]))
