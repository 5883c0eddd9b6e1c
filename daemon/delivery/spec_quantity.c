/* spec_quantity.c - what clauses speak of: each quantity with its name, unit, figure and remedies.
 *
 * A new quantity is one row: reading, checking, help and reports follow from it. */
#include "spec_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(name, member)                                                                        \
	static double quantity_##name(const struct spec_input *input)                              \
	{                                                                                          \
		return input->result->member;                                                      \
	}

FIELD(integrated, integrated)
FIELD(dialogue, dialogue)
FIELD(dialogue_lra, dialogue_range)
FIELD(shortterm_max, shortterm_max)
FIELD(momentary_max, momentary_max)
FIELD(lra, range)
FIELD(true_peak, true_peak)
FIELD(sample_peak, sample_peak)
FIELD(rms, rms)
FIELD(noise_floor, noise_floor)
FIELD(head, head_s)
FIELD(tail, tail_s)
FIELD(silence, longest_silence_s)
FIELD(duration, duration_s)
FIELD(plr, plr)
FIELD(psr, psr_min)
FIELD(dr14, dr14)
FIELD(dc, dc_max)
FIELD(correlation, correlation)
FIELD(fold_down, fold_down)

static double quantity_ldr(const struct spec_input *input)
{
	return input->result->integrated - input->result->dialogue;
}

static double quantity_balance(const struct spec_input *input)
{
	return fabs(input->result->balance);
}

static double quantity_speech_share(const struct spec_input *input)
{
	return input->result->speech_share * 100;
}

static double quantity_clipping(const struct spec_input *input)
{
	return (double)input->result->clip_runs;
}

static double quantity_dropouts(const struct spec_input *input)
{
	return (double)input->result->n_dropouts;
}

static double quantity_overs(const struct spec_input *input)
{
	return (double)input->result->n_overs;
}

static double quantity_rate(const struct spec_input *input)
{
	return input->info ? input->info->rate : input->result->rate;
}

static double quantity_channels(const struct spec_input *input)
{
	return input->info ? input->info->n_channels : input->result->n_channels;
}

static double quantity_bitrate(const struct spec_input *input)
{
	return input->info && input->info->bitrate_kbps > 0 ? input->info->bitrate_kbps : NAN;
}

static double quantity_bits(const struct spec_input *input)
{
	if (!input->info)
		return NAN;
	if (input->info->is_lossy)
		return 0;
	if (input->info->is_float)
		return strcmp(input->info->codec, "pcm_f64") == 0 ? 64 : 32;
	return input->info->bits ? input->info->bits : NAN;
}

static double quantity_loudest(const struct spec_input *input)
{
	double loudest = -INFINITY;

	if (input->result)
		return input->result->integrated;
	for (uint32_t i = 0; i < input->n; i++)
		loudest = fmax(loudest, input->results[i]->integrated);
	return loudest;
}

/* How many different numbers of channels there are. */
static double quantity_same_channels(const struct spec_input *input)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < input->n; i++) {
		bool is_new = true;

		for (uint32_t j = 0; j < i; j++)
			if (input->results[j]->n_channels == input->results[i]->n_channels)
				is_new = false;
		n += is_new;
	}
	return n;
}

static const char *word_codec(const struct spec_input *input)
{
	return input->info && input->info->codec[0] ? input->info->codec : NULL;
}

static const char *word_container(const struct spec_input *input)
{
	return input->info ? input->info->container : NULL;
}

static const char *word_layout(const struct spec_input *input)
{
	return input->info ? input->info->layout.name : NULL;
}

static const char *word_cbr(const struct spec_input *input)
{
	if (!input->info)
		return NULL;
	return input->info->is_cbr ? "cbr" : "vbr";
}

static const char *apart_lossless(const struct spec_input *input)
{
	return input->info && !input->info->is_lossy ? "a lossless file has no chosen bit rate"
						     : NULL;
}

static const char *apart_not_stereo(const struct spec_input *input)
{
	return input->result->n_channels != 2 ? "only for stereo" : NULL;
}

