/* contract.c - see contract.h. */
#include "contract.h"

#include <float.h>

static struct contract_shape contract_shape_list[CONTRACT_SHAPES_MAX];

/* xorshift64*, apart from test_random(): material does not depend on what ran before. */
static double contract_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (double)((*state * UINT64_C(0x2545F4914F6CDD1D)) >> 11) * 0x1p-53;
}

static uint64_t contract_seed(uint64_t seed)
{
	seed = (seed + UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xBF58476D1CE4E5B9);
	return (seed ^ (seed >> 29)) | 1;
}

const struct mixd_node_type *const *contract_types(void)
{
	static const struct mixd_node_type *one[2];
	const char *id = getenv("MIXD_CONTRACT_TYPE"), *why;

	if (!id)
		return node_host_types();
	one[0] = node_host_type(id, &why);
	CHECK(one[0], "%s", why);
	return one;
}

/* ---- shapes ---- */

static bool contract_accepts(struct contract_shape *shape)
{
	struct mixd_fault fault;
	struct node_host *host;

	shape->setup.configs = shape->configs[0].id ? shape->configs : NULL;
	host = node_host_try(shape->type, &shape->setup, &fault);
	if (!host) {
		CHECK(fault.text[0], "%s is refused without a reason", shape->text);
		CHECK(fault.hint[0], "%s is refused (%s) without a remedy", shape->text,
		      fault.text);
		return false;
	}
	node_host_free(host);
	return true;
}

bool contract_shape(const struct mixd_node_type *type, const char *layout,
		    struct contract_shape *ret)
{
	*ret = (struct contract_shape){.type = type, .setup = {.layout = layout}};
	snprintf(ret->text, sizeof(ret->text), "%s %s", type->id, layout);
	return contract_accepts(ret);
}

static bool contract_is_count(const struct mixd_node_type *type, const char *config)
{
	for (uint32_t i = 0; i < type->n_ports; i++)
		if (type->ports[i].count_config && strcmp(type->ports[i].count_config, config) == 0)
			return true;
	return false;
}

static void contract_add(uint32_t *n, const struct contract_shape *base, const char *config,
			 double value)
{
	struct contract_shape *shape = &contract_shape_list[*n];

	if (*n == CONTRACT_SHAPES_MAX)
		return;
	*shape = *base;
	shape->configs[0] = (struct node_host_config){config, value, NULL};
	snprintf(shape->text, sizeof(shape->text), "%.120s %.40s=%g", base->text, config, value);
	if (contract_accepts(shape)) {
		shape->setup.configs = shape->configs;
		(*n)++;
	}
}

/* Every value of an enum or bool, both ends of a number; of a count only the low end and some. */
static void contract_vary(uint32_t *n, const struct contract_shape *base,
			  const struct mixd_config_row *row)
{
	if (row->type == MIXD_TYPE_STRING || row->is_file)
		return;
	if (row->type == MIXD_TYPE_ENUM || row->type == MIXD_TYPE_BOOL) {
		double last = row->type == MIXD_TYPE_BOOL ? 1 : row->max;

		for (double value = 0; value <= last; value++)
			if (value != row->def)
				contract_add(n, base, row->id, value);
		return;
	}
	if (row->min != row->def)
		contract_add(n, base, row->id, row->min);
	if (contract_is_count(base->type, row->id))
		contract_add(n, base, row->id, fmin(row->max, 33));
	else if (row->max != row->def)
		contract_add(n, base, row->id, row->max);
}

uint32_t contract_shapes(const struct mixd_node_type *type, const struct contract_shape **ret)
{
	static const char *const layouts[] = {"stereo", "mono", "5.1", "7.1.4", "3ch", "64ch"};
	uint32_t n = 0, n_layouts;

	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (contract_shape(type, layouts[i], &contract_shape_list[n]))
			n++;
	CHECK(n > 0, "%s accepts no layout", type->id);
	n_layouts = n < 2 ? n : 2;
	for (uint32_t i = 0; i < n_layouts; i++)
		for (uint32_t c = 0; c < type->n_configs; c++) {
			struct contract_shape base = contract_shape_list[i];

			contract_vary(&n, &base, &type->configs[c]);
		}
	for (uint32_t i = 0; i < n; i++) {
		struct contract_shape *shape = &contract_shape_list[i];

		shape->setup.configs = shape->configs[0].id ? shape->configs : NULL;
	}
	*ret = contract_shape_list;
	return n;
}

/* ---- audio ---- */

struct contract_audio *contract_audio_new(uint32_t channels, uint64_t frames)
{
	struct contract_audio *audio = calloc(1, sizeof(*audio));

	CHECK(audio);
	audio->channels = channels;
	audio->frames = frames;
	audio->samples = calloc(channels * frames + 1, sizeof(float));
	audio->channel = calloc(channels + 1, sizeof(*audio->channel));
	CHECK(audio->samples && audio->channel);
	for (uint32_t c = 0; c < channels; c++)
		audio->channel[c] = audio->samples + c * frames;
	return audio;
}

struct contract_audio *contract_audio_free(struct contract_audio *audio)
{
	if (audio) {
		free(audio->samples);
		free(audio->channel);
		free(audio);
	}
	return NULL;
}

