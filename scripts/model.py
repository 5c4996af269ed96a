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
    Design("VMM_ONLY", "nobody: only the VMM unbinds",
           "WAITS_FOR_EVER RESET GOT_IN REFUSED LEFT LEAK", "RESET GOT_IN LEFT LEAK"),
    Design("KVM_DESTROY", "`kvm_destroy_vm()`",
           "WAITS_FOR_EVER RESET VM_FIRST GOT_IN REFUSED", "RESET VM_FIRST GOT_IN REFUSED", "RESET VM_FIRST GOT_IN"),
    Design("VDEV_DESTROY", "destruction of the vDEVICE, where 7.3's close has it",
           "WAITS_FOR_EVER RESET GOT_IN REFUSED", "RESET GOT_IN"),
    Design("VFIO_LATE", "VFIO's last close, after the disable",
           "WAITS_FOR_EVER RESET GOT_IN REFUSED", "RESET GOT_IN"),
    Design("VFIO_REVOKED", "VFIO's last close, between dma-buf revoke and disable",
           "WAITS_FOR_EVER REFUSED", ""),
    Design("REVOKED_FREE", "the same, and revoke does not wait for KVM's import", ""),
    Design("OURS", "**VFIO's last close, before `close_device`**", ""),
    Design("NO_KREF", "… but the binding holds no KVM",
           "VM_FIRST REFUSED", "RESET VM_FIRST REFUSED", "VM_FIRST REFUSED"),
    Design("NO_KREF_VFIO", "… but the binding relies on VFIO's KVM reference",
           "VM_FIRST", "VM_FIRST REFUSED", "VM_FIRST"),
    Design("NO_BARRIER", "… but new binds are not barred", "RESET GOT_IN"),
    Design("NO_WAIT", "… but who finds an unbind in progress goes on", "RESET GOT_IN"),
    Design("GIVE_UNDER_LOCK", "… but every unbind ends under `dev_set->lock`", "DEADLOCK"),
    Design("NO_INVALIDATE", "… but DMA tables trust the KVM reference to keep pages", "FREED"),
    Design("FILE_HELD", "… but a dma-buf holds VFIO's file", "LEFT LEAK"),
    Design("WAIT_REFS", "… and VM teardown waits for the MMIO too", ""),
    Design("WAIT_ONLY", "… and VM teardown waits, but the binding holds no KVM",
           "VM_FIRST DEADLOCK WAITED REFUSED", "RESET VM_FIRST DEADLOCK WAITED REFUSED",
           "VM_FIRST DEADLOCK WAITED REFUSED"),
]
# The shortest runs that the document tells
STORIES = [
    ("VDEV_DESTROY", "sev", "RESET"), ("VFIO_REVOKED", "tdx", "WAITS_FOR_EVER"), ("KVM_DESTROY", "cca", "RESET"),
    ("NO_KREF", "tdx", "VM_FIRST"), ("NO_KREF_VFIO", "cca", "VM_FIRST"), ("NO_BARRIER", "tdx", "RESET"),
    ("NO_WAIT", "tdx", "RESET"), ("GIVE_UNDER_LOCK", "tdx", "DEADLOCK"), ("WAIT_ONLY", "tdx", "DEADLOCK"),
    ("WAIT_ONLY", "tdx", "VM_FIRST"),
]
# Explored with more parties racing
DEEP = ("OURS",)


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
        """(reachable unclean ends, number of states)"""
        what = f"{design} {vendor}"
        output = run([self.search, "-E", "-m100000", "-w22"], env=self.environment(design, vendor, racers))
        states = explored(output, what)
        ends = re.findall(r"^END \d+ \d+ (\d+) (\d+)$", output, re.M)
        masks = {int(mask) for mask, _ in ends}
        # of ours, to see that it is not clean for want of events
        if not ends or design == "OURS" and {state for _, state in ends} != {"0", "4"}:
            raise Failure(f"{what}: no run ends unbound, or none in quarantine")
        return {end for end, bit in self.bit.items() if any(mask & bit for mask in masks)}, states

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


def story_list(told):
    """Of the document."""
    words = {design.name: design.words for design in DESIGNS}
    return "".join(f"- {words[name]}; {TITLES[vendor]}, *{ENDS[end]}*: "
                   f"{' → '.join(told.get((name, vendor, end), ['gone']))}\n" for name, vendor, end in STORIES)


def page(doc, found, told):
    """The document with its generated parts in it."""
    parts = {"table": result_table(found), "stories": story_list(told)}
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
        found = {key: ends for key, (ends, _) in result.items()}
        wanted = {(*key, end) for key, ends in found.items() for end in first(ends)}
        wanted |= {key for key in STORIES if key[2] in found[key[:2]]}
        tell = {key: pool.submit(explorer.trail, *key) for key in wanted}
        told = {key: job.result() for key, job in tell.items()}

    show(found, {key: states for key, (_, states) in result.items()})
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
        failed = {vendor: count + 1 for vendor, count in failed.items()}

    doc = DOC.read_text()
    new = page(doc, found, told)
    if options.doc:
        DOC.write_text(new)
    elif new != doc:
        print(f"FAILED {DOC} is not what this run has found: scripts/model --doc")
        failed = {vendor: count + 1 for vendor, count in failed.items()}

    (options.out / "model.json").write_text(json.dumps(
        {design.name: {vendor: cell(found[design.name, vendor]) for vendor in VENDORS}
         for design in DESIGNS}, indent=1) + "\n")
    print(f"  {time.monotonic() - start:.0f} s")
    planned = len(DESIGNS) + 2		# the designs, the orders, the document
    for vendor in VENDORS:
        print(f"# proof model {vendor} planned={planned} run={planned} failed={failed[vendor]}")
    return any(failed.values())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"model: {failure}")
