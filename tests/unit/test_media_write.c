/* test_media_write.c - the finished file, or nothing: whatever happens, and what is refused before. */
#include "media_write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph_layout.h"
#include "media_read.h"
#include "test.h"

static char folder[64];
static float silence[8192], ramp[8192];
static const float *const sound[2] = {silence, ramp};

static const char *path_of(const char *name)
{
	static char path[8][160];
	static int turn;
	char *ret = path[turn++ % 8];

	if (!folder[0]) {
		strcpy(folder, "/tmp/mixd-write-XXXXXX");
		CHECK(mkdtemp(folder));
	}
	for (int i = 0; i < 8192; i++)
		ramp[i] = (float)(i % 100) / 128;
	snprintf(ret, 160, "%s/%s", folder, name);
	return ret;
}

/* How many files the folder holds; they are removed when asked. */
static int count(bool remove_all)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	CHECK(dir);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			n++;
			if (remove_all)
				unlinkat(dirfd(dir), entry->d_name, 0);
		}
	closedir(dir);
	return n;
}

__attribute__((destructor)) static void clean(void)
{
	if (folder[0]) {
		count(true);
		rmdir(folder);
	}
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static struct media_target target_of(const char *format)
{
	struct media_target target;

	media_target_init(&target);
	target.format = format;
	target.rate = 48000;
	target.layout = *graph_layout_find("stereo", NULL);
	return target;
}

static struct media_writer *create(const char *path, const struct media_target *target)
{
	struct media_writer *writer = NULL;
	struct mixd_error err = {0};

	CHECK(media_create(path, target, &writer, &err) == 0, "%s: %s", err.address, err.text);
	return writer;
}

static void write_whole(const char *path)
{
	struct media_target target = target_of(NULL);
	struct media_writer *writer = create(path, &target);
	struct mixd_error err;

	CHECK(media_write(writer, sound, 1000, &err) == 0);
	CHECK(media_finish(writer, NULL, &err) == 0, "%s", err.text);
	media_writer_free(writer);
}

static off_t size_of(const char *path)
{
	struct stat stat_;

	return stat(path, &stat_) == 0 ? stat_.st_size : -1;
}

TEST(media_write_nothing_is_there_before_the_end)
{
	static const char *const names[] = {"a.wav",  "a.rf64", "a.w64",  "a.aiff", "a.caf",
					    "a.flac", "a.ogg",	"a.opus", "a.mp3"};
	const char *path;
	int fds;

	path_of("");
	fds = count_fds();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct media_target target = target_of(NULL);
		struct media_writer *writer;
		struct mixd_error err = {0};

		path = path_of(names[i]);
		writer = create(path, &target);
		CHECK(media_write(writer, sound, 8192, &err) == 0, "%s", err.text);
		CHECK(size_of(path) < 0 && count(false) == 1);
		/* given up */
		CHECK(!media_writer_free(writer));
		CHECK(count(false) == 0, "%s leaves something", names[i]);
		/* finished */
		writer = create(path, &target);
		CHECK(media_write(writer, sound, 8192, &err) == 0);
		CHECK(media_finish(writer, NULL, &err) == 0, "%s: %s", names[i], err.text);
		CHECK(size_of(path) > 0 && count(false) == 1);
		CHECK(media_write(writer, sound, 1, &err) < 0, "writes into a finished file");
		media_writer_free(writer);
		CHECK(count(true) == 1);
		CHECK(count_fds() == fds, "%s leaves a descriptor", names[i]);
	}
}

TEST(media_write_goal_is_replaced_only_at_the_end)
{
	const char *path = path_of("goal.wav");
	struct media_target target = target_of(NULL);
	struct media_writer *writer;
	struct mixd_error err;
	struct stat stat_;
	off_t before;

	write_whole(path);
	before = size_of(path);
	CHECK(chmod(path, 0640) == 0);
	writer = create(path, &target);
	CHECK(media_write(writer, sound, 8192, &err) == 0);
	media_writer_free(writer);
	CHECK(size_of(path) == before);
	writer = create(path, &target);
	CHECK(media_write(writer, sound, 8192, &err) == 0);
	CHECK(size_of(path) == before);
	CHECK(media_finish(writer, NULL, &err) == 0);
	media_writer_free(writer);
	CHECK(size_of(path) > before);
	CHECK(stat(path, &stat_) == 0 && (stat_.st_mode & 0777) == 0640, "its mode is kept");
	count(true);
}

