/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/journal.h"

#include "base/dl.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-journal.h>
#include <time.h>

/* How often should_stop is asked while nothing comes. */
#define FOLLOW_POLL_MS 1000
/* Rotated files stay open, deleted, until sd_journal_process() is called: do it also in the middle of a long
 * read. */
#define ENTRIES_BETWEEN_PROCESS 1024
#define PRIORITY_DEFAULT        6
#define SYNCHRONIZE_TIMEOUT_MS  2000
#define SHORT_ID_LENGTH         12
/* Where journald cannot be asked (not root). */
#define LAST_LOOK_GRACE_MS 200

DL_SYMBOL_DECLARE(sd_journal_open);
DL_SYMBOL_DECLARE(sd_journal_open_directory);
DL_SYMBOL_DECLARE(sd_journal_close);
DL_SYMBOL_DECLARE(sd_journal_add_match);
DL_SYMBOL_DECLARE(sd_journal_set_data_threshold);
DL_SYMBOL_DECLARE(sd_journal_seek_head);
DL_SYMBOL_DECLARE(sd_journal_seek_tail);
DL_SYMBOL_DECLARE(sd_journal_seek_realtime_usec);
DL_SYMBOL_DECLARE(sd_journal_next);
DL_SYMBOL_DECLARE(sd_journal_previous);
DL_SYMBOL_DECLARE(sd_journal_get_realtime_usec);
DL_SYMBOL_DECLARE(sd_journal_get_data);
DL_SYMBOL_DECLARE(sd_journal_restart_data);
DL_SYMBOL_DECLARE(sd_journal_enumerate_available_data);
DL_SYMBOL_DECLARE(sd_journal_get_fd);
DL_SYMBOL_DECLARE(sd_journal_get_events);
DL_SYMBOL_DECLARE(sd_journal_get_timeout);
DL_SYMBOL_DECLARE(sd_journal_process);
DL_SYMBOL_DECLARE(sd_journal_has_runtime_files);
DL_SYMBOL_DECLARE(sd_journal_has_persistent_files);

static const DlSymbol journal_symbols[] = {
    DL_SYMBOL(sd_journal_open),
    DL_SYMBOL(sd_journal_open_directory),
    DL_SYMBOL(sd_journal_close),
    DL_SYMBOL(sd_journal_add_match),
    DL_SYMBOL(sd_journal_set_data_threshold),
    DL_SYMBOL(sd_journal_seek_head),
    DL_SYMBOL(sd_journal_seek_tail),
    DL_SYMBOL(sd_journal_seek_realtime_usec),
    DL_SYMBOL(sd_journal_next),
    DL_SYMBOL(sd_journal_previous),
    DL_SYMBOL(sd_journal_get_realtime_usec),
    DL_SYMBOL(sd_journal_get_data),
    DL_SYMBOL(sd_journal_restart_data),
    DL_SYMBOL(sd_journal_enumerate_available_data),
    DL_SYMBOL(sd_journal_get_fd),
    DL_SYMBOL(sd_journal_get_events),
    DL_SYMBOL(sd_journal_get_timeout),
    DL_SYMBOL(sd_journal_process),
    DL_SYMBOL(sd_journal_has_runtime_files),
    DL_SYMBOL(sd_journal_has_persistent_files),
};

static DlLibrary journal_library = {
    .soname = "libsystemd.so.0",
    .package = "libsystemd0",
    .feature = "reading the journal",
    .symbols = journal_symbols,
    .symbols_count = ELEMENTSOF(journal_symbols),
};

typedef struct Reader {
    const JournalQuery *query;
    JournalEntryFunction function;
    void *userdata;
    sd_journal *journal;
    unsigned entries; /* since the last sd_journal_process() */
    bool is_enough;   /* the callback or until_usec ended it */

    JournalField *fields; /* room reused from entry to entry */
    size_t fields_room;
    char *names;
    size_t names_room;
} Reader;

static void reader_done(Reader *reader)
{
    if (reader->journal)
        sym_sd_journal_close(reader->journal);
    free(reader->fields);
    free(reader->names);
}

static int add_match(sd_journal *journal, const char *field, const char *value)
{
    _cleanup_free_ char *match = text_format("%s=%s", field, value);

    return match ? sym_sd_journal_add_match(journal, match, 0) : -ENOMEM;
}

