/* SPDX-License-Identifier: Apache-2.0 */
/* Writes before any constructor, in one, in main and at the end. See early.sh. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

void early_touch(void);

static void say(const char *text, size_t len)
{
	if (write(1, text, len) != (ssize_t)len)
		_exit(4);
}

#define SAY(text) say(text, sizeof(text) - 1)

static void before_all(int argc, char **argv, char **envp)
{
	pid_t pid;

	(void)argc, (void)argv, (void)envp;
	SAY("preinit\n");
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

__attribute__((section(".preinit_array"), used)) static void (*entry)(int, char **,
								      char **) = before_all;

static void *thread(void *argument)
{
	SAY("thread\n");
	return argument;
}

__attribute__((constructor)) static void constructor(void)
{
	pthread_t t;

	SAY("constructor\n");
	if (pthread_create(&t, NULL, thread, NULL) || pthread_join(t, NULL))
		_exit(5);
}

__attribute__((destructor)) static void destructor(void)
{
	SAY("destructor\n");
}

static void at_exit(void)
{
	SAY("atexit\n");
}

int main(void)
{
	early_touch();
	atexit(at_exit);
	SAY("main\n");
	return 0;
}
