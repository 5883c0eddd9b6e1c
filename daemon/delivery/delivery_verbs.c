/* delivery_verbs.c - which function does which verb. */
#include "delivery_verbs.h"

const struct delivery_verb delivery_verbs[] = {
	{"spec", verb_spec},
	{NULL, NULL},
};
