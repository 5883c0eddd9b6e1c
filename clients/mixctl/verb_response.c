/* verb_response.c - response: the curve of a node, as a table or drawn in the terminal. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mixctl.h"

#define RESPONSE_LOW_HZ 20.0
#define RESPONSE_HIGH_HZ 20000.0
#define RESPONSE_ROWS 17
#define RESPONSE_MARGIN 8 /* "-12 dB |" */

/* The highest frequency that makes sense at the rate of the daemon. */
static double response_high_hz(struct mixctl *m)
{
	Mixd__V1__GetStatus get = MIXD__V1__GET_STATUS__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	Mixd__V1__Reply *reply;

	request.op_case = MIXD__V1__REQUEST__OP_GET_STATUS;
	request.get_status = &get;
	reply = mixctl_request(m, &request);
	if (!reply || !reply->get_status->rate)
		return RESPONSE_HIGH_HZ;
	return fmin(RESPONSE_HIGH_HZ, 0.49 * reply->get_status->rate);
}

static unsigned response_width(void)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 40)
		return 72;
	return size.ws_col > 120 ? 120 : size.ws_col;
}

/* A scale of whole steps that holds all values: top and dB per row. */
static void response_scale(const double *db, size_t n, double *ret_top, double *ret_step)
{
	static const double steps[] = {0.5, 1, 2, 3, 5, 10, 20};
	double low = 0, high = 0;

	for (size_t i = 0; i < n; i++) {
		low = fmin(low, fmax(db[i], -150));
		high = fmax(high, db[i]);
	}
	*ret_step = steps[6];
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		double top = ceil(high / steps[i]) * steps[i];

		if (top - (RESPONSE_ROWS - 1) * steps[i] > low && i + 1 < 7)
			continue;
		*ret_step = steps[i];
		break;
	}
	*ret_top = ceil(high / *ret_step) * *ret_step;
	/* a flat curve in the middle, not at the top */
	if (high - low < 4 * *ret_step)
		*ret_top += 4 * *ret_step;
}

static void response_axis(const double *hz, size_t n)
{
	static const double marks[] = {20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000};
	static const char *const names[] = {"20", "50", "100", "200", "500",
					    "1k", "2k", "5k",  "10k", "20k"};
	char line[256];
	size_t width = n + RESPONSE_MARGIN + 2;

	memset(line, ' ', sizeof(line));
	for (size_t k = 0; k < sizeof(marks) / sizeof(marks[0]); k++) {
		size_t i = 0, size = strlen(names[k]), at;

		while (i + 1 < n && hz[i + 1] <= marks[k])
			i++;
		if (marks[k] < hz[0] * 0.99 || marks[k] > hz[n - 1] * 1.05)
			continue;
		at = RESPONSE_MARGIN + i;
		if (at + size < width && line[at] == ' ' && line[at ? at - 1 : 0] == ' ')
			memcpy(line + at, names[k], size);
	}
	line[width] = 0;
	for (size_t i = width; i > 0 && line[i - 1] == ' '; i--)
		line[i - 1] = 0;
	printf("%s Hz\n", line);
}

static void response_plot(const double *hz, const double *db, size_t n)
{
	const char *dot = output_utf8() ? "\u2022" : "*", *rule = output_utf8() ? "\u2500" : "-";
	const char *bar = output_utf8() ? "\u2502" : "|";
	double top, step;

	response_scale(db, n, &top, &step);
	for (int row = 0; row < RESPONSE_ROWS; row++) {
		double level = top - row * step;
		bool zero = fabs(level) < step / 4;

		if (zero)
			printf("%5d %s", 0, bar);
		else
			printf("%+5.*f %s", step < 1 ? 1 : 0, level, bar);
		for (size_t i = 0; i < n; i++) {
			bool here = fabs(db[i] - level) <= step / 2 ||
				    (row == RESPONSE_ROWS - 1 && db[i] < level);

			fputs(here ? dot : zero ? rule : " ", stdout);
		}
		putchar('\n');
	}
	response_axis(hz, n);
}

static int response_table(struct mixctl *m, uint64_t revision, const double *hz, const double *db,
			  size_t n)
{
	static const char *const columns[] = {"hz", "db", NULL};
	struct listing listing = {.kind = "response", .columns = columns, .revision = revision};

	for (size_t i = 0; i < n; i++) {
		struct doc *item = doc_object();
		char hz_text[40], db_text[40];

		snprintf(hz_text, sizeof(hz_text), "%.6g", hz[i]);
		snprintf(db_text, sizeof(db_text), "%.3f", fabs(db[i]) < 0.0005 ? 0 : db[i]);
		doc_set(item, "hz", doc_number(hz[i]));
		doc_set(item, "db", doc_number(db[i]));
		listing_add(&listing, item, (const char *const[]){hz_text, db_text});
	}
	return listing_print(m, &listing);
}

int verb_response(struct mixctl *m)
{
	Mixd__V1__GetResponse get = MIXD__V1__GET_RESPONSE__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	bool draw = mixctl_format(m, FORMAT_TABLE) == FORMAT_TABLE && !m->options.points &&
		    output_is_terminal();
	size_t n = m->options.points ? m->options.points
		   : draw	     ? response_width() - RESPONSE_MARGIN - 2
				     : 31;
	double high_hz, *hz;
	Mixd__V1__Reply *reply;

	if (n < 2 || n > 4096)
		return mixctl_error(m, EXIT_INVALID, "--points", "want 2 to 4096",
				    "%zu points are no curve", n);
	high_hz = response_high_hz(m);
	if (m->err.code)
		return m->err.code;
	hz = mixctl_alloc(n * sizeof(*hz));
	for (size_t i = 0; i < n; i++)
		hz[i] = RESPONSE_LOW_HZ *
			pow(high_hz / RESPONSE_LOW_HZ, (double)i / (double)(n - 1));
	get.name = m->args[0];
	get.channel = m->options.channel ? (uint32_t)(m->options.channel - 1) : 0;
	get.freq_hz = hz;
	get.n_freq_hz = n;
	request.op_case = MIXD__V1__REQUEST__OP_GET_RESPONSE;
	request.get_response = &get;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	if (reply->get_response->n_db != n)
		return mixctl_error(m, EXIT_RESOURCE, m->args[0],
				    "is the daemon of another version?",
				    "%zu of %zu points came back", reply->get_response->n_db, n);
	if (draw) {
		response_plot(hz, reply->get_response->db, n);
		return EXIT_YES;
	}
	return response_table(m, reply->revision, hz, reply->get_response->db, n);
}
