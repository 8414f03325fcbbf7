/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inputs/nspawn.h"

#include "base/ini.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define NO "no false off 0 n f"

#define LIMIT(name)                                                                                                    \
    {                                                                                                                  \
        "Exec", "Limit" name, "ulimit", NSPAWN_VALUE_LIMIT, NULL, false                                                \
    }

/* clang-format off */
const NspawnKey nspawn_keys[] = {
    /* section, key, option of the setting, value, values that change nothing, protects */
    {"Exec", "Boot", "boot", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "Ephemeral", "ephemeral", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "ProcessTwo", "init", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "Parameters", "", NSPAWN_VALUE_WORDS, NULL, false}, /* the command, which has no option */
    {"Exec", "Environment", "env", NSPAWN_VALUE_WORDS, NULL, false},
    {"Exec", "User", "user", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "WorkingDirectory", "workdir", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "PivotRoot", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Exec", "Capability", "cap-add", NSPAWN_VALUE_WORDS, NULL, false},
    {"Exec", "DropCapability", "cap-drop", NSPAWN_VALUE_WORDS, NULL, false},
    {"Exec", "AmbientCapability", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Exec", "NoNewPrivileges", "no-new-privileges", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "KillSignal", "stop-signal", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "Personality", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Exec", "MachineID", "uuid", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "PrivateUsers", "userns", NSPAWN_VALUE_PRIVATE_USERS, NO, true},
    {"Exec", "PrivateUsersDelegate", NULL, NSPAWN_VALUE_NONE, "0", false},
    {"Exec", "NotifyReady", "notify", NSPAWN_VALUE_NOTIFY, NO, false},
    {"Exec", "SystemCallFilter", NULL, NSPAWN_VALUE_NONE, NULL, true},
    {"Exec", "RestrictAddressFamilies", NULL, NSPAWN_VALUE_NONE, NULL, true},
    LIMIT("CPU"), LIMIT("FSIZE"), LIMIT("DATA"), LIMIT("STACK"), LIMIT("CORE"), LIMIT("RSS"), LIMIT("NOFILE"),
    LIMIT("AS"), LIMIT("NPROC"), LIMIT("MEMLOCK"), LIMIT("LOCKS"), LIMIT("SIGPENDING"), LIMIT("MSGQUEUE"),
    LIMIT("NICE"), LIMIT("RTPRIO"), LIMIT("RTTIME"),
    {"Exec", "OOMScoreAdjust", "oom-score-adjust", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "CPUAffinity", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Exec", "Hostname", "hostname", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "ResolvConf", NULL, NSPAWN_VALUE_NONE, "off", false},
    {"Exec", "Timezone", NULL, NSPAWN_VALUE_NONE, "off", false},
    {"Exec", "LinkJournal", "link-journal", NSPAWN_VALUE_SAME, NULL, false},
    {"Exec", "SuppressSync", NULL, NSPAWN_VALUE_NONE, NO, false},
    {"Files", "ReadOnly", "read-only", NSPAWN_VALUE_SAME, NULL, false},
    {"Files", "Volatile", "volatile", NSPAWN_VALUE_SAME, NULL, false},
    {"Files", "Bind", "bind", NSPAWN_VALUE_SAME, NULL, false},
    {"Files", "BindReadOnly", "bind-ro", NSPAWN_VALUE_SAME, NULL, false},
    {"Files", "TemporaryFileSystem", "tmpfs", NSPAWN_VALUE_SAME, NULL, false},
    {"Files", "Inaccessible", "mount", NSPAWN_VALUE_INACCESSIBLE, NULL, true},
    {"Files", "Overlay", "overlay", NSPAWN_VALUE_SAME, NULL, false},
    {"Files", "OverlayReadOnly", "mount", NSPAWN_VALUE_READ_ONLY_OVERLAY, NULL, false},
    {"Files", "PrivateUsersChown", NULL, NSPAWN_VALUE_NONE, NO, false},
    {"Files", "PrivateUsersOwnership", NULL, NSPAWN_VALUE_NONE, "off auto map", false},
    {"Files", "BindUser", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Files", "BindUserShell", NULL, NSPAWN_VALUE_NONE, NO, false},
    {"Network", "Private", "network", NSPAWN_VALUE_PRIVATE_NETWORK, NULL, true},
    {"Network", "VirtualEthernet", NULL, NSPAWN_VALUE_NONE, NO, false},
    {"Network", "VirtualEthernetExtra", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Network", "Interface", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Network", "MACVLAN", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Network", "IPVLAN", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Network", "Bridge", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Network", "Zone", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Network", "Port", NULL, NSPAWN_VALUE_NONE, NULL, false},
    {"Network", "NamespacePath", NULL, NSPAWN_VALUE_NONE, NULL, true},
};
/* clang-format on */

const size_t nspawn_keys_count = ELEMENTSOF(nspawn_keys);

typedef struct Reader {
    SpecLayer *layer;
    const char *source;
    char **notices;
} Reader;

const Setting *nspawn_setting(const NspawnKey *key)
{
    if (!key->option)
        return NULL;
    return key->option[0] ? setting_find_option(key->option) : setting_of(offsetof(ContainerSpec, command));
}

static const NspawnKey *find_key(const char *section, const char *key)
{
    for (size_t i = 0; i < nspawn_keys_count; i++)
        if (strcmp(nspawn_keys[i].section, section) == 0 && strcmp(nspawn_keys[i].key, key) == 0)
            return &nspawn_keys[i];
    return NULL;
}

static bool is_same(const NspawnKey *key, const char *value)
{
    for (const char *word = key->same; word && *word;) {
        size_t length = strcspn(word, " ");

        if (strlen(value) == length && strncmp(word, value, length) == 0)
            return true;
        word += length + strspn(word + length, " ");
    }
    return false;
}

/* LOWER[:LOWER…]:UPPER:TARGET without a writable layer: every directory is a lower one. */
static char *read_only_overlay(const char *value)
{
    _cleanup_free_ char *copy = strdup(value), *text = strdup("type=overlay");
    char *last = copy ? strrchr(copy, ':') : NULL;

    if (!text || !last || last == copy)
        return NULL;
    *last = 0;
    for (char *layer = copy, *end; layer; layer = end ? end + 1 : NULL) {
        char *longer;

        end = strchr(layer, ':');
        if (end)
            *end = 0;
        longer = text_format("%s,layer=%s", text, layer);
        free(text);
        text = longer;
        if (!text)
            return NULL;
    }
    return text_format("%s,dst=%s,ro", text, last + 1);
}

/* What the value is in Berth's spelling, one new text; NULL: it cannot be said. */
static char *translate(const NspawnKey *key, const char *value)
{
    bool yes = false, is_bool = text_parse_bool(value, &yes) == 0;

    switch (key->value) {
    case NSPAWN_VALUE_LIMIT:
        return text_format("%s=%s", key->key, value);
    case NSPAWN_VALUE_INACCESSIBLE:
        return strpbrk(value, ",\"\\") ? NULL : text_format("type=inaccessible,dst=%s", value);
    case NSPAWN_VALUE_READ_ONLY_OVERLAY:
        return strpbrk(value, ",\"\\") ? NULL : read_only_overlay(value);
    case NSPAWN_VALUE_PRIVATE_NETWORK:
        return is_bool ? strdup(yes ? "private" : "host") : NULL;
    case NSPAWN_VALUE_PRIVATE_USERS:
        if (strcmp(value, "identity") == 0 || strcmp(value, "managed") == 0)
            return NULL;
        /* A lone number is the first id of a range, but 0 and 1 are booleans to systemd. */
        return strdup(is_bool ? (yes ? "auto" : "host") : strcmp(value, "pick") == 0 ? "auto" : value);
    case NSPAWN_VALUE_NOTIFY:
        return is_bool ? strdup(yes ? "container" : "started") : NULL;
    default:
        return strdup(value);
    }
}

static int add(Reader *reader, const NspawnKey *key, const Setting *setting, const char *value, const char *origin,
               Error *error)
{
    _cleanup_strv_ char **words = NULL;
    _cleanup_free_ char *text = NULL;

    if (value[0] == 0)
        return spec_layer_add_values(reader->layer, setting, NULL, origin);
    if (key->value == NSPAWN_VALUE_WORDS) {
        if (text_split_words(value, &words) < 0)
            return error_set(error, -EINVAL, "%s=: '%s' has an open quote or a bad escape", key->key, value);
        return spec_layer_add_values(reader->layer, setting, words, origin);
    }
    text = translate(key, value);
    if (!text)
        return error_set(error, -EINVAL, "%s=: '%s' cannot be understood", key->key, value);
    return spec_layer_add(reader->layer, setting, text, origin);
}

static int add_notice(Reader *reader, const char *origin, const char *key, const char *why)
{
    return strv_append_format(&reader->notices, "%s: %s=: %s", origin, key, why);
}

static int on_assignment(const char *section, const char *key, const char *value, unsigned line, void *userdata,
                         Error *error)
{
    Reader *reader = userdata;
    _cleanup_free_ char *origin = text_format("%s:%u", reader->source, line);
    const NspawnKey *row = find_key(section, key);
    const Setting *setting = row ? nspawn_setting(row) : NULL;

    if (!origin)
        return -ENOMEM;
    /* Where it was added later than this table: nspawn, too, goes on. */
    if (!row)
        return add_notice(reader, origin, key, "unknown");
    if (!setting && is_same(row, value))
        return 0;
    if (reader->layer->trust < TRUST_ADMIN && (!setting || setting->least_trust > reader->layer->trust))
        return add_notice(reader, origin, key,
                          "not taken from a file beside the image; /etc/systemd/nspawn is trusted");
    if (!setting && row->is_protective)
        return error_hint(error, error_set(error, -EOPNOTSUPP, "%s= is not supported", key),
                          "without it the container would be less confined than the file says");
    if (!setting)
        return add_notice(reader, origin, key, "not supported");
    return add(reader, row, setting, value, origin, error);
}

int nspawn_parse(const char *text, size_t size, const char *source, Trust trust, SpecLayer **ret, char ***ret_notices,
                 Error *error)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = spec_layer_new(trust);
    Reader reader = {.layer = layer, .source = source};
    int r = layer ? ini_parse(text, size, source, on_assignment, &reader, error) : -ENOMEM;

    if (r < 0) {
        strv_free(reader.notices);
        return r;
    }
    *ret = TAKE_PTR(layer);
    *ret_notices = reader.notices;
    return 0;
}
