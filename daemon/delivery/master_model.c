/* master_model.c - how loud a programme will be behind the limiter, without running it.
 *
 * SOURCE      The limiter of nodes/limiter: gain computation of nodes/dsp/limitgain, look-ahead,
 *             hold and the release that follows the programme. Loudness: ITU-R BS.1770-4, EBU Tech 3341.
 *             Regression estimates of what is known in parts: Cochran, Sampling Techniques (3rd ed., 1977), 7.
 * STRUCTURE   The source is read once: per tick of 2/3 ms the K-weighted energy (or, for specs that count
 *             RMS, the plain one) and the highest true peak of any channel, measure_fine.c. A gain that
 *             changes slowly against the K filter multiplies that energy by its square; so for any drive
 *             the limiter's gain computation runs over ticks, a small part of the frames, and
 *             gates and sums give the level. What it cannot know (peaks between two ticks, the gain
 *             within one) is below 0.1 LU; the real pass measures, and the next one corrects.
 * CODECS      What an encoder leaves of a programme's energy depends on how much of it is high: a low-pass
 *             takes that, and noise allocation most of the rest. A few seconds that went through it give
 *             the line kept = a + b high / energy, all hops of 100 ms get theirs from it, and gates see
 *             the result: near them a little loss decides whether a quiet part counts at all. */
#include "master_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "limitgain.h"
#include "loudness.h"

/* Ticks are short enough for the limiter's window of 11.5 ms to be no less than SLIDEMIN_CHUNK of them. */
#define MODEL_TICKS 1500u /* a second */
#define MODEL_HOPS 10u /* of loudness, a second */
enum { MODEL_HOP_TICKS = MODEL_TICKS / MODEL_HOPS };
#define MODEL_LOOKAHEAD_TICKS 2u /* 1.5 ms less what lies within a tick */
#define MODEL_HOLD_TICKS 16u /* 10 ms, and what fits the limiter best: ticks are coarse */
#define MODEL_RELEASE_MS 80.0
#define MODEL_READ 4096u /* ticks */
#define MODEL_CHUNK 128u
#define MODEL_KEPT_MAX 1.5 /* no codec makes more of anything */

struct master_model {
	FILE *file; /* of measure_fine_row: an hour has 43 MB of them */
	const char *folder; /* borrowed: where it lies */
	uint64_t n_ticks, n_high;
	bool is_rms;
	int failure; /* errno while reading */
	/* Of each hop of 100 ms: sums over its ticks. */
	float *energy, *high;
	size_t room; /* hops */
	/* What a codec keeps of a hop's energy: kept + kept_high * high / energy. */
	double kept, kept_high;
};

