/* EBU Tech 3341 and 3342: every signal of ebu_tests.tsv that can be made in code, through the
 * `loudness` node (blocks of 16 to 8192 frames, and one big block: equal to the bit) and through
 * the offline kernel, and as a file is measured (delivery/measure.h), at 44.1, 48, 96 and 192 kHz;
 * loudness also against libebur128. */
#include <ebur128.h>

#include "graph_layout.h"
#include "loudness.h"
#include "measure.h"
#include "node_host.h"
#include "test.h"
#include "truepeak.h"

#define EBU_ROWS_MAX 128
#define EBU_CHANNELS_MAX 6
#define EBU_BEYOND 64 /* zeros before and behind the true-peak signals */

struct ebu_row {
	char id[16], layout[32], kind[16], metric[24];
	char *signal, *expected;
	double tol_minus, tol_plus;
	bool is_external;
};

static struct ebu_row ebu_rows[EBU_ROWS_MAX];
static uint32_t ebu_n_rows;

struct ebu_sound {
	double rate;
	uint32_t n_channels, n_frames;
	float *channel[EBU_CHANNELS_MAX]; /* equal channels share memory */
	float *memory[EBU_CHANNELS_MAX];
};

static void ebu_load(void)
{
	static char line[1 << 16];
	FILE *file;

	if (ebu_n_rows)
		return;
	file = fopen(MIXD_TEST_EBU, "r");

	CHECK(file, "%s: cannot read", MIXD_TEST_EBU);
	while (fgets(line, sizeof(line), file)) {
		char *at = line, *field[14];
		struct ebu_row *row = &ebu_rows[ebu_n_rows];

		for (uint32_t k = 0; k < 14; k++)
			field[k] = at ? strsep(&at, "\t") : (char *)"";
		if (strncmp(field[0], "334", 3) != 0)
			continue;
		CHECK(ebu_n_rows < EBU_ROWS_MAX);
		snprintf(row->id, sizeof(row->id), "%s", field[0]);
		snprintf(row->layout, sizeof(row->layout), "%s", field[4]);
		snprintf(row->kind, sizeof(row->kind), "%s", field[5]);
		snprintf(row->metric, sizeof(row->metric), "%s", field[8]);
		row->signal = strdup(field[6]);
		row->expected = strdup(field[9]);
		row->tol_minus = atof(field[10]);
		row->tol_plus = atof(field[11]);
		row->is_external = strcmp(field[12], "yes") != 0;
		ebu_n_rows++;
	}
	fclose(file);
}

/* ---- synthesis ------------------------------------------------------------------------------ */

static uint32_t ebu_frames(double seconds, double rate)
{
	return (uint32_t)lrint(seconds * rate);
}

/* freq|level[/level...]|seconds;... : sines of the running sample index. */
static void ebu_make_tones(struct ebu_sound *sound, const char *signal)
{
	uint32_t period = (uint32_t)(sound->rate / 100.0), at = 0, n_levels = 1;
	float *table = malloc(period * sizeof(float));
	char *text = strdup(signal), *save = NULL;
	double total = 0.0;

	for (char *part = strtok_r(text, ";", &save); part; part = strtok_r(NULL, ";", &save))
		total += atof(strrchr(part, '|') + 1);
	sound->n_frames = ebu_frames(total, sound->rate);
	for (const char *c = signal; *c && *c != ';'; c++)
		n_levels += *c == '/';
	for (uint32_t c = 0; c < sound->n_channels; c++) {
		if (c < n_levels)
			sound->memory[c] = calloc(sound->n_frames, sizeof(float));
		sound->channel[c] = sound->memory[c < n_levels ? c : 0];
	}
	for (uint32_t i = 0; i < period; i++)
		table[i] = (float)sin(2.0 * M_PI * 10.0 * i / period);
	free(text);
	text = strdup(signal);
	total = 0.0;
	for (char *part = strtok_r(text, ";", &save); part; part = strtok_r(NULL, ";", &save)) {
		char *levels = strchr(part, '|') + 1, *seconds = strrchr(part, '|') + 1;
		uint32_t end;

		total += atof(seconds);
		end = ebu_frames(total, sound->rate);
		CHECK(atof(part) == 1000.0 || atof(part) == 0.0, "the table is for 1 kHz");
		for (uint32_t c = 0; c < n_levels; c++) {
			double level = strtod(levels, &levels);
			float gain = atof(part) > 0.0 ? (float)pow(10.0, level / 20.0) : 0.0f;

			levels++;
			for (uint32_t i = at; i < end && i < sound->n_frames && gain > 0.0f; i++)
				sound->memory[c][i] = gain * table[i % period];
		}
		at = end;
	}
	free(text);
	free(table);
}

