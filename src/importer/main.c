/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* berth-importer: the program that reads images, so that berthctl never loads what reading them takes. */
#include "base/buffer.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/events.h"
#include "importer/commit.h"
#include "importer/load.h"
#include "importer/pull.h"
#include "importer/push.h"
#include "importer/save.h"
#include "importer/stream.h"
#include "importer/verify.h"
#include "store/reference.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE  2
#define UNMAPPED_ID 65534 /* as the kernel shows an owner that a map does not have */

struct Command;

typedef struct Arguments {
    LoadOptions load;
    CommitOptions commit;
    SaveOptions save;
    char **changes;
    PullImageOptions pull;
    const struct Command *command;
    char *const *words; /* behind it */
    int tree_fd;
    CopyFlags flags;
    IdMap uids, gids;
    bool is_json, is_help, is_quiet, has_trees;
} Arguments;

static void arguments_done(Arguments *arguments)
{
    strv_free(arguments->changes);
}

static const char help_text[] =
    "\n"
    "Loads a docker-archive, an oci-archive or an OCI layout directory into the image store.\n"
    "Archives may be compressed with gzip or zstd; - is standard input.\n"
    "\n"
    "Or gets images from registries, by way of berth-puller.\n"
    "\n"
    "      --store=PATH         the image store (default " STORE_DEFAULT_PATH ")\n"
    "      --name=REFERENCE     the image's name instead of those in the archive\n"
    "      --architecture=ARCH  which image of several, as images call it (default: this machine's)\n"
    "      --no-size-limit      also accept what looks like a decompression bomb\n"
    "      --output=FORMAT      what to print about the images: text (default) or json\n"
    "      --platform=PLATFORM  OS/ARCH[/VARIANT] instead of this machine's\n"
    "      --tls-verify=BOOL    whether registries must have TLS and a good certificate\n"
    "      --auth-file=PATH     where passwords of registries are\n"
    "  -q, --quiet              no progress on standard error\n"
    "\n"
    "Packs PATH of the root whose detached mount FD is as a tar archive to standard output, or unpacks one from\n"
    "standard input there.\n"
    "\n"
    "      --uid-map=MAP        user ids: \"INSIDE OUTSIDE COUNT\", comma-separated\n"
    "      --gid-map=MAP        group ids\n"
    "      --follow             pack what a link leads to, when PATH is one\n"
    "      --archive            unpack with owners, set-ID bits, file capabilities\n"
    "      --mkdir              make PATH when it is missing\n"
    "\n"
    "Makes an image of the files whose detached mount FD is, or of a tar archive. SOURCE tells people where it is "
    "from.\n"
    "\n"
    "      --base=ID            the image that the files are a change of\n"
    "      --lower-fd=FD        its files, a detached mount\n"
    "      --merged-fd=FD       both as the container sees them: what is missing there is deleted\n"
    "      --squash             one layer in place of those of the image below\n"
    "      --change=INSTRUCTION change the configuration, as in a Containerfile; several times\n"
    "      --file=PATH          save: write here instead of standard output\n"
    "      --format=FORMAT      save: oci-archive (default), docker-archive or oci-dir\n"
    "      --all                verify: the files of layers, too\n"
    "      --message=TEXT       a comment for the history\n"
    "      --author=TEXT        who made the image\n"
    "\n"
    "  -h, --help               this help\n";

static int parse_output(const char *value, bool *ret_is_json, Error *error)
{
    if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0)
        return error_set(error, -EINVAL, "--output=%s: use text or json", value);
    *ret_is_json = strcmp(value, "json") == 0;
    return 0;
}

static int parse_fd(const char *value, int *ret, Error *error)
{
    uint64_t fd;

    if (text_parse_u64(value, INT32_MAX, &fd) < 0 || fd < 3 || fcntl((int) fd, F_SETFD, FD_CLOEXEC) < 0)
        return error_set(error, -EBADF, "%s is not an open file", value);
    *ret = (int) fd;
    return 0;
}

static int parse_map(const char *value, IdMap *ret, Error *error)
{
    int r = id_map_parse(value, ret);

    return r < 0 ? error_set(error, r, "'%s' is not a map of ids", value) : 0;
}

