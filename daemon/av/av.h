/* av.h - what mixd and its helper mixd-av say to each other.
 *
 * WHAT        Messages over a socket that is descriptor 0 of the helper; descriptor 3 is the file. Both
 *             sides are built together and run on one machine: numbers are as the machine has them.
 *
 *             decoding  -> DECODE          <- INFO TEXT* MARK* PICTURE? READY SAMPLES* END
 *             encoding  -> ENCODE          <- READY
 *                       -> SAMPLES* MARK* FINISH   <- END
 *             At any time <- FAULT, and the helper ends. When the socket closes it ends, too.
 * INVARIANTS  V1 no message is larger than AV_MESSAGE_MAX. V2 the file is used by pread and pwrite. */
#pragma once

#include <stdint.h>

#define AV_TALK_VERSION 2u
#define AV_MESSAGE_MAX ((uint32_t)32 << 20) /* a picture */
#define AV_SAMPLES_MAX ((uint32_t)256 << 10) /* bytes of SAMPLES: whole frames */
#define AV_FILE_FD 3
#define AV_CHANNELS_MAX 64u

enum av_type {
	AV_DECODE = 1, /* struct av_decode */
	AV_ENCODE, /* struct av_encode */
	AV_INFO, /* struct av_info */
	AV_TEXT, /* name NUL value NUL */
	AV_MARK, /* struct av_mark, name NUL */
	AV_PICTURE, /* its bytes */
	AV_READY, /* nothing */
	AV_SAMPLES, /* interleaved floats */
	AV_FINISH, /* nothing */
	AV_END, /* int64_t: frames in all */
	AV_FAULT, /* struct av_fault */
};

struct av_head {
	uint32_t type, bytes; /* of what follows */
};

struct av_decode {
	uint32_t version;
	int64_t first_frame;
};

struct av_encode {
	uint32_t version, n_channels;
	double rate, bitrate_kbps;
	uint32_t lossless_bits; /* 16 or 24: Apple Lossless, of samples on that grid; 0: AAC */
	uint8_t position[AV_CHANNELS_MAX]; /* enum mixd_position */
};

struct av_info {
	double rate, bitrate_kbps;
	int64_t n_frames; /* -1: not known */
	uint32_t n_channels, bits;
	uint32_t n_streams; /* of sound in the file; this is one of them */
	uint8_t is_float, is_lossy;
	uint8_t has_positions;
	uint8_t position[AV_CHANNELS_MAX];
	char container[24], codec[24];
};

struct av_mark {
	int64_t frame, length;
};

enum av_fault_kind { AV_FAULT_CONTENT = 1, AV_FAULT_DISK, AV_FAULT_UNSUPPORTED, AV_FAULT_MEMORY };
struct av_fault {
	uint32_t kind;
	char text[256];
};
