# SPDX-License-Identifier: GPL-2.0-only
"""What a run of scripts/prove came to: out/proof.json, the table for a person, and the one of docs/proof.md.

    proof.py sort [--times FILE]... < JOBS
        jobs FLAVOUR.PART.VENDOR, longest first by what FILEs say
    proof.py collect --dir DIR --parts "orders ..." --vendors "tdx ..." --jobs "debug.orders.tdx ..." --json FILE ...
        judge each machine's log in DIR, add up what the programs say they did ("# proof PART VENDOR planned=N
        run=N failed=N ..."), write FILE, print the table; exit code 0 only if all that was planned ran and held
    proof.py doc [--json FILE]
        write the table of docs/proof.md anew from FILE

proof.json: {PART: {VENDOR: {"planned", "run", "failed", ...}}} for each part; "base": the same for what ran on the base
kernel once more; "run": seconds, seed, and what the machines had to complain about.
"""

import argparse
import importlib.machinery
import importlib.util
import json
import pathlib
import re
import sys

import rules

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOC = ROOT / "docs" / "proof.md"
PARTS = ("orders", "kills", "failures", "races", "model")
# Of a job that no run has timed yet, in s.
UNKNOWN = 600
LINE = re.compile(r"^(?:tdi\| )?# proof (\w+) (\w+) (.*)$")
MARKERS = re.compile(r"(<!-- proof: begin -->\n).*?(<!-- proof: end -->)", re.S)


def load_judge():
    """scripts/judge, which has no suffix."""
    loader = importlib.machinery.SourceFileLoader("judge", str(ROOT / "scripts" / "judge"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("judge", loader))
    loader.exec_module(module)
    return module


def counts(text):
    """The numbers of "planned=3 run=3 failed=0 ops=7"."""
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)\b", text)}


def add(cell, more):
    """Add numbers to those that a cell has."""
    for name, value in more.items():
        cell[name] = cell.get(name, 0) + value


class Proof:
    """What all jobs came to."""

    def __init__(self, parts, vendors):
        self.parts = {part: {vendor: {"planned": 0, "run": 0, "failed": 0} for vendor in vendors} for part in parts}
        self.base = {}
        self.wrong = []
        self.passed = self.skipped = 0
        self.seconds = {}

    def table(self, flavour, part):
        """Where the numbers of a job go."""
        if flavour == "debug":
            return self.parts[part]
        return self.base.setdefault(part, {vendor: {"planned": 0, "run": 0, "failed": 0} for vendor in self.parts[part]})

    def take(self, lines, name, flavour, part):
        """The numbers that one log has for its part. Returns the vendors that it spoke of."""
        told = set()
        for text in lines:
            found = LINE.match(text)
            if found and found[1] == part and found[2] in self.parts[part]:
                add(self.table(flavour, part)[found[2]], counts(found[3]))
                told.add(found[2])
        if not told:
            self.wrong.append(f"{name}: tells no numbers")
        return told

    def machine(self, judge, folder, name):
        """One machine's log."""
        flavour, part, vendor = name.split(".")
        tally = judge.Tally()
        try:
            boot = judge.Boot(folder / name / "console.log", tally)
        except OSError as error:
            self.wrong.append(f"{name}: {error}")
            self.table(flavour, part)[vendor]["failed"] += 1
            return
        boot.judge(False)
        self.passed += tally.passed
        self.skipped += tally.skipped
        self.wrong += [f"{name}: {text}" for text in tally.failures]
        self.seconds[name] = sum(boot.seconds.values())
        self.take(boot.lines, name, flavour, part)
        cell = self.table(flavour, part)[vendor]
        # whatever the program did not see itself: a splat, a leak, a machine that died
        if tally.failures and not cell["failed"]:
            cell["failed"] = len(tally.failures)

    def incomplete(self):
        """Cells that do not hold, as (name, cell)."""
        for prefix, tables in (("", self.parts), ("base ", self.base)):
            for part, cells in tables.items():
                for vendor, cell in cells.items():
                    if not cell["planned"] or cell["run"] != cell["planned"] or cell["failed"]:
                        yield f"{prefix}{part} {vendor}", cell


