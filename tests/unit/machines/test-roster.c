/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The roster in directories of its own: state files out and in, those of other versions, damaged ones, locks that die
 * with their holder, and taking back what a dead machine left (THREATS R19). */
#include "../test.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/process.h"
#include "machines/roster.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/berth-test-roster.XXXXXX";

static Roster *open_roster(void)
{
    Roster *roster = NULL;
    _cleanup_error_ Error error = {};

    if (roster_open(true, &roster, &error) < 0)
        printf("# %s\n", error.text);
    return roster;
}
#define ROSTER _cleanup_(roster_closep) Roster *roster = open_roster()

static Machine *machine_named(const char *name)
{
    Machine *machine = calloc(1, sizeof(Machine));

    machine->schema = MACHINE_SCHEMA;
    machine->name = strdup(name);
    return machine;
}

static int put(int dir_fd, const char *name, const char *text)
{
    return file_write_atomic_at(dir_fd, name, text, strlen(text), 0600, 0);
}

static bool exists(int dir_fd, const char *name)
{
    return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void nothing_ever_ran(void)
{
    Roster *roster = NULL;
    _cleanup_error_ Error error = {};

    ASSERT_ERROR(roster_open(false, &roster, &error), ENOENT);
    ASSERT_NULL(roster);
    roster_close(NULL);
}

static void directories_are_private(void)
{
    ROSTER;
    _cleanup_free_ char *loose = text_format("%s/run/machines", directory);
    struct stat st;

    ASSERT_NOT_NULL(roster);
    ASSERT_OK(fstat(roster->machines_fd, &st));
    ASSERT_EQ(st.st_mode & 07777, 0700);
    ASSERT_OK(fstat(roster->data_fd, &st));
    ASSERT_EQ(st.st_mode & 07777, 0700);
    /* Somebody opened it: it is closed again. */
    ASSERT_OK(chmod(loose, 0777));
    _cleanup_(roster_closep) Roster *second = open_roster();
    ASSERT_NOT_NULL(second);
    ASSERT_OK(fstat(second->machines_fd, &st));
    ASSERT_EQ(st.st_mode & 07777, 0700);
}

static void state_comes_back(void)
{
    ROSTER;
    _cleanup_(machine_freep) Machine *machine = machine_named("web"), *back = NULL;
    _cleanup_error_ Error error = {};
    struct stat st;

    machine->id = strdup("0123");
    machine->command = strv_new("/bin/sh", "-c", "echo \"x\"", NULL);
    machine->environment = strv_new("A=b\nc", "BAD=\xff", NULL);
    machine->capabilities = UINT64_C(0x1ffffffffff);
    machine->stop_timeout_usec = UINT64_MAX;
    machine->supervisor = 12;
    machine->boot = true;
    ASSERT_OK(roster_save(roster, machine));
    ASSERT_OK(fstatat(roster->machines_fd, "web", &st, AT_SYMLINK_NOFOLLOW));
    ASSERT_EQ(st.st_mode & 07777, 0600);
    ASSERT_OK(roster_load(roster, "web", &back, &error));
    ASSERT_STREQ(back->name, "web");
    ASSERT_STREQ(back->id, "0123");
    ASSERT_STREQ(back->command[2], "echo \"x\"");
    ASSERT_STREQ(back->environment[0], "A=b\nc");
    ASSERT_STREQ(back->environment[1], "BAD=\\xff"); /* JSON holds no such byte */
    ASSERT_EQ(back->capabilities, machine->capabilities);
    ASSERT_TRUE(back->stop_timeout_usec >= INT64_MAX);
    ASSERT_TRUE(back->boot);
    ASSERT_FALSE(back->remove);
    ASSERT_NULL(back->image);
    ASSERT_NULL(back->unknown);
}

/* Every row of the table is saved and read: one that names the wrong member shows here. */
static void every_field_comes_back(void)
{
    ROSTER;
    _cleanup_(machine_freep) Machine *machine = machine_named("fields"), *back = NULL;

    for (size_t i = 0; i < machine_fields_count; i++) {
        void *member = (char *) machine + machine_fields[i].offset;

        for (size_t j = 0; j < i; j++)
            if (machine_fields[j].offset == machine_fields[i].offset ||
                strcmp(machine_fields[j].name, machine_fields[i].name) == 0)
                TEST_FAIL("'%s' is there twice", machine_fields[i].name);
        if (machine_fields[i].type == JSON_FIELD_STRING && !*(char **) member)
            *(char **) member = text_format("value %zu", i);
        else if (machine_fields[i].type == JSON_FIELD_LIST)
            *(char ***) member = strv_new(machine_fields[i].name, NULL);
        else if (machine_fields[i].type == JSON_FIELD_BOOL)
            *(bool *) member = true;
        else if (machine_fields[i].type == JSON_FIELD_U64)
            *(uint64_t *) member = 1000 + i;
    }
    ASSERT_OK(roster_save(roster, machine));
    ASSERT_OK(roster_load(roster, "fields", &back, NULL));
    for (size_t i = 0; i < machine_fields_count; i++) {
        const void *a = (char *) machine + machine_fields[i].offset, *b = (char *) back + machine_fields[i].offset;
        bool same = machine_fields[i].type == JSON_FIELD_STRING ? strcmp(*(char *const *) a, *(char *const *) b) == 0
                    : machine_fields[i].type == JSON_FIELD_LIST
                        ? strcmp(**(char **const *) a, **(char **const *) b) == 0
                    : machine_fields[i].type == JSON_FIELD_BOOL ? *(const bool *) b
                                                                : *(const uint64_t *) a == *(const uint64_t *) b;

        if (!same)
            TEST_FAIL("'%s' does not come back", machine_fields[i].name);
    }
}

static void other_versions(void)
{
    static const char text[] =
        "{\"name\":\"newer\",\"schema\":9,\"colour\":\"blue\",\"nested\":{\"a\":[1,{}]},\"leader\":7}";
    ROSTER;
    _cleanup_(machine_freep) Machine *machine = NULL, *again = NULL, *oldest = NULL;
    _cleanup_free_ char *written = NULL;
    _cleanup_error_ Error error = {};

    ASSERT_OK(put(roster->machines_fd, "newer", text));
    if (roster_load(roster, "newer", &machine, &error) < 0)
        TEST_FAIL("%s", error.text);
    ASSERT_EQ(machine->schema, 9);
    ASSERT_EQ(machine->leader, 7);
    ASSERT_EQ(machine->leader_started, 0);
    ASSERT_NULL(machine->image);
    ASSERT_NULL(machine->command);
    /* What a newer version knows survives our writing. */
    machine->leader = 8;
    ASSERT_OK(roster_update(roster, machine));
    ASSERT_OK(file_read_at(roster->machines_fd, "newer", 1 << 16, &written, NULL));
    ASSERT_CONTAINS(written, "\"colour\":\"blue\"");
    ASSERT_CONTAINS(written, "\"nested\":{\"a\":[1,{}]}");
    ASSERT_OK(roster_load(roster, "newer", &again, &error));
    ASSERT_EQ(again->leader, 8);

    ASSERT_OK(put(roster->machines_fd, "oldest", "{\"name\":\"oldest\"}"));
    ASSERT_OK(roster_load(roster, "oldest", &oldest, &error));
    ASSERT_EQ(oldest->leader, 0);
    ASSERT_ERROR(machine_open_leader(oldest), ESRCH);
}

static void update_never_creates(void)
{
    ROSTER;
    _cleanup_(machine_freep) Machine *machine = machine_named("gone");

    ASSERT_ERROR(roster_update(roster, machine), ENOENT);
    ASSERT_FALSE(exists(roster->machines_fd, "gone"));
    ASSERT_OK(roster_save(roster, machine));
    machine->leader = 5;
    ASSERT_OK(roster_update(roster, machine));
    roster_forget(roster, "gone");
    ASSERT_ERROR(roster_update(roster, machine), ENOENT);
    ASSERT_FALSE(exists(roster->machines_fd, "gone"));
}

static void damaged_files_are_moved_aside(void)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "nonsense",
                                        "[]",
                                        "null",
                                        "{\"name\":\"other\"}",
                                        "{\"name\":null}",
                                        "{}",
                                        "{\"name\":1}",
                                        "{\"name\":\"bad\",\"leader\":\"x\"}",
                                        "{\"name\":\"bad\",\"leader\":-1}",
                                        "{\"name\":\"bad\",\"command\":[1]}",
                                        "{\"name\":\"bad\",\"name\":\"bad\"}",
                                        "{\"name\":\"bad\\u0000\"}",
                                        "{\"name\":\"bad\"}x"};
    ROSTER;
    _cleanup_(machine_freep) Machine *good = machine_named("good");

    ASSERT_OK(roster_save(roster, good));
    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_(machine_freep) Machine *machine = NULL, *still = NULL;
        _cleanup_error_ Error error = {};
        _cleanup_strv_ char **names = NULL;

        ASSERT_OK(put(roster->machines_fd, "bad", texts[i]));
        if (roster_load(roster, "bad", &machine, &error) != -EBADMSG || machine)
            TEST_FAIL("%s is taken", texts[i]);
        ASSERT_CONTAINS(error.text, "bad is damaged and was moved to ");
        ASSERT_FALSE(exists(roster->machines_fd, "bad"));
        ASSERT_TRUE(exists(roster->machines_fd, ".#bad.corrupt"));
        /* The rest is as it was. */
        ASSERT_OK(roster_list(roster, &names));
        ASSERT_TRUE(strv_contains(names, "good"));
        ASSERT_FALSE(strv_contains(names, "bad"));
        ASSERT_OK(roster_load(roster, "good", &still, NULL));
        ASSERT_ERROR(roster_load(roster, "bad", &machine, NULL), ENOENT);
    }
}