TEST(media_write_two_writers_of_one_goal)
{
	const char *path = path_of("both.wav");
	struct media_target target = target_of(NULL);
	struct media_writer *first = create(path, &target), *second = NULL, *elsewhere;
	struct mixd_error err = {0};

	CHECK(media_create(path, &target, &second, &err) == -EBUSY);
	CHECK(err.code == ERROR_CONFLICT && strstr(err.text, "somebody else") && err.hint[0]);
	CHECK_STR(err.address, path);
	CHECK(!second);
	elsewhere = create(path_of("other.wav"), &target);
	media_writer_free(elsewhere);
	CHECK(media_write(first, sound, 100, &err) == 0);
	CHECK(media_finish(first, NULL, &err) == 0);
	media_writer_free(first);
	first = create(path, &target);
	media_writer_free(first);
	count(true);
}

TEST(media_write_what_a_dead_writer_left_is_removed)
{
	static const char *const left[] = {".dead.wav.abcdef.part", ".dead.wav.012345.part"};
	static const char *const not_ours[] = {".dead.wav.abcdefg.part", ".dead.wav.part",
					       ".dead2.wav.abcdef.part", "dead.wav.abcdef.part"};
	struct media_target target = target_of(NULL);
	struct media_writer *writer;

	for (int i = 0; i < 2; i++)
		close(open(path_of(left[i]), O_CREAT | O_WRONLY, 0600));
	for (int i = 0; i < 4; i++)
		close(open(path_of(not_ours[i]), O_CREAT | O_WRONLY, 0600));
	writer = create(path_of("dead.wav"), &target);
	CHECK(count(false) == 5, "%d", count(false));
	for (int i = 0; i < 4; i++)
		CHECK(size_of(path_of(not_ours[i])) == 0);
	media_writer_free(writer);
	CHECK(count(true) == 4);
}

TEST(media_write_links_and_long_names)
{
	char name[400], link_to[] = "target.wav";
	struct media_target target = target_of("wav");
	struct media_writer *writer = NULL;
	struct mixd_error err = {0};
	struct stat stat_;

	write_whole(path_of("target.wav"));
	CHECK(symlink(link_to, path_of("link.wav")) == 0);
	write_whole(path_of("link.wav"));
	CHECK(lstat(path_of("link.wav"), &stat_) == 0 && S_ISLNK(stat_.st_mode));
	count(true);
	/* 251 letters: no room for ".XXXXXX.part" beside them */
	memset(name, 'n', sizeof(name));
	strcpy(name + 247, ".wav");
	{
		char path[500];

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		writer = create(path, &target);
		CHECK(media_create(path, &target, &(struct media_writer *){NULL}, &err) == -EBUSY);
		CHECK(media_write(writer, sound, 10, &err) == 0);
		CHECK(media_finish(writer, NULL, &err) == 0, "%s", err.text);
		media_writer_free(writer);
		CHECK(size_of(path) > 0);
		memset(name, 'n', 300);
		strcpy(name + 300, ".wav");
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		CHECK(media_create(path, &target, &writer, &err) == -ENAMETOOLONG);
		CHECK(err.hint[0]);
	}
	count(true);
}

/* PATH and TARGET are refused with CODE, and the words say NAMED; nothing is left. */
static void refused(const char *path, const struct media_target *target, enum error_code code,
		    const char *named)
{
	struct media_writer *writer = NULL;
	struct mixd_error err = {0};
	int files = count(false);

	CHECK(media_create(path, target, &writer, &err) < 0, "%s is written", path);
	CHECK(err.code == code, "%d %s", err.code, err.text);
	CHECK(strstr(err.text, named), "\"%s\" does not say \"%s\"", err.text, named);
	CHECK(err.hint[0], "no hint beside \"%s\"", err.text);
	CHECK(!writer && count(false) == files);
}

