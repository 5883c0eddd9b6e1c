/* test_spec.c - delivery specs: that all load, and that each clause says yes and no at its edges. */
#include <string.h>

#include "spec.h"
#include "test.h"

static struct spec_set *shipped(void)
{
	struct spec_set *set;
	struct mixd_error err = {0};

	CHECK(spec_set_new_empty(&set, &err) == 0);
	CHECK(spec_set_add_shipped(set, &err) == 0, "%s %s", err.address, err.text);
	return set;
}

static const struct spec *find(const struct spec_set *set, const char *name)
{
	const struct spec *spec = NULL;
	struct mixd_error err = {0};

	CHECK(spec_find(set, name, &spec, &err) == 0, "%s", err.text);
	return spec;
}

/* A programme that is all right for most: figures are set one by one in the tests. */
struct programme {
	struct measure_result result;
	struct media_info info;
};

static void programme_init(struct programme *programme)
{
	*programme = (struct programme){
		.result = {.rate = 48000,
			   .duration_s = 600,
			   .n_frames = 28800000,
			   .n_channels = 2,
			   .integrated = -23,
			   .momentary_max = -18,
			   .shortterm_max = -19,
			   .range = 8,
			   .true_peak = -6,
			   .sample_peak = -6.2,
			   .rms = -22,
			   .noise_floor = -70,
			   .dialogue = -24,
			   .dialogue_range = 5,
			   .speech_share = 0.5,
			   .plr = 17,
			   .psr_min = 12,
			   .dr14 = 12,
			   .dc_max = -90,
			   .correlation = 0.5,
			   .head_s = 0.7,
			   .tail_s = 2},
		.info = {.container = "wav",
			 .codec = "pcm_s24",
			 .rate = 48000,
			 .n_channels = 2,
			 .n_frames = 28800000,
			 .bits = 24},
	};
}

/* Sets the figure a clause looks at: written apart from the code's own table. */
static bool programme_set(struct programme *programme, const char *id, double value)
{
	struct measure_result *result = &programme->result;
	const struct {
		const char *id;
		double *field;
	} fields[] = {
		{"integrated", &result->integrated},
		{"loudest-track", &result->integrated},
		{"dialogue", &result->dialogue},
		{"dialogue-lra", &result->dialogue_range},
		{"shortterm-max", &result->shortterm_max},
		{"lra", &result->range},
		{"true-peak", &result->true_peak},
		{"sample-peak", &result->sample_peak},
		{"plr", &result->plr},
		{"rms", &result->rms},
		{"noise-floor", &result->noise_floor},
		{"fold-down", &result->fold_down},
		{"head", &result->head_s},
		{"tail", &result->tail_s},
		{"duration", &result->duration_s},
		{"rate", &programme->info.rate},
		{"bitrate", &programme->info.bitrate_kbps},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].id, id) == 0) {
			*fields[i].field = value;
			if (strcmp(id, "bitrate") == 0)
				programme->info.is_lossy = true;
			return true;
		}
	if (strcmp(id, "ldr") == 0)
		result->integrated = result->dialogue + value;
	else if (strcmp(id, "channels") == 0)
		result->n_channels = programme->info.n_channels = (uint32_t)lround(value);
	else if (strcmp(id, "bits") == 0)
		programme->info.bits = (uint32_t)lround(value);
	else if (strcmp(id, "clipping") == 0)
		result->clip_runs = (uint64_t)llround(value);
	else
		return false;
	return true;
}

/* What must hold so that CLAUSE counts. */
static void programme_suit(struct programme *programme, const struct spec *spec,
			   const struct spec_clause *clause)
{
	if (!isnan(clause->when_above_lufs))
		programme->result.integrated = clause->when_above_lufs + 1;
	if (clause->when_channels)
		programme_set(programme, "channels", clause->when_channels);
	if (clause->when_speech == SPEC_SPEECH_LITTLE)
		programme->result.speech_share = spec->speech_share / 2;
	if (clause->alternative)
		programme_set(programme, clause->alternative, NAN);
}

