# SPDX-License-Identifier: GPL-2.0-only
"""The three trees and how they relate: pristine + patches/ (hooks) + linux/ (new files) = assembled.

A file is new (in linux/), hooked (named in patches/series) or the kernel's own, never two of these.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = pathlib.Path(os.environ.get("OUT", ROOT / "out"))
CACHE = pathlib.Path(os.environ.get("CACHE", ROOT / ".cache"))
NEW = ROOT / "linux"
PATCHES = ROOT / "patches"
TREE = OUT / "linux"


def die(text):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {text}")


def base():
    """The settings of BASE."""
    text = (ROOT / "BASE").read_text()
    return dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.M))


def pristine():
    """Path of the pristine source that scripts/fetch chose."""
    current = CACHE / "current"
    version = current.read_text().strip() if current.exists() else base()["TESTED"]
    path = CACHE / f"linux-{version}"
    if not (path / "Makefile").exists():
        die("no kernel source in the cache: run make fetch")
    return path


def new_files():
    """Paths of our own files, relative to the kernel's root."""
    found = []
    for folder, _, names in os.walk(NEW):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), NEW)
            if path.endswith(("~", ".orig", ".rej", ".o", ".swp")):
                continue
            found.append(path)
    return sorted(found)


def manifest(name):
    """Lines "patch: word word ..." of patches/<name>, in order; a backslash continues a line."""
    path = PATCHES / name
    if not path.exists():
        return {}
    result = {}
    text = re.sub(r"\\\n", " ", path.read_text())
    for line in text.splitlines():
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        patch, colon, words = line.partition(":")
        if not colon or "/" in patch:
            die(f"patches/{name}: cannot read the line: {line}")
        if patch in result:
            die(f"patches/{name}: {patch} is there twice")
        result[patch] = words.split()
    return result


def series():
    """patch -> hooked files, checked: each file in one patch only."""
    result = manifest("series")
    owner = {}
    for patch, files in result.items():
        for path in files:
            if path in owner:
                die(f"patches/series: {path} is in {owner[path]} and in {patch}")
            owner[path] = patch
    return result


def split_patch(text):
    """(header, diff) of a patch file: the diff starts at its first file, the header ends at "---"."""
    found = re.search(r"^(diff |--- a/)", text, re.M)
    header = text[:found.start()] if found else text
    diff = text[found.start():] if found else ""
    return re.sub(r"\n---\n*$", "\n", header), diff


def patched_files(diff):
    """Files that a diff touches."""
    return re.findall(r"^\+\+\+ b/(\S+)", diff, re.M)


def apply_hooks(work):
    """Apply every patch, without fuzz, to copies of the hooked files below work."""
    source = pristine()
    hooks = series()
    for path in sum(hooks.values(), []):
        if not (source / path).is_file():
            die(f"patches/series: Linux {source.name[6:]} has no {path}")
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, work / path)
    for patch, files in hooks.items():
        file = PATCHES / patch
        if not file.exists():
            die(f"patches/series names {patch}, which is not there")
        _, diff = split_patch(file.read_text())
        touched = patched_files(diff)
        stray = sorted(set(touched) ^ set(files))
        if stray:
            die(f"{patch} and its line in patches/series differ about {' '.join(stray)}: "
                "run scripts/refresh-hooks")
        if not diff:
            continue
        run = subprocess.run(["patch", "-p1", "-F0", "-s", "-f", "--no-backup-if-mismatch", "-r", "-"],
                             input=diff, text=True, cwd=work, capture_output=True, check=False)
        if run.returncode:
            die(f"{patch} does not apply to {source.name} without fuzz:\n{run.stdout}{run.stderr}")
    return sorted(sum(hooks.values(), []))


def digest(path):
    """Hash of a file's content, None when it is not there."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except FileNotFoundError:
        return None


def same_file(one, two):
    """True when both are there with the same content."""
    try:
        first, second = os.stat(one), os.stat(two)
    except FileNotFoundError:
        return False
    if first.st_size != second.st_size:
        return False
    with open(one, "rb") as left, open(two, "rb") as right:
        return left.read() == right.read()


def walk(top):
    """path -> (size, mtime) of every file below top, symbolic links as their text."""
    found = {}
    stack = [""]
    while stack:
        folder = stack.pop()
        with os.scandir(os.path.join(top, folder)) as entries:
            for entry in entries:
                path = folder + entry.name
                if entry.is_symlink():
                    found[path] = ("link", os.readlink(entry.path))
                elif entry.is_dir():
                    if entry.name != "__pycache__":
                        stack.append(path + "/")
                else:
                    stat = entry.stat()
                    found[path] = (stat.st_size, stat.st_mtime_ns)
    return found


def differing():
    """(changed, added, gone): how the assembled tree differs from the pristine one."""
    source = pristine()
    before, after = walk(source), walk(TREE)
    changed = [path for path in before.keys() & after.keys()
               if before[path] != after[path] and
               ("link" in (before[path][0], after[path][0]) or
                not same_file(source / path, TREE / path))]
    return (sorted(changed), sorted(after.keys() - before.keys()),
            sorted(before.keys() - after.keys()))


def scratch():
    """A temporary folder below out/, so that renames into the tree stay on one file system."""
    OUT.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=OUT, prefix="tmp.")
