/* master_model.c - how loud a programme will be behind the limiter, without running it.
 *
 * SOURCE      The limiter of nodes/limiter: gain computation of nodes/dsp/limitgain, look-ahead,
 *             hold and the release that follows the programme. Loudness: ITU-R BS.1770-4, EBU Tech 3341.
 * STRUCTURE   The source is read once: per tick of 2/3 ms the K-weighted energy (or, for specs that count
 *             RMS, the plain one) and the highest true peak of any channel. A gain that changes
 *             slowly against the K filter multiplies that energy by its square; so for any drive
 *             the limiter's gain computation runs over ticks, a small part of the frames, and
 *             gates and sums give the level. What it cannot know (peaks between two ticks, the gain
 *             within one) is below 0.1 LU; the real pass measures, and the next one corrects.
 *             Four points per frame are enough for what is a model. */
#include "master_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kweight.h"
#include "limitgain.h"
#include "loudness.h"
#include "truepeak.h"

/* Ticks are short enough for the limiter's window of 11.5 ms to be no less than SLIDEMIN_CHUNK of them. */
#define MODEL_TICKS 1500u /* a second */
enum { MODEL_HOP_TICKS = MODEL_TICKS / 10 }; /* of loudness: 100 ms */
#define MODEL_BETA 3.0 /* the limiter's detector */
#define MODEL_LOOKAHEAD_TICKS 2u /* 1.5 ms less what lies within a tick */
#define MODEL_HOLD_TICKS 16u /* 10 ms, and what fits the limiter best: ticks are coarse */
#define MODEL_RELEASE_MS 80.0
#define MODEL_READ 4096u /* ticks */
#define MODEL_CHUNK 128u
#define MODEL_FRAMES_MAX 768u /* of a tick: 1152 kHz */

struct model_tick {
	float energy; /* weighted sum of squares */
	float peak; /* linear */
};

struct master_model {
	FILE *file; /* of model_tick: an hour has 29 MB of them */
	const char *folder; /* borrowed: where it lies */
	uint64_t n_ticks;
	double rate;
	bool is_rms;
	uint32_t n_channels;
	/* while reading */
	struct kweight_coef coef;
	struct kweight_state state[MEDIA_CHANNELS_MAX / KWEIGHT_LANES];
	double weight[MEDIA_CHANNELS_MAX];
	struct truepeak_filter filter;
	float *line; /* per channel: past, then a tick */
	uint32_t line_frames;
};

struct master_model *master_model_free(struct master_model *model)
{
	if (!model)
		return NULL;
	if (model->file)
		fclose(model->file);
	free(model->line);
	free(model);
	return NULL;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static double model_energy(struct master_model *model, const float *const *tick, uint32_t n)
{
	double sum[MEDIA_CHANNELS_MAX] = {0}, total = 0;

	for (uint32_t c = 0; c < model->n_channels; c += KWEIGHT_LANES) {
		uint32_t lanes = model->n_channels - c;

		lanes = lanes < KWEIGHT_LANES ? lanes : KWEIGHT_LANES;
		if (!model->is_rms)
			kweight_sum(&model->coef, &model->state[c / KWEIGHT_LANES], tick + c, lanes,
				    n, sum + c);
	}
	for (uint32_t c = 0; c < model->n_channels; c++) {
		if (model->is_rms)
			for (uint32_t i = 0; i < n; i++)
				sum[c] += (double)tick[c][i] * (double)tick[c][i];
		total += model->weight[c] * sum[c];
	}
	return total;
}

/* The highest of all channels in this tick; its past stands before it in the line. */
static float model_peak(struct master_model *model, const float *const *tick, uint32_t n)
{
	float envelope[MODEL_FRAMES_MAX + TRUEPEAK_GRAIN], highest = 0;

	for (uint32_t c = 0; c < model->n_channels; c++) {
		float *line = model->line + (size_t)c * model->line_frames;
		float peak;

		memcpy(line + TRUEPEAK_PAST, tick[c], n * sizeof(float));
		truepeak_envelope(&model->filter, line + TRUEPEAK_PAST, envelope, n);
		memmove(line, line + n, TRUEPEAK_PAST * sizeof(float));
		peak = truepeak_highest(envelope, n);
		highest = peak > highest ? peak : highest;
	}
	return highest;
}

static int model_no_room(const struct master_model *model, struct mixd_error *err)
{
	int error = errno ? errno : EIO;

	error_set(err, ERROR_RESOURCE, model->folder, "cannot write a temporary file: %s",
		  strerror(error));
	error_hint(err, "make room on the disk of the output: 12 kB for each second");
	return -error;
}

static int model_put(struct master_model *model, const float *const *tick, uint32_t n,
		     struct mixd_error *err)
{
	struct model_tick row;

