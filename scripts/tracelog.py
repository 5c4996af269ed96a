# SPDX-License-Identifier: GPL-2.0-only
"""What a trace of our tracepoints tells: the kernel's text in, calls, states and scenes out. Draws nothing.

    event   a line of the trace
    item    what is drawn of one or more events: a point, or a call with its begin and end, in one lane, with the lane
            that it came from
    span    a state of something, from when to when
    scene   a bind up to the end of acceptance, or a teardown, or the link's way up or down

An event of a kind that is not known here is an item of its own, in the lane of its system. Nothing that a line says is
trusted: it is text of a guest's or a task's choosing.
"""

import collections
import dataclasses
import re

LANES = ("VMM", "iommufd", "VFIO", "KVM", "PCI core", "TSM driver", "firmware", "device")
VMM, IOMMUFD, VFIO, KVM, CORE, TSM, FIRMWARE, DEVICE = range(len(LANES))

LINE = re.compile(r"^\s*(?P<comm>.+)-(?P<pid>\d+)\s+\[(?P<cpu>\d+)\]\s+(?P<flags>\S+)\s+(?P<time>\d+\.\d+): "
                  r"(?P<name>\w+): ?(?P<text>.*)$")
LOST = re.compile(r"^CPU:(\d+) \[LOST (\d+) EVENTS\]")
STEP = re.compile(r"^tdi-story: step (\d+) (\S+) (\S+)")
ERRNO = {1: "EPERM", 2: "ENOENT", 4: "EINTR", 5: "EIO", 6: "ENXIO", 11: "EAGAIN", 12: "ENOMEM", 13: "EACCES", 14: "EFAULT",
         16: "EBUSY", 19: "ENODEV", 22: "EINVAL", 71: "EPROTO", 74: "EBADMSG", 95: "EOPNOTSUPP", 110: "ETIMEDOUT",
         125: "ECANCELED"}
STEPS = {
    "REVOKE_BARS": (VFIO, "take the BARs from the host"),
    "GIVE_BACK_BARS": (VFIO, "give the BARs back"),
    "ARM_DMA": (DEVICE, "IOMMU: arm trusted DMA"),
    "DISARM_DMA": (DEVICE, "IOMMU: disarm trusted DMA"),
    "UNMAP_MMIO": (KVM, "unmap private MMIO, flush the vCPUs"),
    "TSM_BIND": (TSM, "bind"),
    "TSM_UNBIND": (TSM, "unbind, in its vendor's order"),
}
ASKED = {"pci_tdi_seat_open": "VFIO's open", "pci_tdi_seat_close": "VFIO's close", "vfio_df_ioctl_attach_pt": "attach of a page table",
         "vfio_df_ioctl_detach_pt": "detach of a page table", "vfio_pci_tdi_config_write": "a config write",
         "vfio_pci_tdi_depart": "the driver's remove"}
# In the text of the trace their lines say what another item says already.
QUIET = ("pci_tdi_bind", "pci_tdi_refused", "vfio_pci_tdi_revoke", "vfio_pci_tdi_give_back", "teemu_tdma", "pci_tdi_unmap_mmio",
         "pci_tdi_dma_off")
SYSTEM_LANE = (("iommufd", IOMMUFD), ("vfio", VFIO), ("kvm", KVM), ("pci_tdi", CORE), ("tio_", TSM), ("fw_", FIRMWARE),
               ("teemu", DEVICE), ("sched", VMM), ("signal", VMM))
# A run of so many items of frequent kinds becomes one item for each kind; a kind is frequent from so many in a scene on.
FREQUENT = 4
RUN = 4


@dataclasses.dataclass
class Event:
    """A line of the trace; time in microseconds."""
    comm: str
    pid: int
    time: float
    name: str
    text: str
    raw: str

    @property
    def task(self):
        """Who made it."""
        return f"{self.comm}-{self.pid}"


@dataclasses.dataclass
class Item:
    """What is drawn. level: "ok", "note", "bad"; source: the lane that it came from, or None."""
    name: str
    lane: int
    start: float
    end: float
    label: str
    task: str
    source: int = None
    target: int = None
    level: str = "ok"
    key: tuple = ()
    raw: list = dataclasses.field(default_factory=list)
    count: int = 1
    busy: float = 0.0
    depth: int = 0
    call: bool = False

    @property
    def length(self):
        """In microseconds."""
        return self.end - self.start


