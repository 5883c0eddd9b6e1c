/* album_sheet.c - the PQ sheet of an album as text and HTML, its cue sheet and its JSON; see album.h. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "album.h"

/* Grows; malloc'd at the end. */
struct sheet {
	char *text;
	size_t size;
	FILE *out;
};

static struct sheet *sheet_open(struct sheet *sheet)
{
	*sheet = (struct sheet){0};
	sheet->out = open_memstream(&sheet->text, &sheet->size);
	return sheet->out ? sheet : NULL;
}

static char *sheet_close(struct sheet *sheet)
{
	if (fclose(sheet->out) == 0)
		return sheet->text;
	free(sheet->text);
	return NULL;
}

struct row { /* a track, in words */
	char start[12], length[12], pregap[12], gap[24], loudness[16], peak[16], gain[16];
	const char *title, *artist, *isrc;
	char flags[24];
};

static void number_text(char *buf, size_t size, int digits, bool is_signed, double value)
{
	if (isfinite(value))
		snprintf(buf, size, is_signed ? "%+.*f" : "%.*f", digits, value);
	else
		snprintf(buf, size, "%s", value == -INFINITY ? "-inf" : "");
}

static void row_of(const struct album *album, uint32_t t, struct row *ret)
{
	static const struct {
		unsigned flag;
		const char *name;
	} flags[] = {
		{DISC_PRE, "PRE "}, {DISC_DCP, "DCP "}, {DISC_4CH, "4CH "}, {DISC_SCMS, "SCMS "}};
	const struct album_track *track = &album->track[t];
	const struct disc_track *disc = &album->disc.track[t];

	*ret = (struct row){.title = track->title ? track->title : "",
			    .artist = track->artist ? track->artist : "",
			    .isrc = track->isrc};
	disc_msf(disc->index[0], ret->start);
	disc_msf(disc_track_sectors(&album->disc, t), ret->length);
	if (disc->has_pregap)
		disc_msf(disc->pregap, ret->pregap);
	if (t > 0)
		snprintf(ret->gap, sizeof(ret->gap), track->is_joined ? "joined" : "%.2f s",
			 track->gap_real_s);
	number_text(ret->loudness, sizeof(ret->loudness), 1, false,
		    album->is_measured ? track->after.integrated : NAN);
	number_text(ret->peak, sizeof(ret->peak), 1, false,
		    album->is_measured ? track->after.true_peak : NAN);
	number_text(ret->gain, sizeof(ret->gain), 2, true,
		    album->is_measured ? track->album_gain_db + track->gain_db : NAN);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (disc->flags & flags[i].flag)
			strcat(ret->flags, flags[i].name);
}

static void text_head(const struct album *album, FILE *out)
{
	char end[12];

	disc_msf(album->disc.lead_out, end);
	fprintf(out, "%s%s%s\n", album->artist ? album->artist : "",
		album->artist && album->title ? " - " : "", album->title ? album->title : "");
	if (album->disc.upc[0])
		fprintf(out, "UPC/EAN  %s\n", album->disc.upc);
	if (album->catalog)
		fprintf(out, "Catalog  %s\n", album->catalog);
	fprintf(out, "Tracks   %u, lead-out at %s\n", album->n_tracks, end);
	if (album->is_measured)
		fprintf(out, "Loudness %.1f LUFS, true peak %.1f dBTP (album)\n",
			album->after.integrated, album->after.true_peak);
	fprintf(out, "Times are minutes:seconds:frames (1/75 s) from the start of the disc\n\n");
}

char *album_sheet_text(const struct album *album)
{
	struct sheet sheet;
	int title_width = 5;

	if (!sheet_open(&sheet))
		return NULL;
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		int n = album->track[t].title ? job_letters(album->track[t].title) : 0;

		title_width = n > title_width ? n : title_width;
	}
	title_width = title_width > 40 ? 40 : title_width;
	text_head(album, sheet.out);
	fprintf(sheet.out, " #  %-*s  %-8s  %-8s  %-8s  %9s  %-12s%s\n", title_width, "title",
		"index 00", "index 01", "length", "gap", "ISRC",
		album->is_measured ? "    LUFS   dBTP   gain dB" : "");
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		struct row row;

		row_of(album, t, &row);
		fprintf(sheet.out, "%2u  %-*s", t + 1, job_width(row.title, title_width),
			row.title);
		fprintf(sheet.out, "  %-8s  %-8s  %-8s  %9s  %-12s", row.pregap, row.start,
			row.length, row.gap, row.isrc);
		if (album->is_measured)
			fprintf(sheet.out, "  %6s %6s %9s", row.loudness, row.peak, row.gain);
		fprintf(sheet.out, "%s%s\n", row.flags[0] ? "  " : "", row.flags);
	}
	return sheet_close(&sheet);
}

