/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target without libFuzzer: every file of its corpus, then a fixed number of mutations of them from a fixed
 * seed, so that each build with sanitizers tries the same inputs.
 *   fuzz-NAME [-n ROUNDS] [-s SEED] DIRECTORY|FILE... */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX 65536U

typedef struct Input {
    uint8_t *data;
    size_t size;
} Input;

typedef struct Corpus {
    Input *inputs;
    size_t count;
} Corpus;

static uint64_t random_state;
/* For the signal handler: what is being tried. */
static const uint8_t *current_data;
static size_t current_size;

/* xorshift64*: the same numbers everywhere. */
static uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static size_t below(size_t limit)
{
    return limit > 0 ? (size_t) (next_random() % limit) : 0;
}

static void keep_input(void)
{
    static const char path[] = "/tmp/berth-fuzz-crash";
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return;
    (void) !write(fd, current_data, current_size);
    close(fd);
    (void) !write(STDERR_FILENO, "the input is in /tmp/berth-fuzz-crash\n", 38);
}

static void on_signal(int number)
{
    keep_input();
    signal(number, SIG_DFL);
    raise(number);
}

/* The sanitizers' own exit, where there are any. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void run(const Input *input)
{
    /* In a block of exactly its size: a read behind it is seen. */
    uint8_t *copy = malloc(input->size > 0 ? input->size : 1);

    if (!copy)
        abort();
    if (input->size > 0)
        memcpy(copy, input->data, input->size);
    current_data = copy;
    current_size = input->size;
    (void) LLVMFuzzerTestOneInput(copy, input->size);
    free(copy);
}

static void add(Corpus *corpus, uint8_t *data, size_t size)
{
    corpus->inputs = reallocarray(corpus->inputs, corpus->count + 1, sizeof(Input));
    if (!corpus->inputs)
        abort();
    corpus->inputs[corpus->count++] = (Input){data, size};
}

static void add_file(Corpus *corpus, int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    uint8_t *data = malloc(INPUT_MAX);
    ssize_t n = fd < 0 || !data ? -1 : read(fd, data, INPUT_MAX);

    if (n < 0) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        exit(EXIT_FAILURE);
    }
    close(fd);
    add(corpus, data, (size_t) n);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_path(Corpus *corpus, const char *path)
{
    struct dirent **entries = NULL;
    int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = dir_fd < 0 ? -1 : scandir(path, &entries, NULL, compare_names);

    if (count < 0) {
        add_file(corpus, AT_FDCWD, path);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            add_file(corpus, dir_fd, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    close(dir_fd);
}

/* What the formats are made of. */
static const char *const tokens[] = {
    "\n",
    "\\\n",
    "\\",
    "\"",
    "'",
    "=",
    ":",
    ",",
    "[",
    "]",
    "{",
    "}",
    "/",
    "..",
    "//",
    "-",
    "--",
    "#",
    ";",
    " ",
    "\t",
    "\r",
    "\x7f",
    "\033",
    "\xff",
    "%",
    "$",
    ".",
    "0",
    "-1",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "infinity",
    "null",
    "true",
    "\\u0000",
    "\\x41",
    "[]",
    "{}",
    "\xe2\x80\xae",
    "\xed\xa0\x80",
    "\xc0\x80",
    "type=",
    "dst=",
    "src=",
};

static void insert(Input *input, size_t at, const void *data, size_t size)
{
    if (input->size + size > INPUT_MAX)
        return;
    memmove(input->data + at + size, input->data + at, input->size - at);
    memcpy(input->data + at, data, size);
    input->size += size;
}

static void cut(Input *input, size_t at, size_t size)
{
    memmove(input->data + at, input->data + at + size, input->size - at - size);
    input->size -= size;
}

static void mutate(Input *input, const Corpus *corpus)
{
    static const uint64_t numbers[] = {
        0, 1, 7, 8, 255, 4096, 65537, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
    size_t at = below(input->size + 1), rest = input->size - at;
    const Input *other = &corpus->inputs[below(corpus->count)];

    switch (next_random() % 9) {
    case 0:
        if (rest > 0)
            input->data[at] ^= (uint8_t) (1U << below(8));
        break;
    case 1:
        if (rest > 0)
            input->data[at] = (uint8_t) next_random();
        break;
    case 2: {
        const char *token = tokens[below(sizeof(tokens) / sizeof(tokens[0]))];

        insert(input, at, token, strlen(token));
        break;
    }
    case 3:
        cut(input, at, below(rest + 1));
        break;
    case 4:
        cut(input, at, rest > 0);
        break;
    case 5: { /* a part of itself again */
        uint8_t part[64];
        size_t from = below(input->size + 1),
               size = below((input->size - from < sizeof(part) ? input->size - from : sizeof(part)) + 1);

        memcpy(part, input->data + from, size);
        insert(input, at, part, size);
        break;
    }
    case 6: { /* a part of another */
        size_t from = below(other->size + 1);

        insert(input, at, other->data + from, below(other->size - from + 1));
        break;
    }
    case 7: /* an aligned number */
        at &= ~(size_t) 7;
        if (input->size - at >= 8)
            memcpy(input->data + at, &numbers[below(sizeof(numbers) / sizeof(numbers[0]))], 8);
        break;
    default:
        if (rest > 0) {
            uint8_t byte = input->data[at];

            insert(input, at, &byte, 1);
        }
    }
}

static void run_mutations(const Corpus *corpus, unsigned long rounds)
{
    uint8_t *room = malloc(INPUT_MAX);

    if (!room)
        abort();
    for (unsigned long i = 0; i < rounds; i++) {
        const Input *from = &corpus->inputs[below(corpus->count)];
        Input input = {room, from->size};

        if (from->size > 0)
            memcpy(room, from->data, from->size);
        for (size_t n = 1 + below(6); n > 0; n--)
            mutate(&input, corpus);
        run(&input);
    }
    free(room);
}

int main(int argc, char *argv[])
{
    unsigned long rounds = 20000;
    Corpus corpus = {};
    size_t files;
    int option;

    random_state = 20240601;
    while ((option = getopt(argc, argv, "n:s:")) >= 0) {
        if (option != 'n' && option != 's')
            return EXIT_FAILURE;
        *(option == 'n' ? &rounds : &random_state) = strtoul(optarg, NULL, 10);
    }
    signal(SIGILL, on_signal);
    signal(SIGTRAP, on_signal);
    signal(SIGABRT, on_signal);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(keep_input);

    for (int i = optind; i < argc; i++)
        add_path(&corpus, argv[i]);
    files = corpus.count;
    for (size_t i = 0; fuzz_seed; i++) {
        size_t size = 0;
        uint8_t *data = fuzz_seed(i, &size);

        if (!data)
            break;
        add(&corpus, data, size);
    }
    if (corpus.count == 0) {
        fprintf(stderr, "there is no corpus\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < corpus.count; i++)
        run(&corpus.inputs[i]);
    run(&(Input){(uint8_t *) "", 0});
    printf("ok 1 - %zu files and %zu seeds\n", files, corpus.count - files);
    fflush(stdout);
    run_mutations(&corpus, rounds);
    printf("ok 2 - %lu mutations\n1..2\n", rounds);
    for (size_t i = 0; i < corpus.count; i++)
        free(corpus.inputs[i].data);
    free(corpus.inputs);
    return EXIT_SUCCESS;
}
