"""What the models have to reach, each bar with the row of the table that it reads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    text: str
    value: float
    limit: float
    at_least: bool

    @property
    def met(self):
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def bars(table, psnr, default):
    """All bars for a table of mean figures by row; `default` names the default ratio's row."""
    frames, smoothed = table["frames"], table[default]
    still, redrawn = table["ratio 0"], table["ratio 1"]
    return [
        Bar("VAE: PSNR in dB", psnr, 32, True),
        Bar("frames: colour right", frames["color"], 0.95, True),
        Bar("frames: background right", frames["background"], 0.95, True),
        Bar("frames: shape right", frames["shape"], 0.9, True),
        Bar("frames: edge F1", frames["edgeF1"], 0.9, True),
        *smoothed_bars(smoothed, frames),
        Bar("ratio 1: share of the flicker left", redrawn["flicker"] / frames["flicker"], 0.25, 0),
        Bar("ratio 1: edge F1", redrawn["edgeF1"], 0.5, True),
        Bar("ratio 0: flicker over the default's", still["flicker"] / smoothed["flicker"], 2, True),
        Bar("drift: default over ratio 0", smoothed["drift"] / still["drift"], 1, True),
        Bar("drift: ratio 1 over default", redrawn["drift"] / smoothed["drift"], 1, True),
    ]


def smoothed_bars(row, frames):
    """Those that an imitation of smoothing has to miss at least one of."""
    return [
        Bar("smoothed: share of the flicker left", row["flicker"] / frames["flicker"], 0.25, False),
        Bar("smoothed: edge F1", row["edgeF1"], 0.75, True),
        Bar("smoothed: colour right", row["color"], 0.85, True),
    ]


def judge(bars_of, rows, controls):
    """What became of the bars of every stage, and which negative controls miss each of them.

    `rows`: the figures by stage; `controls`: those of what has to miss bars, by name;
    `bars_of(stage, figures)`: the bars, in one order.
    """
    judged = []
    for stage, row in rows.items():
        # Frames that are not smoothed are no control of themselves.
        others = {
            name: bars_of(stage, figures) for name, figures in controls.items() if figures is not row
        }
        for at, bar in enumerate(bars_of(stage, row)):
            missed_by = [name for name, bars in others.items() if not bars[at].met]
            entry = dict(bar=bar.text, value=bar.value, limit=bar.limit, met=bool(bar.met))
            judged.append({**entry, "missedBy": missed_by})
    return judged


def show(judged):
    for entry in judged:
        met = "met   " if entry["met"] else "MISSED"
        missed_by = ", ".join(entry["missedBy"]) or "NO CONTROL"
        print(f"{met} {entry['value']:7.3f} ({entry['limit']:.3g}) {entry['bar']}; missed by {missed_by}")