static int parse_option(int option, const char *value, Arguments *arguments, Error *error)
{
    switch (option) {
    case 's':
        arguments->load.store_path = value;
        return 0;
    case 'n':
        arguments->load.name = value;
        return 0;
    case 'a':
        arguments->load.architecture = value;
        return 0;
    case 'l':
        arguments->load.has_no_size_limit = true;
        return 0;
    case 'o':
        return parse_output(value, &arguments->is_json, error);
    case 'q':
        arguments->is_quiet = true;
        log_set_level(LOG_LEVEL_WARNING);
        return 0;
    case 'P':
        arguments->pull.platform = value;
        return 0;
    case 'T':
        arguments->pull.tls_verify = value;
        return 0;
    case 'K':
        arguments->pull.auth_file = value;
        return 0;
    case 'h':
        arguments->is_help = true;
        return 0;
    case 't':
        return parse_fd(value, &arguments->tree_fd, error);
    case 'u':
        return parse_map(value, &arguments->uids, error);
    case 'g':
        return parse_map(value, &arguments->gids, error);
    case 'f':
        arguments->flags |= COPY_FOLLOW;
        return 0;
    case 'r':
        arguments->flags |= COPY_RIGHTS;
        return 0;
    case 'm':
        arguments->flags |= COPY_PARENTS;
        return 0;
    case 'B':
        arguments->commit.base = value;
        return 0;
    case 'L':
        return parse_fd(value, &arguments->commit.lower_fd, error);
    case 'M':
        return parse_fd(value, &arguments->commit.merged_fd, error);
    case 'S':
        arguments->commit.is_squash = true;
        return 0;
    case 'c':
        return strv_append(&arguments->changes, value);
    case 'e':
        arguments->commit.message = value;
        return 0;
    case 'O':
        arguments->save.output = value;
        return 0;
    case 'F':
        return save_format_parse(value, &arguments->save.format, error);
    case 'V':
        arguments->has_trees = true;
        return 0;
    case 'A':
        arguments->commit.author = value;
        return 0;
    default:
        return -EINVAL; /* getopt_long(3) has said why */
    }
}

/* Owners in archives are those of the inside. */
static int run_stream(const Arguments *arguments, bool is_pack, Error *error)
{
    const IdShift owner = {
        .keep = is_pack || arguments->flags & COPY_RIGHTS,
        .uid = is_pack ? UNMAPPED_ID : id_map_to_outside(&arguments->uids, 0),
        .gid = is_pack ? UNMAPPED_ID : id_map_to_outside(&arguments->gids, 0),
        .uids = &arguments->uids,
        .gids = &arguments->gids,
        .to_inside = is_pack,
    };
    const StreamRequest request = {
        .tree_fd = arguments->tree_fd, .path = arguments->words[0], .flags = arguments->flags, .owner = &owner};

    return is_pack ? stream_pack(&request, error) : stream_unpack(&request, error);
}

static int run_pack(const Arguments *arguments, Error *error)
{
    return run_stream(arguments, true, error);
}

static int run_unpack(const Arguments *arguments, Error *error)
{
    return run_stream(arguments, false, error);
}

/* Names are made of a few plain characters and digests of fewer: nothing here needs escaping for a terminal.
 */
static int print_text(const LoadResult *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const LoadedImage *image = &result->images[i];

        if (strv_length(image->names) == 0)
            printf("<none> sha256:%s\n", image->id.hex);
        STRV_FOREACH (name, image->names)
            printf("%s sha256:%s\n", *name, image->id.hex);
    }
    return 0;
}

static json_t *pack_image(const LoadedImage *image)
{
    json_t *names = json_array();

    STRV_FOREACH (name, image->names)
        (void) json_array_append_new(names, json_string(*name));
    return json_pack("{s:o, s:s, s:s, s:I, s:I, s:b}", "names", names, "id", digest_format(&image->id).text, "manifest",
                     digest_format(&image->manifest).text, "layers", (json_int_t) image->layers_count, "unpacked_bytes",
                     (json_int_t) image->unpacked_bytes, "unchanged", image->is_unchanged);
}

