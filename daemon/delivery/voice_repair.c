/* voice_repair.c - see voice_repair.h.
 *
 * RULES       Aimed at is 3 dB under the limit. Nothing is done while the floor will be 1 dB under it.
 *             Hum goes first, when half of the quietest stretch's power is hum: that costs the voice
 *             nothing. Of what remains, up to 4 dB are an expander's, which only touches pauses; more
 *             is for denoise, by 2 dB more than it lacks, up to 24 dB. Direct current above -50 dBFS
 *             goes by a high pass. A quietest stretch less than 10 dB under the voice is voice: then
 *             there is no pause, and nothing to be judged by. */
#include "voice_repair.h"

#include <math.h>
#include <string.h>

#define REPAIR_AIM_DB 3.0
#define REPAIR_SLACK_DB 1.0
#define REPAIR_HUM_SHARE 0.5
#define REPAIR_HUM_MAX_DB 15.0
#define REPAIR_GENTLE_DB 4.0
#define REPAIR_MARGIN_DB 2.0
#define REPAIR_DENOISE_MAX_DB 24.0
#define REPAIR_EXPANDER_MAX_DB 12.0
#define REPAIR_EXPANDER_ABOVE_DB 16.0 /* over its RMS: peaks of noise reach 12 dB */
#define REPAIR_OFFSET_DBFS (-50.0)
#define REPAIR_PAUSE_LU 10.0

void voice_repair_plan(const struct roomtone *tone, double voice_lufs, double gain_db,
		       double limit_dbfs, double offset_dbfs, struct voice_repair *ret)
{
	double hz, share = roomtone_hum(tone, &hz), will_be, rest, excess;

	*ret = (struct voice_repair){.floor_dbfs = tone->tone ? tone->tone_dbfs : -INFINITY,
				     .has_offset = offset_dbfs > REPAIR_OFFSET_DBFS};
	will_be = ret->floor_dbfs + gain_db;
	if (!(will_be > limit_dbfs - REPAIR_SLACK_DB)) {
		snprintf(ret->why, sizeof(ret->why), "quiet enough: %.1f dBFS when delivered",
			 will_be);
		return;
	}
	if (ret->floor_dbfs > voice_lufs - REPAIR_PAUSE_LU) {
		ret->has_no_pause = true;
		snprintf(ret->why, sizeof(ret->why),
			 "it has no pause to hear the room in: its quietest stretch is speech");
		return;
	}
	rest = will_be;
	if (share >= REPAIR_HUM_SHARE) {
		ret->hum_hz = hz;
		ret->hum_share = share;
		rest += fmax(-REPAIR_HUM_MAX_DB, 10 * log10(fmax(1 - share, 1e-3)));
	}
	excess = rest - (limit_dbfs - REPAIR_AIM_DB);
	ret->expander_from_dbfs = rest - gain_db + REPAIR_EXPANDER_ABOVE_DB;
	if (excess > REPAIR_GENTLE_DB)
		ret->denoise_db = ceil(fmin(REPAIR_DENOISE_MAX_DB, excess + REPAIR_MARGIN_DB));
	else if (excess > 0)
		ret->expander_db = ceil(excess + REPAIR_MARGIN_DB);
	snprintf(ret->why, sizeof(ret->why),
		 "its pauses would be at %.1f dBFS, %.1f dB over the limit%s", will_be,
		 will_be - limit_dbfs,
		 ret->hum_hz > 0	     ? ", most of it hum"
		 : excess > REPAIR_GENTLE_DB ? ", broadband noise"
					     : "");
}

bool voice_repair_more(struct voice_repair *repair, double excess_db)
{
	double before = repair->denoise_db + repair->expander_db;

	repair->denoise_db = ceil(
		fmin(REPAIR_DENOISE_MAX_DB, repair->denoise_db + excess_db + REPAIR_MARGIN_DB));
	if (repair->denoise_db >= REPAIR_DENOISE_MAX_DB)
		repair->expander_db =
			fmin(REPAIR_EXPANDER_MAX_DB, repair->expander_db + ceil(excess_db) + 4);
	return repair->denoise_db + repair->expander_db > before;
}

bool voice_repair_is_needed(const struct voice_repair *repair)
{
	return repair->has_offset || repair->hum_hz > 0 || repair->denoise_db > 0 ||
	       repair->expander_db > 0;
}

void voice_repair_words(const struct voice_repair *repair, char *ret, size_t size)
{
	size_t n = 0;

	snprintf(ret, size, "%s", voice_repair_is_needed(repair) ? "" : "nothing");
	if (repair->has_offset)
		n += (size_t)snprintf(ret + n, size - n, "remove DC, ");
	if (repair->hum_hz > 0 && n < size)
		n += (size_t)snprintf(ret + n, size - n, "dehum %.0f Hz, ", repair->hum_hz);
	if (repair->denoise_db > 0 && n < size)
		n += (size_t)snprintf(ret + n, size - n, "denoise %.0f dB, ", repair->denoise_db);
	if (repair->expander_db > 0 && n < size)
		n += (size_t)snprintf(ret + n, size - n, "expand %.0f dB, ", repair->expander_db);
	if (n >= 2 && n < size)
		ret[n - 2] = '\0';
}

bool voice_repair_node(const struct voice_repair *repair, uint32_t idx, char *type,
		       size_t type_size, char *settings, size_t settings_size)
{
	if (repair->has_offset && idx-- == 0) {
		snprintf(type, type_size, "eq");
		snprintf(settings, settings_size,
			 "band1: {on: on, type: highpass, freq: 20Hz, slope: \"12\"}");
		return true;
	}
	if (repair->hum_hz > 0 && idx-- == 0) {
		snprintf(type, type_size, "dehum");
		snprintf(settings, settings_size, "base: \"%.0f\"", repair->hum_hz);
		return true;
	}
	if (repair->denoise_db > 0 && idx-- == 0) {
		snprintf(type, type_size, "denoise");
		snprintf(settings, settings_size, "amount: %.0fdB", repair->denoise_db);
		return true;
	}
	if (repair->expander_db > 0 && idx-- == 0) {
		snprintf(type, type_size, "expander");
		snprintf(settings, settings_size,
			 "threshold: %.1fdBFS, ratio: \"3:1\", range: %.0fdB, attack: 2ms, hold: "
			 "150ms, release: 250ms, lookahead: 5ms",
			 fmax(-80, repair->expander_from_dbfs - repair->denoise_db),
			 repair->expander_db);
		return true;
	}
	return false;
}
