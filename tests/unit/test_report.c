/* test_report.c - reports and plots: well-formed, with the figures, whatever the programme. Pages stay in
 * the folder MIXD_TEST_KEEP, for eyes. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph_layout.h"
#include "plot.h"
#include "report.h"
#include "test.h"

#define BINS 141u

/* A programme of SECONDS with loudness that goes up and down. */
struct programme {
	struct measure_result result;
	struct media_info info;
};

static void programme_series(struct measure_result *result)
{
	result->n_series = (uint32_t)(result->duration_s * 10);
	if (result->n_series == 0)
		return;
	result->momentary = calloc(result->n_series, sizeof(float));
	result->shortterm = calloc(result->n_series, sizeof(float));
	result->peak = calloc(result->n_series, sizeof(float));
	result->series_correlation = calloc(result->n_series, sizeof(float));
	result->histogram = calloc(BINS, sizeof(uint64_t));
	for (uint32_t i = 0; i < result->n_series; i++) {
		double t = i / 10.0, part = t / result->duration_s;
		double level = -24 + 6 * sin(part * 19) + 3 * sin(t * 1.7);

		result->momentary[i] = (float)(level + 2 * sin(t * 9));
		result->shortterm[i] = i < 29 ? NAN : (float)level;
		result->peak[i] = (float)(level + 14);
		result->series_correlation[i] = (float)(0.6 * cos(t * 0.9) + 0.2);
		if (i >= 29)
			result->histogram[(int)((level + 70) * 2)]++;
	}
}

static void programme_init(struct programme *programme, double seconds, const char *layout)
{
	struct mixd_error err = {0};
	const struct mixd_layout *found = graph_layout_find(layout, &err);
	struct measure_result *result = &programme->result;

	CHECK(found, "%s", err.text);
	*programme = (struct programme){
		.result = {.rate = 48000,
			   .duration_s = seconds,
			   .n_frames = (uint64_t)(seconds * 48000),
			   .n_channels = found->n_channels,
			   .integrated = -23.04,
			   .momentary_max = -14.2,
			   .shortterm_max = -15.1,
			   .shortterm_max_at_s = seconds * 0.3,
			   .range = 11.3,
			   .range_low = -30.5,
			   .range_high = -19.2,
			   .true_peak = -0.54,
			   .true_peak_at_s = seconds * 0.6,
			   .sample_peak = -0.8,
			   .n_overs = 0,
			   .plr = 22.5,
			   .psr_min = 11.2,
			   .dr14 = 13,
			   .rms = -25.2,
			   .noise_floor = -62.5,
			   .dc_max = -91,
			   .correlation = 0.42,
			   .correlation_min = -0.4,
			   .balance = 0.3,
			   .fold_down = -1.2,
			   .head_s = 0.31,
			   .tail_s = 1.2,
			   .bandwidth_hz = 19800,
			   .dialogue = NAN,
			   .dialogue_range = NAN,
			   .speech_share = NAN,
			   .effective_bits = 24},
		.info = {.container = "wav",
			 .codec = "pcm_s24",
			 .rate = 48000,
			 .n_channels = found->n_channels,
			 .layout = *found,
			 .bits = 24,
			 .n_frames = (int64_t)(seconds * 48000),
			 .n_bytes = (uint64_t)(seconds * 48000 * 3 * found->n_channels)},
	};
	for (uint32_t i = 0; i < found->n_channels; i++) {
		result->channel_rms[i] = -25 - 2.0 * (i % 5);
		result->channel_sample_peak[i] = -4 - 1.5 * (i % 4);
		result->channel_true_peak[i] = -3.5 - 1.5 * (i % 4);
	}
	for (uint32_t i = 0; i < MEASURE_THIRDS; i++)
		result->third_db[i] = -32 - 0.06 * pow((double)i - 9, 2);
	for (uint32_t i = 0; i < MEASURE_FINE; i++)
		result->fine_db[i] = -34 - 0.0011 * pow((double)i - 70, 2) + 3 * sin(i * 0.9);
	for (uint32_t i = 0; i < MEASURE_DIRECTIONS; i++)
		result->direction[i] =
			found->n_channels > 1 ? exp(-pow((double)i - 44, 2) / 90) : NAN;
	programme_series(result);
}

static void programme_done(struct programme *programme)
{
	free(programme->result.momentary);
	free(programme->result.shortterm);
	free(programme->result.peak);
	free(programme->result.series_correlation);
	free(programme->result.histogram);
}

