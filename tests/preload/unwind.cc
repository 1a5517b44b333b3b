/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard B3: a C++ exception (thrown by a signal handler that interrupted a read), pthread_cancel
 * and pthread_exit unwind through the agent's frames; every destructor runs.
 *
 * expect-more-spans
 */
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <pthread.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int pair[2];
static int destroyed;

struct Witness {
	~Witness()
	{
		destroyed++;
	}
};

static void throws(int)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
	throw std::runtime_error("out of a handler");
}

static void *blocked(void *how)
{
	Witness witness;
	char c;
	fd_set set;

	if (how == nullptr)
		return reinterpret_cast<void *>(read(pair[0], &c, 1));
	FD_ZERO(&set);
	FD_SET(pair[0], &set);
	return reinterpret_cast<void *>(
		static_cast<long>(select(pair[0] + 1, &set, nullptr, nullptr, nullptr)));
}

static void *leaves(void *)
{
	Witness witness;

	if (write(pair[1], "", 0) == 0)
		pthread_exit(nullptr);
	return nullptr;
}

int main()
{
	struct itimerval soon = {};
	void *result;
	pthread_t t;
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 9;
	signal(SIGALRM, throws);
	for (int i = 0; i < 3; i++) {
		try {
			Witness witness;

			soon.it_value.tv_usec = 3000;
			setitimer(ITIMER_REAL, &soon, nullptr);
			printf("read returned %zd\n", read(pair[0], &c, 1));
		} catch (const std::exception &e) {
			printf("caught: %s\n", e.what());
		}
	}
	signal(SIGALRM, SIG_DFL);
	for (long how = 0; how < 2; how++) {
		pthread_create(&t, nullptr, blocked, reinterpret_cast<void *>(how));
		usleep(20000);
		pthread_cancel(t);
		pthread_join(t, &result);
		printf("cancelled: %d\n", result == PTHREAD_CANCELED);
	}
	pthread_create(&t, nullptr, leaves, nullptr);
	pthread_join(t, nullptr);
	printf("destructors: %d\n", destroyed);
	return destroyed == 6 ? 0 : 1;
}
