/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proto/bus.h"

#include <errno.h>
#include <string.h>

/* clang-format off */
static const BusMethod manager_methods[] = {
    {"GetMachine", BUS_GET_MACHINE, "s", "name", "o", "machine", BUS_TIER_READ, BUS_METHOD_NAMED,
     "the object of a running machine"},
    {"GetMachineByPID", BUS_GET_MACHINE_BY_PID, "u", "pid", "o", "machine", BUS_TIER_READ, 0,
     "the object of the machine that a process belongs to; 0 is the caller"},
    {"ListMachines", BUS_LIST_MACHINES, "", "", "a(ssssuo)", "machines", BUS_TIER_READ, 0,
     "the running machines: name, class, state, image, owner, object; the image only of those that the caller may see"},
    {"DescribeMachine", BUS_DESCRIBE_MACHINE, "s", "name", "s", "json", BUS_TIER_INSPECT, BUS_METHOD_NAMED,
     "the whole record of a machine as JSON, as 'berthctl show -o json' prints it"},
    {"GetImage", BUS_GET_IMAGE, "s", "name", "o", "image", BUS_TIER_READ, BUS_METHOD_NAMED | BUS_METHOD_ON_IMAGE,
     "the object of an image, by name or ID"},
    {"ListImages", BUS_LIST_IMAGES, "", "", "a(ssstto)", "images", BUS_TIER_READ, 0,
     "the images: reference, ID, manifest digest, when loaded, bytes, object"},
    {"Subscribe", BUS_SUBSCRIBE, "", "", "", "", BUS_TIER_READ, 0,
     "keeps the daemon running, and so its signals coming, while the caller is on the bus"},
    {"Unsubscribe", BUS_UNSUBSCRIBE, "", "", "", "", BUS_TIER_READ, 0, "takes Subscribe() back"},
    {"StopMachine", BUS_STOP, "st", "name timeout", "", "", BUS_TIER_MANAGE, BUS_METHOD_NAMED,
     "stops a machine in order and answers when it has ended; what is left after timeout microseconds is killed, "
     "18446744073709551615 is the machine's own timeout"},
    {"TerminateMachine", BUS_TERMINATE, "s", "name", "", "", BUS_TIER_MANAGE, BUS_METHOD_NAMED,
     "ends a machine at once and answers when it has ended"},
    {"KillMachine", BUS_KILL, "ssi", "name whom signal", "", "", BUS_TIER_MANAGE, BUS_METHOD_NAMED,
     "sends a signal to a machine's leader, its supervisor, or all of its processes"},
    {"PauseMachine", BUS_PAUSE, "s", "name", "", "", BUS_TIER_MANAGE, BUS_METHOD_NAMED,
     "freezes a machine's processes and answers when they stand still"},
    {"ResumeMachine", BUS_RESUME, "s", "name", "", "", BUS_TIER_MANAGE, BUS_METHOD_NAMED,
     "lets a paused machine go on"},
    {"StartMachine", BUS_START, "s", "name", "", "", BUS_TIER_MANAGE,
     BUS_METHOD_NAMED | BUS_METHOD_CONFIGURES | BUS_METHOD_ON_DEFINITION,
     "starts a container by its definition, as 'berthctl start' does, and answers when it runs"},
    {"RegisterMachine", BUS_REGISTER, "sssssh", "name class service root id leader", "o", "machine", BUS_TIER_REGISTER, 0,
     "adds a process that is no container of Berth's, by its pidfd, to the machines until it ends: of the class container, with "
     "a name of who runs it and, if there are any, an absolute root directory and an ID of 64 hexadecimal digits. It must be the "
     "caller's own, and in a user namespace of its own unless the caller is root"},
    {"UnregisterMachine", BUS_UNREGISTER, "s", "name", "", "", BUS_TIER_MANAGE, BUS_METHOD_NAMED,
     "takes RegisterMachine() back; when there is no such machine there is nothing to do"},
    {"RemoveContainer", BUS_REMOVE_CONTAINER, "sb", "name force", "", "", BUS_TIER_MANAGE, BUS_METHOD_NAMED,
     "removes a stopped container with its definition and what it wrote; with force a running one is stopped first"},
    {"Exec", BUS_EXEC, "sssasashhh", "name user directory argv environment input output errors", "i", "status",
     BUS_TIER_MANAGE, BUS_METHOD_NAMED | BUS_METHOD_ENTERS,
     "runs a program in a machine with the caller's files as its streams, and answers with its exit status when it has ended; an "
     "empty user or directory is the machine's own"},
    {"OpenShell", BUS_OPEN_SHELL, "ssasas", "name user argv environment", "h", "terminal", BUS_TIER_MANAGE,
     BUS_METHOD_NAMED | BUS_METHOD_ENTERS,
     "runs a program, or a login shell when argv is empty, on a new terminal in a machine and returns the terminal's other side"},
    {"OpenLogin", BUS_OPEN_LOGIN, "s", "name", "h", "terminal", BUS_TIER_MANAGE, BUS_METHOD_NAMED | BUS_METHOD_ENTERS,
     "asks the service manager of a booted machine for a login prompt on a new terminal and returns the terminal's other side"},
    {"LoadImage", BUS_LOAD_IMAGE, "hs", "archive reference", "", "", BUS_TIER_ROOT, 0,
     "loads images from an archive, as 'berthctl load' does; with a reference that is the image's name"},
    {"RemoveImage", BUS_REMOVE_IMAGE, "sb", "name force", "asas", "untagged deleted", BUS_TIER_MANAGE,
     BUS_METHOD_NAMED | BUS_METHOD_ON_IMAGE,
     "removes a name of an image and, when it was the last, the image; an ID that has several names needs force. Returns the "
     "names and IDs that are gone"},
    {"GetVolume", BUS_GET_VOLUME, "s", "name", "o", "volume", BUS_TIER_READ, BUS_METHOD_NAMED | BUS_METHOD_ON_VOLUME,
     "the object of a named volume"},
    {"ListVolumes", BUS_LIST_VOLUMES, "", "", "a(sbto)", "volumes", BUS_TIER_READ, 0,
     "the named volumes: name, whether a running container uses it, when it was made, object"},
    {"CreateVolume", BUS_CREATE_VOLUME, "s", "name", "o", "volume", BUS_TIER_MANAGE, BUS_METHOD_NAMED | BUS_METHOD_ON_VOLUME,
     "makes an empty volume; when there is one of that name there is nothing to do"},
    {"RemoveVolume", BUS_REMOVE_VOLUME, "s", "name", "", "", BUS_TIER_MANAGE, BUS_METHOD_NAMED | BUS_METHOD_ON_VOLUME,
     "removes a volume and what is in it, unless a container uses it or a definition mounts it"},
};

