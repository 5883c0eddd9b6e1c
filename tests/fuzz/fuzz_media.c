/* fuzz_media.c - damaged audio files of every format: opened, read, their tags read and written anew.
 *
 * The helper mixd-av stays out of it: it is FFmpeg's to fuzz, and what it does here cannot crash us. */
#include "fuzz.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "media_read.h"
#include "media_tags_io.h"
#include "media_write.h"

#define MEDIA_FRAMES 1200u

/* libsndfile 1.2.0 leaves these behind when it refuses a damaged Ogg. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:vorbis_\nleak:ogg_\nleak:sf_open\n";
}

static const char *const formats[] = {"wav",  "rf64", "w64",  "aiff", "caf",
				      "flac", "ogg",  "opus", "mp3"};
static const char *const words[] = {"data",
				    "fmt ",
				    "LIST",
				    "bext",
				    "cue ",
				    "labl",
				    "ds64",
				    "COMM",
				    "SSND",
				    "MARK",
				    "ID3",
				    "CHAP",
				    "TIT2",
				    "OggS",
				    "moov",
				    "udta",
				    "ilst",
				    "stco",
				    "\xff\xff\xff\xff",
				    "\x7f\xff\xff\xff",
				    NULL};

/* moov with user data as others write them; the sound is missing, which tags do not mind. */
static const uint8_t mp4[] =
	"\0\0\0\030ftypM4A \0\0\2\0isomM4A "
	"\0\0\0\214moov\0\0\0\204udta\0\0\0|meta\0\0\0\0\0\0\0\041hdlr"
	"\0\0\0\0\0\0\0\0mdirappl\0\0\0\0\0\0\0\0\0\0\0\0Oilst\0\0\0\034\251nam\0\0\0\024data\0\0\0"
	"\1\0\0\0"
	"\0Name\0\0\0\053----\0\0\0\014mean\0\0\0\0a\0\0\0\014name\0\0\0\0b\0\0\0\013data\0\0\0";
/* v2.3, unsynchronised, with an extended header and text in UTF-16. */
static const uint8_t id3[] =
	"ID3\3\0\300\0\0\0\074\0\0\0\6\0\0\0\0\0\0TIT2\0\0\0\011\0\0\1\xff\0\376A\0B\0C\0"
	"COMM\0\0\0\012\0\0\0eng\0hello\0TCON\0\0\0\005\0\0\0(17)";

static void media_tags_all(struct media_tags *tags)
{
	media_tags_init(tags);
	media_tags_add(tags, "TITLE", "A \303\244 B");
	media_tags_add(tags, "ISRC", "DEXXX2400001");
	media_tags_mark(tags, 10, 20, "one");
	media_tags_mark(tags, 500, 0, "two");
	tags->bext.is_set = tags->replay_gain = tags->sound_check = true;
	tags->loudness.integrated = -20;
	tags->loudness.true_peak = -1;
	tags->ixml = strdup("");
	tags->picture = (uint8_t *)strdup("\xff\xd8\xff\xe0\1\1");
	tags->picture_bytes = 6;
}

static void media_seed(const char *folder, const char *format)
{
	static const uint8_t position[] = {MIXD_POS_FL, MIXD_POS_FR};
	struct media_writer *writer = NULL;
	struct media_target target;
	struct mixd_error err = {0};
	float block[MEDIA_FRAMES];
	struct media_tags tags;
	char path[256];
	uint8_t data[65536];
	ssize_t size;
	int fd;

	for (uint32_t i = 0; i < MEDIA_FRAMES; i++)
		block[i] = (float)(0.5 * sin(0.05 * i));
	snprintf(path, sizeof(path), "%s/a", folder);
	media_tags_all(&tags);
	media_target_init(&target);
	target.format = format;
	target.rate = 48000;
	target.layout = (struct mixd_layout){"stereo", 2, position};
	target.bits = strcmp(format, "wav") == 0 ? 16 : 0;
	target.tags = &tags;
	if (media_create(path, &target, &writer, &err) < 0 ||
	    media_write(writer, (const float *const[]){block, block}, MEDIA_FRAMES, &err) < 0 ||
	    media_finish(writer, NULL, &err) < 0)
		fuzz_fail("no seed of %s: %s", format, err.text);
	media_writer_free(writer);
	media_tags_done(&tags);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, data, sizeof(data));
	if (size <= 0)
		fuzz_fail("no seed of %s", format);
	fuzz_seed(data, (size_t)size);
	close(fd);
	unlink(path);
}

