/* series_file.h - the file behind a series: see series.h. */
#pragma once

#include "series.h"

#define SERIES_THIRDS 31u /* 20 Hz .. 20.48 kHz, by octaves */
#define SERIES_TITLE_MAX 200u

struct series_episode {
	char title[SERIES_TITLE_MAX];
	double integrated, range, shortterm_max; /* LUFS, LU, LUFS */
	double duration_s;
	bool has_spectrum;
	double third_db[SERIES_THIRDS]; /* against its loudness */
};

struct series {
	char name[64];
	char *path;
	int lock; /* fd; below 0: none */
	struct series_episode *episode; /* owned; in the order they were remembered */
	uint32_t n_episodes;
};

double series_third_hz(uint32_t third);
/* $XDG_DATA_HOME/mixd/series, or ~/.local/share/...; malloc'd, NULL: there is no home. */
char *series_folder(void);
/* What is not there yet is empty. IS_LOCKED: nobody else changes it until series_close(). */
int series_open(const char *name, bool is_locked, struct series *ret, struct mixd_error *err);
bool series_is_there(const char *name);
/* EPISODE takes the place of the one with its title, or is the last; the file is replaced. */
int series_put(struct series *series, const struct series_episode *episode, struct mixd_error *err);
/* Without the one called TITLE; -ENOENT. */
int series_drop(struct series *series, const char *title, struct mixd_error *err);
int series_remove(struct series *series, struct mixd_error *err);
void series_close(struct series *series);
