/* verbs.c - the table of verbs: help, usage, completion and the manual page come from it. */
#include <string.h>

#include "mixctl.h"

const struct verb verbs[] = {
	{.name = "status",
	 .words = "",
	 .doc = "how the daemon, its clock and its graph are",
	 .more = "Exit code 1 while an alarm is active.",
	 .examples = "status\nstatus -o json | jq .load_percent",
	 .run = verb_status},
	{.name = "ls",
	 .words = "[nodes|ports|links|types|plugins] [PATTERN]",
	 .doc = "list what there is",
	 .more = "Plug-ins are the LV2 ones of the daemon's machine: types like any other, as in "
		 "mixctl add lv2:URI NAME. A PATTERN without wildcards is a part of the URI.",
	 .examples = "ls\nls ports 'vox/*'\nls types -o name\nls plugins compressor",
	 .max_args = 2,
	 .first = WORD_LIST,
	 .rest = WORD_NODE,
	 .run = verb_ls},
	{.name = "get",
	 .words = "NODE.PARAM...",
	 .doc = "read params, configs and meters",
	 .more = "One address asked for by name prints its value alone, in a form that set takes "
		 "back. Patterns print a table. transport.state, .position, .loop and .marker are "
		 "read, too.",
	 .examples = "get limit.ceiling\nget 'vox/*.gain' -o json\nget -n limit.ceiling\n"
		     "get 'transport.*'",
	 .options = OPTION_NUMBER,
	 .min_args = 1,
	 .max_args = -1,
	 .first = WORD_READING,
	 .rest = WORD_READING,
	 .run = verb_get},
	{.name = "set",
	 .words = "NODE.PARAM=VALUE... | EQ --import FILE",
	 .doc = "change params and configs, all or none",
	 .more = "Values carry units: -1dBTP 20ms 4:1 1.2kHz -16LUFS L30 on. += and -= add, toggle "
		 "and default do what they say; patterns set all that match. A file has one "
		 "NODE.PARAM=VALUE a line. --import makes the bands of an eq those of an AutoEq or "
		 "Equalizer APO file: Preamp, Filter and Channel lines, the rest off. Answers when "
		 "the change is accepted; --wait asks for "
		 "more. With --at, mixctl stays until it is done; the daemon does it also when "
		 "mixctl is "
		 "gone.",
	 .examples = "set limit.ceiling=-1dBTP\nset 'vox/*.gain+=1.5dB' --over 800ms\n"
		     "set 'vox/fader->fx/reverb.level=-6dB'\n"
		     "set headphones/eq --import 'HD 600 ParametricEQ.txt'\n"
		     "set -f - --if-rev 412 < changes.txt\nset jingle.mute=off --at 12:00:00",
	 .options = OPTION_WRITE | OPTION_RAMP | OPTION_FILE | OPTION_IMPORT,
	 .max_args = -1,
	 .first = WORD_ASSIGNMENT,
	 .rest = WORD_ASSIGNMENT,
	 .run = verb_set},
	{.name = "add",
	 .words = "TYPE NAME [PARAM=VALUE...]",
	 .doc = "add a node",
	 .more = "Params and configs may be set at once (mixctl explain TYPE says which there "
		 "are). "
		 "A file is an absolute path on the daemon's machine, or a name in "
		 "~/.local/share/mixd/audio. Adding what exists equally is no error.",
	 .examples = "add limiter limit ceiling=-1dBTP\n"
		     "add eq vox/eq --after vox/gate band1.type=highpass band1.freq=80Hz\n"
		     "add convolver fx/room ir=/srv/ir/church.wav mix=100%\n"
		     "add vca band members='gtr/*,keys/fader'",
	 .options = OPTION_WRITE | OPTION_AFTER,
	 .min_args = 2,
	 .max_args = -1,
	 .first = WORD_TYPE,
	 .rest = WORD_TYPE_PARAM,
	 .run = verb_add},
	{.name = "rm",
	 .words = "NODE...",
	 .doc = "remove nodes and their links; patterns are allowed",
	 .examples = "rm vox/eq --heal\nrm 'guest/**'",
	 .options = OPTION_WRITE | OPTION_HEAL,
	 .min_args = 1,
	 .max_args = -1,
	 .first = WORD_NODE,
	 .rest = WORD_NODE,
	 .run = verb_rm},
	{.name = "mv",
	 .words = "NODE NEW_NAME",
	 .doc = "rename a node",
	 .options = OPTION_WRITE,
	 .min_args = 2,
	 .max_args = 2,
	 .first = WORD_NODE,
	 .rest = WORD_NODE,
	 .run = verb_mv},
	{.name = "link",
	 .words = "FROM TO... [level=DB] [pan=PLACE] [mute=on] [tap=pre|post]",
	 .doc = "link ports, each to the next; or send, at a level of its own",
	 .more = "A node's name stands for its main port. A send taps the node behind (post, what "
		 "leaves it) or before (pre, what enters its main input). Later changes name the "
		 "link "
		 "by an arrow: set 'vox/fader->fx/reverb.level=-6dB'.",
	 .examples = "link program level limit out\nlink vox:out duck:key level=-6dB\n"
		     "link vox/fader fx/reverb level=-12dB tap=pre",
	 .options = OPTION_WRITE | OPTION_GAIN,
	 .min_args = 1,
	 .max_args = -1,
	 .first = WORD_PORT,
	 .rest = WORD_PORT,
	 .run = verb_link},
	{.name = "unlink",
	 .words = "FROM TO...",
	 .doc = "cut links; patterns are allowed",
	 .examples = "unlink vox:out duck:key\nunlink 'vox->fx/reverb'\nunlink vox '*'",
	 .options = OPTION_WRITE,
	 .min_args = 1,
	 .max_args = -1,
	 .first = WORD_PORT,
	 .rest = WORD_PORT,
	 .run = verb_unlink},
	{.name = "bypass",
	 .words = "NODE... [on|off|toggle]",
	 .doc = "let the sound pass a node by",
	 .options = OPTION_WRITE,
	 .min_args = 1,
	 .max_args = -1,
	 .first = WORD_NODE,
	 .rest = WORD_SWITCH,
	 .run = verb_bypass},
	{.name = "mute",
	 .words = "NODE... [on|off|toggle]",
	 .doc = "silence a node's output",
	 .options = OPTION_WRITE,
	 .min_args = 1,
	 .max_args = -1,
	 .first = WORD_NODE,
	 .rest = WORD_SWITCH,
	 .run = verb_mute},
	{.name = "solo",
	 .words = "[STRIP...]",
	 .doc = "hear some strips alone; without words, say which",
	 .more = "A strip is a gain. In place, the other strips are silent, but for those that "
		 "feed the "
		 "soloed ones, or are fed by them, and those that are safe (set NODE.safe=on). "
		 "With "
		 "--pfl or --afl the outputs stay as they are, and the bus that listens (set "
		 "BUS.listen=on) hears the strips in place of its own inputs. A solo stays until "
		 "it is "
		 "cleared, or as long as --for says; it is in no revision, and a restart ends it.",
	 .examples = "solo vox/fader\nsolo 'vox/*' --pfl --for 10s\nsolo --clear",
	 .options = OPTION_SOLO | OPTION_CLEAR,
	 .max_args = -1,
	 .first = WORD_NODE,
	 .rest = WORD_NODE,
	 .run = verb_solo},
	{.name = "play",
	 .words = "[POSITION]",
	 .doc = "let the time line roll: players play",
	 .more = "From where it stands, or from POSITION: a time (12.5s, 1:23.456, 48000fr), a "
		 "marker, start, or +=5s and -=5s from where it stands. The transport is for the "
		 "moment: in no revision, and a restart stands at 0. Exit code 8 when no clock "
		 "runs: "
		 "then it waits for one, and says so.",
	 .examples = "play\nplay start\nplay verse",
	 .max_args = 1,
	 .first = WORD_POSITION,
	 .run = verb_play},
	{.name = "stop",
	 .words = "",
	 .doc = "let the time line stand still",
	 .examples = "stop",
	 .run = verb_stop},
	{.name = "locate",
	 .words = "[POSITION]",
	 .doc = "go to a place of the time line; without words, say where it stands",
	 .examples = "locate 1:23.5\nlocate chorus\nlocate -=5s",
	 .max_args = 1,
	 .first = WORD_POSITION,
	 .run = verb_locate,
	 .is_signed = true},
	{.name = "loop",
	 .words = "[FROM TO | off]",
	 .doc = "let the time line go round between two places",
	 .examples = "loop verse chorus\nloop 10s +=4s\nloop off",
	 .max_args = 2,
	 .first = WORD_LOOP,
	 .rest = WORD_POSITION,
	 .run = verb_loop},
	{.name = "marker",
	 .words = "[ls | add NAME [AT] | rm NAME...]",
	 .doc = "places of the time line with names",
	 .more = "Markers are part of the graph: in sessions, in the history, undone like all "
		 "else. "
		 "add moves one that exists; without AT it is put where the time line stands.",
	 .examples = "marker\nmarker add verse 12.5s\nmarker add verse +=200ms\nmarker rm 'take-*'",
	 .options = OPTION_WRITE,
	 .max_args = -1,
	 .first = WORD_MARKER,
	 .rest = WORD_MARKER,
	 .run = verb_marker},
	{.name = "edit",
	 .words = "PLAYER [ls | EDIT WORDS...]",
	 .doc = "edit the clips of a player; files stay as they are",
	 .more = "PLAYER is a node of type player, or the track it belongs to. A CLIP is a number "
		 "from "
		 "1, as ls shows it, or a name; AT, FROM and TO are times (12.5s, 1:23.456, "
		 "48000fr) "
		 "or "
		 "markers. Each edit is one change that undo takes back. With -f SESSION.yaml the "
		 "file is edited in place of a running daemon.\n"
		 "cut AT [CLIP]: what sounds there becomes two clips.\n"
		 "silence FROM TO [CLIP], delete FROM TO [CLIP]: take it out; --ripple moves up "
		 "what "
		 "is behind; --fade at the new edges.\n"
		 "nudge CLIP BY, move CLIP AT: on the time line. slip CLIP BY: the sound within "
		 "its "
		 "borders.\n"
		 "trim CLIP: --head T, --tail T, or --to-sound (--threshold, --pad).\n"
		 "fade CLIP in|out T [CURVE]; crossfade CLIP CLIP [T] [CURVE].\n"
		 "gain CLIP DB; name CLIP NAME; loop CLIP N; reverse CLIP; speed CLIP PERCENT.\n"
		 "add FILE [AT]: a new clip (--name, --gain, --offset, --length); rm CLIP.",
	 .examples = "edit vox\nedit vox cut 12.5s\nedit vox delete 1:02.5 1:04 --ripple\n"
		     "edit vox trim 1 --to-sound\nedit vox crossfade 1 2 50ms\n"
		     "edit vox nudge 2 -200ms\nedit -f song.yaml vox gain 1 -3dB",
	 .options = OPTION_WRITE | OPTION_EDIT | OPTION_FILE,
	 .min_args = 1,
	 .max_args = -1,
	 .first = WORD_EDIT,
	 .rest = WORD_EDIT,
	 .run = verb_edit,
	 .is_signed = true},
	{.name = "preset",
	 .words = "[ls [TYPE|NODE] | show TYPE/NAME | apply NODE... NAME | save NODE NAME | rm "
		  "TYPE NAME]",
	 .doc = "named settings of a type: list, look at, apply, keep",
	 .more = "Applying sets what the preset names and puts other params to their defaults, in "
		 "one "
		 "change that can be undone; --merge leaves them alone. Bypass, mute, layout, "
		 "texts "
		 "and files stay. What is saved is what differs from the defaults; it is kept with "
		 "the "
		 "state of the daemon, and hides a shipped preset of that name.",
	 .examples = "preset ls comp\npreset apply vox/comp voice\n"
		     "preset apply 'vox/*/comp' comp/glue --merge\n"
		     "preset save vox/comp my-voice --doc 'the new microphone'",
	 .options = OPTION_WRITE | OPTION_MERGE | OPTION_DOC,
	 .max_args = -1,
	 .first = WORD_PRESET,
	 .rest = WORD_NODE,
	 .run = verb_preset},
	{.name = "response",
	 .words = "NODE",
	 .doc = "the curve of a node: its gain over frequency, from the values in force",
	 .more = "Drawn on a terminal; with --points, or -o json or csv, a table.",
	 .examples = "response vox/eq\nresponse vox/eq --points 61 -o csv > curve.csv",
	 .options = OPTION_POINTS,
	 .min_args = 1,
	 .max_args = 1,
	 .first = WORD_NODE,
	 .run = verb_response},
	{.name = "automate",
	 .words = "NODE.PARAM TIME=VALUE...",
	 .doc = "move a param along breakpoints",
	 .more = "From now on, once; or with --timeline as a part of the graph that follows the "
		 "transport: then TIME may be a marker, or 1:23.5.",
	 .examples = "automate program.gain 0s=-60dB 3s=0dB --curve log\nautomate program.gain "
		     "--clear\nautomate vox/fader.gain verse=0dB chorus=-2dB --timeline",
	 .options = OPTION_WRITE | OPTION_CURVE | OPTION_CLEAR | OPTION_TIMELINE,
	 .min_args = 1,
	 .max_args = -1,
	 .first = WORD_PARAM,
	 .run = verb_automate},
	{.name = "meter",
	 .words = "[NODE|NODE.METER...]",
	 .doc = "show meters as they move",
	 .more = "On a terminal a view that is redrawn in place, in the order in which sound "
		 "flows; "
		 "without words it shows what one looks at all the time: peak, gain, gr, reason, "
		 "m, "
		 "s, i, tp. Elsewhere, or with -o jsonl or "
		 "-o csv, one record per frame, which says how many frames were lost before it.",
	 .examples = "meter\nmeter program limit.gr\n"
		     "meter meter --every 1s -o jsonl | jq '.values.\"meter.s\"'",
	 .options = OPTION_METER | OPTION_COUNT,
	 .max_args = -1,
	 .first = WORD_METER,
	 .rest = WORD_METER,
	 .run = verb_meter},
	{.name = "watch",
	 .words = "[PATTERN...]",
	 .doc = "print what happens, as it happens",
	 .more = "The daemon's restart and events that were lost are said in the stream.",
	 .examples = "watch\nwatch 'vox/*' --events param,alarm -o jsonl",
	 .options = OPTION_EVENTS | OPTION_COUNT,
	 .max_args = -1,
	 .first = WORD_NODE,
	 .rest = WORD_NODE,
	 .run = verb_watch},
	{.name = "wait",
	 .words = "NODE.PARAM CONDITION | rev N | settled | up",
	 .doc = "wait until something is so",
	 .more = "Exit code 124 when it is not so within --timeout. up waits for the daemon. "
		 "transport.position is where the time line stands (in s), transport.state is "
		 "stopped, locating or rolling.",
	 .examples = "wait meter.s '>-40LUFS' --timeout 10s\nwait rev 412\nwait settled\nwait up\n"
		     "wait transport.position '>1:30'\nwait transport.state =stopped",
	 .min_args = 1,
	 .max_args = 2,
	 .first = WORD_READING,
	 .rest = WORD_CONDITION,
	 .run = verb_wait},
	{.name = "explain",
	 .words = "TYPE | NODE | TYPE.PARAM",
	 .doc = "what a node type, a param or a meter is",
	 .examples = "explain comp\nexplain comp.threshold",
	 .min_args = 1,
	 .max_args = 1,
	 .first = WORD_EXPLAIN,
	 .run = verb_explain},
	{.name = "apply",
	 .words = "-f FILE",
	 .doc = "make the graph what a session file says",
	 .examples = "apply -f onair.yaml --dry-run\napply -f onair.yaml",
	 .options = OPTION_WRITE | OPTION_FILE | OPTION_MERGE,
	 .max_args = 1,
	 .run = verb_apply},
	{.name = "diff",
	 .words = "-f FILE",
	 .doc = "what apply would change; exit code 1 when anything",
	 .examples = "diff -f onair.yaml",
	 .options = OPTION_FILE | OPTION_MERGE,
	 .max_args = 1,
	 .run = verb_diff},
	{.name = "export",
	 .words = "[-o yaml|json]",
	 .doc = "the graph as a session file",
	 .more = "Its name is the instance's: the name in a file that was applied is a label, "
		 "which "
		 "is not kept.",
	 .examples = "export > onair.yaml",
	 .run = verb_export},
	{.name = "history",
	 .words = "",
	 .doc = "who changed what, newest first",
	 .examples = "history --since 1h",
	 .options = OPTION_HISTORY,
	 .run = verb_history},
	{.name = "undo",
	 .words = "[N]",
	 .doc = "take back the last change, or the last N",
	 .more = "An undo is a change too: undoing it does again, so there is no redo.",
	 .examples = "undo\nundo 3\nundo --dry-run",
	 .options = OPTION_WRITE,
	 .max_args = 1,
	 .run = verb_undo},
	{.name = "rollback",
	 .words = "REV | --to REV",
	 .doc = "go back to how it was at a revision",
	 .more = "A change like any other: what came after REV stays in the history.",
	 .examples = "rollback 412\nrollback --to 412 --dry-run",
	 .options = OPTION_WRITE | OPTION_TO,
	 .max_args = 1,
	 .run = verb_rollback},
	{.name = "completion",
	 .words = "bash|zsh|fish",
	 .doc = "print a completion script for a shell",
	 .examples = "completion bash > ~/.local/share/bash-completion/completions/mixctl",
	 .min_args = 1,
	 .max_args = 1,
	 .first = WORD_SHELL,
	 .run = verb_completion,
	 .offline = true},
	{.name = "help",
	 .words = "[VERB]",
	 .doc = "this help, or that on a verb",
	 .options = OPTION_MAN,
	 .max_args = 1,
	 .first = WORD_VERB,
	 .run = verb_help,
	 .offline = true},
	{.name = "__complete",
	 .words = "IDX WORD...",
	 .doc = "candidates for a word of a command line",
	 .max_args = -1,
	 .run = verb_complete,
	 .offline = true,
	 .hidden = true},
	{0},
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}
