/* main_options.h - the command line, the folders that follow from it, and systemd's notification
 * socket. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
	const char *instance, *session, *state_dir, *runtime_dir, *listen, *check, *remote;
	uint32_t rate;
	bool replace, ephemeral, no_pipewire, list_types, jobs;
};

/* -1: go on; else the exit code. */
int options_parse(int argc, char **argv, struct options *options);
/* Where sockets and state of the instance are. */
void options_runtime_folder(const struct options *options, char *buf, size_t size);
void options_state_folder(const struct options *options, char *buf, size_t size);
/* Where a relative path of an audio file begins, IDX 0 first: the folder of the session file, then
 * $XDG_DATA_HOME/mixd/audio, then audio/ in the state folder. False: there is no such one. */
#define OPTIONS_AUDIO_FOLDERS 3u
bool options_audio_folder(const struct options *options, uint32_t idx, char *buf, size_t size);

/* Presets of the administrator: presets/ in $CONFIGURATION_DIRECTORY, or mixd/presets/ in
 * $XDG_CONFIG_HOME. False: there is no such folder. */
bool options_preset_folder(char *buf, size_t size);

/* sd_notify(3), without the library: TEXT is "READY=1\n" and the like; nothing without systemd. */
void notify_send(const char *text);
/* How often systemd wants to hear of us; 0: it does not. */
uint64_t notify_watchdog_ns(void);
