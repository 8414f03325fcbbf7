/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/table.h"

#include "base/buffer.h"
#include "base/dl.h"
#include "base/text.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <string.h>

DL_SYMBOL_DECLARE(scols_new_table);
DL_SYMBOL_DECLARE(scols_unref_table);
DL_SYMBOL_DECLARE(scols_table_new_column);
DL_SYMBOL_DECLARE(scols_column_set_safechars);
DL_SYMBOL_DECLARE(scols_table_new_line);
DL_SYMBOL_DECLARE(scols_line_set_data);
DL_SYMBOL_DECLARE(scols_line_get_cell);
DL_SYMBOL_DECLARE(scols_cell_set_color);
DL_SYMBOL_DECLARE(scols_table_enable_colors);
DL_SYMBOL_DECLARE(scols_table_enable_noheadings);
DL_SYMBOL_DECLARE(scols_print_table);

static const DlSymbol smartcols_symbols[] = {
    DL_SYMBOL(scols_new_table),           DL_SYMBOL(scols_unref_table),
    DL_SYMBOL(scols_table_new_column),    DL_SYMBOL(scols_column_set_safechars),
    DL_SYMBOL(scols_table_new_line),      DL_SYMBOL(scols_line_set_data),
    DL_SYMBOL(scols_line_get_cell),       DL_SYMBOL(scols_cell_set_color),
    DL_SYMBOL(scols_table_enable_colors), DL_SYMBOL(scols_table_enable_noheadings),
    DL_SYMBOL(scols_print_table),
};

static DlLibrary smartcols_library = {
    .soname = "libsmartcols.so.1",
    .package = "libsmartcols1",
    .feature = "printing tables",
    .symbols = smartcols_symbols,
    .symbols_count = ELEMENTSOF(smartcols_symbols),
};

typedef struct TableCell {
    char *text, *escaped;
    json_t *json;
    Colour colour;
} TableCell;

struct Table {
    const TableColumn *columns;
    size_t columns_count;
    TableCell *cells; /* row after row */
    size_t rows_count;
};

const char *colour_sequence(FILE *stream, Colour colour)
{
    static const char *const sequences[_COLOUR_MAX] = {
        [COLOUR_NONE] = "\033[0m", [COLOUR_GREEN] = "\033[32m", [COLOUR_YELLOW] = "\033[33m",
        [COLOUR_RED] = "\033[31m", [COLOUR_GREY] = "\033[90m",  [COLOUR_BOLD] = "\033[1m",
    };
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

    if (!text_is_empty(no_color) || (terminal && strcmp(terminal, "dumb") == 0) || !isatty(fileno(stream)))
        return "";
    return sequences[colour];
}

Table *table_new(const TableColumn *columns, size_t count)
{
    Table *table = calloc(1, sizeof(*table));

    if (table) {
        table->columns = columns;
        table->columns_count = count;
    }
    return table;
}

void table_free(Table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->rows_count * table->columns_count; i++) {
        free(table->cells[i].text);
        free(table->cells[i].escaped);
        json_decref(table->cells[i].json);
    }
    free(table->cells);
    free(table);
}

int table_add_row(Table *table)
{
    size_t used = table->rows_count * table->columns_count;
    TableCell *larger = reallocarray(table->cells, used + table->columns_count, sizeof(*larger));

    if (!larger)
        return -ENOMEM;
    memset(larger + used, 0, table->columns_count * sizeof(*larger));
    table->cells = larger;
    table->rows_count++;
    return 0;
}

size_t table_count_rows(const Table *table)
{
    return table->rows_count;
}

static TableCell *last_cell(const Table *table, size_t column)
{
    return &table->cells[(table->rows_count - 1) * table->columns_count + column];
}

int table_set(Table *table, size_t column, const char *text)
{
    TableCell *cell = last_cell(table, column);
    _cleanup_free_ char *copy = NULL, *escaped = NULL;

    if (!text)
        return 0;
    copy = strdup(text);
    escaped = text_escape(text, SIZE_MAX);
    if (!copy || !escaped)
        return -ENOMEM;
    free(cell->text);
    free(cell->escaped);
    cell->text = TAKE_PTR(copy);
    cell->escaped = TAKE_PTR(escaped);
    return 0;
}

