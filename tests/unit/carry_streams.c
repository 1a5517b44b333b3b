/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections as real programs use them: heads and answers in any pieces, pipelines, tunnels,
 * answers that come early or never. What is not followed any further passes untouched.
 */
#include "carry_streams.h"

/* ---- any pieces ---- */

/* Every request has a parent of its own: one that is used for ever is not believed for ever (R1).
 */
static void freshen(char *request)
{
	static unsigned int serial;
	char digits[8];

	snprintf(digits, sizeof(digits), "%04x", ++serial & 0xffff);
	for (char *at = request; (at = strstr(at, T "-")) != NULL; at += 33)
		memcpy(at + 45, digits, 4);
}

static void test_request_split(void **state)
{
	static char request[] = REQUEST;
	size_t len = strlen(REQUEST);

	for (size_t cut = 0; cut <= len; cut++) {
		setup(state);
		freshen(request);
		receive_part(SERVER, request, cut);
		assert_int_equal(counted(COUNTER_REQUESTS), cut == len);
		receive_part(SERVER, request + cut, len - cut);
		assert_int_equal(counted(COUNTER_REQUESTS), 1);
		assert_int_equal(counted(COUNTER_REQUESTS_ROOT), 0);
		assert_serving(true);
	}
	setup(state);
	freshen(request);
	for (size_t i = 0; i < len; i++)
		receive_part(SERVER, request + i, 1);
	assert_serving(true);
}

static void test_pipelined_split(void **state)
{
	static char both[] = POSTED "\r\n0123456789" REQUEST;
	size_t len = strlen(both);

	for (size_t cut = 0; cut <= len; cut++) {
		setup(state);
		freshen(both);
		receive_part(SERVER, both, cut);
		receive_part(SERVER, both + cut, len - cut);
		assert_int_equal(counted(COUNTER_REQUESTS), 2);
		send_text(SERVER, ANSWER ANSWER, &wire);
		assert_int_equal(counted(COUNTER_SPANS), 2);
		assert_in_sync(SERVER);
	}
}