@dataclasses.dataclass
class Span:
    """A state, of what."""
    state: str
    start: float
    end: float


@dataclasses.dataclass
class Scene:
    """A part of a trace that is worth a picture of its own."""
    kind: str
    code: str
    title: str
    start: float
    end: float
    items: list = dataclasses.field(default_factory=list)
    fn: str = ""  # whose life it is of, "" of nobody's


def nth(text, place):
    """A word of @text by its place, "" if it has no such."""
    words = text.split()
    return words[place] if -len(words) <= place < len(words) else ""


def number(text, name, default=0):
    """The number after "name=" or "name ": decimal or 0x."""
    found = re.search(rf"\b{name}[= ](-?(?:0x[0-9a-fA-F]+|\d+))", text)
    return int(found[1], 16 if "x" in found[1].lower() else 10) if found else default


def word(text, name, default=""):
    """The word after "name="."""
    found = re.search(rf"\b{name}=(\S+)", text)
    return found[1] if found else default


def outcome(rc):
    """How an answer is shown: nothing for success."""
    return "" if rc >= 0 else f" → -{ERRNO.get(-rc, -rc)}"


def size(count):
    """Bytes for people."""
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit and count % unit == 0:
            return f"{count // unit} {name}"
    return f"{count} bytes"


def took(us):
    """A time for people."""
    if us < 1:
        return f"{us * 1000:.0f} ns"
    if us < 1000:
        return f"{us:.0f} µs"
    return f"{us / 1000:.1f} ms" if us < 1e6 else f"{us / 1e6:.2f} s"


def function_of(rid):
    """"10000:0101", domain and requester id, as the PCI core writes it."""
    domain, _, rid = rid.partition(":")
    try:
        rid = int(rid, 16)
    except ValueError:
        return domain
    return f"{domain}:{rid >> 8:02x}:{rid >> 3 & 31:02x}.{rid & 7}"


def read(lines):
    """(events, lost): lost is how many the kernel had to overwrite."""
    events, lost = [], 0
    for raw in lines:
        raw = raw.rstrip("\n")
        found = LINE.match(raw)
        if found:
            events.append(Event(found["comm"].strip(), int(found["pid"]), float(found["time"]) * 1e6, found["name"],
                                found["text"], raw.strip()))
        elif LOST.match(raw):
            lost += int(LOST.match(raw)[2])
    events.sort(key=lambda event: event.time)
    return events, lost


def asker(symbol):
    """The lane of the function that went to the gate."""
    for start, lane in (("vfio", VFIO), ("pci_tdi_seat", VFIO), ("iommufd", IOMMUFD), ("kvm", KVM)):
        if symbol.startswith(start):
            return lane
    return CORE


