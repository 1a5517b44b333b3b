/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bad contexts that come in: each is refused for its own reason, counted, and starts a new trace;
 * the program gets its bytes untouched. A future version is taken by its first four fields. A proxy
 * of such a request never passes on what was malformed.
 *
 * expect-span: SERVER GET /good trace=0af7651916cd43dd8448eb211c80319c parent-id=b7ad6b7169203331
 * expect-span: CLIENT GET /good parent=SERVER:/good
 * expect-span: SERVER GET /future trace=0af7651916cd43dd8448eb211c80319c parent-id=b7ad6b7169203331
 * expect-span: CLIENT GET /future parent=SERVER:/future
 * expect-span: SERVER GET /state x4 parent=remote trace=0af7651916cd43dd8448eb211c80319c
 * expect-span: CLIENT GET /state x4 parent=SERVER:/state
 * expect-span: SERVER GET /bad x14 parent=none
 * expect-span: CLIENT GET /bad x14 parent=SERVER:/bad
 * expect-wire: ^traceparent: x20
 * expect-wire: ^traceparent:\s*00-[0-9a-f]{32}-[0-9a-f]{16}-0[013]\s*$ x20
 * expect-wire: (?-i:0AF76519) x0
 * expect-counter: refused.traceparent.length >= 3
 * expect-counter: refused.traceparent.form >= 3
 * expect-counter: refused.traceparent.version >= 1
 * expect-counter: refused.traceparent.zero >= 2
 * expect-counter: refused.traceparent.twice >= 1
 * expect-counter: refused.tracestate.form >= 1
 * expect-counter: refused.tracestate.size >= 1
 * expect-counter: refused.baggage.form >= 1
 * expect-counter: refused.request_id >= 1
 * expect-counter: requests == 20
 */
#include "server.h"

#define T    "0af7651916cd43dd8448eb211c80319c"
#define P    "b7ad6b7169203331"
#define GOOD "traceparent: 00-" T "-" P "-01\r\n"

static int listener, port, out, peer;

static void proxied(const char *path, const char *headers)
{
	static char request[16384], buf[16384];
	int in = peer_connect(port), fd;
	size_t len;

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: h\r\n%sAccept: */*\r\n\r\n",
		 path, headers);
	peer_text(in, request);
	fd = accept(listener, NULL, NULL);
	len = read_until(fd, buf, sizeof(buf), "\r\n\r\n");
	printf("%s: server %s", path, strcmp(request, buf) ? "got something else" : "got it all");
	write_all(out, buf, len);
	peer_request(peer, buf, sizeof(buf));
	printf(", peer got %zu bytes\n", strlen(buf));
	peer_text(peer, PEER_OK);
	read_until(out, buf, sizeof(buf), "ok");
	write_text(fd, PEER_OK);
	if (peer_response(in, buf, sizeof(buf)) != 200)
		die("response");
	close(fd);
	peer_close(in);
}

static void long_states(void)
{
	static char text[8192];
	size_t len = (size_t)sprintf(text, GOOD "tracestate: ");

	for (int i = 0; i < 30; i++)
		len += (size_t)sprintf(text + len, "%skey%02d=%064d", i ? "," : "", i, i);
	sprintf(text + len, "\r\n");
	proxied("/state", text);
	len = (size_t)sprintf(text, GOOD "x-request-id: ");
	memset(text + len, 'i', 300);
	sprintf(text + len + 300, "\r\n");
	proxied("/state", text);
}

int main(void)
{
	int back_port, back = peer_listen(&back_port);

	listener = server_listen(&port);
	out = client_connect(back_port);
	peer = peer_accept(back);
	proxied("/good", GOOD);
	proxied("/future", "traceparent: cc-" T "-" P "-01-what.the.future.brings\r\n");
	proxied("/state", GOOD "tracestate: A=,,=\r\n");
	proxied("/state", GOOD "baggage: =;;,==,\"\r\n");
	long_states();
	proxied("/bad", "traceparent: \r\n");
	proxied("/bad", "traceparent: 00-" T "-" P "\r\n");
	proxied("/bad", "traceparent: 00-" T "-" P "-01-extra\r\n");
	proxied("/bad", "traceparent: 00-" T "-" P "-0\r\n");
	proxied("/bad", "traceparent: 00-0AF7651916cd43dd8448eb211c80319c-" P "-01\r\n");
	proxied("/bad", "traceparent: 00-" T "_" P "-01\r\n");
	proxied("/bad", "traceparent: 00-" T "-" P "-0x\r\n");
	proxied("/bad", "traceparent: 0g-" T "-" P "-01\r\n");
	proxied("/bad", "traceparent: ff-" T "-" P "-01\r\n");
	proxied("/bad", "traceparent: 00-00000000000000000000000000000000-" P "-01\r\n");
	proxied("/bad", "traceparent: 00-" T "-0000000000000000-01\r\n");
	proxied("/bad", GOOD GOOD);
	proxied("/bad", "traceparent: %s%n%s%n\r\n");
	proxied("/bad", "traceparent: 00-" T "-" P "-01, 00-" T "-" P "-01\r\n");
	return 0;
}
