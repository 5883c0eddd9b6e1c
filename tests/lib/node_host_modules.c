/* node_host_modules.c - see node_host.h: finding modules, naming expanded params. */
#include "node_host.h"

#include <dirent.h>
#include <dlfcn.h>

#include "test.h"

#define NODE_HOST_TYPES_MAX 256u

static const struct mixd_node_type *node_host_list[NODE_HOST_TYPES_MAX + 1];
static uint32_t node_host_n_types;
static char node_host_why[2048];

static const struct mixd_module *node_host_module(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct mixd_module *module;

	if (!handle) {
		snprintf(node_host_why, sizeof(node_host_why), "%s", dlerror());
		return NULL;
	}
	module = dlsym(handle, "mixd_module");
	if (!module)
		snprintf(node_host_why, sizeof(node_host_why), "%s exports no mixd_module", path);
	else if (module->abi != MIXD_NODE_ABI ||
		 module->sizeof_type != sizeof(struct mixd_node_type) ||
		 module->sizeof_inst != sizeof(struct mixd_inst) ||
		 module->sizeof_call != sizeof(struct mixd_call) ||
		 module->sizeof_setup != sizeof(struct mixd_setup))
		snprintf(node_host_why, sizeof(node_host_why), "%s has another ABI: rebuild it",
			 path);
	else
		return module;
	return NULL;
}

static const char *node_host_folder(void)
{
	const char *folder = getenv("MIXD_TEST_NODES");

	return folder ? folder : MIXD_TEST_NODES;
}

const struct mixd_node_type *node_host_type(const char *id, const char **ret_why)
{
	const struct mixd_node_type *type;
	const struct mixd_module *module;
	struct mixd_fault fault = {0};
	char path[1024];

	CHECK(id);
	snprintf(path, sizeof(path), "%s/node-%.*s.so", node_host_folder(), (int)strcspn(id, ":"),
		 id);
	module = node_host_module(path);
	if (module && strchr(id, ':') && module->resolve) {
		type = module->resolve(id, &fault);
		if (type)
			return type;
		snprintf(node_host_why, sizeof(node_host_why), "%s; %s", fault.text, fault.hint);
		module = NULL;
	}
	for (uint32_t i = 0; module && i < module->n_types; i++)
		if (strcmp(module->types[i]->id, id) == 0)
			return module->types[i];
	if (module)
		snprintf(node_host_why, sizeof(node_host_why), "%s has no type \"%s\"", path, id);
	if (ret_why)
		*ret_why = node_host_why;
	return NULL;
}

static int node_host_compare(const void *a, const void *b)
{
	const struct mixd_node_type *const *left = a, *const *right = b;

	return strcmp((*left)->id, (*right)->id);
}

const struct mixd_node_type *const *node_host_types(void)
{
	DIR *dir;

	if (node_host_n_types > 0)
		return node_host_list;
	dir = opendir(node_host_folder());
	CHECK(dir, "no folder %s; build the nodes first", node_host_folder());
	for (struct dirent *entry; (entry = readdir(dir));) {
		const struct mixd_module *module;
		size_t size = strlen(entry->d_name);
		char path[1024];

		if (size < 4 || strcmp(entry->d_name + size - 3, ".so") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", node_host_folder(), entry->d_name);
		module = node_host_module(path);
		CHECK(module, "%s", node_host_why);
		for (uint32_t i = 0; i < module->n_types; i++) {
			CHECK(node_host_n_types < NODE_HOST_TYPES_MAX);
			node_host_list[node_host_n_types++] = module->types[i];
		}
	}
	closedir(dir);
	qsort(node_host_list, node_host_n_types, sizeof(node_host_list[0]), node_host_compare);
	return node_host_list;
}

/* Neighbouring rows with one group form it: returns how many from row FIRST on. */
static uint32_t node_host_group_rows(const struct mixd_node_type *type, uint32_t first)
{
	uint32_t n = 1;

	if (!type->params[first].group)
		return 1;
	while (first + n < type->n_params && type->params[first + n].group &&
	       strcmp(type->params[first + n].group, type->params[first].group) == 0)
		n++;
	return n;
}

uint32_t node_host_n_params(const struct mixd_node_type *type)
{
	uint32_t n = 0;

	for (uint32_t row = 0; row < type->n_params; row++)
		n += type->params[row].group ? type->params[row].count : 1;
	return n;
}

const struct mixd_param_row *node_host_param(const struct mixd_node_type *type, uint32_t idx,
					     char id[64], double *ret_def)
{
	for (uint32_t first = 0, rows; first < type->n_params; first += rows) {
		const struct mixd_param_row *row = &type->params[first];
		uint32_t count = row->group ? row->count : 1, repeat;

		rows = node_host_group_rows(type, first);
		if (idx >= rows * count) {
			idx -= rows * count;
			continue;
		}
		repeat = idx / rows;
		row += idx % rows;
		if (id && row->group)
			snprintf(id, 64, "%s%u.%s", row->group, repeat + 1, row->id);
		else if (id)
			snprintf(id, 64, "%s", row->id);
		if (ret_def)
			*ret_def = row->defs ? row->defs[repeat] : row->def;
		return row;
	}
	return NULL;
}
