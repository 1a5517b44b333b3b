/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that a drainer knows, and how it learns of new ones without asking all the time.
 * Called by reader_drain.c only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "record/reader_private.h"

#define MS 1000000u
#define LOOK_NS (20u * MS)		/* has the directory changed? */
#define LIST_NS (1000u * MS)		/* list it even if it says that it has not */

static struct reader_process *find_process(const struct reader *r, const struct reader_id *id,
					   size_t *at)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = reader_id_compare(&r->processes[mid]->id, id);

		if (order == 0) {
			*at = mid;
			return r->processes[mid];
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*at = low;
	return NULL;
}

static int add_process(struct reader *r, const struct reader_id *id, size_t at)
{
	struct reader_process *p = malloc(sizeof(*p));

	if (p && r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 16;
		struct reader_process **more =
			realloc(r->processes, room * sizeof(struct reader_process *));

		if (more) {
			r->processes = more;
			r->room = room;
		}
	}
	if (!p || r->count == r->room) {
		free(p);
		return -ENOMEM;
	}
	reader_process_init(p, id);
	p->listed = true;
	memmove(r->processes + at + 1, r->processes + at,
		(r->count - at) * sizeof(struct reader_process *));
	r->processes[at] = p;
	r->count++;
	return 0;
}

void reader_table_drop(struct reader *r, size_t at)
{
	reader_process_close(r, r->processes[at]);
	free(r->processes[at]);
	r->count--;
	memmove(r->processes + at, r->processes + at + 1,
		(r->count - at) * sizeof(struct reader_process *));
}

static int list_processes(struct reader *r)
{
	struct reader_id *ids = NULL;
	ssize_t n = reader_list(r, &ids);
	int ret = n < 0 ? (int)n : 0;

	for (size_t i = 0; i < r->count && n >= 0; i++)
		r->processes[i]->listed = false;
	for (ssize_t i = 0; ids && i < n && ret == 0; i++) {
		size_t at;
		struct reader_process *p = find_process(r, &ids[i], &at);

		if (p) {
			p->listed = true;
			p->id.files = ids[i].files;
		} else if ((ids[i].files & FILE_RING) || (r->mode & READER_SPOOLS)) {
			ret = add_process(r, &ids[i], at);
		}
	}
	free(ids);
	return ret;
}

/*
 * A directory's time is coarse: a file made just after our list may leave it as it was. So it is
 * only believed when it was some time ago when we listed.
 */
int reader_table_look(struct reader *r, uint64_t now_ns, bool must)
{
	struct stat st;
	int64_t mtime;

	if (!must && r->looked_ns && now_ns - r->looked_ns < LOOK_NS)
		return 0;
	r->looked_ns = now_ns;
	if (fstat(r->dir, &st) != 0)
		return -errno;
	mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (!must && mtime == r->dir_mtime_ns && now_ns - r->listed_ns < LIST_NS &&
	    r->listed_wall_ns - mtime > (int64_t)LOOK_NS)
		return 0;
	r->dir_mtime_ns = mtime;
	r->listed_ns = now_ns;
	r->listed_wall_ns = (int64_t)clock_realtime();
	return list_processes(r);
}
