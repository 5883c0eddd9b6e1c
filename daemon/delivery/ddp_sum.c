/* ddp_sum.c - see ddp_sum.h. MD5 (RFC 1321) by libmd, CRC-32 by zlib. */
#include "ddp_sum.h"

#include <stdio.h>

#include <zlib.h>

void ddp_sum_init(struct ddp_sum *sum)
{
	*sum = (struct ddp_sum){.crc = (uint32_t)crc32(0, NULL, 0)};
	MD5Init(&sum->md5);
}

void ddp_sum_add(struct ddp_sum *sum, const void *bytes, size_t size)
{
	MD5Update(&sum->md5, bytes, size);
	sum->crc = (uint32_t)crc32_z(sum->crc, bytes, size);
	sum->size += size;
}

void ddp_sum_end(struct ddp_sum *sum, char ret_md5[33])
{
	uint8_t digest[MD5_DIGEST_LENGTH];

	MD5Final(digest, &sum->md5);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret_md5 + 2 * i, 3, "%02x", digest[i]);
}