static const BusProperty manager_properties[] = {
    {"Version", "s", NULL, BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "the daemon's version"},
    {"MachineCount", "u", NULL, BUS_PROPERTY_PUBLIC, "how many machines run"},
};

static const BusSignal manager_signals[] = {
    {"MachineNew", "so", "name machine", "a machine was started or registered"},
    {"MachineRemoved", "so", "name machine", "a machine has ended, and what it used is free again"},
    {"MachineChanged", "so", "name machine", "a machine's record has changed: its program has begun to run, for example"},
    {"ImageNew", "so", "reference image", "a name of an image appeared or means another image now"},
    {"ImageRemoved", "so", "reference image", "a name of an image is gone"},
    {"VolumeNew", "so", "name volume", "a volume was made"},
    {"VolumeRemoved", "so", "name volume", "a volume is gone"},
};

static const BusMethod machine_methods[] = {
    {"Describe", BUS_DESCRIBE_MACHINE, "", "", "s", "json", BUS_TIER_INSPECT, 0, "as DescribeMachine()"},
    {"Stop", BUS_STOP, "t", "timeout", "", "", BUS_TIER_MANAGE, 0, "as StopMachine()"},
    {"Terminate", BUS_TERMINATE, "", "", "", "", BUS_TIER_MANAGE, 0, "as TerminateMachine()"},
    {"Kill", BUS_KILL, "si", "whom signal", "", "", BUS_TIER_MANAGE, 0, "as KillMachine()"},
    {"Pause", BUS_PAUSE, "", "", "", "", BUS_TIER_MANAGE, 0, "as PauseMachine()"},
    {"Resume", BUS_RESUME, "", "", "", "", BUS_TIER_MANAGE, 0, "as ResumeMachine()"},
    {"Exec", BUS_EXEC, "ssasashhh", "user directory argv environment input output errors", "i", "status", BUS_TIER_MANAGE,
     BUS_METHOD_ENTERS, "as the manager's"},
    {"OpenShell", BUS_OPEN_SHELL, "sasas", "user argv environment", "h", "terminal", BUS_TIER_MANAGE, BUS_METHOD_ENTERS,
     "as the manager's"},
    {"OpenLogin", BUS_OPEN_LOGIN, "", "", "h", "terminal", BUS_TIER_MANAGE, BUS_METHOD_ENTERS, "as the manager's"},
};