static enum spec_state state_of(const struct spec *spec, const struct spec_clause *clause,
				const struct programme *programme, struct spec_verdict *ret)
{
	struct spec_verdict verdict[64];

	CHECK(spec->n_clauses <= 64);
	spec_check(spec, &programme->result, &programme->info, NULL, verdict);
	*ret = verdict[clause - spec->clause];
	return ret->state;
}

static enum spec_state missed(const struct spec_clause *clause)
{
	return clause->severity == SPEC_MUST	 ? SPEC_FAIL
	       : clause->severity == SPEC_ADVICE ? SPEC_WARN
						 : SPEC_NOTE;
}

/* OFFSET precisions beyond EDGE must give WANT. */
static void check_edge(const struct spec *spec, const struct spec_clause *clause, double edge,
		       double offset, enum spec_state want)
{
	struct programme programme;
	struct spec_verdict verdict;
	double value = edge + offset * clause->precision;
	enum spec_state state;

	programme_init(&programme);
	programme_suit(&programme, spec, clause);
	CHECK(programme_set(&programme, clause->id, value), "no way to set %s", clause->id);
	state = state_of(spec, clause, &programme, &verdict);
	CHECK(state == want, "%s %s at %.4f: %s, \"%s\"", spec->name, clause->id, value,
	      spec_state_word(state), verdict.text);
	CHECK(verdict.text[0] && verdict.limit[0] && verdict.measured[0]);
	if (want == SPEC_FAIL)
		CHECK(verdict.remedy[0], "%s %s: no remedy", spec->name, clause->id);
}

TEST(spec_all_clauses_hold_at_their_edges_from_both_sides)
{
	struct spec_set *set = shipped();
	uint32_t n = 0;

	for (uint32_t i = 0; i < spec_count(set); i++) {
		const struct spec *spec = spec_at(set, i);

		for (uint32_t j = 0; j < spec->n_clauses; j++) {
			const struct spec_clause *clause = &spec->clause[j];
			bool whole = strcmp(clause->id, "bits") == 0 ||
				     strcmp(clause->id, "clipping") == 0;
			enum spec_state met = clause->severity == SPEC_INFO ? SPEC_NOTE : SPEC_PASS;

			if (clause->kind == SPEC_PLAYBACK || clause->kind == SPEC_ONE_OF ||
			    strcmp(clause->id, "same-channels") == 0)
				continue;
			if (isfinite(clause->max)) {
				check_edge(spec, clause, clause->max, 0, met);
				check_edge(spec, clause, clause->max, whole ? 0 : 0.45, met);
				check_edge(spec, clause, clause->max, whole ? 1 : 0.55,
					   missed(clause));
				n++;
			}
			if (isfinite(clause->min) && clause->min > 0) {
				check_edge(spec, clause, clause->min, whole ? -1 : -0.55,
					   missed(clause));
			}
			if (isfinite(clause->min)) {
				check_edge(spec, clause, clause->min, 0, met);
				check_edge(spec, clause, clause->min, whole ? 0 : -0.45, met);
				n++;
			}
		}
	}
	test_note("%u edges, each from both sides", n);
	CHECK(n > 100);
	spec_set_free(set);
}

TEST(spec_words_and_numbers_of_lists)
{
	struct spec_set *set = shipped();
	uint32_t n = 0;

	for (uint32_t i = 0; i < spec_count(set); i++) {
		const struct spec *spec = spec_at(set, i);

		for (uint32_t j = 0; j < spec->n_clauses; j++) {
			const struct spec_clause *clause = &spec->clause[j];
			struct programme programme;
			struct spec_verdict verdict;
			enum spec_state met = clause->severity == SPEC_INFO ? SPEC_NOTE : SPEC_PASS;

			if (clause->kind != SPEC_ONE_OF)
				continue;
			programme_init(&programme);
			if (strcmp(clause->id, "codec") == 0) {
				snprintf(programme.info.codec, sizeof(programme.info.codec), "%s",
					 strstr(clause->words, "pcm") ? "pcm_s24" : clause->words);
				*strchrnul(programme.info.codec, ' ') = '\0';
				CHECK(state_of(spec, clause, &programme, &verdict) == met);
				strcpy(programme.info.codec, "vorbis");
			} else if (strcmp(clause->id, "cbr") == 0) {
				programme.info.is_lossy = programme.info.is_cbr = true;
				CHECK(state_of(spec, clause, &programme, &verdict) == met);
				programme.info.is_cbr = false;
			} else {
				programme_set(&programme, clause->id, strtod(clause->words, NULL));
				CHECK(state_of(spec, clause, &programme, &verdict) == met, "%s",
				      verdict.text);
				programme_set(&programme, clause->id, 11);
			}
			CHECK(state_of(spec, clause, &programme, &verdict) == missed(clause),
			      "%s %s: %s", spec->name, clause->id, verdict.text);
			CHECK(verdict.remedy[0]);
			n++;
		}
	}
	CHECK(n > 15);
	spec_set_free(set);
}