/* Matches of different fields must all hold. _UID cannot be forged by a sender, every other field can. */
static int add_matches(sd_journal *journal, const JournalQuery *query)
{
    _cleanup_free_ char *uid = text_format("%u", (unsigned) query->sender_uid);
    int r = uid ? add_match(journal, "_UID", uid) : -ENOMEM;

    if (r >= 0 && query->container_name)
        r = add_match(journal, "CONTAINER_NAME", query->container_name);
    if (r >= 0 && query->container_id)
        r = add_match(journal, strlen(query->container_id) == SHORT_ID_LENGTH ? "CONTAINER_ID" : "CONTAINER_ID_FULL",
                      query->container_id);
    if (r >= 0 && query->stream)
        r = add_match(journal, "CONTAINER_STREAM", query->stream);
    /* Matches of one field: any of them. */
    for (unsigned i = 0; r >= 0 && i <= 7; i++)
        if (query->priorities & 1U << i)
            r = add_match(journal, "PRIORITY", (const char[]){(char) ('0' + i), 0});
    for (size_t i = 0; r >= 0 && query->message_ids && query->message_ids[i]; i++)
        r = add_match(journal, "MESSAGE_ID", query->message_ids[i]);
    return r;
}

static int open_journal(Reader *reader, Error *error)
{
    const JournalQuery *query = reader->query;
    int r = query->directory ? sym_sd_journal_open_directory(&reader->journal, query->directory, 0)
                             : sym_sd_journal_open(&reader->journal, SD_JOURNAL_LOCAL_ONLY);

    if (r < 0)
        return error_set(error, r, "cannot open the journal: %s", strerror(-r));
    if (sym_sd_journal_has_runtime_files(reader->journal) == 0 &&
        sym_sd_journal_has_persistent_files(reader->journal) == 0 && !query->directory)
        return geteuid() == 0 ? error_set(error, -ENOENT, "there is no journal on this host")
                              : error_hint(error, error_set(error, -EACCES, "no journal file can be read"),
                                           "run as root or as a member of the group systemd-journal");
    r = sym_sd_journal_set_data_threshold(reader->journal, 0); /* 64 KiB otherwise: long messages would be cut */
    if (r >= 0)
        r = add_matches(reader->journal, query);
    return r < 0 ? error_set(error, r, "cannot search the journal: %s", strerror(-r)) : 0;
}

/* The value of a field of the current entry; false when it has none. */
static bool get_value(sd_journal *journal, const char *field, const void **ret, size_t *ret_size)
{
    size_t prefix = strlen(field) + 1, size = 0;
    const void *data = NULL;

    if (sym_sd_journal_get_data(journal, field, &data, &size) < 0 || size < prefix)
        return false;
    *ret = (const char *) data + prefix;
    *ret_size = size - prefix;
    return true;
}

static bool value_is(const void *value, size_t size, const char *text)
{
    return size == strlen(text) && memcmp(value, text, size) == 0;
}

static bool entry_is_partial(sd_journal *journal)
{
    const void *value = NULL;
    size_t size = 0;

    return get_value(journal, "CONTAINER_PARTIAL_MESSAGE", &value, &size) && value_is(value, size, "true");
}

/* All fields of the entry. The data stays valid until the next call for the same entry's data, which for
 * mapped, uncompressed fields is long, but for compressed ones is not: so the bytes are copied, too. */
static int collect_fields(Reader *reader, size_t *ret_count)
{
    size_t count = 0, used = 0;
    const void *data = NULL;
    size_t size = 0;
    int r = 0;

    sym_sd_journal_restart_data(reader->journal);
    while ((r = sym_sd_journal_enumerate_available_data(reader->journal, &data, &size)) > 0) {
        const char *equals = memchr(data, '=', size);
        size_t name_size = equals ? (size_t) (equals - (const char *) data) : 0;

        if (name_size == 0)
            continue;
        if (count == reader->fields_room) {
            size_t room = MAX(reader->fields_room * 2, (size_t) 32);
            JournalField *more = reallocarray(reader->fields, room, sizeof(*more));

            if (!more)
                return -ENOMEM;
            reader->fields = more;
            reader->fields_room = room;
        }
        if (used + size > reader->names_room) {
            size_t room = MAX(reader->names_room * 2, used + size + 1024);
            char *more = realloc(reader->names, room);

            if (!more)
                return -ENOMEM;
            reader->names = more;
            reader->names_room = room;
        }
        memcpy(reader->names + used, data, size);
        reader->names[used + name_size] = 0;
        /* Offsets until all is there: the room may still move. */
        reader->fields[count++] = (JournalField){.name = (char *) (uintptr_t) used, .value_size = size - name_size - 1};
        used += size;
    }
    for (size_t i = 0; i < count; i++) {
        reader->fields[i].name = reader->names + (uintptr_t) reader->fields[i].name;
        reader->fields[i].value = reader->fields[i].name + strlen(reader->fields[i].name) + 1;
    }
    *ret_count = count;
    return r;
}