/* Answers of every framing; the next exchange must find the connection in order. */
static const struct {
	const char *call, *answer;
} exchanges[] = {
	{CALL, ANSWER},
	{"HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"},
	{"HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{CALL, "HTTP/1.1 204 No Content\r\n\r\n"},
	{CALL, "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"},
	{CALL, "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" ANSWER},
	{CALL, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" ANSWER},
	{CALL, "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
	       "chunked\r\n\r\n3\r\nabc\r\n1;x\r\n\n\r\n0\r\nX: y\r\n\r\n"},
	{CALL, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"},
	{"POST / HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
	 "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"},
};

static void test_answer_split_client(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
		size_t len = strlen(exchanges[i].answer);
		bool whole = !strstr(exchanges[i].call, "Expect");

		for (size_t cut = 0; cut <= len; cut++) {
			setup(state);
			send_text(CLIENT, exchanges[i].call, &wire);
			receive_part(CLIENT, exchanges[i].answer, cut);
			assert_int_equal(counted(COUNTER_SPANS), cut == len);
			receive_part(CLIENT, exchanges[i].answer + cut, len - cut);
			assert_int_equal(counted(COUNTER_SPANS), 1);
			if (!whole)
				send_text(CLIENT, "body", &wire);
			assert_in_sync(CLIENT);
		}
	}
}

static void test_answer_split_server(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
		size_t len = strlen(exchanges[i].answer);

		for (size_t cut = 0; cut <= len; cut++) {
			setup(state);
			receive(SERVER, exchanges[i].call);
			send_part(SERVER, exchanges[i].answer, cut);
			assert_int_equal(counted(COUNTER_SPANS), cut == len);
			assert_int_equal(carry_self.current != 0, cut != len);
			send_part(SERVER, exchanges[i].answer + cut, len - cut);
			assert_int_equal(counted(COUNTER_SPANS), 1);
			assert_int_equal(carry_self.current, 0);
			assert_string_equal(wire.bytes, exchanges[i].answer);
			if (strstr(exchanges[i].call, "Expect"))
				receive(SERVER, "body");
			assert_in_sync(SERVER);
		}
	}
}

/* ---- more than one answer to a request, or one that comes early ---- */

static void test_expect(void **state)
{
	(void)state;
	receive(SERVER, POSTED "Expect: 100-continue\r\n\r\n");
	send_text(SERVER, "HTTP/1.1 100 Continue\r\n\r\n", &wire);
	assert_serving(true);
	receive(SERVER, "0123456789");
	assert_serving(true);
	send_text(SERVER, ANSWER, &wire);
	assert_serving(false);
	assert_in_sync(SERVER);
	send_text(CLIENT, "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
		  &wire);
	receive(CLIENT, "HTTP/1.1 100 Continue\r\n\r\n");
	send_text(CLIENT, "body", &wire);
	assert_string_equal(wire.bytes + wire.len - 8, "\r\n\r\nbody");
	receive(CLIENT, ANSWER);
	assert_in_sync(CLIENT);
}

static void test_early_answer(void **state)
{
	(void)state;
	receive(SERVER, POSTED "\r\n012");
	send_text(SERVER, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", &wire);
	assert_int_equal(counted(COUNTER_SPANS), 1);
	receive(SERVER, "3456");
	receive(SERVER, "789");
	assert_in_sync(SERVER);
	send_text(CLIENT, "PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\nb", &wire);
	receive(CLIENT, ANSWER);
	send_text(CLIENT, "ody", &wire);
	assert_in_sync(CLIENT);
}

/* Whoever writes on the connection works for its request (R6), from the first byte of each piece
 * on. */
static void test_answer_names_owner(void **state)
{
	(void)state;
	receive(SERVER, CALL);
	for (const char *at = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"; *at; at++) {
		carry_waiting(false);
		assert_int_equal(carry_self.current, 0);
		send_part(SERVER, at, 1);
		assert_true(carry_self.current);
	}
	carry_waiting(false);
	send_part(SERVER, "k", 1);
	assert_int_equal(carry_self.current, 0);
	assert_int_equal(counted(COUNTER_SPANS), 1);
}

/* A server may answer what never became a request. */
static void test_answer_to_nothing(void **state)
{
	(void)state;
	send_text(SERVER, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", &wire);
	assert_int_equal(counted(COUNTER_SPANS), 0);
	assert_in_sync(SERVER);
	/* nobody asked: what comes on a client connection then is not followed */
	receive(CLIENT, ANSWER);
	assert_int_equal(counted(COUNTER_OPAQUE), 1);
	assert_untouched(CLIENT);
}

/* ---- tunnels ---- */

static void tunnel(int fd, const char *call, const char *answer, bool opens)
{
	setup(NULL);
	if (fd == SERVER) {
		receive(fd, call);
		send_text(fd, answer, &wire);
		assert_string_equal(wire.bytes, answer);
	} else {
		send_text(fd, call, &wire);
		receive(fd, answer);
	}
	assert_int_equal(counted(COUNTER_SPANS), 1);
	assert_int_equal(counted(COUNTER_TUNNELS), opens);
	assert_int_equal(counted(COUNTER_OPAQUE), 0);
	if (opens)
		assert_untouched(fd);
	else
		assert_in_sync(fd);
}

static void test_tunnels(void **state)
{
	static const char connect[] = "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n";
	static const char upgrade[] =
		"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
	static const char switched[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: "
				       "Upgrade\r\nUpgrade: websocket\r\n\r\n";

	(void)state;
	for (int fd = SERVER; fd <= CLIENT; fd++) {
		tunnel(fd, connect, "HTTP/1.1 200 OK\r\n\r\n", true);
		tunnel(fd, connect, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true);
		tunnel(fd, connect, "HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\nlogin", false);
		tunnel(fd, upgrade, switched, true);
		tunnel(fd, upgrade, ANSWER, false);
	}
	/* the first bytes of the tunnel come with the answer */
	setup(NULL);
	send_text(CLIENT, upgrade, &wire);
	receive(CLIENT, "HTTP/1.1 101 Switching Protocols\r\n\r\n" ANSWER);
	assert_int_equal(counted(COUNTER_SPANS), 1);
	assert_int_equal(counted(COUNTER_TUNNELS), 1);
}

/* ---- ends ---- */

static char directory[] = "/tmp/carry_streams.XXXXXX";

/* How often @text is in the files of spans. */
static int recorded(const char *text)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		int fd = openat(dirfd(dir), entry->d_name, O_RDONLY);
		struct stat st;
		char *at, *end;

		if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
			continue;
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		assert_ptr_not_equal(at, MAP_FAILED);
		end = at + st.st_size;
		for (char *hit = at;
		     (hit = memmem(hit, (size_t)(end - hit), text, strlen(text))) != NULL; hit++)
			n++;
		munmap(at, (size_t)st.st_size);
		close(fd);
	}
	closedir(dir);
	return n;
}

static void test_closed_before_answer(void **state)
{
	int before = recorded("connection_closed");

	(void)state;
	receive(SERVER, REQUEST);
	carry_closing(SERVER);
	assert_int_equal(counted(COUNTER_SPANS), 1);
	assert_int_equal(recorded("connection_closed"), before + 1);
	assert_serving(false);
	setup(NULL);
	send_text(CLIENT, CALL, &wire);
	receive_end(CLIENT);
	assert_int_equal(counted(COUNTER_SPANS), 1);
	assert_int_equal(recorded("connection_closed"), before + 2);
	/* a head half read, a head half sent: nothing was asked */
	setup(NULL);
	receive_part(SERVER, REQUEST, 20);
	carry_closing(SERVER);
	assert_int_equal(counted(COUNTER_SPANS), 0);
	assert_int_equal(recorded("connection_closed"), before + 2);
}

/* The end of the stream is the end of such an answer: no error. */
static void test_answer_until_close(void **state)
{
	int before = recorded("connection_closed");

	(void)state;
	send_text(CLIENT, CALL, &wire);
	receive(CLIENT, "HTTP/1.1 200 OK\r\n\r\nall that comes");
	assert_int_equal(counted(COUNTER_SPANS), 0);
	receive_end(CLIENT);
	assert_int_equal(counted(COUNTER_SPANS), 1);
	receive(SERVER, REQUEST);
	send_text(SERVER, "HTTP/1.0 200 OK\r\n\r\nall that comes", &wire);
	assert_int_equal(counted(COUNTER_SPANS), 1);
	carry_shut(SERVER, SHUT_RD);
	assert_int_equal(counted(COUNTER_SPANS), 1);
	carry_shut(SERVER, SHUT_WR);
	assert_int_equal(counted(COUNTER_SPANS), 2);
	assert_int_equal(recorded("connection_closed"), before);
}

/* shutdown(SHUT_RD) makes reads return 0, until more bytes arrive: Linux then returns those. */
static void test_bytes_after_end(void **state)
{
	static const char *const parts[] = {"G", "GET / HT", "GET / HTTP/1.1\r\n",
					    "GET / HTTP/1.1\r\nHost: a\r\nX"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		setup(state);
		receive(SERVER, parts[i]);
		receive_end(SERVER);
		receive(SERVER, &REQUEST[strlen(parts[i])]);
		receive(SERVER, REQUEST);
		receive_end(SERVER);
		carry_closing(SERVER);
	}
	setup(state);
	send_text(CLIENT, CALL, &wire);
	receive_end(CLIENT);
	receive(CLIENT, ANSWER);
	send_text(CLIENT, CALL, &wire);
}

/* ---- limits ---- */

static void test_pipelines(void **state)
{
	static char calls[40 * sizeof(REQUEST)];

	(void)state;
	for (int fd = SERVER; fd <= CLIENT; fd++) {
		for (int n = 32; n <= 33; n++) {
			setup(NULL);
			calls[0] = 0;
			for (int i = 0; i < n; i++)
				strcat(calls, CALL);
			if (fd == SERVER)
				receive(fd, calls);
			else
				assert_int_equal(send_text(fd, calls, &wire), strlen(calls));
			assert_int_equal(counted(COUNTER_OPAQUE), n > 32);
			if (n > 32 && fd == CLIENT)
				assert_string_equal(wire.bytes, calls);
			for (int i = 0; i < n && fd == CLIENT; i++)
				receive(fd, ANSWER);
			for (int i = 0; i < n && fd == SERVER; i++)
				send_text(fd, ANSWER, &wire);
			if (n > 32)
				assert_untouched(fd);
			else
				assert_in_sync(fd);
		}
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_request_split),
		TEST(test_pipelined_split),
		TEST(test_answer_split_client),
		TEST(test_answer_split_server),
		TEST(test_expect),
		TEST(test_early_answer),
		TEST(test_answer_names_owner),
		TEST(test_answer_to_nothing),
		TEST(test_tunnels),
		TEST(test_closed_before_answer),
		TEST(test_answer_until_close),
		TEST(test_pipelines),
		TEST(test_bytes_after_end),
	};
	int failed;

	start_recording(NULL, directory);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	remove_recording(directory);
	return failed;
}