class Log:
    """One vendor's trace, taken apart."""

    def __init__(self, lines):
        self.events, self.lost = read(lines)
        self.items = []
        self.steps = []
        self.kills = []
        self.states = {}
        self.tdisp = {}
        self.links = {}
        self.open = collections.defaultdict(list)
        self.holds = []
        for event in self.events:
            self.take(event)
        self.finish()

    @property
    def start(self):
        """Of the trace, in microseconds."""
        return self.events[0].time if self.events else 0.0

    @property
    def end(self):
        """Of the trace."""
        return self.events[-1].time if self.events else 0.0

    # ---- events to items ----

    def source(self, event):
        """Where a call comes from: what its task is in, or the VMM."""
        if self.open[event.task]:
            return self.open[event.task][-1].lane
        return VMM if event.comm == "tvmm" else None

    def point(self, event, lane, label, key=None, source=None, level="ok", start=None, target=None):
        """An item without children."""
        item = Item(event.name, lane, event.time if start is None else start, event.time, label, event.task,
                    source, target, level, key or (event.name,), [event.raw], depth=len(self.open[event.task]),
                    call=start is not None)
        item.busy = item.length
        self.items.append(item)
        return item

    def begin(self, event, lane, label, key, source=None, target=None):
        """A call begins; its end comes as an event of its own."""
        item = self.point(event, lane, label, key, self.source(event) if source is None else source, target=target)
        item.call = True
        item.end = None
        self.open[event.task].append(item)

    def finish_call(self, event, key, more="", level="ok"):
        """The youngest open call of @key has ended. What a lost end left open inside of it ends, too."""
        calls = self.open[event.task]
        for at in range(len(calls) - 1, -1, -1):
            if calls[at].key == key:
                for item in calls[at:]:
                    item.end = event.time
                    item.busy = item.length
                item = calls[at]
                item.label += more
                item.level = level
                item.raw.append(event.raw)
                del calls[at:]
                return item
        return None

    def take(self, event):
        """One event."""
        method = getattr(self, "on_" + event.name, None)
        if method:
            method(event, event.text)
        elif event.name not in QUIET:
            self.point(event, next((lane for start, lane in SYSTEM_LANE if event.name.startswith(start)), CORE),
                       f"{event.name}: {event.text}"[:120])

    def finish(self):
        """The trace is over: what is open ends with it."""
        for calls in self.open.values():
            for item in calls:
                item.end = self.end
                item.busy = item.length
        for item in self.holds:
            item.end = max(item.end, item.start)
        for spans in (*self.states.values(), *self.tdisp.values(), *self.links.values()):
            spans[-1].end = self.end
        self.items.sort(key=lambda item: (item.start, item.depth))

    def on_tracing_mark_write(self, event, text):
        """A mark of tdi-story's."""
        found = STEP.match(text)
        if not found:
            self.point(event, VMM, text.removeprefix("tdi-story: ")[:80], level="note")
        elif found[3] == "begins":
            self.steps.append([int(found[1]), found[2], event.time, self.end, ""])
        elif self.steps:
            self.steps[-1][3:] = [event.time, found[3]]

    on_print = on_tracing_mark_write

    def on_sched_process_exec(self, event, text):
        """A VMM begins."""
        self.point(event, VMM, f"{word(text, 'filename')} starts, pid {event.pid}", level="note")

    def on_sched_process_exit(self, event, _text):
        """One of its threads has come to its end."""
        self.point(event, VMM, f"thread {event.pid} of tvmm is gone")

    def on_signal_generate(self, event, text):
        """Only what kills is news."""
        if number(text, "sig") == 9 and not any(event.time - kill < 1000 for kill in self.kills):
            self.kills.append(event.time)
            self.point(event, VMM, f"SIGKILL to {word(text, 'comm')} {number(text, 'pid')}", level="bad")

    def on_iommufd_tsm_op_begin(self, event, text):
        """IOMMU_VDEVICE_TSM_OP"""
        op = nth(text, -1)
        self.begin(event, IOMMUFD, f"TSM_OP {op}", ("op", op))

    def on_iommufd_tsm_op_end(self, event, text):
        """Its answer."""
        rc = number(text, "rc")
        self.finish_call(event, ("op", nth(text, 1)), outcome(rc), "bad" if rc < 0 else "ok")

    def on_iommufd_tsm_req_begin(self, event, text):
        """IOMMU_VDEVICE_TSM_REQ"""
        op = nth(text, 1)
        self.begin(event, IOMMUFD, f"TSM_REQ {op}", ("req", op))

    def on_iommufd_tsm_req_end(self, event, text):
        """Its answer."""
        rc = number(text, "rc")
        self.finish_call(event, ("req", nth(text, 1)), outcome(rc), "bad" if rc < 0 else "ok")

    def on_iommufd_tsm_destroy_begin(self, event, _text):
        """The vDEVICE goes."""
        self.begin(event, IOMMUFD, "vDEVICE is destroyed", ("destroy",))

    def on_iommufd_tsm_destroy_end(self, event, text):
        """It has gone."""
        self.finish_call(event, ("destroy",), outcome(number(text, "rc")))

    def on_pci_tdi_step_begin(self, event, text):
        """The binding asks for a service."""
        step = nth(text, 1)
        lane, label = STEPS.get(step, (CORE, step))
        self.begin(event, lane, label, ("step", step), source=CORE if lane != CORE else None)

    def on_pci_tdi_step_end(self, event, text):
        """It has it, or not."""
        rc = number(text, "rc")
        self.finish_call(event, ("step", nth(text, 1)), outcome(rc), "bad" if rc < 0 else "ok")

    def on_pci_tdi_req_begin(self, event, text):
        """A guest's request goes to the TSM driver."""
        self.begin(event, TSM, f"guest request, {size(number(text, 'len'))}", ("guest_req",))

    def on_pci_tdi_req(self, event, text):
        """It is answered."""
        rc = number(text, "rc")
        self.finish_call(event, ("guest_req",), outcome(rc), "bad" if rc < 0 else "ok")

    def on_pci_tdi_state(self, event, text):
        """A binding moves on."""
        found = re.match(r"(\S+) (\S+) -> (\S+)", text)
        if not found:
            return
        change(self.states, found[1], found[2], found[3], event.time, self.start)
        self.point(event, CORE, f"{found[2]} → {found[3]}", ("state", found[3]),
                   level="bad" if found[3] == "QUARANTINED" else "note")

    def on_pci_tdi_gate(self, event, text):
        """A decision of the gate."""
        by, how, rc = word(text, "by"), word(text, "how"), number(text, "rc")
        name = ASKED.get(by, by)
        if rc == -16:
            found = re.search(r"why=(\S+) (\S+)", text)
            self.point(event, CORE, f"gate refuses {name}" + (f": {found[1]} is {found[2]}" if found else ""),
                       ("gate", by, rc), asker(by), "bad")
            return
        label = f"gate: unbind first, then {name}" if how == "unbind_first" else f"gate lets {name} pass"
        item = self.point(event, CORE, label + outcome(rc), ("gate", by, rc), asker(by),
                          "note" if how == "unbind_first" else "ok")
        if rc < 0:
            return  # it goes on over a quarantine: the hold is the event before
        item.call = True
        item.fn = (nth(text, 0), word(text, "reach"), how)
        self.holds.append(item)

    def on_pci_tdi_gate_end(self, event, text):
        """What it let pass is over."""
        fn = (nth(text, 0), word(text, "reach"), word(text, "how"))
        for item in reversed(self.holds):
            if item.fn == fn:
                item.end = event.time
                item.raw.append(event.raw)
                self.holds.remove(item)
                return

    def on_pci_tdi_held(self, event, text):
        """No bind while something on the device lasts."""
        self.point(event, CORE, f"not now: {word(text, 'by')} is held ({word(text, 'reach')})", level="bad")

    def on_pci_tdi_quarantine(self, event, text):
        """Firmware has not let go."""
        self.point(event, CORE, f"quarantine: {text.partition(' ')[2]}"[:120], level="bad")

    def on_pci_tdi_kept(self, event, text):
        """Somebody met a quarantine."""
        self.point(event, CORE, f"quarantined: no to {word(text, 'by')}", source=asker(word(text, "by")), level="bad")

    def on_pci_tdi_event(self, event, text):
        """The VMM is told."""
        self.point(event, VMM, f"event {nth(text, -1)}", source=CORE, level="note")

    def on_pci_tdi_mem_invalidate(self, event, text):
        """Private memory is taken out of firmware's DMA tables."""
        pages = number(text, "end") - number(text, "start")
        self.point(event, TSM, f"private memory leaves its DMA tables: {pages} pages" if pages < 1 << 40 else
                   "all private memory leaves its DMA tables", source=KVM)

    def on_pci_tdi_vm_destroy(self, event, _text):
        """The last reference of a VM has gone."""
        self.point(event, KVM, "the VM is destroyed")

    def on_vfio_pci_tdi_slice(self, event, text):
        """KVM asks VFIO."""
        self.point(event, VFIO, f"where is this slice? {size(number(text, 'size'))} at {word(text, 'hpa')}"
                   f"{outcome(number(text, 'rc'))}", source=KVM)

    def on_vfio_pci_tdi_sigbus(self, event, text):
        """The host touches the TVM's."""
        self.point(event, VFIO, f"host's access to {word(text, 'hpa')}: SIGBUS", source=VMM, level="bad")

    def on_vfio_pci_tdi_io_refused(self, event, text):
        """The same, through the device file."""
        self.point(event, VFIO, f"host's access to BAR {word(text, 'bar')}: refused", source=VMM, level="bad")

    def on_kvm_vfio_dmabuf_slot(self, event, text):
        """A private slot is born or dies."""
        found = re.match(r"slot (\d+) (\S+) gpa (\S+)", text)
        self.point(event, KVM, f"private slot {found[1]} {found[2]}: {size(number(text, 'size'))} at {found[3]}" if found
                   else text[:80], ("slot",), self.source(event))

    def on_kvm_vfio_dmabuf_gate(self, event, text):
        """May a private slot go?"""
        no = text.endswith("refused")
        self.point(event, KVM, f"{' '.join(text.split()[:2])} may {'not ' if no else ''}change",
                   ("slot gate", no), self.source(event), "bad" if no else "ok")

    def on_kvm_vfio_dmabuf_fault(self, event, text):
        """The guest touches private MMIO for the first time."""
        no = text.endswith("refused")
        self.point(event, KVM, f"guest touches {nth(text, 1)}: {'refused' if no else 'mapped'}", ("fault", no),
                   source=VMM, level="note" if no else "ok")

    def on_kvm_tdi_mmio_lookup(self, event, text):
        """Which page of the BAR is to be mapped?"""
        ret = number(text, "ret")
        self.point(event, KVM, f"look up the page at {nth(text, 1)}{outcome(ret)}", ("lookup", ret), TSM,
                   "bad" if ret < 0 else "ok")

    def on_kvm_tdi_mmio_unmap(self, event, text):
        """Leaves of one slot go."""
        self.point(event, KVM, f"leaves of {size(number(text, 'size'))} at {nth(text, 1)} gone",
                   source=self.source(event))

    def on_kvm_tdi_mem_fault(self, event, text):
        """Trusted DMA meets a page that firmware's table has not yet."""
        ret = number(text, "ret")
        self.point(event, KVM, f"page {nth(text, 1)} for trusted DMA{outcome(ret)}", ("mem", ret), DEVICE)

    def on_fw_call(self, event, text):
        """A firmware call, judged."""
        call = nth(text, 1) if " " in text else "?"
        status, name = re.search(r"status=(\S+)", text), re.search(r"status=\S+ \((\S+)\)", text)
        status = status[1] if status else "0x0"
        bad = " VIOLATION" in text
        more = "" if status == "0x0" else f" → {name[1] if name else status}"
        self.point(event, FIRMWARE, call + more + (" VIOLATION" if bad else ""), ("fw", call, status), TSM,
                   "bad" if bad else "ok" if status == "0x0" else "note", event.time - number(text, "ns") / 1000)

    def on_tio_doe_begin(self, event, text):
        """A message to the device."""
        message = nth(text, 2)
        self.begin(event, TSM, f"DOE {message}", ("doe", message), source=TSM, target=DEVICE)

    def on_tio_doe_end(self, event, text):
        """Its answer."""
        rc, answer = number(text, "rc"), word(text, "answer")
        self.finish_call(event, ("doe", nth(text, 2)), f" → {answer}" if rc >= 0 else outcome(rc),
                         "bad" if rc < 0 or "ERROR" in answer else "ok")

    def on_tio_ide(self, event, text):
        """Linux's half of an IDE stream."""
        rc = number(text, "rc")
        stream = number(text, "stream")
        self.point(event, DEVICE, f"IDE stream {stream}: {'enabled' if ' enable ' in text else 'disabled'} in both ports"
                   f"{outcome(rc)}", source=TSM, level="bad" if rc < 0 else "note")

    def on_teemu_tdisp(self, event, text):
        """The DSM has answered a TDISP message."""
        found = re.match(r"(\S+) (\S+) (\S+) -> (\S+) error=(\S+)", text)
        if not found:
            return
        fn, message, old, new, error = found.groups()
        if old != new:
            change(self.tdisp, function_of(fn), old, new, event.time, self.start)
        moved = f": {short(old)} → {short(new)}" if old != new else f", {short(new)}"
        self.point(event, DEVICE, f"{message}{moved}" + ("" if error == "0x0" else f", error {error}"),
                   ("tdisp", message, new, error), level="bad" if error != "0x0" else "note" if old != new else "ok")

    def on_teemu_fall(self, event, text):
        """A TDI falls to ERROR."""
        found = re.match(r"(\S+) (\S+) -> ERROR: (.*)", text)
        if found:
            change(self.tdisp, function_of(found[1]), found[2], "ERROR", event.time, self.start)
        self.point(event, DEVICE, f"{text.partition(' ')[2]}"[:100], level="bad")

    def on_teemu_ide(self, event, text):
        """Keys of a stream come and go."""
        go = text.endswith("go")
        change(self.links, nth(text, 0), "Insecure" if go else "Secure", "Secure" if go else "Insecure", event.time,
               self.start)
        self.point(event, DEVICE, f"IDE stream {number(text, 'stream')}: keys {'in use' if go else 'gone'}", level="note")

    def on_teemu_reset(self, event, text):
        """The function is reset."""
        self.point(event, DEVICE, text.partition(" ")[2], level="note")

    def on_teemu_doe(self, event, text):
        """The mailbox; TDISP messages are told by the DSM."""
        if not number(text, "answered") or number(text, "fault"):
            self.point(event, DEVICE, f"DOE {nth(text, 1)}: no good answer, fault switch {number(text, 'fault')}",
                       level="bad", start=event.time - number(text, "ns") / 1000)

    def on_teemu_dma_fault(self, event, text):
        """A request that moved nothing."""
        found = re.match(r"\S+ (T=\d) (\S+) (\S+)", text)
        self.point(event, DEVICE, f"IOMMU blocks {found[1]} {found[2]} at {found[3]}{outcome(number(text, 'rc'))}" if found
                   else text[:80], ("dma fault", found and found[1]), level="bad")

    def on_map(self, event, text):
        """Linux's own: IOMMU: iova=... - ... paddr=... size=..."""
        self.point(event, DEVICE, f"IOMMU maps {size(number(text, 'size'))}", ("map",), IOMMUFD)

    def on_unmap(self, event, text):
        """And its inverse."""
        self.point(event, DEVICE, f"IOMMU unmaps {size(number(text, 'unmapped_size'))}", ("unmap",), IOMMUFD)

    def on_attach_device_to_domain(self, event, _text):
        """A page table for T=0."""
        self.point(event, DEVICE, "IOMMU: page table attached", source=IOMMUFD)


