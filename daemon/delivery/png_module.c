/* png_module.c - the module mixd-png.so: a plot drawn by cairo, as PNG. */
#include "plot_png.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <cairo.h>

struct png_stream {
	int (*write)(void *data, const unsigned char *bytes, unsigned size);
	void *data;
};

static cairo_status_t png_write(void *closure, const unsigned char *bytes, unsigned size)
{
	struct png_stream *stream = closure;

	return stream->write(stream->data, bytes, size) < 0 ? CAIRO_STATUS_WRITE_ERROR
							    : CAIRO_STATUS_SUCCESS;
}

static void png_ink(cairo_t *cairo, const char *colour, double opacity)
{
	unsigned long rgb = strtoul(colour + 1, NULL, 16);

	cairo_set_source_rgba(cairo, (double)(rgb >> 16 & 255) / 255,
			      (double)(rgb >> 8 & 255) / 255, (double)(rgb & 255) / 255, opacity);
}

static void png_outline(cairo_t *cairo, const struct plot_shape *shape)
{
	cairo_new_path(cairo);
	for (uint32_t i = 0; i < shape->n; i++)
		cairo_line_to(cairo, (double)shape->xy[2 * i], (double)shape->xy[2 * i + 1]);
}

static void png_text(cairo_t *cairo, const struct plot_shape *shape)
{
	cairo_text_extents_t extents;
	double x = (double)shape->xy[0];

	if (!shape->text)
		return;
	cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
			       shape->is_bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cairo, (double)shape->size);
	cairo_text_extents(cairo, shape->text, &extents);
	if (shape->anchor == PLOT_MIDDLE)
		x -= extents.x_advance / 2;
	else if (shape->anchor == PLOT_END)
		x -= extents.x_advance;
	cairo_move_to(cairo, x, (double)shape->xy[1]);
	cairo_show_text(cairo, shape->text);
}

static void png_shape(cairo_t *cairo, const struct plot_shape *shape)
{
	static const double dashes[] = {5, 4};

	switch (shape->kind) {
	case PLOT_LINE:
		png_outline(cairo, shape);
		cairo_set_line_width(cairo, (double)shape->size);
		cairo_set_dash(cairo, dashes, shape->is_dashed ? 2 : 0, 0);
		cairo_stroke(cairo);
		break;
	case PLOT_AREA:
		png_outline(cairo, shape);
		cairo_close_path(cairo);
		cairo_fill(cairo);
		break;
	case PLOT_DOT:
		cairo_new_path(cairo);
		cairo_arc(cairo, (double)shape->xy[0], (double)shape->xy[1], (double)shape->size, 0,
			  2 * M_PI);
		cairo_fill(cairo);
		break;
	case PLOT_TEXT:
		png_text(cairo, shape);
		break;
	}
}

__attribute__((visibility("default"))) int
mixd_png_draw(const struct plot *plot, const char *(*colour)(enum plot_ink ink), double scale,
	      int (*write)(void *data, const unsigned char *bytes, unsigned size), void *data)
{
	struct png_stream stream = {write, data};
	cairo_surface_t *surface = cairo_image_surface_create(
		CAIRO_FORMAT_RGB24, (int)ceil((double)plot->width * scale),
		(int)ceil((double)plot->height * scale));
	cairo_t *cairo = cairo_create(surface);
	cairo_status_t status;

	cairo_scale(cairo, scale, scale);
	cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
	png_ink(cairo, colour(PLOT_INK_PAPER), 1);
	cairo_paint(cairo);
	for (uint32_t i = 0; i < plot->n_shapes; i++) {
		png_ink(cairo, colour(plot->shapes[i].ink), (double)plot->shapes[i].opacity);
		png_shape(cairo, &plot->shapes[i]);
	}
	status = cairo_status(cairo);
	cairo_destroy(cairo);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_write_to_png_stream(surface, png_write, &stream);
	cairo_surface_destroy(surface);
	if (status == CAIRO_STATUS_NO_MEMORY || status == CAIRO_STATUS_WRITE_ERROR)
		return -ENOMEM;
	return status == CAIRO_STATUS_SUCCESS ? 0 : -EIO;
}