TEST(spec_shipped_ones_say_where_they_come_from)
{
	struct spec_set *set = shipped();

	CHECK(spec_count(set) == 47, "%u", spec_count(set));
	for (uint32_t i = 0; i < spec_count(set); i++) {
		const struct spec *spec = spec_at(set, i);

		CHECK(spec->n_clauses > 0 && spec->version >= 1 && !spec->origin);
		CHECK(spec->title[0] && spec->source[0] && spec->grade[0] && spec->date[0], "%s",
		      spec->name);
		for (uint32_t j = 0; j < spec->n_clauses; j++) {
			const struct spec_clause *clause = &spec->clause[j];

			CHECK(clause->source[0] && clause->grade[0] && clause->text[0], "%s %s",
			      spec->name, clause->id);
			CHECK(clause->min <= clause->max || clause->kind == SPEC_PLAYBACK);
		}
		CHECK(spec_needs(spec) & MEASURE_LOUDNESS);
	}
	spec_set_free(set);
}

TEST(spec_aims)
{
	static const struct {
		const char *name;
		double lufs, dbtp, rms, sample;
		bool is_dialogue;
	} rows[] = {
		{"ebu-r128", -23, -1, NAN, NAN, false},
		{"spotify", -14, -1, NAN, NAN, false},
		{"apple-music", -16, -1, NAN, NAN, false},
		{"acx", NAN, NAN, -20.5, -3, false},
		{"netflix", -27, -2, NAN, NAN, true},
		{"bbc-dpp", -23, -3, NAN, NAN, false},
		{"disney-plus", -27, -2, NAN, NAN, true},
		{"aes-music-album", -14, -1, NAN, NAN, false},
		{"apple-music-atmos", -18, -1, NAN, NAN, false},
		{"cd", NAN, 0, NAN, NAN, false},
		{"apple-digital-masters", NAN, 0, NAN, NAN, false},
		{"max-wbd", -24, -2, NAN, NAN, false},
	};
	struct spec_set *set = shipped();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct spec *spec = find(set, rows[i].name);

		CHECK(isnan(rows[i].lufs) ? isnan(spec->target_lufs)
					  : spec->target_lufs == rows[i].lufs,
		      "%s aims at %g", spec->name, spec->target_lufs);
		CHECK(isnan(rows[i].dbtp) ? isnan(spec->max_dbtp) : spec->max_dbtp == rows[i].dbtp,
		      "%s peaks %g", spec->name, spec->max_dbtp);
		CHECK(isnan(rows[i].rms) ? isnan(spec->target_rms_dbfs)
					 : spec->target_rms_dbfs == rows[i].rms);
		CHECK(isnan(rows[i].sample) ? isnan(spec->max_sample_dbfs)
					    : spec->max_sample_dbfs == rows[i].sample);
		CHECK(spec->is_dialogue == rows[i].is_dialogue);
	}
	CHECK(find(set, "netflix")->fallback_lufs == -24);
	CHECK_NEAR(find(set, "netflix")->speech_share, 0.15, 1e-12);
	CHECK_NEAR(find(set, "ebu-r128")->min_lufs, -23.2, 1e-9);
	CHECK_NEAR(find(set, "ebu-r128")->max_lufs, -22.8, 1e-9);
	CHECK(spec_needs_speech(find(set, "netflix")) && !spec_needs_speech(find(set, "acx")));
	spec_set_free(set);
}

