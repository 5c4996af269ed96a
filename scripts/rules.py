# SPDX-License-Identifier: GPL-2.0-only
"""The rule catalogue: which program or KUnit case proves which rule for which vendor, what a run has
to do for it, and what it came to.

tests/programs.list is the source. Of it are made: the plan of a run (which machine runs which programs),
the table rule x vendor, rules.json, and the index of docs/rules.

    rules.py [--list FILE] plan PLAN.JSON [--rules "r04 R13"] [--programs "r02 badinput"] [--vendors "tdx sev"]
                            [--shards N] [--times FILE]...
        writes the plan, and prints a line for each machine: the KUnit cases that it runs ("none",
        "*" or a glob), or "reboot" for one that scripts/reboot boots; then NAME.VENDOR for each program
    rules.py [--list FILE] index [--check]
        writes the table of docs/rules/README.md anew, or says whether it is as it must be
"""

import argparse
import fnmatch
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "programs.list"
PAGES = ROOT / "docs" / "rules"
VENDORS = ("tdx", "sev", "cca")
RULES = tuple(f"R{number:02}" for number in range(1, 32))
KUNIT = "kunit:"
REBOOT = "reboot:"
# Of a program that no run has timed yet, in s on the debug kernel.
UNKNOWN = 25
# What another machine has to save at least, in s: it takes that long to come and go.
WORTH = 90
MARKERS = re.compile(r"(<!-- rules: begin -->\n).*?(<!-- rules: end -->)", re.S)


class Entry:
    """A line of the list: a program, perhaps one that ends its machine, or the KUnit cases of a glob."""

    def __init__(self, text, where):
        words = text.split()
        if len(words) < 3:
            sys.exit(f"{where}: not NAME RULES VENDOR...: {text}")
        self.kunit = words[0].startswith(KUNIT)
        self.reboot = words[0].startswith(REBOOT)
        self.name = words[0].removeprefix(KUNIT).removeprefix(REBOOT)
        self.rules = [] if words[1] == "-" else words[1].split(",")
        self.vendors = [] if words[2:] == ["-"] else words[2:]
        for word in self.rules:
            if word not in RULES:
                sys.exit(f"{where}: {word} is no rule (R01 to {RULES[-1]}, several with commas, - for none)")
        for word in self.vendors:
            if word not in VENDORS:
                sys.exit(f"{where}: {word} is no vendor ({', '.join(VENDORS)})")

    def proves(self, rule, vendor):
        """Whether it has a part in a cell of the table."""
        return rule in self.rules and vendor in self.vendors


def read_list(path):
    """All entries, in the list's order."""
    entries = []
    for number, text in enumerate(path.read_text().splitlines(), 1):
        text = text.split("#")[0].strip()
        if not text:
            continue
        entry = Entry(text, f"{path}:{number}")
        if any(entry.name == other.name for other in entries):
            sys.exit(f"{path}:{number}: {entry.name} is there twice")
        entries.append(entry)
    return entries


# ---- the plan ----


def read_times(paths):
    """Seconds by NAME.VENDOR; later files say it better."""
    times = {}
    for path in paths:
        if path.is_file():
            for text in path.read_text().splitlines():
                words = text.split("#")[0].split()
                if len(words) == 2:
                    times[words[0]] = float(words[1])
    return times


def select(entries, rules, programs, vendors):
    """Pairs NAME.VENDOR, and the globs of the KUnit cases, that a run consists of."""
    names = [entry.name for entry in entries if not entry.kunit]
    for name in programs:
        if name not in names:
            sys.exit(f"no such test program: {name} (tests/programs.list)")
    everything = not rules and not programs
    pairs, globs = [], []
    for entry in entries:
        if entry.kunit:
            if set(entry.rules) & set(rules) and set(entry.vendors) & set(vendors or VENDORS):
                globs.append(entry.name)
        elif everything or entry.name in programs or set(entry.rules) & set(rules):
            # a program that is asked for by name, with vendors, runs for them whatever the list says
            forced = vendors and entry.name in programs
            pairs += [f"{entry.name}.{vendor}" for vendor in VENDORS
                      if (forced or vendor in entry.vendors) and vendor in (vendors or VENDORS)]
    if rules and not pairs and not globs:
        sys.exit(f"nothing in tests/programs.list proves {' '.join(rules)} for {' '.join(vendors or VENDORS)}")
    return pairs, ["*"] if everything else globs


