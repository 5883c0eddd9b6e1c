/* lv2_setup.c - what a plug-in's node needs, how it begins and ends, and what the worker does.
 *
 * WHAT        The latency of a plug-in that has one is found by asking it: a helper (or an instance
 *             here, isolate=none) is started, runs one block of silence, and says. The answer is
 *             remembered, because needs() is asked often. A plug-in that refuses to start refuses
 *             the node, with its words; one that dies or hangs does not: the node is there, dry,
 *             and the helper is started again and again, so that a graph does not fall with it.
 * THREADS     [main]; lv2_work() [worker] */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "lv2.h"

#define SETUP_START_MS 3000u /* main waits no longer; the node begins dry then */
#define SETUP_PROBES 64u
#define SETUP_BACKOFF_MS 250u
#define SETUP_STREAK 8u

static int refuse(struct mixd_fault *fault, const char *text, const char *hint)
{
	snprintf(fault->text, sizeof(fault->text), "%s", text);
	snprintf(fault->hint, sizeof(fault->hint), "%s", hint);
	return -EINVAL;
}

/* ---- shape ---- */

static bool setup_local(const struct mixd_setup *setup)
{
	return setup->config[LV2_CONFIG_ISOLATE].number == LV2_ISOLATE_NONE;
}

static bool setup_direct(const struct mixd_setup *setup, const struct lv2_type *type)
{
	return setup_local(setup) && !type->wants_fixed && !type->wants_power_of_two;
}

static int setup_layout(const struct mixd_setup *setup, const struct lv2_type *type,
			struct mixd_fault *fault)
{
	uint32_t in = setup->n_in_ports && type->n_in ? setup->in_layout[0]->n_channels : 0;
	uint32_t out = setup->n_out_ports ? setup->out_layout[0]->n_channels : 0;

	if (type->per_channel && in != out)
		return refuse(fault, "a mono plug-in has as many outputs as inputs",
			      "leave config layout at auto, or give it one layout");
	if (!type->any_layout || (in == type->n_in && out == type->n_out))
		return 0;
	snprintf(fault->text, sizeof(fault->text), "the plug-in has %u channels, the layout has %u",
		 type->n_in, in);
	snprintf(fault->hint, sizeof(fault->hint), "set layout=%uch", type->n_in);
	return -EINVAL;
}

static int setup_frame(const struct mixd_setup *setup, const struct lv2_type *type,
		       struct lv2_frame *frame, struct mixd_fault *fault)
{
	uint32_t block = (uint32_t)setup->config[LV2_CONFIG_BLOCK].number;
	uint32_t reserve = (uint32_t)setup->config[LV2_CONFIG_RESERVE].number;
	uint32_t span;

	if (setup_layout(setup, type, fault) < 0)
		return -EINVAL;
	if (type->wants_power_of_two && (block & (block - 1)) != 0)
		return refuse(fault, "the plug-in wants blocks of 2^n frames",
			      "use block=64, 128, 256, 512 or 1024");
	*frame = (struct lv2_frame){.block = block,
				    .copies =
					    type->per_channel ? setup->in_layout[0]->n_channels : 1,
				    .n_ports = type->n_ports,
				    .n_params = type->type.n_params,
				    .n_in = type->n_in,
				    .n_key = type->n_key,
				    .n_out = type->n_out};
	for (uint32_t i = 0; i < type->n_ports; i++)
		frame->n_meters += type->ports[i].role == LV2_ROLE_METER;
	frame->in_channels = frame->n_in * frame->copies;
	frame->out_channels = frame->n_out * frame->copies;
	if (type->n_key) /* the last input port */
		frame->key_channels = setup->in_layout[setup->n_in_ports - 1]->n_channels;
	/* Filled, under way, in time, played, and two to spare for a helper that lags. */
	span = (reserve > block ? reserve : block) + LV2_BLOCK_MAX;
	frame->slots = 4;
	while (frame->slots < span / block + 6)
		frame->slots *= 2;
	lv2_frame_make(frame);
	return 0;
}

/* ---- the plug-in's latency ---- */

struct probe {
	const struct lv2_type *type;
	double rate;
	uint32_t block, hash, latency;
	bool local;
	int res;
	char words[LV2_WORDS_MAX];
};

static struct probe probes[SETUP_PROBES];
static uint32_t probes_next;