static const struct spec_verdict *verdict_of(const struct spec *spec,
					     const struct spec_verdict *verdicts, const char *id,
					     enum spec_kind kind)
{
	for (uint32_t i = 0; i < spec->n_clauses; i++)
		if (strcmp(spec->clause[i].id, id) == 0 && spec->clause[i].kind == kind)
			return &verdicts[i];
	test_fail(__FILE__, __LINE__, "no clause %s in %s", id, spec->name);
}

/* What players do: NAME, loudness, peak, album's loudness (NAN: none) -> words. */
TEST(spec_playback_is_predicted)
{
	static const struct {
		const char *name;
		double integrated, peak, album;
		const char *want;
	} rows[] = {
		/* the example of the service's own page */
		{"spotify", -20, -5, NAN,
		 "turned up by 4.0 dB, no further for its peak of -5.0 "
		 "dBTP: plays at -16.0 LUFS"},
		{"spotify", -9.2, 0.3, NAN, "turned down by 4.8 dB: plays at -14.0 LUFS"},
		{"spotify", -14.02, -1, NAN, "played as it is, at -14.0 LUFS"},
		{"spotify", -20, -12, NAN, "turned up by 6.0 dB: plays at -14.0 LUFS"},
		{"spotify", -18, -0.2, NAN, "turned up by 0.0 dB, no further"},
		{"spotify", -17, -6, -12,
		 "turned down by 2.0 dB (by the album's loudness): plays at "
		 "-19.0 LUFS"},
		/* the album's peak holds the track back, too */
		{"spotify", -25, -9, -20,
		 "turned up by 0.5 dB (by the album's loudness), no further for its peak of -1.5"},
		{"spotify-loud", -15, -2, NAN,
		 "towards -11.0 LUFS; the player's limiter takes up to "
		 "3.0 dB off its peaks"},
		{"youtube", -18, -3, NAN, "is not turned up: plays at -18.0 LUFS, 4.0 LU below"},
		{"replaygain2", -23, 0, NAN, "turned up by 5.0 dB: plays at -18.0 LUFS"},
		{"spotify", -INFINITY, -INFINITY, NAN, "silent"},
	};
	struct spec_set *set = shipped();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct spec *spec = find(set, rows[i].name);
		struct spec_verdict verdicts[64];
		const struct spec_verdict *verdict;
		struct programme programme;
		struct measure_result album = {.integrated = rows[i].album, .true_peak = -1.5};

		programme_init(&programme);
		programme.result.integrated = rows[i].integrated;
		programme.result.true_peak = programme.result.sample_peak = rows[i].peak;
		CHECK(spec_check(spec, &programme.result, &programme.info,
				 isnan(rows[i].album) ? NULL : &album, verdicts));
		verdict = verdict_of(spec, verdicts, "integrated", SPEC_PLAYBACK);
		CHECK(verdict->state == SPEC_NOTE);
		CHECK(strstr(verdict->text, rows[i].want), "\"%s\" without \"%s\"", verdict->text,
		      rows[i].want);
	}
	spec_set_free(set);
}

TEST(spec_share_of_speech_decides_which_loudness_counts)
{
	struct spec_set *set = shipped();
	const struct spec *spec = find(set, "netflix");
	struct spec_verdict verdicts[64];
	struct programme programme;

	programme_init(&programme);
	programme.result.range = 10;
	programme.result.dialogue = -27;
	programme.result.integrated = -20;
	programme.result.speech_share = 0.15;
	CHECK(spec_check(spec, &programme.result, &programme.info, NULL, verdicts));
	CHECK(verdict_of(spec, verdicts, "integrated", SPEC_BAND)->state == SPEC_APART);
	programme.result.speech_share = 0.14;
	CHECK(!spec_check(spec, &programme.result, &programme.info, NULL, verdicts));
	CHECK(verdict_of(spec, verdicts, "dialogue", SPEC_BAND)->state == SPEC_APART);
	CHECK(verdict_of(spec, verdicts, "integrated", SPEC_BAND)->state == SPEC_FAIL);
	/* found by a detector: said */
	programme.result.is_speech_detected = true;
	spec_check(spec, &programme.result, &programme.info, NULL, verdicts);
	CHECK(strstr(verdict_of(spec, verdicts, "integrated", SPEC_BAND)->text, "approximate"));
	/* not measured at all: no yes */
	programme.result.speech_share = programme.result.dialogue = NAN;
	programme.result.is_speech_detected = false;
	CHECK(!spec_check(spec, &programme.result, &programme.info, NULL, verdicts));
	CHECK(verdict_of(spec, verdicts, "dialogue", SPEC_BAND)->state == SPEC_UNKNOWN);
	CHECK(strstr(verdict_of(spec, verdicts, "dialogue", SPEC_BAND)->text, "--speech"));
	spec_set_free(set);
}

