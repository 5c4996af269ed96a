# SPDX-License-Identifier: GPL-2.0-only
"""The models of tests/model, explored by spin, and what is expected of them.

unbind.pml: each design for each vendor, every run of it; the set of unclean ends that are reachable has
to be exactly the expected one, so a design that stops to fail is a failure here too. For each of them the
shortest run that gets there is found and told (out/model/trails/).

orders.pml: the traces of every order of closing; the set has to be the one of tests/model/files.c, which
counts in another way.

DESIGNS below is the one list of designs; the numbers are those of tests/model/unbind.pml, and checked.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "tests" / "model"
DOC = ROOT / "docs" / "who-unbinds.md"
VENDORS = ("tdx", "sev", "cca")
TITLES = {"tdx": "Intel", "sev": "AMD", "cca": "Arm"}
MARKERS = r"(<!-- model: {0} begin -->\n).*?(<!-- model: {0} end -->)"
LIMIT_S = 900	# of one exploration: far more than it takes

# Unclean ends, the most telling first: name in the model, words for people
ENDS = {
    "WAITS_FOR_EVER": "dma-buf revoke waits for ever",
    "RESET": "reset while locked",
    "VM_FIRST": "VM destroyed while bound",
    "FREED": "DMA to freed pages",
    "GOT_IN": "bind gets in",
    "DEADLOCK": "deadlock",
    "WAITED": "VM teardown waits",
    "REFUSED": "firmware refuses",
    "LEFT": "bound for ever",
    "LEAK": "reference leaks",
}


class Design:
    """A row: what it is called in the model and for people, and what is expected of it."""

    def __init__(self, name, words, tdx, sev=None, cca=None):
        self.name = name
        self.words = words
        sev = tdx if sev is None else sev
        cca = sev if cca is None else cca
        self.expected = {"tdx": set(tdx.split()), "sev": set(sev.split()), "cca": set(cca.split())}


# candidates, then ours with one thing changed
DESIGNS = [
    Design("VMM_ONLY", "nobody: the VMM only", ""),
    Design("KVM_DESTROY", "`kvm_destroy_vm()`", ""),
    Design("VDEV_DESTROY", "vDEVICE destroy (7.3's close order)", ""),
    Design("VFIO_LATE", "VFIO's last close, after the disable", ""),
    Design("VFIO_REVOKED", "VFIO's last close, between dma-buf revoke and disable", ""),
    Design("OURS", "**VFIO's last close, before `close_device`**", ""),
    Design("NO_KREF", "the binding holds no KVM", ""),
    Design("NO_KREF_VFIO", "the binding holds no KVM, VFIO does", ""),
    Design("NO_BARRIER", "new binds are not barred", ""),
    Design("NO_WAIT", "who finds an unbind in progress goes on", ""),
    Design("GIVE_UNDER_LOCK", "unbind ends under `dev_set->lock`", ""),
    Design("NO_INVALIDATE", "DMA tables trust in the KVM reference", ""),
    Design("FILE_HELD", "a dma-buf holds VFIO's file", ""),
    Design("WAIT_REFS", "VM teardown waits for the MMIO as well", ""),
    Design("WAIT_ONLY", "VM teardown waits, no KVM reference", ""),
]
# What must be clean is explored with more parties racing
DEEP = ("OURS", "WAIT_REFS")


class Failure(Exception):
    """Something that must work did not."""


def run(command, **more):
    """The output of a command that has to succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, timeout=LIMIT_S, **more)
    if done.returncode:
        raise Failure(f"{' '.join(map(str, command))}: {done.stdout[-2000:]}")
    return done.stdout


def define(name, text):
    """The number of a #define in the model's text."""
    found = re.search(rf"^#define\s+{name}\s+(\d+)\s", text, re.M)
    if not found:
        raise Failure(f"{name} is not defined in {MODEL}/unbind.pml")
    return int(found[1])


def compile_pan(folder, source, binary, *flags):
    """pan of a model, in a folder of its own."""
    place = folder / binary
    place.mkdir(parents=True, exist_ok=True)
    for file in MODEL.glob("*.pml"):
        (place / file.name).write_bytes(file.read_bytes())
    run(["spin", "-a", source], cwd=place)
    run(["gcc", "-w", "-O2", "-DSAFETY", *flags, "-o", "pan", "pan.c"], cwd=place)
    return place / "pan"


def explored(output, what):
    """How many states; a search that was cut short is none."""
    states = re.search(r"^\s*([\d.e+]+) states, stored", output, re.M)
    if not states or "errors: 0" not in output or re.search(r"too small|out of memory|Search not completed",
                                                             output):
        raise Failure(f"{what}: not explored to its end: {output[-1500:]}")
    return int(float(states[1]))