static double ebu_fade(double t, double seconds, double fade)
{
	return fmin(1.0, fmin(t, seconds - t) / fade);
}

/* fs/k -> k */
static double ebu_divisor(const char *text)
{
	CHECK(strncmp(text, "fs/", 3) == 0, "%s", text);
	return atof(text + 3);
}

static void ebu_split(char *text, char *field[8])
{
	for (uint32_t k = 0; k < 8; k++)
		field[k] = text ? strsep(&text, "|") : (char *)"";
}

/* freq|amplitude|phase|seconds|fade=s */
static void ebu_make_sine(struct ebu_sound *sound, char *field[8])
{
	double divisor = ebu_divisor(field[0]), amplitude = atof(field[1]);
	double phase = atof(field[2]) * M_PI / 180.0, seconds = atof(field[3]);

	for (uint32_t i = 0; i + 2 * EBU_BEYOND < sound->n_frames; i++)
		sound->memory[0][EBU_BEYOND + i] =
			(float)(amplitude * sin(2.0 * M_PI * i / divisor + phase) *
				ebu_fade(i / sound->rate, seconds, 0.010));
}

static double ebu_bessel(double x)
{
	double sum = 1.0, term = 1.0;

	for (uint32_t k = 1; k < 80; k++)
		sum += term *= (x / (2.0 * k)) * (x / (2.0 * k));
	return sum;
}

/* base|amp|burst|amp|multiple|offset|seconds|fade: made at 4 fs, low-passed, decimated. */
static void ebu_make_burst(struct ebu_sound *sound, char *field[8])
{
	uint32_t multiple = (uint32_t)atoi(field[4]), offset = (uint32_t)atoi(field[5]);
	uint32_t base = (uint32_t)(ebu_divisor(field[0]) * multiple);
	uint32_t burst = (uint32_t)(ebu_divisor(field[2]) * multiple);
	double seconds = atof(field[6]), tap[513], sum = 0.0;
	uint32_t n = ebu_frames(seconds, sound->rate) * multiple;
	uint32_t start = n / 2 / base * base;
	double *fine = calloc(n, sizeof(double));

	for (uint32_t i = 0; i < n; i++) {
		bool inside = i >= start && i < start + burst;
		uint32_t k = i < start ? i : inside ? i - start : i - start - burst;

		fine[i] = atof(field[inside ? 3 : 1]) *
			  sin(2.0 * M_PI * k / (inside ? burst : base)) *
			  ebu_fade(i / (sound->rate * multiple), seconds, 0.010);
	}
	for (int32_t k = -256; k <= 256; k++) {
		double x = 0.95 / multiple * k, u = k / 256.0;

		tap[k + 256] = (k ? sin(M_PI * x) / (M_PI * x) : 1.0) *
			       ebu_bessel(9.0 * sqrt(1.0 - u * u));
		sum += tap[k + 256];
	}
	for (uint32_t i = 0; i + 2 * EBU_BEYOND < sound->n_frames; i++) {
		int64_t centre = (int64_t)i * multiple + offset;
		double value = 0.0;

		for (int32_t k = -256; k <= 256; k++)
			if (centre + k >= 0 && centre + k < (int64_t)n)
				value += tap[k + 256] * fine[centre + k];
		sound->memory[0][EBU_BEYOND + i] = (float)(value / sum);
	}
	free(fine);
}

