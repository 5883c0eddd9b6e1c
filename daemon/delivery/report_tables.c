/* report_tables.c - the figures of a report: summary, facts, tiles, verdicts, everything, faults. */
#include "report_private.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "plot.h"

#define EVENTS_SHOWN 12u

static const char dash[] = "\xe2\x80\x93";

/* ---- small words ------------------------------------------------------------------------------ */

const char *report_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

void report_duration(double seconds, char *buf, size_t size)
{
	unsigned long whole = (unsigned long)(seconds + 0.5);

	if (!(seconds >= 60))
		snprintf(buf, size, "%.*f s", seconds < 10 ? 2 : 1, seconds > 0 ? seconds : 0);
	else if (whole < 3600)
		snprintf(buf, size, "%lu:%02lu", whole / 60, whole % 60);
	else
		snprintf(buf, size, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
}

void report_bytes(uint64_t n_bytes, char *buf, size_t size)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	double value = (double)n_bytes;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, size, "%.*f %s", unit && value < 100 ? 1 : 0, value, units[unit]);
}

const char *report_number(double value, int decimals, char *buf, size_t size)
{
	double step = pow(10, -decimals);

	if (isnan(value))
		snprintf(buf, size, "%s", dash);
	else if (isinf(value))
		snprintf(buf, size, "%s\xe2\x88\x9e", value < 0 ? "\xe2\x88\x92" : "+");
	else
		snprintf(buf, size, "%.*f", decimals, fabs(value) < step / 2 ? 0.0 : value);
	return buf;
}

bool report_item_is_met(const struct report_item *item)
{
	for (uint32_t i = 0; i < item->n_verdicts; i++)
		if (!item->verdicts[i].is_met)
			return false;
	return item->result != NULL;
}

static void cell(FILE *file, const char *class, const char *text)
{
	fprintf(file, "<td%s%s%s>", *class ? " class=\"" : "", class, *class ? "\"" : "");
	plot_escape(text, file);
	fputs("</td>", file);
}

static void number_cell(FILE *file, double value)
{
	char text[32];

	cell(file, "n", report_number(value, 1, text, sizeof(text)));
}

/* ---- many files ------------------------------------------------------------------------------- */

void report_badges(const struct report_item *item, FILE *file)
{
	for (uint32_t i = 0; i < item->n_verdicts; i++) {
		const struct report_verdict *verdict = &item->verdicts[i];

		fprintf(file, "<span class=\"badge %s\">%s ", verdict->is_met ? "pass" : "fail",
			verdict->is_met ? "\xe2\x9c\x93" : "\xe2\x9c\x97");
		plot_escape(verdict->spec->name, file);
		fputs("</span> ", file);
	}
}

static void summary_row(const struct report_item *item, uint32_t idx, bool has_specs, FILE *file)
{
	const struct measure_result *result = item->result;
	char text[32];

	fputs("<tr><td class=\"name\">", file);
	if (idx)
		fprintf(file, "<a href=\"#f%u\">", idx);
	plot_escape(report_name(item->path), file);
	fputs(idx ? "</a></td>" : "</td>", file);
	if (!result) {
		fprintf(file,
			"<td colspan=\"%d\"><span class=\"badge fail\">\xe2\x9c\x97 not "
			"readable</span> ",
			has_specs ? 7 : 6);
		plot_escape(item->error ? item->error : "", file);
		fputs("</td></tr>\n", file);
		return;
	}
	report_duration(result->duration_s, text, sizeof(text));
	cell(file, "n", text);
	number_cell(file, result->integrated);
	number_cell(file, result->range);
	number_cell(file, result->shortterm_max);
	number_cell(file, result->true_peak);
	number_cell(file, result->plr);
	if (has_specs) {
		fputs("<td>", file);
		report_badges(item, file);
		fputs("</td>", file);
	}
	fputs("</tr>\n", file);
}