static JournalStream read_stream(sd_journal *journal)
{
    const void *value = NULL;
    size_t size = 0;

    if (!get_value(journal, "CONTAINER_STREAM", &value, &size))
        return JOURNAL_STREAM_NONE;
    return value_is(value, size, "stdout")   ? JOURNAL_STREAM_STDOUT
           : value_is(value, size, "stderr") ? JOURNAL_STREAM_STDERR
                                             : JOURNAL_STREAM_NONE;
}

static int read_priority(sd_journal *journal)
{
    const char *value = NULL;
    size_t size = 0;

    if (get_value(journal, "PRIORITY", (const void **) &value, &size) && size == 1 && value[0] >= '0' &&
        value[0] <= '7')
        return value[0] - '0';
    return PRIORITY_DEFAULT;
}

static uint64_t read_lines_dropped(sd_journal *journal)
{
    _cleanup_free_ char *text = NULL;
    const void *value = NULL;
    uint64_t number = 0;
    size_t size = 0;

    if (!get_value(journal, "BERTH_LINES_DROPPED", &value, &size))
        return 0;
    text = strndup(value, size);
    return text && text_parse_u64(text, UINT64_MAX, &number) == 0 ? number : 0;
}

/* Delivers the current entry. The message is fetched last, since fetching another field may move its bytes.
 */
static int deliver(Reader *reader)
{
    sd_journal *journal = reader->journal;
    JournalEntry entry = {0};
    int r = sym_sd_journal_get_realtime_usec(journal, &entry.realtime_usec);

    if (r < 0)
        return r;
    if (reader->query->until_usec > 0 && entry.realtime_usec > reader->query->until_usec) {
        reader->is_enough = true;
        return 0;
    }
    if (entry.realtime_usec < reader->query->since_usec)
        return 0;
    entry.stream = read_stream(journal);
    entry.priority = read_priority(journal);
    entry.is_partial = entry_is_partial(journal);
    if (entry.stream == JOURNAL_STREAM_NONE)
        entry.lines_dropped = read_lines_dropped(journal);
    if (reader->query->with_fields) {
        r = collect_fields(reader, &entry.fields_count);
        if (r < 0)
            return r;
        entry.fields = reader->fields;
    }
    if (!get_value(journal, "MESSAGE", &entry.message, &entry.message_size))
        entry.message = "";
    r = reader->function(&entry, reader->userdata);
    reader->is_enough = r > 0;
    return r;
}

/* What a corrupt or vanished entry gives: worth skipping, not worth ending a log for. */
static bool is_entry_error(int r)
{
    return r == -EBADMSG || r == -ENOENT || r == -EADDRNOTAVAIL || r == -EPROTONOSUPPORT;
}

