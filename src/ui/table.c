/*
 * table.c - results in aligned columns.
 */
#include "devenv/ui.h"

#include "render.h"

#include "devenv/mem.h"
#include "devenv/strv.h"

#include <stdlib.h>

#define GAP 2

struct table {
	size_t columns;
	int *widths;
	struct strv cells; /* row by row, escaped */
};

struct table *table_new(const char *const *headings)
{
	struct table *table = xcalloc(1, sizeof(*table));

	while (headings[table->columns])
		table->columns++;
	table->widths = xcalloc(table->columns ? table->columns : 1, sizeof(*table->widths));
	table_add(table, headings);
	return table;
}

void table_add(struct table *table, const char *const *cells)
{
	for (size_t i = 0; i < table->columns; i++) {
		autobuf struct buf text = BUF_INIT(0);
		int width = 0;

		ui_text(&text, cells[i]);
		width = text_columns(buf_str(&text));
		if (width > table->widths[i])
			table->widths[i] = width;
		strv_push(&table->cells, buf_str(&text));
	}
}

void table_print(struct table *table, struct buf *out)
{
	for (size_t i = 0; i < table->cells.n; i++) {
		const char *cell = table->cells.v[i];
		size_t column = i % table->columns;

		buf_addstr(out, cell);
		if (column + 1 == table->columns) {
			/* Empty last cells must not leave spaces at the line's end. */
			while (out->len && out->data[out->len - 1] == ' ')
				out->data[--out->len] = '\0';
			buf_addch(out, '\n');
		} else {
			buf_addf(out, "%*s", table->widths[column] - text_columns(cell) + GAP, "");
		}
	}
}

void table_free(struct table *table)
{
	if (!table)
		return;
	strv_release(&table->cells);
	free(table->widths);
	free(table);
}
