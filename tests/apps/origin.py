#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The plain server behind the programs under test: origin.py PORT LOG [DELAY_MS]

Answers any request with bytes that depend on nothing but its method, path and body, and appends
`METHOD PATH traceparent...` (`none` without one) to LOG.
"""
import hashlib
import http.server
import sys
import time


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self):
        body = self.body()
        with open(sys.argv[2], "a") as log:
            print(self.command, self.path, *(self.headers.get_all("traceparent") or ["none"]), file=log)
        if len(sys.argv) > 3:
            time.sleep(int(sys.argv[3]) / 1000)
        status = 404 if "missing" in self.path else 500 if "broken" in self.path else 200
        text = f"{self.command} {self.path} {len(body)} {hashlib.sha1(body).hexdigest()}\n".encode()
        if "large" in self.path:
            text *= 20000
        head = f"HTTP/1.1 {status} Status\r\nContent-Type: text/plain\r\n".encode()
        if "chunked" in self.path:
            head += b"Transfer-Encoding: chunked\r\n\r\n"
            text = b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)
        else:
            head += b"Content-Length: %d\r\n\r\n" % len(text)
        self.wfile.write(head + (b"" if self.command == "HEAD" else text))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


Server(("127.0.0.1", int(sys.argv[1])), Origin).serve_forever()