TEST(spec_alternatives_are_met_by_either)
{
	struct spec_set *set = shipped();
	const struct spec *spec = find(set, "netflix-qc");
	struct spec_verdict verdicts[64];
	struct programme programme;

	programme_init(&programme);
	programme.result.dialogue = -20;
	programme.result.integrated = -24;
	CHECK(spec_check(spec, &programme.result, &programme.info, NULL, verdicts));
	CHECK(strstr(verdicts[0].text, "met by integrated loudness instead"), "%s",
	      verdicts[0].text);
	programme.result.integrated = -20;
	CHECK(!spec_check(spec, &programme.result, &programme.info, NULL, verdicts));
	programme.result.dialogue = -27;
	CHECK(spec_check(spec, &programme.result, &programme.info, NULL, verdicts));
	spec_set_free(set);
}

TEST(spec_conditions_set_clauses_apart)
{
	struct spec_set *set = shipped();
	const struct spec *spotify = find(set, "spotify"), *dpp = find(set, "bbc-dpp");
	struct spec_verdict verdicts[64];
	struct programme programme;

	programme_init(&programme);
	programme.result.integrated = -14.0;
	programme.result.true_peak = -1.5;
	CHECK(spec_check(spotify, &programme.result, &programme.info, NULL, verdicts));
	CHECK(verdicts[3].state == SPEC_APART, "%s", verdicts[3].text);
	programme.result.integrated = -13.9;
	spec_check(spotify, &programme.result, &programme.info, NULL, verdicts);
	CHECK(verdicts[3].state == SPEC_WARN, "%s", verdicts[3].text);
	programme.result.duration_s = 30;
	programme.result.range = 30;
	spec_check(dpp, &programme.result, &programme.info, NULL, verdicts);
	CHECK(verdict_of(dpp, verdicts, "lra", SPEC_CEILING)->state == SPEC_APART);
	programme_set(&programme, "channels", 1);
	spec_check(dpp, &programme.result, &programme.info, NULL, verdicts);
	CHECK(verdict_of(dpp, verdicts, "fold-down", SPEC_FLOOR)->state == SPEC_APART);
	spec_set_free(set);
}

TEST(spec_silence_and_what_is_not_known)
{
	struct spec_set *set = shipped();
	const struct spec *spec = find(set, "ebu-r128"), *acx = find(set, "acx");
	struct spec_verdict verdicts[64];
	struct programme programme;

	programme_init(&programme);
	programme.result.integrated = programme.result.true_peak = -INFINITY;
	CHECK(!spec_check(spec, &programme.result, &programme.info, NULL, verdicts));
	CHECK(verdicts[0].state == SPEC_FAIL && strstr(verdicts[0].text, "silent"));
	CHECK(verdicts[1].state == SPEC_PASS);
	programme.result.integrated = -23;
	programme.result.true_peak = NAN;
	CHECK(!spec_check(spec, &programme.result, &programme.info, NULL, verdicts));
	CHECK(verdicts[1].state == SPEC_UNKNOWN);
	programme_init(&programme);
	programme.result.noise_floor = NAN;
	spec_check(acx, &programme.result, NULL, NULL, verdicts);
	CHECK(verdict_of(acx, verdicts, "noise-floor", SPEC_CEILING)->state == SPEC_UNKNOWN);
	CHECK(verdict_of(acx, verdicts, "codec", SPEC_ONE_OF)->state == SPEC_UNKNOWN);
	/* A gated voice has no noise; a programme with sound is not called silent for it. */
	programme.result.noise_floor = -INFINITY;
	spec_check(acx, &programme.result, NULL, NULL, verdicts);
	CHECK(verdict_of(acx, verdicts, "noise-floor", SPEC_CEILING)->state == SPEC_PASS);
	CHECK_STR(verdict_of(acx, verdicts, "noise-floor", SPEC_CEILING)->measured,
		  "digital silence");
	spec_set_free(set);
}