static void ebu_make(struct ebu_sound *sound, const struct ebu_row *row, double rate)
{
	memset(sound, 0, sizeof(*sound));
	sound->rate = rate;
	sound->n_channels = 1;
	for (const char *c = row->layout; *c; c++)
		sound->n_channels += *c == ',';
	if (strcmp(row->kind, "tones") == 0) {
		ebu_make_tones(sound, row->signal);
	} else {
		char *text = strdup(row->signal), *field[8];
		bool is_sine = strcmp(row->kind, "tp_sine") == 0;

		ebu_split(text, field);
		sound->n_frames = ebu_frames(atof(field[is_sine ? 3 : 6]), rate) + 2 * EBU_BEYOND;
		sound->memory[0] = calloc(sound->n_frames, sizeof(float));
		for (uint32_t c = 0; c < sound->n_channels; c++)
			sound->channel[c] = sound->memory[0];
		if (is_sine)
			ebu_make_sine(sound, field);
		else
			ebu_make_burst(sound, field);
		free(text);
	}
}

static void ebu_drop(struct ebu_sound *sound)
{
	for (uint32_t c = 0; c < EBU_CHANNELS_MAX; c++)
		free(sound->memory[c]);
}

/* ---- measuring ------------------------------------------------------------------------------ */

struct ebu_result {
	double m, s, i, lra, tp, m_max, s_max; /* at the end */
	double m_low, m_high, s_low, s_high; /* every 10 ms, after 1 s and 3 s */
	double slot[32]; /* maxima of slots */
};

/* Seconds of a slot when the metric is one value per slot, else 0. */
static double ebu_slot_s(const struct ebu_row *row)
{
	const char *per = strstr(row->metric, "_per_");

	return per ? atof(per + 5) : 0.0;
}

/* 5.0 goes through a node of 5.1 whose LFE is silent. */
static const char *ebu_layout(const struct ebu_sound *sound)
{
	return sound->n_channels == 2 ? "stereo" : "5.1";
}

static void ebu_feed(struct node_host *host, const struct ebu_sound *sound, uint32_t first,
		     uint32_t n_frames)
{
	const float *in[EBU_CHANNELS_MAX] = {NULL};
	float *out[EBU_CHANNELS_MAX] = {NULL};

	for (uint32_t c = 0; c < sound->n_channels; c++)
		in[c + (sound->n_channels == 5 && c >= 3)] = sound->channel[c] + first;
	node_host_process(host, in, out, n_frames);
}

static void ebu_read(const struct node_host *host, struct ebu_result *result)
{
	result->m = node_host_meter(host, 0, "m");
	result->s = node_host_meter(host, 0, "s");
	result->i = node_host_meter(host, 0, "i");
	result->lra = node_host_meter(host, 0, "lra");
	result->tp = node_host_meter(host, 0, "tp");
	result->m_max = node_host_meter(host, 0, "m_max");
	result->s_max = node_host_meter(host, 0, "s_max");
}

/* Blocks of BLOCK frames, 0: random from 16 to 8192; restarts at slots. */
static void ebu_run_node(const struct ebu_sound *sound, const struct ebu_row *row, uint32_t block,
			 struct ebu_result *result)
{
	struct node_host *host =
		node_host_open("loudness", &(struct node_host_setup){.rate = sound->rate,
								     .layout = ebu_layout(sound)});
	double slot_s = ebu_slot_s(row);
	uint32_t first = 0, slot = 0;

	while (first < sound->n_frames) {
		uint32_t n = block ? block : 16 + test_random_below(8192 - 16 + 1);
		uint32_t end = slot_s > 0.0 ? ebu_frames(slot_s * (slot + 1), sound->rate)
					    : sound->n_frames;

		n = n < end - first ? n : end - first;
		ebu_feed(host, sound, first, n);
		first += n;
		if (first == end && slot_s > 0.0) {
			result->slot[slot] =
				node_host_meter(host, 0, row->metric[0] == 'S' ? "s_max" : "m_max");
			node_host_set(host, 0, "reset", ++slot);
		}
	}
	ebu_read(host, result);
	node_host_free(host);
}

