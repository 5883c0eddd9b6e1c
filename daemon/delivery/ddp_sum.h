/* ddp_sum.h - the two checksums that go with a CD master: MD5 and CRC-32, while bytes pass by.
 *
 * NOTE        They find damage on the way to the plant; against intent they are no protection.
 * THREADS     one at a time per object. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <md5.h>

struct ddp_sum {
	MD5_CTX md5;
	uint32_t crc;
	uint64_t size;
};
void ddp_sum_init(struct ddp_sum *sum);
void ddp_sum_add(struct ddp_sum *sum, const void *bytes, size_t size);
/* MD5 as 32 small hexadecimal digits. Ends SUM; its crc and size stay. */
void ddp_sum_end(struct ddp_sum *sum, char ret_md5[33]);
