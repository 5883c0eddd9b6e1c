/* fuzz_request.c - mutated requests against the real handler: real node types, a real engine that
 * runs, time that passes. What must hold: an answer or a wait for every message; no crash, leak or
 * growth; a failed request leaves the revision alone. */
#include "fuzz.h"

#include "control_internal.h"
#include "fuzz_message.h"
#include "engine_modules.h"
#include "text/mixd_text.h"

#define LIFE 2000u /* requests, before all of it is freed and made anew */

static struct {
	struct graph_types *types;
	struct engine_modules *modules;
	struct engine *engine;
	struct instance *instance;
	struct control_handler *handler;
	uint64_t now_ns;
	uint32_t age;
} world;

static uint64_t world_now_ns(void *data)
{
	(void)data;
	return world.now_ns;
}

static uint64_t world_unix_ms(void *data)
{
	(void)data;
	return 1700000000000u + world.now_ns / 1000000u;
}

static void world_refused(void *data, const char *path, const char *reason)
{
	(void)data;
	fprintf(stderr, "# %s is refused: %s\n", path, reason);
}

static void world_end(void)
{
	control_handler_free(world.handler);
	instance_free(world.instance);
	engine_free(world.engine);
	world.handler = NULL;
	world.instance = NULL;
	world.engine = NULL;
	world.age = 0;
}

static void world_begin(void)
{
	struct engine_setup setup = {.rate = 48000, .offline = true, .seed = 1};
	struct instance_clock clock = {.state = "running", .rate = 48000, .quantum = 256};
	struct control_clock times = {NULL, world_now_ns, world_unix_ms};
	struct mixd_error error = {0};

	setenv("MIXD_NODE_PATH", MIXD_TEST_NODES, 0);
	world.now_ns = 1000000000;
	if (!world.types) {
		world.types = graph_types_new();
		if (engine_modules_load(world.types, world_refused, NULL, &world.modules, &error) <
		    0)
			fuzz_fail("no node types: %s", error.text);
	}
	if (engine_new(&setup, &world.engine, &error) < 0 ||
	    instance_new("fuzz", world.types, world.engine, NULL, &world.instance, &error) < 0 ||
	    control_handler_new(world.instance, &world.handler) < 0)
		fuzz_fail("cannot begin: %s", error.text);
	control_handler_set_clock(world.handler, &times);
	engine_set_running(world.engine, true);
	instance_set_clock(world.instance, &clock);
}

