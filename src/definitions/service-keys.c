/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definitions/unit.h"

#include "base/text.h"

#include <string.h>

#define OF_BERTH "berth sets it"
#define OF_ROOT  "berthctl sets the container up as root; User= of [Container] is who the program in it runs as"

/* Keys of [Service] that work against what the service is. All others are systemd's business. */
/* clang-format off */
static const struct {
    const char *key;
    const char *allowed; /* blank-separated values; NULL: none */
    const char *why;
} rules[] = {
    {"Type", "notify oneshot", "a container's service is of the type notify, or oneshot for a program that ends by itself"},
    {"KillMode", "mixed control-group", "the supervisor gets the signal and stops the container in order: mixed or control-group"},
    {"Delegate", "yes true on 1", "the container's cgroup is divided: yes"},
    {"DelegateSubgroup", NULL, OF_BERTH},
    {"NotifyAccess", "all", OF_BERTH ", to all"},
    {"PIDFile", NULL, OF_BERTH},
    {"BusName", NULL, OF_BERTH},
    {"ExecStart", NULL, "the container's command is Exec= of [Container]"},
    {"RootDirectory", NULL, "the container's root is Image= or Directory= of [Container]"},
    {"RootImage", NULL, "the container's root is Image= or Directory= of [Container]"},
    {"User", "root 0", OF_ROOT},
    {"Group", "root 0", OF_ROOT},
    {"SupplementaryGroups", NULL, OF_ROOT},
    {"DynamicUser", "no false off 0", OF_ROOT},
    {"PrivateUsers", "no false off 0", "it would be berthctl that is in a user namespace"},
    {"PrivateNetwork", "no false off 0", "it would be berthctl's network; Network= of [Container] is the container's"},
    {"NetworkNamespacePath", NULL, "it would be berthctl's network; Network= of [Container] is the container's"},
    {"CapabilityBoundingSet", NULL, "AddCapability= and DropCapability= of [Container] are the container's"},
    {"AmbientCapabilities", NULL, "AddCapability= and DropCapability= of [Container] are the container's"},
    {"SystemCallFilter", NULL, "SeccompProfile= of [Container] is the container's filter"},
    {"SystemCallArchitectures", NULL, "SeccompProfile= of [Container] is the container's filter"},
    {"RestrictNamespaces", "no false off 0", "a container is made of namespaces"},
    {"RestrictAddressFamilies", NULL, "it would be berthctl that is restricted"},
    {"ProtectControlGroups", "no false off 0", "the container's cgroup has to be written"},
    {"ProtectKernelTunables", "no false off 0", "the container's /proc and /sys have to be written"},
    {"ProtectProc", "default", "the container's processes have to be seen"},
};
/* clang-format on */

const char *service_key_problem(const char *key, const char *value)
{
    for (size_t i = 0; i < ELEMENTSOF(rules); i++) {
        const char *word = rules[i].allowed;

        if (strcmp(rules[i].key, key) != 0)
            continue;
        while (word && *word) {
            size_t length = strcspn(word, " ");

            if (strlen(value) == length && strncmp(word, value, length) == 0)
                return NULL;
            word += length + strspn(word + length, " ");
        }
        /* "Key=" resets what was said before: nothing is asked for. */
        return value[0] ? rules[i].why : NULL;
    }
    return NULL;
}
