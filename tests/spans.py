#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads back what a traced program recorded and compares it with what its test expects.

    tests/spans.py CTXAGENT DIR ['SERVER GET /a parent=remote' ...] [--counter 'requests >= 1'] [--more] [--list]

An expectation is KIND METHOD PATH [xN | x>=N] [key=value ...]; PATH '*' is any. Keys:

    parent=none      a root                    parent=remote   a parent that is not among these spans
    parent=KIND:PATH the span of that kind and path (in the same trace)      parent=any  (the default)
    parent=A|B       one of them
    status=N         http.response.status_code; 'none' for a span that has none
    trace=HEX, parent-id=HEX, anything.else=TEXT   an attribute of that name

Every span must be expected unless --more is given. Used by tests/run and by the shell tests.
"""
import argparse
import json
import re
import subprocess
import sys

KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT"}
OPERATORS = {">=": int.__ge__, "<=": int.__le__, "==": int.__eq__, ">": int.__gt__, "<": int.__lt__,
             "!=": int.__ne__}


class Unexpected(Exception):
    """The records are not what the test says they must be."""


def plain(value):
    """An OTLP AnyValue as a Python value."""
    for key, convert in (("stringValue", str), ("intValue", int), ("boolValue", bool), ("doubleValue", float)):
        if key in value:
            return convert(value[key])
    return value


class Span:
    """One exported span, with the few things tests ask about."""

    def __init__(self, data, resource):
        self.attributes = {a["key"]: plain(a["value"]) for a in data.get("attributes", [])}
        self.resource = resource
        self.kind = KINDS.get(int(data.get("kind", 0)), str(data.get("kind")))
        self.trace = data["traceId"].lower()
        self.id = data["spanId"].lower()
        self.parent = data.get("parentSpanId", "").lower()
        self.start, self.end = int(data["startTimeUnixNano"]), int(data["endTimeUnixNano"])
        self.method = str(self.attributes.get("http.request.method", ""))
        target = self.attributes.get("url.path")
        if target is None:
            target = re.sub(r"^[a-z]+://[^/?]*", "", str(self.attributes.get("url.full", "")))
        self.path = str(target).split("?", 1)[0] or "/"

    def __str__(self):
        status = self.attributes.get("http.response.status_code", "none")
        return (f"{self.kind} {self.method} {self.path} status={status} trace={self.trace} "
                f"id={self.id} parent-id={self.parent or 'none'}")


def load(ctxagent, directory):
    """All spans under @directory, by way of `ctxagent export`."""
    out = subprocess.run([ctxagent, "export", "--dir", directory, "--out", "-"], capture_output=True, timeout=120)
    if out.returncode != 0:
        raise Unexpected(f"ctxagent export ended with {out.returncode}: {out.stderr.decode(errors='replace')}")
    return parse(out.stdout.decode())


def parse(text):
    spans = []
    for line in text.splitlines():
        if not line.strip():
            continue
        for block in json.loads(line).get("resourceSpans", []):
            resource = {a["key"]: plain(a["value"]) for a in block.get("resource", {}).get("attributes", [])}
            for scope in block.get("scopeSpans", []):
                spans += [Span(s, resource) for s in scope.get("spans", [])]
    return spans


def counters(ctxagent, directory):
    """The sums of `ctxagent show --counters`: lines of a name and a number."""
    out = subprocess.run([ctxagent, "show", "--dir", directory, "--counters"], capture_output=True, timeout=120)
    if out.returncode != 0:
        raise Unexpected(f"ctxagent show --counters ended with {out.returncode}: {out.stderr.decode(errors='replace')}")
    sums = {}
    for line in out.stdout.decode().splitlines():
        m = re.match(r"\s*([a-z0-9_.]+)\s*[:=]?\s+(\d+)\b", line)
        if m:
            sums[m[1]] = sums.get(m[1], 0) + int(m[2])
    return sums


def well_formed(spans):
    """What is true of any set of spans, whatever the test."""
    seen = set()
    for s in spans:
        if not re.fullmatch("[0-9a-f]{32}", s.trace) or set(s.trace) == {"0"}:
            raise Unexpected(f"bad trace id: {s}")
        if not re.fullmatch("[0-9a-f]{16}", s.id) or set(s.id) == {"0"}:
            raise Unexpected(f"bad span id: {s}")
        if s.id in seen:
            raise Unexpected(f"span id given twice: {s}")
        if s.end < s.start:
            raise Unexpected(f"ends before it starts: {s}")
        seen.add(s.id)
    by_id = {s.id: s for s in spans}
    for s in spans:
        if s.parent in by_id and by_id[s.parent].trace != s.trace:
            raise Unexpected(f"parent is of another trace: {s}")


def parent_is(span, want, by_id):
    parent = by_id.get(span.parent)
    if want == "any":
        return True
    if "|" in want:
        return any(parent_is(span, w, by_id) for w in want.split("|"))
    if want == "none":
        return not span.parent
    if want == "remote":
        return bool(span.parent) and parent is None
    kind, _, path = want.partition(":")
    return parent is not None and parent.kind == kind and path in ("", "*", parent.path)


def matches(span, words, by_id):
    kind, method, path, *rest = words
    if kind != span.kind or method not in ("*", span.method) or path not in ("*", span.path):
        return False
    for key, _, value in (w.partition("=") for w in rest):
        if key == "parent":
            ok = parent_is(span, value, by_id)
        elif key == "status":
            ok = str(span.attributes.get("http.response.status_code", "none")) == value
        elif key == "trace":
            ok = span.trace == value
        elif key == "parent-id":
            ok = span.parent == value
        else:
            ok = str(span.attributes.get(key, span.resource.get(key, "none"))) == value
        if not ok:
            return False
    return True


def check(spans, expectations, more=False):
    """Raises Unexpected unless @spans are what @expectations say."""
    well_formed(spans)
    by_id = {s.id: s for s in spans}
    left = list(spans)
    listing = "\n".join(f"    {s}" for s in spans[:40]) or "    (none)"
    for text in expectations:
        words = text.split()
        count, least = 1, False
        for w in words[3:]:
            if m := re.fullmatch(r"x(>=)?(\d+)", w):
                count, least = int(m[2]), bool(m[1])
                words.remove(w)
        found = [s for s in left if matches(s, words, by_id)]
        if len(found) < count:
            raise Unexpected(f"expected {text}; found {len(found)}; recorded:\n{listing}")
        taken = set(id(s) for s in (found if least else found[:count]))
        left = [s for s in left if id(s) not in taken]
    if left and not more:
        raise Unexpected(f"not expected: {left[0]} ({len(left)} such); recorded:\n{listing}")


def check_counters(have, expectations):
    for text in expectations:
        name, operator, number = text.split()
        if not OPERATORS[operator](have.get(name, 0), int(number)):
            raise Unexpected(f"expected counter {text}; it is {have.get(name, 0)}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("ctxagent")
    p.add_argument("dir")
    p.add_argument("expected", nargs="*")
    p.add_argument("--counter", action="append", default=[])
    p.add_argument("--more", action="store_true", help="other spans may be there too")
    p.add_argument("--list", action="store_true", help="print the spans instead of checking them")
    a = p.parse_intermixed_args()
    try:
        spans = load(a.ctxagent, a.dir)
        if a.list:
            for s in spans:
                print(s)
            return 0
        check(spans, a.expected, a.more)
        if a.counter:
            check_counters(counters(a.ctxagent, a.dir), a.counter)
    except Unexpected as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