static void put_html(FILE *out, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
}

static void put_cell(FILE *out, const char *kind, const char *text)
{
	fprintf(out, "<td%s>", kind);
	put_html(out, text);
	fputs("</td>", out);
}

static const char html_style[] =
	"<style>body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 "
	"1em;"
	"color:#222;background:#fff}h1{font-size:1.5em;margin:0}p{margin:.3em 0;color:#666}"
	"table{border-collapse:collapse;margin-top:1.5em;width:100%}"
	"th,td{text-align:left;padding:.35em .6em;border-bottom:1px solid #ddd}"
	"th{font-weight:600;border-bottom:2px solid #888}"
	".n{text-align:right;font-variant-numeric:tabular-nums}"
	"@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}td{border-color:#333}"
	"}"
	"@media print{body{margin:0;color:#000;background:#fff}}</style>";

static void html_head(const struct album *album, FILE *out)
{
	const char *title = album->title ? album->title : "Album";
	char end[12];

	disc_msf(album->disc.lead_out, end);
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", out);
	put_html(out, title);
	fprintf(out, " - PQ sheet</title>%s</head><body>\n<h1>", html_style);
	put_html(out, title);
	fputs("</h1>\n<p>", out);
	put_html(out, album->artist ? album->artist : "");
	fprintf(out, "</p>\n<p>%s%s%s%u tracks, lead-out at %s",
		album->disc.upc[0] ? "UPC/EAN " : "", album->disc.upc,
		album->disc.upc[0] ? ", " : "", album->n_tracks, end);
	if (album->is_measured)
		fprintf(out, ", %.1f LUFS, true peak %.1f dBTP", album->after.integrated,
			album->after.true_peak);
	fputs("</p>\n<p>Times are minutes:seconds:frames (1/75 s) from the start of the "
	      "disc.</p>\n",
	      out);
}

char *album_sheet_html(const struct album *album)
{
	struct sheet sheet;

	if (!sheet_open(&sheet))
		return NULL;
	html_head(album, sheet.out);
	fputs("<table><thead><tr><th class=\"n\">#</th><th>Title</th><th>Artist</th>"
	      "<th class=\"n\">Index 00</th><th class=\"n\">Index 01</th><th "
	      "class=\"n\">Length</th>"
	      "<th class=\"n\">Gap</th><th>ISRC</th><th>Flags</th><th class=\"n\">LUFS</th>"
	      "<th class=\"n\">dBTP</th></tr></thead><tbody>\n",
	      sheet.out);
	for (uint32_t t = 0; t < album->n_tracks; t++) {
		static const char n[] = " class=\"n\"";
		struct row row;

		row_of(album, t, &row);
		fprintf(sheet.out, "<tr><td%s>%u</td>", n, t + 1);
		put_cell(sheet.out, "", row.title);
		put_cell(sheet.out, "", row.artist);
		put_cell(sheet.out, n, row.pregap);
		put_cell(sheet.out, n, row.start);
		put_cell(sheet.out, n, row.length);
		put_cell(sheet.out, n, row.gap);
		put_cell(sheet.out, "", row.isrc);
		put_cell(sheet.out, "", row.flags);
		put_cell(sheet.out, n, row.loudness);
		put_cell(sheet.out, n, row.peak);
		fputs("</tr>\n", sheet.out);
	}
	fputs("</tbody></table>\n</body></html>\n", sheet.out);
	return sheet_close(&sheet);
}

/* ---- cue sheet ------------------------------------------------------------------------------ */

/* Programs read cue sheets as they like: quotes have no escape, so " becomes '. */
static void put_cue(FILE *out, const char *word, const char *text, const char *behind)
{
	if (!text)
		return;
	fprintf(out, "%s \"", word);
	for (; *text; text++)
		fputc(*text == '"' ? '\'' : *text, out);
	fprintf(out, "\"%s\n", behind);
}