class Explorer:
    """Designs and vendors of unbind.pml."""

    def __init__(self, out):
        self.out = out
        text = (MODEL / "unbind.pml").read_text()
        self.number = {design.name: define(design.name, text) for design in DESIGNS}
        self.bit = {end: define(end, text) for end in ENDS}
        self.search = compile_pan(out, "unbind.pml", "search", "-DVECTORSZ=512")
        self.shortest = compile_pan(out, "unbind.pml", "shortest", "-DBFS", "-DVECTORSZ=512")

    def environment(self, design, vendor, racers, kind=0):
        """What the model reads."""
        return {**os.environ, "DESIGN": str(self.number[design]), "VENDOR": str(VENDORS.index(vendor)),
                "RACERS": str(racers), "KIND": str(kind)}

    def explore(self, design, vendor, racers):
        """(reachable unclean ends, states, final states)"""
        what = f"{design} {vendor}"
        output = run([self.search, "-E", "-m100000", "-w22"], env=self.environment(design, vendor, racers))
        states = explored(output, what)
        masks = [int(mask) for mask in re.findall(r"^END \d+ \d+ (\d+) \d+$", output, re.M)]
        if not masks:
            raise Failure(f"{what}: no run has come to its end")
        return {end for end, bit in self.bit.items() if any(mask & bit for mask in masks)}, states, len(masks)

    def trail(self, design, vendor, end):
        """The shortest run to an unclean end, as lines for people."""
        place = self.out / "trails" / f"{design}.{vendor}.{end}"
        place.mkdir(parents=True, exist_ok=True)
        environment = self.environment(design, vendor, 0, self.bit[end])
        run([self.shortest, "-E", "-w20"], cwd=place, env=environment)
        told = subprocess.run([self.shortest, "-r", "-n", "unbind.pml.trail"], cwd=place, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
        lines = told.split("\npan:")[0].splitlines()
        if "assertion violated" not in told or not lines:
            raise Failure(f"{design} {vendor} {end}: no trail: {told[-500:]}")
        (place / "trail.txt").write_text("\n".join(lines) + "\n")
        return lines


def traces(out):
    """(traces of orders.pml, traces of files.c or None, states)"""
    pan = compile_pan(out, "orders.pml", "orders")
    output = run([pan, "-E"])
    states = explored(output, "orders")
    mine = set(re.findall(r"^TRACE (.*)$", output, re.M))
    if not (MODEL / "files.c").is_file():
        return mine, None, states
    run(["gcc", "-std=gnu11", "-O2", "-D_GNU_SOURCE", "-I", MODEL, "-o", out / "traces", MODEL / "traces.c",
         MODEL / "files.c"])
    return mine, set(re.findall(r"^TRACE (.*)$", run([out / "traces"]), re.M)), states


def cell(ends):
    """A set of unclean ends for people."""
    return "; ".join(words for end, words in ENDS.items() if end in ends) or "clean"


def first(ends):
    """The most telling of a set of unclean ends, or none."""
    return [end for end in ENDS if end in ends][:1]


def result_table(found):
    """Of the document."""
    text = "| who unbinds | " + " | ".join(TITLES[vendor] for vendor in VENDORS) + " |\n"
    text += "|---" * (len(VENDORS) + 1) + "|\n"
    for design in DESIGNS:
        row = (cell(found[design.name, vendor]) for vendor in VENDORS)
        text += f"| {design.words} | " + " | ".join(row) + " |\n"
    return text


def page(doc, found, told):
    """The document with its generated parts in it."""
    parts = {"table": result_table(found)}
    for part, text in parts.items():
        markers = re.compile(MARKERS.format(part), re.S)
        if not markers.search(doc):
            raise Failure(f"no markers of {part} in {DOC}")
        doc = markers.sub(lambda match, text=text: match[1] + text + match[2], doc)
    return doc


def show(found, states):
    """The table on a terminal."""
    width = max(len(design.name) for design in DESIGNS)
    for design in DESIGNS:
        for vendor in VENDORS:
            print(f"  {design.name:<{width}} {vendor}  {states[design.name, vendor]:>9} states  "
                  f"{cell(found[design.name, vendor])}")


def main():
    """0: everything is as expected."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--doc", action="store_true")
    options = parser.parse_args()
    start = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    explorer = Explorer(options.out)
    failed = {vendor: 0 for vendor in VENDORS}

    with concurrent.futures.ThreadPoolExecutor(max_workers=options.jobs) as pool:
        deep = {design: 0 if options.quick else 1 for design in DEEP}
        names = sorted((design.name for design in DESIGNS), key=lambda name: name not in DEEP)
        jobs = {(name, vendor): pool.submit(explorer.explore, name, vendor, deep.get(name, 0))
                for name in names for vendor in VENDORS}
        result = {key: job.result() for key, job in jobs.items()}
        found = {key: ends for key, (ends, _, _) in result.items()}
        tell = {(name, vendor, end): pool.submit(explorer.trail, name, vendor, end)
                for (name, vendor), ends in found.items() for end in first(ends)}
        told = {key: job.result() for key, job in tell.items()}

    (options.out / "found.json").write_text(json.dumps(
        {f"{name}.{vendor}": sorted(ends) for (name, vendor), ends in found.items()}, indent=1) + "\n")
    show(found, {key: states for key, (_, states, _) in result.items()})
    for design in DESIGNS:
        for vendor in VENDORS:
            if found[design.name, vendor] != design.expected[vendor]:
                failed[vendor] += 1
                print(f"FAILED {design.name} {vendor}: expected {cell(design.expected[vendor])}")
    for (name, vendor, end), lines in sorted(told.items()):
        print(f"  {name} {vendor} {ENDS[end]}: {' > '.join(lines)}")

    mine, theirs, states = traces(options.out)
    print(f"  orders: {len(mine)} traces in {states} states, "
          f"{'no tests/model/files.c' if theirs is None else len(theirs)} in files.c")
    if mine != theirs:
        print("FAILED orders: not the traces of tests/model/files.c")
        for vendor in VENDORS:
            failed[vendor] += 1

    (options.out / "model.json").write_text(json.dumps(
        {design.name: {vendor: cell(found[design.name, vendor]) for vendor in VENDORS}
         for design in DESIGNS}, indent=1) + "\n")
    print(f"  {time.monotonic() - start:.0f} s")
    for vendor in VENDORS:
        print(f"# proof model {vendor} planned={len(DESIGNS) + 1} run={len(DESIGNS) + 1} "
              f"failed={failed[vendor]}")
    return any(failed.values())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"model: {failure}")
