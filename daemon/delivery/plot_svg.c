/* plot_svg.c - a plot as SVG 1.1: inside a page by classes, whose colours the page sets, or as a
 * document of its own with the colours written out. */
#include "plot.h"

#include <string.h>

static const struct {
	const char *light, *dark;
} inks[PLOT_INK_COUNT_] = {
	[PLOT_INK_TEXT] = {"#1d242b", "#e6eaee"},   [PLOT_INK_MUTED] = {"#66717d", "#97a3af"},
	[PLOT_INK_GRID] = {"#e3e7eb", "#2d353d"},   [PLOT_INK_SHORT] = {"#1f5fa8", "#6fb1f5"},
	[PLOT_INK_MOMENT] = {"#7fa9d6", "#3f6c9b"}, [PLOT_INK_WHOLE] = {"#b4541a", "#f0a06a"},
	[PLOT_INK_TARGET] = {"#2f8f5b", "#58c48a"}, [PLOT_INK_PEAK] = {"#6b4fa3", "#b39ae6"},
	[PLOT_INK_BAD] = {"#c62f2f", "#ff7a6b"},    [PLOT_INK_PAPER] = {"#ffffff", "#171c21"},
};

const char *plot_ink_colour(enum plot_ink ink)
{
	return inks[ink].light;
}

void plot_css(FILE *file)
{
	fputs(":root{", file);
	for (int i = 0; i < PLOT_INK_COUNT_; i++)
		fprintf(file, "--k%d:%s;", i, inks[i].light);
	fputs("}\n@media screen and (prefers-color-scheme:dark){:root{", file);
	for (int i = 0; i < PLOT_INK_COUNT_; i++)
		fprintf(file, "--k%d:%s;", i, inks[i].dark);
	fputs("}}\n", file);
	for (int i = 0; i < PLOT_INK_COUNT_; i++)
		fprintf(file, ".s%d{stroke:var(--k%d);fill:none}.f%d{fill:var(--k%d)}\n", i, i, i,
			i);
}

/* Length of the UTF-8 letter at TEXT; 0: none that XML may hold. */
static size_t letter_length(const unsigned char *text)
{
	size_t length = text[0] < 0x80	 ? 1
			: text[0] < 0xc2 ? 0
			: text[0] < 0xe0 ? 2
			: text[0] < 0xf0 ? 3
			: text[0] < 0xf5 ? 4
					 : 0;

	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if (length == 1 && text[0] < 0x20 && !strchr("\t\n\r", text[0]))
		return 0;
	if (text[0] == 0xe0 && text[1] < 0xa0) /* longer than it need be */
		return 0;
	if (text[0] == 0xf0 && text[1] < 0x90)
		return 0;
	if (text[0] == 0xed && text[1] >= 0xa0) /* surrogates */
		return 0;
	if (text[0] == 0xef && text[1] == 0xbf && text[2] >= 0xbe)
		return 0;
	return text[0] == 0xf4 && text[1] >= 0x90 ? 0 : length;
}

void plot_escape(const char *text, FILE *file)
{
	while (*text) {
		size_t length = letter_length((const unsigned char *)text);

		if (length == 0) {
			fputs("\xef\xbf\xbd", file);
			text++;
			continue;
		}
		if (length > 1)
			fwrite(text, 1, length, file);
		else if (*text == '<')
			fputs("&lt;", file);
		else if (*text == '>')
			fputs("&gt;", file);
		else if (*text == '&')
			fputs("&amp;", file);
		else if (*text == '"')
			fputs("&quot;", file);
		else if (*text == '\'')
			fputs("&#39;", file);
		else
			fputc(*text, file);
		text += length;
	}
}

static void svg_ink(const struct plot_shape *shape, bool is_inline, FILE *file)
{
	bool is_stroke = shape->kind == PLOT_LINE;

	if (is_inline)
		fprintf(file, " class=\"%c%d\"", is_stroke ? 's' : 'f', (int)shape->ink);
	else if (is_stroke)
		fprintf(file, " stroke=\"%s\" fill=\"none\"", inks[shape->ink].light);
	else
		fprintf(file, " fill=\"%s\"", inks[shape->ink].light);
	if (shape->opacity < 0.999f)
		fprintf(file, " opacity=\"%.3g\"", (double)shape->opacity);
}

