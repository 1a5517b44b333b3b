/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the program and standing in for it towards whoever started us; see child.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/child.h"

static const int forwarded[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
				 SIGUSR2, SIGCONT, SIGWINCH };

static void caught_set(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(set, forwarded[i]);
	sigaddset(set, SIGCHLD);
}

/** In the child: never returns. Tells why by @pipe_fd, which a successful exec closes. */
static void become(char **argv, const char *preload, const char *directory, int pipe_fd)
{
	int err;

	if (setenv("LD_PRELOAD", preload, 1) || setenv("CTXAGENT_DIR", directory, 1))
		err = ENOMEM;
	else {
		execvp(argv[0], argv);
		err = errno;
	}
	if (write(pipe_fd, &err, sizeof(err)) < 0)
		_exit(CHILD_NOT_FOUND);
	_exit(CHILD_NOT_EXECUTABLE);
}

/** 0 when the exec succeeded, else its errno. */
static int exec_result(int pipe_fd)
{
	int err = 0;
	ssize_t n;

	do
		n = read(pipe_fd, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	return n == sizeof(err) ? err : 0;
}

static int fork_child(struct child *c, char **argv, const char *preload, const char *directory,
		      const sigset_t *mask, const struct sigaction *chld)
{
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	c->pid = fork();
	if (!c->pid) {
		sigaction(SIGCHLD, chld, NULL);
		sigprocmask(SIG_SETMASK, mask, NULL);
		become(argv, preload, directory, fds[1]);
	}
	err = c->pid < 0 ? errno : 0;
	close(fds[1]);
	if (!err) {
		err = exec_result(fds[0]);
		if (err)
			waitpid(c->pid, NULL, 0);
	}
	close(fds[0]);
	return -err;
}

int child_start(struct child *c, char **argv, const char *preload, const char *directory)
{
	struct sigaction plain = { .sa_handler = SIG_DFL }, chld;
	sigset_t caught, mask;
	int err;

	*c = (struct child){ .signal_fd = -1 };
	caught_set(&caught);
	/* an inherited SIG_IGN would reap the child behind our back; the child gets it as it was */
	sigaction(SIGCHLD, &plain, &chld);
	sigprocmask(SIG_BLOCK, &caught, &mask);
	c->signal_fd = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signal_fd < 0)
		return -errno;
	err = fork_child(c, argv, preload, directory, &mask, &chld);
	signal(SIGPIPE, SIG_IGN);	/* ours alone, from here on */
	return err;
}

/** From the terminal's driver to the whole foreground group, the child included. */
static bool from_terminal(const struct signalfd_siginfo *info)
{
	return info->ssi_code == SI_KERNEL;
}

void child_signals(struct child *c)
{
	struct signalfd_siginfo info;

	while (read(c->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (c->ended)
			c->interrupted = c->interrupted || info.ssi_signo == SIGINT ||
					 info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP;
		else if (!from_terminal(&info) && (pid_t)info.ssi_pid != c->pid)
			kill(c->pid, (int)info.ssi_signo);
	}
	if (!c->ended && waitpid(c->pid, &c->wait_status, WNOHANG) == c->pid)
		c->ended = true;
}

int child_status(const struct child *c)
{
	struct rlimit no_core = { 0, 0 };
	sigset_t set;
	int number;

	if (WIFEXITED(c->wait_status))
		return WEXITSTATUS(c->wait_status);
	number = WTERMSIG(c->wait_status);
	setrlimit(RLIMIT_CORE, &no_core);	/* the core dump is the program's, not ours */
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), number);
	return 128 + number;
}