def short(state):
    """CONFIG_LOCKED is LOCKED."""
    return state.replace("CONFIG_", "")


def change(table, name, old, new, time, start):
    """@name, in @old since @start or its last change, is in @new from @time on."""
    spans = table.setdefault(name, [Span(old, start, time)])
    spans[-1].end = time
    spans.append(Span(new, time, time))


# ---- many into one ----

def foldable(items):
    """Which of @items are of a frequent kind. A call is one if all that happens in it is."""
    common = collections.Counter(item.key for item in items)
    may = [item.level != "bad" and common[item.key] >= FREQUENT for item in items]
    for at in range(len(items) - 1, -1, -1):
        item = items[at]
        if may[at] and item.call:
            inside = at + 1
            while may[at] and inside < len(items) and items[inside].start < item.end:
                may[at] = may[inside] or items[inside].task != item.task
                inside += 1
    return may


def fold(items):
    """Runs of frequent kinds of items, one item for each kind: "576 × TDH.MMIO.MAP"."""
    out, run = [], []
    for item, may in zip(items, foldable(items)):
        if may:
            run.append(item)
            continue
        out += fold_run(run)
        run = []
        out.append(item)
    return out + fold_run(run)


def fold_run(run):
    """One run."""
    if len(run) < RUN:
        return run
    kinds = {}
    for item in run:
        one = kinds.get(item.key)
        if not one:
            kinds[item.key] = dataclasses.replace(item, raw=list(item.raw))
            continue
        one.count += 1
        one.end = max(one.end, item.end)
        one.busy += item.busy
        one.raw = one.raw[:2] + item.raw[-1:]
    for one in kinds.values():
        if one.count > 1:
            one.label = f"{one.count} × {general(one.label)}"
    return sorted(kinds.values(), key=lambda item: item.start)