static void cue_track(const struct album *album, uint32_t t, FILE *out)
{
	const struct album_track *track = &album->track[t];
	const struct disc_track *disc = &album->disc.track[t];
	char at[12];

	fprintf(out, "  TRACK %02u AUDIO\n", t + 1);
	put_cue(out, "    TITLE", track->title, "");
	put_cue(out, "    PERFORMER", track->artist ? track->artist : album->artist, "");
	put_cue(out, "    SONGWRITER", track->songwriter ? track->songwriter : album->songwriter,
		"");
	if (disc->flags)
		fprintf(out, "    FLAGS%s%s%s%s\n", disc->flags & DISC_DCP ? " DCP" : "",
			disc->flags & DISC_4CH ? " 4CH" : "", disc->flags & DISC_PRE ? " PRE" : "",
			disc->flags & DISC_SCMS ? " SCMS" : "");
	if (track->isrc[0])
		fprintf(out, "    ISRC %s\n", track->isrc);
	if (t > 0 && disc->has_pregap) {
		disc_msf(disc->pregap - DISC_PREGAP_SECTORS, at);
		fprintf(out, "    INDEX 00 %s\n", at);
	}
	disc_msf(disc->index[0] - DISC_PREGAP_SECTORS, at);
	fprintf(out, "    INDEX 01 %s\n", at);
}

char *album_cue(const struct album *album, const char *wav)
{
	struct sheet sheet;

	if (!sheet_open(&sheet))
		return NULL;
	if (album->disc.upc[0])
		fprintf(sheet.out, "CATALOG %s\n", album->disc.upc);
	put_cue(sheet.out, "PERFORMER", album->artist, "");
	put_cue(sheet.out, "TITLE", album->title, "");
	put_cue(sheet.out, "SONGWRITER", album->songwriter, "");
	put_cue(sheet.out, "FILE", wav, " WAVE");
	for (uint32_t t = 0; t < album->n_tracks; t++)
		cue_track(album, t, sheet.out);
	return sheet_close(&sheet);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *track_json(const struct album *album, uint32_t t)
{
	const struct album_track *track = &album->track[t];
	struct row row;
	json_t *item;

	row_of(album, t, &row);
	item = json_pack("{s:i,s:s*,s:s*,s:s,s:s,s:s,s:o,s:o,s:o,s:b,s:b}", "track", (int)(t + 1),
			 "title", track->title, "isrc", track->isrc[0] ? track->isrc : NULL,
			 "index01", row.start, "index00", row.pregap, "length", row.length,
			 "start_s", job_real((double)track->mark / album->rate), "length_s",
			 job_real((double)(album_edge(album, t + 1, album->rate) - track->mark) /
				  album->rate),
			 "gap_s", t ? job_real(track->gap_real_s) : json_null(), "joined",
			 (int)track->is_joined, "crossfade", (int)track->fades_cross_in);
	json_object_set_new(item, "sound_start_s",
			    job_real((double)(track->at + track->sound_start) / album->rate));
	json_object_set_new(item, "sound_end_s",
			    job_real((double)(track->at + track->sound_end) / album->rate));
	if (!album->is_measured)
		return item;
	json_object_set_new(item, "gain_db", job_real(track->album_gain_db + track->gain_db));
	json_object_set_new(item, "integrated_lufs", job_real(track->after.integrated));
	json_object_set_new(item, "true_peak_dbtp", job_real(track->after.true_peak));
	json_object_set_new(item, "range_lu", job_real(track->after.range));
	return item;
}

json_t *album_json(const struct album *album)
{
	json_t *items = json_array(), *root;
	char end[12];

	disc_msf(album->disc.lead_out, end);
	for (uint32_t t = 0; t < album->n_tracks; t++)
		json_array_append_new(items, track_json(album, t));
	root = json_pack("{s:s*,s:s*,s:s*,s:f,s:s,s:i,s:o,s:o}", "title", album->title, "artist",
			 album->artist, "upc", album->disc.upc[0] ? album->disc.upc : NULL,
			 "rate_hz", album->rate, "lead_out", end, "lead_out_sectors",
			 (int)album->disc.lead_out, "length_s",
			 job_real((double)album->n_frames / album->rate), "items", items);
	if (album->is_measured) {
		json_object_set_new(root, "integrated_lufs", job_real(album->after.integrated));
		json_object_set_new(root, "true_peak_dbtp", job_real(album->after.true_peak));
		json_object_set_new(root, "range_lu", job_real(album->after.range));
		json_object_set_new(root, "is_held_back", json_boolean(album->is_held_back));
		if (album->limiter)
			json_object_set_new(root, "limiter_reduction_db",
					    job_real(album->reduction_db));
	}
	return root;
}
