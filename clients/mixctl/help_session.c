/* help_session.c - `mixctl help session`: what stands in a session file, for who begins with an empty page. The
 * same rows make a section of the manual page; tests/deliver/test_hints.py compares them with what the reader of
 * sessions takes. */
#include <string.h>

#include "job.h"

#define HELP_SESSION_COLUMN 30

static const char session_doc[] = "A session file is the graph as text, in YAML or JSON: `mixctl "
				  "apply -f` makes it live, `mixctl "
				  "render` runs it over files, `mixctl export` writes it. Values "
				  "carry units (-3dB, 12.5s, 1kHz, 50%); "
				  "a wrong key, type or unit is an error with line and column. "
				  "Names of files begin at the folder of "
				  "the session file.";

struct session_row {
	const char *key, *doc;
};

static const struct session_row session_top[] = {
	{"mixd: 1", "the first line: which language this is"},
	{"name: song", "a label for who reads it"},
	{"markers: {verse: 8s}",
	 "places of the time line, for --start and --end, points of envelopes, locate"},
	{"tracks: {vox: ...}", "each a player, a strip of nodes, a fader and links, in short"},
	{"buses: {mix: ...}",
	 "what tracks and sends are summed in; one called `mix` (or `master`) is where all goes "
	 "that names no other bus. It, or without it the tracks, go to the output, `out`, which "
	 "is made when there is none"},
	{"nodes: {eq: {type: eq}}",
	 "any node by its name, with its type, layout, params and configs: `mixd --list-types` "
	 "lists the types, `mixctl explain TYPE` and nodes/REFERENCE.md say the rest"},
	{"links: [a -> b -> c:key]",
	 "chains of nodes, or of a port of one; or {from: a, to: b, level: -12dB, "
	 "pan: L30, mute: on, tap: pre}"},
	{"envelopes: [...]",
	 "{address: vox/fader.gain, on: timeline, curve: smooth, points: [verse=0dB, 30s=-3dB]}: a "
	 "param in time. on: timeline goes with the transport, and with a render; curve is smooth, "
	 "linear, log, equal-power or step"},
	{NULL, NULL},
};

static const struct session_row session_track[] = {
	{"file: vox.wav",
	 "what it plays from 0 on; a track that is only that may be written vox: vox.wav"},
	{"clips: [...]", "or a list of clips, as below"},
	{"layout: mono",
	 "of the whole strip: stereo when it is not said, whatever the file is; mono, 5.1, 7.1.4, "
	 "... A mono file sounds in every channel of a wider layout"},
	{"strip: [...]",
	 "nodes in their order: a type (comp), or a type with settings ({type: eq, band1: {on: on, "
	 "type: highpass, freq: 90Hz}}). They are called vox/comp, vox/eq, a second one vox/eq2, "
	 "or as their key `name` says"},
	{"gain: -3dB", "of the fader, vox/fader, behind the strip; `mute: on` silences it"},
	{"pan: L20", "L100 to R100, behind the fader: vox/pan. A mono track is placed with equal "
		     "power, of a stereo "
		     "one the far side is lowered"},
	{"sends: {room: -12dB}",
	 "to other buses or nodes, from behind the pan; or {level: -12dB, pan: R10, mute: off, "
	 "tap: pre}, where pre is before the fader"},
	{"bus: drums", "where it goes: a bus, a node, or none"},
	{NULL, NULL},
};

static const struct session_row session_clip[] = {
	{"file: vox.wav", "any rate; played at that of the render or of the clock"},
	{"at: 8s", "where on the time line it begins: 8s, 1:02.5, or 48000fr, frames of that rate"},
	{"offset: 2s, length: 10s", "the piece of the file; without length to its end"},
	{"gain: -2dB", "of this clip"},
	{"fade_in: 1s, fade_out: 2s",
	 "at the ends; curve_in and curve_out are linear, equal-power, smooth or log. "
	 "Clips that overlap are summed: two fades make a crossfade"},
	{"loop: 4", "how often the piece sounds; 0 is without end"},
	{"reverse: on", "from its end to its begin"},
	{"speed: 50%", "varispeed, 6.25% to 1600%: pitch follows"},
	{"name: intro", "for `mixctl edit`"},
	{NULL, NULL},
};

static const struct {
	const char *title;
	const struct session_row *rows;
} session_parts[] = {
	{"a session", session_top},
	{"a track; a bus is the same without file and clips", session_track},
	{"a clip", session_clip},
};
#define SESSION_PARTS (sizeof(session_parts) / sizeof(session_parts[0]))

static const char session_example[] =
	"mixd: 1\n"
	"markers: {verse: 4s, chorus: 12s}\n"
	"tracks:\n"
	"  drums: {file: drums.wav, gain: -4dB}\n"
	"  vox:\n"
	"    layout: mono\n"
	"    clips: [{file: take3.wav, at: 4s, fade_in: 20ms}]\n"
	"    strip: [{type: eq, band1: {on: on, type: highpass, freq: 90Hz}}, comp]\n"
	"    pan: L10\n"
	"    sends: {room: -12dB}\n"
	"buses:\n"
	"  room: {strip: [reverb]}\n"
	"  mix: {strip: [{type: limiter, ceiling: -1dBTP}]}\n";

void help_session(void)
{
	help_put(stdout, 0, 0, session_doc);
	for (size_t i = 0; i < SESSION_PARTS; i++) {
		printf("\n%s\n", session_parts[i].title);
		for (const struct session_row *row = session_parts[i].rows; row->key; row++) {
			int n = printf("  %-*s ", HELP_SESSION_COLUMN - 3, row->key);

			help_put(stdout, n, HELP_SESSION_COLUMN, row->doc);
		}
	}
	fputs("\nexample\n", stdout);
	for (const char *at = session_example; *at; at = strchr(at, '\n') + 1)
		printf("  %.*s\n", (int)strcspn(at, "\n"), at);
	puts("\nMore of them: share/mixd/sessions, and systemd/examples of the source.");
}

void help_man_session(void)
{
	puts(".SH SESSION FILES");
	help_man(session_doc);
	putchar('\n');
	for (size_t i = 0; i < SESSION_PARTS; i++) {
		printf(".PP\n%s:\n", session_parts[i].title);
		for (const struct session_row *row = session_parts[i].rows; row->key; row++)
			help_man_option(row->key, row->doc);
	}
	fputs(".PP\n.nf\n.RS\n", stdout);
	help_man(session_example);
	fputs(".RE\n.fi\n", stdout);
}