struct master_model *master_model_free(struct master_model *model)
{
	if (!model)
		return NULL;
	if (model->file)
		fclose(model->file);
	free(model->energy);
	free(model->high);
	free(model);
	return NULL;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static bool model_grow(struct master_model *model, size_t hops)
{
	size_t room = model->room ? model->room : 1024;
	float *energy, *high;

	while (room < hops)
		room *= 2;
	if (room == model->room)
		return true;
	energy = realloc(model->energy, room * sizeof(float));
	model->energy = energy ? energy : model->energy;
	high = realloc(model->high, room * sizeof(float));
	model->high = high ? high : model->high;
	if (!energy || !high)
		return false;
	memset(energy + model->room, 0, (room - model->room) * sizeof(float));
	memset(high + model->room, 0, (room - model->room) * sizeof(float));
	model->room = room;
	return true;
}

static void model_take_rows(void *data, const struct measure_fine_row *row, uint32_t n_rows,
			    const float *high, uint32_t n_high)
{
	struct master_model *model = data;

	if (model->failure)
		return;
	if (!model_grow(model, (model->n_ticks + n_rows) / MODEL_HOP_TICKS + 2)) {
		model->failure = ENOMEM;
		return;
	}
	for (uint32_t i = 0; i < n_rows; i++)
		model->energy[(model->n_ticks + i) / MODEL_HOP_TICKS] += row[i].energy;
	for (uint32_t i = 0; i < n_high; i++)
		model->high[(model->n_high + i) / MODEL_HOPS] += high[i];
	model->n_ticks += n_rows;
	model->n_high += n_high;
	errno = 0;
	if (fwrite(row, sizeof(*row), n_rows, model->file) != n_rows)
		model->failure = errno ? errno : EIO;
}

static int model_check(struct master_model *model, struct mixd_error *err)
{
	errno = 0;
	if (model->failure == 0 && fflush(model->file) != 0)
		model->failure = errno ? errno : EIO;
	if (model->failure == ENOMEM)
		return error_no_memory(err);
	if (model->failure == 0)
		return 0;
	error_set(err, ERROR_RESOURCE, model->folder, "cannot write a temporary file: %s",
		  strerror(model->failure));
	error_hint(err, "make room on the disk of the output: 12 kB for each second");
	return -model->failure;
}

static int model_init(struct master_model *model, const char *folder, struct mixd_error *err)
{
	int fd = spool_file(folder);

	model->folder = folder;
	model->kept = 1;
	if (fd < 0)
		return error_set(err, ERROR_RESOURCE, folder, "cannot make a temporary file: %s",
				 strerror(errno));
	model->file = fdopen(fd, "w+");
	if (!model->file) {
		close(fd);
		return error_no_memory(err);
	}
	return 0;
}

int master_model_new(struct master *master, struct master_source *source, bool is_rms, double above,
		     struct master_model **ret, struct mixd_error *err)
{
	struct master_model *model = calloc(1, sizeof(*model));
	struct measure_fine fine = {model_take_rows, model, (float)above, is_rms, true};
	struct measure_result unused = {0};
	int r;