/* All entries from the read pointer to the present end. */
static int drain(Reader *reader)
{
    while (!reader->is_enough) {
        int r = sym_sd_journal_next(reader->journal);

        if (r <= 0)
            return r;
        r = deliver(reader);
        if (r < 0 && !is_entry_error(r))
            return r;
        if (++reader->entries >= ENTRIES_BETWEEN_PROCESS) {
            reader->entries = 0;
            r = sym_sd_journal_process(reader->journal);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int seek_start(Reader *reader)
{
    return reader->query->since_usec > 0 ? sym_sd_journal_seek_realtime_usec(reader->journal, reader->query->since_usec)
                                         : sym_sd_journal_seek_head(reader->journal);
}

/* Goes back from the end (or from until_usec) over `tail` lines. A line ends with an entry that is not
 * partial, so the walk stops at the end of the line before the wanted ones and steps forward again. Entries about the
 * container (its events, what was dropped) are no lines of it. After
 * seek_tail the pointer stands behind the last entry: the first move must be backwards (systemd issue 9934).
 * With no entry at all, or none to step over, reading starts at the head, so that whatever comes later is
 * new. */
static int seek_tail_lines(Reader *reader)
{
    const JournalQuery *query = reader->query;
    uint64_t realtime_usec = 0;
    unsigned lines = 0;
    bool is_first = true;
    int r = query->until_usec > 0 ? sym_sd_journal_seek_realtime_usec(reader->journal, query->until_usec + 1)
                                  : sym_sd_journal_seek_tail(reader->journal);

    while (r >= 0) {
        r = sym_sd_journal_previous(reader->journal);
        if (r < 0)
            return r;
        if (r == 0)
            return seek_start(reader);
        if (sym_sd_journal_get_realtime_usec(reader->journal, &realtime_usec) >= 0 && realtime_usec < query->since_usec)
            return 0; /* the next one is the first of the time span */
        if (read_stream(reader->journal) == JOURNAL_STREAM_NONE)
            continue;
        if ((is_first || !entry_is_partial(reader->journal)) && lines++ == query->tail)
            return 0;
        is_first = false;
    }
    return r;
}

/* True when there is something new or it is time to look; asks should_stop. */
static int wait_for_more(Reader *reader, bool *ret_is_last)
{
    const JournalQuery *query = reader->query;
    struct pollfd fds[] = {
        {.fd = sym_sd_journal_get_fd(reader->journal)},
        {.fd = query->wake_fd > 0 ? query->wake_fd : -1, .events = POLLIN},
    };
    uint64_t timeout_usec = UINT64_MAX;
    int events = sym_sd_journal_get_events(reader->journal), r = 0;
    int timeout_ms = query->should_stop ? FOLLOW_POLL_MS : -1;

    if (fds[0].fd < 0 || events < 0)
        return fds[0].fd < 0 ? fds[0].fd : events;
    fds[0].events = (short) events;
    /* Set on file systems without inotify: an absolute CLOCK_MONOTONIC time. */
    if (sym_sd_journal_get_timeout(reader->journal, &timeout_usec) >= 0 && timeout_usec != UINT64_MAX)
        timeout_ms = FOLLOW_POLL_MS;
    if (poll(fds, ELEMENTSOF(fds), timeout_ms) < 0 && errno != EINTR)
        return -errno;
    /* Asked before the journal is looked at again: what was written before "stop" became true is still read.
     */
    *ret_is_last = query->should_stop && query->should_stop(query->should_stop_userdata);
    r = sym_sd_journal_process(reader->journal);
    if (r >= 0 && !*ret_is_last && fds[1].revents)
        (void) poll(NULL, 0, 10); /* a pidfd stays readable: do not spin until should_stop agrees */
    return r;
}

/* Reads a varlink reply up to its NUL; what it says is not needed. */
static int await_reply(int fd)
{
    char bytes[512];

    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        ssize_t n = 0;
        int r = poll(&poll_fd, 1, SYNCHRONIZE_TIMEOUT_MS);

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return r < 0 ? -errno : -ETIMEDOUT;
        n = recv(fd, bytes, sizeof(bytes), 0);
        if (n <= 0)
            return n < 0 ? -errno : -ECONNRESET;
        if (memchr(bytes, 0, (size_t) n))
            return 0;
    }
}

int journal_synchronize(void)
{
    static const char request[] = "{\"method\":\"io.systemd.Journal.Synchronize\"}";
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/io.systemd.journal"};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
        return -errno;
    if (send(fd, request, sizeof(request), MSG_NOSIGNAL) != (ssize_t) sizeof(request))
        return -EIO;
    return await_reply(fd);
}

/* Nobody writes any more, but journald may not have taken from its socket what was written. */
static int prepare_last_look(Reader *reader)
{
    if (!reader->query->directory && journal_synchronize() < 0)
        (void) poll(NULL, 0, LAST_LOOK_GRACE_MS);
    return sym_sd_journal_process(reader->journal);
}

static int read_all(Reader *reader)
{
    const JournalQuery *query = reader->query;
    bool is_last = !query->follow;
    int r = 0;

    if (query->follow) {
        r = sym_sd_journal_get_fd(reader->journal); /* watch before reading, so that nothing comes between */
        if (r < 0)
            return r;
    }
    r = query->tail == UINT_MAX ? seek_start(reader) : seek_tail_lines(reader);
    if (r < 0)
        return r;
    for (;;) {
        r = drain(reader);
        if (r < 0 || reader->is_enough || is_last)
            return r;
        r = wait_for_more(reader, &is_last);
        if (r >= 0 && is_last)
            r = prepare_last_look(reader);
        if (r < 0)
            return r;
    }
}

int journal_read(const JournalQuery *query, JournalEntryFunction function, void *userdata, Error *error)
{
    _cleanup_(reader_done) Reader reader = {.query = query, .function = function, .userdata = userdata};
    int r = dl_load(&journal_library, error);

    if (r < 0)
        return r;
    r = open_journal(&reader, error);
    if (r < 0)
        return r;
    r = read_all(&reader);
    return r < 0 ? error_set(error, r, "cannot read the journal: %s", strerror(-r)) : 0;
}