TEST(spec_texts_have_figures_and_remedies)
{
	struct spec_set *set = shipped();
	const struct spec *spec = find(set, "ebu-r128"), *acx = find(set, "acx");
	struct spec_verdict verdicts[64];
	struct programme programme;

	programme_init(&programme);
	programme.result.integrated = -22.24;
	programme.result.true_peak = 0.33;
	spec_check(spec, &programme.result, &programme.info, NULL, verdicts);
	CHECK_STR(verdicts[0].text,
		  "integrated loudness -22.2 LUFS is 0.8 LU above -23.0 ±0.2 LUFS");
	CHECK_STR(verdicts[0].remedy,
		  "turn it down by 0.8 LU; mixctl master does it: --spec ebu-r128");
	CHECK_STR(verdicts[1].text,
		  "true peak 0.3 dBTP is 1.3 dB above -1.0 dBTP (at most -1.0 dBTP)");
	CHECK_STR(verdicts[1].remedy,
		  "limit it to -1.0 dBTP (true peak); mixctl master does it: --spec ebu-r128");
	programme.result.head_s = 0.1;
	programme.info.is_lossy = true;
	programme.info.bitrate_kbps = 128;
	spec_check(acx, &programme.result, &programme.info, NULL, verdicts);
	CHECK_STR(verdict_of(acx, verdicts, "head", SPEC_RANGE)->remedy,
		  "put 0.40 s of room tone in front");
	CHECK_STR(verdict_of(acx, verdicts, "duration", SPEC_CEILING)->limit, "at most 2:00:00.0");
	CHECK_STR(verdict_of(acx, verdicts, "rate", SPEC_ONE_OF)->limit, "44.1 kHz");
	CHECK_STR(verdict_of(acx, verdicts, "bitrate", SPEC_FLOOR)->text,
		  "bit rate 128 kbps is 64 kbps below 192 kbps (at least 192 kbps)");
	programme.info.is_lossy = false;
	programme.info.bits = 24;
	programme.result.effective_bits = 16;
	programme.result.is_padded = true;
	spec_check(find(set, "netflix"), &programme.result, &programme.info, NULL, verdicts);
	CHECK_STR(verdict_of(find(set, "netflix"), verdicts, "bits", SPEC_RANGE)->measured,
		  "24 bits, 16 of them in use");
	/* float is not what was asked for */
	programme.info.is_float = true;
	programme.info.bits = 32;
	spec_check(find(set, "netflix"), &programme.result, &programme.info, NULL, verdicts);
	CHECK(verdict_of(find(set, "netflix"), verdicts, "bits", SPEC_RANGE)->state == SPEC_FAIL);
	spec_set_free(set);
}

TEST(spec_albums_are_judged_as_a_whole)
{
	struct spec_set *set = shipped();
	const struct spec *aes = find(set, "aes-music-album"), *acx = find(set, "acx");
	struct programme a, b;
	const struct measure_result *results[2] = {&a.result, &b.result};
	const struct media_info *infos[2] = {&a.info, &b.info};
	struct spec_verdict verdicts[64];

	programme_init(&a);
	programme_init(&b);
	a.result.integrated = -14.1;
	b.result.integrated = -19;
	CHECK(spec_check_album(aes, results, infos, 2, verdicts));
	CHECK(strstr(verdicts[0].text, "-14.1 LUFS"), "%s", verdicts[0].text);
	a.result.integrated = -13.7;
	CHECK(!spec_check_album(aes, results, infos, 2, verdicts));
	CHECK(spec_check_album(acx, results, infos, 2, verdicts));
	programme_set(&b, "channels", 1);
	CHECK(!spec_check_album(acx, results, infos, 2, verdicts));
	CHECK(strstr(verdict_of(acx, verdicts, "same-channels", SPEC_CEILING)->remedy,
		     "all mono") ||
	      strstr(verdict_of(acx, verdicts, "same-channels", SPEC_CEILING)->remedy,
		     "all files"));
	CHECK(spec_check_album(acx, NULL, NULL, 0, verdicts));
	spec_set_free(set);
}
