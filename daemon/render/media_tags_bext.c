/* media_tags_bext.c - the broadcast extension, and iXML.
 *
 * SOURCE      EBU Tech 3285 "Specification of the Broadcast Wave Format, version 2.0", 2.3, and EBU
 *             R 98 (coding history); iXML specification 3.01 (gallery.co.uk/ixml). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "media_tags_private.h"

#define BEXT_BYTES 602u
#define BEXT_UNSET 0x7fff

/* ---- bext -------------------------------------------------------------------------------------- */

static void bext_put_text(struct media_bytes *bytes, const char *text, size_t size)
{
	char ascii[257];
	size_t length;

	media_text_ascii(ascii, size + 1 < sizeof(ascii) ? size + 1 : sizeof(ascii), text);
	length = strlen(ascii);
	media_put(bytes, ascii, length);
	media_put_zeros(bytes, size - length);
}

/* Hundredths, rounded to the nearest; what is not in -99.99 .. 99.99 is not set. */
static void bext_put_value(struct media_bytes *bytes, double value)
{
	long hundredths =
		isfinite(value) && fabs(value) < 99.995 ? lround(100.0 * value) : BEXT_UNSET;

	media_put_le(bytes, (uint64_t)hundredths, 2);
}

/* One line of EBU R 98: what this file was coded by. */
static void bext_put_history(struct media_bytes *bytes, const struct media_info *info)
{
	const char *mode = info->n_channels == 1   ? "mono"
			   : info->n_channels == 2 ? "stereo"
						   : "multi-channel";

	media_put_format(bytes, "A=PCM,F=%.0f,W=%u,M=%s,T=mixd\r\n", info->rate,
			 (unsigned)(info->is_float ? 32 : info->bits), mode);
}

void tags_put_bext(struct media_bytes *bytes, const struct media_tags *tags,
		   const struct media_info *info)
{
	const struct media_bext *bext = &tags->bext;
	const struct media_loudness *is = &tags->loudness;

	bext_put_text(bytes, bext->description, 256);
	bext_put_text(bytes, bext->originator, 32);
	bext_put_text(bytes, bext->originator_reference, 32);
	bext_put_text(bytes, bext->date, 10);
	bext_put_text(bytes, bext->time, 8);
	media_put_le(bytes, bext->time_reference, 8);
	media_put_le(bytes, 2, 2);
	media_put(bytes, bext->umid, sizeof(bext->umid));
	bext_put_value(bytes, is->integrated);
	bext_put_value(bytes, is->range);
	bext_put_value(bytes, is->true_peak);
	bext_put_value(bytes, is->momentary_max);
	bext_put_value(bytes, is->shortterm_max);
	media_put_zeros(bytes, 180);
	if (bext->coding_history)
		media_put_text(bytes, bext->coding_history);
	if (!bext->coding_history || bext->is_continued)
		bext_put_history(bytes, info);
	media_put_zeros(bytes, 1);
}

static void bext_take_value(double *to, uint64_t field)
{
	int16_t value = (int16_t)field;

	if (isnan(*to) && value != BEXT_UNSET)
		*to = value / 100.0;
}

/* A field of the fixed part: up to its NUL, and without what is no text. */
static void bext_take_text(struct media_view *view, char *to, size_t size)
{
	struct media_view part = media_view_part(view, size);
	_cleanup_free_ char *text = media_text_from(part.data, part.size, MEDIA_UTF8);
	size_t n = text ? media_text_cut(text, size) : 0;

	if (n)
		memcpy(to, text, n);
	to[n] = '\0';
}

void tags_read_bext(struct tags_source *source, const uint8_t *data, size_t size)
{
	struct media_bext *bext = &source->tags->bext;
	struct media_loudness *to = &source->tags->loudness;
	struct media_view view = media_view(data, size), part;
	unsigned version;

	if (bext->is_set || size < BEXT_BYTES)
		return;
	bext->is_set = true;
	bext_take_text(&view, bext->description, 256);
	bext_take_text(&view, bext->originator, 32);
	bext_take_text(&view, bext->originator_reference, 32);
	bext_take_text(&view, bext->date, 10);
	bext_take_text(&view, bext->time, 8);
	bext->time_reference = media_view_le(&view, 8);
	version = (unsigned)media_view_le(&view, 2);
	part = media_view_part(&view, 64);
	if (version >= 1)
		memcpy(bext->umid, part.data, 64);
	if (version >= 2) {
		bext_take_value(&to->integrated, media_view_le(&view, 2));
		bext_take_value(&to->range, media_view_le(&view, 2));
		bext_take_value(&to->true_peak, media_view_le(&view, 2));
		bext_take_value(&to->momentary_max, media_view_le(&view, 2));
		bext_take_value(&to->shortterm_max, media_view_le(&view, 2));
	}
	view.at = BEXT_BYTES;
	part = media_view_part(&view, media_view_left(&view));
	if (part.size && part.data[0]) {
		bext->coding_history = media_text_from(part.data, part.size, MEDIA_UTF8);
		source->is_failed |= !bext->coding_history;
	}
}

/* ---- iXML -------------------------------------------------------------------------------------- */

static void xml_put(struct media_bytes *bytes, const char *text)
{
	for (; *text; text++) {
		const char *entity = *text == '&'   ? "&amp;"
				     : *text == '<' ? "&lt;"
				     : *text == '>' ? "&gt;"
						    : NULL;

		if (entity)
			media_put_text(bytes, entity);
		else if ((uint8_t)*text >= ' ' || *text == '\n' || *text == '\t')
			media_put(bytes, text, 1);
	}
}

