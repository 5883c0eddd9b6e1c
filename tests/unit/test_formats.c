/* The table of formats that clients see is that of the formats that can be written (mixd_formats.h, F1). */
#include <string.h>

#include "error.h"
#include "media_format.h"
#include "media_write.h"
#include "mixd_formats.h"
#include "test.h"

TEST(formats_are_those_that_can_be_written)
{
	for (size_t i = 0; mixd_formats[i].name; i++) {
		const struct media_format *format = media_format_find(mixd_formats[i].name);
		const struct media_format *by_path = NULL;
		struct mixd_error err;
		char path[40];

		CHECK(format, "%s cannot be written", mixd_formats[i].name);
		CHECK_STR(format->ending, mixd_formats[i].ending);
		snprintf(path, sizeof(path), "x.%s", format->ending);
		CHECK(media_format_by_path(path, &by_path, &err) == 0, "%s", err.text);
		CHECK_STR(by_path->ending, format->ending);
	}
}

/* Its list of what there is, word by word. */
TEST(formats_that_can_be_written_are_told)
{
	const struct media_format *format;
	struct mixd_error err = {0};
	size_t n = 0, n_told = 0;
	char *words = err.hint, *word;

	CHECK(media_format_by_path("x.qqqqqq", &format, &err) < 0);
	CHECK(strncmp(err.hint, "there are ", 10) == 0, "%s", err.hint);
	for (words += 10; (word = strsep(&words, " ")); n++)
		CHECK(mixd_format_find(word), "%s is not told", word);
	while (mixd_formats[n_told].name)
		n_told++;
	CHECK(n == n_told, "%zu can be written, %zu are told", n, n_told);
}