static const BusProperty machine_properties[] = {
    {"Name", "s", "name", BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "its name"},
    {"Class", "s", NULL, BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "container"},
    {"State", "s", NULL, BUS_PROPERTY_PUBLIC, "starting, running, paused or unsupervised"},
    {"Owner", "u", NULL, BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "user ID of whom it belongs to"},
    {"Service", "s", "service", BUS_PROPERTY_CONST, "what registered it; empty for a container of Berth's"},
    {"Id", "s", "id", BUS_PROPERTY_CONST, "64 hexadecimal digits, made at each start"},
    {"Image", "s", "image", BUS_PROPERTY_CONST, "the image that it was started from, as it was named; empty for a directory"},
    {"ImageId", "s", "image_id", BUS_PROPERTY_CONST, "the ID of that image"},
    {"RootDirectory", "s", "directory", BUS_PROPERTY_CONST, "the directory that it was started from, or was said to be in; empty for an image"},
    {"Command", "as", "command", BUS_PROPERTY_CONST, "the program that it runs, with arguments"},
    {"User", "s", "user", BUS_PROPERTY_CONST, "the user inside that the program was started as"},
    {"Unit", "s", "unit", BUS_PROPERTY_CONST, "its systemd unit; empty without systemd"},
    {"ControlGroup", "s", "cgroup", 0, "its control group; empty without"},
    {"Leader", "u", "leader", 0, "process ID of its first process; 0 while it starts"},
    {"LeaderPIDFDId", "t", "leader_pidfd_id", 0, "inode number of the leader's pidfd; 0 where the kernel has none"},
    {"Supervisor", "u", "supervisor", 0, "process ID of its supervisor"},
    {"CreatedTimestamp", "t", "created_usec", BUS_PROPERTY_CONST, "when the start began, microseconds of CLOCK_REALTIME"},
    {"Timestamp", "t", "started_usec", 0, "when its program began to run; 0 while it starts"},
    {"TimeoutStopUSec", "t", "stop_timeout_usec", BUS_PROPERTY_CONST, "how long an orderly stop waits before it kills"},
    {"StopSignal", "u", "stop_signal", BUS_PROPERTY_CONST, "the signal that asks it to stop"},
    {"Boot", "b", "boot", BUS_PROPERTY_CONST, "whether it boots a system of its own"},
    {"LogDriver", "s", "log", BUS_PROPERTY_CONST, "where its output goes: journald, file, none or passthrough"},
};

static const BusMethod image_methods[] = {
    {"Remove", BUS_REMOVE_IMAGE, "b", "force", "asas", "untagged deleted", BUS_TIER_MANAGE, BUS_METHOD_ON_IMAGE,
     "as RemoveImage()"},
};

static const BusProperty image_properties[] = {
    {"References", "as", NULL, BUS_PROPERTY_PUBLIC, "the names of the image"},
    {"Id", "s", NULL, BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "the digest of its configuration"},
    {"Manifest", "s", NULL, BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "the digest of its manifest"},
    {"LoadedTimestamp", "t", NULL, BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "when it was loaded, microseconds of CLOCK_REALTIME"},
    {"SizeBytes", "t", NULL, BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "the content of its layers, unpacked"},
    {"Layers", "as", NULL, BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "the DiffIDs of its layers, lowest first"},
};

static const BusMethod volume_methods[] = {
    {"Remove", BUS_REMOVE_VOLUME, "", "", "", "", BUS_TIER_MANAGE, BUS_METHOD_ON_VOLUME, "as RemoveVolume()"},
};

static const BusProperty volume_properties[] = {
    {"Name", "s", NULL, BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "its name"},
    {"Used", "b", NULL, BUS_PROPERTY_PUBLIC, "whether a running container uses it"},
    {"CreatedTimestamp", "t", NULL, BUS_PROPERTY_CONST | BUS_PROPERTY_PUBLIC, "when it was made, microseconds of CLOCK_REALTIME; 0 where that is not known"},
    {"Path", "s", NULL, BUS_PROPERTY_CONST, "where its files are on the host"},
};

const BusInterface bus_interfaces[] = {
    [BUS_OBJECT_MANAGER] = {BUS_NAME ".Manager", BUS_PATH,
        manager_methods, ELEMENTSOF(manager_methods), manager_properties, ELEMENTSOF(manager_properties),
        manager_signals, ELEMENTSOF(manager_signals), "running machines, images, and what can be done with them"},
    [BUS_OBJECT_MACHINE] = {BUS_NAME ".Machine", BUS_PATH "/machine",
        machine_methods, ELEMENTSOF(machine_methods), machine_properties, ELEMENTSOF(machine_properties),
        NULL, 0, "one running machine"},
    [BUS_OBJECT_IMAGE] = {BUS_NAME ".Image", BUS_PATH "/image",
        image_methods, ELEMENTSOF(image_methods), image_properties, ELEMENTSOF(image_properties),
        NULL, 0, "one image of the store"},
    [BUS_OBJECT_VOLUME] = {BUS_NAME ".Volume", BUS_PATH "/volume",
        volume_methods, ELEMENTSOF(volume_methods), volume_properties, ELEMENTSOF(volume_properties),
        NULL, 0, "one named volume"},
};