static const char *apart_one_file(const struct spec_input *input)
{
	return input->results ? NULL : "looked at over all files together";
}

#define MASTER "{master}"
#define SPEECH                                                                                     \
	"no dialogue was found, or too little: mixctl check --speech says where it is, and "       \
	"master's"

static const struct spec_quantity quantities[] = {
	{"integrated", "integrated loudness", "LUFS", "LU", 0.1, MEASURE_LOUDNESS,
	 .value = quantity_integrated, .unknown = "it is shorter than 0.4 s",
	 .above = "turn it down by {by}; " MASTER, .below = "turn it up by {by}; " MASTER},
	{"dialogue", "loudness of dialogue", "LUFS", "LU", 0.1, MEASURE_LOUDNESS, .of_speech = true,
	 .value = quantity_dialogue, .unknown = SPEECH, .above = "turn it down by {by}; " MASTER,
	 .below = "turn it up by {by}; " MASTER},
	{"dialogue-lra", "loudness range of dialogue", "LU", "LU", 0.1, MEASURE_LOUDNESS,
	 .of_speech = true, .value = quantity_dialogue_lra, .unknown = SPEECH,
	 .above = "even out the dialogue by {by}: leveler, compressor",
	 .below = "let dialogue breathe: less compression"},
	{"ldr", "loudness to dialogue", "LU", "LU", 0.1, MEASURE_LOUDNESS, .of_speech = true,
	 .value = quantity_ldr, .unknown = SPEECH,
	 .above = "raise dialogue by {by} against the rest of the mix",
	 .below = "lower dialogue by {by} against the rest of the mix"},
	{"speech-share", "share of speech", "%", "%", 1, MEASURE_LOUDNESS, .of_speech = true,
	 .value = quantity_speech_share, .unknown = SPEECH},
	{"shortterm-max", "highest short-term loudness", "LUFS", "LU", 0.1, MEASURE_LOUDNESS,
	 .value = quantity_shortterm_max, .unknown = "it is shorter than 3 s",
	 .above = "bring the loudest 3 s down by {by}", .below = "bring it up by {by}"},
	{"momentary-max", "highest momentary loudness", "LUFS", "LU", 0.1, MEASURE_LOUDNESS,
	 .value = quantity_momentary_max, .unknown = "it is shorter than 0.4 s",
	 .above = "bring the loudest 0.4 s down by {by}", .below = "bring it up by {by}"},
	{"lra", "loudness range", "LU", "LU", 0.1, MEASURE_LOUDNESS, .value = quantity_lra,
	 .unknown = "it is too short", .above = "narrow its range by {by}: leveler, compressor",
	 .below = "widen its range by {by}: less compression"},
	{"loudest-track", "loudness of the loudest track", "LUFS", "LU", 0.1, MEASURE_LOUDNESS,
	 .of_album = true, .value = quantity_loudest, .above = "turn the whole album down by {by}",
	 .below = "turn the whole album up by {by}"},
	{"true-peak", "true peak", "dBTP", "dB", 0.1, MEASURE_TRUE_PEAK,
	 .value = quantity_true_peak, .above = "limit it to {limit} (true peak); " MASTER,
	 .below = "its peaks may rise by {by}"},
	{"sample-peak", "sample peak", "dBFS", "dB", 0.1, MEASURE_TRUE_PEAK,
	 .value = quantity_sample_peak, .above = "limit it to {limit}; " MASTER,
	 .below = "its peaks may rise by {by}"},
	{"overs", "overs between samples", "", "", 1, MEASURE_TRUE_PEAK, .value = quantity_overs,
	 .above = "limit it to 0 dBTP"},
	{"plr", "peak to loudness ratio", "LU", "LU", 0.1, MEASURE_LOUDNESS | MEASURE_TRUE_PEAK,
	 .value = quantity_plr, .above = "limit its peaks by {by}, or aim lower",
	 .below = "less limiting: {by} more between loudness and peaks"},
	{"psr", "lowest peak to short-term ratio", "LU", "LU", 0.1, MEASURE_DYNAMICS,
	 .value = quantity_psr, .above = "", .below = "less limiting, by {by}"},
	{"dr14", "DR", "", "", 1, MEASURE_DYNAMICS, .value = quantity_dr14, .above = "",
	 .below = "less compression and limiting"},
	{"rms", "RMS of the whole file", "dBFS", "dB", 0.1, MEASURE_LEVELS, .value = quantity_rms,
	 .above = "turn it down by {by}; " MASTER, .below = "turn it up by {by}; " MASTER},
	{"noise-floor", "noise floor", "dBFS", "dB", 0.1, MEASURE_LEVELS,
	 .value = quantity_noise_floor, .unknown = "there is no 0.5 s that is not digital silence",
	 .silent = "its pauses are digital silence",
	 .above = "reduce noise in the pauses by {by}: denoise, expander",
	 .below = "put room tone where digital silence is"},
	{"dc", "DC offset", "dBFS", "dB", 0.1, MEASURE_LEVELS, .value = quantity_dc,
	 .above = "take the offset out: node dc", .below = ""},
	{"correlation", "correlation", "", "", 0.01, MEASURE_LEVELS, .value = quantity_correlation,
	 .apart = apart_not_stereo, .above = "", .below = "look for a channel of turned polarity"},
	{"fold-down", "loss of the fold-down to mono", "LU", "LU", 0.1, MEASURE_LEVELS,
	 .value = quantity_fold_down, .apart = apart_not_stereo, .above = "",
	 .below = "channels cancel: look for turned polarity, or narrow it"},
	{"balance", "difference of the channels", "LU", "LU", 0.1, MEASURE_LEVELS,
	 .value = quantity_balance, .apart = apart_not_stereo, .above = "even it out by {by}",
	 .below = ""},
	{"clipping", "runs of clipped samples", "", "", 1, MEASURE_FAULTS,
	 .value = quantity_clipping, .above = "repair them (node declip), or take an earlier copy",
	 .below = ""},
	{"dropouts", "dropouts", "", "", 1, MEASURE_FAULTS, .value = quantity_dropouts,
	 .above = "look at them in the list: mixctl measure FILE --report", .below = ""},
	{"head", "silence at the head", "s", "s", 0.01, MEASURE_FAULTS, .value = quantity_head,
	 .above = "cut {by} from the beginning", .below = "put {by} of room tone in front"},
	{"tail", "silence at the tail", "s", "s", 0.01, MEASURE_FAULTS, .value = quantity_tail,
	 .above = "cut {by} from the end", .below = "put {by} of room tone behind"},
	{"silence", "longest silence inside", "s", "s", 0.01, MEASURE_FAULTS,
	 .value = quantity_silence, .above = "shorten it by {by}", .below = ""},
	{"duration", "duration", "s", "s", 0.1, MEASURE_LOUDNESS, SPEC_SHAPE_CLOCK,
	 .value = quantity_duration, .above = "split it, or cut {by}", .below = "it lacks {by}"},
	{"rate", "sampling rate", "Hz", "Hz", 1, 0, .value = quantity_rate,
	 .above = "convert it to {limit}", .below = "deliver it at {limit} from its source"},
	{"bits", "bit depth", "bits", "bits", 1, 0, .value = quantity_bits,
	 .above = "write it with {limit}, dithered",
	 .below = "deliver it with {limit} from its source"},
	{"channels", "channels", "", "", 1, 0, .value = quantity_channels,
	 .above = "deliver it with {limit}", .below = "deliver it with {limit}"},
	{"bitrate", "bit rate", "kbps", "kbps", 1, 0, .value = quantity_bitrate,
	 .apart = apart_lossless, .unknown = "the file does not say",
	 .above = "encode it with at most {limit}",
	 .below = "encode it again, with {limit} or more"},
	{"cbr", "kind of bit rate", "", "", 1, 0, SPEC_SHAPE_WORD, .word = word_cbr,
	 .apart = apart_lossless, .above = "encode it again, as {limit}"},
	{"codec", "codec", "", "", 1, 0, SPEC_SHAPE_WORD, .word = word_codec,
	 .above = "deliver it as {limit}"},
	{"container", "kind of file", "", "", 1, 0, SPEC_SHAPE_WORD, .word = word_container,
	 .above = "deliver it as {limit}"},
	{"layout", "channel layout", "", "", 1, 0, SPEC_SHAPE_WORD, .word = word_layout,
	 .above = "deliver it as {limit}"},
	{"same-channels", "kinds of channel layout among the files", "", "", 1, 0, .of_album = true,
	 .value = quantity_same_channels, .apart = apart_one_file,
	 .above = "deliver all files mono, or all stereo", .below = ""},
};
#define N_QUANTITIES (sizeof(quantities) / sizeof(quantities[0]))

