/* main_options.c - see main_options.h. */
#define LOG_TOPIC "main"
#include "main_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cleanup.h"
#include "error.h"
#include "log.h"

#define RATE_MIN_HZ 8000
#define RATE_MAX_HZ 384000

static const char usage[] =
	"usage: mixd [OPTION]...\n"
	"Real-time mixing and mastering inside PipeWire. See mixd(1); control it with mixctl(1).\n"
	"\n"
	"  -n, --instance NAME     name of this daemon (default: default)\n"
	"  -s, --session FILE      session to start with when no state is saved\n"
	"      --replace           apply the session over the saved state\n"
	"      --state-dir DIR     folder that keeps state ($STATE_DIRECTORY, ~/.local/state)\n"
	"      --runtime-dir DIR   folder for sockets ($RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR, "
	"/run)\n"
	"      --listen ENDPOINT   one more control endpoint: ipc:///path\n"
	"      --remote NAME       PipeWire socket ($PIPEWIRE_REMOTE, pipewire-0)\n"
	"      --ephemeral         keep no state\n"
	"      --no-pipewire       run without a clock\n"
	"      --rate HZ           sample rate until the clock says another (default: 48000)\n"
	"      --jobs              work on files for mixctl render, measure, master, ...; no "
	"graph\n"
	"      --check FILE        validate a session file; exit 0, or 5 with the fault\n"
	"      --list-types        print the node types that are installed\n"
	"      --version, --help\n";

/* ---- options ---- */

enum long_option {
	OPTION_REPLACE = 256,
	OPTION_STATE_DIR,
	OPTION_RUNTIME_DIR,
	OPTION_LISTEN,
	OPTION_REMOTE,
	OPTION_EPHEMERAL,
	OPTION_NO_PIPEWIRE,
	OPTION_RATE,
	OPTION_JOBS,
	OPTION_CHECK,
	OPTION_LIST_TYPES,
	OPTION_VERSION,
	OPTION_HELP
};