/* Its lock says that it lives: the file stays, and whoever looks is told what can be done. */
static void a_damaged_state_of_the_living_stays(void)
{
    ROSTER;
    _cleanup_close_ int lock_fd = -EBADF;
    _cleanup_error_ Error error = {}, later = {};
    Machine *machine = NULL;

    ASSERT_OK(put(roster->machines_fd, "bad", "{"));
    ASSERT_OK(roster_lock(roster, "bad", &lock_fd));
    ASSERT_ERROR(roster_load(roster, "bad", &machine, &error), EBADMSG);
    ASSERT_CONTAINS(error.text, "its container still runs");
    ASSERT_CONTAINS(error.hint, "locks/bad");
    ASSERT_TRUE(exists(roster->machines_fd, "bad"));
    ASSERT_OK(roster_reconcile(roster, NULL, NULL));
    ASSERT_TRUE(exists(roster->machines_fd, "bad"));
    lock_fd = safe_close(lock_fd);
    ASSERT_ERROR(roster_load(roster, "bad", &machine, &later), EBADMSG);
    ASSERT_FALSE(exists(roster->machines_fd, "bad"));
}

static void what_is_no_file(void)
{
    ROSTER;
    Machine *machine = NULL;

    alarm(20);
    ASSERT_OK(mkfifoat(roster->machines_fd, "pipe", 0600));
    ASSERT_ERROR(roster_load(roster, "pipe", &machine, NULL), EBADMSG);
    ASSERT_OK(symlinkat("/etc/passwd", roster->machines_fd, "link"));
    ASSERT_ERROR(roster_load(roster, "link", &machine, NULL), EBADMSG);
    ASSERT_OK(mkdirat(roster->machines_fd, "dir", 0700));
    ASSERT_ERROR(roster_load(roster, "dir", &machine, NULL), EBADMSG);
    alarm(0);
    ASSERT_ERROR(roster_load(roster, "../machines/good", &machine, NULL), ENOENT);
    ASSERT_ERROR(roster_load(roster, ".#bad.corrupt", &machine, NULL), ENOENT);
    ASSERT_ERROR(roster_load(roster, "", &machine, NULL), ENOENT);
    ASSERT_NULL(machine);
}

