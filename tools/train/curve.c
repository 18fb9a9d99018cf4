// SPDX-License-Identifier: GPL-2.0
/* See curve.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "curve.h"

#define WIDTH 720
#define HEIGHT 360
#define LEFT 50		/* room for the numbers */
#define BOTTOM 40
#define TOP 20
#define COLUMNS 600	/* points drawn at most: the steps in one are averaged */
#define TICKS 6

static const char header[] = "step,loss,validation_loss,rate,tokens_per_second\n";

void curve_add(struct buf *c, const struct point *p)
{
	buf_add(c, p, sizeof(*p));
}

void curve_load(struct buf *c, const char *dir, long step)
{
	char *path = path_in(dir, "log.csv"), line[256];
	FILE *f = fopen(path, "r");
	struct point p;

	free(path);
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%ld,%lf,%lf,%lf,%lf", &p.step, &p.loss, &p.valid, &p.rate,
			   &p.speed) == 5 && p.step <= step)
			curve_add(c, &p);
	fclose(f);
}

static void save_csv(const struct point *p, size_t n, const char *dir)
{
	struct out o = out_open(dir, "log.csv");

	fputs(header, o.f);
	for (size_t i = 0; i < n; i++)
		fprintf(o.f, "%ld,%.9g,%.9g,%.9g,%.6g\n", p[i].step, p[i].loss, p[i].valid,
			p[i].rate, p[i].speed);
	out_close(&o);
}

/**
 * struct frame - how numbers lie in the picture
 * @steps: last step
 * @low: smallest loss
 * @high: largest loss
 */
struct frame {
	double steps;
	double low;
	double high;
};

static double at_x(const struct frame *f, double step)
{
	return LEFT + (WIDTH - LEFT - 10) * step / f->steps;
}

static double at_y(const struct frame *f, double loss)
{
	return TOP + (HEIGHT - TOP - BOTTOM) * (f->high - loss) / (f->high - f->low);
}

static struct frame frame_of(const struct point *p, size_t n)
{
	struct frame f = { p[n - 1].step, INFINITY, -INFINITY };

	for (size_t i = 0; i < n; i++) {
		f.low = fmin(fmin(f.low, p[i].loss), p[i].valid);
		f.high = fmax(fmax(f.high, p[i].loss), p[i].valid);
	}
	if (f.high - f.low < 1e-9)
		f.high = f.low + 1;
	return f;
}

static void draw_axes(const struct frame *f, FILE *o)
{
	for (int i = 0; i <= TICKS; i++) {
		double loss = f->low + (f->high - f->low) * i / TICKS, y = at_y(f, loss);
		double step = f->steps * i / TICKS, x = at_x(f, step);

		fprintf(o, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n", LEFT, y, WIDTH - 10);
		fprintf(o, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>\n", LEFT - 6,
			y + 4, loss);
		fprintf(o, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n", x,
			HEIGHT - BOTTOM + 16, step);
	}
	fprintf(o, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step; loss in nats a token: "
		"<tspan fill=\"#888\">training</tspan>, <tspan fill=\"#c30\">validation</tspan>"
		"</text>\n", WIDTH / 2, HEIGHT - 6);
}

static void draw_loss(const struct frame *f, const struct point *p, size_t n, FILE *o)
{
	size_t group = (n + COLUMNS - 1) / COLUMNS;

	fputs("<polyline fill=\"none\" stroke=\"#888\" points=\"", o);
	for (size_t i = 0; i < n; i += group) {
		double sum = 0;
		size_t j;

		for (j = i; j < n && j < i + group; j++)
			sum += p[j].loss;
		fprintf(o, "%.1f,%.1f ", at_x(f, p[j - 1].step), at_y(f, sum / (j - i)));
	}
	fputs("\"/>\n<polyline fill=\"none\" stroke=\"#c30\" stroke-width=\"2\" points=\"", o);
	for (size_t i = 0; i < n; i++)
		if (!isnan(p[i].valid))
			fprintf(o, "%.1f,%.1f ", at_x(f, p[i].step), at_y(f, p[i].valid));
	fputs("\"/>\n", o);
}

void curve_save(const struct buf *c, const char *dir)
{
	const struct point *p = (const struct point *)c->p;
	size_t n = c->len / sizeof(*p);
	struct frame f;
	struct out o;

	if (!n)
		return;
	save_csv(p, n, dir);
	f = frame_of(p, n);
	o = out_open(dir, "curve.svg");
	fprintf(o.f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"font-family=\"sans-serif\" font-size=\"11\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
	draw_axes(&f, o.f);
	draw_loss(&f, p, n, o.f);
	fputs("</svg>\n", o.f);
	out_close(&o);
}