void report_summary(const struct report *report, FILE *file)
{
	bool has_specs = false;

	for (uint32_t i = 0; i < report->n_items; i++)
		has_specs |= report->items[i].n_verdicts > 0;
	fputs("<section class=\"card scroll\"><table><thead><tr><th>File</th>"
	      "<th class=\"n\">Length</th><th class=\"n\">I LUFS</th><th class=\"n\">LRA LU</th>"
	      "<th class=\"n\">S max LUFS</th><th class=\"n\">Peak dBTP</th>"
	      "<th class=\"n\">PLR LU</th>",
	      file);
	fputs(has_specs ? "<th>Verdict</th></tr></thead><tbody>\n" : "</tr></thead><tbody>\n",
	      file);
	for (uint32_t i = 0; i < report->n_items; i++)
		summary_row(&report->items[i], i + 1, has_specs, file);
	if (report->album)
		summary_row(report->album, 0, has_specs, file);
	fputs("</tbody></table></section>\n", file);
}

/* ---- one file --------------------------------------------------------------------------------- */

static void fact(FILE *file, const char *label, const char *text)
{
	fprintf(file, "<li><span>%s</span> ", label);
	plot_escape(text, file);
	fputs("</li>", file);
}

static void codec_words(const struct media_info *info, char *buf, size_t size)
{
	char mode[40] = "";

	if (info->is_lossy && info->bitrate_kbps > 0)
		snprintf(mode, sizeof(mode), ", %.0f kbps %s", info->bitrate_kbps,
			 info->is_cbr ? "CBR" : "VBR");
	if (strcmp(info->container, info->codec) == 0)
		snprintf(buf, size, "%s%s", info->codec, mode);
	else
		snprintf(buf, size, "%s, %s%s", info->container, info->codec, mode);
}

void report_facts(const struct report_item *item, FILE *file)
{
	const struct media_info *info = item->info;
	const struct measure_result *result = item->result;
	char text[96];

	fputs("<ul class=\"facts\">", file);
	report_duration(result->duration_s, text, sizeof(text));
	fact(file, "Length", text);
	if (info) {
		codec_words(info, text, sizeof(text));
		fact(file, "Format", text);
	}
	snprintf(text, sizeof(text), "%.6g kHz", result->rate / 1000);
	fact(file, "Rate", text);
	if (info && (info->bits || info->is_float)) {
		snprintf(text, sizeof(text), "%u%s%s", info->bits ? info->bits : 32,
			 info->is_float ? " float" : "", result->is_padded ? " (padded)" : "");
		fact(file, "Bits", text);
	}
	if (info && info->layout.name)
		snprintf(text, sizeof(text), "%u, %s", result->n_channels, info->layout.name);
	else
		snprintf(text, sizeof(text), "%u", result->n_channels);
	fact(file, "Channels", text);
	if (info && info->n_bytes) {
		report_bytes(info->n_bytes, text, sizeof(text));
		fact(file, "Size", text);
	}
	fputs("</ul>\n", file);
}

/* Whether any spec says no to the quantity ID. */
static bool is_bad(const struct report_item *item, const char *id)
{
	for (uint32_t i = 0; i < item->n_verdicts; i++)
		for (uint32_t j = 0; j < item->verdicts[i].spec->n_clauses; j++) {
			const struct spec_verdict *verdict = &item->verdicts[i].verdict[j];

			if (verdict->state == SPEC_FAIL && strcmp(verdict->clause->id, id) == 0)
				return true;
		}
	return false;
}

/* Whether any spec asks for the quantity ID of this programme. */
static bool is_asked(const struct report_item *item, const char *id)
{
	for (uint32_t i = 0; i < item->n_verdicts; i++)
		for (uint32_t j = 0; j < item->verdicts[i].spec->n_clauses; j++) {
			const struct spec_verdict *verdict = &item->verdicts[i].verdict[j];

			if (verdict->state != SPEC_APART && strcmp(verdict->clause->id, id) == 0)
				return true;
		}
	return false;
}

