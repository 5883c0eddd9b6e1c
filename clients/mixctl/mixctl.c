/* mixctl.c - what the verbs share: errors, the connection, memory, files. */
#include "mixctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *mixctl_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p) {
		fputs("mixctl: out of memory\n", stderr);
		exit(EXIT_RESOURCE);
	}
	return p;
}

void *mixctl_realloc(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (!p) {
		fputs("mixctl: out of memory\n", stderr);
		exit(EXIT_RESOURCE);
	}
	return p;
}

char *mixctl_strdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(mixctl_alloc(size), text, size);
}

char *mixctl_printf(const char *fmt, ...)
{
	va_list args;
	char *text;
	int r;

	va_start(args, fmt);
	r = vasprintf(&text, fmt, args);
	va_end(args);
	return r < 0 ? mixctl_strdup("") : text;
}

enum format mixctl_format(const struct mixctl *m, enum format otherwise)
{
	return m->options.format < 0 ? otherwise : (enum format)m->options.format;
}

const char *mixctl_plain(const char *text, char *buf, size_t size)
{
	snprintf(buf, size, "%s", text);
	for (char *c = buf; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return buf;
}

int mixctl_fail(struct mixctl *m)
{
	const struct mixd_client_error *err = &m->err;
	enum format format = mixctl_format(m, FORMAT_TABLE);
	char address[sizeof(err->address)], text[sizeof(err->text)], hint[sizeof(err->hint)];

	fflush(stdout);
	if (format == FORMAT_JSON || format == FORMAT_JSONL) {
		struct doc *object = doc_object();

		doc_set(object, "code", doc_integer(err->code));
		doc_set(object, "name", doc_text(mixd_client_code_name(err->code)));
		doc_set(object, "message", doc_text(err->text));
		doc_set(object, "address", doc_text(err->address));
		doc_set(object, "hint", doc_text(err->hint));
		doc_write_json(stderr, object, false);
		putc('\n', stderr);
		doc_free(object);
	} else {
		fprintf(stderr, "mixctl: %s%s%s%s%s\n",
			mixctl_plain(err->address, address, sizeof(address)),
			err->address[0] ? ": " : "", mixctl_plain(err->text, text, sizeof(text)),
			err->hint[0] ? "; " : "", mixctl_plain(err->hint, hint, sizeof(hint)));
	}
	return err->code ? (int)err->code : EXIT_RESOURCE;
}

int mixctl_error(struct mixctl *m, int code, const char *address, const char *hint, const char *fmt,
		 ...)
{
	va_list args;

	m->err = (struct mixd_client_error){.code = (enum mixd_client_code)code};
	va_start(args, fmt);
	vsnprintf(m->err.text, sizeof(m->err.text), fmt, args);
	va_end(args);
	if (address)
		snprintf(m->err.address, sizeof(m->err.address), "%s", address);
	if (hint)
		snprintf(m->err.hint, sizeof(m->err.hint), "%s", hint);
	return code;
}

int mixctl_too_few(struct mixctl *m, uint64_t count)
{
	return mixctl_error(m, EXIT_TIMED_OUT, "--count", NULL, "only %llu of %llu came in time",
			    (unsigned long long)count, (unsigned long long)m->options.count);
}

/* "mixctl (anna)", for history. By the environment: to ask the system's directory of users would
 * load it first. */
static const char *mixctl_by(char *buf, size_t size)
{
	static const char *const names[] = {"USER", "LOGNAME"};

	for (size_t i = 0; i < 2; i++) {
		const char *user = getenv(names[i]);

		if (!user || !*user || strlen(user) > 32)
			continue;
		if (user[strspn(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._@-")])
			continue;
		snprintf(buf, size, "mixctl (%s)", user);
		return buf;
	}
	snprintf(buf, size, "mixctl (uid %u)", (unsigned)getuid());
	return buf;
}

bool mixctl_connect(struct mixctl *m)
{
	char by[64];
	struct mixd_client_options options = {
		.instance = m->options.instance,
		.endpoint = m->options.host,
		.by = mixctl_by(by, sizeof(by)),
		.timeout_ms = (uint32_t)m->options.timeout_ms,
	};

	return m->client || mixd_client_new(&options, &m->client, &m->err) >= 0;
}

Mixd__V1__Reply *mixctl_request(struct mixctl *m, Mixd__V1__Request *request)
{
	Mixd__V1__Reply *reply;

	if (!mixctl_connect(m) || mixd_client_request(m->client, request, &reply, &m->err) < 0)
		return NULL;
	/* An OK reply answers what was asked, or it is none. */
	if (reply->op_case != (Mixd__V1__Reply__OpCase)request->op_case &&
	    request->op_case != MIXD__V1__REQUEST__OP_UNDO &&
	    request->op_case != MIXD__V1__REQUEST__OP_ROLLBACK) {
		mixctl_error(m, EXIT_UNREACHABLE, NULL, "update mixctl and mixd together",
			     "the daemon did not answer what was asked");
		return NULL;
	}
	return reply;
}

char *mixctl_read_file(struct mixctl *m, const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t size = 0, capacity = 65536;
	char *text;

	if (!file) {
		mixctl_error(m, EXIT_RESOURCE, path, "name a file, or - for standard input",
			     "cannot read: %s", strerror(errno));
		return NULL;
	}
	text = mixctl_alloc(capacity);
	for (;;) {
		size_t n = fread(text + size, 1, capacity - 1 - size, file);

		size += n;
		if (n == 0)
			break;
		if (size == capacity - 1) {
			capacity *= 2;
			text = mixctl_realloc(text, capacity);
		}
	}
	text[size] = 0;
	if (ferror(file) || memchr(text, 0, size)) {
		if (ferror(file))
			mixctl_error(m, EXIT_RESOURCE, path, "name a file, or - for standard input",
				     "cannot read: %s", strerror(errno));
		else
			mixctl_error(m, EXIT_INVALID, path, "session files are YAML or JSON",
				     "not a text file");
		text = NULL;
	}
	if (file != stdin)
		fclose(file);
	return text;
}
