/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the program's messages on stderr, and the only mutable file-scope state (its name and level).
 * Never does: print unescaped text. Libraries log at debug level only.
 * Runs in: the programs on the host side. */

#include "base/error.h"

typedef enum LogLevel { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG } LogLevel;

void log_set_program(const char *name);
void log_set_level(LogLevel level);

/* The whole line is escaped, so arguments may be hostile. */
void log_message(LogLevel level, const char *format, ...) _printf_(2, 3);
#define log_error(...)   log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* "PROGRAM: TEXT" and "PROGRAM: hint: HINT" on stderr; `code` speaks when the Error holds no text. */
void error_report(const Error *error, int code);
