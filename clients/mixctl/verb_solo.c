/* verb_solo.c - solo: hear some alone. */
#include <math.h>
#include <string.h>

#include "mixctl.h"

static int solo_print(struct mixctl *m, const Mixd__V1__Reply *reply)
{
	static const char *const columns[] = {"strip", "solo", "for", NULL};
	struct listing listing = {
		.kind = "soloed", .columns = columns, .revision = reply->revision};

	for (size_t i = 0; i < reply->solo->n_soloed; i++) {
		const Mixd__V1__Soloed *soloed = reply->solo->soloed[i];
		char left[40] = "";

		if (soloed->left_ms)
			snprintf(left, sizeof(left), "%.1fs", soloed->left_ms * 1e-3);
		listing_add(&listing, doc_from_message(&soloed->base),
			    (const char *const[]){soloed->name, soloed->mode, left});
	}
	return listing_print(m, &listing);
}

int verb_solo(struct mixctl *m)
{
	Mixd__V1__Solo solo = MIXD__V1__SOLO__INIT;
	Mixd__V1__Request request = MIXD__V1__REQUEST__INIT;
	const char *mode = m->options.clear ? "off"
			   : m->options.pfl ? "pfl"
			   : m->options.afl ? "afl"
			   : m->n_args	    ? "sip"
					    : "";
	Mixd__V1__Reply *reply;

	if (m->options.pfl + m->options.afl + m->options.clear > 1)
		return mixctl_error(m, EXIT_USAGE, NULL, "choose one of --pfl, --afl and --clear",
				    "only one at a time");
	if (!m->n_args && *mode && !m->options.clear)
		return mixctl_error(m, EXIT_USAGE, NULL, "name strips: mixctl solo vox --pfl",
				    "solo whom?");
	solo.patterns = m->args;
	solo.n_patterns = (size_t)m->n_args;
	solo.mode = (char *)(uintptr_t)mode;
	solo.only = m->options.only;
	solo.for_ms = (uint32_t)fmin(m->options.for_ms, 4e9);
	request.op_case = MIXD__V1__REQUEST__OP_SOLO;
	request.solo = &solo;
	reply = mixctl_request(m, &request);
	if (!reply)
		return m->err.code;
	if (*mode && mixctl_format(m, FORMAT_TABLE) == FORMAT_TABLE)
		return EXIT_YES; /* done is done */
	return solo_print(m, reply);
}