static void names_are_sorted_and_clean(void)
{
    ROSTER;
    _cleanup_strv_ char **names = NULL;
    _cleanup_(machine_freep) Machine *a = machine_named("aa"), *b = machine_named("Ab");

    ASSERT_OK(roster_save(roster, a));
    ASSERT_OK(roster_save(roster, b));
    ASSERT_OK(put(roster->machines_fd, ".#aa.0123", "{}"));
    ASSERT_OK(put(roster->machines_fd, "with blank", "{}"));
    ASSERT_OK(roster_list(roster, &names));
    for (size_t i = 0; names[i]; i++) {
        ASSERT_TRUE(text_is_name(names[i]));
        ASSERT_TRUE(i == 0 || strcmp(names[i - 1], names[i]) < 0);
    }
    ASSERT_TRUE(strv_contains(names, "Ab"));
}

static void a_name_is_taken_once(void)
{
    ROSTER;
    _cleanup_(roster_closep) Roster *other = open_roster();
    int first = -EBADF, second = -EBADF, copy;

    ASSERT_FALSE(roster_is_alive(roster, "locked"));
    ASSERT_OK(roster_lock(roster, "locked", &first));
    ASSERT_EQ(fcntl(first, F_GETFD), FD_CLOEXEC);
    ASSERT_TRUE(roster_is_alive(other, "locked"));
    ASSERT_ERROR(roster_lock(other, "locked", &second), EBUSY);
    ASSERT_ERROR(roster_lock(roster, "locked", &second), EBUSY);
    ASSERT_EQ(second, -EBADF);
    /* It lives with the last copy. */
    copy = dup(first);
    close(first);
    ASSERT_TRUE(roster_is_alive(other, "locked"));
    close(copy);
    ASSERT_FALSE(roster_is_alive(other, "locked"));
    ASSERT_OK(roster_lock(other, "locked", &second));
    /* Who asks does not disturb. */
    ASSERT_TRUE(roster_is_alive(roster, "locked"));
    roster_unlock(other, "locked");
    ASSERT_FALSE(exists(roster->locks_fd, "locked"));
    close(second);
}

