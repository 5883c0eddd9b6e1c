/* podcast_session.c - the session of an episode, as a person would have written it; see podcast.h.
 *
 * A VOICE     player -> repair -> gain to the common level -> high pass at 80 Hz -> gate -> de-esser ->
 *             compressor -> automix (with two or more) -> fader -> place.
 * THE REST    voices -> leveler -> mix; the bed is lowered while voices speak; intro, outro and inserts
 *             go straight to the mix. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "podcast.h"
#include "yaml_text.h"

struct session_text {
	const struct podcast *podcast;
	FILE *nodes, *links;
	const char *layout;
	uint32_t n_mix; /* inputs of the mix in use */
};

static void put_clip(FILE *file, const struct podcast_sound *sound, double at_s, double offset_s,
		     double length_s, double fade_in_s, double fade_out_s)
{
	fputs("      - {file: ", file);
	yaml_text(file, sound->file);
	fprintf(file, ", at: %.6fs", at_s);
	if (offset_s > 0)
		fprintf(file, ", offset: %.6fs", offset_s);
	if (length_s < sound->length_s - 1e-9)
		fprintf(file, ", length: %.6fs", length_s);
	/* fades never meet */
	if (fade_in_s > 0)
		fprintf(file, ", fade_in: %.6fs", fmin(fade_in_s, length_s / 2));
	if (fade_out_s > 0)
		fprintf(file, ", fade_out: %.6fs", fmin(fade_out_s, length_s / 2));
	fputs("}\n", file);
}

/* In one piece, or in several where an insert is pushed in. */
static void put_voice_clips(const struct session_text *text, const struct podcast_sound *voice)
{
	const struct podcast *podcast = text->podcast;
	double from = voice->at_s, end = voice->at_s + voice->length_s;

	for (uint32_t i = 0; i <= podcast->n_inserts; i++) {
		double to = i < podcast->n_inserts ? podcast->insert[i].at_s : end;
		bool is_cut = i < podcast->n_inserts && podcast->insert[i].push;

		if ((i < podcast->n_inserts && !is_cut) || to <= from || to > end)
			continue;
		put_clip(text->nodes, voice, podcast_place(podcast, from), from - voice->at_s,
			 to - from, from > voice->at_s ? 0.005 : 0, to < end ? 0.005 : 0);
		from = to;
	}
}

static void put_strip(struct session_text *text, const struct podcast_sound *voice, uint32_t i)
{
	char type[32], settings[256];

	for (uint32_t k = 0;
	     voice_repair_node(&voice->repair, k, type, sizeof(type), settings, sizeof(settings));
	     k++) {
		fprintf(text->nodes, "  voice%u/repair%u: {type: %s, %s}\n", i, k + 1, type,
			settings);
		fprintf(text->links, " -> voice%u/repair%u", i, k + 1);
	}
	fprintf(text->nodes, "  voice%u/level: {type: gain, gain: %.2fdB}\n", i, voice->level_db);
	fprintf(text->links, " -> voice%u/level", i);
	if (voice->deplosive) {
		fprintf(text->nodes, "  voice%u/deplosive: {type: deplosive}\n", i);
		fprintf(text->links, " -> voice%u/deplosive", i);
	}
	fprintf(text->nodes,
		"  voice%u/eq: {type: eq, band1: {on: on, type: highpass, freq: 80Hz, slope: "
		"\"12\"}}\n",
		i);
	fprintf(text->links, " -> voice%u/eq", i);
	if (voice->gate) {
		fprintf(text->nodes,
			"  voice%u/gate: {type: gate, threshold: -45dBFS, range: 12dB, hold: "
			"200ms, release: 250ms, key_hpf: 120Hz}\n",
			i);
		fprintf(text->links, " -> voice%u/gate", i);
	}
	if (voice->deesser) {
		fprintf(text->nodes, "  voice%u/deesser: {type: deesser, amount: 6dB}\n", i);
		fprintf(text->links, " -> voice%u/deesser", i);
	}
	if (voice->comp) {
		fprintf(text->nodes,
			"  voice%u/comp: {type: comp, threshold: -22dBFS, ratio: \"3:1\", attack: "
			"5ms, release: 120ms, makeup: 3dB}\n",
			i);
		fprintf(text->links, " -> voice%u/comp", i);
	}
}

