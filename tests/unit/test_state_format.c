/* test_state_format.c - checksums, records and snapshots as bytes. */
#include "test.h"

#include <errno.h>

#include "state_crc.h"
#include "state_format.h"

TEST(crc_vectors_of_rfc_3720)
{
	uint8_t bytes[48];
	static const uint8_t scsi_read[48] = {
		0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
		0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

	memset(bytes, 0, 32);
	CHECK(state_crc(0, bytes, 32) == 0x8a9136aau, "zeros");
	memset(bytes, 0xff, 32);
	CHECK(state_crc(0, bytes, 32) == 0x62a8ab43u, "ones");
	for (int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	CHECK(state_crc(0, bytes, 32) == 0x46dd794eu, "up");
	for (int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)(31 - i);
	CHECK(state_crc(0, bytes, 32) == 0x113fdb5cu, "down");
	CHECK(state_crc(0, scsi_read, 48) == 0xd9963a56u, "an iSCSI SCSI read command");
	CHECK(state_crc(0, "123456789", 9) == 0xe3069283u, "the check value");
}

TEST(crc_may_be_taken_in_parts)
{
	uint8_t bytes[257];

	for (int i = 0; i < 257; i++)
		bytes[i] = (uint8_t)test_random_below(256);
	for (size_t cut = 0; cut <= 257; cut++)
		CHECK(state_crc(state_crc(0, bytes, cut), bytes + cut, 257 - cut) ==
			      state_crc(0, bytes, 257),
		      "cut at %zu", cut);
}

static uint8_t *record(uint64_t revision, size_t *ret_size)
{
	Mixd__V1__JournalRecord message = MIXD__V1__JOURNAL_RECORD__INIT;

	message.revision = revision;
	message.summary = (char *)"set limit.ceiling=-2dBTP";
	return state_record_encode(&message, ret_size);
}

TEST(a_record_reads_back)
{
	size_t size, body_size, next;
	uint8_t *bytes = record(7, &size);
	const uint8_t *body;
	Mixd__V1__JournalRecord *back;

	CHECK(bytes && state_record_at(bytes, size, 0, &body, &body_size, &next) && next == size);
	back = mixd__v1__journal_record__unpack(NULL, body_size, body);
	CHECK(back && back->revision == 7);
	mixd__v1__journal_record__free_unpacked(back, NULL);
	free(bytes);
}

TEST(every_bit_flip_of_a_record_is_found)
{
	size_t size, body_size, next;
	uint8_t *bytes = record(7, &size);
	const uint8_t *body;

	for (size_t bit = 0; bit < size * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(!state_record_at(bytes, size, 0, &body, &body_size, &next), "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(bytes);
}

TEST(every_beginning_of_a_record_is_torn_and_noise_is_not)
{
	static const uint8_t zeros[100], noise[3] = {1, 2, 3};
	size_t size;
	uint8_t *bytes = record(7, &size);

	for (size_t cut = 1; cut < size; cut++)
		CHECK(state_record_is_torn(bytes, cut, 0), "cut at %zu of %zu", cut, size);
	CHECK(!state_record_is_torn(noise, 3, 0));
	CHECK(state_record_is_torn(zeros, 100, 0), "zeros are pages that never became data");
	bytes[size - 1] ^= 1;
	CHECK(!state_record_is_torn(bytes, size, 0), "whole, but wrong");
	free(bytes);
}

TEST(the_next_record_is_found_behind_damage)
{
	size_t one, two;
	uint8_t *a = record(1, &one), *b = record(2, &two), *both = malloc(one + two);

	memcpy(both, a, one);
	memcpy(both + one, b, two);
	both[20] ^= 0x10;
	CHECK(state_record_find(both, one + two, 1) == one);
	CHECK(state_record_find(both, one + two, one + 1) == one + two);
	free(a);
	free(b);
	free(both);
}

TEST(headers_are_checked)
{
	uint8_t header[STATE_JOURNAL_HEADER];
	uint64_t base = 0;
	uint32_t version = 0;

	state_journal_header(0x123456789abull, header);
	CHECK(state_journal_check(header, sizeof(header), &base, &version) == 0);
	CHECK(base == 0x123456789abull && version == STATE_VERSION);
	for (size_t bit = 0; bit < sizeof(header) * 8; bit++) {
		header[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(state_journal_check(header, sizeof(header), &base, &version) == -EILSEQ,
		      "bit %zu", bit);
		header[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	CHECK(state_journal_check(header, 31, &base, &version) == -EILSEQ);
	header[8] = 2;
	header[28] = header[29] = header[30] = header[31] = 0;
	for (uint32_t crc = state_crc(0, header, 28), i = 0; i < 4; i++)
		header[28 + i] = (uint8_t)(crc >> (8 * i));
	CHECK(state_journal_check(header, sizeof(header), &base, &version) == -EPROTONOSUPPORT);
	CHECK(version == 2);
}

TEST(every_bit_flip_and_truncation_of_a_snapshot_is_found)
{
	Mixd__V1__SnapshotFile message = MIXD__V1__SNAPSHOT_FILE__INIT, *back = NULL;
	Mixd__V1__Graph graph = MIXD__V1__GRAPH__INIT;
	uint32_t version;
	size_t size;
	uint8_t *bytes;

	graph.name = (char *)"onair";
	message.revision = 9;
	message.graph = &graph;
	bytes = state_snapshot_encode(&message, &size);
	CHECK(state_snapshot_decode(bytes, size, &back, &version) == 0 && back->revision == 9);
	mixd__v1__snapshot_file__free_unpacked(back, NULL);
	for (size_t bit = 0; bit < size * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(state_snapshot_decode(bytes, size, &back, &version) < 0, "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < size; cut++)
		CHECK(state_snapshot_decode(bytes, cut, &back, &version) == -EILSEQ, "cut %zu",
		      cut);
	free(bytes);
}
