/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inputs/quadlet.h"

#include "base/text.h"
#include "spec/spec.h"

#include <string.h>

#define NO  "no false off 0"
#define YET "not supported yet"

/* clang-format off */
const QuadletKey quadlet_keys[] = {
    /* key, values that change nothing, what is the matter */
    {"AddDevice", NULL, "devices are " YET},
    {"AddHost", NULL, "/etc/hosts is " YET},
    {"Annotation", NULL, "there are no annotations; Label= is kept with the container"},
    {"AppArmor", NULL, "AppArmor is not supported"},
    {"AutoUpdate", NULL, "images are not updated by themselves"},
    {"CgroupsMode", "split enabled", "a container is always in its unit's own cgroup"},
    {"ContainersConfModule", NULL, "containers.conf is podman's"},
    {"DNS", NULL, "resolv.conf is " YET},
    {"DNSOption", NULL, "resolv.conf is " YET},
    {"DNSSearch", NULL, "resolv.conf is " YET},
    {"EnvironmentHost", NO, "the host's variables do not come in; Environment= names those that are to"},
    {"GlobalArgs", NULL, "arguments of podman mean nothing here"},
    {"Group", NULL, "write User=USER:GROUP"},
    {"GroupAdd", NULL, "supplementary groups are " YET},
    {"HealthLogDestination", NULL, "results of health checks go to the journal"},
    {"HealthMaxLogCount", NULL, "results of health checks go to the journal"},
    {"HealthMaxLogSize", NULL, "results of health checks go to the journal"},
    {"HealthStartupCmd", NULL, "a start-up check is " YET ": HealthStartPeriod= gives time"},
    {"HealthStartupInterval", NULL, "a start-up check is " YET ": HealthStartPeriod= gives time"},
    {"HealthStartupRetries", NULL, "a start-up check is " YET ": HealthStartPeriod= gives time"},
    {"HealthStartupSuccess", NULL, "a start-up check is " YET ": HealthStartPeriod= gives time"},
    {"HealthStartupTimeout", NULL, "a start-up check is " YET ": HealthStartPeriod= gives time"},
    {"HttpProxy", NO, "the host's proxy variables do not come in; Environment= names those that are to"},
    {"IP", NULL, "networks are " YET},
    {"IP6", NULL, "networks are " YET},
    {"NetworkAlias", NULL, "networks are " YET},
    {"Pod", NULL, "pods are not supported"},
    {"PodmanArgs", NULL, "arguments of podman mean nothing here"},
    {"Pull", "never missing", "images come from files, by NAME.image or berthctl load"},
    {"ReadOnlyTmpfs", NO, "write Tmpfs=/run, Tmpfs=/tmp and Tmpfs=/var/tmp"},
    {"RemapGid", NULL, "write UserNS=, or UIDMap= and GIDMap="},
    {"RemapUid", NULL, "write UserNS=, or UIDMap= and GIDMap="},
    {"RemapUidSize", NULL, "write UserNS=, or UIDMap= and GIDMap="},
    {"RemapUsers", NULL, "write UserNS=, or UIDMap= and GIDMap="},
    {"Retry", NULL, "images come from files, by NAME.image or berthctl load"},
    {"RetryDelay", NULL, "images come from files, by NAME.image or berthctl load"},
    {"SecurityLabelNested", NO, "SELinux labels are " YET},
    {"ServiceName", NULL, "the service is called as the file: rename it, or use Alias= in [Install]"},
    {"StartWithPod", NULL, "pods are not supported"},
    {"SubGIDMap", NULL, "ranges of /etc/subuid and /etc/subgid are not used by name: write UIDMap= and GIDMap="},
    {"SubUIDMap", NULL, "ranges of /etc/subuid and /etc/subgid are not used by name: write UIDMap= and GIDMap="},
    {"Timezone", NULL, "time zones are " YET "; Environment=TZ=... does for most programs"},
    {"VolatileTmp", NULL, "write Tmpfs=/tmp"},
    /* of the section [Quadlet] */
    {"DefaultDependencies", NO, "no service waits for the network unless [Unit] says so: After=network-online.target"},
};
/* clang-format on */

const size_t quadlet_keys_count = ELEMENTSOF(quadlet_keys);

const QuadletKey *quadlet_find_key(const char *key)
{
    for (size_t i = 0; i < quadlet_keys_count && !setting_find_key("Container", key); i++)
        if (strcmp(quadlet_keys[i].key, key) == 0)
            return &quadlet_keys[i];
    return NULL;
}

bool quadlet_is_same(const QuadletKey *key, const char *value)
{
    const char *word = key->same;

    while (word && *word) {
        size_t length = strcspn(word, " ");

        if (strlen(value) == length && strncmp(word, value, length) == 0)
            return true;
        word += length + strspn(word + length, " ");
    }
    return false;
}
