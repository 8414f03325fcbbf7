/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proto/health.h"

#include "proto/line.h"

size_t health_record_format(const HealthRecord *record, char *buffer, size_t room)
{
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"schema", 1},
        {"health_failing", record->failing},
        {"health_code", record->code},
        {"health_started_usec", record->started_usec},
        {"health_ended_usec", record->ended_usec},
    };
    Line line = {.data = buffer, .room = room};

    line_put_string(&line, "{\"health_status\":\"");
    line_put_string(&line, record->status);
    line_put_string(&line, "\"");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        line_put_string(&line, ",\"");
        line_put_string(&line, numbers[i].name);
        line_put_string(&line, "\":");
        line_put_number(&line, numbers[i].value);
    }
    line_put_string(&line, ",\"health_output\":\"");
    line_put_value(&line, record->output ? record->output : "", true);
    line_put_string(&line, "\"}\n");
    return line.is_short ? 0 : line.size;
}
