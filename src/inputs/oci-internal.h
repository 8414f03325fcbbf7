/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the files that read an OCI configuration share: a row for each property, and the walk over them. Private to
 *       inputs/.
 * Never does: I/O.
 * Runs in: fat programs; pure. */

#include "spec/spec.h"

#include <jansson.h>

typedef struct OciReader {
    SpecLayer *layer;
    char **notices;
    const char *bundle_path;
} OciReader;

typedef enum OciKind {
    OCI_OBJECT,  /* of these fields */
    OCI_BOOLEAN, /* to the setting at `offset`, as are the next four */
    OCI_TEXT,    /* an empty one says nothing */
    OCI_NUMBER,
    OCI_LIST,
    OCI_WORDS,     /* a command line: empty is a command line, too */
    OCI_READ,      /* by a function of its own */
    OCI_ELSEWHERE, /* read by somebody else */
    OCI_REFUSED,   /* cannot be honoured: an error where it asks for anything */
} OciKind;

typedef struct OciField OciField;

struct OciField {
    const char *name;
    OciKind kind;
    bool is_required;
    size_t offset; /* in ContainerSpec */
    const OciField *fields;
    size_t fields_count;
    int (*read)(OciReader *reader, const json_t *value, const char *pointer, Error *error);
};

#define OCI_FIELDS(array) .fields = array, .fields_count = ELEMENTSOF(array)

/* Pointers are JSON pointers behind "config.json#"; they are the beginning of every error's text. Texts are borrowed of the
 * value, lists belong to the caller. Everything gives 0 or a negative errno with a text. */
int oci_wrong(const char *pointer, const char *wanted, Error *error);
int oci_add(OciReader *reader, size_t offset, const char *value, const char *pointer);
int oci_read_text(const json_t *value, const char *pointer, const char **ret, Error *error);
int oci_read_number(const json_t *value, const char *pointer, int64_t *ret, Error *error);
int oci_read_texts(const json_t *value, const char *pointer, char ***ret, Error *error);
int oci_read_object(OciReader *reader, const json_t *object, const OciField *fields, size_t count, const char *pointer,
                    Error *error);
int oci_read_array(OciReader *reader, const json_t *array,
                   int (*read)(OciReader *reader, const json_t *value, const char *pointer, Error *error),
                   const char *pointer, Error *error);

/* oci-process.c, oci-linux.c, oci-resources.c */
int oci_read_process(OciReader *reader, const json_t *value, const char *pointer, Error *error);
int oci_read_hooks(OciReader *reader, const json_t *value, const char *pointer, Error *error);
int oci_read_linux(OciReader *reader, const json_t *value, const char *pointer, Error *error);
int oci_read_resources(OciReader *reader, const json_t *value, const char *pointer, Error *error);