const struct spec_quantity *spec_quantity_find(const char *id)
{
	for (size_t i = 0; i < N_QUANTITIES; i++)
		if (strcmp(quantities[i].id, id) == 0)
			return &quantities[i];
	return NULL;
}

uint32_t spec_quantity_ids(const char **ids, uint32_t space)
{
	uint32_t n = 0;

	while (n < N_QUANTITIES && n < space) {
		ids[n] = quantities[n].id;
		n++;
	}
	return n;
}

double spec_round(double value, double precision)
{
	/* 1 / 0.1 is exact enough to be rounded; 0.1 itself is not */
	double steps = round(1 / precision);

	if (!isfinite(value))
		return value;
	if (precision >= 1)
		return round(value / precision) * precision;
	value = round(value * steps) / steps;
	return value == 0 ? 0 : value; /* no -0.0 */
}

static void figure_clock(double seconds, char *buf, size_t size)
{
	unsigned long tenths = (unsigned long)(fmax(seconds, 0) * 10 + 0.5);
	unsigned long whole = tenths / 10;

	if (whole >= 3600)
		snprintf(buf, size, "%lu:%02lu:%02lu.%lu", whole / 3600, whole / 60 % 60,
			 whole % 60, tenths % 10);
	else
		snprintf(buf, size, "%lu:%02lu.%lu", whole / 60, whole % 60, tenths % 10);
}