/* One channel in stretches of 30..800 frames: tone, noise, silence, clicks, a hot tone. */
static void contract_channel(float *out, uint64_t frames, double rate, uint64_t seed)
{
	uint64_t random = contract_seed(seed);

	for (uint64_t i = 0; i < frames;) {
		uint64_t end = i + 30 + (uint64_t)(contract_random(&random) * 770);
		int kind = (int)(contract_random(&random) * 6);
		double level = pow(10, -3 * contract_random(&random));
		double step = 2 * M_PI * 40 * pow(300, contract_random(&random)) / rate;

		for (; i < end && i < frames; i++) {
			if (kind == 0)
				out[i] = 0;
			else if (kind == 1)
				out[i] = (float)(level * (2 * contract_random(&random) - 1));
			else if (kind == 2)
				out[i] = contract_random(&random) < 0.01 ? (float)level : 0;
			else if (kind == 3)
				out[i] = (float)(1.4 * sin(step * (double)i));
			else
				out[i] = (float)(level * sin(step * (double)i));
		}
	}
}

struct contract_audio *contract_material(struct node_host *host, uint32_t n_inst, uint64_t frames,
					 double rate, uint64_t seed)
{
	uint32_t channels = node_host_in_channels(host);
	struct contract_audio *audio = contract_audio_new(channels * n_inst, frames);

	for (uint32_t c = 0; c < channels * n_inst; c++)
		contract_channel(audio->channel[c], frames, rate, seed * 1000 + c);
	return audio;
}

struct contract_audio *contract_output(struct node_host *host, uint32_t n_inst, uint64_t frames)
{
	return contract_audio_new(node_host_out_channels(host) * n_inst, frames);
}

/* ---- running ---- */

uint32_t contract_events(const struct mixd_node_type *type, uint64_t frames, uint64_t seed,
			 struct contract_event events[CONTRACT_EVENTS])
{
	uint64_t random = contract_seed(seed * 77 + 5);
	uint32_t n_params = node_host_n_params(type);

	if (n_params == 0)
		return 0;
	for (uint32_t i = 0; i < CONTRACT_EVENTS; i++) {
		struct contract_event *event = &events[i];
		const struct mixd_param_row *row;
		double u;

		/* Repeated groups: mostly their first members, so that moves meet. */
		event->row = (uint32_t)(contract_random(&random) *
					fmin(n_params, i % 4 ? 24 : n_params));
		row = node_host_param(type, event->row, NULL, NULL);
		u = contract_random(&random);
		u = u < 0.05 ? 0 : u > 0.95 ? 1 : u;
		if (row->ramp == MIXD_RAMP_LOG)
			event->value = row->min * pow(row->max / row->min, u);
		else
			event->value = row->min + (row->max - row->min) * u;
		event->value = fmin(fmax(event->value, row->min), row->max);
		if (row->type != MIXD_TYPE_FLOAT)
			event->value = floor(event->value + 0.5);
		event->ms = row->smooth_ms;
		event->position = frames * (i + 1) / (CONTRACT_EVENTS + 2) +
				  (uint64_t)(contract_random(&random) * 40);
		if (i % 5 == 4)
			event->position = event[-1].position; /* two at once */
	}
	return CONTRACT_EVENTS;
}

void contract_run(struct node_host *host, const struct contract_audio *in,
		  struct contract_audio *out, uint64_t at, uint64_t frames, uint32_t block,
		  const struct contract_event *const *events, uint32_t n_events)
{
	const float *ins[MIXD_CHANNELS_MAX * 64];
	float *outs[MIXD_CHANNELS_MAX * 8];
	uint64_t random = contract_seed(frames + block);
	uint32_t n_inst = out->channels ? out->channels / node_host_out_channels(host) : 1;

	CHECK(in->channels <= MIXD_CHANNELS_MAX * 64 && out->channels <= MIXD_CHANNELS_MAX * 8);
	for (uint64_t done = 0; done < frames;) {
		uint64_t n = block ? block : 1 + (uint64_t)(contract_random(&random) * 300);

		if (n > frames - done)
			n = frames - done;
		for (uint32_t i = 0; events && i < n_events; i++)
			for (uint32_t k = 0; k < n_inst; k++) {
				const struct contract_event *event = &events[k][i];

				if (event->position == at + done)
					node_host_set_row(host, k, event->row, event->value,
							  event->ms);
				else if (event->position > at + done &&
					 event->position < at + done + n)
					n = event->position - at - done;
			}
		for (uint32_t c = 0; c < in->channels; c++)
			ins[c] = in->channel[c] + at + done;
		for (uint32_t c = 0; c < out->channels; c++)
			outs[c] = out->channel[c] + at + done;
		node_host_process(host, ins, outs, n);
		done += n;
	}
}

void contract_equal(const struct contract_shape *shape, const char *what,
		    const struct contract_audio *a, uint32_t a_first,
		    const struct contract_audio *b, uint32_t b_first, uint32_t channels)
{
	for (uint32_t c = 0; c < channels; c++)
		for (uint64_t i = 0; i < a->frames; i++) {
			float left = a->channel[a_first + c][i], right = b->channel[b_first + c][i];

			if (i == 0 && memcmp(a->channel[a_first + c], b->channel[b_first + c],
					     a->frames * sizeof(left)) == 0)
				break; /* all of it at once; else, which */
			CHECK(memcmp(&left, &right, sizeof(left)) == 0,
			      "%s, %s: channel %u frame %llu: %.9g, not %.9g", shape->text, what, c,
			      (unsigned long long)i, (double)left, (double)right);
		}
}

void contract_finite(const struct contract_shape *shape, const char *what,
		     const struct contract_audio *audio, bool denormals)
{
	for (uint32_t c = 0; c < audio->channels; c++)
		for (uint64_t i = 0; i < audio->frames; i++) {
			float x = audio->channel[c][i];

			CHECK(isfinite(x), "%s, %s: channel %u frame %llu is %g", shape->text, what,
			      c, (unsigned long long)i, (double)x);
			CHECK(!denormals || x == 0 || fabsf(x) >= FLT_MIN,
			      "%s, %s: channel %u frame %llu is %g: a denormal", shape->text, what,
			      c, (unsigned long long)i, (double)x);
		}
}
