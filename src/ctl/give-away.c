/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/give-away.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <stddef.h>
#include <unistd.h>

void warn_of_shared_namespaces(const ContainerSpec *spec)
{
    const struct {
        bool is_shared;
        size_t member;
        const char *what;
    } rows[] = {
        {spec->userns.mode == USERNS_HOST, offsetof(ContainerSpec, userns),
         spec->privileged
             ? "root inside is the host's root, and nothing holds it"
             : "root inside is the host's root, held by capabilities, the system call filter and masks only"},
        {spec->network.mode == NAMESPACE_HOST, offsetof(ContainerSpec, network),
         spec->userns.mode == USERNS_HOST
             ? "the payload has the host's network: its addresses, what listens on loopback, abstract sockets"
             : "the payload has the host's network: its addresses, what listens on loopback, abstract sockets; but no "
               "port below the sysctl net.ipv4.ip_unprivileged_port_start, unless --userns=host"},
        {spec->pid.mode == NAMESPACE_HOST, offsetof(ContainerSpec, pid),
         spec->userns.mode == USERNS_HOST ? "the payload sees all processes of the host, and as root may end them"
                                          : "the payload sees all processes of the host, with their command lines"},
        {spec->ipc.mode == NAMESPACE_HOST, offsetof(ContainerSpec, ipc),
         "the payload has the host's shared memory (/dev/shm), semaphores and message queues"},
        {spec->uts.mode == NAMESPACE_HOST, offsetof(ContainerSpec, uts),
         spec->userns.mode == USERNS_HOST ? "the payload has the host's name, and with CAP_SYS_ADMIN may change it"
                                          : "the payload sees the host's name as it changes"},
    };

    if (!isatty(STDERR_FILENO))
        return;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (rows[i].is_shared)
            log_warning("%s: %s", spec_origin(spec, rows[i].member), rows[i].what);
}
