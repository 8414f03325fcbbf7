/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the sanitizers' run time needs to be heard from this program: it has no environment, its standard error may be
 * the payload's or nobody's, and after the pivot no path leads to the host's files. So the file for the reports is
 * opened before main(), at a number of its own that outlives the closing of everything foreign. */

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define REPORTS_FD_MOST 1022 /* above the plan's fds */

static unsigned reports_fd = REPORTS_FD_MOST;

const char *__asan_default_options(void) __attribute__((visibility("default")));
const char *__ubsan_default_options(void) __attribute__((visibility("default")));
void __sanitizer_set_report_fd(void *fd);
int __real_sys_close_range(unsigned first, unsigned last, unsigned flags);
int __wrap_sys_close_range(unsigned first, unsigned last, unsigned flags);

/* Leaks are not looked for: most of the program's processes end by execve(2), and the search, which traces the process
 * from a clone of it, hangs in one whose children are in another pid namespace. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0:detect_stack_use_after_return=1:exitcode=99:symbolize=0";
}

const char *__ubsan_default_options(void)
{
    return "halt_on_error=1:exitcode=99:print_stacktrace=1";
}

int __wrap_sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    int r = 0;

    /* The reaper closes everything, 0 included: so it is looked at by tests. */
    if (flags != 0 || first == 0 || first > reports_fd || last < reports_fd)
        return __real_sys_close_range(first, last, flags);
    if (first < reports_fd)
        r = __real_sys_close_range(first, reports_fd - 1, flags);
    return r == 0 && last > reports_fd ? __real_sys_close_range(reports_fd + 1, last, flags) : r;
}

/* The net's own test: a byte behind the end of what was allocated is read. */
static void commit_fault(void)
{
    volatile size_t size = 8;
    char *memory = strndup("12345678", size);
    volatile char byte = memory ? memory[size + 1] : 0;

    (void) byte;
    _exit(0);
}

static void __attribute__((constructor)) open_reports(int argc, char *argv[])
{
    int fd = open(REPORTS_FILE, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= reports_fd)
        reports_fd = (unsigned) limit.rlim_cur - 1;
    if (fd < 0 || dup3(fd, (int) reports_fd, O_CLOEXEC) < 0)
        _exit(98);
    close(fd);
    __sanitizer_set_report_fd((void *) (uintptr_t) reports_fd);
    if (argc == 2 && strcmp(argv[1], "--fault") == 0)
        commit_fault();
}
