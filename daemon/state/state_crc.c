/* state_crc.c - CRC-32C (Castagnoli, IEEE Trans. Commun. 41(6), 1993; parameters and test vectors:
 * RFC 3720, appendix B.4), eight bytes a step by eight tables (Kounavis and Berry, "A Systematic
 * Approach to Building High Performance Software-Based CRC Generators", 2005). */
#include "state_crc.h"

#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* reflected */

static uint32_t state_crc_table[8][256];

static __attribute__((constructor)) void state_crc_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		state_crc_table[0][i] = crc;
	}
	for (int k = 1; k < 8; k++)
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t crc = state_crc_table[k - 1][i];

			state_crc_table[k][i] = crc >> 8 ^ state_crc_table[0][crc & 0xff];
		}
}

uint32_t state_crc(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;

	crc = ~crc;
	for (; size >= 8; size -= 8, p += 8) {
		uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
				      (uint32_t)p[3] << 24);

		crc = state_crc_table[7][low & 0xff] ^ state_crc_table[6][low >> 8 & 0xff] ^
		      state_crc_table[5][low >> 16 & 0xff] ^ state_crc_table[4][low >> 24] ^
		      state_crc_table[3][p[4]] ^ state_crc_table[2][p[5]] ^
		      state_crc_table[1][p[6]] ^ state_crc_table[0][p[7]];
	}
	for (; size; size--, p++)
		crc = crc >> 8 ^ state_crc_table[0][(crc ^ *p) & 0xff];
	return ~crc;
}
