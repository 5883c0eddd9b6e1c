/* voice_repair.h - what a recorded voice needs before it is loud enough, and no more than that.
 *
 * WHAT        From the quietest stretch and the gain to come: whether hum must go, whether noise must,
 *             and by how much; in words, too. The outcome is nodes of a session.
 * THREADS     [any] */
#pragma once

#include <stdio.h>

#include "roomtone.h"

struct voice_repair {
	double floor_dbfs; /* quietest stretch as recorded; -INFINITY: none */
	double hum_hz, hum_share; /* 0: no hum worth speaking of */
	double denoise_db; /* 0: none */
	double expander_db; /* 0: none */
	double expander_from_dbfs;
	bool has_offset; /* direct current */
	bool has_no_pause; /* the quietest stretch is speech: nothing is known of the room */
	char why[240];
};

/* The voice is at VOICE_LUFS, and GAIN_DB is to come; the floor may then be at LIMIT_DBFS.
 * OFFSET_DBFS: direct current. */
void voice_repair_plan(const struct roomtone *tone, double voice_lufs, double gain_db,
		       double limit_dbfs, double offset_dbfs, struct voice_repair *ret);
/* It was not enough: EXCESS_DB more. False: more than this would harm the voice. */
bool voice_repair_more(struct voice_repair *repair, double excess_db);
bool voice_repair_is_needed(const struct voice_repair *repair);
/* "denoise 8 dB, dehum 50 Hz"; "nothing". */
void voice_repair_words(const struct voice_repair *repair, char *ret, size_t size);
/* Nodes in the order they are to be in, one by one from IDX 0: the type into TYPE, its settings into
 * SETTINGS ("base: \"50\""). False beyond the last. */
bool voice_repair_node(const struct voice_repair *repair, uint32_t idx, char *type,
		       size_t type_size, char *settings, size_t settings_size);
