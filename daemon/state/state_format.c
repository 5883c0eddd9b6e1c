/* state_format.c - see state_format.h. */
#include "state_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state_crc.h"

#define SYNC 0x3152584du /* "MXR1" */

static const char journal_magic[8] = "MIXDJRN\n", snapshot_magic[8] = "MIXDSNP\n";

static void put_u32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

static void put_u64(uint8_t *p, uint64_t value)
{
	put_u32(p, (uint32_t)value);
	put_u32(p + 4, (uint32_t)(value >> 32));
}

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get_u64(const uint8_t *p)
{
	return get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

void state_journal_header(uint64_t base_revision, uint8_t header[STATE_JOURNAL_HEADER])
{
	memset(header, 0, STATE_JOURNAL_HEADER);
	memcpy(header, journal_magic, 8);
	put_u32(header + 8, STATE_VERSION);
	put_u64(header + 16, base_revision);
	put_u32(header + 28, state_crc(0, header, 28));
}

int state_journal_check(const uint8_t *data, size_t size, uint64_t *ret_base_revision,
			uint32_t *ret_version)
{
	if (size < STATE_JOURNAL_HEADER || memcmp(data, journal_magic, 8) != 0 ||
	    get_u32(data + 28) != state_crc(0, data, 28))
		return -EILSEQ;
	*ret_version = get_u32(data + 8);
	if (*ret_version > STATE_VERSION)
		return -EPROTONOSUPPORT;
	*ret_base_revision = get_u64(data + 16);
	return 0;
}

uint8_t *state_record_encode(const Mixd__V1__JournalRecord *record, size_t *ret_size)
{
	size_t size = mixd__v1__journal_record__get_packed_size(record);
	uint8_t *data = size <= STATE_RECORD_MAX ? malloc(STATE_RECORD_HEADER + size) : NULL;

	if (!data)
		return NULL;
	mixd__v1__journal_record__pack(record, data + STATE_RECORD_HEADER);
	put_u32(data, SYNC);
	put_u32(data + 4, (uint32_t)size);
	put_u32(data + 8, state_crc(state_crc(0, data + 4, 4), data + STATE_RECORD_HEADER, size));
	*ret_size = STATE_RECORD_HEADER + size;
	return data;
}

bool state_record_at(const uint8_t *data, size_t size, size_t offset, const uint8_t **ret_body,
		     size_t *ret_body_size, size_t *ret_next)
{
	const uint8_t *p = data + offset;
	size_t length;

	if (size < offset || size - offset < STATE_RECORD_HEADER || get_u32(p) != SYNC)
		return false;
	length = get_u32(p + 4);
	if (length > STATE_RECORD_MAX || length > size - offset - STATE_RECORD_HEADER)
		return false;
	if (get_u32(p + 8) != state_crc(state_crc(0, p + 4, 4), p + STATE_RECORD_HEADER, length))
		return false;
	*ret_body = p + STATE_RECORD_HEADER;
	*ret_body_size = length;
	*ret_next = offset + STATE_RECORD_HEADER + length;
	return true;
}

size_t state_record_find(const uint8_t *data, size_t size, size_t offset)
{
	const uint8_t *body;
	size_t body_size, next;

	for (; offset < size; offset++)
		if (data[offset] == (SYNC & 0xff) &&
		    state_record_at(data, size, offset, &body, &body_size, &next))
			return offset;
	return size;
}

bool state_record_is_torn(const uint8_t *data, size_t size, size_t offset)
{
	uint8_t sync[4];
	size_t left = size - offset, zeros = 0;

	while (zeros < left && !data[offset + zeros])
		zeros++;
	if (zeros == left)
		return true;
	put_u32(sync, SYNC);
	if (memcmp(data + offset, sync, left < 4 ? left : 4) != 0)
		return false;
	return left < 8 ||
	       (get_u32(data + offset + 4) <= STATE_RECORD_MAX &&
		get_u32(data + offset + 4) > left - STATE_RECORD_HEADER) ||
	       left < STATE_RECORD_HEADER;
}

uint8_t *state_snapshot_encode(const Mixd__V1__SnapshotFile *snapshot, size_t *ret_size)
{
	size_t size = mixd__v1__snapshot_file__get_packed_size(snapshot);
	uint8_t *data = calloc(1, STATE_SNAPSHOT_HEADER + size);

	if (!data)
		return NULL;
	mixd__v1__snapshot_file__pack(snapshot, data + STATE_SNAPSHOT_HEADER);
	memcpy(data, snapshot_magic, 8);
	put_u32(data + 8, STATE_VERSION);
	put_u64(data + 16, size);
	put_u64(data + 24, snapshot->revision);
	put_u32(data + 32, state_crc(0, data + STATE_SNAPSHOT_HEADER, size));
	put_u32(data + 36, state_crc(0, data, 36));
	*ret_size = STATE_SNAPSHOT_HEADER + size;
	return data;
}

int state_snapshot_decode(const uint8_t *data, size_t size, Mixd__V1__SnapshotFile **ret,
			  uint32_t *ret_version)
{
	Mixd__V1__SnapshotFile *snapshot;

	if (size < STATE_SNAPSHOT_HEADER || memcmp(data, snapshot_magic, 8) != 0 ||
	    get_u32(data + 36) != state_crc(0, data, 36))
		return -EILSEQ;
	*ret_version = get_u32(data + 8);
	if (*ret_version > STATE_VERSION)
		return -EPROTONOSUPPORT;
	if (get_u64(data + 16) != size - STATE_SNAPSHOT_HEADER ||
	    get_u32(data + 32) !=
		    state_crc(0, data + STATE_SNAPSHOT_HEADER, size - STATE_SNAPSHOT_HEADER))
		return -EILSEQ;
	snapshot = mixd__v1__snapshot_file__unpack(NULL, size - STATE_SNAPSHOT_HEADER,
						   data + STATE_SNAPSHOT_HEADER);
	if (!snapshot)
		return -EILSEQ;
	*ret = snapshot;
	return 0;
}