static void ebu_poll(const struct ebu_sound *sound, struct ebu_result *result)
{
	struct node_host *host =
		node_host_open("loudness", &(struct node_host_setup){.rate = sound->rate,
								     .layout = ebu_layout(sound)});
	uint32_t tick = (uint32_t)(sound->rate / 100.0);

	result->m_low = result->s_low = INFINITY;
	result->m_high = result->s_high = -INFINITY;
	for (uint32_t first = 0; first + tick <= sound->n_frames; first += tick) {
		ebu_feed(host, sound, first, tick);
		if (first + tick >= sound->rate) {
			result->m_low = fmin(result->m_low, node_host_meter(host, 0, "m"));
			result->m_high = fmax(result->m_high, node_host_meter(host, 0, "m"));
		}
		if (first + tick >= 3.0 * sound->rate) {
			result->s_low = fmin(result->s_low, node_host_meter(host, 0, "s"));
			result->s_high = fmax(result->s_high, node_host_meter(host, 0, "s"));
		}
	}
	node_host_free(host);
}

/* The kernels as a file would be measured. */
static void ebu_run_offline(const struct ebu_sound *sound, const struct ebu_row *row,
			    struct ebu_result *result)
{
	static struct loudness loudness;
	double weight[EBU_CHANNELS_MAX] = {1.0, 1.0, 1.0, 1.41, 1.41, 1.41};
	double slot_s = ebu_slot_s(row);
	uint32_t n_slots = slot_s > 0.0 ? (uint32_t)(sound->n_frames / (slot_s * sound->rate)) : 1;

	if (sound->n_channels == 6)
		weight[3] = 0.0;
	loudness_init(&loudness, sound->rate, sound->n_channels, weight);
	for (uint32_t slot = 0; slot < n_slots; slot++) {
		const float *in[EBU_CHANNELS_MAX];
		uint32_t from = slot_s > 0.0 ? ebu_frames(slot_s * slot, sound->rate) : 0;
		uint32_t to = slot_s > 0.0 ? ebu_frames(slot_s * (slot + 1), sound->rate)
					   : sound->n_frames;

		for (uint32_t c = 0; c < sound->n_channels; c++)
			in[c] = sound->channel[c] + from;
		loudness_restart(&loudness);
		loudness_feed_all(&loudness, in, to - from);
		result->slot[slot] = loudness_from_energy(
			row->metric[0] == 'S' ? loudness.shortterm_max : loudness.momentary_max);
	}
	result->m = loudness_from_energy(loudness.momentary);
	result->s = loudness_from_energy(loudness.shortterm);
	result->m_max = loudness_from_energy(loudness.momentary_max);
	result->s_max = loudness_from_energy(loudness.shortterm_max);
	result->i = loudness_gate_integrated(&loudness.gate, NULL);
	result->lra = loudness_gate_lra(&loudness.gate);
}

static double ebu_offline_peak(const struct ebu_sound *sound)
{
	struct truepeak_filter filter;
	float *padded = calloc(sound->n_frames + 64, sizeof(float));
	float *envelope = calloc(sound->n_frames + 64, sizeof(float));
	double peak;

	truepeak_filter_init(&filter, sound->rate, 7.0);
	memcpy(padded + 32, sound->channel[0], sound->n_frames * sizeof(float));
	truepeak_envelope(&filter, padded + 32, envelope, sound->n_frames);
	peak = truepeak_highest(envelope, sound->n_frames);
	free(padded);
	free(envelope);
	return 20.0 * log10(peak);
}