int table_set_json(Table *table, size_t column, json_t *value)
{
    TableCell *cell = last_cell(table, column);

    json_decref(cell->json);
    cell->json = value;
    return value ? 0 : -ENOMEM;
}

void table_set_colour(Table *table, size_t column, Colour colour)
{
    last_cell(table, column)->colour = colour;
}

/* An empty cell would make a column of blanks, which a script cannot count. */
static const char *cell_text(const TableCell *cell)
{
    return text_is_empty(cell->escaped) ? "-" : cell->escaped;
}

static int fill_line(const Table *table, struct libscols_line *line, const TableCell *row)
{
    size_t number = 0;

    for (size_t i = 0; i < table->columns_count; i++) {
        const char *sequence;

        if (!table->columns[i].header)
            continue;
        if (sym_scols_line_set_data(line, number, cell_text(&row[i])) < 0)
            return -ENOMEM;
        sequence = row[i].colour ? colour_sequence(stdout, row[i].colour) : "";
        if (*sequence)
            (void) sym_scols_cell_set_color(sym_scols_line_get_cell(line, number), sequence);
        number++;
    }
    return 0;
}

static int fill_smartcols(const Table *table, struct libscols_table *lines)
{
    for (size_t i = 0; i < table->columns_count; i++) {
        const TableColumn *column = &table->columns[i];
        struct libscols_column *made;

        if (!column->header)
            continue;
        made = sym_scols_table_new_column(lines, column->header, 0,
                                          (column->flags & TABLE_RIGHT ? SCOLS_FL_RIGHT : 0) |
                                              (column->flags & TABLE_TRUNCATE ? SCOLS_FL_TRUNC : 0));
        /* It escapes what it is given once more, and would take our backslashes for its own. */
        if (!made || sym_scols_column_set_safechars(made, "\\") < 0)
            return -ENOMEM;
    }
    for (size_t i = 0; i < table->rows_count; i++) {
        struct libscols_line *line = sym_scols_table_new_line(lines, NULL);
        int r = line ? fill_line(table, line, table->cells + i * table->columns_count) : -ENOMEM;

        if (r < 0)
            return r;
    }
    return 0;
}

/* libsmartcols asks the thread's locale what is printable and how wide it is. text_escape() lets UTF-8
 * through whatever the locale is, so it has to be one that knows UTF-8. */
static int print_smartcols(const Table *table, bool with_headers)
{
    struct libscols_table *lines = sym_scols_new_table();
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
    locale_t before = uselocale(utf8);
    int r = lines ? fill_smartcols(table, lines) : -ENOMEM;

    if (r == 0) {
        (void) sym_scols_table_enable_noheadings(lines, !with_headers);
        (void) sym_scols_table_enable_colors(lines, *colour_sequence(stdout, COLOUR_NONE) != 0);
        r = sym_scols_print_table(lines);
    }
    sym_scols_unref_table(lines);
    (void) uselocale(before);
    if (utf8)
        freelocale(utf8);
    return r;
}

/* Columns on a terminal, without asking a locale: bytes that begin a character. Good enough where only the
 * alignment suffers. */
static int width(const char *text)
{
    int count = 0;

    for (; *text; text++)
        count += ((unsigned char) *text & 0xc0) != 0x80;
    return count;
}

static int column_width(const Table *table, size_t column, bool with_headers)
{
    int most = with_headers ? width(table->columns[column].header) : 0;

    for (size_t i = 0; i < table->rows_count; i++)
        most = MAX(most, width(cell_text(&table->cells[i * table->columns_count + column])));
    return most;
}

