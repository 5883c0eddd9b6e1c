/* test_media_read.c - what is no audio, or not all of it: words, codes, and never a crash. */
#include "media_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph_layout.h"
#include "media_write.h"
#include "test.h"

#define FRAMES 24000u

#if defined(__SANITIZE_ADDRESS__)
/* libsndfile 1.2.0 leaves this behind when the head of an Ogg Vorbis is cut off. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:vorbis_info_init";
}
#endif

static char folder[64];
static float planes[MEDIA_CHANNELS_MAX][FRAMES];
static float *channels[MEDIA_CHANNELS_MAX];
static uint8_t whole[1 << 20], part[1 << 20];

static const char *const names[] = {"a.wav",  "a.rf64", "a.w64",  "a.aiff", "a.caf",
				    "a.flac", "a.ogg",	"a.opus", "a.mp3"};
#define NAMES (sizeof(names) / sizeof(names[0]))

static const char *path_of(const char *name)
{
	static char path[4][160];
	static int turn;
	char *ret = path[turn++ % 4];

	if (!folder[0]) {
		strcpy(folder, "/tmp/mixd-read-XXXXXX");
		CHECK(mkdtemp(folder));
		setenv("MIXD_AV_HELPER", "/nonexistent", 1); /* libsndfile alone */
	}
	for (uint32_t c = 0; c < MEDIA_CHANNELS_MAX; c++)
		channels[c] = planes[c];
	snprintf(ret, 160, "%s/%s", folder, name);
	return ret;
}

__attribute__((destructor)) static void clean(void)
{
	DIR *dir = folder[0] ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	if (folder[0])
		rmdir(folder);
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

static void put(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "w");

	CHECK(file && fwrite(data, 1, size, file) == size);
	fclose(file);
}

/* A file of FRAMES frames of noise in 16 bits; its bytes in `whole`. Returns how many. */
static size_t make(const char *name)
{
	struct media_writer *writer = NULL;
	struct media_target target;
	struct mixd_error err;
	FILE *file;
	size_t size;

	path_of("");
	for (uint32_t i = 0; i < FRAMES; i++)
		for (uint32_t c = 0; c < 2; c++)
			planes[c][i] = (float)(0.2 * test_random() - 0.1);
	media_target_init(&target);
	target.rate = 48000;
	target.bits = strstr(name, ".flac") || strchr(name, 'f') || strchr(name, 'w') ? 16 : 0;
	target.layout = *graph_layout_find("stereo", NULL);
	CHECK(media_create(path_of(name), &target, &writer, &err) == 0, "%s", err.text);
	CHECK(media_write(writer, (const float *const *)channels, FRAMES, &err) == 0);
	CHECK(media_finish(writer, NULL, &err) == 0);
	media_writer_free(writer);
	file = fopen(path_of(name), "r");
	size = fread(whole, 1, sizeof(whole), file);
	fclose(file);
	CHECK(size < sizeof(whole));
	return size;
}

/* Opens and reads to the end. Frames, or -errno with *ERR. */
static int64_t read_all(const char *path, bool tolerate, struct mixd_error *err)
{
	struct media_reader *reader = NULL;
	int64_t n, total = 0;
	int r = media_open(path, &reader, err);

	if (r < 0) {
		CHECK(!reader);
		return r;
	}
	if (tolerate)
		media_reader_tolerate(reader);
	while ((n = media_read(reader, channels, 5000, err)) > 0)
		total += n;
	if (n < 0) {
		struct mixd_error again = {0};

		/* it stays failed, with the same words */
		CHECK(media_read(reader, channels, 1, &again) == n);
		CHECK_STR(again.text, err->text);
		CHECK(media_seek(reader, 0, &again) < 0);
	} else {
		CHECK(media_reader_info(reader)->n_frames == total, "%lld frames, %lld read",
		      (long long)media_reader_info(reader)->n_frames, (long long)total);
		CHECK(media_read(reader, channels, 1, err) == 0);
	}
	CHECK(!media_close(reader));
	return n < 0 ? n : total;
}

/* PATH is refused, at the latest when it is read, with CODE and words that say NAMED. */
static void refused(const char *path, enum error_code code, const char *named)
{
	struct mixd_error err = {0};
	int64_t n = read_all(path, false, &err);

	CHECK(n < 0, "%s: %lld frames are read", path, (long long)n);
	CHECK(err.code == code, "%s: %d %s", path, err.code, err.text);
	CHECK(strstr(err.text, named), "\"%s\" does not say \"%s\"", err.text, named);
	CHECK_STR(err.address, path);
	CHECK(err.hint[0], "no hint beside \"%s\"", err.text);
}

