/* media_ogg.h - the serial number of an Ogg stream: inside daemon/render only.
 *
 * WHAT        libsndfile draws it by lot. Here it is made of what the stream holds: the same sound is
 *             the same file, and two files one after the other are still two streams.
 * THREADS     [any] */
#pragma once

/* FD holds one finished stream. -errno. */
int media_ogg_set_serial(int fd);