	if (!model)
		return error_no_memory(err);
	model->is_rms = is_rms;
	r = model_init(model, master->folder, err);
	job_stage(master->job, "look ahead", master->request->name);
	if (r == 0)
		r = master_source_measure(master, source, 0, &fine, &unused, err);
	measure_result_done(&unused);
	if (r == 0)
		r = model_check(model, err);
	if (r < 0) {
		master_model_free(model);
		return r;
	}
	*ret = model;
	return 0;
}

/* ---- what a codec keeps ------------------------------------------------------------------------ */

static double model_kept(const struct master_model *model, uint64_t hop)
{
	double energy = hop < model->room ? (double)model->energy[hop] : 0;
	double share = energy > 0 ? (double)model->high[hop] / energy : 0;

	return fmax(0, fmin(model->kept + model->kept_high * share, MODEL_KEPT_MAX));
}

/* The share of what is high in HOPS from FIRST on. */
static double model_high(const struct master_model *model, uint64_t first, uint32_t hops)
{
	double energy = 0, high = 0;

	for (uint64_t h = first; h < first + hops && h < model->room; h++) {
		energy += (double)model->energy[h];
		high += (double)model->high[h];
	}
	return energy > 0 ? high / energy : 0;
}

/* Least squares, weighted by energy; a constant where all parts have the same share. */
void master_model_learn(struct master_model *model, const struct master_heard *part, uint32_t n)
{
	double w = 0, x = 0, y = 0, xx = 0, xy = 0, slope = 0;

	for (uint32_t i = 0; i < n; i++) {
		double share = model_high(model, (uint64_t)llround(part[i].at_s * MODEL_HOPS),
					  (uint32_t)lround(part[i].length_s * MODEL_HOPS));

		if (!(part[i].plain > 0))
			continue;
		w += part[i].plain;
		x += share * part[i].plain;
		y += part[i].coded;
		xx += share * share * part[i].plain;
		xy += share * part[i].coded;
	}
	if (!(w > 0))
		return;
	xx -= x * x / w;
	xy -= x * y / w;
	if (xx > 1e-6 * x * x / w)
		slope = fmin(0, xy / xx); /* what is high is kept less, if anything */
	model->kept = (y - slope * x) / w;
	model->kept_high = slope;
}

/* ---- one drive -------------------------------------------------------------------------------- */

struct model_run {
	struct limitgain path;
	struct limitgain_release release;
	struct loudness_gate gate;
	const struct master_model *model;
	double window[4]; /* energies of 100 ms */
	double hop; /* the one under way */
	uint64_t ticks;
	double total; /* mean square of all hops so far */
	float delay[MODEL_LOOKAHEAD_TICKS]; /* energies that wait for their gain */
	float lowest;
};

/* A tick's energy after its gain. */
static void model_take(struct model_run *run, double energy)
{
	run->hop += energy;
	if (++run->ticks % MODEL_HOP_TICKS != 0)
		return;
	run->hop *= model_kept(run->model, run->ticks / MODEL_HOP_TICKS - 1);
	run->total += run->hop;
	memmove(run->window, run->window + 1, 3 * sizeof(run->window[0]));
	run->window[3] = run->hop / MODEL_HOP_TICKS;
	run->hop = 0;
	if (run->ticks >= 4 * MODEL_HOP_TICKS)
		loudness_gate_block(
			&run->gate,
			(run->window[0] + run->window[1] + run->window[2] + run->window[3]) / 4);
}

static void model_run_chunk(struct model_run *run, const struct measure_fine_row *tick, uint32_t n,
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
	struct measure_fine_row *tick = malloc(MODEL_READ * sizeof(*tick));
	double level = NAN;
	size_t n;

	if (run && memory && tick) {
		limitgain_init(&run->path, MODEL_LOOKAHEAD_TICKS, MODEL_HOLD_TICKS,
			       (void *)(((uintptr_t)memory + 63) & ~(uintptr_t)63));
		limitgain_set_hold(&run->path, MODEL_HOLD_TICKS);
		run->release = limitgain_release_make((double)MODEL_TICKS, MODEL_RELEASE_MS, true);
		run->lowest = 1.0f;
		run->model = model;
		rewind(model->file);
		while ((n = fread(tick, sizeof(*tick), MODEL_READ, model->file)) > 0)
			for (size_t i = 0; i < n; i += MODEL_CHUNK)
				model_run_chunk(run, tick + i,
						n - i < MODEL_CHUNK ? (uint32_t)(n - i)
								    : MODEL_CHUNK,
						(float)pow(10, drive_db / 20),
						(float)pow(10, ceiling_dbtp / 20));
		if (model->is_rms)
			level = 10 * log10((run->total + run->hop * model->kept) /
					   (double)model->n_ticks);
		else
			level = loudness_gate_integrated(&run->gate, NULL);
		*ret_reduction_db = 20 * log10((double)run->lowest);
	}
	free(run);
	free(memory);
	free(tick);
	return level;
}

/* ---- seconds to try a codec with ---------------------------------------------------------------- */

#define MODEL_NEAR 0.7 /* of the ceiling: 3 dB below */
#define MODEL_GATE                                                                                 \
	0.05 /* of the mean: what is lower is below the relative gate of BS.1770-4, surely */

struct model_second {
	uint32_t at, weight; /* how often it is near the ceiling */
	double top; /* its highest peak, linear */
	double energy; /* behind a limiter that had no time constants */
	double share; /* of what is high */
};

/* Of all whole seconds (or of what there is). Returned. */
static struct model_second *model_seconds(struct master_model *model, double drive_db,
					  double ceiling_dbtp, uint32_t *ret_n)
{
	uint32_t n_seconds = (uint32_t)(model->n_ticks / MODEL_TICKS), at = 0, n;
	double drive = pow(10, drive_db / 20), ceiling = pow(10, ceiling_dbtp / 20);
	struct measure_fine_row tick[MODEL_CHUNK];
	struct model_second *second;

	n_seconds = n_seconds ? n_seconds : 1;
	second = calloc(n_seconds, sizeof(*second));
	rewind(model->file);
	while (second && (n = (uint32_t)fread(tick, sizeof(*tick), MODEL_CHUNK, model->file)) > 0)
		for (uint32_t i = 0; i < n && at < n_seconds * MODEL_TICKS; i++, at++) {
			struct model_second *this = &second[at / MODEL_TICKS];
			double peak = (double)tick[i].peak * drive;
			double gain = peak > ceiling ? drive * ceiling / peak : drive;

			/* More than the ceiling weighs more: there the limiter's gain moves. */
			this->at = at / MODEL_TICKS;
			this->weight += peak > ceiling * MODEL_NEAR ? 1 : 0;
			this->weight += peak > ceiling ? 3 : 0;
			this->top = fmax(this->top, peak);
			this->energy += (double)tick[i].energy * gain * gain;
		}
	*ret_n = n_seconds;
	return second;
}

static int model_by_weight(const void *a, const void *b)
{
	const struct model_second *one = a, *other = b;

	if (one->weight != other->weight)
		return one->weight < other->weight ? 1 : -1;
	return (one->at > other->at) - (one->at < other->at);
}

static int model_by_top(const void *a, const void *b)
{
	const struct model_second *one = a, *other = b;

	if (one->top < other->top || one->top > other->top)
		return one->top < other->top ? 1 : -1;
	return (one->at > other->at) - (one->at < other->at);
}

static int model_by_time(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

uint32_t master_model_hardest(struct master_model *model, double drive_db, double ceiling_dbtp,
			      uint32_t n, double *ret_at_s)
{
	uint32_t n_seconds = 0, found = 0;
	struct model_second *second = model_seconds(model, drive_db, ceiling_dbtp, &n_seconds);

	if (!second)
		return 0;
	/* Half of them where the limiter works all the time, half where it works hardest. */
	qsort(second, n_seconds, sizeof(*second), model_by_weight);
	for (uint32_t i = 0; i < n_seconds && found < n / 2 && second[i].weight > 0; i++) {
		ret_at_s[found++] = second[i].at;
		second[i].top = 0;
	}
	qsort(second, n_seconds, sizeof(*second), model_by_top);
	for (uint32_t i = 0; i < n_seconds && found < n && second[i].weight > 0; i++)
		if (second[i].top > 0)
			ret_at_s[found++] = second[i].at;
	qsort(ret_at_s, found, sizeof(*ret_at_s), model_by_time);
	free(second);
	return found;
}

static int model_by_share(const void *a, const void *b)
{
	const struct model_second *one = a, *other = b;

	if (one->share < other->share || one->share > other->share)
		return one->share < other->share ? -1 : 1;
	return (one->at > other->at) - (one->at < other->at);
}

/* Those above the gate come first. Returns how many there are; *ret_sum: their energy. */
static uint32_t model_gate(struct model_second *second, uint32_t n, double *ret_sum)
{
	double sum = 0, gate;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += second[i].energy;
	gate = n ? sum / n * MODEL_GATE : 0;
	*ret_sum = 0;
	for (uint32_t i = 0; i < n; i++)
		if (second[i].energy > 0 && second[i].energy >= gate) {
			*ret_sum += second[i].energy;
			second[kept++] = second[i];
		}
	return kept;
}

uint32_t master_model_spread(struct master_model *model, double drive_db, double ceiling_dbtp,
			     uint32_t n, double *ret_at_s)
{
	uint32_t n_seconds = 0, found = 0, stratum = 0;
	struct model_second *second = model_seconds(model, drive_db, ceiling_dbtp, &n_seconds);
	double sum = 0, passed = 0;

	n_seconds = second ? model_gate(second, n_seconds, &sum) : 0;
	for (uint32_t i = 0; i < n_seconds; i++)
		second[i].share =
			model_high(model, (uint64_t)second[i].at * MODEL_HOPS, MODEL_HOPS);
	if (n_seconds)
		qsort(second, n_seconds, sizeof(*second), model_by_share);
	for (uint32_t i = 0; i < n_seconds; i++) {
		bool is_taken = false;

		passed += second[i].energy / sum + 1.0 / n_seconds;
		for (; stratum < n && passed >= (stratum + 0.5) / n * 2; stratum++)
			is_taken = true;
		if (is_taken)
			ret_at_s[found++] = second[i].at;
	}
	qsort(ret_at_s, found, sizeof(*ret_at_s), model_by_time);
	free(second);
	return found;
}
