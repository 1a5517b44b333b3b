/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of an executable file: can the library get into it, and will it see anything there. See
 * doctor.h; the reasons are those of dynamic linking: a preload acts through the loader and sees
 * the calls that go through it.
 */
#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/library.h"

#define NAMES_SHOWN 6

/** Functions through which a request's bytes, or a connection, can come and go. */
static const char *const data_calls[] = {
	"accept",   "accept4", "connect", "recv",     "recvfrom", "recvmsg",
	"recvmmsg", "send",    "sendto",  "sendmsg",  "sendmmsg", "read",
	"readv",    "write",   "writev",  "sendfile", "splice",
};
static const char *const socket_calls[] = {"socket",  "accept",   "accept4", "connect", "recv",
					   "recvmsg", "recvfrom", "send",    "sendmsg", "sendto"};

static void hopeless(struct doctor *d, const char *subject, const char *advice, const char *what)
{
	doctor_say(d, DOCTOR_FAIL, subject, advice, "%s", what);
	d->hopeless = true;
}

void doctor_check_kind(struct doctor *d)
{
	int err = elf_read(d->program, &d->facts);

	if (*d->script)
		doctor_say(d, DOCTOR_OK, "program", NULL, "%s is a script run by %s", d->script,
			   d->program);
	if (err) {
		hopeless(d, "program", "name the program that is really executed",
			 err == -ENOEXEC ? "no ELF file" : strerror(-err));
		return;
	}
	if (d->facts.elf_class == ELFCLASS32)
		hopeless(d, "program", "use a 64-bit build of it",
			 "a 32-bit program: the library is 64-bit");
	else if (d->library_facts.machine && d->facts.machine != d->library_facts.machine)
		hopeless(d, "program", "use the library built for that processor",
			 "for another processor than the library");
	else if (!d->facts.dynamic && d->facts.go)
		hopeless(d, "program", "use OpenTelemetry's Go support",
			 "a static Go program: LD_PRELOAD has no effect");
	else if (!d->facts.dynamic)
		hopeless(d, "program", "link it dynamically", "static: LD_PRELOAD has no effect");
	else if (!d->facts.interpreter)
		hopeless(d, "program", "link it dynamically",
			 "static-pie, or a library: LD_PRELOAD has no effect");
	else
		doctor_say(d, DOCTOR_OK, "program", NULL, "%s, %s, dynamic", d->program,
			   elf_machine_name(d->facts.machine));
}

void doctor_check_privileges(struct doctor *d)
{
	enum doctor_grade grade = geteuid() ? DOCTOR_FAIL : DOCTOR_WARN;
	char value[64];
	struct stat st;

	if (stat(d->program, &st))
		return;
	if (((st.st_mode & S_ISUID) && st.st_uid != geteuid()) ||
	    ((st.st_mode & S_ISGID) && st.st_gid != getegid()))
		doctor_say(d, DOCTOR_FAIL, "privileges",
			   "start it as that user, or through its service manager",
			   "set-user-ID or set-group-ID: the loader ignores the preload");
	else if (getxattr(d->program, "security.capability", value, sizeof(value)) > 0)
		doctor_say(d, grade, "privileges",
			   "grant them otherwise, by a service manager for instance",
			   "has file capabilities: the loader ignores the preload unless root "
			   "starts it");
	else
		doctor_say(d, DOCTOR_OK, "privileges", NULL, "none of its own");
}

void doctor_check_loader(struct doctor *d)
{
	const char *name = d->facts.interpreter ? strrchr(d->facts.interpreter, '/') : NULL;

	if (d->hopeless || !name)
		return;
	if (!strncmp(name, "/ld-musl", 8))
		hopeless(d, "loader", "use a glibc build of the program",
			 "musl: this library is made for glibc and would stop the program");
	else if (access(d->facts.interpreter, X_OK))
		doctor_say(d, DOCTOR_FAIL, "loader", "install it", "%s: %s", d->facts.interpreter,
			   strerror(errno));
	else
		doctor_say(d, DOCTOR_OK, "loader", NULL, "%s", d->facts.interpreter);
}

/* ---- libraries ---- */

/** One line of the loader's list: "\tlibc.so.6 => /lib/libc.so.6 (0x7f...)". */
static void read_list_line(struct doctor *d, char *line)
{
	char *arrow = strstr(line, " => "), *path;
	char *name = line + strspn(line, "\t ");

	if (!arrow)
		return;
	path = arrow + 4;
	*arrow = '\0';
	if (!strncmp(path, "not found", 9)) {
		intern_put(&d->missing, name);
		return;
	}
	path[strcspn(path, " ")] = '\0';
	if (*path == '/')
		intern_put(&d->libraries, path);
}