def suite_filter(globs):
    """What the kernel's kunit.filter_glob, which takes only one, is given; None: no KUnit."""
    if not globs:
        return None
    suites = {name.split(".")[0] for name in globs}
    return suites.pop() if len(suites) == 1 else "*"


def share_out(pairs, kunit, shards, times, last):
    """Longest first, each to the machine that has least to do. What is named zz_ comes last of all.
    The programs @last end their machine: one more, after the last of the others."""
    after = [pair for pair in pairs if pair.split(".")[0] in last]
    pairs = [pair for pair in pairs if pair not in after]
    cost = {pair: times.get(pair, UNKNOWN) for pair in pairs}
    cost_kunit = 0 if not kunit else times.get("kunit", 240) if kunit == "*" else UNKNOWN
    count = max(1, min(shards, int(sum(cost.values()) + cost_kunit) // WORTH))
    load = [cost_kunit] + [0] * (count - 1)
    load[-1] += WORTH if after else 0
    work = [[] for _ in range(count)]
    for pair in sorted(pairs, key=lambda pair: (pair.startswith("zz_"), -cost[pair], pair)):
        least = load.index(min(load))
        work[least].append(pair)
        load[least] += cost[pair]
    machines = [{"kunit": kunit if nr == 0 else None, "seconds": round(load[nr]), "pairs": work[nr]}
                for nr in range(count) if work[nr] or kunit]
    return machines + ([{"kunit": "reboot", "seconds": WORTH, "pairs": after}] if after else [])


def plan(args):
    """Write the plan of a run, and print it for a shell script."""
    rules = sorted({word.upper() for word in args.rules.split()})
    programs = args.programs.split()
    vendors = args.vendors.split()
    for rule in rules:
        if rule not in RULES:
            sys.exit(f"no such rule: {rule} (R01 to {RULES[-1]})")
    entries = read_list(args.list)
    pairs, globs = select(entries, rules, programs, vendors)
    kunit = suite_filter(globs) if args.kunit else None
    shards = share_out(pairs, kunit, args.shards, read_times(args.times),
                       [entry.name for entry in entries if entry.reboot])
    full = not rules and not programs
    args.plan.write_text(json.dumps({
        "rules": list(RULES) if full else rules, "vendors": vendors or list(VENDORS),
        "shards": shards}, indent=1) + "\n")
    for shard in shards:
        print(shard["kunit"] or "none", *shard["pairs"])


# ---- the table ----


class Outcome:
    """What a program or a KUnit case came to."""

    def __init__(self):
        self.good = 0
        self.bad = []
        self.skips = []

    def verdict(self):
        """As it stands in rules.json."""
        if self.bad:
            return "failed"
        if self.good:
            return "ok"
        return f"skip: {self.skips[0]}" if self.skips else "failed"

    def add(self, other):
        """Both together."""
        self.good += other.good
        self.bad += other.bad
        self.skips += other.skips


def kunit_outcome(glob, cases):
    """Of all KUnit cases that a glob names; @cases: (SUITE.CASE, good, skip) in the log."""
    outcome = Outcome()
    for name, good, skip in cases:
        if not fnmatch.fnmatchcase(name, glob):
            continue
        if skip is not None:
            outcome.skips.append(skip)
        elif good:
            outcome.good += 1
        else:
            outcome.bad.append(f"KUnit {name}")
    if not outcome.good and not outcome.bad and not outcome.skips:
        outcome.bad.append(f"KUnit {glob} did not run")
    return outcome


def program_outcome(pair, programs):
    """Of one program for one vendor; @programs: Outcome by NAME.VENDOR."""
    outcome = programs.get(pair)
    if outcome is None or not (outcome.good or outcome.bad or outcome.skips):
        outcome = Outcome()
        outcome.bad.append(f"{pair} did not run")
    return outcome


def cell(rule, vendor, entries, programs, cases):
    """(word of rules.json, why) of one rule for one vendor."""
    total = Outcome()
    parts = [entry for entry in entries if entry.proves(rule, vendor)]
    for entry in parts:
        total.add(kunit_outcome(entry.name, cases) if entry.kunit else
                  program_outcome(f"{entry.name}.{vendor}", programs))
    others = [entry for entry in entries if rule in entry.rules and not entry.kunit]
    if others and not any(vendor in entry.vendors for entry in others):
        # what KUnit says alone is not the rule
        why = f"run by name only: make check T={others[0].name} VENDOR={vendor}"
        return ("failed", "; ".join(total.bad[:3])) if total.bad else (f"skip: {why}", why)
    if not parts:
        total.bad.append("nothing in tests/programs.list proves it")
    word = total.verdict()
    return word, "; ".join(total.bad[:3]) if word == "failed" else word.removeprefix("skip: ")


def table(chosen, entries, programs, cases):
    """rules.json, and the results as (rule, vendor, word, why), of the rules and vendors of a plan."""
    result, rows = {}, []
    for rule in chosen["rules"]:
        for vendor in chosen["vendors"]:
            word, why = cell(rule, vendor, entries, programs, cases)
            result.setdefault(rule, {})[vendor] = word
            rows.append((rule, vendor, word, why))
    return result, rows


def show(result, rows, vendors):
    """The table for a person, and below it what is not ok."""
    print("rule  " + "".join(f"{vendor:<8}" for vendor in vendors).rstrip())
    for rule, cells in result.items():
        words = [cells[vendor].split(":")[0] for vendor in vendors]
        print(f"{rule:<6}" + "".join(f"{word:<8}" for word in words).rstrip())
    for rule, vendor, word, why in rows:
        if word != "ok":
            print(f"  {rule} {vendor} {word.split(':')[0]}: {why}")


def write_times(path, programs):
    """Keep the seconds that each program took, beside those of programs that did not run now."""
    times = read_times([path]) | {pair: seconds for pair, seconds in programs.items() if seconds}
    path.write_text("# NAME.VENDOR SECONDS as last seen: scripts/rules.py shares out by it\n" + "".join(
        f"{pair} {seconds:.0f}\n" for pair, seconds in sorted(times.items())))


# ---- the pages ----


def title(page):
    """The first heading of a page."""
    return next((text[2:] for text in page.read_text().splitlines() if text.startswith("# ")), "")


def index_rows(entries, wrong):
    """The index of docs/rules, a row for each rule."""
    yield "| rule | what must hold | shown by |\n|---|---|---|\n"
    for rule in RULES:
        page = PAGES / f"{rule.lower()}.md"
        if not page.is_file():
            wrong.append(f"no page {page}")
            continue
        if not title(page).startswith(f"{rule}: "):
            wrong.append(f"{page} does not begin with '# {rule}: '")
        shown = []
        for entry in (entry for entry in entries if rule in entry.rules):
            what = f"KUnit `{entry.name}`" if entry.kunit else f"`{entry.name}`"
            some = "" if len(entry.vendors) == len(VENDORS) else f" ({' '.join(entry.vendors)})"
            shown.append(what + some)
            if not entry.kunit and f"tests/{entry.name}.c" not in page.read_text():
                wrong.append(f"{page} does not speak of the program {entry.name}")
        yield f"| [{rule}]({page.name}) | {title(page)[5:]} | {', '.join(shown)} |\n"


def index(args):
    """Write docs/rules/README.md's table, or compare it."""
    wrong = []
    rows = "".join(index_rows(read_list(args.list), wrong))
    readme = PAGES / "README.md"
    old = readme.read_text() if readme.is_file() else ""
    new, found = MARKERS.subn(lambda found: found[1] + rows + found[2], old)
    if not found:
        wrong.append(f"{readme} has no place for the table")
    elif args.check and new != old:
        wrong.append(f"{readme} is not what python3 scripts/rules.py index writes")
    elif new != old:
        readme.write_text(new)
    for text in wrong:
        print(f"rules: {text}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


def main():
    parser = argparse.ArgumentParser(description="the rule catalogue")
    parser.add_argument("--list", type=pathlib.Path, default=LIST, help="instead of tests/programs.list")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("plan", help="what a run has to do")
    command.add_argument("plan", type=pathlib.Path, metavar="PLAN.JSON")
    for name in ("rules", "programs", "vendors"):
        command.add_argument("--" + name, default="", metavar="NAMES")
    command.add_argument("--shards", type=int, default=1, metavar="N", help="machines at once")
    command.add_argument("--times", type=pathlib.Path, action="append", default=[], metavar="FILE")
    command.add_argument("--no-kunit", dest="kunit", action="store_false", help="the kernel has none")
    command.set_defaults(call=plan)
    command = commands.add_parser("index", help="the table of docs/rules/README.md")
    command.add_argument("--check", action="store_true", help="compare only")
    command.set_defaults(call=index)
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
