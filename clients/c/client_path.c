/* client_path.c - from an instance's name to its sockets. */
#include "client.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool client_is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

int client_set_endpoint(struct mixd_client *client, const char *endpoint,
			struct mixd_client_error *err)
{
	static const char tail[] = "/control";
	const char *path = endpoint;
	size_t size;
	int n;

	if (strncmp(endpoint, "ipc://", 6) == 0) {
		path = endpoint + 6;
	} else if (strstr(endpoint, "://")) {
		client_error(err, -EACCES, MIXD_CLIENT_DENIED, "%s: only ipc is served", endpoint);
		client_hint(err, "TCP comes with keys, which this version does not have; name an "
				 "instance of this machine with --instance NAME, or run the "
				 "command there: ssh HOST mixctl ...");
		return -EACCES;
	}
	size = strlen(path);
	while (size > 1 && path[size - 1] == '/')
		size--;
	if (size > sizeof(tail) - 1 && strncmp(path + size - (sizeof(tail) - 1), tail, 8) == 0)
		size -= sizeof(tail) - 1;
	n = snprintf(client->control_path, sizeof(client->control_path), "%.*s/control", (int)size,
		     path);
	if (size == 0 || n < 0 || n >= (int)sizeof(client->control_path))
		return client_error(err, -ENAMETOOLONG, MIXD_CLIENT_USAGE,
				    "%s: a socket's path has 1..%d characters", endpoint,
				    CLIENT_PATH_MAX - 1);
	snprintf(client->events_path, sizeof(client->events_path), "%.*s/events", (int)size, path);
	snprintf(client->endpoint, sizeof(client->endpoint), "ipc://%s", client->control_path);
	return 0;
}

static void client_base(char *buf, const char *folder)
{
	size_t size = strcspn(folder, ":");

	while (size > 1 && folder[size - 1] == '/')
		size--;
	/* systemd's RuntimeDirectory=mixd is ours already. */
	snprintf(buf, CLIENT_PATH_MAX, "%.*s%s", (int)size, folder,
		 size >= 5 && strncmp(folder + size - 5, "/mixd", 5) == 0 ? "" : "/mixd");
}

/* The folders where instances have theirs, in order of preference. */
static unsigned client_bases(char bases[3][CLIENT_PATH_MAX])
{
	const char *runtime = getenv("RUNTIME_DIRECTORY"), *xdg = getenv("XDG_RUNTIME_DIR");
	unsigned n = 0;

	if (runtime && *runtime)
		client_base(bases[n++], runtime);
	if (xdg && *xdg)
		client_base(bases[n++], xdg);
	client_base(bases[n++], "/run");
	return n;
}

/* The socket of a daemon that was killed is still there, and refuses. */
static bool client_answers(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	if (!client_is_socket(path) || strlen(path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	r = connect(fd, (struct sockaddr *)&address, sizeof(address));
	r = r < 0 ? errno : 0;
	close(fd);
	return r != ECONNREFUSED && r != ENOENT;
}

/* "radio, studio": instances that answer. */
static void client_list_instances(char *buf, size_t size)
{
	char bases[3][CLIENT_PATH_MAX], path[1024];
	unsigned n_bases = client_bases(bases);
	size_t used = 0;

	buf[0] = 0;
	for (unsigned b = 0; b < n_bases; b++) {
		DIR *dir = opendir(bases[b]);
		struct dirent *entry;

		while (dir && (entry = readdir(dir))) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s/control", bases[b], entry->d_name);
			if (used + strlen(entry->d_name) + 3 > size || !client_answers(path))
				continue;
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
						 entry->d_name);
		}
		if (dir)
			closedir(dir);
	}
}

int client_find(struct mixd_client *client, const struct mixd_client_options *options,
		struct mixd_client_error *err)
{
	const char *endpoint = options->endpoint   ? options->endpoint
			       : options->instance ? NULL
						   : getenv("MIXD_ENDPOINT");
	const char *instance = options->instance ? options->instance : getenv("MIXD_INSTANCE");
	char bases[3][CLIENT_PATH_MAX], folder[512];
	unsigned n_bases;

	if (endpoint && *endpoint)
		return client_set_endpoint(client, endpoint, err);
	if (!instance || !*instance)
		instance = "default";
	if (strlen(instance) > 64 || strchr(instance, '/') || instance[0] == '.')
		return client_error(err, -EINVAL, MIXD_CLIENT_USAGE,
				    "%s: an instance's name has 1..64 characters and no slash",
				    instance);
	n_bases = client_bases(bases);
	for (unsigned b = 0; b < n_bases; b++) {
		int r;

		snprintf(folder, sizeof(folder), "%s/%s", bases[b], instance);
		r = client_set_endpoint(client, folder, err);
		if (r < 0)
			return r;
		if (client_is_socket(client->control_path))
			return 0;
	}
	/* None: name the first place, as the daemon would have used it. */
	snprintf(folder, sizeof(folder), "%s/%s", bases[0], instance);
	return client_set_endpoint(client, folder, err);
}

/* How to get the daemon of CLIENT to run, and which others do. */
static void client_hint_start(const struct mixd_client *client, int r,
			      struct mixd_client_error *err)
{
	char unit[100] = "systemctl --user start mixd", flag[80] = "", others[160];
	const char *end = strrchr(client->control_path, '/'), *begin = end;

	while (begin && begin > client->control_path && begin[-1] != '/')
		begin--;
	if (begin && end - begin > 0 && end - begin <= 64 && strncmp(begin, "default/", 8) != 0) {
		snprintf(unit, sizeof(unit), "sudo systemctl start mixd@%.*s", (int)(end - begin),
			 begin);
		snprintf(flag, sizeof(flag), "--instance %.*s ", (int)(end - begin), begin);
	}
	client_list_instances(others, sizeof(others));
	client_hint(err, "%s `%s`, then `mixctl %swait up`%s%s%s",
		    r == -ECONNREFUSED ? "it has ended; start it again:" : "start it:", unit, flag,
		    others[0] ? "; running here: " : "", others,
		    others[0] ? "; pick one with --instance NAME" : "");
}

int client_unreachable(const struct mixd_client *client, int r, struct mixd_client_error *err)
{

	switch (r) {
	case -EACCES:
	case -EPERM:
		client_error(err, r, MIXD_CLIENT_DENIED, "%s: not for this user",
			     client->control_path);
		client_hint(err, "join the group that owns it");
		return r;
	case -ETIMEDOUT:
		client_error(err, r, MIXD_CLIENT_TIMEOUT, "%s: no answer", client->control_path);
		client_hint(err, "the daemon hangs, or is about to be restarted");
		return r;
	case -EPROTO:
		client_error(err, r, MIXD_CLIENT_UNAVAILABLE, "%s: what answers is not mixd",
			     client->control_path);
		return r;
	default:
		client_error(err, r, MIXD_CLIENT_UNAVAILABLE, "no mixd at %s (%s)",
			     client->control_path, strerror(-r));
		client_hint_start(client, r, err);
		return r;
	}
}