static void media_seeds(void)
{
	char folder[] = "/tmp/mixd-fuzz-XXXXXX";

	setenv("MIXD_AV_HELPER", "/nonexistent/mixd-av", 1);
	if (!mkdtemp(folder))
		fuzz_fail("no folder");
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		media_seed(folder, formats[i]);
	rmdir(folder);
	fuzz_seed(mp4, sizeof(mp4));
	fuzz_seed(id3, sizeof(id3));
}

/* Most of a file is sound: heads and tails are where the words are. */
static size_t media_mutate(uint8_t *data, size_t size, size_t size_max)
{
	const size_t n = fuzz_random(4) + 1;
	size_t from_size;
	const uint8_t *from = fuzz_any_seed(&from_size);

	if (fuzz_random(4) == 0)
		return 0;
	size = from_size < size_max ? from_size : size_max;
	memcpy(data, from, size);
	for (size_t i = 0; i < n && size; i++) {
		size_t reach = size < 1600 ? size : 1600;
		size_t at = fuzz_random((uint32_t)reach);

		at = fuzz_random(3) == 0 ? size - 1 - at : at;
		switch (fuzz_random(5)) {
		case 0:
			data[at] ^= (uint8_t)(1u << fuzz_random(8));
			break;
		case 1:
			data[at] = (uint8_t)fuzz_random(256);
			break;
		case 2: /* a size */
			for (size_t k = 0; k < 4 && at + k < size; k++)
				data[at + k] = (uint8_t)(fuzz_random(2) ? 0xff : fuzz_random(3));
			break;
		case 3:
			size = fuzz_random(8) ? size : at;
			break;
		default: /* a piece of it elsewhere */
			if (at + 64 < size)
				memmove(data + at, data + fuzz_random((uint32_t)(size - 32)), 32);
			break;
		}
	}
	return size ? size : 1;
}

const struct fuzz_harness fuzz_harness = {.name = "media",
					  .runs_short = 4000,
					  .runs_long = 400000,
					  .size_max = 65536,
					  .seeds = media_seeds,
					  .mutate = media_mutate,
					  .words = words};

static void media_check_tags(const struct media_tags *tags)
{
	for (uint32_t i = 0; i < tags->n_text; i++)
		if (!tags->text[i].name[0] || !tags->text[i].value[0])
			fuzz_fail("an empty text");
	for (uint32_t i = 0; i < tags->n_marks; i++)
		if (tags->mark[i].frame < 0 || (i && tags->mark[i].frame < tags->mark[i - 1].frame))
			fuzz_fail("marks out of order");
}

/* What was read can be written into what is there, or is refused; and reads back as text. */
static void media_rewrite(int fd, const struct media_tags *tags, const struct media_info *info)
{
	struct media_tags back;
	struct mixd_error err = {0};

	if (media_tags_write_after(fd, "file", info, tags, &err) < 0 && !err.text[0])
		fuzz_fail("a refusal without words");
	media_tags_init(&back);
	if (media_tags_read(fd, info->rate, &back) == 0)
		media_check_tags(&back);
	media_tags_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static float block[MEDIA_CHANNELS_MAX][4096];
	float *channels[MEDIA_CHANNELS_MAX];
	struct media_reader *reader = NULL;
	struct media_info info = {.container = "m4a", .codec = "aac", .rate = 48000, .n_frames = 9};
	struct mixd_error err = {0};
	struct media_tags tags;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		fuzz_fail("no memory file");
	for (uint32_t c = 0; c < MEDIA_CHANNELS_MAX; c++)
		channels[c] = block[c];
	media_tags_init(&tags);
	if (media_tags_read(fd, 48000, &tags) == 0)
		media_check_tags(&tags);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (media_open(path, &reader, &err) == 0) {
		int64_t total = 0, n = 0;

		info = *media_reader_info(reader);
		if (fuzz_random(8) == 0)
			media_seek(reader, info.n_frames / 2, &err);
		while (total < 200000 && (n = media_read(reader, channels, 4096, &err)) > 0)
			total += n;
		if (n < 0 && !err.text[0])
			fuzz_fail("a refusal without words");
	} else if (!err.text[0]) {
		fuzz_fail("a refusal without words");
	}
	media_close(reader);
	media_rewrite(fd, &tags, &info);
	media_tags_done(&tags);
	close(fd);
	return 0;
}
