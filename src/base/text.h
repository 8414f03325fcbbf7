/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: strings: strict number parsing, escaping of untrusted text, names, word splitting.
 * Never does: I/O; reads no locale.
 * Runs in: every process that has a heap. */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Longest machine name: what a hostname and machined allow (hostname(7), machine name rule of machinectl(1)). */
#define TEXT_NAME_MAX 64

static inline bool text_is_empty(const char *string)
{
    return !string || string[0] == 0;
}

/* The rest of `string` after `prefix`, or NULL. */
const char *text_after_prefix(const char *string, const char *prefix);
bool text_has_suffix(const char *string, const char *suffix);

/* A new string, or NULL when memory is short. */
char *text_format(const char *format, ...) _printf_(1, 2);

/* Everything that came from an image, a container, a registry or a file goes through this before a terminal sees
 * it: C0, C1, DEL, bidirectional controls and bytes that are not UTF-8 become \xNN, a backslash doubles.
 * `size` SIZE_MAX means up to the NUL. NULL when memory is short. */
char *text_escape(const char *string, size_t size);

/* Strict: whole string, decimal digits only (an optional leading '-' for the signed one), no white space.
 * -EINVAL malformed, -ERANGE above `max`. */
int text_parse_u64(const char *string, uint64_t max, uint64_t *ret);
int text_parse_i64(const char *string, int64_t min, int64_t max, int64_t *ret);
/* yes/no, true/false, on/off, 1/0, y/n, t/f as systemd reads them (systemd.syntax(7)). */
int text_parse_bool(const char *string, bool *ret);
/* Bytes with an optional K, M, G, T, P, E suffix to base 1024, optionally followed by B or iB; "infinity" and "max"
 * give UINT64_MAX. A fraction is allowed with a suffix ("1.5G"). */
int text_parse_size_bytes(const char *string, uint64_t *ret);
/* systemd.time(7) time spans: "90", "1min 30s", "250ms", "infinity" (UINT64_MAX); a bare number is seconds. */
int text_parse_timespan_usec(const char *string, uint64_t *ret);
char *text_format_timespan(uint64_t usec);
char *text_format_size(uint64_t size_bytes);

/* One path component that is safe to use as a name of ours: [A-Za-z0-9_+][A-Za-z0-9_+.-]*, at most
 * TEXT_NAME_MAX bytes. The one validity rule for every id that becomes part of a path. */
bool text_is_name(const char *string);
/* A host name as sethostname(2) and hostname(7) take it: labels of letters, digits and inner hyphens. */
bool text_is_hostname(const char *string);
bool text_is_utf8(const char *string, size_t size);

/* Splits at white space; "…" and '…' quote, a backslash escapes (\n, \t, \xNN and the character itself).
 * -EINVAL on an open quote. */
int text_split_words(const char *string, char ***ret);
/* The inverse: a word that text_split_words() reads back as it was. */
char *text_quote_word(const char *word);

/* The candidate that is nearest in edit distance and near enough to be meant, or NULL. Call text_nearest_consider()
 * for each candidate on a Nearest that starts zeroed. */
typedef struct Nearest {
    const char *best;
    unsigned distance;
} Nearest;
void text_nearest_consider(Nearest *nearest, const char *word, const char *candidate);

/* SIGTERM, TERM, 15, SIGRTMIN+3, RTMIN+3 → number. */
int text_parse_signal(const char *string, int *ret);
/* "SIGTERM"; a number in static storage is never needed: the caller owns the result. */
char *text_format_signal(int signal_number);
