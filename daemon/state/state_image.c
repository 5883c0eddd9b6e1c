/* state_image.c - see state_image.h. */
#include "state_image.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "state_io.h"

const char *const state_snapshot_names[STATE_GENERATIONS] = {"snapshot", "snapshot.1",
							     "snapshot.2"};
const char *const state_journal_names[STATE_GENERATIONS] = {"journal", "journal.1", "journal.2"};

struct state_loader {
	int folder_fd;
	struct state_image *image;
	void (*report)(void *data, const char *text);
	void *data;
	struct mixd_error *err;
	Mixd__V1__SnapshotFile *snapshots[STATE_GENERATIONS]; /* good ones, newest first */
	uint32_t n_snapshots;
	Mixd__V1__JournalRecord **records; /* of all journals */
	size_t n_records, capacity;
	uint64_t journal_base;
	uint64_t first_revision;
};

static __attribute__((format(printf, 2, 3))) void state_report(struct state_loader *loader,
							       const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (loader->report)
		loader->report(loader->data, text);
}

static int state_newer(struct state_loader *loader, const char *name, uint32_t version)
{
	error_set(loader->err, ERROR_RESOURCE, name,
		  "was written by a newer mixd (format %u; this one reads up to %u)", version,
		  STATE_VERSION);
	error_hint(loader->err, "run that mixd, or give another --state-dir; nothing was changed");
	return -EPROTONOSUPPORT;
}

static int state_load_snapshot(struct state_loader *loader, uint32_t idx)
{
	const char *name = state_snapshot_names[idx];
	_cleanup_free_ uint8_t *data = NULL;
	Mixd__V1__SnapshotFile *snapshot = NULL;
	uint32_t version = 0, at;
	size_t size;
	int r = state_io_read_file(loader->folder_fd, name, STATE_FILE_MAX, &data, &size);

	if (r == -ENOENT)
		return 0;
	loader->image->found = true;
	if (r == 0)
		r = state_snapshot_decode(data, size, &snapshot, &version);
	if (r == -EPROTONOSUPPORT)
		return state_newer(loader, name, version);
	if (r < 0) {
		state_report(loader, "%s is damaged (%s): it is kept aside", name, strerror(-r));
		loader->image->damaged[idx] = true;
		return 0;
	}
	for (at = loader->n_snapshots++; at > 0; at--) {
		if (loader->snapshots[at - 1]->revision >= snapshot->revision)
			break;
		loader->snapshots[at] = loader->snapshots[at - 1];
	}
	loader->snapshots[at] = snapshot;
	return 0;
}

/* Takes RECORD. */
static int state_add_record(struct state_loader *loader, Mixd__V1__JournalRecord *record)
{
	if (loader->n_records == loader->capacity) {
		size_t capacity = loader->capacity * 2 + 64;
		Mixd__V1__JournalRecord **grown =
			realloc(loader->records, capacity * sizeof(*grown));

		if (!grown) {
			mixd__v1__journal_record__free_unpacked(record, NULL);
			return -ENOMEM;
		}
		loader->records = grown;
		loader->capacity = capacity;
	}
	loader->records[loader->n_records++] = record;
	return 0;
}

/* What follows the good records at OFFSET. Returns where to go on. */
static size_t state_bad_part(struct state_loader *loader, uint32_t idx, const uint8_t *data,
			     size_t size, size_t offset)
{
	const char *name = state_journal_names[idx];
	size_t next = state_record_find(data, size, offset + 1);

	if (next == size && state_record_is_torn(data, size, offset)) {
		state_report(loader,
			     "%s: cut %zu bytes of a record that was never finished (behind byte "
			     "%zu)",
			     name, size - offset, offset);
		return size;
	}
	state_report(loader, "%s is damaged from byte %zu to %zu: it is kept aside", name, offset,
		     next);
	loader->image->damaged[STATE_GENERATIONS + idx] = true;
	return next;
}

