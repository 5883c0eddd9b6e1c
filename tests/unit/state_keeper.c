/* state_keeper.c - see state_keeper.h. */
#include "state_keeper.h"

#include <dirent.h>

#include "fake_types.h"

char keeper_folder[64];

void keeper_make_folder(void)
{
	strcpy(keeper_folder, "/tmp/mixd-state-XXXXXX");
	CHECK(mkdtemp(keeper_folder));
}

void keeper_remove_folder(void)
{
	DIR *dir = opendir(keeper_folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(keeper_folder);
}

static int keeper_journal(void *data, const struct instance_commit *commit,
			  const struct graph_model *model, struct mixd_error *err)
{
	struct keeper *keeper = data;

	return state_store_append(keeper->store, commit, model, err);
}

static void keeper_report(void *data, const char *text)
{
	struct keeper *keeper = data;
	size_t n = strlen(keeper->report);

	snprintf(keeper->report + n, sizeof(keeper->report) - n, "%s\n", text);
}

/* ---- a keeper_disk that fails at the Nth operation ---- */

struct keeper_disk_faults keeper_disk;

static bool keeper_disk_fails(void)
{
	return keeper_disk.countdown > 0 && --keeper_disk.countdown == 0;
}

static int keeper_disk_open(void *data, int folder_fd, const char *name, int flags)
{
	(void)data;
	return keeper_disk_fails() ? keeper_disk.fault
				   : state_io_system.open(NULL, folder_fd, name, flags);
}

static ssize_t keeper_disk_write(void *data, int fd, const void *bytes, size_t size)
{
	(void)data;
	if (!keeper_disk_fails())
		return state_io_system.write(NULL, fd, bytes, size);
	if (keeper_disk.half && state_io_system.write(NULL, fd, bytes, size / 2) < 0)
		return -EIO;
	return keeper_disk.fault;
}

static int keeper_disk_sync(void *data, int fd)
{
	(void)data;
	if (keeper_disk.fast)
		return keeper_disk_fails() ? keeper_disk.fault : 0;
	return keeper_disk_fails() ? keeper_disk.fault : state_io_system.sync(NULL, fd);
}

static int keeper_disk_truncate(void *data, int fd, uint64_t size)
{
	(void)data;
	return keeper_disk_fails() ? keeper_disk.fault : state_io_system.truncate(NULL, fd, size);
}

static int keeper_disk_rename(void *data, int folder_fd, const char *from, const char *to)
{
	(void)data;
	return keeper_disk_fails() ? keeper_disk.fault
				   : state_io_system.rename(NULL, folder_fd, from, to);
}

static int keeper_disk_unlink(void *data, int folder_fd, const char *name)
{
	(void)data;
	return keeper_disk_fails() ? keeper_disk.fault
				   : state_io_system.unlink(NULL, folder_fd, name);
}

const struct state_io keeper_disk_io = {NULL,
					keeper_disk_open,
					keeper_disk_write,
					keeper_disk_sync,
					keeper_disk_truncate,
					keeper_disk_rename,
					keeper_disk_unlink};

struct keeper *keeper_open(const struct state_io *io)
{
	struct engine_setup setup = {.rate = 48000, .offline = true};
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	struct instance_hooks hooks = {.data = keeper, .journal = keeper_journal};

	keeper->types = graph_types_new();
	for (uint32_t i = 0; i < FAKE_TYPES; i++)
		graph_types_add(keeper->types, fake_types[i], "fake", NULL);
	CHECK(engine_new(&setup, &keeper->engine, NULL) == 0);
	CHECK(instance_new("test", keeper->types, keeper->engine, &hooks, &keeper->instance,
			   NULL) == 0);
	keeper->open_result =
		state_store_open_io(keeper_folder, io, &keeper->store, &keeper->error);
	if (keeper->open_result == 0)
		keeper->open_result =
			state_store_restore(keeper->store, keeper->instance, &keeper->found,
					    keeper_report, keeper, &keeper->error);
	return keeper;
}

void keeper_close(struct keeper *keeper)
{
	state_store_close(keeper->store);
	instance_free(keeper->instance);
	engine_free(keeper->engine);
	graph_types_free(keeper->types);
	free(keeper);
}

static int keeper_op(struct keeper *keeper, Mixd__V1__Op *op)
{
	struct instance_request request = {.ops = &op, .n_ops = 1, .by = "test"};
	struct instance_result result = {0};
	int r = instance_transact(keeper->instance, &request, &result, &keeper->error);

	instance_result_done(&result);
	return r;
}

int keeper_add(struct keeper *keeper, const char *name)
{
	Mixd__V1__AddNode add = MIXD__V1__ADD_NODE__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;

	add.name = (char *)(uintptr_t)name;
	add.type = (char *)fake_gain.id;
	op.op_case = MIXD__V1__OP__OP_ADD;
	op.add = &add;
	return keeper_op(keeper, &op);
}

int keeper_set(struct keeper *keeper, uint64_t number)
{
	Mixd__V1__Value value = MIXD__V1__VALUE__INIT;
	Mixd__V1__Set set = MIXD__V1__SET__INIT;
	Mixd__V1__Op op = MIXD__V1__OP__INIT;

	value.kind_case = MIXD__V1__VALUE__KIND_NUMBER;
	value.number = -(double)(number % 2000) / 100;
	set.address = (char *)"a.gain";
	set.value = &value;
	op.op_case = MIXD__V1__OP__OP_SET;
	op.set = &set;
	return keeper_op(keeper, &op);
}

double keeper_gain(const struct keeper *keeper)
{
	struct graph_node *node = graph_model_node(instance_model(keeper->instance), "a");

	return node ? node->value[graph_type_param(node->type, "gain")] : NAN;
}

double keeper_gain_of(uint64_t number)
{
	return -(double)(number % 2000) / 100;
}

bool keeper_exists(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", keeper_folder, name);
	return access(path, F_OK) == 0;
}

uint8_t *keeper_slurp(const char *name, size_t *ret_size)
{
	int fd = open(keeper_folder, O_RDONLY | O_DIRECTORY);
	uint8_t *bytes = NULL;

	state_io_read_file(fd, name, 1u << 26, &bytes, ret_size);
	close(fd);
	return bytes;
}

void keeper_spill(const char *name, const uint8_t *bytes, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", keeper_folder, name);
	file = fopen(path, "w");
	CHECK(file && fwrite(bytes, 1, size, file) == size);
	fclose(file);
}
