/* fuzz_journal.c - mutated journals and snapshots in a folder, loaded as at start. The first byte of
 * the input says which file the rest is. */
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "state_image.h"

static char folder[64];
static int folder_fd = -1;

static size_t journal_of(uint64_t base, int n, uint8_t *ret)
{
	size_t size = STATE_JOURNAL_HEADER;

	state_journal_header(base, ret);
	for (int i = 1; i <= n; i++) {
		Mixd__V1__JournalRecord record = MIXD__V1__JOURNAL_RECORD__INIT;
		size_t record_size;
		uint8_t *bytes;

		record.revision = base + (unsigned)i;
		record.summary = (char *)"set a.gain=-3dB";
		bytes = state_record_encode(&record, &record_size);
		memcpy(ret + size, bytes, record_size);
		size += record_size;
		free(bytes);
	}
	return size;
}

static void journal_seeds(void)
{
	Mixd__V1__SnapshotFile snapshot = MIXD__V1__SNAPSHOT_FILE__INIT;
	Mixd__V1__Graph graph = MIXD__V1__GRAPH__INIT;
	uint8_t bytes[4096], *encoded;
	size_t size;

	/* In memory where there is such a folder: a real disk is tested elsewhere. */
	strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/mixd-fuzz-XXXXXX"
						     : "/tmp/mixd-fuzz-XXXXXX");
	if (!mkdtemp(folder))
		fuzz_fail("no folder");
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY);
	for (uint8_t file = 0; file < 2; file++) {
		bytes[0] = file;
		fuzz_seed(bytes, 1 + journal_of(file ? 1 : 5, 6, bytes + 1));
	}
	graph.name = (char *)"onair";
	snapshot.revision = 5;
	snapshot.graph = &graph;
	encoded = state_snapshot_encode(&snapshot, &size);
	bytes[0] = 2;
	memcpy(bytes + 1, encoded, size);
	fuzz_seed(bytes, size + 1);
	free(encoded);
	/* Beside the mutated file stands a good one of each kind. */
}

const struct fuzz_harness fuzz_harness = {.name = "journal",
					  .runs_short = 5000,
					  .runs_long = 200000,
					  .size_max = 8192,
					  .seeds = journal_seeds};

static void journal_write(const char *name, const uint8_t *data, size_t size)
{
	int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		fuzz_fail("cannot write %s", name);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"journal", "journal.1", "snapshot"};
	struct state_image image;
	struct mixd_error error = {0};

	if (!size)
		return 0;
	journal_write(names[data[0] % 3], data + 1, size - 1);
	if (state_image_load(folder_fd, 1, &image, NULL, NULL, &error) == 0) {
		for (size_t i = 0; i < image.n_records; i++)
			if (image.records[i]->revision !=
			    (image.base ? image.base->revision : 1) + 1 + i)
				fuzz_fail("a gap before revision %llu",
					  (unsigned long long)image.records[i]->revision);
		state_image_done(&image);
	} else if (!*error.text) {
		fuzz_fail("refused without a word");
	}
	return 0;
}

static __attribute__((destructor)) void journal_free(void)
{
	static const char *const names[] = {"journal", "journal.1", "snapshot"};

	for (int i = 0; i < 3 && folder_fd >= 0; i++)
		unlinkat(folder_fd, names[i], 0);
	if (folder_fd >= 0)
		close(folder_fd);
	if (*folder)
		rmdir(folder);
}