static uint32_t text_hash(const char *text)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

static void probe_params(const struct lv2_type *type, float *ret)
{
	for (uint32_t i = 0; i < type->n_ports; i++)
		if (type->ports[i].role == LV2_ROLE_PARAM)
			ret[type->ports[i].index] = type->ports[i].value;
}

static void probe_helper(struct probe *probe, struct lv2_frame frame, const char *state_text)
{
	struct lv2_share *share;
	pid_t child = 0;
	int fd = -1;

	frame.copies = 1; /* one is like the other */
	frame.in_channels = frame.n_in;
	frame.out_channels = frame.n_out;
	frame.key_channels = frame.n_key;
	lv2_frame_make(&frame);
	share = lv2_share_new(probe->type, &frame, probe->rate, true, state_text, &fd);
	if (!share)
		return;
	probe_params(probe->type,
		     lv2_slot_floats(lv2_share_slot(share, &frame, 0), frame.slot_param));
	probe->res = lv2_child_start(fd, &child, probe->words);
	if (probe->res == 0)
		probe->res = lv2_child_await(share, &child, SETUP_START_MS, probe->words);
	if (probe->res == 0)
		probe->latency = atomic_load(&share->latency);
	lv2_child_stop(share, &child, true);
	lv2_share_free(share, frame.bytes, fd);
}

static void setup_work_wanted(void *data)
{
	struct lv2_node *node = data;

	if (node && node->current)
		node->current->host->submit(node->current, LV2_JOB_WORK);
}

static struct lv2_plug_setup setup_plug(const struct lv2_type *type, double rate, bool direct,
					uint32_t block)
{
	return (struct lv2_plug_setup){.uri = type->uri,
				       .library = type->library,
				       .bundle = type->bundle,
				       .ports = type->ports,
				       .n_ports = type->n_ports,
				       .rate = rate,
				       .min_frames = direct ? 1 : block,
				       .max_frames = direct ? MIXD_SLICE_MAX : block,
				       .offline = true,
				       .work_wanted = setup_work_wanted};
}

/* Runs PLUG once, for nothing but what it says afterwards. */
static int setup_first_run(struct lv2_plug *plug, const struct lv2_type *type, const float *param,
			   uint32_t frames)
{
	float *silence = calloc((size_t)frames * (type->n_out + 1u), sizeof(float));
	const float *in[LV2_AUDIO_MAX];
	float *out[LV2_AUDIO_MAX];
#if defined(__SSE2__)
	unsigned mode = _mm_getcsr();
#endif

	if (!silence)
		return -ENOMEM;
	for (uint32_t i = 0; i < LV2_AUDIO_MAX; i++)
		in[i] = silence;
	for (uint32_t i = 0; i < type->n_out; i++)
		out[i] = silence + (size_t)frames * (i + 1);
	lv2_plug_restart(plug);
	lv2_plug_run(plug, param, in, in, out, frames);
	lv2_plug_restart(plug);
#if defined(__SSE2__)
	_mm_setcsr(mode);
#endif
	free(silence);
	return 0;
}

static void probe_here(struct probe *probe, bool direct, const char *state_text)
{
	struct lv2_plug_setup setup = setup_plug(probe->type, probe->rate, direct, probe->block);
	float *param = calloc(probe->type->type.n_params + 1, sizeof(float));
	struct lv2_plug *plug = NULL;

	if (!param)
		return;
	probe_params(probe->type, param);
	probe->res = lv2_plug_new(&setup, &plug, probe->words);
	if (probe->res == 0) {
		lv2_plug_restore(plug, state_text);
		setup_first_run(plug, probe->type, param, setup.max_frames);
		probe->latency = lv2_plug_latency(plug);
		lv2_plug_free(plug);
	}
	free(param);
}

static const struct probe *probe_get(const struct mixd_setup *setup, const struct lv2_type *type,
				     const struct lv2_frame *frame, const char *state_text)
{
	struct probe key = {.type = type,
			    .rate = setup->rate,
			    .block = frame->block,
			    .hash = text_hash(state_text),
			    .local = setup_local(setup),
			    .res = -ENOMEM,
			    .words = "out of memory"};
	struct probe *probe;

	for (uint32_t i = 0; i < SETUP_PROBES; i++) {
		probe = &probes[i];
		if (probe->type == type && probe->rate == key.rate && probe->block == key.block &&
		    probe->hash == key.hash && probe->local == key.local)
			return probe;
	}
	probe = &probes[probes_next++ % SETUP_PROBES];
	*probe = key;
	if (key.local)
		probe_here(probe, setup_direct(setup, type), state_text);
	else
		probe_helper(probe, *frame, state_text);
	return probe;
}

