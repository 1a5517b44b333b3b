/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process carries as a whole: the context its environment gave it, until it reads a request
 * of its own; its own pairs as baggage; the agent switched off; the agent sealed, which then makes
 * no system call and still tells the truth. Each environment has a process of its own.
 */
#include "carry_child.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/compiler.h"
#include "base/pool.h"

#define T       "4bf92f3577b34da6a3ce929d0e0e4736"
#define S       "00f067aa0ba902b7"
#define REQUEST "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
#define CALL    "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"
#define ANSWER  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { SERVER = 10, CLIENT, OTHER };

static struct wire wire;

static int setup(void **state)
{
	(void)state;
	carry_waiting(false);
	for (int fd = SERVER; fd <= OTHER; fd++)
		carry_closing(fd);
	open_server(SERVER);
	open_client(CLIENT);
	open_client(OTHER);
	wire.len = 0;
	return 0;
}

static void call(const char *bytes)
{
	wire.len = 0;
	assert_int_equal(send_text(CLIENT, bytes, &wire), strlen(bytes));
	receive(CLIENT, ANSWER);
	assert_int_equal(head_count(&wire, "traceparent"), 1);
}

static bool in_trace(void)
{
	return !memcmp(wire_trace(&wire, 0), T, 32);
}

/* ---- TRACEPARENT, TRACESTATE, BAGGAGE ---- */

static void test_own_context(void **state)
{
	const char *first;
	char span[17] = "";

	(void)state;
	call(CALL);
	assert_true(in_trace());
	first = wire_trace(&wire, 0) + 33;
	assert_memory_not_equal(first, S, 16);
	assert_memory_equal(first + 16, "-01\r\n", 5);
	memcpy(span, first, 16);
	assert_head(&wire, "tracestate", "a=1,b=2");
	assert_head(&wire, "baggage", "k=v");
	call(CALL);
	assert_true(in_trace());
	assert_memory_not_equal(wire_trace(&wire, 0) + 33, span, 16);
}

/* A process that serves works for its requests; what belongs to none of them begins a trace. */
static void test_own_context_until_served(void **state)
{
	(void)state;
	receive(SERVER, REQUEST);
	call(CALL);
	assert_false(in_trace());
	assert_head(&wire, "tracestate", NULL);
	assert_head(&wire, "baggage", NULL);
	send_text(SERVER, ANSWER, &wire);
	carry_waiting(false);
	call(CALL);
	assert_false(in_trace());
	assert_head(&wire, "tracestate", NULL);
	assert_head(&wire, "baggage", NULL);
}

/* What the program's own bytes name counts more. */
static void test_own_header_wins(void **state)
{
	(void)state;
	call("GET / HTTP/1.1\r\ntraceparent: 00-80f198ee56343ba864fe8b2a57d3eff7-" S "-01\r\n\r\n");
	assert_false(in_trace());
	assert_head(&wire, "tracestate", NULL);
}

static void test_unsampled(void **state)
{
	(void)state;
	call(CALL);
	assert_true(in_trace());
	assert_memory_equal(wire_trace(&wire, 0) + 49, "-00\r\n", 5);
}

static void test_malformed(void **state)
{
	(void)state;
	assert_int_equal(ring_counted(COUNTER_SETTINGS_BAD), 1);
	call(CALL);
	assert_false(in_trace());
	assert_head(&wire, "tracestate", NULL);
}

/* A malformed tracestate or baggage is dropped; the parent is believed all the same. */
static void test_malformed_text(void **state)
{
	(void)state;
	assert_int_equal(ring_counted(COUNTER_SETTINGS_BAD), 2);
	call(CALL);
	assert_true(in_trace());
	assert_head(&wire, "tracestate", NULL);
	assert_head(&wire, "baggage", NULL);
}

/* ---- CTXAGENT_CONTEXT ---- */

static void test_pairs_stay(void **state)
{
	(void)state;
	receive(SERVER, REQUEST);
	call(CALL);
	assert_head(&wire, "baggage", NULL);
	send_text(SERVER, ANSWER, &wire);
	call(CALL);
	assert_head(&wire, "baggage", NULL);
}

/* Nor with what the process itself was given. */
static void test_pairs_stay_own(void **state)
{
	(void)state;
	call(CALL);
	assert_true(in_trace());
	assert_head(&wire, "baggage", "k=v");
}

static void test_pairs_travel(void **state)
{
	(void)state;
	call(CALL);
	assert_head(&wire, "baggage", "user.id=42,job=a%20b");
	receive(SERVER, "GET / HTTP/1.1\r\nbaggage: in=1\r\n\r\n");
	call(CALL);
	assert_head(&wire, "baggage", "in=1,user.id=42,job=a%20b");
	send_text(SERVER, ANSWER, &wire);
	receive(SERVER, REQUEST);
	call(CALL);
	assert_head(&wire, "baggage", "user.id=42,job=a%20b");
	send_text(SERVER, ANSWER, &wire);
	call(CALL);
	assert_head(&wire, "baggage", "user.id=42,job=a%20b");
}

/* ---- off ---- */

static int disabled_child(void)
{
	static const char *const environment[] = {"OTEL_SDK_DISABLED=TRUE",
						  "TRACEPARENT=00-" T "-" S "-01", NULL};
	struct config config;
	struct carry_options options = {
		.config = &config, .directory = "/nonexistent", .executable = "test"};

	config_read(&config, ENVIRONMENT(environment), false);
	if (carry_start(&options) || carry_enter() || carry_self.inside)
		return 1;
	carry_fork_child();
	carry_vfork();
	for (unsigned int id = 0; id < COUNTER_COUNT; id++)
		if (ring_counted(id))
			return 2;
	for (unsigned int i = 0; i < CARRY_PAGES; i++)
		if (carry_pages[i])
			return 3;
	return carry_state != CARRY_OFF || carry_self.vfork_tid || carry_self.block ||
			       carry_watch(5)
		       ? 4
		       : 0;
}

