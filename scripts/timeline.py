#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Turn the traces of a run into a page for people and a file for Perfetto. usage: timeline.py [--dir DIR] [--quiet]

Reads DIR/trace-NAME.txt (the kernel's text of our tracepoints, one of each vendor) and DIR/result.json, writes

    DIR/timeline.html           one page that needs nothing else and no network: an overview of each vendor's story, and
                                a picture of every bind and teardown
    DIR/trace.perfetto.json     Chrome's trace event format, which Perfetto's page opens

DIR is out/run. Exit code 1: there is no trace in DIR. What a trace means is in tracelog.py.
"""

import argparse
import html
import json
import pathlib
import sys
import time

sys.dont_write_bytecode = True

import tracelog                             # noqa: E402
from tracelog import LANES, took            # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
TITLES = {"tdx": "Intel TDX Connect", "sev": "AMD SEV-TIO", "cca": "Arm CCA"}
STATE_CLASS = {"UNBOUND": "idle", "BINDING": "moving", "BOUND": "run", "UNBINDING": "moving", "QUARANTINED": "error",
               "CONFIG_UNLOCKED": "idle", "CONFIG_LOCKED": "locked", "RUN": "run", "ERROR": "error",
               "Insecure": "idle", "Secure": "locked"}
WIDTH = 1260
# of a sequence
ROW, TOP, LANE0, LANE_STEP, STRIP = 20, 30, 140, 112, 78
# of an overview
LEFT, PLOT, BAR = 118, 1110, 26
# about how wide a letter is
LETTER = 6.5
MAX_RAW = 12
# from a track of Perfetto's to the one for what overlaps there
SECOND = 1000


def esc(text):
    """Text for HTML, of whatever origin: no mark-up, no control characters."""
    return html.escape("".join(c if c >= " " or c == "\n" else "\ufffd" for c in str(text)), quote=True)


def cut(text, width):
    """As much of @text as fits into @width."""
    letters = max(int(width / LETTER), 4)
    return text if len(text) <= letters else text[:letters - 1] + "…"


def rect(x, y, width, height, cls, more=""):
    """An SVG rectangle."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" class="{cls}"{more}/>'


def text(x, y, words, cls="", more=""):
    """An SVG text; @words are escaped here."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{cls}"{more}>{esc(words)}</text>'


def title(item, origin):
    """What hovering shows, and the panel: a line that says what it is, then lines of the trace."""
    raw = item.raw[:MAX_RAW]
    head = f"{LANES[item.lane]}: {item.label}, +{(item.start - origin) / 1000:.3f} ms"
    if item.call or item.count > 1:
        head += f", {took(item.length)}"
    if item.count > 1:
        head += f", of {item.count} the first and the last"
    return f"<title>{esc(head)}\n{esc(chr(10).join(raw))}</title>"


def arrow(x1, x2, y, cls):
    """From lane to lane."""
    by = 5 if x2 > x1 else -5
    return (f'<path class="arrow {cls}" fill="none" d="M{x1:.1f} {y:.1f}H{x2 - by:.1f}"/>'
            f'<path class="{cls}" stroke="none" d="M{x2 - by * .4:.1f} {y:.1f}l{-by * 1.4:.1f} -3.4v6.8z"/>')


def lane_x(lane):
    """Of a sequence."""
    return LANE0 + lane * LANE_STEP


class Sequence:
    """The picture of a scene: time goes down, a row for each item."""

    def __init__(self, log, scene):
        self.log, self.scene = log, scene
        self.items = scene.items
        self.height = TOP + ROW * len(self.items) + 12

    def row_of(self, when):
        """The first row that does not begin before @when."""
        return next((i for i, item in enumerate(self.items) if item.start >= when), len(self.items))

    def heads(self):
        """Names of the lanes and their lines."""
        out = [text(70, 17, "ms", "soft small", ' text-anchor="end"')]
        for lane, name in enumerate(LANES):
            out.append(f'<path class="grid" d="M{lane_x(lane)} {TOP - 4}V{self.height - 8}"/>')
            out.append(text(lane_x(lane), 17, name, f"head l{lane}", ' text-anchor="middle"'))
        return out

    def strip(self, spans, x, name):
        """A state, as a column."""
        out = []
        for span in spans:
            first, last = self.row_of(span.start), self.row_of(span.end) if span is not spans[-1] else len(self.items)
            first = max(first, 0)
            if last <= first or span.end < self.scene.start or span.start > self.scene.end:
                continue
            out.append(f'<g>{rect(x, TOP + first * ROW, 8, (last - first) * ROW, STATE_CLASS.get(span.state, "idle"))}'
                       f'<title>{esc(name)}: {esc(span.state)}</title></g>')
        return out

    def strips(self):
        """Binding and TDISP state of the scene's function; of the first one, if it is the link's."""
        fn = self.scene.fn or next(iter(self.log.states), "")
        if fn not in self.log.states:
            return []
        return [*self.strip(self.log.states[fn], STRIP, f"binding of {fn}"),
                *self.strip(self.log.tdisp.get(fn, ()), STRIP + 11, f"TDISP state of {fn}")]

    def bar(self, i, item):
        """A call, as long as what happens in it."""
        last = i
        while item.call and last + 1 < len(self.items) and self.items[last + 1].end <= item.end and \
                self.items[last + 1].start < item.end:
            last += 1
        y, x = TOP + i * ROW, lane_x(item.lane)
        if item.count > 1:
            return "".join(rect(x - 6 + 2 * n, y + 3 + 2 * n, 10, 9, f"l{item.lane}") for n in range(3))
        if not item.call:
            cls = "isbad" if item.level == "bad" else f"l{item.lane}"
            return f'<circle cx="{x}" cy="{y + ROW / 2}" r="4" class="{cls}"/>'
        cls = "isbad" if item.level == "bad" else f"l{item.lane}"
        return rect(x - 4 + 2 * min(item.depth, 3), y + 4, 8, (last - i) * ROW + ROW - 8, cls)

    def label(self, item, y):
        """The words of a row, where nothing is in their way."""
        x = lane_x(item.lane)
        far = item.target if item.target is not None else item.lane
        words, extra = item.label, ""
        if (item.call or item.count > 1) and item.length >= 20:
            extra = took(item.busy if item.count > 1 and item.busy else item.length)
        room = WIDTH - lane_x(far) - 16
        anchor, at = "", lane_x(far) + 12
        if item.source is not None and item.source > item.lane:
            if (len(words) + len(extra) + 2) * LETTER < x - STRIP - 40:
                anchor, at, room = ' text-anchor="end"', x - 10, x - STRIP - 30
            else:
                at, room = lane_x(item.source) + 10, WIDTH - lane_x(item.source) - 14
        words = cut(words, room - len(extra) * 6)
        extra = f' <tspan class="ms">{esc(extra)}</tspan>' if extra else ""
        return f'<text x="{at:.1f}" y="{y + 14}" class="halo"{anchor}>{esc(words)}{extra}</text>'

    def row(self, i, item):
        """One item."""
        y = TOP + i * ROW
        out = [f'<g class="row {item.level}" tabindex="0" role="button" aria-label="{esc(LANES[item.lane])}: {esc(item.label)}">',
               title(item, self.scene.start), rect(0, y, WIDTH, ROW, "hit"),
               text(70, y + 14, f"{(item.start - self.scene.start) / 1000:.3f}", "soft small", ' text-anchor="end"')]
        mid = y + ROW / 2
        if item.source is not None and item.source != item.lane:
            out.append(arrow(lane_x(item.source), lane_x(item.lane), mid, f"l{item.lane}"))
        if item.target is not None:
            out.append(arrow(lane_x(item.lane), lane_x(item.target), mid, f"l{item.lane}"))
        out += [self.label(item, y), "</g>"]
        return "".join(out)

    def svg(self, name):
        """All of it."""
        out = [f'<svg viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" height="{self.height}" role="group" aria-label="{esc(name)}">']
        out += [rect(0, TOP + i * ROW, WIDTH, ROW, "band") for i in range(1, len(self.items), 2)]
        out += self.heads() + self.strips()
        # below all words
        out += [self.bar(i, item) for i, item in enumerate(self.items)]
        out += [self.row(i, item) for i, item in enumerate(self.items)]
        return "".join(out) + "</svg>"


class Overview:
    """A vendor's whole story: time goes to the right."""

    def __init__(self, log, scenes, steps):
        self.log, self.scenes, self.steps = log, scenes, steps
        self.low, self.high = log.start, max(log.end, log.start + 1)
        self.items = tracelog.fold(log.items)

    def x(self, when):
        """Where a time is."""
        return LEFT + (when - self.low) / (self.high - self.low) * PLOT

    def part(self, start, end, y, height, cls, words="", more="", least=1.0, brief=""):
        """What carries its times, so that it can be zoomed: a <g> that is left open. @brief: where @words do not fit."""
        x, width = self.x(start), max(self.x(end) - self.x(start), least)
        out = (f'<g data-a="{start:.1f}" data-b="{end:.1f}" {more}>' +
               rect(x, y, width, height, f"at {cls}", f' data-min="{least}"'))
        if words:
            shown = next((one for one in (words, brief) if one and width > len(one) * 6.7 + 6), "")
            out += text(x + 4, y + height - 6, shown, "" if "step" in cls or "scene" in more else "halo",
                        f' data-words="{esc(words)}" data-brief="{esc(brief)}"')
        return out

    def spans(self, spans, y, name):
        """A state, as a row."""
        return [self.part(span.start, span.end, y, 13, STATE_CLASS.get(span.state, "idle")) +
                f"<title>{esc(name)}: {esc(span.state)}, {took(span.end - span.start)}</title></g>" for span in spans]

    def strips(self, y):
        """(SVG, y below): binding and TDISP state of each function that was bound, and the link."""
        rows = []
        for fn, spans in self.log.states.items():
            rows += [("binding", spans, fn), ("TDISP state", self.log.tdisp.get(fn, []), fn)]
        rows += [("IDE link", spans, domain) for domain, spans in self.log.links.items()]
        out = []
        for name, spans, what in rows:
            out.append(text(LEFT - 8, y + 11, name, "", ' text-anchor="end"'))
            out += self.spans(spans, y, f"{name} of {what}")
            y += 17
        return out, y

    def lane(self, lane, y):
        """The items of one lane: calls as bars, points as ticks."""
        out = [f'<path class="grid" d="M{LEFT} {y + BAR}H{LEFT + PLOT}"/>',
               text(LEFT - 8, y + 17, LANES[lane], f"head l{lane}", ' text-anchor="end"')]
        for item in self.items:
            if item.lane != lane:
                continue
            long = item.call or item.count > 1
            cls = "isbad" if item.level == "bad" else f"l{lane}"
            if item.count > 1 or item.length > 3000:
                cls += " wide"
            out.append(self.part(item.start, item.end if long else item.start, y + (4 if long else 8), 18 if long else 10,
                                 cls, item.label if item.length > 500 else "", f'class="row {item.level}"', 1.6))
            out.append(title(item, self.low) + "</g>")
        return out

    def svg(self, name):
        """All of it."""
        y, out = 4, []
        for nr, step, start, end, state in self.steps:
            out.append(self.part(start, end, y, 20, "step", f"{nr} {step}", brief=str(nr)) +
                       f"<title>step {nr} {esc(step)}: {esc(state)}, {took(end - start)}</title></g>")
        y += 26
        for scene in self.scenes:
            cls = {"bind": "run", "unbind": "moving", "kill": "error", "link": "locked"}[scene.kind]
            out.append(self.part(scene.start, scene.end, y, 18, cls, scene.title, 'class="scene"', 23.0, scene.code) +
                       f"<title>{esc(scene.title)}: {took(scene.end - scene.start)}. Click to see it larger.</title></g>")
        out.append(text(LEFT - 8, y + 13, "scenes", "", ' text-anchor="end"'))
        more, y = self.strips(y + 24)
        out += more
        y += 4
        for lane in range(len(LANES)):
            out += self.lane(lane, y)
            y += BAR
        axis = "".join(text(LEFT + PLOT * i / 8, y + 16, f"{(self.high - self.low) * i / 8000:.0f} ms", "soft small",
                            ' text-anchor="middle"') for i in range(9))
        return (f'<svg class="overview" viewBox="0 0 {WIDTH} {y + 22}" width="{WIDTH}" height="{y + 22}" tabindex="0" role="group" '
                f'aria-label="{esc(name)}; plus, minus, arrows and 0 zoom and move it" data-low="{self.low:.1f}" '
                f'data-high="{self.high:.1f}" data-left="{LEFT}" data-width="{PLOT}"><g>' + "".join(out) +
                f'</g><g class="axis" data-y="{y + 16}">{axis}</g></svg>')


# ---- the page ----

def summary(scene):
    """A scene in numbers."""
    calls = sum(item.count for item in scene.items if item.name == "fw_call")
    doe = sum(item.count for item in scene.items if item.name == "tio_doe_begin")
    words = [took(scene.end - scene.start), f"{calls} firmware calls" if calls != 1 else "1 firmware call"]
    if doe:
        words.append(f"{doe} DOE exchanges" if doe > 1 else "1 DOE exchange")
    return ", ".join(words)


def key():
    """What colours mean."""
    rows = (("idle", "unbound, CONFIG_UNLOCKED, link insecure"), ("moving", "binding or unbinding"),
            ("locked", "CONFIG_LOCKED, link secure"), ("run", "bound, RUN"), ("error", "ERROR, quarantine, refused"))
    return '<p class="key">' + "".join(f'<span><i class="{cls}"></i>{words}</span>' for cls, words in rows) + "</p>"


def scene_part(log, vendor, scene, name):
    """A section of the page."""
    return (f'<section class="scene card" id="{name}" data-kind="{scene.kind}"><h3>{esc(scene.title)} '
            f'<span class="soft" style="font-weight:400">{esc(summary(scene))}</span></h3>'
            f'{Sequence(log, scene).svg(f"{vendor}: {scene.title}")}</section>')


def vendor_part(vendor, log, result):
    """A vendor's part of the page."""
    scenes = tracelog.scenes(log)
    names = [f"{vendor}-{scene.title.split(':')[0].lower().replace(' ', '-')}" for scene in scenes]
    lost = f' <strong class="bad">{log.lost} events were lost: the buffers were full.</strong>' if log.lost else ""
    referee = result.get("referee") if isinstance(result, dict) else None
    words = f"{len(log.events)} events"
    if isinstance(referee, dict):
        words += (f"; referee: {referee.get('calls')} firmware calls, {referee.get('refused')} refused, "
                  f"{referee.get('violations')} violations")
    links = "".join(f'<li><a class="{scene.kind}" href="#{name}"><b>{esc(scene.code)}</b> {esc(scene.title)} <span class="soft">'
                    f"{took(scene.end - scene.start)}</span></a></li>" for scene, name in zip(scenes, names))
    return (f'<section class="vendor" id="{vendor}"><h2>{esc(TITLES.get(vendor, vendor))}</h2><p class="soft">{esc(words)}.{lost}</p>'
            f'<div class="card"><div class="tools"><button type="button" data-zoom="0.6">+</button>'
            f'<button type="button" data-zoom="1.6">−</button><button type="button">all</button>'
            f'<span class="soft">wheel or + and − zoom, drag or arrows move, a scene\'s bar shows it large; click an item for its lines</span></div>'
            f'{Overview(log, scenes, log.steps).svg(f"{vendor}: the whole story")}{key()}</div>'
            f'<nav aria-label="scenes"><ul>{links}</ul></nav>' +
            "".join(scene_part(log, vendor, scene, name) for scene, name in zip(scenes, names)) + "</section>")


def page(logs, result, date):
    """The whole page."""
    vendors = result.get("vendors", {})
    kernel = result.get("kernel", "unknown kernel")
    tabs = "".join(f'<button type="button" role="tab" data-vendor="{v}">{esc(TITLES.get(v, v))}</button>' for v in logs)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>tdibind: timeline of {esc(', '.join(logs))}</title>
<style>
{(HERE / "timeline.css").read_text(encoding="utf-8")}</style></head>
<body><header><h1>A device given to a confidential VM: bound, used, lost, bound again</h1>
<p class="soft">Linux {esc(kernel)}, {esc(date)}, verdict: {esc(result.get("verdict", "unknown"))}. Each picture is the kernel's own trace.
<strong>Emulated times</strong>: the host runs in QEMU without KVM; they say what comes after what, and nothing about hardware.</p>
<div class="tabs" role="tablist" aria-label="vendors">{tabs}</div></header>
<main>{"".join(vendor_part(v, log, vendors.get(v)) for v, log in logs.items())}</main>
<div id="raw" role="region" aria-live="polite" aria-label="lines of the trace" hidden><button type="button">close</button><strong></strong><pre></pre></div>
<footer>A row is an event of the trace, or a call with its begin and end; "576 ×" is so many of the same kind in a row. Arrows go from who asks to
who is asked. The two columns beside the times are the binding and the TDISP state.</footer>
<script>
{(HERE / "timeline.js").read_text(encoding="utf-8")}</script></body></html>
"""


# ---- Perfetto ----

def perfetto(logs):
    """Chrome's trace events: a process for each vendor, a track for each lane and task, tracks for states and steps."""
    out = []
    for pid, (vendor, log) in enumerate(logs.items(), 1):
        tracks = {}

        def track(name, order):
            if name not in tracks:
                tid = tracks[name] = len(tracks) + 1
                out.append({"ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": {"name": name}})
                out.append({"ph": "M", "pid": pid, "tid": tid, "name": "thread_sort_index", "args": {"sort_index": order}})
            return tracks[name]

        out.append({"ph": "M", "pid": pid, "name": "process_name", "args": {"name": TITLES.get(vendor, vendor)}})
        for nr, step, start, end, state in log.steps:
            out.append(slice_of(pid, track("story", 0), f"{nr} {step}", start, end, {"verdict": state}))
        for table, what in ((log.states, "binding"), (log.tdisp, "TDISP"), (log.links, "IDE link")):
            for name, spans in table.items():
                for span in spans:
                    out.append(slice_of(pid, track(f"{what} {name}", 1), span.state, span.start, span.end, {}))
        for item in log.items:
            # a hold may end in another task than it began in
            whose = "holds" if item.name == "pci_tdi_gate" and item.call else item.task
            tid = track(f"{LANES[item.lane]} ({whose})", 10 + item.lane)
            args = {"trace": item.raw[0].split(": ", 1)[-1]}
            if len(item.raw) > 1:
                args["end"] = item.raw[-1].split(": ", 1)[-1]
            if item.call:
                out.append(slice_of(pid, tid, item.label, item.start, item.end, args))
            else:
                out.append({"ph": "i", "s": "t", "pid": pid, "tid": tid, "ts": round(item.start, 3), "name": item.label,
                            "args": args})
    return {"displayTimeUnit": "ns", "traceEvents": nested(out)}


def nested(events):
    """Slices of a track have to nest. One that began a rounding before its neighbour's end begins there; of two holds
    that overlap the second goes to a track of its own."""
    names = {(event["pid"], event["tid"]): event["args"]["name"] for event in events if event["name"] == "thread_name"}
    slices = sorted((event for event in events if event["ph"] == "X"), key=lambda one: (one["ts"], -one["dur"]))
    stacks, moved = {}, set()
    for one in slices:
        stack = stacks.setdefault((one["pid"], one["tid"]), [])
        end = one["ts"] + one["dur"]
        while stack and stack[-1] <= one["ts"] + 2:
            one["ts"] = round(max(one["ts"], stack.pop()), 3)
        if stack and end > stack[-1] + 2:
            moved.add((one["pid"], one["tid"]))
            one["tid"] += SECOND
            continue
        end = min(end, stack[-1]) if stack else end
        one["dur"] = round(max(end - one["ts"], 0), 3)
        stack.append(one["ts"] + one["dur"])
    return events + [{"ph": "M", "pid": pid, "tid": tid + SECOND, "name": "thread_name",
                      "args": {"name": f"{names[pid, tid]}, 2"}} for pid, tid in sorted(moved)]


def slice_of(pid, tid, name, start, end, args):
    """A slice of a track."""
    return {"ph": "X", "pid": pid, "tid": tid, "ts": round(start, 3), "dur": round(max(end - start, 0), 3), "name": name,
            "args": args}


def main():
    """See the top."""
    parser = argparse.ArgumentParser(description="traces of a run as a page and for Perfetto")
    parser.add_argument("--dir", type=pathlib.Path, default=HERE.parent / "out" / "run")
    parser.add_argument("--date", help="the day that the page names, if not that of the trace")
    args = parser.parse_args()
    files = {file.stem.removeprefix("trace-"): file for file in sorted(args.dir.glob("trace-*.txt"))}
    files = {name: files[name] for name in sorted(files, key=lambda name: [*TITLES, name].index(name)) if name.isalnum()}
    if not files:
        print(f"timeline: {args.dir} has no trace-NAME.txt: run make run", file=sys.stderr)
        return 1
    result = args.dir / "result.json"
    try:
        result = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = {}
    if not isinstance(result, dict) or not isinstance(result.get("vendors", {}), dict):
        result = {}  # the page does without
    date = args.date or time.strftime("%d %B %Y", time.localtime(next(iter(files.values())).stat().st_mtime))
    logs = {}
    for name, file in files.items():
        with file.open(encoding="utf-8", errors="replace") as lines:
            logs[name] = tracelog.Log(lines)
    (args.dir / "timeline.html").write_text(page(logs, result, date), encoding="utf-8")
    (args.dir / "trace.perfetto.json").write_text(json.dumps(perfetto(logs), separators=(",", ":")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