static void a_lock_dies_with_its_holder(void)
{
    ROSTER;
    int ready[2], lock_fd = -EBADF;
    char byte;
    pid_t pid;

    ASSERT_OK(pipe(ready));
    pid = fork();
    if (pid == 0) {
        if (roster_lock(roster, "holder", &lock_fd) == 0)
            (void) !write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    ASSERT_TRUE(roster_is_alive(roster, "holder"));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    ASSERT_FALSE(roster_is_alive(roster, "holder"));
    ASSERT_OK(roster_lock(roster, "holder", &lock_fd));
    roster_unlock(roster, "holder");
    close(lock_fd);
}

/* Many at once: never two that hold the name, though each removes it when it goes. */
static void a_lock_excludes(void)
{
    ROSTER;
    int fds[2], status;
    pid_t pids[4];

    ASSERT_OK(pipe(fds));
    for (size_t i = 0; i < ELEMENTSOF(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            for (unsigned round = 0; round < 200; round++) {
                int lock_fd = -EBADF;

                while (roster_lock(roster, "raced", &lock_fd) == -EBUSY)
                    usleep(10);
                if (lock_fd < 0 || mkdirat(roster->run_fd, "inside", 0700) < 0 ||
                    unlinkat(roster->run_fd, "inside", AT_REMOVEDIR) < 0)
                    _exit(1);
                roster_unlock(roster, "raced");
                close(lock_fd);
            }
            _exit(0);
        }
    }
    for (size_t i = 0; i < ELEMENTSOF(pids); i++) {
        ASSERT_EQ(waitpid(pids[i], &status, 0), pids[i]);
        ASSERT_EQ(status, 0);
    }
    close(fds[0]);
    close(fds[1]);
}

static pid_t start_sleeper(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    return pid;
}

static void pids_are_verified(void)
{
    _cleanup_(machine_freep) Machine *machine = machine_named("pids");
    pid_t pid = start_sleeper();
    _cleanup_close_ int fd = -EBADF;

    machine->leader = (uint64_t) pid;
    ASSERT_OK(process_start_time(pid, &machine->leader_started));
    fd = machine_open_leader(machine);
    ASSERT_TRUE(fd >= 0);
    ASSERT_ERROR(machine_open_supervisor(machine), ESRCH);
    /* The number belongs to another process now. */
    machine->leader_started++;
    ASSERT_ERROR(machine_open_leader(machine), ESRCH);
    machine->leader_started--;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ASSERT_ERROR(machine_open_leader(machine), ESRCH);
    machine->leader = UINT64_MAX;
    ASSERT_ERROR(machine_open_leader(machine), ESRCH);
    machine->leader = (UINT64_C(1) << 32) + 1;
    ASSERT_ERROR(machine_open_leader(machine), ESRCH);
}

static void exit_records(void)
{
    ROSTER;
    MachineExit record = {.code = 4711};

    ASSERT_ERROR(roster_load_exit(roster, "web", &record), ENOENT);
    ASSERT_ERROR(roster_load_exit(roster, "../x", &record), ENOENT);
    ASSERT_EQ(record.code, 4711);
    ASSERT_OK(put(roster->exits_fd, "web", "{\"schema\":1,\"code\":137,\"signal\":9,\"oom_kills\":1,\"later\":true}"));
    ASSERT_OK(roster_load_exit(roster, "web", &record));
    ASSERT_EQ(record.code, 137);
    ASSERT_EQ(record.signal, 9);
    ASSERT_EQ(record.oom_kills, 1);
    ASSERT_EQ(record.lines_dropped, 0);
    ASSERT_OK(put(roster->exits_fd, "web", "{"));
    ASSERT_TRUE(roster_load_exit(roster, "web", &record) < 0);
    ASSERT_EQ(record.code, 137);
    roster_forget_exit(roster, "web");
    ASSERT_ERROR(roster_load_exit(roster, "web", &record), ENOENT);
}

static void collect(const char *name, const char *what, void *userdata)
{
    (void) strv_append_format(userdata, "%s: %s", name, what);
}

static void make_dead(Roster *roster, const char *name, bool remove, pid_t leader)
{
    _cleanup_(machine_freep) Machine *machine = machine_named(name);
    _cleanup_free_ char *definition = text_format("%s.container", name), *upper = text_format("%s/upper", name);

    machine->remove = remove;
    machine->has_definition = true;
    machine->leader = (uint64_t) leader;
    if (leader > 0)
        (void) process_start_time(leader, &machine->leader_started);
    (void) put(roster->definitions_fd, definition, "[Container]\n");
    (void) put(roster->attach_fd, name, "");
    (void) mkdirat(roster->containers_fd, name, 0700);
    (void) mkdirat(roster->containers_fd, upper, 0700);
    (void) roster_save(roster, machine);
}

static void the_dead_are_taken_back_the_living_left(void)
{
    ROSTER;
    _cleanup_strv_ char **reports = NULL, **names = NULL;
    _cleanup_free_ char *all = NULL;
    int lock_fd = -EBADF, status = 0;
    pid_t leader = start_sleeper(), alive = start_sleeper(), orphan = start_sleeper();

    ASSERT_OK(roster_list(roster, &names));
    STRV_FOREACH (name, names)
        roster_forget(roster, *name);
    (void) unlinkat(roster->machines_fd, "dir", AT_REMOVEDIR);
    make_dead(roster, "dead", true, leader);
    make_dead(roster, "kept", false, 0);
    make_dead(roster, "alive", true, alive);
    make_dead(roster, "orphan", true, orphan);
    /* Dead but not reaped, as a payload whose supervisor was killed can be. */
    kill(leader, SIGKILL);
    for (siginfo_t info = {}; info.si_pid == 0;)
        ASSERT_OK(waitid(P_PID, (id_t) leader, &info, WEXITED | WNOWAIT));
    ASSERT_OK(put(roster->machines_fd, "broken", "{"));
    ASSERT_OK(roster_lock(roster, "alive", &lock_fd));

    ASSERT_OK(roster_reconcile(roster, collect, &reports));
    all = strv_join(reports, "\n");
    ASSERT_EQ(strv_length(reports), 3);
    ASSERT_CONTAINS(all, "dead: its supervisor died");
    ASSERT_CONTAINS(all, "kept: its supervisor died");
    ASSERT_CONTAINS(all, "broken: ");

    /* Its state, socket, definition and what it wrote are gone. */
    ASSERT_EQ(waitpid(leader, &status, 0), leader);
    ASSERT_FALSE(exists(roster->machines_fd, "dead"));
    ASSERT_FALSE(exists(roster->attach_fd, "dead"));
    ASSERT_FALSE(exists(roster->containers_fd, "dead"));
    ASSERT_FALSE(exists(roster->definitions_fd, "dead.container"));
    ASSERT_FALSE(exists(roster->locks_fd, "dead"));
    /* One that was to stay keeps what it wrote. */
    ASSERT_FALSE(exists(roster->machines_fd, "kept"));
    ASSERT_TRUE(exists(roster->containers_fd, "kept/upper"));
    ASSERT_TRUE(exists(roster->definitions_fd, "kept.container"));
    /* The living are not touched. */
    ASSERT_TRUE(exists(roster->machines_fd, "alive"));
    ASSERT_TRUE(exists(roster->containers_fd, "alive/upper"));
    ASSERT_TRUE(exists(roster->attach_fd, "alive"));
    ASSERT_OK(kill(alive, 0));
    ASSERT_EQ(waitpid(alive, &status, WNOHANG), 0);
    /* One that lost its supervisor only runs on, and can be listed and stopped. */
    ASSERT_TRUE(exists(roster->machines_fd, "orphan"));
    ASSERT_TRUE(exists(roster->containers_fd, "orphan/upper"));
    ASSERT_EQ(waitpid(orphan, &status, WNOHANG), 0);

    /* Once more: there is nothing left to do. */
    strv_free(TAKE_PTR(reports));
    ASSERT_OK(roster_reconcile(roster, collect, &reports));
    ASSERT_EQ(strv_length(reports), 0);

    roster_unlock(roster, "alive");
    close(lock_fd);
    kill(alive, SIGKILL);
    ASSERT_EQ(waitpid(alive, &status, 0), alive);
    kill(orphan, SIGKILL);
    ASSERT_EQ(waitpid(orphan, &status, 0), orphan);
    ASSERT_OK(roster_reconcile(roster, NULL, NULL));
    ASSERT_FALSE(exists(roster->machines_fd, "alive"));
    ASSERT_FALSE(exists(roster->machines_fd, "orphan"));
    ASSERT_FALSE(exists(roster->containers_fd, "orphan"));
}

/* To take back is to end what still runs. */
static void undo_ends_the_payload(void)
{
    ROSTER;
    _cleanup_(machine_freep) Machine *machine = NULL;
    pid_t leader = start_sleeper();
    int status = 0;

    make_dead(roster, "undone", true, leader);
    ASSERT_OK(roster_load(roster, "undone", &machine, NULL));
    roster_undo(roster, machine);
    ASSERT_EQ(waitpid(leader, &status, 0), leader);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ASSERT_FALSE(exists(roster->machines_fd, "undone"));
    ASSERT_FALSE(exists(roster->containers_fd, "undone"));
}

/* A state of another boot says nothing of the processes of this one. */
static void another_boot(void)
{
    ROSTER;
    _cleanup_(machine_freep) Machine *machine = NULL;
    pid_t innocent = start_sleeper();
    int status = 0;

    make_dead(roster, "rebooted", false, innocent);
    ASSERT_OK(roster_load(roster, "rebooted", &machine, NULL));
    ASSERT_TRUE(machine_is_running(machine));
    machine->boot_id = strdup("00000000-0000-0000-0000-000000000000");
    ASSERT_FALSE(machine_is_running(machine));
    ASSERT_OK(roster_save(roster, machine));
    ASSERT_OK(roster_reconcile(roster, NULL, NULL));
    ASSERT_FALSE(exists(roster->machines_fd, "rebooted"));
    ASSERT_EQ(waitpid(innocent, &status, WNOHANG), 0);
    kill(innocent, SIGKILL);
    waitpid(innocent, NULL, 0);
}

/* The number of a dead leader may be somebody else's by now: that one is not killed. */
static void a_recycled_pid_is_not_killed(void)
{
    ROSTER;
    _cleanup_(machine_freep) Machine *machine = machine_named("recycled");
    pid_t innocent = start_sleeper();
    int status = 0;

    machine->leader = (uint64_t) innocent;
    ASSERT_OK(process_start_time(innocent, &machine->leader_started));
    machine->leader_started -= 1;
    ASSERT_OK(roster_save(roster, machine));
    ASSERT_OK(roster_reconcile(roster, NULL, NULL));
    ASSERT_FALSE(exists(roster->machines_fd, "recycled"));
    usleep(20000);
    ASSERT_EQ(waitpid(innocent, &status, WNOHANG), 0);
    kill(innocent, SIGKILL);
    waitpid(innocent, NULL, 0);
}

/* What a writer that was killed has left; one that is at work is not disturbed, nor is what only looks like it. */
static void killed_writers_are_swept_up_after(void)
{
    ROSTER;
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    static const char *const stale = ".#web.0123456789abcdef", *const fresh = ".#web.fedcba9876543210",
                             *const corrupt = ".#web.corrupt";

    ASSERT_OK(put(roster->machines_fd, stale, "{"));
    ASSERT_OK(utimensat(roster->machines_fd, stale, old, 0));
    ASSERT_OK(put(roster->exits_fd, stale, "{"));
    ASSERT_OK(utimensat(roster->exits_fd, stale, old, 0));
    ASSERT_OK(put(roster->machines_fd, fresh, "{"));
    ASSERT_OK(put(roster->machines_fd, corrupt, "{"));
    ASSERT_OK(utimensat(roster->machines_fd, corrupt, old, 0));
    roster_sweep(roster);
    ASSERT_FALSE(exists(roster->machines_fd, stale));
    ASSERT_FALSE(exists(roster->exits_fd, stale));
    ASSERT_TRUE(exists(roster->machines_fd, fresh));
    ASSERT_TRUE(exists(roster->machines_fd, corrupt));
}

/* Records of what is gone altogether are kept for a day; those of containers that are still there for ever. */
static void exit_records_have_an_age(void)
{
    ROSTER;
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    static const struct {
        const char *name, *text;
        bool is_old, stays;
    } rows[] = {
        {"gone", "{\"code\":0,\"is_removed\":true}", true, false},
        {"gone-just-now", "{\"code\":0,\"is_removed\":true}", false, true},
        {"stopped", "{\"code\":0,\"is_removed\":false}", true, true},
        {"of-an-older-version", "{\"code\":0}", true, true},
        {"damaged", "{", true, true},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        ASSERT_OK(put(roster->exits_fd, rows[i].name, rows[i].text));
        if (rows[i].is_old)
            ASSERT_OK(utimensat(roster->exits_fd, rows[i].name, old, 0));
    }
    roster_sweep(roster);
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (exists(roster->exits_fd, rows[i].name) != rows[i].stays)
            TEST_FAIL("%s: %s", rows[i].name, rows[i].stays ? "was removed" : "is still there");
}

/* The name that a killed launcher had taken, and the categories of a killed supervisor, unless the machine goes on. */
static void names_of_nobody_are_swept(void)
{
    ROSTER;
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    static const char *const left[] = {"left", ".mcs.1.2", ".mcs.3.4"}, *const kept[] = {"goes-on", ".mcs.5.6"};
    /* A build without SELinux knows no categories, and nobody who has some. */
    const size_t kept_count = strstr(BERTH_FEATURES, "+SELINUX") ? 2 : 1;

    ASSERT_OK(put(roster->locks_fd, "left", ""));
    ASSERT_OK(put(roster->locks_fd, ".mcs.1.2", ""));
    ASSERT_OK(put(roster->locks_fd, ".mcs.3.4", "left"));
    ASSERT_OK(put(roster->locks_fd, "goes-on", ""));
    ASSERT_OK(put(roster->locks_fd, ".mcs.5.6", "goes-on"));
    ASSERT_OK(put(roster->machines_fd, "goes-on", "{}"));
    for (size_t i = 0; i < ELEMENTSOF(left); i++)
        ASSERT_OK(utimensat(roster->locks_fd, left[i], old, 0));
    for (size_t i = 0; i < ELEMENTSOF(kept); i++)
        ASSERT_OK(utimensat(roster->locks_fd, kept[i], old, 0));
    roster_sweep(roster);
    for (size_t i = 0; i < ELEMENTSOF(left); i++)
        ASSERT_FALSE(exists(roster->locks_fd, left[i]));
    for (size_t i = 0; i < kept_count; i++)
        ASSERT_TRUE(exists(roster->locks_fd, kept[i]));
}

int main(void)
{
    _cleanup_free_ char *run = NULL, *data = NULL;

    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    run = text_format("%s/run", directory);
    data = text_format("%s/data", directory);
    setenv("BERTH_RUN_DIR", run, 1);
    setenv("BERTH_DATA_DIR", data, 1);
    TEST_RUN(nothing_ever_ran);
    TEST_RUN(directories_are_private);
    TEST_RUN(state_comes_back);
    TEST_RUN(every_field_comes_back);
    TEST_RUN(other_versions);
    TEST_RUN(update_never_creates);
    TEST_RUN(damaged_files_are_moved_aside);
    TEST_RUN(a_damaged_state_of_the_living_stays);
    TEST_RUN(what_is_no_file);
    TEST_RUN(names_are_sorted_and_clean);
    TEST_RUN(a_name_is_taken_once);
    TEST_RUN(a_lock_dies_with_its_holder);
    TEST_RUN(a_lock_excludes);
    TEST_RUN(pids_are_verified);
    TEST_RUN(exit_records);
    TEST_RUN(the_dead_are_taken_back_the_living_left);
    TEST_RUN(undo_ends_the_payload);
    TEST_RUN(killed_writers_are_swept_up_after);
    TEST_RUN(exit_records_have_an_age);
    TEST_RUN(names_of_nobody_are_swept);
    TEST_RUN(another_boot);
    TEST_RUN(a_recycled_pid_is_not_killed);
    (void) file_remove_tree_at(AT_FDCWD, directory);
    return test_finish();
}
