/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interface tables are whole and agree with the record that they tell of. */
#include "proto/bus.h"

#include "test.h"

static void test_every_operation_has_a_method(void)
{
    for (BusOperation operation = 0; operation < _BUS_OPERATION_MAX; operation++) {
        unsigned found = 0;

        for (BusObject object = 0; object < _BUS_OBJECT_MAX; object++)
            for (size_t i = 0; i < bus_interfaces[object].methods_count; i++)
                found += bus_interfaces[object].methods[i].operation == operation;
        if (found == 0)
            TEST_FAIL("no method does operation %d", (int) operation);
    }
}

static void test_methods(void)
{
    for (BusObject object = 0; object < _BUS_OBJECT_MAX; object++)
        for (size_t i = 0; i < bus_interfaces[object].methods_count; i++) {
            const BusMethod *method = &bus_interfaces[object].methods[i];

            ASSERT_TRUE(bus_method_find(object, method->name) == method); /* and no other of its name */
            ASSERT_TRUE(method->doc[0] != 0 && method->least < _BUS_TIER_MAX);
            if (method->flags & BUS_METHOD_NAMED)
                ASSERT_TRUE(object == BUS_OBJECT_MANAGER && strncmp(method->in_names, "name", 4) == 0 &&
                            method->in[0] == 's');
        }
    ASSERT_NULL(bus_method_find(BUS_OBJECT_MANAGER, "NoSuchMethod"));
    ASSERT_NULL(bus_method_find(BUS_OBJECT_MACHINE, "GetMachine"));
}

/* A machine's method and the manager's for the same operation ask for the same. */
static void test_both_ways_ask_the_same(void)
{
    for (size_t i = 0; i < bus_interfaces[BUS_OBJECT_MANAGER].methods_count; i++) {
        const BusMethod *manager = &bus_interfaces[BUS_OBJECT_MANAGER].methods[i];

        for (BusObject object = BUS_OBJECT_MACHINE; object < _BUS_OBJECT_MAX; object++)
            for (size_t k = 0; k < bus_interfaces[object].methods_count; k++) {
                const BusMethod *own = &bus_interfaces[object].methods[k];

                if (own->operation != manager->operation)
                    continue;
                ASSERT_EQ(own->least, manager->least);
                ASSERT_EQ(own->flags | BUS_METHOD_NAMED, manager->flags);
                ASSERT_STREQ(own->in, manager->in + 1); /* the name goes before */
                ASSERT_STREQ(own->out, manager->out);
            }
    }
}

static JsonFieldType type_of(char letter)
{
    switch (letter) {
    case 's':
        return JSON_FIELD_STRING;
    case 'a':
        return JSON_FIELD_LIST;
    case 'b':
        return JSON_FIELD_BOOL;
    default:
        return JSON_FIELD_U64;
    }
}

static void test_properties_are_fields(void)
{
    for (size_t i = 0; i < bus_interfaces[BUS_OBJECT_MACHINE].properties_count; i++) {
        const BusProperty *property = &bus_interfaces[BUS_OBJECT_MACHINE].properties[i];
        const JsonField *field = NULL;

        if (!property->field)
            continue;
        for (size_t k = 0; k < machine_fields_count; k++)
            if (strcmp(machine_fields[k].name, property->field) == 0)
                field = &machine_fields[k];
        if (!field)
            TEST_FAIL("%s: the record has no '%s'", property->name, property->field);
        if (field->type != type_of(property->signature[0]))
            TEST_FAIL("%s: '%s' is of another type", property->name, property->field);
    }
}

/* What is not for everybody: a new property is hidden until somebody says that it may be seen. */
static void test_only_names_and_states_are_public(void)
{
    for (size_t i = 0; i < bus_interfaces[BUS_OBJECT_MACHINE].properties_count; i++) {
        const BusProperty *property = &bus_interfaces[BUS_OBJECT_MACHINE].properties[i];

        if (property->flags & BUS_PROPERTY_PUBLIC)
            ASSERT_TRUE(strstr(" Name Class State Owner ", property->name) != NULL);
    }
}

static void test_introspection(void)
{
    json_t *json = bus_build_introspection();

    ASSERT_NOT_NULL(json);
    ASSERT_EQ(json_array_size(json_object_get(json, "interfaces")), _BUS_OBJECT_MAX);
    ASSERT_EQ(json_array_size(json_object_get(json, "actions")), 4);
    ASSERT_EQ(json_array_size(json_object_get(json, "errors")), bus_error_names_count);
    json_decref(json);
}

int main(void)
{
    TEST_RUN(test_every_operation_has_a_method);
    TEST_RUN(test_methods);
    TEST_RUN(test_both_ways_ask_the_same);
    TEST_RUN(test_properties_are_fields);
    TEST_RUN(test_only_names_and_states_are_public);
    TEST_RUN(test_introspection);
    return test_finish();
}