static int setup_refused(const struct lv2_type *type, const char *words, struct mixd_fault *fault)
{
	snprintf(fault->text, sizeof(fault->text), "the plug-in refuses: %.160s", words);
	snprintf(fault->hint, sizeof(fault->hint),
		 "try it in another host, or install it again: %.120s", type->library);
	return -EINVAL;
}

int lv2_needs(const struct mixd_setup *setup, struct mixd_need *ret_need, struct mixd_fault *fault)
{
	const struct lv2_type *type = (const struct lv2_type *)setup->type;
	uint32_t reserve = (uint32_t)setup->config[LV2_CONFIG_RESERVE].number;
	struct lv2_frame frame;
	char *text = NULL;

	if (setup_frame(setup, type, &frame, fault) < 0 ||
	    (!type->missing &&
	     lv2_keep_read(setup->config[LV2_CONFIG_STATE].text, &text, fault) < 0))
		return -EINVAL;
	ret_need->state_bytes = sizeof(struct lv2_node);
	ret_need->tail = UINT64_MAX; /* nobody knows how long a plug-in rings */
	ret_need->latency = setup_direct(setup, type) ? 0 : frame.block;
	if (type->has_latency) {
		const struct probe *probe = probe_get(setup, type, &frame, text);

		ret_need->latency += probe->latency;
		if (probe->res == -ENOEXEC && !type->used_before) {
			free(text);
			return setup_refused(type, probe->words, fault);
		}
	}
	if (ret_need->latency < reserve)
		ret_need->latency = reserve;
	free(text);
	return 0;
}

/* ---- life ---- */

static int activate_memory(struct lv2_node *node, const struct mixd_setup *setup,
			   const struct lv2_type *type)
{
	const struct lv2_frame *frame = &node->frame;
	size_t block = (size_t)frame->out_channels * frame->block + 1;
	uint32_t ring = 1;

	while (ring < node->latency + MIXD_SLICE_MAX + LV2_BLOCK_MAX)
		ring *= 2;
	node->dry_mask = ring - 1;
	node->plugs = calloc(frame->copies + 1, sizeof(struct lv2_plug *));
	node->full = calloc(frame->slots, sizeof(uint64_t));
	node->now = calloc(block, sizeof(float));
	node->next = calloc(block, sizeof(float));
	node->dry = calloc((size_t)node->main_in * ring + 1, sizeof(float));
	node->param = calloc(frame->n_params + 1, sizeof(float));
	node->meter = calloc((size_t)frame->n_meters * frame->copies + 1, sizeof(float));
	node->blend = calloc(MIXD_SLICE_MAX, sizeof(double));
	if (node->direct && (type->has_latency || node->latency)) {
		node->pad = calloc((size_t)frame->out_channels * ring + 1, sizeof(float));
		if (!node->pad)
			return -ENOMEM;
	}
	return node->plugs && node->full && node->now && node->next && node->dry && node->param &&
			       node->meter && node->blend
		       ? 0
		       : -ENOMEM;
}

static int activate_local(struct mixd_inst *inst, char words[LV2_WORDS_MAX])
{
	struct lv2_node *node = inst->state;
	const struct lv2_type *type = node->type;
	struct lv2_plug_setup setup =
		setup_plug(type, inst->setup->rate, node->direct, node->frame.block);

	setup.offline = inst->host->offline;
	setup.data = node;
	lv2_params(inst, node->param);
	for (uint32_t i = 0; i < node->frame.copies; i++) {
		int res = lv2_plug_new(&setup, &node->plugs[i], words);

		if (res == 0)
			lv2_plug_restore(node->plugs[i], node->state_text);
		if (res == 0)
			res = setup_first_run(node->plugs[i], type, node->param, setup.max_frames);
		if (res == 0 && lv2_plug_changed(node->plugs[i]))
			atomic_fetch_add(&node->captured, 1);
		if (res < 0)
			return res;
	}
	node->own_latency = lv2_plug_latency(node->plugs[0]);
	if (!node->direct) {
		node->share = lv2_share_new(type, &node->frame, inst->setup->rate, true, "",
					    &node->memory_fd);
		if (!node->share)
			return -ENOMEM;
	}
	atomic_store(&node->link, LV2_LINK_UP);
	return 0;
}

