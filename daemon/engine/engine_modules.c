/* engine_modules.c - load node types from shared objects. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "engine_modules.h"

#ifndef ENGINE_NODE_DIR
#error "meson.build defines ENGINE_NODE_DIR: where modules are installed"
#endif

#define MODULES_MAX 512u

struct engine_modules {
	void *handles[MODULES_MAX];
	uint32_t n;
};

struct modules_load {
	struct graph_types *types;
	struct engine_modules *modules;
	void (*refused)(void *data, const char *path, const char *reason);
	void *data;
};

/* A program in the build tree (daemon/mixd) has its modules beside it, in nodes/. */
static bool modules_in_build_tree(char *ret, size_t size)
{
	char *slash;
	ssize_t n = readlink("/proc/self/exe", ret, size - 1);

	if (n <= 0 || (size_t)n >= size - 32)
		return false;
	ret[n] = '\0';
	for (int i = 0; i < 2; i++) {
		slash = strrchr(ret, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
	strcat(ret, "/nodes/node-gain.so");
	if (access(ret, R_OK) < 0)
		return false;
	*strrchr(ret, '/') = '\0';
	return true;
}

const char *engine_modules_folder(void)
{
	static char folder[PATH_MAX];

	return modules_in_build_tree(folder, sizeof(folder)) ? folder : ENGINE_NODE_DIR;
}

struct engine_modules *engine_modules_free(struct engine_modules *modules)
{
	if (!modules)
		return NULL;
	while (modules->n)
		dlclose(modules->handles[--modules->n]);
	free(modules);
	return NULL;
}

static void modules_refuse(const struct modules_load *load, const char *path, const char *reason)
{
	if (load->refused)
		load->refused(load->data, path, reason);
}

/* Why MODULE cannot be used, in REASON; false when it can. */
static bool modules_mismatch(const struct mixd_module *module, char *reason, size_t size)
{
	static const struct {
		const char *name;
		size_t have;
	} structs[] = {{"mixd_node_type", sizeof(struct mixd_node_type)},
		       {"mixd_inst", sizeof(struct mixd_inst)},
		       {"mixd_call", sizeof(struct mixd_call)},
		       {"mixd_setup", sizeof(struct mixd_setup)}};
	uint32_t theirs[4];

	if (module->abi != MIXD_NODE_ABI) {
		snprintf(reason, size, "made for node ABI %u, this mixd has %u: rebuild the module",
			 module->abi, MIXD_NODE_ABI);
		return true;
	}
	theirs[0] = module->sizeof_type;
	theirs[1] = module->sizeof_inst;
	theirs[2] = module->sizeof_call;
	theirs[3] = module->sizeof_setup;
	for (uint32_t i = 0; i < 4; i++) {
		if (theirs[i] == structs[i].have)
			continue;
		snprintf(
			reason, size,
			"its struct %s has %u bytes, ours %zu: rebuild it against this mixd/node.h",
			structs[i].name, theirs[i], structs[i].have);
		return true;
	}
	if (!module->types && module->n_types) {
		snprintf(reason, size, "it counts node types but has none");
		return true;
	}
	if (!module->n_types && !(module->scheme && module->resolve)) {
		snprintf(reason, size, "it lists no node types");
		return true;
	}
	return false;
}

static bool modules_take_scheme(const struct modules_load *load, const struct mixd_module *module,
				const char *path)
{
	struct graph_types_scheme scheme = {module->scheme, module->resolve, module->list};
	struct mixd_error err = {0};
	char reason[1024];

	if (!module->scheme || !module->resolve)
		return false;
	if (graph_types_add_scheme(load->types, &scheme, path, &err) == 0)
		return true;
	snprintf(reason, sizeof(reason), "%s: %s%s%s", err.address, err.text,
		 err.hint[0] ? "; " : "", err.hint);
	modules_refuse(load, path, reason);
	return false;
}

/* Types made on demand live as long as the process, and so must the module that has them. */
static void modules_pin(const char *path)
{
	void *again = dlopen(path, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);

	if (again)
		dlclose(again);
}

static void modules_open(const struct modules_load *load, const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct mixd_module *module;
	char reason[1024];
	uint32_t taken = 0;

	if (!handle) {
		modules_refuse(load, path, dlerror());
		return;
	}
	module = dlsym(handle, "mixd_module");
	if (!module)
		snprintf(reason, sizeof(reason),
			 "it does not export mixd_module: end the node's file with MIXD_MODULE()");
	if (!module || modules_mismatch(module, reason, sizeof(reason))) {
		modules_refuse(load, path, reason);
		dlclose(handle);
		return;
	}
	for (uint32_t i = 0; i < module->n_types; i++) {
		struct mixd_error err = {0};

		if (graph_types_add(load->types, module->types[i], path, &err) == 0) {
			taken++;
			continue;
		}
		snprintf(reason, sizeof(reason), "%s: %s%s%s", err.address, err.text,
			 err.hint[0] ? "; " : "", err.hint);
		modules_refuse(load, path, reason);
	}
	if (modules_take_scheme(load, module, path)) {
		modules_pin(path);
		taken++;
	}
	if (taken)
		load->modules->handles[load->modules->n++] = handle;
	else
		dlclose(handle);
}

static int modules_filter(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 3 && strcmp(entry->d_name + n - 3, ".so") == 0;
}

/* In order of name, so that which of two equal ids wins does not depend on the disk. */
static void modules_scan(const struct modules_load *load, const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, modules_filter, alphasort);

	for (int i = 0; i < n; i++) {
		char *path = NULL;

		if (load->modules->n >= MODULES_MAX)
			modules_refuse(load, entries[i]->d_name, "more than 512 modules");
		else if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) >= 0)
			modules_open(load, path);
		free(path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static bool modules_same(const struct stat *info, const char *folder)
{
	struct stat other;

	return stat(folder, &other) == 0 && other.st_dev == info->st_dev &&
	       other.st_ino == info->st_ino;
}

int engine_modules_load(struct graph_types *types,
			void (*refused)(void *data, const char *path, const char *reason),
			void *data, struct engine_modules **ret, struct mixd_error *err)
{
	struct modules_load load = {.types = types, .refused = refused, .data = data};
	const char *env = getenv("MIXD_NODE_PATH");
	_cleanup_free_ char *path = env ? strdup(env) : NULL;
	char *rest = path, *folder;
	bool is_named = false; /* the folder that is searched last */
	struct stat info;

	load.modules = calloc(1, sizeof(*load.modules));
	if (!load.modules || (env && !path)) {
		free(load.modules);
		return error_set(err, ERROR_RESOURCE, NULL, "out of memory");
	}
	while (rest && (folder = strsep(&rest, ":"))) {
		if (!*folder)
			continue;
		if (stat(folder, &info) < 0) {
			modules_refuse(&load, folder, strerror(errno));
			continue;
		}
		modules_scan(&load, folder);
		is_named = is_named || modules_same(&info, engine_modules_folder());
	}
	if (!is_named)
		modules_scan(&load, engine_modules_folder());
	if (graph_types_count(types) == 0) {
		error_set(err, ERROR_RESOURCE, "nodes", "no node types were found in %s%s%s",
			  env ? env : "", env ? ":" : "", engine_modules_folder());
		error_hint(err, "install mixd, or set MIXD_NODE_PATH to the folder of its modules");
		engine_modules_free(load.modules);
		return -ENOENT;
	}
	*ret = load.modules;
	return 0;
}