static void put_voice(struct session_text *text, const struct podcast_sound *voice, uint32_t i)
{
	bool is_mixed = text->podcast->is_mixed;

	fprintf(text->nodes, "  # %s\n", voice->name ? voice->name : strrchr(voice->file, '/') + 1);
	fprintf(text->nodes, "  voice%u:\n    type: player\n    layout: mono\n    clips:\n", i);
	put_voice_clips(text, voice);
	fprintf(text->links, "  - voice%u", i);
	put_strip(text, voice, i);
	if (is_mixed)
		fprintf(text->links, " -> automix:in%u\n  - automix:out%u", i, i);
	fprintf(text->nodes, "  voice%u/fader: {type: gain, gain: %.2fdB}\n", i, voice->gain_db);
	fprintf(text->links, " -> voice%u/fader", i);
	if (text->podcast->is_stereo) {
		fprintf(text->nodes, "  voice%u/pan: {type: pan, compensate: on, pan: ", i);
		yaml_text(text->nodes, voice->pan ? voice->pan : "C");
		fputs("}\n", text->nodes);
		fprintf(text->links, " -> voice%u/pan", i);
	}
	fprintf(text->links, " -> voices:in%u\n", i);
}

static void put_player(struct session_text *text, const char *name)
{
	fprintf(text->nodes, "  %s:\n    type: player\n    layout: %s\n    clips:\n", name,
		text->layout);
}

static void put_music(struct session_text *text, const char *name,
		      const struct podcast_sound *sound)
{
	if (!sound->file)
		return;
	put_player(text, name);
	put_clip(text->nodes, sound, sound->start_s, 0, sound->length_s, sound->fade_in_s,
		 sound->fade_out_s);
	fprintf(text->nodes, "  %s/fader: {type: gain, gain: %.2fdB}\n", name,
		sound->level_db + sound->gain_db);
	fprintf(text->links, "  - %s -> %s/fader -> mix:in%u\n", name, name, ++text->n_mix);
}

/* As often as it takes, from the first word to the last. */
static void put_bed(struct session_text *text)
{
	const struct podcast_sound *bed = &text->podcast->bed;
	double from = text->podcast->talk_s, end = text->podcast->talk_end_s, length;

	if (!bed->file)
		return;
	put_player(text, "bed");
	for (double at = from; at < end - 1e-3; at += length) {
		length = fmin(bed->length_s, end - at);
		put_clip(text->nodes, bed, at, 0, length, at > from ? 0 : bed->fade_in_s,
			 at + length < end - 1e-3 ? 0 : bed->fade_out_s);
	}
	fprintf(text->nodes, "  bed/fader: {type: gain, gain: %.2fdB}\n",
		bed->level_db + bed->gain_db);
	fprintf(text->nodes,
		"  bed/duck: {type: ducker, threshold: -42LUFS, depth: %.1fdB, attack: 120ms, "
		"hold: 700ms, release: 1200ms}\n",
		bed->depth_db);
	fprintf(text->links, "  - bed -> bed/fader -> bed/duck -> mix:in%u\n", ++text->n_mix);
	fputs("  - voices -> bed/duck:key\n", text->links);
}

static void put_all(struct session_text *text)
{
	const struct podcast *podcast = text->podcast;
	char name[32];

	for (uint32_t i = 0; i < podcast->n_voices; i++)
		put_voice(text, &podcast->voice[i], i + 1);
	if (podcast->is_mixed)
		fprintf(text->nodes, "  automix: {type: automix, inputs: %u, layout: mono}\n",
			podcast->n_voices);
	fprintf(text->nodes, "  voices: {type: bus, inputs: %u, layout: %s}\n", podcast->n_voices,
		text->layout);
	fputs("  - voices", text->links);
	if (podcast->leveler) {
		fputs("  leveler: {type: leveler, target: -20LUFS, max_boost: 8dB, window: 6s}\n",
		      text->nodes);
		fputs(" -> leveler", text->links);
	}
	fprintf(text->links, " -> mix:in%u\n", ++text->n_mix);
	put_music(text, "intro", &podcast->intro);
	put_music(text, "outro", &podcast->outro);
	for (uint32_t i = 0; i < podcast->n_inserts; i++) {
		snprintf(name, sizeof(name), "insert%u", i + 1);
		put_music(text, name, &podcast->insert[i]);
	}
	put_bed(text);
	fprintf(text->nodes, "  mix: {type: bus, inputs: %u, layout: %s}\n", text->n_mix,
		text->layout);
	fprintf(text->nodes, "  out: {type: output, layout: %s}\n", text->layout);
	fputs("  - mix -> out\n", text->links);
}

int podcast_session(const struct podcast *podcast, char **ret, struct mixd_error *err)
{
	struct session_text text = {.podcast = podcast,
				    .layout = podcast->is_stereo ? "stereo" : "mono"};
	char *nodes = NULL, *links = NULL;
	size_t n_nodes, n_links;
	int r = -1;

	text.nodes = open_memstream(&nodes, &n_nodes);
	text.links = open_memstream(&links, &n_links);
	if (text.nodes && text.links)
		put_all(&text);
	if (text.nodes)
		fclose(text.nodes);
	if (text.links)
		fclose(text.links);
	if (nodes && links)
		r = asprintf(ret, "mixd: 1\nname: podcast\nnodes:\n%slinks:\n%s", nodes, links);
	free(nodes);
	free(links);
	return r < 0 ? error_no_memory(err) : 0;
}
