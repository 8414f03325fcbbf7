/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/properties-internal.h"

#include "base/strv.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

/* More than NR_CPUS or MAX_NUMNODES of any kernel. */
#define SET_BITS_MAX 8192

/* NULL when memory is short; the item belongs to the value at once. */
static PropertyItem *item_new(PropertyValue *value)
{
    PropertyItem *items = reallocarray(value->items, value->items_count + 1, sizeof(*items));

    if (!items)
        return NULL;
    value->items = items;
    items[value->items_count] = (PropertyItem){0};
    return &items[value->items_count++];
}

static int item_new_text(PropertyValue *value, const char *text, size_t length, PropertyItem **ret)
{
    PropertyItem *item = item_new(value);

    if (!item)
        return -ENOMEM;
    item->text = strndup(text, length);
    if (!item->text)
        return -ENOMEM;
    if (ret)
        *ret = item;
    return 0;
}

static int set_text(PropertyValue *value, const char *text)
{
    value->text = strdup(text);
    return value->text ? 0 : -ENOMEM;
}

static bool word_in(const char *const *words, const char *word)
{
    for (; words && *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static bool path_is_plain(const char *path)
{
    if (path[0] != '/')
        return false;
    for (const char *part = path; *part; part += strcspn(part, "/")) {
        part += strspn(part, "/");
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == 0))
            return false;
    }
    return true;
}