static void xml_element(struct media_bytes *bytes, unsigned depth, const char *name,
			const char *text)
{
	if (!text || !*text)
		return;
	media_put_format(bytes, "%*s<%s>", (int)(2 * depth), "", name);
	xml_put(bytes, text);
	media_put_format(bytes, "</%s>\n", name);
}

__attribute__((format(printf, 4, 5))) static void
xml_number(struct media_bytes *bytes, unsigned depth, const char *name, const char *fmt, ...)
{
	char text[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	xml_element(bytes, depth, name, text);
}

static const char *xml_channel(uint8_t position)
{
	static const char *const name[] = {"",	  "Mono", "L",	 "R",	"C",  "LFE", "Ls",
					   "Rs",  "Lrs",  "Rrs", "Cs",	"Lc", "Rc",  "Ltf",
					   "Rtf", "Lts",  "Rts", "Ltr", "Rtr"};

	_Static_assert(sizeof(name) / sizeof(name[0]) == MIXD_POS_COUNT_,
		       "a name for each position");
	return position < MIXD_POS_COUNT_ ? name[position] : "";
}

static void xml_tracks(struct media_bytes *bytes, const struct media_info *info)
{
	media_put_text(bytes, "  <TRACK_LIST>\n");
	xml_number(bytes, 2, "TRACK_COUNT", "%u", (unsigned)info->n_channels);
	for (uint32_t c = 0; c < info->n_channels; c++) {
		const char *name = info->layout.position && c < info->layout.n_channels
					   ? xml_channel(info->layout.position[c])
					   : "";

		media_put_text(bytes, "    <TRACK>\n");
		xml_number(bytes, 3, "CHANNEL_INDEX", "%u", (unsigned)c + 1);
		xml_number(bytes, 3, "INTERLEAVE_INDEX", "%u", (unsigned)c + 1);
		xml_element(bytes, 3, "NAME", name);
		media_put_text(bytes, "    </TRACK>\n");
	}
	media_put_text(bytes, "  </TRACK_LIST>\n");
}

/* SPEED: rates, word length and the time stamp as two halves. */
static void xml_speed(struct media_bytes *bytes, const struct media_tags *tags,
		      const struct media_info *info)
{
	media_put_text(bytes, "  <SPEED>\n");
	xml_number(bytes, 2, "FILE_SAMPLE_RATE", "%.0f", info->rate);
	xml_number(bytes, 2, "AUDIO_BIT_DEPTH", "%u", (unsigned)(info->is_float ? 32 : info->bits));
	xml_number(bytes, 2, "DIGITIZER_SAMPLE_RATE", "%.0f", info->rate);
	xml_number(bytes, 2, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", "%u",
		   (unsigned)(tags->bext.time_reference >> 32));
	xml_number(bytes, 2, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO", "%u",
		   (unsigned)tags->bext.time_reference);
	xml_number(bytes, 2, "TIMESTAMP_SAMPLE_RATE", "%.0f", info->rate);
	media_put_text(bytes, "  </SPEED>\n");
}

static void xml_bext(struct media_bytes *bytes, const struct media_tags *tags)
{
	const struct media_bext *bext = &tags->bext;

	if (!bext->is_set)
		return;
	media_put_text(bytes, "  <BEXT>\n");
	xml_element(bytes, 2, "BWF_DESCRIPTION", bext->description);
	xml_element(bytes, 2, "BWF_ORIGINATOR", bext->originator);
	xml_element(bytes, 2, "BWF_ORIGINATOR_REFERENCE", bext->originator_reference);
	xml_element(bytes, 2, "BWF_ORIGINATION_DATE", bext->date);
	xml_element(bytes, 2, "BWF_ORIGINATION_TIME", bext->time);
	xml_number(bytes, 2, "BWF_TIME_REFERENCE_LOW", "%u", (unsigned)bext->time_reference);
	xml_number(bytes, 2, "BWF_TIME_REFERENCE_HIGH", "%u",
		   (unsigned)(bext->time_reference >> 32));
	media_put_text(bytes, "  </BEXT>\n");
}

char *media_tags_make_ixml(const struct media_tags *tags, const struct media_info *info)
{
	const char *project = media_tags_get(tags, "PROJECT");
	struct media_bytes bytes = {0};

	media_put_text(&bytes, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BWFXML>\n");
	xml_element(&bytes, 1, "IXML_VERSION", "3.01");
	xml_element(&bytes, 1, "PROJECT", project ? project : media_tags_get(tags, "ALBUM"));
	xml_element(&bytes, 1, "SCENE", media_tags_get(tags, "SCENE"));
	xml_element(&bytes, 1, "TAKE", media_tags_get(tags, "TAKE"));
	xml_element(&bytes, 1, "TAPE", media_tags_get(tags, "TAPE"));
	xml_element(&bytes, 1, "NOTE", media_tags_get(tags, "COMMENT"));
	xml_speed(&bytes, tags, info);
	xml_tracks(&bytes, info);
	xml_bext(&bytes, tags);
	media_put_text(&bytes, "</BWFXML>\n");
	media_put_zeros(&bytes, 1);
	if (bytes.is_failed)
		media_bytes_done(&bytes);
	return (char *)bytes.data;
}