static void programme_silent(struct programme *programme)
{
	struct measure_result *result = &programme->result;

	result->integrated = result->momentary_max = result->shortterm_max = -INFINITY;
	result->true_peak = result->sample_peak = result->rms = -INFINITY;
	result->range = result->range_low = result->range_high = NAN;
	result->plr = result->psr_min = result->noise_floor = result->correlation = NAN;
	for (uint32_t i = 0; i < result->n_series; i++) {
		result->momentary[i] = result->shortterm[i] = result->peak[i] = -INFINITY;
		result->series_correlation[i] = NAN;
	}
	memset(result->histogram, 0, BINS * sizeof(uint64_t));
	for (uint32_t i = 0; i < result->n_channels; i++)
		result->channel_rms[i] = result->channel_sample_peak[i] =
			result->channel_true_peak[i] = -INFINITY;
	for (uint32_t i = 0; i < MEASURE_THIRDS; i++)
		result->third_db[i] = -INFINITY;
	for (uint32_t i = 0; i < MEASURE_DIRECTIONS; i++)
		result->direction[i] = NAN;
	for (uint32_t i = 0; i < MEASURE_FINE; i++)
		result->fine_db[i] = -INFINITY;
}

/* ---- where pages go --------------------------------------------------------------------------- */

static char folder[128];

