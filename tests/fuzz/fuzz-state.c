/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* State files and exit records: what is read is written so that it reads the same, with what we do not know. */
#include "fuzz.h"

#include "proto/state.h"

static json_t *build(const Machine *machine)
{
    json_t *json = json_fields_build(machine, machine_fields, machine_fields_count);

    FUZZ_ASSERT(json);
    if (machine->unknown)
        FUZZ_ASSERT(json_object_update_missing(json, machine->unknown) == 0);
    return json;
}

static int read_machine(json_t *json, Machine **ret)
{
    _cleanup_(machine_freep) Machine *machine = calloc(1, sizeof(Machine));
    _cleanup_error_ Error error = {};

    FUZZ_ASSERT(machine);
    if (json_fields_read(json, machine_fields, machine_fields_count, machine, &machine->unknown, &error) < 0) {
        FUZZ_ASSERT(error.text);
        return -1;
    }
    *ret = TAKE_PTR(machine);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_json_ json_t *json = NULL, *built = NULL, *rebuilt = NULL;
    _cleanup_(machine_freep) Machine *machine = NULL, *again = NULL;
    _cleanup_error_ Error error = {};
    MachineExit record = {};

    if (json_parse_object((const char *) data, size, &json, &error) < 0) {
        FUZZ_ASSERT(error.text);
        return 0;
    }
    (void) json_fields_read(json, machine_exit_fields, machine_exit_fields_count, &record, NULL, NULL);
    if (read_machine(json, &machine) < 0)
        return 0;
    built = build(machine);
    FUZZ_ASSERT(read_machine(built, &again) == 0);
    rebuilt = build(again);
    FUZZ_ASSERT(json_equal(built, rebuilt));
    /* Nothing that was there is gone. */
    FUZZ_ASSERT(json_object_size(built) >= json_object_size(json));
    return 0;
}