static int helper_start(struct mixd_inst *inst, char words[LV2_WORDS_MAX])
{
	struct lv2_node *node = inst->state;

	lv2_share_renew(node->share, &node->frame);
	lv2_params(inst, lv2_slot_floats(lv2_share_slot(node->share, &node->frame, 0),
					 node->frame.slot_param));
	return lv2_child_start(node->memory_fd, &node->child, words);
}

static int activate_helper(struct mixd_inst *inst, char words[LV2_WORDS_MAX])
{
	struct lv2_node *node = inst->state;
	int res;

	node->share = lv2_share_new(node->type, &node->frame, inst->setup->rate,
				    inst->host->offline, node->state_text, &node->memory_fd);
	if (!node->share)
		return -ENOMEM;
	res = helper_start(inst, words);
	if (res < 0) {
		return -ENOEXEC;
	}
	res = lv2_child_await(node->share, &node->child, SETUP_START_MS, words);
	if (res == -ENOEXEC)
		return res;
	if (res == 0) {
		node->own_latency = atomic_load(&node->share->latency);
		atomic_store(&node->link, LV2_LINK_UP);
		return 0;
	}
	lv2_child_stop(node->share, &node->child, true);
	node->health = res == -EPIPE ? LV2_HEALTH_CRASHED : LV2_HEALTH_HUNG;
	atomic_store(&node->cause, node->health);
	atomic_store(&node->link, LV2_LINK_DOWN);
	return 0;
}

/* A plug-in that ran here in an earlier process and now refuses to start is one that fails: it may
 * not take with it the graph that is restored. */
static void activate_refused(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;

	node->health = LV2_HEALTH_REFUSED;
	if (node->local) {
		for (uint32_t i = 0; i < node->frame.copies; i++)
			node->plugs[i] = lv2_plug_free(node->plugs[i]);
		node->absent = true;
		return;
	}
	lv2_child_stop(node->share, &node->child, true);
	atomic_store(&node->cause, node->health);
	atomic_store(&node->link, LV2_LINK_DOWN);
}

static int activate_plugin(struct mixd_inst *inst, char words[LV2_WORDS_MAX])
{
	struct lv2_node *node = inst->state;
	struct lv2_type *type = (struct lv2_type *)(uintptr_t)node->type;
	int res;

	if (type->missing) {
		node->absent = true;
		node->health = LV2_HEALTH_MISSING;
		return 0;
	}
	res = node->local ? activate_local(inst, words) : activate_helper(inst, words);
	if (res == -ENOEXEC && type->used_before) {
		activate_refused(inst);
		return 0;
	}
	if (res == 0)
		lv2_kept_write(type);
	return res;
}

int lv2_activate(struct mixd_inst *inst, struct mixd_fault *fault)
{
	const struct lv2_type *type = (const struct lv2_type *)inst->type;
	const struct mixd_setup *setup = inst->setup;
	struct lv2_node *node = inst->state;
	struct mixd_need need = {0};
	char words[LV2_WORDS_MAX] = "";
	int res = lv2_needs(setup, &need, fault);

	if (res < 0)
		return res;
	*node = (struct lv2_node){.type = type,
				  .local = setup_local(setup),
				  .direct = setup_direct(setup, type),
				  .latency = need.latency,
				  .main_in = type->n_in ? setup->in_layout[0]->n_channels : 0,
				  .main_out =
					  setup->n_out_ports ? setup->out_layout[0]->n_channels : 0,
				  .memory_fd = -1,
				  .fresh = true,
				  .wanted_streak = SETUP_STREAK,
				  .backoff_ms = SETUP_BACKOFF_MS,
				  .told_health = UINT32_MAX,
				  .current = inst};
	res = setup_frame(setup, type, &node->frame, fault);
	if (res == 0 && !type->missing) /* nobody needs it, and it stays in the config */
		res = lv2_keep_read(setup->config[LV2_CONFIG_STATE].text, &node->state_text, fault);
	if (res == 0)
		res = activate_memory(node, setup, type);
	if (res == 0)
		res = activate_plugin(inst, words);
	if (res == 0) {
		node->own_seen = node->own_latency;
		inst->meter[LV2_METER_HEALTH] = node->health;
		return 0;
	}
	lv2_deactivate(inst);
	if (res == -ENOEXEC)
		return setup_refused(type, words, fault);
	if (res == -ENOMEM)
		refuse(fault, "out of memory", "use a smaller layout, or fewer plug-ins");
	return res;
}