/* Five figures: loudness and peak, and what the specs ask for before what is good to know. */
void report_tiles(const struct report_item *item, FILE *file)
{
	const struct measure_result *result = item->result;
	const struct {
		const char *label, *unit, *id;
		double value;
		bool is_first; /* whatever the specs say */
	} tiles[] = {
		{"Integrated loudness", "LUFS", "integrated", result->integrated, true},
		{"Dialogue", "LUFS", "dialogue", result->dialogue, false},
		{"RMS", "dBFS", "rms", result->rms, false},
		{"Noise floor", "dBFS", "noise-floor", result->noise_floor, false},
		{"True peak", "dBTP", "true-peak", result->true_peak, true},
		{"Sample peak", "dBFS", "sample-peak", result->sample_peak, false},
		{"Loudness range", "LU", "lra", result->range, true},
		{"Highest short-term", "LUFS", "shortterm-max", result->shortterm_max, true},
		{"Peak to loudness", "LU", "plr", result->plr, true},
	};
	uint32_t n = 0;
	bool is_shown[sizeof(tiles) / sizeof(tiles[0])] = {false};
	char text[32];

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < sizeof(tiles) / sizeof(tiles[0]) && n < 5; i++) {
			bool wanted = pass == 0 ? i == 0 || is_asked(item, tiles[i].id)
						: tiles[i].is_first;

			if (!wanted || is_shown[i])
				continue;
			is_shown[i] = true;
			n++;
		}
	fputs("<div class=\"tiles\">", file);
	for (size_t i = 0; i < sizeof(tiles) / sizeof(tiles[0]); i++)
		if (is_shown[i])
			fprintf(file,
				"<div class=\"tile%s\"><span>%s</span><b>%s "
				"<small>%s</small></b></div>",
				is_bad(item, tiles[i].id) ? " bad" : "", tiles[i].label,
				report_number(tiles[i].value, 1, text, sizeof(text)),
				tiles[i].unit);
	fputs("</div>\n", file);
}

/* ---- verdicts --------------------------------------------------------------------------------- */

/* What is wrong, the rule in words, what to do. */
static void verdict_words(const struct spec_verdict *verdict, FILE *file)
{
	bool is_told =
		verdict->state != SPEC_PASS &&
		(!verdict->beyond[0] || verdict->is_approximate || verdict->clause->alternative);

	if (is_told) {
		plot_escape(verdict->text, file);
	} else {
		if (verdict->beyond[0])
			fprintf(file, "<b>%s</b>: ", verdict->beyond);
		plot_escape(verdict->clause->text, file);
		if (verdict->is_approximate)
			fprintf(file, " (approximate: a detector found speech in %.0f%% of it)",
				verdict->speech_share * 100);
	}
	if (verdict->remedy[0]) {
		fputs("<small>", file);
		plot_escape(verdict->remedy, file);
		fputs("</small>", file);
	}
}

static void verdict_row(const struct spec_verdict *verdict, FILE *file)
{
	static const char *const classes[] = {"pass", "fail", "warn", "", "warn", ""};
	static const char *const words[] = {"pass", "fail", "advice", "note", "unknown", ""};
	bool is_advice = verdict->clause->severity != SPEC_MUST && verdict->state == SPEC_PASS;

	fputs("<tr><td class=\"name\">", file);
	plot_escape(spec_clause_label(verdict->clause), file);
	fputs("</td>", file);
	cell(file, "nowrap", verdict->measured);
	cell(file, "nowrap", verdict->limit);
	fprintf(file, "<td><span class=\"badge %s\">%s</span></td><td>",
		is_advice ? "" : classes[verdict->state], words[verdict->state]);
	verdict_words(verdict, file);
	fputs("</td></tr>\n", file);
}

static void verdict_apart(const struct report_verdict *of, FILE *file)
{
	bool is_first = true;

	for (uint32_t i = 0; i < of->spec->n_clauses; i++) {
		if (of->verdict[i].state != SPEC_APART)
			continue;
		fputs(is_first ? "<p class=\"sub\">Not counted here: " : "; ", file);
		plot_escape(of->verdict[i].text, file);
		is_first = false;
	}
	if (!is_first)
		fputs(".</p>", file);
}

