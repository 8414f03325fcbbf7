/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the tables of proto/ to objects on the bus, and from a message to the function that serves it. */

#include "daemon/daemon.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "spec/widening.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What an operation is: reads its arguments, and does it. Its row in proto/ says what it may do. */
typedef struct Operation {
    int (*run)(Request *request);
    int (*read_arguments)(Request *request); /* behind the name; NULL: there are none, or it does so itself */
} Operation;

static const Operation operations[_BUS_OPERATION_MAX] = {
    [BUS_GET_MACHINE] = {method_get_machine, NULL},
    [BUS_GET_MACHINE_BY_PID] = {method_get_machine_by_pid, NULL},
    [BUS_LIST_MACHINES] = {method_list_machines, NULL},
    [BUS_DESCRIBE_MACHINE] = {method_describe_machine, NULL},
    [BUS_GET_IMAGE] = {method_get_image, NULL},
    [BUS_LIST_IMAGES] = {method_list_images, NULL},
    [BUS_SUBSCRIBE] = {method_subscribe, NULL},
    [BUS_UNSUBSCRIBE] = {method_unsubscribe, NULL},
    [BUS_STOP] = {method_stop, arguments_stop},
    [BUS_TERMINATE] = {method_terminate, NULL},
    [BUS_KILL] = {method_kill, arguments_kill},
    [BUS_PAUSE] = {method_pause, NULL},
    [BUS_RESUME] = {method_resume, NULL},
    [BUS_REMOVE_IMAGE] = {method_remove_image, arguments_force},
    [BUS_LOAD_IMAGE] = {method_load_image, arguments_load},
    [BUS_START] = {method_start, NULL},
    [BUS_REMOVE_CONTAINER] = {method_remove_container, arguments_force},
    [BUS_REGISTER] = {method_register, arguments_register},
    [BUS_UNREGISTER] = {method_unregister, NULL},
    [BUS_EXEC] = {method_exec, arguments_exec},
    [BUS_OPEN_SHELL] = {method_open_shell, arguments_shell},
    [BUS_OPEN_LOGIN] = {method_open_login, NULL},
    [BUS_GET_VOLUME] = {method_get_volume, NULL},
    [BUS_LIST_VOLUMES] = {method_list_volumes, NULL},
    [BUS_CREATE_VOLUME] = {method_create_volume, NULL},
    [BUS_REMOVE_VOLUME] = {method_remove_volume, NULL},
};

int bus_reply_error(sd_bus_message *message, const char *name, const char *format, ...)
{
    _cleanup_free_ char *text = NULL, *escaped = NULL;
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (r < 0) {
        text = NULL;
        return -ENOMEM;
    }
    escaped = text_escape(text, SIZE_MAX);
    return escaped ? sd_bus_reply_method_errorf(message, name, "%s", escaped) : -ENOMEM;
}

int bus_reply_failure(sd_bus_message *message, int code, const Error *error)
{
    const char *text = error && error->text ? error->text : strerror(-code);
    const char *name = code == -EINVAL       ? SD_BUS_ERROR_INVALID_ARGS
                       : code == -EOPNOTSUPP ? SD_BUS_ERROR_NOT_SUPPORTED
                                             : BUS_ERROR_FAILED;

    return error && error->hint ? bus_reply_error(message, name, "%s (%s)", text, error->hint)
                                : bus_reply_error(message, name, "%s", text);
}

/* The name of what the call is about: the object's, or the first argument. */
static int read_name(Request *request)
{
    const char *text = NULL;
    int r;

    if (request->object != BUS_OBJECT_MANAGER)
        return sd_bus_path_decode(sd_bus_message_get_path(request->message), bus_interfaces[request->object].path,
                                  &request->name) > 0
                   ? 0
                   : -EINVAL;
    if (!(request->method->flags & BUS_METHOD_NAMED))
        return 0;
    r = sd_bus_message_read(request->message, "s", &text);
    if (r < 0)
        return r;
    request->name = strdup(text);
    return request->name ? 0 : -ENOMEM;
}

/* What the call is about, as far as it is there. */
static void look_up(Request *request)
{
    Daemon *daemon = request->daemon;
    _cleanup_store_image_ StoreImage *image = NULL;

    machine_free(TAKE_PTR(daemon->machine));
    if (!request->name)
        return;
    if (request->method->flags & BUS_METHOD_ON_IMAGE)
        request->has_image = object_load_image(daemon, request->name, &image, NULL) == 0;
    else if (request->method->flags & BUS_METHOD_ON_VOLUME)
        request->has_volume = object_has_volume(daemon, request->name);
    else if (request->method->flags & BUS_METHOD_ON_DEFINITION)
        (void) definition_look_up(request);
    else
        (void) roster_load(daemon->roster, request->name, &daemon->machine, NULL);
}

