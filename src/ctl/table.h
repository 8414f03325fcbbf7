/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: how results are shown: tables and JSON from one description of the columns, colours, the escaping of
 *       text that a container, an image or a log had a hand in.
 * Never does: link libsmartcols (loaded when a table is printed; without it columns are aligned here).
 * Runs in: berthctl. */

#include "base/json.h"

#include <stdio.h>

typedef enum TableColumnFlags {
    TABLE_RIGHT = 1 << 0,    /* numbers */
    TABLE_TRUNCATE = 1 << 1, /* may be cut where the terminal is too narrow */
} TableColumnFlags;

/* One column and the JSON member that it is. Without `header` it is in JSON only, without `key` in the table
 * only. */
typedef struct TableColumn {
    const char *header, *key;
    unsigned flags;
} TableColumn;

typedef enum Colour {
    COLOUR_NONE,
    COLOUR_GREEN,
    COLOUR_YELLOW,
    COLOUR_RED,
    COLOUR_GREY,
    COLOUR_BOLD,
    _COLOUR_MAX
} Colour;

/* The escape sequence that begins (COLOUR_NONE: ends) a colour on `stream`; "" when that is no terminal, when
 * $NO_COLOR is set to something (no-color.org), or when TERM=dumb. */
const char *colour_sequence(FILE *stream, Colour colour);

typedef struct Table Table;

/* `columns` is borrowed until table_free(). NULL: no memory. */
Table *table_new(const TableColumn *columns, size_t count);
void table_free(Table *table);
DEFINE_CLEANUP(Table *, table_free)
#define _cleanup_table_ _cleanup_(table_freep)

/* -ENOMEM or 0. A new row is empty: "-" in the table, null in JSON. */
int table_add_row(Table *table);
/* Sets a cell of the last row, in both forms: copies `text`, which may be NULL and need not be safe. */
int table_set(Table *table, size_t column, const char *text);
/* What JSON gets instead of the text; takes the reference, also when it fails. NULL is -ENOMEM. */
int table_set_json(Table *table, size_t column, json_t *value);
void table_set_colour(Table *table, size_t column, Colour colour);
size_t table_count_rows(const Table *table);

/* To stdout. An empty table prints nothing but, with headers, those. */
int table_print(const Table *table, bool with_headers);
/* An array of one object for each row; a new reference, NULL: no memory. */
json_t *table_build_json(const Table *table);
/* The same to stdout. */
int table_print_json(const Table *table);

/* The same in one line, for a stream of them. */
int table_print_json_line(const Table *table);

/* To stdout, indented, with a newline; pure ASCII, so that no terminal can take a value for a command. NULL
 * is -ENOMEM. Borrows `json`. */
int json_print(const json_t *json);

/* -EINVAL with a text unless `format` (of --output=, may be NULL) is one of the blank-separated words of
 * `known`. */
int output_format_check(const char *format, const char *known, Error *error);

/* text_escape() for text that is read rather than parsed: tabs and backslashes stay as they are. */
char *text_escape_prose(const char *string, size_t size);