void report_verdicts(const struct report_item *item, FILE *file)
{
	for (uint32_t i = 0; i < item->n_verdicts; i++) {
		const struct report_verdict *of = &item->verdicts[i];

		fprintf(file, "<section class=\"card\"><h3><span class=\"badge %s\">%s</span> ",
			of->is_met ? "pass" : "fail",
			of->is_met ? "\xe2\x9c\x93 meets" : "\xe2\x9c\x97 does not meet");
		plot_escape(of->spec->title, file);
		fputs("</h3><div "
		      "class=\"scroll\"><table><thead><tr><th>Clause</th><th>Measured</th>"
		      "<th>Limit</th><th>Verdict</th><th>Rule, or what to do</th></tr></thead>"
		      "<tbody>\n",
		      file);
		for (uint32_t j = 0; j < of->spec->n_clauses; j++)
			if (of->verdict[j].state != SPEC_APART)
				verdict_row(&of->verdict[j], file);
		fputs("</tbody></table></div>", file);
		verdict_apart(of, file);
		fputs("<p class=\"sub\">Source: ", file);
		plot_escape(of->spec->source[0] ? of->spec->source : "own", file);
		fprintf(file, "%s", of->spec->date[0] ? ", " : "");
		plot_escape(of->spec->date, file);
		fputs(" (", file);
		plot_escape(of->spec->grade, file);
		fprintf(file,
			"), version %u. Figures are compared at the precision shown.</p>"
			"</section>\n",
			of->spec->version);
	}
}

/* ---- everything ------------------------------------------------------------------------------- */

enum figure_kind { FIGURE_REAL, FIGURE_COUNT, FIGURE_BITS, FIGURE_SHARE };
struct figure {
	const char *label, *unit;
	size_t offset;
	int decimals;
	enum figure_kind kind;
};
#define FIGURE(member, label, unit, decimals)                                                      \
	{                                                                                          \
		label, unit, offsetof(struct measure_result, member), decimals, FIGURE_REAL        \
	}
#define COUNT(member, label)                                                                       \
	{                                                                                          \
		label, "", offsetof(struct measure_result, member), 0, FIGURE_COUNT                \
	}

static const struct figure loudness_figures[] = {
	FIGURE(integrated, "Integrated", "LUFS", 1),
	FIGURE(momentary_max, "Highest momentary", "LUFS", 1),
	FIGURE(shortterm_max, "Highest short-term", "LUFS", 1),
	FIGURE(range, "Range", "LU", 1),
	FIGURE(range_low, "Range from", "LUFS", 1),
	FIGURE(range_high, "Range to", "LUFS", 1),
	{NULL},
};
static const struct figure speech_figures[] = {
	FIGURE(dialogue, "Dialogue", "LUFS", 1),
	FIGURE(dialogue_range, "Range of dialogue", "LU", 1),
	{"Share of speech", "%", offsetof(struct measure_result, speech_share), 0, FIGURE_SHARE},
	{NULL},
};
static const struct figure peak_figures[] = {
	FIGURE(true_peak, "True peak", "dBTP", 2),
	FIGURE(sample_peak, "Sample peak", "dBFS", 2),
	COUNT(n_overs, "Places above 0 dBTP"),
	FIGURE(plr, "Peak to loudness", "LU", 1),
	FIGURE(psr_min, "Lowest peak to short-term", "LU", 1),
	FIGURE(dr14, "DR", "", 0),
	{NULL},
};
static const struct figure level_figures[] = {
	FIGURE(rms, "RMS", "dBFS", 1),
	FIGURE(noise_floor, "Noise floor", "dBFS", 1),
	FIGURE(dc_max, "DC offset", "dBFS", 1),
	FIGURE(correlation, "Correlation", "", 2),
	FIGURE(correlation_min, "Lowest correlation", "", 2),
	FIGURE(balance, "Left against right", "LU", 1),
	FIGURE(fold_down, "Mono against stereo", "LU", 1),
	FIGURE(bandwidth_hz, "Bandwidth", "Hz", 0),
	{NULL},
};
static const struct figure fault_figures[] = {
	FIGURE(head_s, "Silence at the head", "s", 2),
	FIGURE(tail_s, "Silence at the tail", "s", 2),
	FIGURE(longest_silence_s, "Longest silence inside", "s", 2),
	COUNT(clip_runs, "Runs of clipped samples"),
	COUNT(n_dropouts, "Dropouts"),
	COUNT(n_clicks, "Clicks"),
	{"Bits in use", "", offsetof(struct measure_result, effective_bits), 0, FIGURE_BITS},
	{NULL},
};

