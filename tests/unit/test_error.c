/* test_error.c - errors in words, and the nearest one. */
#include <errno.h>

#include "error.h"
#include "test.h"

TEST(error_codes_become_errno)
{
	static const struct {
		enum error_code code;
		int want;
	} rows[] = {
		{ERROR_OK, 0},
		{ERROR_USAGE, -EINVAL},
		{ERROR_INVALID, -EINVAL},
		{ERROR_UNAVAILABLE, -EAGAIN},
		{ERROR_NOT_FOUND, -ENOENT},
		{ERROR_CONFLICT, -EEXIST},
		{ERROR_DENIED, -EACCES},
		{ERROR_RESOURCE, -EIO},
		{ERROR_ROLLED_BACK, -ECANCELED},
		{ERROR_TIMEOUT, -ETIMEDOUT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mixd_error err = {0};

		CHECK(error_set(&err, rows[i].code, "a", "b") == rows[i].want);
		CHECK(err.code == rows[i].code);
		CHECK(error_set(NULL, rows[i].code, "a", "b") == rows[i].want);
	}
}

TEST(error_set_keeps_the_address_and_drops_the_old_hint)
{
	struct mixd_error err = {0};

	error_set(&err, ERROR_INVALID, "limit.ceiling", "first %d", 1);
	error_hint(&err, "do %s", "that");
	CHECK_STR(err.hint, "do that");
	error_set(&err, ERROR_CONFLICT, NULL, "second");
	CHECK_STR(err.address, "limit.ceiling");
	CHECK_STR(err.text, "second");
	CHECK_STR(err.hint, "");
	error_hint(NULL, "nothing happens");
}

TEST(error_set_may_be_given_its_own_parts)
{
	struct mixd_error err = {0};

	error_set(&err, ERROR_INVALID, "a", "inner");
	error_set(&err, ERROR_INVALID, err.address, "outer: %s", err.text);
	CHECK_STR(err.text, "outer: inner");
	CHECK_STR(err.address, "a");
}

TEST(error_texts_are_cut_not_overrun)
{
	struct mixd_error err = {0};
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&err, ERROR_INVALID, text, "%s", text);
	error_hint(&err, "%s", text);
	CHECK(strlen(err.address) == sizeof(err.address) - 1);
	CHECK(strlen(err.text) == sizeof(err.text) - 1);
	CHECK(strlen(err.hint) == sizeof(err.hint) - 1);
}

TEST(error_no_memory_is_a_resource)
{
	struct mixd_error err = {0};

	CHECK(error_no_memory(&err) == -ENOMEM);
	CHECK(err.code == ERROR_RESOURCE);
	CHECK(error_no_memory(NULL) == -ENOMEM);
}

TEST(error_nearest_finds_what_was_meant)
{
	static const char *const words[] = {"ceiling", "threshold", "release", "gain", "eq", "Q"};
	static const struct {
		const char *word, *want;
	} rows[] = {
		{"cieling", "ceiling"},
		{"ceil", "ceiling"},
		{"tresholt", "threshold"},
		{"releasse", "release"},
		{"gian", "gain"},
		{"gain", "gain"},
		{"GAIN", "gain"},
		{"eg", "eq"},
		{"q", "Q"},
		{"loudspeaker", NULL},
		{"", NULL},
		{"xyz", NULL},
		{"thresholdings", "threshold"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got = error_nearest(rows[i].word, words, 6);

		CHECK((!got && !rows[i].want) ||
			      (got && rows[i].want && strcmp(got, rows[i].want) == 0),
		      "%s -> %s", rows[i].word, got ? got : "(none)");
	}
	CHECK(error_nearest("gain", words, 0) == NULL);
}