	row.energy = (float)(model_energy(model, tick, n) / n);
	row.peak = model_peak(model, tick, n);
	if (fwrite(&row, sizeof(row), 1, model->file) != 1)
		return model_no_room(model, err);
	model->n_ticks++;
	return 0;
}

static int model_read(struct master *master, struct master_model *model,
		      struct master_source *source, float *const *channels, struct mixd_error *err)
{
	int r = master_source_rewind(source, err);
	uint64_t done = 0;

	while (r == 0) {
		/* Ticks of 29.4 frames are 29 and 30. */
		uint64_t end = (uint64_t)((double)(model->n_ticks + 1) * model->rate /
					  (double)MODEL_TICKS);
		int64_t n = master_source_read(source, channels, (uint32_t)(end - done), err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return fflush(model->file) == 0 ? 0 : model_no_room(model, err);
		r = model_put(model, (const float *const *)channels, (uint32_t)n, err);
		done += (uint64_t)n;
		if (r == 0 && model->n_ticks % 256 == 0) {
			task_progress(job_task(master->job), (double)done / model->rate,
				      (double)source->n_frames / model->rate);
			r = task_check(job_task(master->job), err);
		}
	}
	return r;
}

static int model_init(struct master_model *model, const char *folder,
		      const struct master_source *source, struct mixd_error *err)
{
	char path[4096];
	int fd;

	model->folder = folder;
	model->rate = source->rate;
	model->n_channels = source->layout.n_channels;
	model->line_frames = TRUEPEAK_PAST + MODEL_FRAMES_MAX + 2 * TRUEPEAK_GRAIN;
	model->line = calloc((size_t)model->n_channels * model->line_frames, sizeof(float));
	if (!model->line)
		return error_no_memory(err);
	snprintf(path, sizeof(path), "%s/.mixd.XXXXXX", folder);
	fd = mkostemp(path, 0);
	if (fd < 0)
		return error_set(err, ERROR_RESOURCE, folder, "cannot make a temporary file: %s",
				 strerror(errno));
	unlink(path);
	model->file = fdopen(fd, "w+");
	if (!model->file) {
		close(fd);
		return error_no_memory(err);
	}
	kweight_coef_init(&model->coef, model->rate);
	truepeak_filter_init(&model->filter, fmax(model->rate, 96000.0), MODEL_BETA);
	for (uint32_t c = 0; c < model->n_channels; c++)
		model->weight[c] = model->is_rms ? 1.0 / model->n_channels
						 : loudness_weight(&source->layout, c);
	return 0;
}

int master_model_new(struct master *master, struct master_source *source, bool is_rms,
		     struct master_model **ret, struct mixd_error *err)
{
	struct master_model *model = calloc(1, sizeof(*model));
	float *memory = NULL, *channels[MEDIA_CHANNELS_MAX];
	int r;