static int print_json(const LoadResult *result)
{
    json_t *images = json_array();
    int r = 0;

    for (size_t i = 0; i < result->count; i++)
        r |= json_array_append_new(images, pack_image(&result->images[i]));
    if (r == 0)
        r = json_dumpf(images, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(images);
    return r < 0 ? -ENOMEM : 0;
}

static void tell(const LoadResult *result, EventKind kind)
{
    for (size_t i = 0; i < result->count; i++) {
        const LoadedImage *image = &result->images[i];
        _cleanup_free_ char *id = text_format("sha256:%s", image->id.hex);

        if (strv_length(image->names) == 0)
            events_emit((Event){.kind = kind, .image = id, .image_id = id});
        STRV_FOREACH (name, image->names)
            events_emit((Event){.kind = kind, .image = *name, .image_id = id});
    }
}

static int finish(const Arguments *arguments, const LoadResult *result, EventKind kind)
{
    int r;

    tell(result, kind);
    r = arguments->is_json ? print_json(result) : print_text(result);
    return r == 0 && fflush(stdout) != 0 ? -errno : r;
}

static int run_load(const Arguments *arguments, Error *error)
{
    _cleanup_load_result_ LoadResult result = {};
    LoadOptions options = arguments->load;
    int r;

    options.input = arguments->words[0];
    r = load_images(&options, &result, error);

    return r < 0 ? r : finish(arguments, &result, EVENT_IMAGE_LOAD);
}

/* reproducible-builds.org/specs/source-date-epoch */
static int read_epoch(int64_t *ret, Error *error)
{
    const char *text = secure_getenv("SOURCE_DATE_EPOCH");
    uint64_t epoch;

    *ret = -1;
    if (!text)
        return 0;
    if (text_parse_u64(text, UINT32_MAX, &epoch) < 0)
        return error_set(error, -EINVAL, "$SOURCE_DATE_EPOCH is '%s', not seconds since 1970", text);
    *ret = (int64_t) epoch;
    return 0;
}

static int name_image(const char *text, char ***ret, Error *error)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *name = NULL;
    int r = reference_parse(text, &reference, error);

    if (r < 0)
        return error_prefix(error, r, "'%s'", text);
    name = reference_format_name(&reference);
    return name ? strv_append(ret, name) : -ENOMEM;
}

/* `archive` in place of the tree, or NULL. */
static int make_image(const Arguments *arguments, const char *archive, const char *source, Error *error)
{
    const IdShift owner = {.keep = true,
                           .uid = UNMAPPED_ID,
                           .gid = UNMAPPED_ID,
                           .uids = &arguments->uids,
                           .gids = &arguments->gids,
                           .to_inside = true};
    _cleanup_load_result_ LoadResult result = {.images = calloc(1, sizeof(LoadedImage))};
    CommitOptions options = arguments->commit;
    _cleanup_strv_ char **names = NULL;
    int r = result.images ? read_epoch(&options.created_sec, error) : -ENOMEM;

    if (r == 0 && arguments->load.name)
        r = name_image(arguments->load.name, &names, error);
    if (r < 0)
        return r;
    options.store_path = arguments->load.store_path;
    options.tree_fd = arguments->tree_fd;
    options.owner = &owner;
    options.names = names;
    options.changes = arguments->changes;
    options.source = source;
    options.input = archive;
    options.created_by = arguments->commit.base ? "berthctl commit" : "berthctl import";
    r = commit_image(&options, &result.images[0], error);
    if (r < 0)
        return r;
    result.count = 1;
    return finish(arguments, &result, EVENT_IMAGE_COMMIT);
}

static int run_commit(const Arguments *arguments, Error *error)
{
    return make_image(arguments, NULL, arguments->words[0], error);
}

static int run_import(const Arguments *arguments, Error *error)
{
    _cleanup_free_ char *source = text_format("import %s", arguments->words[0]);

    return source ? make_image(arguments, arguments->words[0], source, error) : -ENOMEM;
}

static int run_save(const Arguments *arguments, Error *error)
{
    SaveOptions options = arguments->save;

    options.store_path = arguments->load.store_path;
    options.images = arguments->words;
    return save_images(&options, error);
}