/** Asks our own loader, not the program's: what a stranger's file names is not executed. */
static void list_libraries(struct doctor *d)
{
	char loader[PATH_MAX];
	char *argv[] = { loader, d->program, NULL };
	struct buffer out = { 0 };
	struct elf_facts self;
	char *save = NULL;
	int status;

	if (elf_read("/proc/self/exe", &self))
		return;
	snprintf(loader, sizeof(loader), "%s", self.interpreter ? self.interpreter : "");
	elf_free(&self);
	if (!*loader)
		return;
	status = doctor_capture(argv, "LD_TRACE_LOADED_OBJECTS", "1", &out);
	if (status > 0)
		doctor_say(d, DOCTOR_FAIL, "libraries", "install what is missing", "%.*s",
			   (int)strcspn(out.data, "\n"), out.data);
	else if (!status)
		for (char *line = strtok_r(out.data, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			read_list_line(d, line);
	buffer_free(&out);
}

void doctor_check_libraries(struct doctor *d)
{
	bool libc = elf_has(&d->facts.needed, "libc.so.6");

	if (d->hopeless)
		return;
	list_libraries(d);
	for (uint32_t i = 0; i < d->libraries.count; i++)
		libc = libc || strstr(d->libraries.texts[i], "/libc.so.6");
	for (uint32_t i = 0; i < d->missing.count; i++)
		doctor_say(d, DOCTOR_FAIL, "libraries", "install it", "%s is not found",
			   d->missing.texts[i]);
	if (!libc)
		doctor_say(d, DOCTOR_WARN, "libraries",
			   "use a build that goes through the C library",
			   "it does not use the C library: nothing it does can be seen");
	else
		doctor_say(d, DOCTOR_OK, "libraries", NULL, "%u, the C library among them",
			   d->libraries.count);
}

void doctor_check_sanitizer(struct doctor *d)
{
	for (uint32_t i = 0; i < d->facts.needed.count; i++)
		if (library_is_asan(d->facts.needed.texts[i]))
			doctor_say(
				d, DOCTOR_WARN, "sanitizer",
				"'ctxagent run' does that; with a bare LD_PRELOAD do it yourself",
				"%s must come before the agent in LD_PRELOAD",
				d->facts.needed.texts[i]);
}

/* ---- hooks ---- */

struct calls {
	struct intern hooked;		/* functions that are called and hooked */
	struct intern missed;		/* that carry data and are not hooked */
	bool sockets;
};

/** "__recv_chk" and "recv64" are recv. */
static bool is_one_of(const char *name, const char *const *list, size_t count)
{
	char plain[64];
	size_t len;

	name += strncmp(name, "__", 2) ? 0 : 2;
	len = strlen(name);
	if (len >= sizeof(plain))
		return false;
	memcpy(plain, name, len + 1);
	if (len > 4 && !strcmp(plain + len - 4, "_chk"))
		plain[len - 4] = '\0';
	else if (len > 2 && !strcmp(plain + len - 2, "64"))
		plain[len - 2] = '\0';
	for (size_t i = 0; i < count; i++)
		if (!strcmp(plain, list[i]))
			return true;
	return false;
}

#define IS_ONE_OF(name, list) is_one_of(name, list, sizeof(list) / sizeof((list)[0]))

static void add_calls(const struct doctor *d, const struct elf_facts *facts, struct calls *calls)
{
	for (uint32_t i = 0; i < facts->imports.count; i++) {
		const char *name = facts->imports.texts[i];

		calls->sockets = calls->sockets || IS_ONE_OF(name, socket_calls);
		if (elf_has(&d->library_facts.exports, name))
			intern_put(&calls->hooked, name);
		else if (IS_ONE_OF(name, data_calls))
			intern_put(&calls->missed, name);
	}
}

/** The C library's own parts call each other directly: what they import says nothing. */
static bool is_libc(const char *path)
{
	static const char *const parts[] = {"/libc.so.",      "/libpthread.so.", "/librt.so.",
					    "/libresolv.so.", "/libnss_",        "/libdl.so.",
					    "/libm.so.",      "/ld-linux"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(path, parts[i]))
			return true;
	return false;
}

static void list_names(const struct intern *names, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < names->count && i < NAMES_SHOWN && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? ", " : "", names->texts[i]);
	if (names->count > NAMES_SHOWN && at < size)
		snprintf(out + at, size - at, " and %u more", names->count - NAMES_SHOWN);
}

void doctor_check_hooks(struct doctor *d)
{
	struct calls calls = { 0 };
	struct elf_facts facts;
	char names[512];

	if (d->hopeless || !*d->library)
		return;
	add_calls(d, &d->facts, &calls);
	for (uint32_t i = 0; i < d->libraries.count; i++) {
		if (is_libc(d->libraries.texts[i]) || elf_read(d->libraries.texts[i], &facts))
			continue;
		add_calls(d, &facts, &calls);
		elf_free(&facts);
	}
	list_names(&calls.hooked, names, sizeof(names));
	if (calls.hooked.count)
		doctor_say(d, DOCTOR_OK, "hooks", NULL,
			   "it calls %u functions that the agent hooks: %s", calls.hooked.count,
			   names);
	list_names(&calls.missed, names, sizeof(names));
	if (calls.missed.count)
		doctor_say(d, DOCTOR_WARN, "hooks", "what goes through them is not seen",
			   "it calls functions that the agent does not hook: %s", names);
	if (!calls.sockets)
		doctor_say(d, DOCTOR_WARN, "hooks",
			   "fine if plug-ins do, or if the programs it starts do",
			   "neither it nor its libraries call socket functions: nothing to see");
	intern_free(&calls.hooked);
	intern_free(&calls.missed);
}

void doctor_check_blind_spots(struct doctor *d)
{
	bool uring = false;

	if (d->hopeless)
		return;
	if (d->facts.go)
		doctor_say(
			d, DOCTOR_FAIL, "blind spots", "use OpenTelemetry's Go support",
			"a Go program: its own I/O makes system calls directly, past every hook");
	if (elf_has(&d->facts.exports, "SSL_read") || elf_has(&d->facts.exports, "SSL_write"))
		doctor_say(d, DOCTOR_WARN, "blind spots",
			   "plain HTTP is seen; put a proxy that ends TLS in front",
			   "it brings its own TLS library: what goes through TLS is not seen");
	for (uint32_t i = 0; i < d->facts.needed.count; i++)
		uring = uring || !strncmp(d->facts.needed.texts[i], "liburing.so", 11);
	for (uint32_t i = 0; i < d->libraries.count; i++)
		uring = uring || strstr(d->libraries.texts[i], "/liburing.so");
	if (uring)
		doctor_say(d, DOCTOR_WARN, "blind spots", "switch it off in the program's settings",
			   "it can use io_uring: what goes through that is not seen");
}