TEST(media_read_what_is_no_file)
{
	int fds;

	path_of("");
	fds = count_fds();
	refused(path_of("none.wav"), ERROR_NOT_FOUND, "there is no such file");
	refused("", ERROR_NOT_FOUND, "there is no such file");
	refused(folder, ERROR_INVALID, "a folder");
	CHECK(mkfifo(path_of("fifo"), 0600) == 0);
	refused(path_of("fifo"), ERROR_INVALID, "a device or a pipe");
	refused("/dev/zero", ERROR_INVALID, "a device or a pipe");
	put(path_of("empty.wav"), "", 0);
	refused(path_of("empty.wav"), ERROR_INVALID, "empty");
	put(path_of("text.wav"), "These are words, and no sound at all. They go on.", 49);
	refused(path_of("text.wav"), ERROR_INVALID, "not audio");
	put(path_of("zeros.wav"), part, 100000);
	refused(path_of("zeros.wav"), ERROR_INVALID, "not audio");
	if (geteuid() != 0) {
		CHECK(chmod(path_of("zeros.wav"), 0) == 0);
		refused(path_of("zeros.wav"), ERROR_RESOURCE, "Permission");
	}
	CHECK(count_fds() == fds);
	CHECK(!media_close(NULL));
}

/* Who does not ask why is not told, whoever refuses it: ours, or a helper that ends at once. */
TEST(media_read_without_an_error_to_fill)
{
	static const char *const helpers[] = {"/nonexistent", "/bin/false"};

	put(path_of("text.wav"), "These are words, and no sound at all. They go on.", 49);
	put(path_of("empty.wav"), "", 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct media_reader *reader = NULL;

		setenv("MIXD_AV_HELPER", helpers[i], 1);
		CHECK(media_open(path_of("text.wav"), &reader, NULL) < 0);
		CHECK(media_open(path_of("empty.wav"), &reader, NULL) == -EINVAL);
		CHECK(media_open(path_of("none.wav"), &reader, NULL) == -ENOENT);
		CHECK(media_open(folder, &reader, NULL) == -EINVAL);
		CHECK(media_open(NULL, &reader, NULL) == -ENOENT);
		CHECK(!reader);
	}
	setenv("MIXD_AV_HELPER", helpers[0], 1);
}

TEST(media_read_truncated)
{
	for (size_t f = 0; f < NAMES; f++) {
		size_t size = make(names[f]);
		size_t step = size / 1024 > 90 ? 3 * 1024 : 1024;
		bool is_ogg = strstr(names[f], "ogg") || strstr(names[f], "opus");
		const char *path = path_of("cut");
		struct mixd_error err = {0};
		int64_t before = 0, n;
		int fds = count_fds();

		CHECK(read_all(path_of(names[f]), false, &err) == FRAMES, "%s: %s", names[f],
		      err.text);
		for (size_t at = 0; at < size; at += step) {
			put(path, whole, at);
			n = read_all(path, false, &err);
			CHECK(n < 0, "%s cut to %zu of %zu: %lld frames", names[f], at, size,
			      (long long)n);
			CHECK(err.code == ERROR_INVALID && err.hint[0] && err.text[0]);
			CHECK_STR(err.address, path);
			n = read_all(path, true, &err);
			CHECK(n < (int64_t)FRAMES, "%s", names[f]);
			if (n >= 0 && !is_ogg) {
				CHECK(n >= before, "%s at %zu: %lld after %lld", names[f], at,
				      (long long)n, (long long)before);
				before = n;
			}
		}
		CHECK(before > FRAMES / 2 || is_ogg, "%s: at the most %lld", names[f],
		      (long long)before);
		CHECK(count_fds() == fds);
	}
}

TEST(media_read_truncated_says_where)
{
	struct mixd_error err = {0};
	struct media_reader *reader = NULL;
	size_t size = make("a.wav");

	put(path_of("cut.wav"), whole, size - 12000 * 4);
	refused(path_of("cut.wav"), ERROR_INVALID,
		"ends after 0.250 s, and its header says 0.500 s");
	CHECK(media_open(path_of("cut.wav"), &reader, &err) == 0);
	CHECK(media_reader_info(reader)->n_frames == FRAMES);
	media_reader_tolerate(reader);
	CHECK(media_reader_info(reader)->n_frames == FRAMES / 2);
	media_close(reader);
	CHECK(read_all(path_of("cut.wav"), true, &err) == FRAMES / 2);
}