/* Whether the configuration that the call is about leads nowhere to the host. A machine's record does not tell all that would
 * have to be known for that: to enter one takes root's rights. */
static bool is_isolated(const Request *request)
{
    _cleanup_strv_ char **reasons = NULL;

    return request->definition && spec_list_widening(request->definition, &reasons) == 0 && !reasons;
}

static TierFacts gather_facts(const Request *request)
{
    const BusMethod *method = request->method;
    const Machine *machine = request->daemon->machine;

    return (TierFacts){
        /* To unregister what is not there is to do nothing, and names are for everybody. */
        .least = method->operation == BUS_UNREGISTER && !machine ? BUS_TIER_READ : method->least,
        .is_own = machine && caller_owns(request->caller, (uid_t) machine->owner),
        .is_foreign = machine && machine->foreign,
        .is_about = request->name != NULL,
        .is_missing = !machine && !request->has_image && !request->has_volume && !request->definition,
        .enters = method->flags & BUS_METHOD_ENTERS,
        .configures = method->flags & BUS_METHOD_CONFIGURES,
        .is_isolated = is_isolated(request),
    };
}

/* The typed request, whole, before anybody is asked whether it may be. */
static int read_request(Request *request)
{
    const Operation *operation = &operations[request->method->operation];
    int r = read_name(request);

    if (r >= 0 && operation->read_arguments)
        r = operation->read_arguments(request);
    return r < 0 ? r : 0;
}

/* -errno when there is no answer yet. */
static int serve(Request *request, BusTier granted)
{
    TierFacts facts;
    int r = read_request(request);

    if (r < 0)
        return r == -ENOMEM ? r
                            : bus_reply_error(request->message, SD_BUS_ERROR_INVALID_ARGS, "Not a valid request for %s",
                                              request->method->name);
    look_up(request);
    facts = gather_facts(request);
    r = authorize(request, required_tier(&facts), granted);
    return r <= 0 ? r : operations[request->method->operation].run(request);
}

static void request_done(Request *request)
{
    free(request->name);
    strv_free(request->argv);
    strv_free(request->environment);
    container_spec_free(request->definition);
    error_done(&request->problem);
}

int bus_dispatch(Daemon *daemon, BusObject object, sd_bus_message *message, BusTier granted)
{
    _cleanup_caller_ Caller caller = {.uid = (uid_t) -1};
    Request request = {
        .daemon = daemon,
        .message = message,
        .object = object,
        .method = bus_method_find(object, sd_bus_message_get_member(message)),
        .fds = {-EBADF, -EBADF, -EBADF},
        .caller = &caller,
    };
    int r;

    idle_touch(daemon);
    r = request.method ? caller_identify(daemon, message, &caller) : -EBADR;
    if (r == -ESRCH) /* nobody is there to hear an answer */
        return 1;
    if (r == 0)
        r = serve(&request, granted);
    request_done(&request);
    if (r < 0)
        return sd_bus_reply_method_errno(message, r, NULL);
    return 1;
}

static int on_manager_call(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    (void) ret_error;
    return bus_dispatch(userdata, BUS_OBJECT_MANAGER, message, BUS_TIER_READ);
}

static int on_machine_call(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    (void) ret_error;
    return bus_dispatch(userdata, BUS_OBJECT_MACHINE, message, BUS_TIER_READ);
}

static int on_image_call(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    (void) ret_error;
    return bus_dispatch(userdata, BUS_OBJECT_IMAGE, message, BUS_TIER_READ);
}

static int on_volume_call(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    (void) ret_error;
    return bus_dispatch(userdata, BUS_OBJECT_VOLUME, message, BUS_TIER_READ);
}

/* Names of arguments as sd-bus wants them: each with its NUL, those of the results behind. */
static const char *join_names(const char *in, const char *out)
{
    Buffer buffer = {};

    for (int pass = 0; pass < 2; pass++)
        for (const char *word = pass == 0 ? in : out; *word;) {
            size_t length = strcspn(word, " ");

            buffer_append(&buffer, word, length);
            buffer_append(&buffer, "", 1);
            word += length + strspn(word + length, " ");
        }
    buffer_append(&buffer, "", 1);
    return buffer_take(&buffer);
}