static void print_plain_row(const Table *table, const TableCell *row, bool with_headers)
{
    int pending = 0; /* blanks that are due before the next text: none end a line */

    for (size_t i = 0; i < table->columns_count; i++) {
        const char *text = row ? cell_text(&row[i]) : table->columns[i].header;
        Colour colour = row ? row[i].colour : COLOUR_NONE;
        int room;

        if (!table->columns[i].header)
            continue;
        room = column_width(table, i, with_headers) - width(text);
        if (table->columns[i].flags & TABLE_RIGHT)
            pending += room;
        printf("%*s%s%s%s", pending, "", colour ? colour_sequence(stdout, colour) : "", text,
               colour ? colour_sequence(stdout, COLOUR_NONE) : "");
        pending = 1;
        if (!(table->columns[i].flags & TABLE_RIGHT))
            pending += room;
    }
    putchar('\n');
}

int table_print(const Table *table, bool with_headers)
{
    if (table->rows_count > 0 && dl_load(&smartcols_library, NULL) == 0)
        return print_smartcols(table, with_headers);
    if (with_headers)
        print_plain_row(table, NULL, true);
    for (size_t i = 0; i < table->rows_count; i++)
        print_plain_row(table, table->cells + i * table->columns_count, with_headers);
    return 0;
}

static json_t *build_row(const Table *table, const TableCell *row)
{
    json_t *object = json_object();

    for (size_t i = 0; i < table->columns_count; i++) {
        json_t *value;

        if (!table->columns[i].key)
            continue;
        value = row[i].json ? json_incref(row[i].json) : row[i].text ? json_safe_string(row[i].text) : json_null();
        if (json_object_set_new(object, table->columns[i].key, value) < 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static int print_json(const json_t *json, size_t flags)
{
    _cleanup_free_ char *text = json ? json_dumps(json, flags | JSON_ENSURE_ASCII | JSON_ENCODE_ANY) : NULL;

    if (!text)
        return -ENOMEM;
    /* jansson leaves DEL alone; it can only be inside a string. */
    for (char *c = text; *c;) {
        size_t plain = strcspn(c, "\177");

        fwrite(c, 1, plain, stdout);
        c += plain;
        if (*c) {
            fputs("\\u007f", stdout);
            c++;
        }
    }
    putchar('\n');
    return 0;
}

int json_print(const json_t *json)
{
    return print_json(json, JSON_INDENT(2));
}

json_t *table_build_json(const Table *table)
{
    _cleanup_json_ json_t *array = json_array();

    for (size_t i = 0; i < table->rows_count; i++)
        if (json_array_append_new(array, build_row(table, table->cells + i * table->columns_count)) < 0)
            return NULL;
    return TAKE_PTR(array);
}

static int print_rows(const Table *table, size_t flags)
{
    _cleanup_json_ json_t *array = table_build_json(table);

    return array ? print_json(array, flags) : -ENOMEM;
}

int table_print_json(const Table *table)
{
    return print_rows(table, JSON_INDENT(2));
}

int table_print_json_line(const Table *table)
{
    return print_rows(table, JSON_COMPACT);
}

int output_format_check(const char *format, const char *known, Error *error)
{
    Nearest nearest = {};
    size_t length = format ? strlen(format) : 0;

    if (!format)
        return 0;
    for (const char *word = known; *word; word += strspn(word, " ")) {
        size_t n = strcspn(word, " ");

        if (n == length && strncmp(word, format, n) == 0)
            return 0;
        word += n;
    }
    text_nearest_consider(&nearest, format, "json");
    return error_hint(error, error_set(error, -EINVAL, "--output: there is no format '%s' here", format),
                      nearest.best ? "did you mean '%s'?" : "one of: %s", nearest.best ? nearest.best : known);
}

char *text_escape_prose(const char *string, size_t size)
{
    _cleanup_buffer_ Buffer buffer = {};

    if (size == SIZE_MAX)
        size = strlen(string);
    while (size > 0) {
        size_t plain = 0;

        while (plain < size && string[plain] != '\t' && string[plain] != '\\')
            plain++;
        if (plain > 0) {
            _cleanup_free_ char *escaped = text_escape(string, plain);

            if (!escaped)
                return NULL;
            buffer_append_string(&buffer, escaped);
        }
        if (plain < size) {
            buffer_append(&buffer, string + plain, 1);
            plain++;
        }
        string += plain;
        size -= plain;
    }
    return buffer_take(&buffer);
}