static int state_load_records(struct state_loader *loader, uint32_t idx, const uint8_t *data,
			      size_t size)
{
	struct state_image *image = loader->image;
	size_t offset = STATE_JOURNAL_HEADER, good = offset;
	uint32_t n = 0;
	int r;

	while (offset < size) {
		Mixd__V1__JournalRecord *record = NULL;
		const uint8_t *body;
		size_t body_size, next;

		if (state_record_at(data, size, offset, &body, &body_size, &next))
			record = mixd__v1__journal_record__unpack(NULL, body_size, body);
		if (!record) {
			offset = state_bad_part(loader, idx, data, size, offset);
			continue;
		}
		r = state_add_record(loader, record);
		if (r < 0)
			return r;
		offset = good = next;
		n++;
	}
	if (idx == 0) {
		image->journal_usable = !image->damaged[STATE_GENERATIONS];
		image->journal_size = good;
		image->journal_records = n;
	}
	return 0;
}

static int state_load_journal(struct state_loader *loader, uint32_t idx)
{
	const char *name = state_journal_names[idx];
	_cleanup_free_ uint8_t *data = NULL;
	uint32_t version = 0;
	uint64_t base = 0;
	size_t size = 0;
	int r = state_io_read_file(loader->folder_fd, name, STATE_FILE_MAX, &data, &size);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = state_journal_check(data, size, &base, &version);
	if (r == -EPROTONOSUPPORT)
		return state_newer(loader, name, version);
	if (r < 0) {
		/* The head may be hit and the records good: take those. */
		state_report(loader, "%s is damaged at its head (%s): it is kept aside", name,
			     strerror(-r));
		loader->image->found = true;
		loader->image->damaged[STATE_GENERATIONS + idx] = true;
		if (r != -EILSEQ || size < STATE_JOURNAL_HEADER)
			return 0;
	}
	r = state_load_records(loader, idx, data, size);
	if (idx == 0)
		loader->journal_base = base;
	return r;
}

static int state_record_compare(const void *a, const void *b)
{
	const Mixd__V1__JournalRecord *const *x = a, *const *y = b;

	return (*x)->revision < (*y)->revision ? -1 : (*x)->revision > (*y)->revision;
}

/* Sort, and drop what is there twice (a rotation that was interrupted). */
static void state_sort_records(struct state_loader *loader)
{
	size_t n = 0;

	if (!loader->n_records)
		return;
	qsort(loader->records, loader->n_records, sizeof(loader->records[0]), state_record_compare);
	for (size_t i = 0; i < loader->n_records; i++) {
		if (n && loader->records[n - 1]->revision == loader->records[i]->revision)
			mixd__v1__journal_record__free_unpacked(loader->records[i], NULL);
		else
			loader->records[n++] = loader->records[i];
	}
	loader->n_records = n;
}

/* The revision that records lead to from FROM without a gap. */
static uint64_t state_reach(const struct state_loader *loader, uint64_t from)
{
	for (size_t i = 0; i < loader->n_records; i++)
		if (loader->records[i]->revision == from + 1)
			from++;
	return from;
}

/* Where to begin: the newest snapshot, or the one before it when records join the two. */
static uint64_t state_choose(struct state_loader *loader)
{
	struct state_image *image = loader->image;
	uint64_t from;

	if (!loader->n_snapshots)
		return loader->first_revision;
	image->base = TAKE_PTR(loader->snapshots[0]);
	from = image->base->revision;
	for (uint32_t i = 1; i < loader->n_snapshots; i++) {
		Mixd__V1__SnapshotFile *older = loader->snapshots[i];

		if (older->revision >= from || state_reach(loader, older->revision) < from)
			continue;
		image->newest = image->base;
		image->base = TAKE_PTR(loader->snapshots[i]);
		return image->base->revision;
	}
	return from;
}

