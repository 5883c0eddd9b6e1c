/* formats.c - see mixd_formats.h. */
#include "mixd_formats.h"

#include <string.h>

#define CARRIES_BASIC (MIXD_CARRIES_MARKS | MIXD_CARRIES_PICTURE | MIXD_CARRIES_GAIN)
#define CARRIES_ALL (CARRIES_BASIC | MIXD_CARRIES_BEXT | MIXD_CARRIES_IXML)
/* What RIFF's LIST INFO has a name for: Wave64's summary list knows no other. */
#define TEXTS_OF_RIFF                                                                              \
	" TITLE ARTIST ALBUM TRACKNUMBER DATE GENRE COMMENT COPYRIGHT LANGUAGE MEDIA ENCODEDBY "   \
	"ENCODER SOFTWARE "

const struct mixd_format mixd_formats[] = {
	{"wav", "wav", "WAV, by itself RF64 beyond 4 GiB", NULL, CARRIES_ALL},
	{"rf64", "rf64", "RF64 (EBU Tech 3306)", NULL, CARRIES_ALL},
	{"w64", "w64", "Sony Wave64", TEXTS_OF_RIFF, MIXD_CARRIES_BEXT},
	{"aiff", "aiff", "AIFF (AIFC when float)", NULL, CARRIES_BASIC},
	{"caf", "caf", "Apple Core Audio", NULL, MIXD_CARRIES_MARKS | MIXD_CARRIES_GAIN},
	{"flac", "flac", "FLAC, lossless", NULL, CARRIES_BASIC},
	{"alac", "m4a", "Apple Lossless in MP4, by mixd-av", NULL, CARRIES_BASIC},
	{"ogg", "ogg", "Ogg Vorbis", NULL, CARRIES_BASIC},
	{"opus", "opus", "Opus in Ogg", NULL, CARRIES_BASIC},
	{"mp3", "mp3", "MP3 by LAME", NULL, CARRIES_BASIC},
	{"m4a", "m4a", "AAC in MP4, by mixd-av", NULL, CARRIES_BASIC},
	{0},
};

const char *const mixd_format_names[] = {"wav",	 "rf64", "w64",	 "aiff", "caf", "flac",
					 "alac", "ogg",	 "opus", "mp3",	 "m4a", NULL};

const struct mixd_format *mixd_format_find(const char *name)
{
	for (size_t i = 0; mixd_formats[i].name; i++)
		if (strcmp(mixd_formats[i].name, name) == 0)
			return &mixd_formats[i];
	return NULL;
}

bool mixd_format_has_text(const struct mixd_format *format, const char *name)
{
	size_t n = strlen(name);

	if (!format->texts)
		return true;
	for (const char *at = format->texts; (at = strstr(at, name)); at++)
		if (at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

const char *mixd_carries_name(unsigned idx)
{
	static const char *const names[MIXD_CARRIES_COUNT] = {"chapters and cue points",
							      "a picture", "ReplayGain",
							      "a broadcast extension", "iXML"};

	return idx < MIXD_CARRIES_COUNT ? names[idx] : "";
}
