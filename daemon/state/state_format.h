/* state_format.h - the bytes of journals and snapshots. Pure: memory in, memory out.
 *
 * Journal: header of 32 bytes  "MIXDJRN\n" u32 version, u32 0, u64 base revision, u32 0, u32 crc
 *          then records        u32 sync, u32 length, u32 crc of (length, body), body = JournalRecord
 * Snapshot: header of 40 bytes "MIXDSNP\n" u32 version, u32 0, u64 length, u64 revision,
 *                              u32 crc of the body, u32 crc of the header before it
 *          then the body       SnapshotFile
 * All little-endian; every crc is CRC-32C. The sync word makes it cheap to find the next record
 * behind a damaged one.
 * THREADS     [any] */
#pragma once

#include <stdbool.h>

#include "mixd/v1/state.pb-c.h"

#define STATE_VERSION 1u
#define STATE_JOURNAL_HEADER 32u
#define STATE_RECORD_HEADER 12u
#define STATE_SNAPSHOT_HEADER 40u
#define STATE_RECORD_MAX (64u << 20)
#define STATE_FILE_MAX (1u << 30)

void state_journal_header(uint64_t base_revision, uint8_t header[STATE_JOURNAL_HEADER]);
/* -EILSEQ damaged, -EPROTONOSUPPORT written by a newer mixd (*ret_version says which). */
int state_journal_check(const uint8_t *data, size_t size, uint64_t *ret_base_revision,
			uint32_t *ret_version);
/* Returned: malloc'd header and body; NULL when out of memory or too long. */
uint8_t *state_record_encode(const Mixd__V1__JournalRecord *record, size_t *ret_size);
/* The record at OFFSET: its body, and the offset behind it. False when there is no good one. */
bool state_record_at(const uint8_t *data, size_t size, size_t offset, const uint8_t **ret_body,
		     size_t *ret_body_size, size_t *ret_next);
/* The first good record at or behind OFFSET, or SIZE. */
size_t state_record_find(const uint8_t *data, size_t size, size_t offset);
/* Whether what stands at OFFSET, the end of the good records, is what an interrupted write leaves:
 * the beginning of a record, or zeros that never became data. */
bool state_record_is_torn(const uint8_t *data, size_t size, size_t offset);

uint8_t *state_snapshot_encode(const Mixd__V1__SnapshotFile *snapshot, size_t *ret_size);
/* *ret: free with mixd__v1__snapshot_file__free_unpacked(). Errors as state_journal_check(). */
int state_snapshot_decode(const uint8_t *data, size_t size, Mixd__V1__SnapshotFile **ret,
			  uint32_t *ret_version);
