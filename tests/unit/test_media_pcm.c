/* test_media_pcm.c - bytes and samples: the vectors against plain C, one sample at a time. */
#include "media_pcm.h"

#include "test.h"

#define FRAMES 5003u
#define CHANNELS 12u

static uint8_t bytes[FRAMES * CHANNELS * 4 + 64], back[FRAMES * CHANNELS * 4 + 64];
static float planes[CHANNELS][FRAMES];
static int32_t words[CHANNELS][FRAMES];

static const struct media_pcm kinds[] = {
	{.bytes = 1},
	{.bytes = 1, .is_unsigned = true},
	{.bytes = 2},
	{.bytes = 2, .is_big = true},
	{.bytes = 3},
	{.bytes = 3, .is_big = true},
	{.bytes = 4},
	{.bytes = 4, .is_big = true},
	{.bytes = 4, .is_float = true},
	{.bytes = 4, .is_float = true, .is_big = true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void fill(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)test_random_below(256);
}

/* The word of 8 * bytes bits at AT, left-aligned. */
static uint32_t plain_word(const struct media_pcm *pcm, const uint8_t *at)
{
	uint32_t word = 0;

	for (unsigned b = 0; b < pcm->bytes; b++)
		word |= (uint32_t)at[pcm->is_big ? b : pcm->bytes - 1 - b] << (24 - 8 * b);
	return pcm->is_unsigned ? word ^ 0x80000000u : word;
}

static double plain_sample(const struct media_pcm *pcm, uint32_t word)
{
	float x;

	if (!pcm->is_float)
		return (float)((double)(int32_t)word / 2147483648.0);
	memcpy(&x, &word, sizeof(x));
	return x;
}

static bool same(float a, double b)
{
	return (double)a == b || (isnan(a) && isnan(b));
}

TEST(media_pcm_decode_is_plain)
{
	for (size_t k = 0; k < KINDS; k++)
		for (uint32_t n_channels = 1; n_channels <= CHANNELS; n_channels++) {
			uint32_t n = test_random_below(2) ? 1 + test_random_below(40)
							  : test_random_below(FRAMES);
			uint32_t skip = test_random_below(8), bits = 0, got;
			uint8_t from[CHANNELS + 1];
			float *out[CHANNELS];
			bool is_moved = test_random_below(2);

			fill();
			for (uint32_t c = 0; c < n_channels; c++) {
				out[c] = planes[c];
				from[c] = (uint8_t)(n_channels - 1 - c);
			}
			got = media_pcm_decode(&kinds[k], bytes + skip, n_channels,
					       is_moved ? from : NULL, out, n);
			for (uint32_t i = 0; i < n * n_channels; i++) {
				uint32_t word = plain_word(
					&kinds[k], bytes + skip + (size_t)i * kinds[k].bytes);
				uint32_t c = i % n_channels;

				c = is_moved ? n_channels - 1 - c : c;
				bits |= kinds[k].is_float ? 0 : word;
				CHECK(same(planes[c][i / n_channels],
					   plain_sample(&kinds[k], word)),
				      "kind %zu, %u channels, sample %u", k, n_channels, i);
			}
			CHECK(got == bits, "%08x, want %08x", got, bits);
		}
}

TEST(media_pcm_encode_and_back)
{
	for (size_t k = 0; k < KINDS; k++)
		for (uint32_t n_channels = 1; n_channels <= CHANNELS; n_channels++) {
			uint32_t n = test_random_below(FRAMES);
			size_t size = (size_t)n * n_channels * kinds[k].bytes;
			const int32_t *in[CHANNELS];
			uint8_t from[CHANNELS + 1];

			fill();
			memset(back, 0xa5, sizeof(back));
			for (uint32_t c = 0; c < n_channels; c++) {
				in[c] = words[c];
				from[c] = (uint8_t)((c + 1) % n_channels);
			}
			for (uint32_t i = 0; i < n * n_channels; i++) {
				uint32_t word =
					plain_word(&kinds[k], bytes + (size_t)i * kinds[k].bytes);

				words[from[i % n_channels]][i / n_channels] =
					(int32_t)word >> (32 - 8 * kinds[k].bytes);
			}
			media_pcm_encode(&kinds[k], back, n_channels, n_channels > 1 ? from : NULL,
					 in, n);
			CHECK(memcmp(bytes, back, size) == 0, "kind %zu, %u channels", k,
			      n_channels);
			CHECK(back[size + 16] == 0xa5, "written beyond its room");
		}
}

TEST(media_pcm_finds_what_is_no_number)
{
	static float samples[3000];
	static const float bad[] = {NAN, INFINITY, -INFINITY};

	for (uint32_t i = 0; i < 3000; i++)
		samples[i] = i % 7 ? 1e-42f : -3e38f;
	CHECK(media_pcm_first_bad(samples, 3000) == 3000);
	CHECK(media_pcm_first_bad(samples, 0) == 0);
	for (int i = 0; i < 50; i++) {
		uint32_t at = test_random_below(3000);
		float was = samples[at];

		samples[at] = bad[i % 3];
		CHECK(media_pcm_first_bad(samples, 3000) == at);
		CHECK(media_pcm_first_bad(samples, at) == at);
		samples[at] = was;
	}
}
