/* lv2_world.h - between the world of installed plug-ins and the tables made from it. [main] */
#pragma once

#include <lilv/lilv.h>

#include "lv2.h"

#define LV2_CORE_NS "http://lv2plug.in/ns/lv2core#"
#define LV2_EXT_NS "http://lv2plug.in/ns/ext/"
#define LV2_UNITS_NS "http://lv2plug.in/ns/extensions/units#"

/* The type "lv2:<URI of PLUGIN>", new; NULL with *fault. */
struct lv2_type *lv2_table_make(LilvWorld *world, const LilvPlugin *plugin,
				struct mixd_fault *fault);

/* lv2_row_setup.c: one control port as a row */
struct lv2_ids { /* ids of one type so far */
	const char *taken[LV2_PORTS_MAX + 32];
	bool numbered[LV2_PORTS_MAX + 32];
	uint32_t n;
};
/* A valid id that nobody has, made from SYMBOL; always the same for the same plug-in. strdup()ed;
 * NULL: no memory. */
char *lv2_row_id(struct lv2_ids *ids, const char *symbol, bool numbered);
/* A line of documentation from the name of a port. strdup()ed. */
char *lv2_row_doc(const char *name);
int lv2_row_param(LilvWorld *world, const LilvPlugin *plugin, const LilvPort *port,
		  const float range[3], struct mixd_param_row *row, struct lv2_param *param);
/* The unit of PORT; *ret_factor: port value = row value * factor. */
enum mixd_unit lv2_row_unit(LilvWorld *world, const LilvPlugin *plugin, const LilvPort *port,
			    double *ret_factor);
bool lv2_port_has(LilvWorld *world, const LilvPlugin *plugin, const LilvPort *port,
		  const char *property);
