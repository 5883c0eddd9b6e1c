/* log.c - see log.h. One write(2) per line, so that lines of several threads do not mix. */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_TOPICS_MAX 16u
#define LOG_LINE_MAX 1024u

static struct {
	/* --- immutable after init --- */
	enum log_level level;
	struct {
		char name[24];
		enum log_level level;
	} topic[LOG_TOPICS_MAX];
	unsigned n_topics;
	bool journal;
} log_state = {.level = LOG_LEVEL_INFO};

static const struct {
	const char *name;
	enum log_level level;
} log_names[] = {
	{"error", LOG_LEVEL_ERROR}, {"warn", LOG_LEVEL_WARN},	{"notice", LOG_LEVEL_NOTICE},
	{"info", LOG_LEVEL_INFO},   {"debug", LOG_LEVEL_DEBUG},
};

static bool log_parse_level(const char *text, size_t size, enum log_level *ret)
{
	for (size_t i = 0; i < sizeof(log_names) / sizeof(log_names[0]); i++) {
		if (strlen(log_names[i].name) == size &&
		    memcmp(log_names[i].name, text, size) == 0) {
			*ret = log_names[i].level;
			return true;
		}
	}
	return false;
}

static void log_parse_item(const char *item, size_t size)
{
	const char *equals = memchr(item, '=', size);
	size_t name_size = equals ? (size_t)(equals - item) : 0;
	const char *word = equals ? equals + 1 : item;
	enum log_level level;

	if (size == 0)
		return;
	if (!log_parse_level(word, size - (size_t)(word - item), &level)) {
		log_write(LOG_LEVEL_WARN, "log",
			  "MIXD_LOG: \"%.*s\" is no level; want error, warn, notice, info or debug",
			  (int)size, item);
		return;
	}
	if (!equals) {
		log_state.level = level;
	} else if (log_state.n_topics < LOG_TOPICS_MAX &&
		   name_size < sizeof(log_state.topic[0].name)) {
		memcpy(log_state.topic[log_state.n_topics].name, item, name_size);
		log_state.topic[log_state.n_topics].name[name_size] = '\0';
		log_state.topic[log_state.n_topics].level = level;
		log_state.n_topics++;
	}
}

void log_init(void)
{
	const char *text = getenv("MIXD_LOG");

	log_state.level = LOG_LEVEL_INFO;
	log_state.n_topics = 0;
	log_state.journal = getenv("JOURNAL_STREAM") != NULL;
	while (text && *text) {
		size_t size = strcspn(text, ",");

		log_parse_item(text, size);
		text += size;
		text += *text == ',';
	}
}

static enum log_level log_level_of(const char *topic)
{
	enum log_level level = log_state.level;

	for (unsigned i = 0; i < log_state.n_topics; i++) {
		if (strcmp(log_state.topic[i].name, topic) == 0)
			level = log_state.topic[i].level;
	}
	return level;
}

void log_write(enum log_level level, const char *topic, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	va_list args;
	int head, body;
	size_t size;

	if (level > log_level_of(topic))
		return;
	if (log_state.journal)
		head = snprintf(line, sizeof(line), "<%d>%s: ", (int)level, topic);
	else
		head = snprintf(line, sizeof(line), "mixd: %s: ", topic);
	if (head < 0 || (size_t)head >= sizeof(line) - 1)
		return;
	va_start(args, fmt);
	body = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, args);
	va_end(args);
	if (body < 0)
		return;
	size = (size_t)head + (size_t)body;
	if (size > sizeof(line) - 2)
		size = sizeof(line) - 2;
	/* one record is one line: text from elsewhere cannot forge another */
	for (size_t i = 0; i < size; i++) {
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	}
	line[size++] = '\n';
	if (write(STDERR_FILENO, line, size) < 0)
		return; /* nobody is left to tell */
}