static const char *page_path(const char *name)
{
	static char path[256];
	const char *keep = getenv("MIXD_TEST_KEEP");

	if (!folder[0]) {
		if (keep) {
			snprintf(folder, sizeof(folder), "%s", keep);
		} else {
			strcpy(folder, "/tmp/test_report.XXXXXX");
			CHECK(mkdtemp(folder));
		}
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 4u << 20);

	CHECK(file && text);
	CHECK(fread(text, 1, (4u << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

/* Tags are closed in order; what stands between is text. Not a parser: a fence. */
static void check_tags(const char *text)
{
	static const char *const single[] = {"meta",   "!DOCTYPE", "polyline", "polygon",
					     "circle", "rect",	   "?xml",     "br"};
	char stack[64][16];
	uint32_t depth = 0;

	for (const char *at = strchr(text, '<'); at; at = strchr(at + 1, '<')) {
		char name[16] = "";
		bool is_single = false, is_end = at[1] == '/';

		if (strncmp(at, "<style>", 7) == 0) {
			at = strstr(at, "</style>");
			CHECK(at);
			continue;
		}
		sscanf(at + 1 + is_end, "%15[A-Za-z0-9!?]", name);
		for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
			is_single |= strcmp(single[i], name) == 0;
		CHECK(name[0], "a bare < before \"%.30s\"", at);
		if (is_end) {
			CHECK(depth > 0 && strcmp(stack[depth - 1], name) == 0, "</%s> closes <%s>",
			      name, depth ? stack[depth - 1] : "");
			depth--;
		} else if (!is_single) {
			CHECK(depth < 64);
			strcpy(stack[depth++], name);
		}
	}
	CHECK(depth == 0, "%u tags are open", depth);
}

static char *write_page(const char *name, const struct report *report)
{
	struct mixd_error err = {0};
	const char *path = page_path(name);
	char *text;

	CHECK(report_write(path, report, &err) == 0, "%s %s", err.address, err.text);
	text = read_all(path);
	check_tags(text);
	/* self-contained: nothing is fetched, nothing runs */
	CHECK(!strstr(text, "<script") && !strstr(text, " src=") && !strstr(text, "url(") &&
	      !strstr(text, "@import") && !strstr(text, "<link"));
	CHECK(!strstr(text, "href=\"http"));
	CHECK(!strstr(text, "nan") && !strstr(text, ">inf") && !strstr(text, "NaN"));
	return text;
}

/* ---- pages ------------------------------------------------------------------------------------ */

TEST(report_shows_figures_verdicts_and_plots)
{
	struct programme programme;
	struct measure_event clips[2] = {{12.5, 0.001, 7, 0}, {100.25, 0.002, 12, 1}};
	struct spec_set *set;
	struct mixd_error err = {0};
	const struct spec *spec;
	struct spec_verdict verdicts[64];
	struct report_verdict of = {.verdict = verdicts};
	struct report_item item = {
		.path = "/music/a <b> & \"c\".wav", .verdicts = &of, .n_verdicts = 1};
	struct report report = {.items = &item, .n_items = 1};
	char *text;

	programme_init(&programme, 185, "stereo");
	programme.result.clip = clips;
	programme.result.n_clip = 2;
	programme.result.clip_runs = 40;
	CHECK(spec_set_new_empty(&set, &err) == 0 && spec_set_add_shipped(set, &err) == 0);
	CHECK(spec_find(set, "ebu-r128", &spec, &err) == 0);
	of.spec = spec;
	of.is_met = spec_check(spec, &programme.result, &programme.info, NULL, verdicts);
	CHECK(!of.is_met);
	item.info = &programme.info;
	item.result = &programme.result;
	text = write_page("one.html", &report);
	CHECK(strstr(text, "a &lt;b&gt; &amp; &quot;c&quot;.wav"));
	CHECK(!strstr(text, "<b> & "));
	CHECK(strstr(text, "<b>-23.0 <small>LUFS"));
	CHECK(strstr(text, "0.5 dB above") && strstr(text, "does not meet"));
	CHECK(strstr(text, "aria-label=\"Momentary and short-term loudness"));
	CHECK(strstr(text, "0:01:40.250") && strstr(text, "and 38 more"));
	CHECK(strstr(text, "3:05") && strstr(text, "pcm_s24"));
	CHECK(strstr(text, "limit -1.0") && strstr(text, "target -23.0"));
	free(text);
	spec_set_free(set);
	programme_done(&programme);
}

TEST(report_of_many_begins_with_a_table)
{
	struct programme programme[4];
	char name[400];
	struct report_item item[5] = {{.path = "one second.wav"},
				      {.path = "ten hours.wav"},
				      {.path = "silence.wav"},
				      {.path = name},
				      {.path = "broken.wav", .error = "ends <early>"}};
	struct report report = {.items = item, .n_items = 5, .title = "Season 2 & more"};
	struct measure_result pooled = {.duration_s = 36500,
					.integrated = -22.9,
					.range = 12,
					.shortterm_max = -14,
					.true_peak = -0.5,
					.plr = 22};
	struct report_item album = {.path = "Album", .result = &pooled};
	static const struct {
		double seconds;
		const char *layout;
	} rows[] = {{1, "stereo"}, {36000, "mono"}, {65, "stereo"}, {610, "7.1.4"}};
	char *text;

	memset(name, 'x', sizeof(name) - 1);
	memcpy(name, "a-very-long-name-", 17);
	strcpy(name + sizeof(name) - 5, ".wav");
	for (int i = 0; i < 4; i++) {
		programme_init(&programme[i], rows[i].seconds, rows[i].layout);
		item[i].result = &programme[i].result;
		item[i].info = &programme[i].info;
	}
	programme[0].result.shortterm_max = programme[0].result.range = NAN;
	programme[0].result.range_low = programme[0].result.range_high = NAN;
	programme_silent(&programme[2]);
	report.album = &album;
	text = write_page("many.html", &report);
	CHECK(strstr(text, "Season 2 &amp; more"));
	CHECK(strstr(text, "href=\"#f5\"") && strstr(text, "id=\"f5\""));
	CHECK(strstr(text, "ends &lt;early&gt;") && strstr(text, ">Album<"));
	CHECK(strstr(text, "10:00:00") && strstr(text, "\xe2\x88\x92\xe2\x88\x9e"));
	CHECK(strstr(text, "TFL"));
	free(text);
	/* ten hours are not drawn with more points than the eye has */
	text = read_all(page_path("many.html"));
	CHECK(strlen(text) < 900000);
	free(text);
	for (int i = 0; i < 4; i++)
		programme_done(&programme[i]);
}

TEST(report_of_little_is_still_a_page)
{
	struct measure_result result = {.rate = 44100,
					.n_channels = 64,
					.duration_s = 0,
					.integrated = -INFINITY,
					.true_peak = -INFINITY,
					.range = NAN,
					.shortterm_max = NAN,
					.plr = NAN};
	struct report_item item = {.path = "empty.wav", .result = &result};
	struct report report = {.items = &item, .n_items = 1};
	char *text;

	for (uint32_t i = 0; i < MEASURE_THIRDS; i++)
		result.third_db[i] = NAN;
	for (uint32_t i = 0; i < 64; i++)
		result.channel_true_peak[i] = result.channel_sample_peak[i] = -20;
	text = write_page("little.html", &report);
	CHECK(strstr(text, "empty.wav"));
	free(text);
}

TEST(report_does_not_write_where_it_cannot)
{
	struct report report = {0};
	struct mixd_error err = {0};

	CHECK(report_write("/nonexistent/a.html", &report, &err) < 0 && err.text[0]);
	CHECK(report_plots("/proc/nothing", &report, NULL, &err) < 0 && err.text[0]);
}

/* ---- plots ------------------------------------------------------------------------------------ */

TEST(plots_stay_on_their_paper)
{
	static const double lengths_s[] = {0.2, 1, 5, 59, 65, 3599, 36000, 400000};
	static const char *const layouts[] = {"mono", "stereo", "5.1", "7.1.4", "64ch"};

	for (size_t i = 0; i < sizeof(lengths_s) / sizeof(lengths_s[0]); i++) {
		struct programme programme;
		struct plots plots;
		const char *layout = layouts[i % 5];

		programme_init(&programme, lengths_s[i], layout);
		CHECK(plot_all(&programme.result, &programme.info, NULL, &plots) == 0);
		CHECK(plots.n >= 3, "%g s: %u plots", lengths_s[i], plots.n);
		for (uint32_t j = 0; j < plots.n; j++) {
			const struct plot *plot = &plots.plot[j];

			CHECK(plot->n_shapes > 5 && plot->title[0] && plot->alt[0]);
			for (uint32_t k = 0; k < plot->n_shapes; k++) {
				const struct plot_shape *shape = &plot->shapes[k];

				CHECK((shape->kind == PLOT_TEXT) == (shape->text != NULL));
				for (uint32_t m = 0; m < shape->n; m++) {
					float x = shape->xy[2 * m], y = shape->xy[2 * m + 1];

					CHECK(x >= 0 && x <= plot->width && y >= 0 &&
						      y <= plot->height,
					      "%s of %g s: a shape at %g, %g", plot->name,
					      lengths_s[i], (double)x, (double)y);
				}
			}
		}
		plots_done(&plots);
		programme_done(&programme);
	}
}

/* Texts in one line that would be printed over one another; letters are at most 0.62 of their height. */
TEST(plots_have_texts_side_by_side)
{
	static const double lengths_s[] = {1, 8, 47, 65, 1234, 3599, 9000, 36000};

	for (size_t i = 0; i < sizeof(lengths_s) / sizeof(lengths_s[0]); i++) {
		struct programme programme;
		struct plots plots;

		programme_init(&programme, lengths_s[i], i & 1 ? "stereo" : "7.1.4");
		CHECK(plot_all(&programme.result, &programme.info, NULL, &plots) == 0);
		for (uint32_t p = 0; p < plots.n; p++) {
			const struct plot *plot = &plots.plot[p];

			for (uint32_t j = 0; j < plot->n_shapes; j++)
				for (uint32_t k = 0; k < j; k++) {
					const struct plot_shape *pair[2] = {&plot->shapes[j],
									    &plot->shapes[k]};
					double left[2], right[2];

					if (pair[0]->kind != PLOT_TEXT ||
					    pair[1]->kind != PLOT_TEXT ||
					    fabsf(pair[0]->xy[1] - pair[1]->xy[1]) > 9)
						continue;
					for (int s = 0; s < 2; s++) {
						double width = 0.6 * (double)pair[s]->size *
							       (double)strlen(pair[s]->text);

						left[s] = (double)pair[s]->xy[0] -
							  width * pair[s]->anchor / 2.0;
						right[s] = left[s] + width;
					}
					CHECK(left[0] >= right[1] || left[1] >= right[0],
					      "%s of %g s: \"%s\" lies on \"%s\"", plot->name,
					      lengths_s[i], pair[0]->text, pair[1]->text);
				}
		}
		plots_done(&plots);
		programme_done(&programme);
	}
}

TEST(plots_as_files)
{
	struct programme programme;
	struct report_item item[2] = {{.path = "a/same.wav"}, {.path = "b/same.wav"}};
	struct report report = {.items = item, .n_items = 2};
	struct mixd_error err = {0};
	char path[256], *text;
	uint32_t n = 0;
	int r;

	programme_init(&programme, 75, "5.1");
	item[0].result = item[1].result = &programme.result;
	item[0].info = item[1].info = &programme.info;
	snprintf(path, sizeof(path), "%s", page_path("plots"));
	r = report_plots(path, &report, &n, &err);
	if (r == -ENOENT && strstr(err.hint, "mixd-png")) {
		programme_done(&programme);
		test_skip("the module is not beside this program");
	}
	CHECK(r == 0, "%s", err.text);
	CHECK(n == 28, "%u", n);
	text = read_all(page_path("plots/same.wav.loudness.svg"));
	CHECK(strncmp(text, "<?xml", 5) == 0);
	check_tags(text);
	free(text);
	text = read_all(page_path("plots/same.wav.2.channels.png"));
	CHECK(memcmp(text, "\x89PNG\r\n\x1a\n", 8) == 0);
	free(text);
	programme_done(&programme);
}

TEST(plot_escapes_what_xml_may_not_hold)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;"},
		{"\x01\x1f", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb5", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb5"},
		{"\xc3", "\xef\xbf\xbd"},
		{"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xff", "\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL;
		size_t size;
		FILE *file = open_memstream(&text, &size);

		plot_escape(rows[i].in, file);
		fclose(file);
		CHECK_STR(text, rows[i].out);
		free(text);
	}
}
