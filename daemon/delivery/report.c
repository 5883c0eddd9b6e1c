/* report.c - the page: head, summary, files one after the other; and plots as files. */
#include "report_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cleanup.h"
#include "media_write.h"
#include "plot.h"

DEFINE_CLEANUP(media_file_free, struct media_file *)

#define PNG_SCALE 2.0
#define NAME_BYTES_MAX 160 /* of a plot's file name that come from the programme's */

static const struct spec *item_spec(const struct report_item *item)
{
	return item->n_verdicts ? item->verdicts[0].spec : NULL;
}

/* ---- the page --------------------------------------------------------------------------------- */

static void page_title(const struct report *report, FILE *file)
{
	if (report->title)
		plot_escape(report->title, file);
	else if (report->n_items == 1)
		plot_escape(report_name(report->items[0].path), file);
	else
		fprintf(file, "%u files", report->n_items);
}

static void page_head(const struct report *report, FILE *file)
{
	time_t now = time(NULL);
	struct tm utc;
	char date[48] = "";
	uint32_t n_judged = 0, n_met = 0;

	if (gmtime_r(&now, &utc))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &utc);
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	      "<meta name=\"generator\" content=\"mixd " MIXD_VERSION "\">\n<title>",
	      file);
	page_title(report, file);
	fputs(" - measurement report</title>\n<style>\n", file);
	plot_css(file);
	fputs(report_css, file);
	fputs("</style></head>\n<body><main>\n<header class=\"page\"><p "
	      "class=\"kicker\">Measurement "
	      "report</p><h1>",
	      file);
	page_title(report, file);
	fprintf(file, "</h1><p class=\"sub\">%u file%s, measured %s", report->n_items,
		report->n_items == 1 ? "" : "s", date);
	for (uint32_t i = 0; i < report->n_items; i++) {
		n_judged += report->items[i].n_verdicts > 0;
		n_met += report->items[i].n_verdicts > 0 && report_item_is_met(&report->items[i]);
	}
	if (n_judged > 1)
		fprintf(file, "; %u of %u meet what was asked", n_met, n_judged);
	fputs("</p></header>\n", file);
}

static int page_plots(const struct report_item *item, FILE *file, struct mixd_error *err)
{
	struct plots plots;

	if (plot_all(item->result, item->info, item_spec(item), &plots) < 0)
		return error_no_memory(err);
	if (plots.n)
		fputs("<div class=\"plots\">\n", file);
	for (uint32_t i = 0; i < plots.n; i++) {
		fprintf(file, "<figure class=\"card%s\">", plots.plot[i].is_wide ? " wide" : "");
		plot_svg(&plots.plot[i], true, file);
		fputs("</figure>\n", file);
	}
	if (plots.n)
		fputs("</div>\n", file);
	plots_done(&plots);
	return 0;
}

static int page_item(const struct report_item *item, uint32_t idx, FILE *file,
		     struct mixd_error *err)
{
	int r = 0;

	fprintf(file,
		"<article class=\"file\" id=\"f%u\">\n<section class=\"card\"><div "
		"class=\"head\"><div><h2>",
		idx);
	plot_escape(report_name(item->path), file);
	fputs("</h2>", file);
	if (report_name(item->path) != item->path) {
		fputs("<p class=\"path\">", file);
		plot_escape(item->path, file);
		fputs("</p>", file);
	}
	fputs("</div><div>", file);
	report_badges(item, file);
	fputs("</div></div>\n", file);
	if (item->result)
		report_facts(item, file);
	else {
		fputs("<p><span class=\"badge fail\">\xe2\x9c\x97 not readable</span> ", file);
		plot_escape(item->error ? item->error : "", file);
		fputs("</p>", file);
	}
	fputs("</section>\n", file);
	if (item->result) {
		report_tiles(item, file);
		report_verdicts(item, file);
		r = page_plots(item, file, err);
		report_events(item, file);
		report_figures(item, file);
	}
	fputs("</article>\n", file);
	return r;
}