/* Texts may quote what is damaged. */
static int print_problem(const StoreProblem *problem, void *userdata)
{
    json_t *problems = userdata;
    _cleanup_free_ char *text = text_escape(problem->text, SIZE_MAX);

    if (!text)
        return -ENOMEM;
    if (json_array_append_new(problems, json_pack("{s:s, s:s, s:s, s:b}", "kind", problem->kind, "name", problem->name,
                                                  "problem", text, "is_quarantined", problem->is_aside)) < 0)
        return -ENOMEM;
    return 0;
}

static void print_problems(const json_t *problems)
{
    const json_t *problem;
    size_t i;

    json_array_foreach(problems, i, problem) printf(
        "%s %s: %s%s\n", json_string_value(json_object_get(problem, "kind")),
        json_string_value(json_object_get(problem, "name")), json_string_value(json_object_get(problem, "problem")),
        json_is_true(json_object_get(problem, "is_quarantined")) ? " (put aside)" : "");
}

/* 1: something is wrong. */
static int run_verify(const Arguments *arguments, Error *error)
{
    json_t *problems = json_array();
    const VerifyOptions options = {.store_path = arguments->load.store_path,
                                   .images = arguments->words,
                                   .has_trees = arguments->has_trees,
                                   .report = print_problem,
                                   .userdata = problems};
    int r = verify_store(&options, error);

    if (arguments->is_json) {
        (void) json_dumpf(problems, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        putchar('\n');
    } else
        print_problems(problems);
    if (r == 0)
        r = json_array_size(problems) > 0;
    json_decref(problems);
    return fflush(stdout) != 0 && r >= 0 ? -errno : r;
}

/* Each name by itself: those that came stay when another fails. */
static int run_pull(const Arguments *arguments, Error *error)
{
    _cleanup_load_result_ LoadResult result = {};
    PullImageOptions options = arguments->pull;
    int r = 0, finished;

    options.store_path = arguments->load.store_path;
    options.has_no_size_limit = arguments->load.has_no_size_limit;
    options.has_progress = !arguments->is_quiet && isatty(STDERR_FILENO);
    for (char *const *word = arguments->words; *word && r == 0; word++)
        r = pull_image(&options, *word, &result, error);
    finished = result.count > 0 || r == 0 ? finish(arguments, &result, EVENT_IMAGE_PULL) : 0;
    return r < 0 ? r : finished;
}

static int run_push(const Arguments *arguments, Error *error)
{
    PullImageOptions options = arguments->pull;
    _cleanup_pushed_image_ PushedImage pushed = {};
    int r;

    options.store_path = arguments->load.store_path;
    r = push_image(&options, arguments->words[0], arguments->words[1], &pushed, error);
    if (r < 0)
        return r;
    if (arguments->is_json)
        printf("{\"name\": \"%s\", \"manifest\": \"%s\", \"sent_bytes\": %llu}\n", pushed.name,
               digest_format(&pushed.manifest).text, (unsigned long long) pushed.sent_bytes);
    else
        printf("%s %s\n", pushed.name, digest_format(&pushed.manifest).text);
    return fflush(stdout) != 0 ? -errno : 0;
}

typedef struct Command {
    const char *name, *words;
    int words_min, words_max; /* 0 at most: any number */
    bool needs_tree;
    int (*run)(const Arguments *arguments, Error *error);
} Command;

static const Command commands[] = {
    {"load", "FILE|DIRECTORY|-", 1, 1, false, run_load},  {"pull", "REFERENCE...", 1, 0, false, run_pull},
    {"push", "IMAGE [REFERENCE]", 1, 2, false, run_push}, {"commit", "SOURCE", 1, 1, true, run_commit},
    {"import", "FILE|-", 1, 1, false, run_import},        {"save", "IMAGE...", 1, 0, false, run_save},
    {"verify", "[IMAGE...]", 0, 0, false, run_verify},    {"pack", "PATH", 1, 1, true, run_pack},
    {"unpack", "PATH", 1, 1, true, run_unpack},
};

static const Command *find_command(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int say_commands(Error *error)
{
    _cleanup_buffer_ Buffer text = {};
    _cleanup_free_ char *list = NULL;

    for (size_t i = 0; i < ELEMENTSOF(commands); i++)
        buffer_append_format(&text, "%s%s %s", i > 0 ? ", " : "", commands[i].name, commands[i].words);
    list = buffer_take(&text);
    return error_set(error, -EINVAL, "the commands are: %s", list ? list : "?");
}

static void print_help(void)
{
    for (size_t i = 0; i < ELEMENTSOF(commands); i++)
        printf("berth-importer %s%s [OPTIONS] %s\n", commands[i].name, commands[i].needs_tree ? " --tree-fd=FD" : "",
               commands[i].words);
    fputs(help_text, stdout);
}

static int parse_arguments(int argc, char **argv, Arguments *arguments, Error *error)
{
    static const struct option options[] = {
        {"store", required_argument, NULL, 's'},
        {"name", required_argument, NULL, 'n'},
        {"output", required_argument, NULL, 'o'},
        {"architecture", required_argument, NULL, 'a'},
        {"no-size-limit", no_argument, NULL, 'l'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {"tree-fd", required_argument, NULL, 't'},
        {"uid-map", required_argument, NULL, 'u'},
        {"gid-map", required_argument, NULL, 'g'},
        {"follow", no_argument, NULL, 'f'},
        {"archive", no_argument, NULL, 'r'},
        {"mkdir", no_argument, NULL, 'm'},
        {"base", required_argument, NULL, 'B'},
        {"lower-fd", required_argument, NULL, 'L'},
        {"merged-fd", required_argument, NULL, 'M'},
        {"squash", no_argument, NULL, 'S'},
        {"change", required_argument, NULL, 'c'},
        {"message", required_argument, NULL, 'e'},
        {"author", required_argument, NULL, 'A'},
        {"file", required_argument, NULL, 'O'},
        {"format", required_argument, NULL, 'F'},
        {"all", no_argument, NULL, 'V'},
        {"platform", required_argument, NULL, 'P'},
        {"tls-verify", required_argument, NULL, 'T'},
        {"auth-file", required_argument, NULL, 'K'},
        {},
    };
    int option, count, r = 0;

    while (r == 0 && (option = getopt_long(argc, argv, "qh", options, NULL)) >= 0)
        r = parse_option(option, optarg, arguments, error);
    if (r < 0 || arguments->is_help)
        return r;
    if (optind < argc)
        arguments->command = find_command(argv[optind]);
    if (!arguments->command)
        return say_commands(error);
    arguments->words = argv + optind + 1;
    count = argc - optind - 1;
    if (count < arguments->command->words_min ||
        (arguments->command->words_max > 0 && count > arguments->command->words_max))
        return error_set(error, -EINVAL, "'%s' takes %s", arguments->command->name, arguments->command->words);
    if (arguments->command->needs_tree && arguments->tree_fd < 0)
        return error_set(error, -EINVAL, "'%s' needs --tree-fd=", arguments->command->name);
    return 0;
}

/* Descriptors 0 to 2 must exist before anything is opened, or a file of ours would become the standard
 * output; a parent that ignores SIGCHLD would take our children's exit codes away. */
static void prepare_process(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    safe_close(fd);
    (void) signal(SIGCHLD, SIG_DFL);
    (void) signal(SIGPIPE, SIG_IGN);
    (void) umask(077);
    /* libarchive converts names to the locale's charset; they are bytes to us and UTF-8 in the archive. */
    (void) setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
    _cleanup_error_ Error error = {};
    _cleanup_(arguments_done) Arguments arguments = {
        .load.store_path = STORE_DEFAULT_PATH, .commit = {.lower_fd = -EBADF, .merged_fd = -EBADF}, .tree_fd = -EBADF};
    int r;

    log_set_program("berth-importer");
    prepare_process();
    r = parse_arguments(argc, argv, &arguments, &error);
    if (r < 0) {
        if (error.text)
            error_report(&error, r);
        return EXIT_USAGE;
    }
    if (arguments.is_help) {
        print_help();
        return EXIT_SUCCESS;
    }
    r = arguments.command->run(&arguments, &error);
    if (r < 0) {
        error_report(&error, r);
        return EXIT_FAILURE;
    }
    return r > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