def general(label):
    """A label without its address, which was the first one's."""
    return re.sub(r"( at)? 0x[0-9a-f]+", "", label)


# ---- scenes ----

def enclosing(log, time, keys):
    """The outermost call of @keys that @time is in."""
    calls = [item for item in log.items if item.call and item.key[:1] in keys and item.start <= time <= item.end]
    return min(calls, key=lambda item: item.start, default=None)


def bind_scene(log, nr, begin, end):
    """From the call of the bind to the end of acceptance; @end: the unbind's begin."""
    call = enclosing(log, begin, (("op",),))
    start = call.start if call else begin
    touched = [item.start for item in log.items if item.key == ("fault", False) and begin < item.start < end]
    limit = touched[0] if touched else end
    requests = [item.end for item in log.items if item.name in ("iommufd_tsm_req_begin", "pci_tdi_req_begin") and
                begin < item.start < limit]
    states = [span.start for span in all_spans(log.states) if span.state != "BINDING" and span.start > begin]
    last = max(requests) if requests else min([call.end if call else end, end, *states])
    return Scene("bind", f"B{nr}", f"Bind {nr}", start, last)


def quiet_after(log, time, gap=3000.0, most=40000.0):
    """The end of what goes on after @time: the last event before a pause of @gap."""
    last = time
    for event in log.events:
        if event.time <= time:
            continue
        if event.time - last > gap or event.time - time > most or event.name == "sched_process_exec":
            break
        last = event.time
    return last


