/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts programs one after another and prints how long each took from the start to its end.
 *
 *     spawn ROUNDS PAUSE_MSEC < CASES
 *
 * A case is a line: a name, then the program and its arguments, all separated by tabs. A first argument FD<PATH is a file
 * that the program gets as that fd; one that ends in "#" gets the number of the start in its place. In each round every
 * case runs once, in an order that is drawn anew (the same in every run): what one leaves to the next, a warm cache or a
 * grace period under way, falls on all alike. A result is a line NAME <tab> NANOSECONDS <tab> STATUS (wait(2)); a program
 * that cannot be started has the status -errno. The rounds before the first (WARM_UP) are not printed. Static and small,
 * so that it can be carried into another root and costs what it starts as little as can be. */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASES_MAX     32
#define ARGUMENTS_MAX 128
#define WARM_UP       2

typedef struct Case {
    char *name;
    char *path; /* to open as `fd`, or NULL */
    int fd;
    char *argv[ARGUMENTS_MAX + 1];
    char *numbered; /* where the number goes, or NULL */
} Case;

static uint64_t now_nsec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}

/* FD<PATH in front of the program's name. */
static void take_file(Case *one)
{
    char *end = NULL;
    long fd = strtol(one->argv[0], &end, 10);

    if (*end != '<')
        return;
    one->fd = (int) fd;
    one->path = end + 1;
    memmove(one->argv, one->argv + 1, (ARGUMENTS_MAX) * sizeof(char *));
}

/* Makes room for a number. */
static void find_number(Case *one, size_t i)
{
    size_t length = strlen(one->argv[i]);

    if (length == 0 || one->argv[i][length - 1] != '#')
        return;
    one->argv[i][length - 1] = 0;
    if (asprintf(&one->numbered, "%s%10s", one->argv[i], "") < 0)
        exit(1);
    one->argv[i] = one->numbered;
    one->numbered += length - 1;
}

static size_t read_cases(Case *cases)
{
    char *line = NULL;
    size_t count = 0, room = 0;

    while (count < CASES_MAX && getline(&line, &room, stdin) > 0) {
        char *state = NULL;
        size_t n = 0;

        line[strcspn(line, "\n")] = 0;
        cases[count].name = strtok_r(line, "\t", &state);
        while (n < ARGUMENTS_MAX && (cases[count].argv[n] = strtok_r(NULL, "\t", &state)))
            n++;
        if (n > 0)
            take_file(&cases[count++]);
        for (size_t i = 0; n > 0 && cases[count - 1].argv[i]; i++)
            find_number(&cases[count - 1], i);
        line = NULL; /* the case points into it */
        room = 0;
    }
    return count;
}

static int run(const Case *one, unsigned number, uint64_t *ret_nsec)
{
    posix_spawn_file_actions_t actions;
    uint64_t begin = now_nsec();
    int status = 0, r;
    pid_t pid;

    if (one->numbered)
        snprintf(one->numbered, 11, "%u", number);
    posix_spawn_file_actions_init(&actions);
    if (one->path)
        posix_spawn_file_actions_addopen(&actions, one->fd, one->path, O_RDONLY, 0);
    r = posix_spawnp(&pid, one->argv[0], &actions, NULL, one->argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0)
        return -r;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    *ret_nsec = now_nsec() - begin;
    return status;
}

static void shuffle(size_t *order, size_t count)
{
    static uint32_t state = 1; /* Marsaglia's xorshift */

    for (size_t i = count; i > 1; i--) {
        size_t other, kept = order[i - 1];

        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        other = state % i;
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

/* What is started must not write into the results. */
static FILE *take_output(void)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int null_fd = open("/dev/null", O_RDWR);

    if (fd < 0 || null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
        return NULL;
    return fdopen(fd, "w");
}

int main(int argc, char *argv[])
{
    static Case cases[CASES_MAX];
    size_t count = read_cases(cases), order[CASES_MAX];
    long rounds = argc == 3 ? strtol(argv[1], NULL, 10) : 0, pause_msec = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    struct timespec pause = {pause_msec / 1000, pause_msec % 1000 * 1000000};
    unsigned starts = 0;
    FILE *results = take_output();

    if (rounds <= 0 || count == 0 || !results) {
        fprintf(stderr, "usage: spawn ROUNDS PAUSE_MSEC < CASES\n");
        return 2;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (long round = -WARM_UP; round < rounds; round++) {
        shuffle(order, count);
        for (size_t i = 0; i < count; i++) {
            uint64_t nsec = 0;
            int status;

            nanosleep(&pause, NULL);
            status = run(&cases[order[i]], starts++, &nsec);
            if (round >= 0)
                fprintf(results, "%s\t%llu\t%d\n", cases[order[i]].name, (unsigned long long) nsec, status);
        }
    }
    return fclose(results) == 0 ? 0 : 1;
}
