/* state_crc.h - CRC-32C: finds every single-bit flip, and every burst up to 32 bits.
 *
 * THREADS     [any] */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The checksum of SIZE bytes that follow bytes whose checksum was CRC (0: none). */
uint32_t state_crc(uint32_t crc, const void *data, size_t size);
