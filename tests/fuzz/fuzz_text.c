/* fuzz_text.c - mutated JSON and YAML to messages; what reads must write and read back the same. */
#include "fuzz.h"

#include <stdbool.h>

#include "mixd/v1/control.pb-c.h"
#include "text/mixd_text.h"

static const char *const texts[] = {
	"{\"req_id\":7,\"session\":\"00ff\",\"wait\":\"settled\",\"transaction\":{\"ops\":[{"
	"\"set\":{"
	"\"address\":\"a.gain\",\"value\":{\"number\":-1.5},\"over_ms\":20}}]}}",
	"{\"get\":{\"patterns\":[\"a\",\"\\u00e4\"]},\"at_unix_ms\":\"18446744073709551615\"}",
	"{\"transaction\":{\"ops\":[{\"automate\":{\"points\":[{\"at_ms\":1e3,\"value\":\"-inf\"}]}"
	"}]}}",
	"req_id: 7\nsession: 00ff\ntransaction:\n  ops:\n    - set:\n        address: a.gain\n     "
	"   "
	"value:\n          number: -1.5\n    - link: {from: a, to: b}\n",
	"get_response:\n  name: \"x\"\n  freq_hz:\n    - 1\n    - 2.5\n    - inf\n",
};
static const char *const words[] = {"null", "true", "1e400", "\"-inf\"", "[",	"{",  "}", "]",
				    ",",    ": ",   "\n- ",  "\\u00",	 "nan", "0x", NULL};

static void text_seeds(void)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		fuzz_seed(texts[i], strlen(texts[i]));
}

const struct fuzz_harness fuzz_harness = {.name = "text",
					  .runs_short = 20000,
					  .runs_long = 1000000,
					  .size_max = 8192,
					  .seeds = text_seeds,
					  .words = words};

static void text_check(const ProtobufCMessage *message, bool yaml)
{
	char *first = yaml ? mixd_text_to_yaml(message, 0) : mixd_text_to_json(message, 0), *second;
	struct mixd_text_error error = {0};
	ProtobufCMessage *back = NULL;
	int r;

	if (!first)
		fuzz_fail("no text");
	r = (yaml ? mixd_text_from_yaml : mixd_text_from_json)(message->descriptor, first,
							       strlen(first), &back, &error);
	if (r < 0)
		fuzz_fail("does not read back: %s %s\n%s", error.path, error.text, first);
	second = yaml ? mixd_text_to_yaml(back, 0) : mixd_text_to_json(back, 0);
	if (!second || strcmp(first, second) != 0)
		fuzz_fail("reads back as another:\n%s\n%s", first, second ? second : "");
	protobuf_c_message_free_unpacked(back, NULL);
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int yaml = 0; yaml < 2; yaml++) {
		struct mixd_text_error error = {0};
		ProtobufCMessage *message = NULL;

		if ((yaml ? mixd_text_from_yaml
			  : mixd_text_from_json)(&mixd__v1__request__descriptor, (const char *)data,
						 size, &message, &error) == 0) {
			text_check(message, false);
			text_check(message, true);
			protobuf_c_message_free_unpacked(message, NULL);
		} else if (!*error.text) {
			fuzz_fail("refused without a word");
		}
	}
	return 0;
}