static int page_all(const struct report *report, FILE *file, struct mixd_error *err)
{
	int r = 0;

	page_head(report, file);
	if (report->n_items > 1 || report->album)
		report_summary(report, file);
	if (report->album)
		report_verdicts(report->album, file);
	for (uint32_t i = 0; i < report->n_items && r == 0; i++)
		r = page_item(&report->items[i], i + 1, file, err);
	fputs("<footer>Loudness by ITU-R BS.1770 with the gates and windows of EBU Tech 3341, "
	      "range by "
	      "EBU Tech 3342 at 10 Hz; true peak interpolated eightfold. Made by mixd " MIXD_VERSION
	      ".</footer>\n</main></body></html>\n",
	      file);
	return r;
}

static int write_whole(const char *path, const void *data, size_t size, struct mixd_error *err)
{
	_cleanup_(media_file_freep) struct media_file *out = NULL;
	int r = media_file_create(path, &out, err);

	r = r < 0 ? r : media_file_write(out, data, size, err);
	return r < 0 ? r : media_file_commit(out, err);
}

int report_write(const char *path, const struct report *report, struct mixd_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	int r;

	if (!file)
		return error_no_memory(err);
	r = page_all(report, file, err);
	if (fclose(file) != 0 && r == 0)
		r = error_no_memory(err);
	return r < 0 ? r : write_whole(path, text, size, err);
}

/* ---- plots as files --------------------------------------------------------------------------- */

/* How often the name of item IDX has come before. */
static uint32_t item_repeats(const struct report *report, uint32_t idx)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < idx; i++)
		n += strcmp(report_name(report->items[i].path),
			    report_name(report->items[idx].path)) == 0;
	return n;
}

static int plot_path_of(const char *folder, const char *name, uint32_t repeats,
			const struct plot *plot, const char *ending, char **ret)
{
	char number[16] = "";
	int length = (int)strnlen(name, NAME_BYTES_MAX);

	while (length > 0 && length == NAME_BYTES_MAX &&
	       ((unsigned char)name[length] & 0xc0) == 0x80)
		length--; /* no half of a letter */
	if (repeats)
		snprintf(number, sizeof(number), ".%u", repeats + 1);
	return asprintf(ret, "%s/%.*s%s.%s.%s", folder, length, name, number, plot->name, ending);
}

static int plot_files(const char *folder, const char *name, uint32_t repeats,
		      const struct plot *plot, struct mixd_error *err)
{
	_cleanup_free_ char *path = NULL, *text = NULL, *png_path = NULL;
	_cleanup_free_ void *png = NULL;
	size_t size = 0, png_size = 0;
	FILE *file;
	int r;

	if (plot_path_of(folder, name, repeats, plot, "svg", &path) < 0 ||
	    plot_path_of(folder, name, repeats, plot, "png", &png_path) < 0)
		return error_no_memory(err);
	file = open_memstream(&text, &size);
	if (!file)
		return error_no_memory(err);
	plot_svg(plot, false, file);
	if (fclose(file) != 0)
		return error_no_memory(err);
	r = write_whole(path, text, size, err);
	r = r < 0 ? r : plot_png(plot, PNG_SCALE, &png, &png_size, err);
	return r < 0 ? r : write_whole(png_path, png, png_size, err);
}

int report_plots(const char *folder, const struct report *report, uint32_t *ret_n,
		 struct mixd_error *err)
{
	uint32_t n = 0;
	int r = 0;

	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return error_set(err, ERROR_RESOURCE, folder, "cannot be made: %s",
				 strerror(errno));
	for (uint32_t i = 0; i < report->n_items && r == 0; i++) {
		const struct report_item *item = &report->items[i];
		struct plots plots;

		if (!item->result)
			continue;
		if (plot_all(item->result, item->info, item_spec(item), &plots) < 0)
			return error_no_memory(err);
		for (uint32_t j = 0; j < plots.n && r == 0; j++) {
			r = plot_files(folder, report_name(item->path), item_repeats(report, i),
				       &plots.plot[j], err);
			n += r == 0 ? 2 : 0;
		}
		plots_done(&plots);
	}
	if (ret_n)
		*ret_n = n;
	return r;
}