static void test_disabled(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(disabled_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- sealed ---- */

/* From here on the kernel kills us for any call but these; sanitizers make calls of their own. */
static void forbid_calls(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ALLOW(nr) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_write),
		ALLOW(SYS_exit_group),
		ALLOW(SYS_clock_gettime),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {ARRAY_SIZE(filter), filter};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
#endif
}

#define EXPECT(ok)                                                         \
	do {                                                               \
		if (!(ok)) {                                               \
			static const char text_[] = "sealed: " #ok "\n";   \
			_exit(write(2, text_, sizeof(text_) - 1) ? 1 : 2); \
		}                                                          \
	} while (0)

static void sealed_request(int n)
{
	static char request[] =
		"GET /a HTTP/1.1\r\nHost: a\r\ntraceparent: 00-" T "-00f067aa0bXXXXXX-01\r\n\r\n";
	char *digits = strstr(request, "XXXXXX");
	static char *at;

	at = digits ? digits : at;
	for (int i = 0; i < 6; i++)
		at[i] = "0123456789abcdef"[n >> (4 * i) & 15];
	receive(SERVER, request);
	wire.len = 0;
	EXPECT(send_text(CLIENT, CALL, &wire) == (ssize_t)strlen(CALL));
	EXPECT(head_count(&wire, "traceparent") == 1 && in_trace());
	EXPECT(carry_self.current);
	receive(CLIENT, ANSWER);
	wire.len = 0;
	EXPECT(send_text(SERVER, ANSWER, &wire) == (ssize_t)strlen(ANSWER));
	EXPECT(!carry_self.current);
}

/* New connections until the pool is used up: those that get no object pass untouched. */
static void sealed_connections(void)
{
	uint64_t full = ring_counted(COUNTER_TABLE_FULL);
	int fd = 20, followed = 0, passed = 0;

	for (; fd < 1000; fd++) {
		open_client(fd);
		wire.len = 0;
		EXPECT(send_text(fd, CALL, &wire) == (ssize_t)strlen(CALL));
		if (head_count(&wire, "traceparent"))
			followed++;
		else
			passed += !strcmp(wire.bytes, CALL);
	}
	EXPECT(followed && passed && followed + passed == fd - 20);
	EXPECT(ring_counted(COUNTER_TABLE_FULL) > full);
	/* a number beyond the pages that are there */
	open_client(50 * 1024);
	EXPECT(!carry_watch(50 * 1024));
	for (; fd >= 20; fd--)
		carry_closing(fd);
}

static int sealed_child(void)
{
	start_agent(NULL);
	setup(NULL);
	wire_put(&wire, CALL, 0);
	wire.cap = 65536;
	wire.bytes = realloc(wire.bytes, wire.cap);
	wire.len = 0;
	sealed_request(0);
	carry_seal();
	forbid_calls();
	EXPECT(ring_counted(COUNTER_SEALED) == 1);
	for (int i = 1; i < 2000; i++)
		sealed_request(i);
	carry_vfork();
	EXPECT(!carry_self.vfork_tid);
	sealed_connections();
	for (int i = 2000; i < 3000; i++)
		sealed_request(i);
	carry_seal();
	EXPECT(ring_counted(COUNTER_SEALED) == 1);
	return 0;
}

static void test_sealed(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(sealed_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
#define PARENT  "TRACEPARENT=00-" T "-" S "-01"
	static const char *const own[] = {PARENT, "TRACESTATE=a=1,b=2", "BAGGAGE=k=v", NULL};
	static const char *const unsampled[] = {"TRACEPARENT=00-" T "-" S "-00", NULL};
	static const char *const malformed[] = {"TRACEPARENT=00-" T "-" S, "TRACESTATE=a=1", NULL};
	static const char *const texts[] = {PARENT, "TRACESTATE=a=1,A=2", "BAGGAGE=k v=v", NULL};
	static const char *const pairs[] = {"CTXAGENT_CONTEXT=user.id=42,job=a%20b", NULL};
	static const char *const both[] = {PARENT, "BAGGAGE=k=v", "CTXAGENT_CONTEXT=user.id=42",
					   NULL};
	static const char *const travel[] = {"CTXAGENT_CONTEXT=user.id=42,job=a%20b",
					     "CTXAGENT_CONTEXT_BAGGAGE=true", NULL};
	const struct CMUnitTest modes[] = {cmocka_unit_test(test_disabled),
					   cmocka_unit_test(test_sealed)};
	int failed = 0;

	IN_CHILD(&failed, "own context", ENVIRONMENT(own), TEST(test_own_context),
		 TEST(test_own_header_wins), TEST(test_own_context_until_served));
	IN_CHILD(&failed, "not sampled", ENVIRONMENT(unsampled), TEST(test_unsampled));
	IN_CHILD(&failed, "malformed parent", ENVIRONMENT(malformed), TEST(test_malformed));
	IN_CHILD(&failed, "malformed text", ENVIRONMENT(texts), TEST(test_malformed_text));
	IN_CHILD(&failed, "pairs", ENVIRONMENT(pairs), TEST(test_pairs_stay));
	IN_CHILD(&failed, "pairs and own context", ENVIRONMENT(both), TEST(test_pairs_stay_own));
	IN_CHILD(&failed, "pairs as baggage", ENVIRONMENT(travel), TEST(test_pairs_travel));
	return failed + cmocka_run_group_tests(modes, NULL, NULL);
}
