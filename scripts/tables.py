# SPDX-License-Identifier: GPL-2.0-only
"""Tables that KUnit suites print into the kernel's log, made into files.

orders.json: which vendor's order of unbind is refused where on whose firmware, from the lines
"tio_orders: row order=A on=B call=.. status=.. name=.. step=.. violations=N" of the suite tio_orders.

firmware-calls.json: how many firmware calls a bind and an unbind of private MMIO take, from the lines
"firmware_calls vendor=V bar=16M leaf=4K leaves=N bind=B unbind=U per_leaf_bind=x per_leaf_unbind=y
constant_bind=c constant_unbind=d" of the drivers' suites; "... refused" where a vendor has no such leaf.

orders.md: docs/orders.md with the table of the first between its markers.
"""

import json
import re

VENDORS = ("tdx", "sev", "cca")
TITLES = {"tdx": "Intel", "sev": "AMD", "cca": "Arm"}
MARKERS = re.compile(r"(<!-- orders: begin -->\n).*?(<!-- orders: end -->)", re.S)
ROW = re.compile(r"\btio_orders: row (.*)")
CALLS = re.compile(r"\bfirmware_calls (vendor=.*)")
NUMBERS = ("leaves", "bind", "unbind", "per_leaf_bind", "per_leaf_unbind", "constant_bind",
           "constant_unbind")
# What has to be there at least. Not of SEV, whose guest validates 4 KiB pages only: 64 GiB.
CASES = [("tdx", "16M", "4K"), ("tdx", "16M", "2M"), ("tdx", "64G", None), ("sev", "16M", "4K"),
         ("cca", "16M", "4K"), ("cca", "16M", "2M"), ("cca", "64G", None)]


def fields(text):
    """The words NAME=VALUE of a line."""
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


def order_cell(row):
    """One cell of orders.json."""
    if row.get("call", "none") == "none":
        return {"refused": None}
    return {"refused": row.get("name"), "call": row.get("call"), "status": row.get("status"),
            "step": row.get("step"), "violations": int(row.get("violations", "0"))}


def check_cell(order, on, cell):
    """Whether a cell is as it must be, and what to call the result."""
    name = f"orders: {order}'s order on {on}'s firmware"
    if cell is None:
        return False, f"{name}: no line of it in the log"
    if order == on:
        return cell["refused"] is None, f"{name}: must pass, was refused: {cell}"
    return cell["refused"] is not None and cell["violations"] > 0, \
        f"{name}: must be refused as a violation: {cell}"


def orders(lines, results):
    """The 3 x 3 table."""
    table = {}
    for text in lines:
        found = ROW.search(text)
        row = fields(found[1]) if found else {}
        if row.get("order") in VENDORS and row.get("on") in VENDORS:
            table.setdefault(row["order"], {})[row["on"]] = order_cell(row)
    for order in VENDORS:
        for on in VENDORS:
            results.append(check_cell(order, on, table.get(order, {}).get(on)))
    return table


def calls(lines, results):
    """The measured cases, each checked against what its driver claims."""
    cases = []
    for text in lines:
        found = CALLS.search(text)
        if not found:
            continue
        case = fields(found[1])
        name = f"firmware calls: {case.get('vendor')} BAR {case.get('bar')} in {case.get('leaf')}"
        if found[1].split()[-1] == "refused":
            cases.append({**case, "refused": True})
            continue
        try:
            case.update({key: int(case[key], 0) for key in NUMBERS})
        except (KeyError, ValueError) as error:
            results.append((False, f"{name}: {error!r} in the line"))
            continue
        results.append((all(case[when] <= case["per_leaf_" + when] * case["leaves"] +
                            case["constant_" + when] for when in ("bind", "unbind")),
                        f"{name}: more than it claims: {case}"))
        cases.append(case)
    for vendor, bar, leaf in CASES:
        results.append((any(case["vendor"] == vendor and case["bar"] == bar and
                            leaf in (None, case["leaf"]) and "refused" not in case
                            for case in cases),
                        f"firmware calls: no line of {vendor} BAR {bar} leaf {leaf or 'any'}"))
    return cases


def page(table, doc):
    """The document with the table in it."""
    text = "| order of | " + " | ".join(f"on {TITLES[on]}'s firmware" for on in VENDORS) + " |\n"
    text += "|---" * (len(VENDORS) + 1) + "|\n"
    for order in VENDORS:
        text += f"| {TITLES[order]}'s driver "
        for on in VENDORS:
            cell = table.get(order, {}).get(on)
            text += "| missing " if cell is None else "| passes " if cell["refused"] is None else \
                f"| {cell['step']}: `{cell['call']}` answers {cell['status']} `{cell['refused']}` "
        text += "|\n"
    return MARKERS.sub(lambda found: found[1] + text + found[2], doc)


def show(table, cases):
    """Both for people."""
    print("whose order, on whose firmware: the step and the call that are refused")
    for order in VENDORS:
        for on in VENDORS:
            cell = table.get(order, {}).get(on)
            text = "missing" if cell is None else "passes" if cell["refused"] is None else \
                f"{cell['step']}: {cell['call']} {cell['refused']} ({cell['status']})"
            print(f"  {order} on {on}  {text}")
    print("firmware calls of private MMIO       leaves    bind  unbind")
    for case in cases:
        text = f"  {case['vendor']} {case.get('bar', '?'):>4} in {case.get('leaf', '?'):>3} leaves"
        if "refused" in case:
            print(f"{text}  not with this vendor")
            continue
        request = f", a request each {case['request']}" if "request" in case else ""
        print(f"{text} {case['leaves']:>18} {case['bind']:>7} {case['unbind']:>7}{request}")


def collect(lines, folder, doc):
    """Write all files, print them, and answer results as pairs (good, name)."""
    results = []
    table = orders(lines, results)
    cases = calls(lines, results)
    for name, what in (("orders.json", table), ("firmware-calls.json", cases)):
        (folder / name).write_text(json.dumps(what, indent=1) + "\n")
    if doc.is_file():
        text = doc.read_text()
        new = page(table, text)
        (folder / doc.name).write_text(new)
        results.append((new == text, f"{doc} is not what KUnit has printed. Copy it: "
                                     f"cp {folder / doc.name} {doc}"))
    show(table, cases)
    return results