/* As JSON, for people; %s are names. */
static const char *const requests[] = {
	"{\"hello\":{}}",
	"{\"get_status\":{}}",
	"{\"get_types\":{\"pattern\":\"g*\"}}",
	"{\"get_nodes\":{\"pattern\":\"**\"}}",
	"{\"get_ports\":{}}",
	"{\"get_links\":{\"pattern\":\"a\"}}",
	"{\"get\":{\"patterns\":[\"a.*\",\"**.gain\"]}}",
	"{\"snapshot\":{}}",
	"{\"export\":{\"format\":\"json\"}}",
	"{\"history\":{\"limit\":5}}",
	"{\"events_from\":{\"from_seq\":1}}",
	"{\"barrier\":{\"token\":\"t\"},\"wait\":\"settled\"}",
	"{\"meter_lease\":{\"patterns\":[\"a.peak\",\"**\"],\"rate_hz\":30}}",
	"{\"meter_lease\":{\"patterns\":[\"a.peak\"],\"cancel\":true}}",
	"{\"get_response\":{\"name\":\"e\",\"freq_hz\":[20,1000,20000]}}",
	"{\"undo\":{}}",
	"{\"undo\":{\"count\":3},\"dry_run\":true}",
	"{\"rollback\":{\"to_revision\":1}}",
	"{\"diff\":{\"apply\":{\"text\":\"mixd: 1\\nnodes:\\n  a: {type: gain, gain: -3dB}\\n\"}}}",
	"{\"transaction\":{\"ops\":[{\"apply\":{\"text\":\"mixd: 1\\nnodes:\\n  a: {type: gain}\\n "
	" "
	"b: {type: bus, inputs: 4}\\nlinks:\\n  - a -> b:in2\\n\"}}]}}",
	"{\"transaction\":{\"ops\":[{\"apply\":{\"text\":\"mixd: 1\\nnodes: {}\\n\","
	"\"merge\":false}}]}}",
	"{\"transaction\":{\"ops\":[{\"add\":{\"name\":\"a\",\"type\":\"gain\"}}]}}",
	"{\"transaction\":{\"ops\":[{\"add\":{\"name\":\"e\",\"type\":\"eq\",\"settings\":[{\"id\":"
	"\"band1.on\",\"value\":{\"flag\":true}}]}}]}}",
	"{\"transaction\":{\"ops\":[{\"add\":{\"name\":\"c\",\"type\":\"comp\",\"after\":\"a\"}}]}"
	"}",
	"{\"transaction\":{\"ops\":[{\"add\":{\"name\":\"b\",\"type\":\"bus\"}},{\"add\":{\"name\":"
	"\"l\",\"type\":\"limiter\"}},{\"link\":{\"from\":\"b\",\"to\":\"l\"}}]}}",
	"{\"transaction\":{\"ops\":[{\"add\":{\"name\":\"tone\",\"type\":\"generator\"}},{\"link\":"
	"{\"from\":\"tone\",\"to\":\"a\",\"gain_db\":-6,\"set_gain\":true}}]}}",
	"{\"transaction\":{\"ops\":[{\"add\":{\"name\":\"f\",\"type\":\"feedback\"}},{\"link\":{"
	"\"from\":\"a\",\"to\":\"f\"}}]}}",
	"{\"transaction\":{\"ops\":[{\"add\":{\"name\":\"in\",\"type\":\"input\"}},{\"add\":{"
	"\"name\":\"out\",\"type\":\"output\"}},{\"link\":{\"from\":\"in\",\"to\":\"out\"}}]}}",
	"{\"transaction\":{\"ops\":[{\"link\":{\"from\":\"a\",\"to\":\"b\"}},{\"link\":{\"from\":"
	"\"a:out\",\"to\":\"c:key\"}}]}}",
	"{\"transaction\":{\"ops\":[{\"unlink\":{\"from\":\"**\",\"to\":\"b\"}}]}}",
	"{\"transaction\":{\"ops\":[{\"remove\":{\"name\":\"a\",\"heal\":true}}]}}",
	"{\"transaction\":{\"ops\":[{\"rename\":{\"name\":\"a\",\"to\":\"vox/a\"}}]}}",
	"{\"transaction\":{\"ops\":[{\"set\":{\"address\":\"**.gain\",\"value\":{\"text\":"
	"\"-6dB\"}}}]},\"wait\":\"accepted\"}",
	"{\"transaction\":{\"ops\":[{\"set\":{\"address\":\"a.gain\",\"value\":{\"number\":-3},"
	"\"relative\":true,\"over_ms\":500,\"curve\":\"log\"}}]},\"wait\":\"settled\"}",
	"{\"transaction\":{\"ops\":[{\"set\":{\"address\":\"a.bypass\",\"toggle\":true}}]}}",
	"{\"transaction\":{\"ops\":[{\"set\":{\"address\":\"b.inputs\",\"value\":{\"number\":8}}}]}"
	","
	"\"wait\":\"persisted\"}",
	"{\"transaction\":{\"ops\":[{\"set\":{\"address\":\"a.layout\",\"value\":{\"text\":"
	"\"7.1.4\"}}}]}}",
	"{\"transaction\":{\"ops\":[{\"automate\":{\"address\":\"a.gain\",\"curve\":\"smooth\","
	"\"points\":[{\"at_ms\":0,\"value\":-60},{\"at_ms\":30,\"value\":0}]}}]}}",
	"{\"transaction\":{\"ops\":[{\"automate\":{\"address\":\"a.gain\",\"clear\":true}}]}}",
	"{\"transaction\":{\"ops\":[{\"set\":{\"address\":\"a.gain\",\"value\":{\"number\":-1}}}]},"
	"\"if_revision\":3,\"at_unix_ms\":1700000001500}",
};

static const char *const words[] = {
	"a",	 "b",	   "e",	      "gain",	  "**",		  "*.gain",
	"eq",	 "bus",	   "limiter", "loudness", "band1.freq",	  "7.1.4",
	"64ch",	 "mono",   "+=1.5dB", "default",  "-inf",	  "a:out",
	"b:in2", "inputs", "-1dBTP",  "leveler",  "\x0a\x02\x01", NULL};

static void request_seeds(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct mixd_text_error error;
		ProtobufCMessage *message = NULL;
		Mixd__V1__Request *request;
		uint8_t *body;
		size_t size;

		if (mixd_text_from_json(&mixd__v1__request__descriptor, requests[i],
					strlen(requests[i]), &message, &error) < 0)
			fuzz_fail("seed %zu: %s %s", i, error.path, error.text);
		request = (Mixd__V1__Request *)message;
		request->session.data = malloc(2);
		memcpy(request->session.data, "fz", 2);
		request->session.len = 2;
		request->req_id = i + 1;
		body = control_pack(&request->base, &size);
		fuzz_seed(body, size);
		free(body);
		protobuf_c_message_free_unpacked(message, NULL);
	}
}

