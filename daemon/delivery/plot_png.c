/* plot_png.c - pictures: the module mixd-png is loaded when one is asked for.
 *
 * cairo brings two dozen libraries with it; a daemon on air, or one that only measures, needs none of
 * them in its memory. */
#include "plot_png.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

#define MODULE "mixd-png.so"

/* Beside the program when it has not been installed, else where it was installed to. */
static void *png_open(struct mixd_error *err)
{
	char self[3072], path[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	void *module = NULL;
	char *slash;

	if (length > 0) {
		self[length] = '\0';
		slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
		snprintf(path, sizeof(path), "%s/delivery/" MODULE, self);
		if (access(path, F_OK) == 0)
			module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	}
	if (!module)
		module = dlopen(PLOT_MODULE_DIR "/" MODULE, RTLD_NOW | RTLD_LOCAL);
	if (!module) {
		error_set(err, ERROR_RESOURCE, "--plots", "no pictures: %s", dlerror());
		error_hint(err, "install the module " MODULE " with cairo (libcairo2)");
	}
	return module;
}

struct png_bytes {
	unsigned char *data;
	size_t size, space;
};

static int png_take(void *data, const unsigned char *bytes, unsigned size)
{
	struct png_bytes *png = data;

	if (png->size + size > png->space) {
		size_t space = 2 * (png->size + size);
		unsigned char *grown = realloc(png->data, space);

		if (!grown)
			return -ENOMEM;
		png->data = grown;
		png->space = space;
	}
	memcpy(png->data + png->size, bytes, size);
	png->size += size;
	return 0;
}

int plot_png(const struct plot *plot, double scale, void **ret, size_t *ret_size,
	     struct mixd_error *err)
{
	struct png_bytes png = {0};
	void *module = png_open(err);
	union {
		void *symbol;
		mixd_png_draw_fn *draw;
	} entry;
	int r;

	if (!module)
		return -ENOENT;
	/* it stays: unloading cairo and what it brings is asking for trouble */
	entry.symbol = dlsym(module, "mixd_png_draw");
	if (!entry.symbol)
		return error_set(err, ERROR_RESOURCE, MODULE, "is of another version of mixd");
	r = entry.draw(plot, plot_ink_colour, scale, png_take, &png);
	if (r < 0) {
		free(png.data);
		return r == -ENOMEM ? error_no_memory(err)
				    : error_set(err, ERROR_RESOURCE, "--plots",
						"the picture of %s could not be drawn", plot->name);
	}
	*ret = png.data;
	*ret_size = png.size;
	return 0;
}
