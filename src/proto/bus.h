/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the D-Bus interface org.berth1 as data: interfaces, methods, properties, signals, errors, with a line of
 *       documentation each. What serves it, its introspection, policy files, manual page and tests follow from here.
 * Never does: talk to a bus. Pure.
 * Runs in: berthd. */

#include "proto/state.h"
#include "proto/tier.h"

#define BUS_NAME "org.berth1"
#define BUS_PATH "/org/berth1"

/* What a method does. A machine's Stop() and the manager's StopMachine() are one operation; the manager's takes the name
 * first. */
typedef enum BusOperation {
    BUS_GET_MACHINE,
    BUS_GET_MACHINE_BY_PID,
    BUS_LIST_MACHINES,
    BUS_DESCRIBE_MACHINE,
    BUS_GET_IMAGE,
    BUS_LIST_IMAGES,
    BUS_SUBSCRIBE,
    BUS_UNSUBSCRIBE,
    BUS_STOP,
    BUS_TERMINATE,
    BUS_KILL,
    BUS_PAUSE,
    BUS_RESUME,
    BUS_REMOVE_IMAGE,
    BUS_LOAD_IMAGE,
    BUS_START,
    BUS_REMOVE_CONTAINER,
    BUS_EXEC,
    BUS_OPEN_SHELL,
    BUS_OPEN_LOGIN,
    BUS_REGISTER,
    BUS_UNREGISTER,
    BUS_GET_VOLUME,
    BUS_LIST_VOLUMES,
    BUS_CREATE_VOLUME,
    BUS_REMOVE_VOLUME,
    _BUS_OPERATION_MAX,
} BusOperation;

typedef enum BusMethodFlags {
    BUS_METHOD_NAMED = 1 << 0,         /* the first argument names the machine, image or volume */
    BUS_METHOD_ENTERS = 1 << 1,        /* see TierFacts */
    BUS_METHOD_CONFIGURES = 1 << 2,    /* see TierFacts */
    BUS_METHOD_ON_IMAGE = 1 << 3,      /* about an image, not a machine */
    BUS_METHOD_ON_DEFINITION = 1 << 4, /* about a definition */
    BUS_METHOD_ON_VOLUME = 1 << 5,     /* about a volume */
} BusMethodFlags;

typedef struct BusMethod {
    const char *name;
    BusOperation operation;
    const char *in, *in_names; /* signature; one word for each complete type */
    const char *out, *out_names;
    BusTier least;
    unsigned flags;
    const char *doc;
} BusMethod;

typedef enum BusPropertyFlags {
    BUS_PROPERTY_CONST = 1 << 0,  /* never changes while the object lives */
    BUS_PROPERTY_PUBLIC = 1 << 1, /* for everybody; others see an empty value unless they are the owner or root */
} BusPropertyFlags;

typedef struct BusProperty {
    const char *name, *signature; /* s, as, t, b; u is a t that fits */
    const char *field;            /* of the object's record (machine_fields); NULL: the daemon knows it */
    unsigned flags;
    const char *doc;
} BusProperty;

typedef struct BusSignal {
    const char *name, *signature, *names, *doc;
} BusSignal;

typedef enum BusObject {
    BUS_OBJECT_MANAGER,
    BUS_OBJECT_MACHINE,
    BUS_OBJECT_IMAGE,
    BUS_OBJECT_VOLUME,
    _BUS_OBJECT_MAX
} BusObject;

typedef struct BusInterface {
    const char *name, *path; /* for machines, images and volumes the path's prefix */
    const BusMethod *methods;
    size_t methods_count;
    const BusProperty *properties;
    size_t properties_count;
    const BusSignal *signals;
    size_t signals_count;
    const char *doc;
} BusInterface;

/* By BusObject. */
extern const BusInterface bus_interfaces[_BUS_OBJECT_MAX];

/* NULL: no such method. */
const BusMethod *bus_method_find(BusObject object, const char *name);
const BusProperty *bus_property_find(BusObject object, const char *name);

/* org.berth1.Error.NAME and the errno that a program may think of. */
typedef struct BusErrorName {
    const char *name;
    int code;
    const char *doc;
} BusErrorName;

#define BUS_ERROR_PREFIX             BUS_NAME ".Error."
#define BUS_ERROR_NO_SUCH_MACHINE    BUS_ERROR_PREFIX "NoSuchMachine"
#define BUS_ERROR_MACHINE_EXISTS     BUS_ERROR_PREFIX "MachineExists"
#define BUS_ERROR_NO_SUCH_IMAGE      BUS_ERROR_PREFIX "NoSuchImage"
#define BUS_ERROR_NO_SUCH_VOLUME     BUS_ERROR_PREFIX "NoSuchVolume"
#define BUS_ERROR_NO_SUCH_DEFINITION BUS_ERROR_PREFIX "NoSuchDefinition"
#define BUS_ERROR_NOT_IN_MACHINE     BUS_ERROR_PREFIX "NoMachineForPID"
#define BUS_ERROR_TOO_MANY           BUS_ERROR_PREFIX "TooManyRequests"
#define BUS_ERROR_FAILED             BUS_ERROR_PREFIX "Failed"

extern const BusErrorName bus_error_names[];
extern const size_t bus_error_names_count;

/* All of it as JSON, for checks and programs; new reference, NULL: no memory. */
json_t *bus_build_introspection(void);