/* systemd.unit(5): at most 255 bytes, one of the known suffixes. */
static bool is_unit_name(const char *name)
{
    static const char *const suffixes[] = {".service", ".scope", ".slice", ".target", ".socket",   ".mount",
                                           ".path",    ".timer", ".swap",  ".device", ".automount"};
    size_t length = strlen(name);

    if (length > 255 || name[0] == '.' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@") != length)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
        if (length > strlen(suffixes[i]) && text_has_suffix(name, suffixes[i]))
            return true;
    return false;
}

/* "12.34%", "7.5‰", "3‱" in hundredths of a percent. -EINVAL, -ERANGE above `max`. */
static int parse_permyriad(const char *text, uint64_t max, uint64_t *ret)
{
    static const struct {
        const char *sign;
        unsigned decimals;
    } signs[] = {{"%", 2}, {"‰", 1}, {"‱", 0}};
    uint64_t number = 0;
    unsigned decimals_left = UINT32_MAX;
    const char *p = text;

    if (*p < '0' || *p > '9')
        return -EINVAL;
    for (size_t i = 0; i < ELEMENTSOF(signs); i++)
        if (text_has_suffix(text, signs[i].sign))
            decimals_left = signs[i].decimals;
    if (decimals_left == UINT32_MAX)
        return -EINVAL;
    for (; *p >= '0' && *p <= '9'; p++) {
        number = number * 10 + (uint64_t) (*p - '0');
        if (number > max)
            return -ERANGE;
    }
    if (*p == '.' && (p[1] < '0' || p[1] > '9'))
        return -EINVAL;
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9' && decimals_left > 0; p++, decimals_left--)
            number = number * 10 + (uint64_t) (*p - '0');
    for (; decimals_left > 0; decimals_left--)
        number *= 10;
    if (strcmp(p, "%") != 0 && strcmp(p, "‰") != 0 && strcmp(p, "‱") != 0)
        return -EINVAL;
    if (number > max)
        return -ERANGE;
    *ret = number;
    return 0;
}

/* Rates are decimal: "10M" is ten million. "infinity" is UINT64_MAX. */
static int parse_decimal_size(const char *text, uint64_t *ret)
{
    static const char suffixes[] = "KMGTPE";
    _cleanup_free_ char *digits = NULL;
    const char *suffix = NULL;
    uint64_t number = 0, factor = 1;
    size_t length = strlen(text);
    int r = 0;

    if (strcmp(text, "infinity") == 0 || strcmp(text, "max") == 0) {
        *ret = UINT64_MAX;
        return 0;
    }
    if (length > 1 && text[length - 1] == 'B')
        length--;
    if (length > 1)
        suffix = strchr(suffixes, text[length - 1]);
    if (suffix) {
        length--;
        for (const char *s = suffixes; s <= suffix; s++)
            factor *= 1000;
    }
    digits = strndup(text, length);
    if (!digits)
        return -ENOMEM;
    r = text_parse_u64(digits, UINT64_MAX / factor, &number);
    if (r < 0)
        return r;
    *ret = number * factor;
    return 0;
}

/* A share of 2^32-1, which is 100 %; rounded up, so that it reads back as it was given. */
static uint64_t scale_of_permyriad(uint64_t permyriad)
{
    return (permyriad * UINT32_MAX + PERMYRIAD_WHOLE - 1) / PERMYRIAD_WHOLE;
}

/* The "…Scale" twin of a property; static, because bus_name must be. */
static const char *scale_name(const char *name)
{
    static const char *const names[] = {"MemoryMinScale",   "MemoryLowScale",        "MemoryHighScale",
                                        "MemoryMaxScale",   "MemorySwapMaxScale",    "MemoryZSwapMaxScale",
                                        "MemoryLimitScale", "DefaultMemoryMinScale", "DefaultMemoryLowScale",
                                        "TasksMaxScale"};

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (strlen(names[i]) == strlen(name) + 5 && strncmp(names[i], name, strlen(name)) == 0)
            return names[i];
    return NULL;
}

static int wrong(const PropertyRow *row, const char *text, Error *error, const char *what)
{
    return error_set(error, -EINVAL, "%s=: '%s' is not %s", row->name, text, what);
}

static int out_of_range(const PropertyRow *row, const char *text, Error *error)
{
    return error_set(error, -EINVAL, "%s=: %s is not between %" PRIu64 " and %" PRIu64, row->name, text, row->min,
                     row->max);
}

static int parse_limit(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    bool is_memory = row->kind == KIND_SIZE;
    uint64_t permyriad = 0;
    int r = 0;

    if (text_is_empty(text)) { /* resets: protections to nothing, limits to no limit */
        value->type = PROPERTY_TYPE_U64;
        value->number = is_memory && (strstr(row->name, "Min") || strstr(row->name, "Low")) ? 0 : UINT64_MAX;
        return 0;
    }
    if (text[strlen(text) - 1] == '%' || text_has_suffix(text, "‰") || text_has_suffix(text, "‱")) {
        if (!scale_name(row->name)) /* the Startup… limits: no such property on the bus */
            return wrong(row, text, error, "a size (systemd takes no percentage here)");
        r = parse_permyriad(text, PERMYRIAD_WHOLE, &permyriad);
        if (r < 0 || (permyriad == 0 && row->min > 0))
            return wrong(row, text, error, "a percentage between 0.01% and 100%");
        value->type = PROPERTY_TYPE_U32;
        value->bus_name = scale_name(row->name);
        value->number = scale_of_permyriad(permyriad);
        return 0;
    }
    value->type = PROPERTY_TYPE_U64;
    if (is_memory)
        r = text_parse_size_bytes(text, &value->number);
    else if (strcmp(text, "infinity") == 0 || strcmp(text, "max") == 0)
        value->number = UINT64_MAX;
    else
        r = text_parse_u64(text, UINT64_MAX, &value->number);
    if (r < 0)
        return wrong(row, text, error,
                     is_memory ? "a size (bytes, with K, M, G or T, a percentage of the memory, or 'infinity')"
                               : "a number of tasks (or a percentage, or 'infinity')");
    if (value->number < row->min)
        return error_set(error, -EINVAL, "%s=: must be at least %" PRIu64, row->name, row->min);
    return 0;
}

static int parse_number(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    int r = 0;

    value->type = PROPERTY_TYPE_U64;
    if (text_is_empty(text)) {
        value->number = PROPERTY_UNSET;
        return 0;
    }
    if (row->kind == KIND_CPU_WEIGHT && strcmp(text, "idle") == 0) {
        value->number = 0; /* how "idle" goes over the bus */
        return 0;
    }
    r = text_parse_u64(text, UINT64_MAX, &value->number);
    if (r == -EINVAL)
        return wrong(row, text, error, row->kind == KIND_CPU_WEIGHT ? "a number or 'idle'" : "a number");
    if (r < 0 || value->number < row->min || value->number > row->max)
        return out_of_range(row, text, error);
    return 0;
}

static int parse_quota(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    uint64_t permyriad = 0;

    value->type = PROPERTY_TYPE_U64;
    value->number = PROPERTY_UNSET;
    if (text_is_empty(text))
        return 0;
    if (parse_permyriad(text, UINT32_MAX, &permyriad) < 0 || permyriad == 0)
        return wrong(row, text, error, "a percentage of one CPU above 0% (200% are two CPUs)");
    value->number = permyriad * USEC_PER_SEC / PERMYRIAD_WHOLE;
    return 0;
}

static int parse_usec(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    value->type = PROPERTY_TYPE_U64;
    if (text_is_empty(text) && strcmp(row->name, "CPUQuotaPeriodSec") == 0) {
        value->number = UINT64_MAX;
        return 0;
    }
    if (text_parse_timespan_usec(text, &value->number) < 0)
        return wrong(row, text, error, "a time span (as \"90\", \"1min 30s\", \"infinity\")");
    if (strcmp(row->name, "CPUQuotaPeriodSec") == 0 && (value->number < 1000 || value->number > USEC_PER_SEC))
        return wrong(row, text, error, "between 1ms and 1s");
    return 0;
}

static int parse_words(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    _cleanup_strv_ char **words = NULL;
    int r = text_split_words(text, &words);

    value->type = PROPERTY_TYPE_STRINGS;
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return wrong(row, text, error, "a list of words: a quote is open");
    STRV_FOREACH (word, words) {
        if (row->kind == KIND_UNITS && !is_unit_name(*word))
            return wrong(row, *word, error, "the name of a unit");
        if (row->words && !word_in(row->words, *word))
            return wrong(row, *word, error, "a name that systemd knows here");
        r = item_new_text(value, *word, strlen(*word), NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

static int parse_paths(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    int r = 0;

    value->type = PROPERTY_TYPE_STRINGS;
    if (text_is_empty(text))
        return 0;
    if (strcmp(row->name, "RequiresMountsFor") == 0) {
        r = parse_words(row, text, value, error);
        if (r < 0)
            return r;
    } else {
        r = item_new_text(value, text, strlen(text), NULL);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < value->items_count; i++)
        if (!path_is_plain(value->items[i].text))
            return wrong(row, value->items[i].text, error, "an absolute path without '..'");
    return 0;
}

static int set_bit_range(const char *range, uint8_t *bits, size_t *top)
{
    _cleanup_free_ char *from = NULL;
    const char *dash = strchr(range, '-');
    uint64_t first = 0, last = 0;
    int r = 0;

    from = strndup(range, dash ? (size_t) (dash - range) : strlen(range));
    if (!from)
        return -ENOMEM;
    r = text_parse_u64(from, SET_BITS_MAX - 1, &first);
    if (r < 0)
        return r;
    last = first;
    if (dash) {
        r = text_parse_u64(dash + 1, SET_BITS_MAX - 1, &last);
        if (r < 0)
            return r;
    }
    if (last < first)
        return -EINVAL;
    for (uint64_t i = first; i <= last; i++)
        bits[i / 8] |= (uint8_t) (1U << (i % 8));
    *top = MAX(*top, (size_t) last / 8 + 1);
    return 0;
}

static int parse_set(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    uint8_t bits[SET_BITS_MAX / 8] = {0};
    _cleanup_free_ char *copy = strdup(text);
    char *rest = NULL;
    size_t top = 0;

    value->type = PROPERTY_TYPE_BYTES;
    if (!copy)
        return -ENOMEM;
    for (char *word = strtok_r(copy, ", \t", &rest); word; word = strtok_r(NULL, ", \t", &rest)) {
        int r = set_bit_range(word, bits, &top);

        if (r == -ENOMEM)
            return r;
        if (r < 0)
            return wrong(row, word, error, "a number or a range (as 0-3,7)");
    }
    value->bytes = malloc(top + 1);
    if (!value->bytes)
        return -ENOMEM;
    memcpy(value->bytes, bits, top);
    value->bytes_size = top;
    return 0;
}

static int parse_device_number(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    size_t path_length = strcspn(text, " \t");
    const char *number = text + path_length + strspn(text + path_length, " \t");
    PropertyItem *item = NULL;
    int r = 0;

    value->type = PROPERTY_TYPE_DEVICE_NUMBERS;
    if (text_is_empty(text))
        return 0;
    r = item_new_text(value, text, path_length, &item);
    if (r < 0)
        return r;
    if (!path_is_plain(item->text))
        return wrong(row, item->text, error, "an absolute path without '..'");
    if (*number == 0)
        return wrong(row, text, error, "a device and a value, with a space between");
    if (row->kind == KIND_DEVICE_LATENCY)
        r = text_parse_timespan_usec(number, &item->number);
    else if (row->kind == KIND_DEVICE_RATE)
        r = parse_decimal_size(number, &item->number);
    else
        r = text_parse_u64(number, UINT64_MAX, &item->number);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return wrong(row, number, error,
                     row->kind == KIND_DEVICE_LATENCY ? "a time span"
                     : row->kind == KIND_DEVICE_RATE  ? "a number (with K, M, G or T)"
                                                      : "a number");
    if (row->kind == KIND_DEVICE_WEIGHT && (item->number < row->min || item->number > row->max))
        return out_of_range(row, number, error);
    return 0;
}

static int parse_device_allow(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    size_t node_length = strcspn(text, " \t");
    const char *access = text + node_length + strspn(text + node_length, " \t");
    PropertyItem *item = NULL;
    int r = 0;

    value->type = PROPERTY_TYPE_STRING_PAIRS;
    if (text_is_empty(text))
        return 0;
    r = item_new_text(value, text, node_length, &item);
    if (r < 0)
        return r;
    if (!(text_after_prefix(item->text, "char-") || text_after_prefix(item->text, "block-")) &&
        !((text_after_prefix(item->text, "/dev/") || text_after_prefix(item->text, "/run/systemd/inaccessible/")) &&
          path_is_plain(item->text)))
        return wrong(row, item->text, error, "a device node below /dev, 'char-NAME' or 'block-NAME'");
    if (*access == 0)
        access = "rwm";
    if (strspn(access, "rwm") != strlen(access) || strlen(access) > 3)
        return wrong(row, access, error, "an access made of r, w and m");
    item->text2 = strdup(access);
    return item->text2 ? 0 : -ENOMEM;
}

static int add_address(PropertyValue *value, const char *text, uint64_t prefix_length)
{
    PropertyItem *item = item_new(value);

    if (!item)
        return -ENOMEM;
    item->family = strchr(text, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(item->family, text, item->bytes) != 1)
        return -EINVAL;
    item->bytes_size = item->family == AF_INET6 ? 16 : 4;
    if (prefix_length == UINT64_MAX)
        prefix_length = item->bytes_size * 8;
    if (prefix_length > item->bytes_size * 8)
        return -EINVAL;
    item->number = prefix_length;
    return 0;
}

static int add_address_word(PropertyValue *value, char *word)
{
    static const struct {
        const char *word, *address4, *address6;
        unsigned length4, length6;
    } names[] = {
        {"any", "0.0.0.0", "::", 0, 0},
        {"localhost", "127.0.0.0", "::1", 8, 128},
        {"link-local", "169.254.0.0", "fe80::", 16, 64},
        {"multicast", "224.0.0.0", "ff00::", 4, 8},
    };
    uint64_t length = UINT64_MAX;
    char *slash = strchr(word, '/');
    int r = 0;

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (strcmp(word, names[i].word) == 0) {
            r = add_address(value, names[i].address4, names[i].length4);
            return r < 0 ? r : add_address(value, names[i].address6, names[i].length6);
        }
    if (slash) {
        *slash = 0;
        r = text_parse_u64(slash + 1, 128, &length);
    }
    return r < 0 ? -EINVAL : add_address(value, word, length);
}

static int parse_addresses(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    _cleanup_free_ char *copy = strdup(text);
    char *rest = NULL;

    value->type = PROPERTY_TYPE_ADDRESSES;
    if (!copy)
        return -ENOMEM;
    for (char *word = strtok_r(copy, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        int r = add_address_word(value, word);

        if (r == -ENOMEM)
            return r;
        if (r < 0)
            return wrong(row, word, error,
                         "an address, ADDRESS/LENGTH, 'any', 'localhost', 'link-local' or 'multicast'");
    }
    return 0;
}

static int parse_interfaces(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    int r = 0;

    value->number = text[0] != '~';
    r = parse_words(row, text + (text[0] == '~'), value, error);
    value->type = PROPERTY_TYPE_INTERFACES;
    if (r < 0)
        return r;
    for (size_t i = 0; i < value->items_count; i++) /* dev_valid_name() of the kernel; IFNAMSIZ for alternative names */
        if (strlen(value->items[i].text) > 127 || strpbrk(value->items[i].text, "/: \t"))
            return wrong(row, value->items[i].text, error, "the name of a network interface");
    return 0;
}

static const char *take_prefix(const char *text, const char *prefix, int number, int *ret)
{
    const char *after = text_after_prefix(text, prefix);

    if (!after || (*after != ':' && *after != 0))
        return text;
    *ret = number;
    return *after == ':' ? after + 1 : after;
}

static int parse_socket_bind(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    uint64_t first = 0, last = 0;
    PropertyItem *item = NULL;
    const char *port = text, *dash = NULL;
    int r = 0;

    value->type = PROPERTY_TYPE_SOCKET_BINDS;
    if (text_is_empty(text))
        return 0;
    item = item_new(value);
    if (!item)
        return -ENOMEM;
    port = take_prefix(port, "ipv4", AF_INET, &item->family);
    port = take_prefix(port, "ipv6", AF_INET6, &item->family);
    port = take_prefix(port, "tcp", IPPROTO_TCP, &item->protocol);
    port = take_prefix(port, "udp", IPPROTO_UDP, &item->protocol);
    if (*port == 0 || strcmp(port, "any") == 0)
        return 0; /* no count and no port: all of them */
    dash = strchr(port, '-');
    if (dash) {
        _cleanup_free_ char *from = strndup(port, (size_t) (dash - port));

        if (!from)
            return -ENOMEM;
        r = text_parse_u64(from, 65535, &first);
    } else
        r = text_parse_u64(port, 65535, &first);
    last = first;
    if (r == 0 && dash)
        r = text_parse_u64(dash + 1, 65535, &last);
    if (r < 0 || first == 0 || last < first)
        return wrong(row, text, error, "[ipv4:|ipv6:][tcp:|udp:]PORT[-PORT] or 'any'");
    item->number = last - first + 1;
    item->port = (unsigned) first;
    return 0;
}

static int parse_bpf_program(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    static const char *const types[] = {"egress",     "ingress",    "sock_create", "sock_ops", "device",
                                        "bind4",      "bind6",      "connect4",    "connect6", "post_bind4",
                                        "post_bind6", "sendmsg4",   "sendmsg6",    "sysctl",   "recvmsg4",
                                        "recvmsg6",   "getsockopt", "setsockopt",  NULL};
    const char *colon = strchr(text, ':');
    PropertyItem *item = NULL;
    int r = 0;

    value->type = PROPERTY_TYPE_STRING_PAIRS;
    if (text_is_empty(text))
        return 0;
    r = item_new_text(value, text, colon ? (size_t) (colon - text) : strlen(text), &item);
    if (r < 0)
        return r;
    if (!colon || !word_in(types, item->text) || !path_is_plain(colon + 1))
        return wrong(row, text, error, "TYPE:PATH with a BPF attach type (as egress:/sys/fs/bpf/NAME)");
    item->text2 = strdup(colon + 1);
    return item->text2 ? 0 : -ENOMEM;
}

static int parse_bool(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    bool yes = false;

    value->type = PROPERTY_TYPE_BOOL;
    if (text_parse_bool(text, &yes) < 0)
        return wrong(row, text, error, "yes or no");
    value->number = yes;
    return 0;
}

static int parse_choice(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    _cleanup_free_ char *list = NULL;

    value->type = PROPERTY_TYPE_STRING;
    if (word_in(row->words, text))
        return set_text(value, text);
    list = strv_join((char *const *) row->words, ", ");
    if (!list)
        return -ENOMEM;
    return error_set(error, -EINVAL, "%s=: '%s' is none of: %s", row->name, text, list);
}

static int parse_signal(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    int number = 0;

    value->type = PROPERTY_TYPE_I32;
    if (text_parse_signal(text, &number) < 0)
        return wrong(row, text, error, "a signal");
    value->number = (uint64_t) number;
    return 0;
}

static int parse_percent(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    uint64_t permyriad = 0;

    value->type = PROPERTY_TYPE_U32;
    if (parse_permyriad(text, PERMYRIAD_WHOLE, &permyriad) < 0)
        return wrong(row, text, error, "a percentage between 0% and 100%");
    value->number = scale_of_permyriad(permyriad);
    return 0;
}

static int parse_text(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    value->type = PROPERTY_TYPE_STRING;
    if (!text_is_utf8(text, strlen(text)) || strpbrk(text, "\n\r"))
        return wrong(row, text, error, "one line of UTF-8 text");
    return set_text(value, text);
}

static int parse_refused(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    (void) text;
    (void) value;
    return error_hint(error, error_set(error, -EINVAL, "%s= is set by berth itself", row->name), "%s", row->words[0]);
}

typedef int (*ValueParser)(const PropertyRow *row, const char *text, PropertyValue *value, Error *error);

static const ValueParser value_parsers[_KIND_MAX] = {
    [KIND_BOOL] = parse_bool,
    [KIND_TEXT] = parse_text,
    [KIND_CHOICE] = parse_choice,
    [KIND_WORDS] = parse_words,
    [KIND_UNITS] = parse_words,
    [KIND_PATHS] = parse_paths,
    [KIND_USEC] = parse_usec,
    [KIND_SIGNAL] = parse_signal,
    [KIND_SIZE] = parse_limit,
    [KIND_TASKS] = parse_limit,
    [KIND_NUMBER] = parse_number,
    [KIND_CPU_WEIGHT] = parse_number,
    [KIND_CPU_QUOTA] = parse_quota,
    [KIND_PERCENT] = parse_percent,
    [KIND_SET] = parse_set,
    [KIND_DEVICE_RATE] = parse_device_number,
    [KIND_DEVICE_WEIGHT] = parse_device_number,
    [KIND_DEVICE_LATENCY] = parse_device_number,
    [KIND_DEVICE_ALLOW] = parse_device_allow,
    [KIND_ADDRESSES] = parse_addresses,
    [KIND_INTERFACES] = parse_interfaces,
    [KIND_SOCKET_BIND] = parse_socket_bind,
    [KIND_BPF_PROGRAM] = parse_bpf_program,
    [KIND_REFUSED] = parse_refused,
};

int property_parse_value(const PropertyRow *row, const char *text, PropertyValue *value, Error *error)
{
    return value_parsers[row->kind](row, text, value, error);
}
