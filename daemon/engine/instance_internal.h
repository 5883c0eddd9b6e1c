/* instance_internal.h - what the files of the instance share. [main] */
#pragma once

#include "instance.h"

#define INSTANCE_LISTENERS_MAX 16u
#define INSTANCE_ALARMS_MAX 256u

struct instance {
	char *name;
	const struct graph_types *types; /* borrowed */
	struct graph_model *model;
	struct engine *engine; /* borrowed */
	struct instance_hooks hooks;
	uint64_t revision;
	struct instance_commit *history; /* ring of INSTANCE_HISTORY_MAX */
	uint32_t history_at, n_history; /* at: where the next goes */
	struct instance_listener listeners[INSTANCE_LISTENERS_MAX];
	uint32_t n_listeners;
	Mixd__V1__Alarm *alarms[INSTANCE_ALARMS_MAX];
	uint32_t n_alarms;
	struct instance_clock clock;
	uint64_t overload_at; /* stream position of the last overload */
	uint64_t envelopes_ended; /* of the engine's, as far as the model knows */
	char *presets_own, *presets_config;
	struct instance_presets *presets_found; /* lent to the model */
	struct instance_soloed *soloed;
	uint32_t n_soloed;
	uint64_t files_at_ns; /* when files that nodes lack are looked for again */
	uint64_t missing_at; /* the revision whose stand-ins have alarms */
	char transport_text[32]; /* lent with the state */
	bool transport_rolls, transport_locates; /* as listeners know it */
	bool taking_back; /* envelopes that are stopped go to their end, not to where they are */
	bool stale; /* restored, and the engine does not have it yet */
};

uint64_t instance_unix_ms(void);
/* graph_model.find_preset */
int instance_find_preset(void *data, const struct graph_type *type, const char *name,
			 const struct graph_preset **ret, struct mixd_error *err);
/* What the transport did by itself. */
void instance_transport_maintain(struct instance *instance);
/* Leases that have run out, nodes that are gone. */
void instance_solo_maintain(struct instance *instance);
bool instance_has_alarm(const struct instance *instance, const char *id, const char *address);
/* Nodes that the engine let go without their files: alarms, and a try once in a while. */
void instance_files_maintain(struct instance *instance);
/* Give a restored model to the engine. */
void instance_flush(struct instance *instance);
