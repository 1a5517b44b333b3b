# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP receiver for the tests: answers by a script and notes what it was sent.

    receiver.py PORT_FILE LOG ANSWER...        [CERT=FILE with key, for https]

ANSWER is STATUS[:WORD...]; the last one is given for ever. Words: after=SECONDS (Retry-After), reject=N
(partial success), warn=TEXT (partial success, none rejected), drop (close without an answer), slow=SECONDS,
json (answer in JSON), garbage (answer with a page). One JSON object a line goes to LOG: path, headers (lower
case), at (seconds), spans (a list of what was decoded), bytes.
"""
import gzip
import json
import os
import ssl
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """Field number -> list of values of one protobuf message, as they are on the wire."""
    at, out = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        elif kind == 5:
            value, at = struct.unpack_from("<I", data, at)[0], at + 4
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise ValueError("short field")
        else:
            raise ValueError(f"wire type {kind}")
        out.setdefault(number, []).append(value)
    return out


def attributes(list_of):
    out = {}
    for item in list_of:
        pair = fields(item)
        value = fields(pair[2][0])
        out[pair[1][0].decode()] = value[1][0].decode() if 1 in value else str(value[3][0])
    return out


def from_protobuf(body):
    spans = []
    for group in fields(body).get(1, []):
        group = fields(group)
        resource = attributes(fields(group[1][0]).get(1, []))
        for scope in group.get(2, []):
            for span in fields(scope).get(2, []):
                s = fields(span)
                spans.append({"trace": s[1][0].hex(), "id": s[2][0].hex(), "parent": s.get(4, [b""])[0].hex(),
                              "name": s[5][0].decode(), "kind": s.get(6, [0])[0], "start": s[7][0], "end": s[8][0],
                              "flags": s[16][0], "attributes": attributes(s.get(9, [])), "resource": resource,
                              "state": s.get(3, [b""])[0].decode()})
    return spans


def plain(list_of):
    return {a["key"]: str(list(a["value"].values())[0]) for a in list_of}


def from_json(body):
    return [{"trace": s["traceId"], "id": s["spanId"], "parent": s.get("parentSpanId", ""), "name": s["name"],
             "kind": s["kind"], "start": int(s["startTimeUnixNano"]), "end": int(s["endTimeUnixNano"]),
             "flags": s["flags"], "attributes": plain(s["attributes"]), "state": s.get("traceState", ""),
             "resource": plain(group["resource"]["attributes"])}
            for group in json.loads(body).get("resourceSpans", [])
            for scope in group["scopeSpans"] for s in scope["spans"]]


def text_field(number, data):
    return bytes([number << 3 | 2, len(data)]) + data


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers, log = [], None

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        note = {"path": self.path, "at": time.monotonic(), "bytes": len(body),
                "headers": {k.lower(): v for k, v in self.headers.items()}}
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        decode = from_json if "json" in self.headers["Content-Type"] else from_protobuf
        note["spans"] = decode(body)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        status, *words = answer.split(":")
        note["answer"] = status
        with open(self.log, "a") as f:
            f.write(json.dumps(note) + "\n")
        self.answer(int(status), dict(w.partition("=")[::2] for w in words))

    def answer(self, status, words):
        if "slow" in words:
            time.sleep(float(words["slow"]))
        if "drop" in words:
            self.connection.close()
            self.close_connection = True
            return
        rejected, message = int(words.get("reject", 0)), words.get("warn", "too old" if "reject" in words else "")
        partial = (bytes([8, rejected]) if rejected else b"") + (text_field(2, message.encode()) if message else b"")
        body, kind = text_field(1, partial) if partial else b"", "application/x-protobuf"
        if "json" in words:
            body = json.dumps({"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": message}}).encode()
            kind = "application/json"
        if "garbage" in words:
            body, kind = b"<html>\xff</html>", "text/html"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if "after" in words:
            self.send_header("Retry-After", words["after"])
        self.end_headers()
        self.wfile.write(body)


def main():
    Handler.log, Handler.answers = sys.argv[2], sys.argv[3:]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if "CERT" in os.environ:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ["CERT"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(sys.argv[1] + ".new", "w") as f:
        f.write(str(server.server_address[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()


main()
