/* delivery_verbs.c - which function does which verb. */
#include "delivery_verbs.h"

const struct delivery_verb delivery_verbs[] = {
	{"master", verb_master},   {"batch", verb_batch},
	{"check", verb_check},	   {"render", verb_render},
	{"edit", verb_edit},	   {"spec", verb_spec},
	{"measure", verb_measure}, {"album", verb_album},
	{"ddp", verb_ddp},	   {"audiobook", verb_audiobook},
	{"podcast", verb_podcast}, {"podcast", verb_podcast},
	{"series", verb_series},   {NULL, NULL},
};