static void set(uint8_t *at, uint32_t value, int n_bytes)
{
	for (int i = 0; i < n_bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static uint8_t *find(const char *id)
{
	uint8_t *at = memmem(part, 400, id, 4);

	CHECK(at, "no %s", id);
	return at + 8;
}

TEST(media_read_headers_that_lie)
{
	struct mixd_error err = {0};
	size_t size = make("a.wav");
	const char *path = path_of("lie.wav");

	memcpy(part, whole, size);
	set(find("fmt ") + 2, 0, 2); /* no channels */
	put(path, part, size);
	refused(path, ERROR_INVALID, "");
	set(find("fmt ") + 2, 1000, 2);
	set(find("fmt ") + 12, 2000, 2);
	put(path, part, size);
	refused(path, ERROR_INVALID, "1000 channels");
	memcpy(part, whole, size);
	set(find("fmt ") + 4, 0, 4); /* 0 Hz */
	put(path, part, size);
	refused(path, ERROR_INVALID, "");
	set(find("fmt ") + 4, 900000, 4);
	put(path, part, size);
	refused(path, ERROR_INVALID, "900000 Hz");
	memcpy(part, whole, size);
	set(find("fmt ") + 14, 77, 2); /* bits */
	put(path, part, size);
	CHECK(read_all(path, false, &err) < 0);
	memcpy(part, whole, size);
	set(find("data") - 4, 0x70000000, 4); /* more than there is */
	put(path, part, size);
	refused(path, ERROR_INVALID, "truncated");
	set(find("data") - 4, 0xffffffffu, 4); /* "to the end": a writer to a pipe */
	set(part + 4, 0xffffffffu, 4);
	put(path, part, size);
	CHECK(read_all(path, false, &err) == FRAMES, "%s", err.text);
}

TEST(media_read_bytes_at_random)
{
	for (size_t f = 0; f < NAMES; f++) {
		size_t size = make(names[f]);
		const char *path = path_of("random");

		for (int i = 0; i < 60; i++) {
			struct mixd_error err = {0};
			/* mostly in the head, where lengths and counts are */
			size_t reach = i % 3 ? 300 : size;

			memcpy(part, whole, size);
			for (uint32_t k = 1 + test_random_below(8); k > 0; k--)
				part[test_random_below((uint32_t)reach)] =
					(uint8_t)test_random_below(256);
			put(path, part, size);
			if (read_all(path, i % 2, &err) < 0)
				CHECK(err.text[0] && err.code != ERROR_OK);
		}
	}
}

TEST(media_read_what_is_no_number)
{
	struct media_writer *writer = NULL;
	struct media_target target;
	struct mixd_error err;
	uint8_t *at;

	path_of("");
	media_target_init(&target);
	target.rate = 1000;
	target.is_float = true;
	target.layout = *graph_layout_find("stereo", NULL);
	memset(planes, 0, sizeof(planes));
	CHECK(media_create(path_of("nan.wav"), &target, &writer, &err) == 0);
	CHECK(media_write(writer, (const float *const *)channels, 5000, &err) == 0);
	CHECK(media_finish(writer, NULL, &err) == 0);
	media_writer_free(writer);
	{
		FILE *file = fopen(path_of("nan.wav"), "r");
		size_t size = fread(part, 1, sizeof(part), file);

		fclose(file);
		at = find("data") + (2 * 4321 + 1) * 4;
		set(at, 0x7fc00000, 4);
		put(path_of("nan.wav"), part, size);
		refused(path_of("nan.wav"), ERROR_INVALID, "channel 2 at 4.321 s");
		set(at, 0xff800000u, 4); /* infinity */
		put(path_of("nan.wav"), part, size);
		refused(path_of("nan.wav"), ERROR_INVALID, "channel 2 at 4.321 s");
	}
}

/* A head of a WAV with SIZE bytes of samples; RF64 when that does not fit. */
static void make_sparse(const char *path, uint64_t size, bool is_rf64)
{
	static const char head[] = "RIFF\xff\xff\xff\xffWAVEds64\x1c\0\0\0";
	uint8_t bytes[80 + 8] = {0};
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	memcpy(bytes, head, sizeof(head) - 1);
	memcpy(bytes, is_rf64 ? "RF64" : "RIFF", 4);
	if (!is_rf64)
		memcpy(bytes + 12, "JUNK", 4);
	for (int i = 0; i < 8 && is_rf64; i++) {
		bytes[20 + i] = (uint8_t)((size + 72) >> 8 * i);
		bytes[28 + i] = (uint8_t)(size >> 8 * i);
		bytes[36 + i] = (uint8_t)(size / 4 >> 8 * i);
	}
	memcpy(bytes + 48, "fmt \x10\0\0\0\x01\0\x02\0", 12);
	set(bytes + 60, 48000, 4);
	set(bytes + 64, 192000, 4);
	set(bytes + 68, 4 | 16 << 16, 4);
	memcpy(bytes + 72, "data", 4);
	set(bytes + 76, is_rf64 ? 0xffffffffu : (uint32_t)size, 4);
	if (!is_rf64)
		set(bytes + 4, (uint32_t)(size + 72), 4);
	CHECK(fd >= 0 && write(fd, bytes, 80) == 80);
	CHECK(ftruncate(fd, (off_t)(80 + size)) == 0);
	CHECK(pwrite(fd, "\x34\x12\xcd\xab", 4, (off_t)(80 + size - 4)) == 4);
	close(fd);
}

TEST(media_read_beyond_4_gib)
{
	const uint64_t size = UINT64_C(5) << 30;
	struct media_reader *reader = NULL;
	struct mixd_error err = {0};
	const int64_t n = (int64_t)(size / 4);

	make_sparse(path_of("big.rf64"), size, true);
	CHECK(media_open(path_of("big.rf64"), &reader, &err) == 0, "%s", err.text);
	CHECK(media_reader_info(reader)->n_frames == n);
	CHECK(media_seek(reader, n - 10, &err) == 0);
	CHECK(media_read(reader, channels, 100, &err) == 10);
	CHECK(planes[0][9] == 0x1234 / 32768.0f && planes[1][9] == (0xabcd - 65536) / 32768.0f);
	CHECK(media_read(reader, channels, 100, &err) == 0, "%s", err.text);
	media_close(reader);
	/* sizes of 32 bits have wrapped */
	make_sparse(path_of("big.wav"), size, false);
	refused(path_of("big.wav"), ERROR_INVALID, "WAV end at 4 GiB");
	unlink(path_of("big.rf64"));
	unlink(path_of("big.wav"));
}

/* Longer than what a decoder holds: libsndfile loses its place within such files. */
TEST(media_read_seek_in_long_vorbis)
{
	enum { LONG = 16 * FRAMES };
	static float all[LONG];
	struct media_target target;
	struct media_writer *writer = NULL;
	struct media_reader *reader = NULL;
	struct mixd_error err = {0};
	uint8_t position = MIXD_POS_MONO;

	media_target_init(&target);
	target.rate = 48000;
	target.layout = (struct mixd_layout){"mono", 1, &position};
	CHECK(media_create(path_of("long.ogg"), &target, &writer, &err) == 0, "%s", err.text);
	for (int i = 0; i < LONG; i += (int)FRAMES) {
		for (uint32_t k = 0; k < FRAMES; k++)
			planes[0][k] = (float)(test_random_below(20000) - 10000.0) / 30000.0f;
		CHECK(media_write(writer, (const float *const *)channels, FRAMES, &err) == 0);
	}
	CHECK(media_finish(writer, NULL, &err) == 0, "%s", err.text);
	media_writer_free(writer);
	CHECK(media_open(path_of("long.ogg"), &reader, &err) == 0);
	for (int64_t at = 0, n; at < LONG; at += n) {
		n = media_read(reader, channels, FRAMES, &err);
		CHECK(n > 0);
		memcpy(all + at, planes[0], (size_t)n * sizeof(float));
	}
	for (int i = 0; i < 60; i++) {
		uint32_t at = test_random_below(LONG - 5000), n = 1 + test_random_below(5000);

		CHECK(media_seek(reader, at, &err) == 0, "%s", err.text);
		CHECK(media_read(reader, channels, n, &err) == n);
		CHECK(memcmp(planes[0], all + at, n * sizeof(float)) == 0, "from %u", at);
	}
	media_close(reader);
	unlink(path_of("long.ogg"));
}

TEST(media_read_seek)
{
	struct media_reader *reader = NULL;
	struct mixd_error err = {0};
	static float all[2][FRAMES];

	for (size_t f = 0; f < NAMES; f++) {
		make(names[f]);
		CHECK(media_open(path_of(names[f]), &reader, &err) == 0);
		CHECK(media_read(reader, channels, FRAMES, &err) == FRAMES);
		memcpy(all[0], planes[0], sizeof(all[0]));
		memcpy(all[1], planes[1], sizeof(all[1]));
		for (int i = 0; i < 12; i++) {
			uint32_t at = test_random_below(FRAMES), n = 1 + test_random_below(3000);
			int64_t got;

			CHECK(media_seek(reader, at, &err) == 0, "%s: %s", names[f], err.text);
			got = media_read(reader, channels, n, &err);
			CHECK(got == (n < FRAMES - at ? n : FRAMES - at));
			for (int64_t k = 0; k < got; k++)
				CHECK(planes[0][k] == all[0][at + k] &&
					      planes[1][k] == all[1][at + k],
				      "%s from %u: frame %lld", names[f], at, (long long)k);
		}
		CHECK(media_seek(reader, FRAMES, &err) == 0);
		CHECK(media_read(reader, channels, 1, &err) == 0);
		CHECK(media_seek(reader, -1, &err) < 0 && media_seek(reader, FRAMES + 1, &err) < 0);
		CHECK(media_seek(reader, 5, &err) == 0);
		CHECK(media_read(reader, channels, 1, &err) == 1 && planes[0][0] == all[0][5]);
		media_close(reader);
	}
}
