/* spool.c - see spool.h. Blocks of SPOOL_BLOCK frames, one channel after the other. */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPOOL_BLOCK 8192u

struct spool {
	int fd;
	char *folder; /* owned: for words */
	uint32_t n_channels;
	int64_t n_frames; /* written */
	int64_t at; /* read */
	uint32_t fill; /* frames in the block that is being filled */
	float *block; /* n_channels * SPOOL_BLOCK */
};

static int spool_failed(const struct spool *spool, struct mixd_error *err, const char *what)
{
	int error = errno ? errno : EIO;

	error_set(err, ERROR_RESOURCE, spool->folder, "cannot %s a temporary file: %s", what,
		  strerror(error));
	error_hint(err, "it lies beside the output: is there room, and may it be written?");
	return -error;
}

int spool_file(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[4096];

	if (fd >= 0 || snprintf(path, sizeof(path), "%s/.mixd.XXXXXX", folder) < 0)
		return fd;
	fd = mkostemp(path, O_CLOEXEC); /* a file system without files that have no name */
	if (fd >= 0)
		unlink(path);
	return fd;
}

int spool_new(const char *folder, uint32_t n_channels, struct spool **ret, struct mixd_error *err)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	if (!spool)
		return error_no_memory(err);
	spool->n_channels = n_channels;
	spool->folder = strdup(folder);
	spool->block = malloc((size_t)n_channels * SPOOL_BLOCK * sizeof(float));
	spool->fd = spool_file(folder);
	if (spool->fd < 0 || !spool->block || !spool->folder) {
		int r = spool->fd < 0 ? spool_failed(spool, err, "make") : error_no_memory(err);

		spool_free(spool);
		return r;
	}
	*ret = spool;
	return 0;
}

static int spool_put_block(struct spool *spool, struct mixd_error *err)
{
	size_t size = (size_t)spool->n_channels * SPOOL_BLOCK * sizeof(float), done = 0;

	for (uint32_t c = 0; c < spool->n_channels; c++)
		memset(spool->block + (size_t)c * SPOOL_BLOCK + spool->fill, 0,
		       (SPOOL_BLOCK - spool->fill) * sizeof(float));
	while (done < size) {
		ssize_t n = write(spool->fd, (const char *)spool->block + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return spool_failed(spool, err, "write");
		done += (size_t)n;
	}
	spool->fill = 0;
	return 0;
}

int spool_write(struct spool *spool, const float *const *channels, uint32_t n_frames,
		struct mixd_error *err)
{
	for (uint32_t done = 0; done < n_frames;) {
		uint32_t n = SPOOL_BLOCK - spool->fill;
		int r;

		if (n > n_frames - done)
			n = n_frames - done;
		for (uint32_t c = 0; c < spool->n_channels; c++)
			memcpy(spool->block + (size_t)c * SPOOL_BLOCK + spool->fill,
			       channels[c] + done, n * sizeof(float));
		spool->fill += n;
		spool->n_frames += n;
		done += n;
		r = spool->fill == SPOOL_BLOCK ? spool_put_block(spool, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int spool_rewind(struct spool *spool, struct mixd_error *err)
{
	int r = spool->fill ? spool_put_block(spool, err) : 0;

	spool->at = 0;
	if (r == 0 && lseek(spool->fd, 0, SEEK_SET) < 0)
		return spool_failed(spool, err, "read");
	return r;
}

static int spool_get_block(struct spool *spool, struct mixd_error *err)
{
	size_t size = (size_t)spool->n_channels * SPOOL_BLOCK * sizeof(float), done = 0;

	while (done < size) {
		ssize_t n = read(spool->fd, (char *)spool->block + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return spool_failed(spool, err, "read");
		done += (size_t)n;
	}
	return 0;
}

int spool_seek(struct spool *spool, int64_t frame, struct mixd_error *err)
{
	int64_t block = frame / SPOOL_BLOCK;
	off_t at = (off_t)((size_t)block * spool->n_channels * SPOOL_BLOCK * sizeof(float));

	spool->at = frame;
	if (lseek(spool->fd, at, SEEK_SET) < 0)
		return spool_failed(spool, err, "read");
	/* In the middle of a block the rest of it is what comes next. */
	return frame % SPOOL_BLOCK && frame < spool->n_frames ? spool_get_block(spool, err) : 0;
}

int64_t spool_read(struct spool *spool, float *const *channels, uint32_t n_frames,
		   struct mixd_error *err)
{
	uint32_t done = 0;

	while (done < n_frames && spool->at < spool->n_frames) {
		uint32_t within = (uint32_t)(spool->at % SPOOL_BLOCK), n = SPOOL_BLOCK - within;
		int r = within == 0 ? spool_get_block(spool, err) : 0;

		if (r < 0)
			return r;
		if (n > n_frames - done)
			n = n_frames - done;
		if (n > spool->n_frames - spool->at)
			n = (uint32_t)(spool->n_frames - spool->at);
		for (uint32_t c = 0; c < spool->n_channels; c++)
			memcpy(channels[c] + done, spool->block + (size_t)c * SPOOL_BLOCK + within,
			       n * sizeof(float));
		done += n;
		spool->at += n;
	}
	return done;
}

int64_t spool_frames(const struct spool *spool)
{
	return spool->n_frames;
}

struct spool *spool_free(struct spool *spool)
{
	if (!spool)
		return NULL;
	if (spool->fd >= 0)
		close(spool->fd);
	free(spool->block);
	free(spool->folder);
	free(spool);
	return NULL;
}
