/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/processes.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "ctl/table.h"
#include "kernel/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* More would not be read by anybody, and a container decides how many there are. */
#define PROCESSES_MAX 256
#define COMMAND_MAX   4096
#define DEPTH_MAX     16

bool terminal_takes_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < ELEMENTSOF(variables); i++) {
        const char *value = getenv(variables[i]);

        if (!text_is_empty(value))
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

/* A file of a process, at most `size` bytes of it. */
static ssize_t read_process_file(pid_t pid, const char *name, char *data, size_t size)
{
    char path[64];
    int fd;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    n = file_read_all(fd, data, size);
    safe_close(fd);
    return n;
}

int process_format_command(pid_t pid, char **ret)
{
    char data[COMMAND_MAX], *command = NULL;
    ssize_t n = read_process_file(pid, "cmdline", data, sizeof(data));

    if (n < 0)
        return (int) n;
    while (n > 0 && data[n - 1] == 0)
        n--;
    if (n > 0) {
        for (ssize_t i = 0; i < n; i++)
            if (data[i] == 0)
                data[i] = ' ';
        command = text_escape_prose(data, (size_t) n);
    } else {
        _cleanup_free_ char *name = NULL;

        n = read_process_file(pid, "comm", data, sizeof(data));
        if (n < 0)
            return (int) n;
        name = text_escape(data, n > 0 && data[n - 1] == '\n' ? (size_t) n - 1 : (size_t) n);
        command = name ? text_format("[%s]", name) : NULL;
    }
    if (!command)
        return -ENOMEM;
    *ret = command;
    return 0;
}

typedef struct Tree {
    unsigned columns;
    unsigned printed;
    bool is_utf8;
} Tree;

/* Cuts at a number of characters. */
static void cut(char *text, unsigned columns)
{
    unsigned count = 0;

    for (; *text; text++) {
        if (((unsigned char) *text & 0xc0) != 0x80 && count++ == columns) {
            *text = 0;
            return;
        }
    }
}

static int print_branch(Tree *tree, const char *indent, bool is_last, const char *text)
{
    const char *branch = tree->is_utf8 ? (is_last ? "└─" : "├─") : (is_last ? "`-" : "|-");
    _cleanup_free_ char *line = text_format("%s%s%s", indent, branch, text);

    if (!line)
        return -ENOMEM;
    if (tree->columns > 0)
        cut(line, tree->columns);
    puts(line);
    return 0;
}

static int compare_pids(const void *a, const void *b)
{
    const pid_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The pids of one group, sorted; 0 stands for those that our pid namespace does not show and is left out. */
static size_t read_pids(int group_fd, pid_t *pids, size_t most)
{
    int fd = openat(group_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC), pid = 0;
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "re");
    size_t count = 0;

    if (!stream) {
        safe_close(fd);
        return 0;
    }
    while (count < most && fscanf(stream, "%d", &pid) == 1)
        if (pid > 0)
            pids[count++] = pid;
    fclose(stream);
    qsort(pids, count, sizeof(*pids), compare_pids);
    return count;
}

/* The names of the groups below that hold a process, sorted. */
static int list_groups(int group_fd, char ***ret)
{
    int fd = openat(group_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!directory) {
        r = -errno;
        safe_close(fd);
        return r;
    }
    while (r == 0 && (entry = readdir(directory))) {
        _cleanup_close_ int child_fd = -EBADF;
        bool is_populated = false;

        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        child_fd = openat(dirfd(directory), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (child_fd >= 0 && cgroup_is_populated(child_fd, &is_populated) == 0 && is_populated)
            r = strv_append(ret, entry->d_name);
    }
    closedir(directory);
    strv_sort(*ret);
    return r;
}

static int print_processes(Tree *tree, int group_fd, const char *indent, bool has_groups)
{
    pid_t pids[PROCESSES_MAX + 1];
    size_t count = read_pids(group_fd, pids, ELEMENTSOF(pids));
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++) {
        _cleanup_free_ char *command = NULL, *text = NULL;
        bool is_full = ++tree->printed > PROCESSES_MAX;

        if (!is_full && process_format_command(pids[i], &command) < 0)
            continue;
        text = is_full ? strdup("...") : text_format("%d %s", (int) pids[i], command);
        r = text ? print_branch(tree, indent, !has_groups && (is_full || i + 1 == count), text) : -ENOMEM;
        if (is_full)
            break;
    }
    return r;
}

static int print_group(Tree *tree, int group_fd, const char *indent, unsigned depth)
{
    _cleanup_strv_ char **groups = NULL;
    int r = list_groups(group_fd, &groups);

    if (r == 0)
        r = print_processes(tree, group_fd, indent, groups != NULL);
    for (char **group = groups; r == 0 && group && *group; group++) {
        _cleanup_close_ int child_fd = openat(group_fd, *group, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        /* A delegated group's children are named by the container. */
        _cleanup_free_ char *name = text_escape(*group, SIZE_MAX);
        _cleanup_free_ char *deeper = text_format("%s%s", indent, group[1] ? (tree->is_utf8 ? "│ " : "| ") : "  ");

        if (!name || !deeper)
            return -ENOMEM;
        r = print_branch(tree, indent, !group[1], name);
        if (r == 0 && child_fd >= 0 && depth < DEPTH_MAX && tree->printed <= PROCESSES_MAX)
            r = print_group(tree, child_fd, deeper, depth + 1);
    }
    return r;
}

int processes_print_tree(int group_fd, const char *indent, unsigned columns)
{
    Tree tree = {.columns = columns, .is_utf8 = terminal_takes_utf8()};

    return print_group(&tree, group_fd, indent, 0);
}
