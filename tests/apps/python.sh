#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Python: TLS contexts, ctypes, subprocesses, asyncio and multiprocessing run as before; http.server and
# urllib become one trace.
. "$TESTS/lib.sh"
$PYTHON -c 'import ssl, ctypes, asyncio, multiprocessing' 2>/dev/null || skip "no complete python3"
cd "$WORK" || exit 1
same $PYTHON -c 'import ssl; c = ssl.create_default_context(); print(c.verify_mode, len(c.get_ciphers()) > 0)'
expect_status 0
same $PYTHON -c 'import ctypes; l = ctypes.CDLL("libc.so.6"); print(l.write(1, b"direct\n", 7)); m = ctypes.CDLL(None); print(m.write(1, b"through\n", 8))'
same $PYTHON -c 'import subprocess as s; print(s.run(["sh", "-c", "echo out; exit 3"], capture_output=True)); print(s.run(["env"], env={}, capture_output=True).stdout)'
same $PYTHON -c 'import multiprocessing as m
if __name__ == "__main__":
    with m.Pool(3) as p: print(p.map(abs, range(-50, 50)))'
same $PYTHON -c 'import asyncio
async def serve(r, w):
    w.write(await r.readexactly(5)); await w.drain(); w.close()
async def main():
    s = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = s.sockets[0].getsockname()[1]
    async def one():
        r, w = await asyncio.open_connection("127.0.0.1", port)
        w.write(b"hello"); data = await r.read(); w.close(); return data
    print(await asyncio.gather(*(one() for _ in range(50))))
asyncio.run(main())'
same $PYTHON -c 'import sys; sys.exit(17)'
expect_status 17
same $PYTHON -c 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)'
expect_status 137
same $PYTHON -c 'import threading
e = threading.Event(); out = []
ts = [threading.Thread(target=lambda i=i: (e.wait(), out.append(i))) for i in range(30)]
[t.start() for t in ts]; e.set(); [t.join() for t in ts]; print(sorted(out))'

cat >front.py <<'PROGRAM'
import http.server, sys, urllib.request
class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}/back{self.path}").read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Front).serve_forever()
PROGRAM
need curl
start_origin
run_server() {
	start "${UNDER[@]}" $PYTHON front.py "$PORT" "$ORIGIN"
}
fetch() {
	for i in 1 2 3; do
		curl -sS -i -H 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' "http://127.0.0.1:$PORT/$i"
	done
}
same_server run_server fetch
for i in 1 2 3; do
	spans --more "SERVER GET /$i status=200 parent=remote trace=0af7651916cd43dd8448eb211c80319c" \
		"CLIENT GET /back/$i status=200 parent=SERVER:/$i"
done
origin_contexts 3