/* The records behind FROM go to the image; the rest is freed. */
static void state_take_records(struct state_loader *loader, uint64_t from)
{
	struct state_image *image = loader->image;
	uint64_t last = from, lost = 0;

	image->records = loader->records;
	image->n_records = 0;
	for (size_t i = 0; i < loader->n_records; i++) {
		Mixd__V1__JournalRecord *record = loader->records[i];

		if (record->revision == last + 1) {
			image->records[image->n_records++] = record;
			last++;
			continue;
		}
		if (record->revision > last)
			lost = record->revision;
		mixd__v1__journal_record__free_unpacked(record, NULL);
	}
	loader->records = NULL;
	loader->n_records = 0;
	image->revision = last;
	if (!lost && image->damaged[STATE_GENERATIONS])
		state_report(loader,
			     "the state is that of revision %llu; later ones, if any, are "
			     "lost",
			     (unsigned long long)last);
	if (!lost)
		return;
	state_report(loader, "revisions %llu to %llu are lost: the state is that of revision %llu",
		     (unsigned long long)last + 1, (unsigned long long)lost,
		     (unsigned long long)last);
	for (uint32_t i = 0; i < STATE_GENERATIONS; i++) /* they hold what could not be used */
		image->damaged[STATE_GENERATIONS + i] = true;
	image->journal_usable = false;
}

static void state_loader_done(struct state_loader *loader)
{
	for (uint32_t i = 0; i < STATE_GENERATIONS; i++)
		if (loader->snapshots[i])
			mixd__v1__snapshot_file__free_unpacked(loader->snapshots[i], NULL);
	for (size_t i = 0; i < loader->n_records; i++)
		mixd__v1__journal_record__free_unpacked(loader->records[i], NULL);
	free(loader->records);
}

int state_image_load(int folder_fd, uint64_t first_revision, struct state_image *ret,
		     void (*report)(void *data, const char *text), void *data,
		     struct mixd_error *err)
{
	struct state_loader loader = {.folder_fd = folder_fd,
				      .image = ret,
				      .report = report,
				      .data = data,
				      .err = err,
				      .first_revision = first_revision};
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; r == 0 && i < STATE_GENERATIONS; i++)
		r = state_load_snapshot(&loader, i);
	for (uint32_t i = 0; r == 0 && i < STATE_GENERATIONS; i++)
		r = state_load_journal(&loader, i);
	if (r == 0) {
		state_sort_records(&loader);
		ret->found |= loader.n_records > 0;
		state_take_records(&loader, state_choose(&loader));
		/* Records beyond what the active journal may hold: its base lies ahead of us. */
		if (ret->journal_usable && loader.journal_base > ret->revision)
			ret->journal_usable = false;
	} else if (r == -ENOMEM) {
		error_set(err, ERROR_RESOURCE, "state", "out of memory");
	}
	state_loader_done(&loader);
	if (r < 0)
		state_image_done(ret);
	return r;
}

void state_image_done(struct state_image *image)
{
	if (image->base)
		mixd__v1__snapshot_file__free_unpacked(image->base, NULL);
	if (image->newest)
		mixd__v1__snapshot_file__free_unpacked(image->newest, NULL);
	for (size_t i = 0; i < image->n_records; i++)
		mixd__v1__journal_record__free_unpacked(image->records[i], NULL);
	free(image->records);
	*image = (struct state_image){0};
}

void state_image_skip_to_newest(struct state_image *image)
{
	size_t n = 0;

	if (!image->newest)
		return;
	mixd__v1__snapshot_file__free_unpacked(image->base, NULL);
	image->base = TAKE_PTR(image->newest);
	for (size_t i = 0; i < image->n_records; i++) {
		if (image->records[i]->revision > image->base->revision)
			image->records[n++] = image->records[i];
		else
			mixd__v1__journal_record__free_unpacked(image->records[i], NULL);
	}
	image->n_records = n;
}