/* Tenths of a point are enough for any eye. */
static void svg_number(double value, FILE *file)
{
	char text[32];
	size_t length = (size_t)snprintf(text, sizeof(text), "%.1f", value);

	if (length > 2 && strcmp(text + length - 2, ".0") == 0)
		text[length - 2] = '\0';
	fputs(text, file);
}

static void svg_points(const struct plot_shape *shape, FILE *file)
{
	fputs(" points=\"", file);
	for (uint32_t i = 0; i < shape->n; i++) {
		if (i)
			fputc(' ', file);
		svg_number((double)shape->xy[2 * i], file);
		fputc(',', file);
		svg_number((double)shape->xy[2 * i + 1], file);
	}
	fputc('"', file);
}

static void svg_place(const char *x, const char *y, const struct plot_shape *shape, FILE *file)
{
	fprintf(file, " %s=\"", x);
	svg_number((double)shape->xy[0], file);
	fprintf(file, "\" %s=\"", y);
	svg_number((double)shape->xy[1], file);
	fputc('"', file);
}

static void svg_text(const struct plot_shape *shape, bool is_inline, FILE *file)
{
	static const char *const anchors[] = {"", " text-anchor=\"middle\"",
					      " text-anchor=\"end\""};

	fputs("<text", file);
	svg_ink(shape, is_inline, file);
	svg_place("x", "y", shape, file);
	fprintf(file, " font-size=\"%.3g\"%s%s>", (double)shape->size, anchors[shape->anchor],
		shape->is_bold ? " font-weight=\"600\"" : "");
	plot_escape(shape->text ? shape->text : "", file);
	fputs("</text>\n", file);
}

static void svg_shape(const struct plot_shape *shape, bool is_inline, FILE *file)
{
	switch (shape->kind) {
	case PLOT_LINE:
		fputs("<polyline", file);
		svg_ink(shape, is_inline, file);
		svg_points(shape, file);
		fprintf(file, " stroke-width=\"%.3g\"%s/>\n", (double)shape->size,
			shape->is_dashed ? " stroke-dasharray=\"5 4\"" : "");
		break;
	case PLOT_AREA:
		fputs("<polygon", file);
		svg_ink(shape, is_inline, file);
		svg_points(shape, file);
		fputs("/>\n", file);
		break;
	case PLOT_DOT:
		fputs("<circle", file);
		svg_ink(shape, is_inline, file);
		svg_place("cx", "cy", shape, file);
		fprintf(file, " r=\"%.3g\"/>\n", (double)shape->size);
		break;
	case PLOT_TEXT:
		svg_text(shape, is_inline, file);
		break;
	}
}

void plot_svg(const struct plot *plot, bool is_inline, FILE *file)
{
	if (is_inline)
		fprintf(file, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"",
			(double)plot->width, (double)plot->height);
	else
		fprintf(file,
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg "
			"xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
			"viewBox=\"0 0 %.0f %.0f\" font-family=\"'DejaVu Sans', "
			"sans-serif\" role=\"img\" aria-label=\"",
			(double)plot->width, (double)plot->height, (double)plot->width,
			(double)plot->height);
	plot_escape(plot->alt, file);
	fputs("\" stroke-linejoin=\"round\">\n<title>", file);
	plot_escape(plot->title, file);
	fputs("</title>\n", file);
	if (!is_inline)
		fprintf(file, "<rect width=\"100%%\" height=\"100%%\" fill=\"%s\"/>\n",
			inks[PLOT_INK_PAPER].light);
	for (uint32_t i = 0; i < plot->n_shapes; i++)
		svg_shape(&plot->shapes[i], is_inline, file);
	fputs("</svg>\n", file);
}