void lv2_deactivate(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;

	if (!node->local && node->share)
		lv2_child_stop(node->share, &node->child, false);
	for (uint32_t i = 0; node->plugs && i < node->frame.copies; i++)
		lv2_plug_free(node->plugs[i]);
	lv2_share_free(node->share, node->frame.bytes, node->memory_fd);
	free(node->plugs);
	free(node->full);
	free(node->now);
	free(node->next);
	free(node->dry);
	free(node->pad);
	free(node->param);
	free(node->meter);
	free(node->blend);
	free(node->state_text);
	memset(node, 0, sizeof(*node));
}

/* ---- the worker ---- */

static void work_launch(struct mixd_inst *inst)
{
	struct lv2_node *node = inst->state;
	char words[LV2_WORDS_MAX];

	atomic_store(&node->dead, false);
	if (helper_start(inst, words) < 0) {
		atomic_store(&node->cause, LV2_HEALTH_REFUSED);
		atomic_store(&node->link, LV2_LINK_DOWN);
		return;
	}
	if (inst->host->offline) /* frames fly by: wait here */
		lv2_child_await(node->share, &node->child, SETUP_START_MS, words);
	atomic_store(&node->link, LV2_LINK_AWAITED);
}

static void work_mend(struct lv2_node *node)
{
	int signal_number = 0;

	if (lv2_child_ended(&node->child, &signal_number) &&
	    atomic_load(&node->cause) == LV2_HEALTH_HUNG)
		atomic_store(&node->cause, LV2_HEALTH_CRASHED);
	lv2_child_stop(node->share, &node->child, true);
	atomic_store(&node->link, LV2_LINK_DOWN);
}

void lv2_work(struct mixd_inst *inst, uint32_t job)
{
	struct lv2_node *node = inst->state;

	switch ((enum lv2_job)job) {
	case LV2_JOB_MEND:
		work_mend(node);
		break;
	case LV2_JOB_LAUNCH:
		work_launch(inst);
		break;
	case LV2_JOB_CHECK:
		if (lv2_child_ended(&node->child, NULL))
			atomic_store(&node->dead, true);
		break;
	case LV2_JOB_RESTART:
		for (uint32_t i = 0; i < node->frame.copies; i++)
			lv2_plug_restart(node->plugs[i]);
		atomic_store(&node->restarting, false);
		break;
	case LV2_JOB_WORK:
		for (uint32_t i = 0; i < node->frame.copies; i++)
			lv2_plug_work(node->plugs[i]);
		break;
	}
}

int lv2_capture(struct mixd_inst *inst, uint32_t config, char *ret_text, size_t size,
		struct mixd_fault *fault)
{
	struct lv2_node *node = inst->state;
	_Atomic uint32_t *captured, *taken;
	uint32_t count;
	char *text;
	int res = -ENOMEM;

	if (config == LV2_CONFIG_RESERVE) {
		snprintf(ret_text, size, "%u", node->told_reserve);
		return 0;
	}
	captured = node->local ? &node->captured : &node->share->captured;
	taken = node->local ? &node->taken : &node->share->taken;
	count = atomic_load(captured);
	text = malloc(LV2_TEXT_MAX);
	if (text && node->local) {
		res = lv2_plug_save(node->plugs[0], text, LV2_TEXT_MAX);
	} else if (text) {
		const char *shared = (const char *)node->share + node->frame.at_text_out;

		memcpy(text, shared, LV2_TEXT_MAX);
		text[LV2_TEXT_MAX - 1] = '\0';
		res = 0;
	}
	if (res >= 0)
		res = lv2_keep_write(text, ret_text, size, fault);
	else
		refuse(fault, "the plug-in does not give its state", "save it as a preset instead");
	free(text);
	atomic_store(taken, count);
	return res;
}