/* Frames [FIRST, END) as a programme of its own. */
static struct measure_result ebu_measure(const struct ebu_sound *sound, uint32_t first,
					 uint32_t end, struct ebu_result *result)
{
	struct measure *measure = NULL;
	struct measure_options options;
	struct measure_result measured;
	const float *in[EBU_CHANNELS_MAX];

	for (uint32_t c = 0; c < sound->n_channels; c++)
		in[c] = sound->channel[c] + first;
	measure_options_init(&options);
	options.what = MEASURE_LOUDNESS | MEASURE_TRUE_PEAK | MEASURE_SERIES;
	CHECK(measure_new(sound->rate,
			  graph_layout_find(sound->n_channels == 2   ? "stereo"
					    : sound->n_channels == 5 ? "5.0"
								     : "5.1",
					    NULL),
			  &options, &measure, NULL) == 0);
	measure_feed(measure, in, end - first);
	CHECK(measure_finish(measure, &measured) == 0);
	measure_free(measure);
	result->m_max = measured.momentary_max;
	result->s_max = measured.shortterm_max;
	result->i = measured.integrated;
	result->lra = measured.range;
	result->tp = measured.true_peak;
	return measured;
}

static void ebu_run_measure(const struct ebu_sound *sound, const struct ebu_row *row,
			    struct ebu_result *result)
{
	double slot_s = ebu_slot_s(row);
	struct measure_result measured;

	for (uint32_t slot = 0; slot_s > 0.0 && slot < 20; slot++) {
		measured = ebu_measure(sound, ebu_frames(slot_s * slot, sound->rate),
				       ebu_frames(slot_s * (slot + 1), sound->rate), result);
		result->slot[slot] = row->metric[0] == 'S' ? result->s_max : result->m_max;
		measure_result_done(&measured);
	}
	measured = ebu_measure(sound, 0, sound->n_frames, result);
	result->m_low = result->s_low = INFINITY;
	result->m_high = result->s_high = -INFINITY;
	for (uint32_t k = 9; k < measured.n_series; k++) {
		result->m = (double)measured.momentary[k];
		result->m_low = fmin(result->m_low, result->m);
		result->m_high = fmax(result->m_high, result->m);
		if (k < 29)
			continue;
		result->s = (double)measured.shortterm[k];
		result->s_low = fmin(result->s_low, result->s);
		result->s_high = fmax(result->s_high, result->s);
	}
	measure_result_done(&measured);
}

/* ---- judging -------------------------------------------------------------------------------- */

static double ebu_pick(const struct ebu_row *row, const struct ebu_result *result)
{
	static const struct {
		const char *metric;
		size_t offset;
	} picks[] = {
		{"M_end", offsetof(struct ebu_result, m)},
		{"S_end", offsetof(struct ebu_result, s)},
		{"I", offsetof(struct ebu_result, i)},
		{"LRA", offsetof(struct ebu_result, lra)},
		{"TP", offsetof(struct ebu_result, tp)},
		{"M_max", offsetof(struct ebu_result, m_max)},
		{"S_max", offsetof(struct ebu_result, s_max)},
		{"M_min_after_1s", offsetof(struct ebu_result, m_low)},
		{"M_max_after_1s", offsetof(struct ebu_result, m_high)},
		{"S_min_after_3s", offsetof(struct ebu_result, s_low)},
		{"S_max_after_3s", offsetof(struct ebu_result, s_high)},
	};

	for (uint32_t k = 0; k < sizeof(picks) / sizeof(picks[0]); k++)
		if (strcmp(picks[k].metric, row->metric) == 0)
			return *(const double *)((const char *)result + picks[k].offset);
	CHECK(false, "%s: unknown metric", row->metric);
	return 0.0;
}

static void ebu_judge(const struct ebu_row *row, const struct ebu_result *result, double rate,
		      const char *how, double *worst)
{
	const char *expected = row->expected;
	uint32_t n = 0;

	for (char *end; *expected; expected = *end == ',' ? end + 1 : end, n++) {
		double want = strtod(expected, &end);
		double got = strstr(row->metric, "_per_") ? result->slot[n] : ebu_pick(row, result);

		CHECK(got >= want - row->tol_minus - 1e-6 && got <= want + row->tol_plus + 1e-6,
		      "%s %s %s at %g Hz: %.3f, want %.3f -%.1f +%.1f", row->id, row->metric, how,
		      rate, got, want, row->tol_minus, row->tol_plus);
		*worst = fmax(*worst, fabs(got - want) / fmax(row->tol_minus, row->tol_plus));
	}
}