static const struct {
	const char *title;
	const struct figure *figures;
} groups[] = {{"Loudness", loudness_figures},
	      {"Speech", speech_figures},
	      {"Peaks and dynamics", peak_figures},
	      {"Levels and stereo", level_figures},
	      {"Faults", fault_figures}};

static bool figure_text(const struct figure *figure, const struct measure_result *result, char *buf,
			size_t size)
{
	const char *at = (const char *)result + figure->offset;
	uint32_t bits;
	uint64_t count;
	double value;

	switch (figure->kind) {
	case FIGURE_COUNT:
		memcpy(&count, at, sizeof(count));
		snprintf(buf, size, "%llu", (unsigned long long)count);
		return true;
	case FIGURE_BITS:
		memcpy(&bits, at, sizeof(bits));
		snprintf(buf, size, "%u", bits);
		return bits > 0;
	default:
		memcpy(&value, at, sizeof(value));
		report_number(figure->kind == FIGURE_SHARE ? 100 * value : value, figure->decimals,
			      buf, size);
		return !isnan(value);
	}
}

void report_figures(const struct report_item *item, FILE *file)
{
	char text[32];

	fputs("<section class=\"card figures\">", file);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		bool is_first = true;

		for (const struct figure *figure = groups[i].figures; figure->label; figure++) {
			if (!figure_text(figure, item->result, text, sizeof(text)))
				continue;
			if (is_first)
				fprintf(file, "<h3>%s%s</h3>", groups[i].title,
					groups[i].figures == speech_figures &&
							item->result->is_speech_detected
						? " (approximate: found by a detector)"
						: "");
			is_first = false;
			fprintf(file, "<div><span>%s</span><b>%s%s%s</b></div>\n", figure->label,
				text, *figure->unit ? " " : "", figure->unit);
		}
	}
	fputs("</section>\n", file);
}

/* ---- where the faults are --------------------------------------------------------------------- */

static void place(double seconds, char *buf, size_t size)
{
	unsigned long whole = (unsigned long)seconds;

	snprintf(buf, size, "%lu:%02lu:%06.3f", whole / 3600, whole / 60 % 60, fmod(seconds, 60));
}

static void events_table(const char *title, const char *value, const struct measure_event *events,
			 uint32_t n, uint64_t total, int decimals, FILE *file)
{
	char text[32];

	if (n == 0)
		return;
	fprintf(file,
		"<div><h3>%s</h3><table><thead><tr><th>At</th><th class=\"n\">Channel</th>"
		"<th class=\"n\">%s</th></tr></thead><tbody>",
		title, value);
	for (uint32_t i = 0; i < n && i < EVENTS_SHOWN; i++) {
		char channel[16] = "all";

		if (events[i].channel != UINT32_MAX)
			snprintf(channel, sizeof(channel), "%u", events[i].channel + 1);
		place(events[i].at_s, text, sizeof(text));
		fprintf(file,
			"<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%.*f</td></tr>",
			text, channel, decimals, events[i].value);
	}
	fputs("</tbody></table>", file);
	n = n < EVENTS_SHOWN ? n : EVENTS_SHOWN;
	if (total > n)
		fprintf(file, "<p class=\"sub\">and %llu more</p>",
			(unsigned long long)(total - n));
	fputs("</div>\n", file);
}

void report_events(const struct report_item *item, FILE *file)
{
	const struct measure_result *result = item->result;

	if (!result->n_over && !result->n_clip && !result->n_dropout)
		return;
	fputs("<section class=\"card events\">", file);
	events_table("Above 0 dBTP", "dBTP", result->over, result->n_over, result->n_overs, 2,
		     file);
	events_table("Clipped", "samples", result->clip, result->n_clip, result->clip_runs, 0,
		     file);
	events_table("Dropouts", "ms", result->dropout, result->n_dropout, result->n_dropouts, 0,
		     file);
	fputs("</section>\n", file);
}
