/* lv2_absent_setup.c - the scheme "lv2" of a mixd that was built without lilv: it says so. */
#include <stdio.h>

#include <mixd/node.h>

static const struct mixd_node_type *absent_resolve(const char *id, struct mixd_fault *fault)
{
	snprintf(fault->text, sizeof(fault->text), "this mixd was built without LV2");
	snprintf(fault->hint, sizeof(fault->hint),
		 "install liblilv-dev and lv2-dev, and build again");
	return NULL;
}

MIXD_EXPORT const struct mixd_module mixd_module = {
	.abi = MIXD_NODE_ABI,
	.sizeof_type = sizeof(struct mixd_node_type),
	.sizeof_inst = sizeof(struct mixd_inst),
	.sizeof_call = sizeof(struct mixd_call),
	.sizeof_setup = sizeof(struct mixd_setup),
	.scheme = "lv2",
	.resolve = absent_resolve,
};