TEST(media_write_places_that_cannot_be_written)
{
	struct media_target target = target_of("wav");

	path_of("");
	CHECK(mkdir(path_of("sub.wav"), 0700) == 0);
	CHECK(mkfifo(path_of("fifo.wav"), 0600) == 0);
	CHECK(symlink("nowhere", path_of("dangling.wav")) == 0);
	refused(path_of("sub.wav"), &target, ERROR_INVALID, "a folder");
	refused(path_of("fifo.wav"), &target, ERROR_INVALID, "a device or a pipe");
	refused(path_of("dangling.wav"), &target, ERROR_INVALID, "a link to nothing");
	refused(path_of("none/a.wav"), &target, ERROR_NOT_FOUND, "No such file");
	refused(path_of("fifo.wav/a.wav"), &target, ERROR_RESOURCE, "Not a directory");
	refused(path_of("sub.wav/"), &target, ERROR_INVALID, "a folder");
	refused("", &target, ERROR_INVALID, "not the name of a file");
	refused("/dev/null", &target, ERROR_INVALID, "a device");
	if (geteuid() != 0) {
		CHECK(chmod(path_of("sub.wav"), 0500) == 0);
		refused(path_of("sub.wav/a.wav"), &target, ERROR_RESOURCE, "Permission");
	}
	rmdir(path_of("sub.wav"));
	count(true);
}

TEST(media_write_targets_that_cannot_be)
{
	struct media_target target = target_of("wav");

	refused(path_of("a"), &(struct media_target){.rate = 48000, .layout = target.layout},
		ERROR_INVALID, "no ending");
	refused(path_of("a.fla"), &(struct media_target){.rate = 48000, .layout = target.layout},
		ERROR_INVALID, "no format");
	target.format = "flack";
	refused(path_of("a.wav"), &target, ERROR_INVALID, "no format \"flack\"");
	target = target_of("wav");
	target.rate = 0;
	refused(path_of("a.wav"), &target, ERROR_INVALID, "0 Hz");
	target.rate = 44100.5;
	refused(path_of("a.wav"), &target, ERROR_INVALID, "44100.5 Hz");
	target = target_of("mp3");
	target.rate = 96000;
	refused(path_of("a.mp3"), &target, ERROR_INVALID, "96000 Hz");
	target = target_of("opus");
	target.rate = 44100;
	refused(path_of("a.opus"), &target, ERROR_INVALID, "44100 Hz");
	target = target_of("mp3");
	target.layout = *graph_layout_find("5.1", NULL);
	refused(path_of("a.mp3"), &target, ERROR_INVALID, "6 channels");
	target = target_of("flac");
	target.layout = *graph_layout_find("7.1.4", NULL);
	refused(path_of("a.flac"), &target, ERROR_INVALID, "12 channels");
	target = target_of("flac");
	target.bits = 32;
	refused(path_of("a.flac"), &target, ERROR_INVALID, "32 bits");
	target.bits = 0;
	target.is_float = true;
	refused(path_of("a.flac"), &target, ERROR_INVALID, "floating point");
	target = target_of("wav");
	target.bits = 20;
	refused(path_of("a.wav"), &target, ERROR_INVALID, "20 bits");
	target = target_of("flac");
	target.compression = 9;
	refused(path_of("a.flac"), &target, ERROR_INVALID, "compression");
	target = target_of("mp3");
	target.bitrate_kbps = 200;
	refused(path_of("a.mp3"), &target, ERROR_INVALID, "200 kbit/s");
	target.mode = MEDIA_RATE_ABR;
	target.bitrate_kbps = 400;
	refused(path_of("a.mp3"), &target, ERROR_INVALID, "400 kbit/s");
	target.mode = MEDIA_RATE_VBR;
	refused(path_of("a.mp3"), &target, ERROR_INVALID, "quality");
	target.bitrate_kbps = 0;
	target.quality = 10;
	refused(path_of("a.mp3"), &target, ERROR_INVALID, "quality 10");
	target = target_of("opus");
	target.mode = MEDIA_RATE_CBR;
	refused(path_of("a.opus"), &target, ERROR_INVALID, "constant");
	target = target_of("opus");
	target.bitrate_kbps = 1000;
	refused(path_of("a.opus"), &target, ERROR_INVALID, "1000 kbit/s");
	CHECK(!media_format_ending("none"));
	CHECK_STR(media_format_ending("alac"), "m4a");
}