def number(cell):
    """A cell of the table."""
    text = f"{cell['run']:,}"
    if cell["run"] != cell["planned"]:
        text += f" of {cell['planned']:,}"
    more = [f"{value:,} {name}" for name, value in cell.items() if name not in ("planned", "run", "failed")]
    return text + (f" ({', '.join(more)})" if more else "") + (f", {cell['failed']:,} FAILED" if cell["failed"] else "")


def rows(result):
    """The table, as (what, kernel, cells by vendor)."""
    for part in PARTS:
        if part in result:
            yield part, "-" if part == "model" else "debug", result[part]
    for part, cells in result.get("base", {}).items():
        yield part, "base", cells


def show(result, vendors):
    """The table for a person."""
    for part, kernel, cells in rows(result):
        for vendor in vendors:
            print(f"  {part:<9} {kernel:<6} {vendor:<4} {number(cells[vendor])}")


def collect(args):
    """Judge all logs."""
    judge = load_judge()
    vendors = args.vendors.split()
    proof = Proof(args.parts.split(), vendors)
    for name in args.jobs.split():
        proof.machine(judge, args.dir, name)
    if "model" in proof.parts:
        log = args.dir / "model" / "console.log"
        proof.take(log.read_text().splitlines() if log.is_file() else [], "model", "debug", "model")
    for name, cell in proof.incomplete():
        proof.wrong.append(f"{name}: {number(cell)}")
    result = dict(proof.parts)
    if proof.base:
        result["base"] = proof.base
    result["run"] = {"seconds": args.seconds, "seed": args.seed, "complaints": len(proof.wrong)}
    args.json.write_text(json.dumps(result, indent=1) + "\n")
    if args.times:
        rules.write_times(args.times, proof.seconds)
    for text in proof.wrong:
        print(f"FAILED  {text}")
    show(result, vendors)
    print(f"{proof.passed} passed, {len(proof.wrong)} failed, {proof.skipped} skipped, in {args.seconds // 60} min")
    sys.exit(1 if proof.wrong else 0)


def doc_rows(result):
    """The table of docs/proof.md."""
    vendors = list(rules.VENDORS)
    yield "| part | kernel | " + " | ".join(vendors) + " |\n|---" + "|---" * (len(vendors) + 1) + "|\n"
    for part, kernel, cells in rows(result):
        yield f"| {part} | {kernel} | " + " | ".join(number(cells[vendor]) if vendor in cells else "" for vendor in vendors) + " |\n"
    run = result["run"]
    yield f"\nSEED={run['seed']}, {run['seconds'] // 60} min {run['seconds'] % 60} s, {run['complaints']} complaints.\n"


def doc(args):
    """Write the table of docs/proof.md anew."""
    text = "".join(doc_rows(json.loads(args.json.read_text())))
    new, found = MARKERS.subn(lambda found: found[1] + text + found[2], DOC.read_text())
    if not found:
        sys.exit(f"proof: {DOC} has no place for the table")
    DOC.write_text(new)


def sort(args):
    """Longest first."""
    times = rules.read_times(args.times)
    for name in sorted(sys.stdin.read().split(), key=lambda name: (-times.get(name, UNKNOWN), name)):
        print(name)


def main():
    parser = argparse.ArgumentParser(description="what a run of scripts/prove came to")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("sort", help="jobs, longest first")
    command.add_argument("--times", type=pathlib.Path, action="append", default=[], metavar="FILE")
    command.set_defaults(call=sort)
    command = commands.add_parser("collect", help="judge a run")
    command.add_argument("--dir", type=pathlib.Path, required=True)
    command.add_argument("--parts", required=True, metavar="NAMES")
    command.add_argument("--vendors", required=True, metavar="NAMES")
    command.add_argument("--jobs", required=True, metavar="NAMES")
    command.add_argument("--json", type=pathlib.Path, required=True, metavar="FILE")
    command.add_argument("--times", type=pathlib.Path, metavar="FILE")
    command.add_argument("--seconds", type=int, default=0)
    command.add_argument("--seed", default="")
    command.set_defaults(call=collect)
    command = commands.add_parser("doc", help="the table of docs/proof.md")
    command.add_argument("--json", type=pathlib.Path, default=ROOT / "out" / "proof.json", metavar="FILE")
    command.set_defaults(call=doc)
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