const char *spec_figure(const struct spec_quantity *quantity, double value, double precision,
			const char *unit, char *buf, size_t size)
{
	int decimals = 0;

	if (quantity->shape == SPEC_SHAPE_CLOCK && isfinite(value)) {
		figure_clock(value, buf, size);
		return buf;
	}
	if (isnan(value)) {
		snprintf(buf, size, "not known");
		return buf;
	}
	if (isinf(value)) {
		snprintf(buf, size, "%sinf%s%s", value < 0 ? "-" : "+", *unit ? " " : "", unit);
		return buf;
	}
	value = spec_round(value, precision);
	if (strcmp(unit, "Hz") == 0 && fabs(value) >= 1000) {
		snprintf(buf, size, "%.6g kHz", value / 1000);
		return buf;
	}
	while (decimals < 6 && precision < 0.99) {
		precision *= 10;
		decimals++;
	}
	snprintf(buf, size, "%.*f%s%s", decimals, value, *unit && *unit != '%' ? " " : "", unit);
	return buf;
}

void spec_words(const struct spec_quantity *quantity, const char *words, char *buf, size_t size)
{
	char one[48];
	size_t n = 0;

	buf[0] = '\0';
	while (*words && n < size) {
		size_t length = strcspn(words, " ");
		const char *next = words + length + strspn(words + length, " ");
		const char *between = !n ? "" : *next ? ", " : " or ";

		snprintf(one, sizeof(one), "%.*s", (int)length, words);
		if (quantity->shape == SPEC_SHAPE_NUMBER)
			spec_figure(quantity, strtod(one, NULL), quantity->precision,
				    quantity->unit, one, sizeof(one));
		n += (size_t)snprintf(buf + n, size - n, "%s%s", between, one);
		words = next;
	}
}