TEST(media_write_room_is_looked_at_before)
{
	struct media_target target = target_of("wav");

	target.expected_frames = INT64_C(1) << 46;
	refused(path_of("a.wav"), &target, ERROR_RESOURCE, "MiB left");
	target = target_of("mp3");
	target.bitrate_kbps = 320;
	target.expected_frames = INT64_C(1) << 50;
	refused(path_of("a.mp3"), &target, ERROR_RESOURCE, "MiB left");
	target = target_of("aiff");
	target.expected_frames = INT64_C(800000000);
	refused(path_of("a.aiff"), &target, ERROR_INVALID, "too large");
}

TEST(media_write_what_is_no_number_is_refused)
{
	static float bad[1000];
	struct media_target target = target_of("mp3");
	struct media_writer *writer = create(path_of("n.mp3"), &target);
	struct mixd_error err = {0};

	CHECK(media_write(writer, sound, 4800, &err) == 0);
	bad[480] = NAN;
	CHECK(media_write(writer, (const float *const[]){silence, bad}, 1000, &err) == -EDOM);
	CHECK(strstr(err.text, "channel 2 at 0.110 s"), "%s", err.text);
	CHECK(media_write(writer, sound, 10, &err) < 0);
	CHECK(media_finish(writer, NULL, &err) < 0);
	media_writer_free(writer);
	CHECK(count(true) == 0);
}

/* A disk that is full at some point: here, a limit of the size of files. */
TEST(media_write_full_disk)
{
	static const char *const names[] = {"f.wav", "f.w64", "f.flac", "f.ogg", "f.mp3"};
	struct rlimit was, limit;
	struct mixd_error err;

	CHECK(getrlimit(RLIMIT_FSIZE, &was) == 0);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (rlim_t bytes = 0; bytes <= 500000; bytes += 250000) {
			struct media_target target = target_of(NULL);
			struct media_writer *writer = NULL;
			static float noise[8192];
			int r;

			for (int k = 0; k < 8192; k++)
				noise[k] = (float)test_random() - 0.5f;
			limit = (struct rlimit){bytes, was.rlim_max};
			CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
			r = media_create(path_of(names[i]), &target, &writer, &err);
			for (int k = 0; k < 400 && r == 0; k++)
				r = media_write(writer, (const float *const[]){noise, noise}, 8192,
						&err);
			if (r == 0)
				r = media_finish(writer, NULL, &err);
			setrlimit(RLIMIT_FSIZE, &was);
			CHECK(r == -EFBIG, "%s at %lu: %d", names[i], (unsigned long)bytes, r);
			CHECK(err.code == ERROR_RESOURCE && strstr(err.text, "cannot be written"),
			      "%s", err.text);
			media_writer_free(writer);
			CHECK(count(true) == 0, "%s leaves something", names[i]);
		}
}

TEST(media_file_is_whole_or_not_there)
{
	struct media_file *file = NULL, *second = NULL;
	struct mixd_error err = {0};
	const char *path = path_of("report.html");

	CHECK(media_file_create(path, &file, &err) == 0);
	CHECK(media_file_create(path, &second, &err) == -EBUSY);
	CHECK(media_file_write(file, "hello", 5, &err) == 0);
	CHECK(media_file_fd(file) >= 0 && size_of(path) < 0);
	CHECK(media_file_commit(file, &err) == 0);
	CHECK(!media_file_free(file) && size_of(path) == 5);
	CHECK(media_file_create(path, &file, &err) == 0);
	CHECK(media_file_write(file, "other words", 11, &err) == 0);
	media_file_free(file);
	CHECK(size_of(path) == 5 && count(true) == 1);
	CHECK(media_file_create(path_of("no/report.html"), &file, &err) == -ENOENT);
	CHECK(err.code == ERROR_NOT_FOUND);
	CHECK(!media_file_free(NULL));
}