static void vtable_free(sd_bus_vtable *vtable)
{
    for (sd_bus_vtable *row = vtable; row && row->type != _SD_BUS_VTABLE_END; row++)
        if (row->type == _SD_BUS_VTABLE_METHOD)
            free((char *) (uintptr_t) row->x.method.names);
        else if (row->type == _SD_BUS_VTABLE_SIGNAL)
            free((char *) (uintptr_t) row->x.signal.names);
    free(vtable);
}
DEFINE_CLEANUP(sd_bus_vtable *, vtable_free)

void bus_free_objects(Daemon *daemon)
{
    for (BusObject object = 0; object < _BUS_OBJECT_MAX; object++)
        vtable_free(TAKE_PTR(daemon->vtables[object]));
}

static sd_bus_vtable *build_vtable(const BusInterface *interface, sd_bus_message_handler_t handler)
{
    const sd_bus_vtable start = SD_BUS_VTABLE_START(0), end = SD_BUS_VTABLE_END;
    size_t count = interface->methods_count + interface->properties_count + interface->signals_count, n = 0;
    _cleanup_(vtable_freep) sd_bus_vtable *vtable = calloc(count + 2, sizeof(*vtable));

    if (!vtable)
        return NULL;
    for (size_t i = 0; i < count + 2; i++)
        vtable[i] = end;
    vtable[n++] = start;
    for (size_t i = 0; i < interface->methods_count; i++) {
        const BusMethod *m = &interface->methods[i];

        vtable[n] = (sd_bus_vtable){.type = _SD_BUS_VTABLE_METHOD, .flags = SD_BUS_VTABLE_UNPRIVILEGED};
        vtable[n].x.method.member = m->name;
        vtable[n].x.method.signature = m->in;
        vtable[n].x.method.result = m->out;
        vtable[n].x.method.handler = handler;
        vtable[n].x.method.names = join_names(m->in_names, m->out_names);
        if (!vtable[n++].x.method.names)
            return NULL;
    }
    for (size_t i = 0; i < interface->properties_count; i++) {
        const BusProperty *p = &interface->properties[i];

        vtable[n] = (sd_bus_vtable){.type = _SD_BUS_VTABLE_PROPERTY,
                                    .flags = p->flags & BUS_PROPERTY_CONST ? SD_BUS_VTABLE_PROPERTY_CONST : 0};
        vtable[n].x.property.member = p->name;
        vtable[n].x.property.signature = p->signature;
        vtable[n++].x.property.get = object_get_property;
    }
    for (size_t i = 0; i < interface->signals_count; i++) {
        const BusSignal *s = &interface->signals[i];

        vtable[n] = (sd_bus_vtable){.type = _SD_BUS_VTABLE_SIGNAL};
        vtable[n].x.signal.member = s->name;
        vtable[n].x.signal.signature = s->signature;
        vtable[n].x.signal.names = join_names(s->names, "");
        if (!vtable[n++].x.signal.names)
            return NULL;
    }
    return TAKE_PTR(vtable);
}

int bus_add_objects(Daemon *daemon)
{
    static const sd_bus_message_handler_t handlers[_BUS_OBJECT_MAX] = {
        [BUS_OBJECT_MANAGER] = on_manager_call,
        [BUS_OBJECT_MACHINE] = on_machine_call,
        [BUS_OBJECT_IMAGE] = on_image_call,
        [BUS_OBJECT_VOLUME] = on_volume_call,
    };

    for (BusObject object = 0; object < _BUS_OBJECT_MAX; object++) {
        const BusInterface *interface = &bus_interfaces[object];
        /* sd-bus keeps the pointer. */
        const sd_bus_vtable *vtable = daemon->vtables[object] = build_vtable(interface, handlers[object]);
        int r = !vtable ? -ENOMEM
                : object == BUS_OBJECT_MANAGER
                    ? sd_bus_add_object_vtable(daemon->bus, NULL, interface->path, interface->name, vtable, daemon)
                    : sd_bus_add_fallback_vtable(daemon->bus, NULL, interface->path, interface->name, vtable,
                                                 object_find, daemon);

        if (r >= 0 && object != BUS_OBJECT_MANAGER)
            r = sd_bus_add_node_enumerator(daemon->bus, NULL, interface->path, object_enumerate, daemon);
        if (r < 0)
            return r;
    }
    return 0;
}