const BusErrorName bus_error_names[] = {
    {BUS_ERROR_NO_SUCH_MACHINE, ENXIO, "no machine of that name runs"},
    {BUS_ERROR_MACHINE_EXISTS, EEXIST, "there is a machine of that name, or one is just being started"},
    {BUS_ERROR_NO_SUCH_IMAGE, ENOENT, "there is no image of that name"},
    {BUS_ERROR_NO_SUCH_VOLUME, ENOENT, "there is no volume of that name"},
    {BUS_ERROR_NO_SUCH_DEFINITION, ENOENT, "there is no definition of that name that could be started"},
    {BUS_ERROR_NOT_IN_MACHINE, ENXIO, "the process belongs to no machine"},
    {BUS_ERROR_TOO_MANY, EBUSY, "the caller has too many requests under way; wait for some to end"},
    {BUS_ERROR_FAILED, EIO, "it was allowed and did not work; the message says why"},
};
/* clang-format on */
const size_t bus_error_names_count = ELEMENTSOF(bus_error_names);

const BusMethod *bus_method_find(BusObject object, const char *name)
{
    const BusInterface *interface = &bus_interfaces[object];

    for (size_t i = 0; i < interface->methods_count; i++)
        if (strcmp(interface->methods[i].name, name) == 0)
            return &interface->methods[i];
    return NULL;
}

const BusProperty *bus_property_find(BusObject object, const char *name)
{
    const BusInterface *interface = &bus_interfaces[object];

    for (size_t i = 0; i < interface->properties_count; i++)
        if (strcmp(interface->properties[i].name, name) == 0)
            return &interface->properties[i];
    return NULL;
}

static json_t *build_methods(const BusInterface *interface)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < interface->methods_count; i++) {
        const BusMethod *m = &interface->methods[i];

        (void) json_array_append_new(list, json_pack("{ss ss ss ss ss ss sb ss}", "name", m->name, "in", m->in,
                                                     "in_names", m->in_names, "out", m->out, "out_names", m->out_names,
                                                     "tier", bus_tier_to_string(m->least), "named",
                                                     (m->flags & BUS_METHOD_NAMED) != 0, "doc", m->doc));
    }
    return list;
}

static json_t *build_properties(const BusInterface *interface)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < interface->properties_count; i++) {
        const BusProperty *p = &interface->properties[i];

        (void) json_array_append_new(list, json_pack("{ss ss sb sb ss}", "name", p->name, "signature", p->signature,
                                                     "public", (p->flags & BUS_PROPERTY_PUBLIC) != 0, "const",
                                                     (p->flags & BUS_PROPERTY_CONST) != 0, "doc", p->doc));
    }
    return list;
}

static json_t *build_signals(const BusInterface *interface)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < interface->signals_count; i++) {
        const BusSignal *s = &interface->signals[i];

        (void) json_array_append_new(list, json_pack("{ss ss ss ss}", "name", s->name, "signature", s->signature,
                                                     "names", s->names, "doc", s->doc));
    }
    return list;
}

json_t *bus_build_introspection(void)
{
    json_t *interfaces = json_array(), *errors = json_array(), *actions = json_array();

    for (size_t i = 0; i < _BUS_OBJECT_MAX; i++) {
        const BusInterface *interface = &bus_interfaces[i];

        (void) json_array_append_new(interfaces,
                                     json_pack("{ss ss ss so so so}", "name", interface->name, "path", interface->path,
                                               "doc", interface->doc, "methods", build_methods(interface), "properties",
                                               build_properties(interface), "signals", build_signals(interface)));
    }
    for (size_t i = 0; i < bus_error_names_count; i++)
        (void) json_array_append_new(
            errors, json_pack("{ss ss}", "name", bus_error_names[i].name, "doc", bus_error_names[i].doc));
    for (BusTier tier = 0; tier < _BUS_TIER_MAX; tier++)
        if (bus_tier_action(tier))
            (void) json_array_append_new(actions, json_string(bus_tier_action(tier)));
    return json_pack("{ss ss so so so}", "bus_name", BUS_NAME, "path", BUS_PATH, "interfaces", interfaces, "errors",
                     errors, "actions", actions);
}