/* Changes a field or two, and perhaps adds the operations of another transaction. */
static size_t request_mutate(uint8_t *data, size_t size, size_t size_max)
{
	Mixd__V1__Request *request = mixd__v1__request__unpack(NULL, size - 1, data + 1), *other;
	size_t other_size, packed;
	const uint8_t *other_data = fuzz_any_seed(&other_size);

	if (!request)
		return 0;
	other = mixd__v1__request__unpack(NULL, other_size - 1, other_data + 1);
	if (request->op_case == MIXD__V1__REQUEST__OP_TRANSACTION &&
	    other->op_case == MIXD__V1__REQUEST__OP_TRANSACTION && fuzz_random(2))
		fuzz_message_append(&request->transaction->base, &other->transaction->base, "ops");
	for (uint32_t n = fuzz_random(4); n > 0; n--)
		fuzz_message_mutate(&request->base, words);
	packed = mixd__v1__request__get_packed_size(request);
	if (packed + 1 <= size_max)
		mixd__v1__request__pack(request, data + 1);
	mixd__v1__request__free_unpacked(request, NULL);
	mixd__v1__request__free_unpacked(other, NULL);
	return packed + 1 <= size_max ? packed + 1 : 0;
}

const struct fuzz_harness fuzz_harness = {.name = "request",
					  .runs_short = 30000,
					  .runs_long = 1000000,
					  .size_max = 65536,
					  .seeds = request_seeds,
					  .mutate = request_mutate,
					  .rest = world_end,
					  .words = words};

static void world_sound(void)
{
	struct engine_cycle cycle = {.n_frames = 64};

	engine_process(world.engine, &cycle);
	instance_maintain(world.instance);
}

/* Resends are the replay cache's; everything else should run: give each its own req_id. */
static uint32_t n_done, n_refused[160];

static uint8_t *fresh_id(const uint8_t *data, size_t size, size_t *ret_size)
{
	uint8_t *body = malloc(size + 12);
	uint64_t id = world.now_ns;

	memcpy(body, data, size);
	if (fuzz_random(8)) {
		body[size++] = 0x10; /* the last value of a field counts */
		for (; id >= 0x80; id >>= 7)
			body[size++] = (uint8_t)(id | 0x80);
		body[size++] = (uint8_t)id;
	}
	*ret_size = size;
	return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t revision;
	uint8_t *body, *reply = NULL;
	Mixd__V1__Reply *message;
	size_t reply_size = 0;

	if (!world.handler)
		world_begin();
	world.now_ns += 1000000;
	revision = instance_revision(world.instance);
	body = fresh_id(data, size, &size);
	if (control_handle(world.handler, body, size, &reply, &reply_size) < 0)
		fuzz_fail("no answer");
	free(body);
	if (reply_size) {
		message = mixd__v1__reply__unpack(NULL, reply_size - 1, reply + 1);
		if (!message || !message->status || reply[0] != CONTROL_PROTOCOL)
			fuzz_fail("an answer that is none");
		if (message->status->code &&
		    message->status->code != MIXD__V1__CODE__CODE_RESOURCE &&
		    instance_revision(world.instance) != revision)
			fuzz_fail("refused (%s), but the revision moved", message->status->text);
		if (message->status->code && !*message->status->text)
			fuzz_fail("an error without words: code %d at %s", message->status->code,
				  message->status->address);
		n_done++;
		n_refused[message->status->code < 160 ? message->status->code : 159]++;
		mixd__v1__reply__free_unpacked(message, NULL);
	}
	free(reply);
	if (world.age % 4 == 0)
		world_sound();
	control_handler_turn(world.handler);
	if (++world.age == LIFE)
		world_end();
	return 0;
}

static __attribute__((destructor)) void world_free(void)
{
	printf("# of %u answers %u were ok; %u usage, %u not found, %u invalid, %u conflict, %u "
	       "resource, %u timeout\n",
	       n_done, n_refused[0], n_refused[2], n_refused[4], n_refused[5], n_refused[6],
	       n_refused[8], n_refused[124]);
	world_end();
	graph_types_free(world.types);
	engine_modules_free(world.modules);
}