static const struct option long_options[] = {
	{"instance", required_argument, NULL, 'n'},
	{"session", required_argument, NULL, 's'},
	{"replace", no_argument, NULL, OPTION_REPLACE},
	{"state-dir", required_argument, NULL, OPTION_STATE_DIR},
	{"runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR},
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"remote", required_argument, NULL, OPTION_REMOTE},
	{"ephemeral", no_argument, NULL, OPTION_EPHEMERAL},
	{"no-pipewire", no_argument, NULL, OPTION_NO_PIPEWIRE},
	{"rate", required_argument, NULL, OPTION_RATE},
	{"jobs", no_argument, NULL, OPTION_JOBS},
	{"check", required_argument, NULL, OPTION_CHECK},
	{"list-types", no_argument, NULL, OPTION_LIST_TYPES},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static void option_take(struct options *options, int option)
{
	switch (option) {
	case 'n':
		options->instance = optarg;
		break;
	case 's':
		options->session = optarg;
		break;
	case OPTION_REPLACE:
		options->replace = true;
		break;
	case OPTION_STATE_DIR:
		options->state_dir = optarg;
		break;
	case OPTION_RUNTIME_DIR:
		options->runtime_dir = optarg;
		break;
	case OPTION_LISTEN:
		options->listen = optarg;
		break;
	case OPTION_REMOTE:
		options->remote = optarg;
		break;
	case OPTION_EPHEMERAL:
		options->ephemeral = true;
		break;
	case OPTION_NO_PIPEWIRE:
		options->no_pipewire = true;
		break;
	case OPTION_RATE:
		options->rate = (uint32_t)strtoul(optarg, NULL, 10);
		break;
	case OPTION_JOBS:
		options->jobs = options->ephemeral = options->no_pipewire = true;
		break;
	case OPTION_CHECK:
		options->check = optarg;
		break;
	case OPTION_LIST_TYPES:
		options->list_types = true;
		break;
	}
}

static bool instance_name_is_fine(const char *name)
{
	size_t n =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return n && n <= 64 && !name[n] && *name != '.' && *name != '-';
}

int options_parse(int argc, char **argv, struct options *options)
{
	int option;

	while ((option = getopt_long(argc, argv, "n:s:h", long_options, NULL)) >= 0) {
		if (option == OPTION_VERSION) {
			puts("mixd " MIXD_VERSION);
			return 0;
		}
		if (option == OPTION_HELP || option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (option == '?') {
			fputs("mixd: see mixd --help\n", stderr);
			return ERROR_USAGE;
		}
		option_take(options, option);
	}
	if (optind < argc) {
		fprintf(stderr, "mixd: %s: no argument is expected; see mixd --help\n",
			argv[optind]);
		return ERROR_USAGE;
	}
	if (!instance_name_is_fine(options->instance)) {
		fprintf(stderr, "mixd: --instance %s: want 1 to 64 of A-Z a-z 0-9 _ . -\n",
			options->instance);
		return ERROR_USAGE;
	}
	if (options->rate < RATE_MIN_HZ || options->rate > RATE_MAX_HZ) {
		fprintf(stderr, "mixd: --rate: want %d to %d Hz\n", RATE_MIN_HZ, RATE_MAX_HZ);
		return ERROR_USAGE;
	}
	return -1;
}

/* ---- folders ---- */

/* BASE/mixd/NAME, or BASE/NAME when BASE is already ours (systemd's RuntimeDirectory=mixd). */
static void folder_of(const char *base, const char *name, char *buf, size_t size)
{
	size_t n = strcspn(base, ":");

	while (n > 1 && base[n - 1] == '/')
		n--;
	snprintf(buf, size, "%.*s%s/%s", (int)n, base,
		 n >= 5 && strncmp(base + n - 5, "/mixd", 5) == 0 ? "" : "/mixd", name);
}

void options_runtime_folder(const struct options *options, char *buf, size_t size)
{
	const char *base = options->runtime_dir;

	if (!base)
		base = getenv("RUNTIME_DIRECTORY");
	if (!base || !*base)
		base = getenv("XDG_RUNTIME_DIR");
	folder_of(base && *base ? base : "/run", options->instance, buf, size);
}

void options_state_folder(const struct options *options, char *buf, size_t size)
{
	const char *base = options->state_dir, *home = getenv("HOME");
	char path[200];

	if (!base)
		base = getenv("STATE_DIRECTORY");
	if (!base || !*base)
		base = getenv("XDG_STATE_HOME");
	snprintf(path, sizeof(path), "%s/.local/state", home ? home : "");
	if (!base || !*base)
		base = home && *home ? path : "/var/lib";
	folder_of(base, options->instance, buf, size);
}

bool options_audio_folder(const struct options *options, uint32_t idx, char *buf, size_t size)
{
	const char *base = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	const char *session = options->session ? options->session : options->check;
	_cleanup_free_ char *whole = NULL;
	char *slash;

	switch (idx) {
	case 0:
		whole = session && strcmp(session, "-") != 0 ? realpath(session, NULL) : NULL;
		slash = whole ? strrchr(whole, '/') : NULL;
		if (!slash)
			return false;
		*slash = '\0';
		return snprintf(buf, size, "%s", whole) < (int)size;
	case 1:
		if (base && *base)
			return snprintf(buf, size, "%s/mixd/audio", base) < (int)size;
		return home && *home &&
		       snprintf(buf, size, "%s/.local/share/mixd/audio", home) < (int)size;
	default:
		options_state_folder(options, buf, size);
		slash = buf + strlen(buf);
		return snprintf(slash, size - (size_t)(slash - buf), "/audio") <
		       (int)(size - (size_t)(slash - buf));
	}
}

bool options_preset_folder(char *buf, size_t size)
{
	const char *folder = getenv("CONFIGURATION_DIRECTORY"), *home = getenv("HOME");
	int n = 0;

	if (folder && *folder)
		n = snprintf(buf, size, "%.*s/presets", (int)strcspn(folder, ":"), folder);
	else if ((folder = getenv("XDG_CONFIG_HOME")) && *folder)
		n = snprintf(buf, size, "%s/mixd/presets", folder);
	else if (home && *home)
		n = snprintf(buf, size, "%s/.config/mixd/presets", home);
	return n > 0 && (size_t)n < size;
}

/* ---- systemd's notification socket: sd_notify(3), without the library ---- */

void notify_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	size_t size;

	if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	size = strlen(path);
	memcpy(address.sun_path, path, size);
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) < 0)
		log_debug("notification socket: %s", strerror(errno));
}

uint64_t notify_watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && atoi(pid) != (int)getpid()))
		return 0;
	return strtoull(usec, NULL, 10) * 1000u / 3;
}
