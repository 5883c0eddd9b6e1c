/* test_example_cuts.c - the sessions people begin with: the same samples whoever runs them, in blocks of
 * whatever size. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph_layout.h"
#include "render_rig.h"

#define FRAMES (3 * RATE)

struct port {
	const char *node;
	uint32_t channels;
};

static const struct example {
	const char *name;
	struct port in[8], out[3];
	bool plays; /* recordings beside it, `takes` */
} examples[] = {
	{"master.yaml", {{"mix", 2}}, {{"out", 2}}, false},
	{"material.yaml", {{NULL, 0}}, {{"out", 2}}, false},
	{"onair.yaml", {{"program", 2}}, {{"out", 2}}, false},
	{"podcast-live.yaml",
	 {{"mic1", 1}, {"mic2", 1}, {"mic3", 1}, {"mic4", 1}, {"music", 2}},
	 {{"out", 2}},
	 false},
	{"stream.yaml", {{"program", 2}}, {{"mix", 2}, {"out", 2}}, false},
	{"studio.yaml", {{"system", 2}}, {{"out", 2}}, false},
	{"deliver/song.yaml", {{NULL, 0}}, {{"out", 2}, {"drums/bus", 2}, {"vox/comp", 2}}, true},
};
static const char *const takes[] = {"kick",    "snare",	  "overheads", "bass",
				    "guitar1", "guitar2", "keys",      "vox"};
static const struct variant {
	uint32_t threads, block;
} variants[] = {{1, 128}, {1, 8192}, {2, 128}, {2, 1000}, {3, 4096}, {4, 192}, {4, 8192}};

#define N(array) (sizeof(array) / sizeof((array)[0]))

static char folder[64];

__attribute__((destructor)) static void clean(void)
{
	char path[128];

	for (size_t i = 0; folder[0] && i < N(takes); i++) {
		snprintf(path, sizeof(path), "%s/%s.wav", folder, takes[i]);
		unlink(path);
	}
	if (folder[0])
		rmdir(folder);
}

/* Recordings for those that play some: noise, each its own, a second long. */
static void record(void)
{
	static float left[RATE], right[RATE];
	static const float *const sound[2] = {left, right};
	struct mixd_error err = {0};

	strcpy(folder, "/tmp/mixd-examples-XXXXXX");
	CHECK(mkdtemp(folder));
	for (uint32_t i = 0; i < N(takes); i++) {
		struct media_writer *writer;
		struct media_target target;
		char path[128];

		for (uint32_t k = 0; k < RATE; k++) {
			left[k] = 0.4f * noise(k, 0, 100 + i);
			right[k] = 0.4f * noise(k, 1, 100 + i);
		}
		media_target_init(&target);
		target.rate = RATE;
		target.layout = *graph_layout_find("stereo", NULL);
		snprintf(path, sizeof(path), "%s/%s.wav", folder, takes[i]);
		CHECK(media_create(path, &target, &writer, &err) == 0, "%s", err.text);
		CHECK(media_write(writer, sound, RATE, &err) == 0, "%s", err.text);
		CHECK(media_finish(writer, NULL, &err) == 0, "%s", err.text);
		media_writer_free(writer);
	}
}

static char *text_of(const char *name)
{
	char path[512], *text = calloc(1, 65536);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", MIXD_TEST_EXAMPLES, name);
	file = fopen(path, "r");
	CHECK(text && file, "%s", path);
	CHECK(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static struct job *example_run(const struct example *example, const char *text,
			       const struct variant *variant)
{
	struct job *job = job_new(text);

	for (size_t i = 0; i < N(example->in) && example->in[i].node; i++)
		job_in(job, example->in[i].node, example->in[i].channels, FRAMES - 100 * i);
	for (size_t i = 0; i < N(example->out) && example->out[i].node; i++)
		job_out(job, example->out[i].node, example->out[i].channels);
	job->request.session_name = example->name;
	job->request.folder = folder;
	job->request.n_threads = variant->threads;
	job->request.block_frames = variant->block;
	if (!example->in[0].node && !example->plays)
		job->request.end_s = (double)FRAMES / RATE;
	job->request.tail_s = example->plays ? 0.5 : -1;
	job_run(job);
	return job;
}

static float loudest(const struct tape *tape)
{
	float peak = 0;

	for (uint32_t c = 0; c < tape->n_channels; c++)
		for (uint64_t i = 0; i < tape->n; i++)
			peak = fmaxf(peak, fabsf(tape->channel[c][i]));
	return peak;
}

TEST(examples_are_the_same_for_every_cut)
{
	record();
	for (size_t i = 0; i < N(examples); i++) {
		char *text = text_of(examples[i].name);
		struct job *first = example_run(&examples[i], text, &(struct variant){1, 0});

		for (uint32_t k = 0; k < first->request.n_outputs; k++)
			CHECK(first->tape[k].n >= FRAMES && loudest(&first->tape[k]) > 0.001f,
			      "%s: %llu", examples[i].name, (unsigned long long)first->tape[k].n);
		for (size_t v = 0; v < N(variants); v++) {
			struct job *job = example_run(&examples[i], text, &variants[v]);

			for (uint32_t k = 0; k < first->request.n_outputs; k++)
				CHECK(tapes_differ(&first->tape[k], &job->tape[k]) == -1,
				      "%s, %s: %u threads, blocks of %u: at frame %lld",
				      examples[i].name, examples[i].out[k].node,
				      variants[v].threads, variants[v].block,
				      (long long)tapes_differ(&first->tape[k], &job->tape[k]));
			job_free(job);
		}
		job_free(first);
		free(text);
	}
}

/* A session that comes into the folder comes into the table. */
TEST(no_example_is_forgotten)
{
	DIR *dir = opendir(MIXD_TEST_EXAMPLES);
	struct dirent *entry;

	CHECK(dir);
	while ((entry = readdir(dir))) {
		const char *ending = strrchr(entry->d_name, '.');
		bool is_known = !ending || strcmp(ending, ".yaml") != 0;

		for (size_t i = 0; i < N(examples); i++)
			is_known = is_known || strcmp(entry->d_name, examples[i].name) == 0;
		CHECK(is_known, "%s", entry->d_name);
	}
	closedir(dir);
}