	if (!model)
		return error_no_memory(err);
	model->is_rms = is_rms;
	r = model_init(model, master->folder, source, err);
	if (r == 0)
		memory = malloc((size_t)model->n_channels * MODEL_FRAMES_MAX * sizeof(float));
	if (r == 0 && !memory)
		r = error_no_memory(err);
	for (uint32_t c = 0; r == 0 && c < model->n_channels; c++)
		channels[c] = memory + (size_t)c * MODEL_FRAMES_MAX;
	job_stage(master->job, "look ahead", master->request->name);
	if (r == 0)
		r = model_read(master, model, source, channels, err);
	free(memory);
	if (r < 0) {
		master_model_free(model);
		return r;
	}
	*ret = model;
	return 0;
}

/* ---- one drive -------------------------------------------------------------------------------- */

struct model_run {
	struct limitgain path;
	struct limitgain_release release;
	struct loudness_gate gate;
	double window[4]; /* energies of 100 ms */
	double hop; /* the one under way */
	uint64_t ticks;
	double total; /* mean square of all */
	float delay[MODEL_LOOKAHEAD_TICKS]; /* energies that wait for their gain */
	float lowest;
};

/* A tick's energy after its gain. */
static void model_take(struct model_run *run, double energy)
{
	run->total += energy;
	run->hop += energy;
	if (++run->ticks % MODEL_HOP_TICKS != 0)
		return;
	memmove(run->window, run->window + 1, 3 * sizeof(run->window[0]));
	run->window[3] = run->hop / MODEL_HOP_TICKS;
	run->hop = 0;
	if (run->ticks >= 4 * MODEL_HOP_TICKS)
		loudness_gate_block(
			&run->gate,
			(run->window[0] + run->window[1] + run->window[2] + run->window[3]) / 4);
}

static void model_run_chunk(struct model_run *run, const struct model_tick *tick, uint32_t n,
			    float drive, float ceiling)
{
	float demand[MODEL_CHUNK] = {0}, gain[MODEL_CHUNK];
	float lowest;

	for (uint32_t i = 0; i < n; i++) {
		float peak = tick[i].peak * drive;

		demand[i] = peak > ceiling ? ceiling / peak : 1.0f;
	}
	lowest = limitgain_run(&run->path, &run->release, demand, gain, n);
	run->lowest = lowest < run->lowest ? lowest : run->lowest;
	for (uint32_t i = 0; i < n; i++) {
		double factor = (double)gain[i] * (double)drive;

		model_take(run, (double)run->delay[0] * factor * factor);
		memmove(run->delay, run->delay + 1, sizeof(run->delay) - sizeof(run->delay[0]));
		run->delay[MODEL_LOOKAHEAD_TICKS - 1] = tick[i].energy;
	}
}

double master_model_level(struct master_model *model, double drive_db, double ceiling_dbtp,
			  double *ret_reduction_db)
{
	struct model_run *run = calloc(1, sizeof(*run));
	void *memory = calloc(1, limitgain_bytes(MODEL_LOOKAHEAD_TICKS, MODEL_HOLD_TICKS) + 64);
	struct model_tick *tick = malloc(MODEL_READ * sizeof(*tick));
	double level = NAN;
	size_t n;

	if (run && memory && tick) {
		limitgain_init(&run->path, MODEL_LOOKAHEAD_TICKS, MODEL_HOLD_TICKS,
			       (void *)(((uintptr_t)memory + 63) & ~(uintptr_t)63));
		limitgain_set_hold(&run->path, MODEL_HOLD_TICKS);
		run->release = limitgain_release_make((double)MODEL_TICKS, MODEL_RELEASE_MS, true);
		run->lowest = 1.0f;
		rewind(model->file);
		while ((n = fread(tick, sizeof(*tick), MODEL_READ, model->file)) > 0)
			for (size_t i = 0; i < n; i += MODEL_CHUNK)
				model_run_chunk(run, tick + i,
						n - i < MODEL_CHUNK ? (uint32_t)(n - i)
								    : MODEL_CHUNK,
						(float)pow(10, drive_db / 20),
						(float)pow(10, ceiling_dbtp / 20));
		if (model->is_rms)
			level = 10 * log10(run->total / (double)model->n_ticks);
		else
			level = loudness_gate_integrated(&run->gate, NULL);
		*ret_reduction_db = 20 * log10((double)run->lowest);
	}
	free(run);
	free(memory);
	free(tick);
	return level;
}

/* ---- the hardest seconds ------------------------------------------------------------------------ */

#define MODEL_NEAR 0.7 /* of the ceiling: 3 dB below */

struct model_second {
	uint32_t at, weight;
};

static int model_by_weight(const void *a, const void *b)
{
	const struct model_second *one = a, *other = b;

	return (one->weight < other->weight) - (one->weight > other->weight);
}

static int model_by_time(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

uint32_t master_model_hardest(struct master_model *model, double drive_db, double ceiling_dbtp,
			      uint32_t n, double *ret_at_s)
{
	uint32_t n_seconds = (uint32_t)(model->n_ticks / MODEL_TICKS) + 1, at = 0, found = 0;
	struct model_second *second = calloc(n_seconds, sizeof(*second));
	double near = pow(10, (ceiling_dbtp - drive_db) / 20) * MODEL_NEAR;
	struct model_tick tick;

	if (!second)
		return 0;
	rewind(model->file);
	for (; fread(&tick, sizeof(tick), 1, model->file) == 1; at++) {
		/* More than the ceiling weighs more: there the limiter's gain moves. */
		second[at / MODEL_TICKS].at = at / MODEL_TICKS;
		second[at / MODEL_TICKS].weight += (double)tick.peak > near ? 1 : 0;
		second[at / MODEL_TICKS].weight += (double)tick.peak > near / MODEL_NEAR ? 3 : 0;
	}
	qsort(second, n_seconds, sizeof(*second), model_by_weight);
	for (uint32_t i = 0; i < n_seconds && found < n && second[i].weight > 0; i++)
		ret_at_s[found++] = second[i].at;
	qsort(ret_at_s, found, sizeof(*ret_at_s), model_by_time);
	free(second);
	return found;
}

/* ---- seconds that stand for all ----------------------------------------------------------------- */

#define MODEL_GATE 0.1 /* of the mean: seconds below do not count (BS.1770-4, its relative gate) */

/* Energy of each second behind a limiter that had no time constants. */
static double *model_second_energies(struct master_model *model, double drive, double ceiling,
				     uint32_t *ret_n)
{
	uint32_t n = (uint32_t)((model->n_ticks + MODEL_TICKS - 1) / MODEL_TICKS), at = 0;
	double *energy = calloc(n + 1, sizeof(*energy));
	struct model_tick tick;

	rewind(model->file);
	for (; energy && fread(&tick, sizeof(tick), 1, model->file) == 1; at++) {
		double gain = fmin(drive, ceiling / fmax((double)tick.peak, 1e-9));

		energy[at / MODEL_TICKS] += (double)tick.energy * gain * gain;
	}
	*ret_n = n;
	return energy;
}

static double model_gate(double *energy, uint32_t n)
{
	double sum = 0, gate;

	for (uint32_t i = 0; i < n; i++)
		sum += energy[i];
	gate = n ? sum / n * MODEL_GATE : 0;
	sum = 0;
	for (uint32_t i = 0; i < n; i++) {
		energy[i] = energy[i] < gate ? 0 : energy[i];
		sum += energy[i];
	}
	return sum;
}

uint32_t master_model_spread(struct master_model *model, double drive_db, double ceiling_dbtp,
			     uint32_t n, double *ret_at_s)
{
	uint32_t n_seconds = 0, found = 0;
	double *energy = model_second_energies(model, pow(10, drive_db / 20),
					       pow(10, ceiling_dbtp / 20), &n_seconds);
	double sum = energy ? model_gate(energy, n_seconds) : 0, passed = 0;

	for (uint32_t i = 0; sum > 0 && i < n_seconds; i++) {
		passed += energy[i];
		while (found < n && passed >= (found + 0.5) / n * sum)
			ret_at_s[found++] = i;
	}
	free(energy);
	return found;
}
