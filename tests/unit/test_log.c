/* test_log.c - levels by topic, one line per record. */
#include <fcntl.h>
#include <unistd.h>

#define LOG_TOPIC "unit"
#include "log.h"
#include "test.h"

static char captured[4096];
static int saved_fd = -1, capture_fds[2];

static void capture_begin(void)
{
	CHECK(pipe(capture_fds) == 0);
	saved_fd = dup(STDERR_FILENO);
	dup2(capture_fds[1], STDERR_FILENO);
}

static void capture_end(void)
{
	ssize_t size;

	dup2(saved_fd, STDERR_FILENO);
	close(saved_fd);
	close(capture_fds[1]);
	size = read(capture_fds[0], captured, sizeof(captured) - 1);
	captured[size > 0 ? size : 0] = '\0';
	close(capture_fds[0]);
}

TEST(log_default_is_info)
{
	unsetenv("MIXD_LOG");
	unsetenv("JOURNAL_STREAM");
	capture_begin();
	log_init();
	log_info("hello %d", 1);
	log_debug("not this");
	log_error("bad");
	capture_end();
	CHECK_STR(captured, "mixd: unit: hello 1\nmixd: unit: bad\n");
}

TEST(log_levels_by_topic)
{
	setenv("MIXD_LOG", "error,unit=debug,other=warn", 1);
	capture_begin();
	log_init();
	log_debug("seen");
	log_write(LOG_LEVEL_INFO, "other", "not seen");
	log_write(LOG_LEVEL_WARN, "other", "warned");
	log_write(LOG_LEVEL_WARN, "third", "not seen");
	capture_end();
	CHECK_STR(captured, "mixd: unit: seen\nmixd: other: warned\n");
}

TEST(log_wrong_level_is_told)
{
	setenv("MIXD_LOG", "loud", 1);
	capture_begin();
	log_init();
	capture_end();
	CHECK(strstr(captured, "\"loud\" is no level") != NULL, "%s", captured);
	CHECK(strstr(captured, "debug") != NULL);
}

TEST(log_journal_gets_priorities_and_whole_lines)
{
	char text[3000];

	unsetenv("MIXD_LOG");
	setenv("JOURNAL_STREAM", "8:1", 1);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	capture_begin();
	log_init();
	log_warn("two\nlines\r");
	log_notice("%s", text);
	capture_end();
	unsetenv("JOURNAL_STREAM");
	log_init();
	CHECK(strncmp(captured, "<4>unit: two lines \n<5>unit: xxx", 31) == 0, "%s", captured);
	CHECK(captured[strlen(captured) - 1] == '\n');
	CHECK(strlen(captured) < 1100);
}
