/* log.h - log lines to standard error, with syslog priorities for the journal, one topic per
 * folder.
 *
 * THREADS     [main] and helper threads; never [rt]. The level comes from $MIXD_LOG: "info",
 *             "debug", or per topic "info,pipewire=debug". Lines are `<N>topic: text` under
 *             systemd ($JOURNAL_STREAM), `mixd: topic: text` otherwise. */
#pragma once

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* Read $MIXD_LOG once, at start. */
void log_init(void);
__attribute__((format(printf, 3, 4))) void log_write(enum log_level level, const char *topic,
						     const char *fmt, ...);

/* Each .c file that logs defines LOG_TOPIC before including this header. */
#define log_error(...) log_write(LOG_LEVEL_ERROR, LOG_TOPIC, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, LOG_TOPIC, __VA_ARGS__)
#define log_notice(...) log_write(LOG_LEVEL_NOTICE, LOG_TOPIC, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, LOG_TOPIC, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, LOG_TOPIC, __VA_ARGS__)