def teardown_scene(log, nr, before, begin, end):
    """From whatever began it to the silence after it; @before: the bind's begin."""
    killed = [time for time in log.kills if before < time < end]
    # AMD's guest stops its TDI first
    stops = [item.start for item in log.items if item.name == "teemu_tdisp" and item.key[1] == "STOP" and
             "RUN →" in item.label and before < item.start < begin]
    if killed:
        return Scene("kill", f"T{nr}", f"Teardown {nr}: SIGKILL", killed[0], quiet_after(log, end))
    start = min(stops[-1:] + [begin])
    call = enclosing(log, start, (("op",), ("req",), ("destroy",), ("gate",)))
    if call:
        start = call.start
    call = enclosing(log, begin, (("op",), ("destroy",), ("gate",)))
    asked = call and call.key == ("op", "UNBIND")
    return Scene("unbind", f"T{nr}", f"Teardown {nr}: {'the guest asks' if asked else 'VFIO closes' if call else 'unbind'}", start,
                 max(call.end if call else end, end) if asked else quiet_after(log, end))


def all_spans(table):
    """Of every function, by time."""
    return sorted((span for spans in table.values() for span in spans), key=lambda span: span.start)


def scenes(log):
    """Every bind and every teardown of every function, and the link's two ways."""
    out = []
    for fn, spans in log.states.items():
        began = None
        for before, span in zip(spans, spans[1:]):
            if span.state == "BINDING":
                began = span.start
                over = next((s.start for s in spans if s.start > began and s.state in ("UNBINDING", "UNBOUND")), log.end)
                out.append(bind_scene(log, sum(s.kind == "bind" for s in out) + 1, began, over))
                out[-1].fn = fn
            elif before.state == "UNBINDING" and began is not None:
                out.append(teardown_scene(log, sum(s.kind in ("unbind", "kill") for s in out) + 1, began, before.start,
                                          span.start))
                out[-1].fn = fn
    out += link_scenes(log, out)
    out.sort(key=lambda scene: scene.start)
    for scene in out:
        scene.items = fold([item for item in log.items if scene.start <= item.start <= scene.end])
    return out


def link_scenes(log, lives):
    """What goes on in firmware before the first bind and after the last teardown."""
    if not lives:
        return []
    first, last = min(scene.start for scene in lives), max(scene.end for scene in lives)
    out = []
    for title, low, high in (("Connect", log.start, first), ("Disconnect", last, log.end)):
        about = [item for item in log.items if low <= item.start < high and
                 (item.name in ("tio_ide", "teemu_ide", "tio_doe_begin") or
                  (item.name == "fw_call" and "area=link" in item.raw[0]) or
                  (item.name == "fw_call" and "area=" not in item.raw[0]))]
        if about:
            out.append(Scene("link", title[0], title, about[0].start, max(item.end for item in about)))
    return out
