/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are no HTTP/1, or that two parsers read differently, in both directions and cut at
 * random places: they arrive as they were sent, the connection is counted as opaque, nothing
 * crashes.
 * timeout: 120
 *
 * expect-more-spans
 * expect-counter: connections.opaque >= 30
 * expect-counter: audit.contradict == 0
 */
#include "server.h"

#define HOST "Host: h\r\n"
#define FAKE "GET /smuggled HTTP/1.1\r\n" HOST "\r\n"

struct shape {
	const char *name, *bytes;
	size_t len;
};

#define SHAPE(name, text)                    \
	{                                    \
		name, text, sizeof(text) - 1 \
	}

static const struct shape shapes[] = {
	SHAPE("nothing", ""),
	SHAPE("no head end", "GET / HTTP/1.1\r\n" HOST),
	SHAPE("length and chunks",
	      "POST / HTTP/1.1\r\n" HOST
	      "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" FAKE),
	SHAPE("two lengths",
	      "POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd" FAKE),
	SHAPE("length list", "POST / HTTP/1.1\r\n" HOST "Content-Length: 4, 5\r\n\r\nabcd" FAKE),
	SHAPE("length sign", "POST / HTTP/1.1\r\n" HOST "Content-Length: +4\r\n\r\nabcd" FAKE),
	SHAPE("length minus", "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n" FAKE),
	SHAPE("length hex", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x4\r\n\r\nabcd" FAKE),
	SHAPE("length huge",
	      "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999999\r\n\r\n" FAKE),
	SHAPE("odd coding",
	      "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" FAKE),
	SHAPE("coding not last",
	      "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" FAKE),
	SHAPE("space before colon",
	      "POST / HTTP/1.1\r\n" HOST "Content-Length : 4\r\n\r\nabcd" FAKE),
	SHAPE("folded line", "GET / HTTP/1.1\r\n" HOST "A: b\r\n traceparent: x\r\n\r\n" FAKE),
	SHAPE("bare newline", "GET / HTTP/1.1\nHost: h\n\n" FAKE),
	SHAPE("bare return", "GET / HTTP/1.1\r\nHost: h\rtraceparent: x\r\n\r\n" FAKE),
	SHAPE("NUL in name", "GET / HTTP/1.1\r\nHo\0st: h\r\n\r\n" FAKE),
	SHAPE("NUL in value", "GET / HTTP/1.1\r\nHost: \0h\r\n\r\n" FAKE),
	SHAPE("no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n" FAKE),
	SHAPE("empty name", "GET / HTTP/1.1\r\n: h\r\n\r\n" FAKE),
	SHAPE("chunk size letters",
	      "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n" FAKE),
	SHAPE("chunk size huge", "POST / HTTP/1.1\r\n" HOST
				 "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" FAKE),
	SHAPE("chunk without end",
	      "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nabc" FAKE),
	SHAPE("version 2", "GET / HTTP/2.0\r\n" HOST "\r\n" FAKE),
	SHAPE("version 1.9", "GET / HTTP/1.9\r\n" HOST "\r\n" FAKE),
	SHAPE("no version", "GET /\r\n" FAKE),
	SHAPE("two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n" FAKE),
	SHAPE("control in target", "GET /\x01 HTTP/1.1\r\n" HOST "\r\n" FAKE),
	SHAPE("preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
	SHAPE("TLS hello", "\x16\3\1\0\xa5\1\0\0\xa1\3\3GET / HTTP/1.1\r\n\r\n"),
	SHAPE("mail", "EHLO host\r\nMAIL FROM:<a@b>\r\n"),
	SHAPE("redis", "*1\r\n$4\r\nPING\r\n"),
	SHAPE("response first", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" FAKE),
	SHAPE("lone CRLFs", "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
	SHAPE("lower method", "get / http/1.1\r\n" HOST "\r\n" FAKE),
};

static char big[200000];
static unsigned int state = 11;

static unsigned int rnd(void)
{
	state = state * 1664525u + 1013904223u;
	return state >> 8;
}

static unsigned int sum(const char *data, size_t len)
{
	unsigned int s = 2166136261u;

	for (size_t i = 0; i < len; i++)
		s = (s ^ (unsigned char)data[i]) * 16777619u;
	return s;
}

static void into_server(const char *name, const char *bytes, size_t len)
{
	static char buf[sizeof(big) + 1];
	int port, listener = server_listen(&port), in = peer_connect(port),
		  fd = accept(listener, NULL, NULL);
	size_t sent = 0, got = 0;

	while (sent < len) {
		size_t n = 1 + rnd() % (len > 1000 ? 4000 : 30);

		n = n < len - sent ? n : len - sent;
		peer_send(in, bytes + sent, n);
		sent += n;
		while (got < sent) {
			ssize_t r = read(fd, buf + got, sent - got);

			if (r <= 0)
				die("read");
			got += (size_t)r;
		}
	}
	write_text(fd, PEER_OK);
	close(fd);
	close(listener);
	peer_close(in);
	printf("in  %-20s %zu %08x %s\n", name, got, sum(buf, got),
	       memcmp(buf, bytes, len) ? "CHANGED" : "same");
}

static void out_of_client(const char *name, const char *bytes, size_t len, bool whole)
{
	static char buf[sizeof(big) + 4096];
	int port, back = peer_listen(&port), out = client_connect(port), peer = peer_accept(back);
	size_t sent = 0, got = 0;
	ssize_t r;

	while (sent < len) {
		size_t n = whole ? len : 1 + rnd() % (len > 1000 ? 4000 : 30);

		n = n < len - sent ? n : len - sent;
		write_all(out, bytes + sent, n);
		sent += n;
		while ((r = syscall(SYS_recvfrom, peer, buf + got, sizeof(buf) - got, MSG_DONTWAIT,
				    NULL, NULL)) > 0)
			got += (size_t)r;
	}
	close(out);
	while ((r = peer_recv(peer, buf + got, sizeof(buf) - got)) > 0)
		got += (size_t)r;
	peer_close(peer);
	peer_close(back);
	got = peer_strip(buf, got);
	printf("out %-20s %zu %08x\n", name, got, sum(buf, got));
}

static void all_ways(const char *name, const char *bytes, size_t len)
{
	into_server(name, bytes, len);
	out_of_client(name, bytes, len, true);
	out_of_client(name, bytes, len, false);
}

int main(void)
{
	size_t len;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		all_ways(shapes[i].name, shapes[i].bytes, shapes[i].len);
	len = (size_t)sprintf(big, "GET / HTTP/1.1\r\nA: ");
	memset(big + len, 'a', 150000);
	len += 150000;
	len += (size_t)sprintf(big + len, "\r\n\r\n");
	all_ways("line of 150000", big, len);
	len = (size_t)sprintf(big, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 5000; i++)
		len += (size_t)sprintf(big + len, "H%d: v\r\n", i);
	len += (size_t)sprintf(big + len, "\r\n");
	all_ways("5000 headers", big, len);
	len = (size_t)sprintf(big, "GET / HTTP/1.1\r\nA: ");
	memset(big + len, 'a', 7700);
	len += 7700;
	len += (size_t)sprintf(big + len, "\r\n\r\n");
	all_ways("head of 7.7K", big, len);
	for (int i = 0; i < 20; i++) {
		len = 200 + rnd() % 3000;
		for (size_t k = 0; k < len; k++)
			big[k] = (char)rnd();
		if (i & 1)
			memcpy(big, "POST / HTTP/1.1\r\n", 17);
		all_ways("random", big, len);
	}
	return 0;
}
