/* ddp.h - DDP 2.00 file sets: a CD master as a folder.
 *
 * WHAT        DDPID (what it is), DDPMS (which files there are), PQDESCR (tracks), CDTEXT.BIN (texts),
 *             IMAGE.DAT (16-bit stereo at 44.1 kHz, little-endian, in sectors), and beside them
 *             CHECKSUM.MD5 and CHECKSUM.TXT. Written as one set; any set is read, checked and said
 *             in verdicts, and its audio extracted.
 * ORIGIN      Written from public descriptions of the format (daemon/delivery/ddp_write.c names them).
 *             DDP is a trademark of its owner; mixd is not affiliated with it, not certified by it,
 *             and uses no logo.
 * THREADS     one at a time per object.
 * NOT HERE    sessions other than one of audio; DDP 1.01's tapes. */
#pragma once

#include "disc.h"
#include "task.h"

#define DDP_STREAMS_MAX 16u

/* ---- writing -------------------------------------------------------------------------------- */

struct ddp_writer;
/* FOLDER exists; what is written there replaces files of the same names only when it is whole. */
int ddp_create(const char *folder, struct ddp_writer **ret, struct mixd_error *err);
/* Interleaved stereo, from the first sector on. */
int ddp_write(struct ddp_writer *writer, const int16_t *frames, size_t n_frames,
	      struct mixd_error *err);
int ddp_write_silence(struct ddp_writer *writer, uint32_t n_sectors, struct mixd_error *err);
/* Pads the last sector, and writes the rest of the set. DISC: its lead_out must be the end of what
 * was written (-EINVAL). */
int ddp_finish(struct ddp_writer *writer, const struct disc *disc, struct mixd_error *err);
/* What was begun and not finished is removed. */
struct ddp_writer *ddp_writer_free(struct ddp_writer *writer);

/* ---- reading -------------------------------------------------------------------------------- */

enum ddp_state { DDP_OK, DDP_WARN, DDP_FAIL };
struct ddp_verdict {
	enum ddp_state state;
	char item[40]; /* "DDPMS" "PQDESCR" "track 3" */
	char text[280];
	char hint[200];
};
struct ddp_stream {
	char type[3]; /* "D0" "S0" */
	char subcode[9]; /* "PQ DESCR" "CDTEXT" */
	char mode[3]; /* "DA" */
	char file[18];
	uint64_t length; /* sectors of D*, bytes of S* and T*, as DDPMS says */
	uint32_t pregap; /* sectors */
	int64_t bytes; /* of the file; -1: it is not there */
};
struct ddp_set {
	char *folder;
	char level[9], upc[14], master_id[49], user_text[34]; /* of DDPID */
	struct ddp_stream stream[DDP_STREAMS_MAX];
	uint32_t n_streams;
	int image, pq, cdtext; /* streams; -1: none */
	struct disc disc;
	uint32_t n_packs; /* of CD-Text */
	struct ddp_verdict *verdict; /* owned */
	uint32_t n_verdicts;
	bool has_failed;
};

/* Everything but the sums, with a verdict for each point. -errno when FOLDER is no DDP set at all;
 * NAME is what errors call it. */
int ddp_open(const char *folder, const char *name, struct ddp_set **ret, struct mixd_error *err);
/* Read all files and compare CHECKSUM.MD5, *.md5 and CHECKSUM.TXT: more verdicts. */
int ddp_verify(struct ddp_set *set, struct task *task, struct mixd_error *err);
struct ddp_set *ddp_set_free(struct ddp_set *set);

/* N_FRAMES interleaved frames of the image from FRAME on; beyond its end they are zero. */
int ddp_read_frames(struct ddp_set *set, int fd, uint64_t frame, int16_t *ret, size_t n_frames,
		    struct mixd_error *err);
/* The image, to read from; the caller closes it. -errno with *err. */
int ddp_open_image(const struct ddp_set *set, struct mixd_error *err);

/* For the parts of this module. */
__attribute__((format(printf, 5, 6))) void ddp_say(struct ddp_set *set, enum ddp_state state,
						   const char *item, const char *hint,
						   const char *fmt, ...);