static void ebu_cross_check(const struct ebu_sound *sound, const struct ebu_row *row,
			    const struct ebu_result *result)
{
	ebur128_state *oracle = ebur128_init(sound->n_channels, (unsigned long)sound->rate,
					     EBUR128_MODE_I | EBUR128_MODE_S);
	float *frame = malloc(sizeof(float) * sound->n_frames * sound->n_channels);
	double i = 0.0, s = 0.0;

	for (uint32_t k = 0; k < sound->n_frames; k++)
		for (uint32_t c = 0; c < sound->n_channels; c++)
			frame[k * sound->n_channels + c] = sound->channel[c][k];
	ebur128_add_frames_float(oracle, frame, sound->n_frames);
	ebur128_loudness_global(oracle, &i);
	ebur128_loudness_shortterm(oracle, &s);
	if (isfinite(i))
		CHECK(fabs(result->i - i) <= 0.02, "%s at %g Hz: I %.4f, libebur128 %.4f", row->id,
		      sound->rate, result->i, i);
	if (s > -70.0 && sound->n_frames >= 3.0 * sound->rate)
		CHECK(fabs(result->s - s) <= 0.02, "%s at %g Hz: S %.4f, libebur128 %.4f", row->id,
		      sound->rate, result->s, s);
	ebur128_destroy(&oracle);
	free(frame);
}

static void ebu_check_group(const struct ebu_row *row, uint32_t n, double rate, double *worst)
{
	struct ebu_sound sound;
	struct ebu_result node = {0}, big = {0}, offline = {0}, file = {0};
	bool is_peak = strcmp(row->metric, "TP") == 0, is_polled = false;

	ebu_make(&sound, row, rate);
	for (uint32_t k = 0; k < n; k++)
		is_polled = is_polled || strstr(row[k].metric, "_after_");
	ebu_run_node(&sound, row, 0, &node);
	ebu_run_node(&sound, row, sound.n_frames, &big);
	CHECK(memcmp(&node, &big, sizeof(node)) == 0, "%s at %g Hz: blocks change the result",
	      row->id, rate);
	if (is_polled)
		ebu_poll(&sound, &node);
	ebu_run_offline(&sound, row, &offline);
	ebu_run_measure(&sound, row, &file);
	if (is_peak)
		offline.tp = ebu_offline_peak(&sound);
	for (uint32_t k = 0; k < n; k++) {
		ebu_judge(row + k, &node, rate, "in the node", worst);
		ebu_judge(row + k, &file, rate, "as a file", worst);
		if (!is_polled)
			ebu_judge(row + k, &offline, rate, "offline", worst);
	}
	if (rate <= 48000.0 && !is_peak && ebu_slot_s(row) == 0.0)
		ebu_cross_check(&sound, row, &node);
	ebu_drop(&sound);
}

static void ebu_check_rate(double rate)
{
	uint32_t n_groups = 0, n_external = 0;
	double worst = 0.0;

	ebu_load();
	for (uint32_t k = 0, n; k < ebu_n_rows; k += n) {
		for (n = 1; k + n < ebu_n_rows && strcmp(ebu_rows[k].id, ebu_rows[k + n].id) == 0;)
			n++;
		if (ebu_rows[k].is_external) {
			n_external += n;
			continue;
		}
		ebu_check_group(&ebu_rows[k], n, rate, &worst);
		n_groups++;
	}
	CHECK(ebu_n_rows == 74 && n_external == 4, "%u rows, %u external", ebu_n_rows, n_external);
	test_note("%g Hz: %u signals, worst error %.0f %% of its tolerance; %u rows need EBU's "
		  "own files",
		  rate, n_groups, 100.0 * worst, n_external);
}

TEST(ebu_44100)
{
	ebu_check_rate(44100.0);
}

TEST(ebu_48000)
{
	ebu_check_rate(48000.0);
}

TEST(ebu_96000)
{
	ebu_check_rate(96000.0);
}

TEST(ebu_192000)
{
	ebu_check_rate(192000.0);
}
