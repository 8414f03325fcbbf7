/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: berthctl's state: what the command line said, and the tables of verbs and options that everything else about the
 *       command line follows from (parsing, --help, introspection, completion, the man page's check).
 * Never does: the work of a verb.
 * Runs in: berthctl. */

#include "base/error.h"
#include "machines/roster.h"
#include "spec/spec.h"
#include "store/store.h"

typedef struct Ctl Ctl;

typedef enum VerbFlags {
    VERB_SETTINGS = 1 << 0,           /* takes the options of the settings table */
    VERB_STOP_AT_POSITIONAL = 1 << 1, /* what follows the first word belongs to the payload */
    VERB_NAMES_MACHINES = 1 << 2,     /* its words are machines, for completion */
    VERB_NAMES_IMAGES = 1 << 3,
    VERB_RESOURCES = 1 << 4, /* takes those options of the settings table that are limits */
} VerbFlags;

/* One verb. `run` returns an exit status, or -errno with the Error filled. */
typedef struct Verb {
    const char *name, *arguments, *help;
    int least_arguments, most_arguments; /* most -1: any number */
    unsigned flags;
    int (*run)(Ctl *ctl, Error *error);
} Verb;

extern const Verb verbs[];
extern const size_t verbs_count;

/* Another word for a verb. */
typedef struct VerbAlias {
    const char *name, *verb;
} VerbAlias;

extern const VerbAlias verb_aliases[];
extern const size_t verb_aliases_count;

typedef enum CtlOptionType { CTL_OPTION_BOOL, CTL_OPTION_STRING, CTL_OPTION_LIST } CtlOptionType;

/* One option that is not a setting. */
typedef struct CtlOption {
    const char *name;
    char letter;
    CtlOptionType type;
    size_t offset;     /* in Ctl: bool, const char * or char ** */
    const char *verbs; /* blank-separated; "*" all */
    const char *metavar, *help;
} CtlOption;

extern const CtlOption ctl_options[];
extern const size_t ctl_options_count;
/* Whether the verb takes a setting as an option. */
bool ctl_setting_applies(const Setting *setting, const Verb *verb);
bool ctl_option_applies(const CtlOption *option, const Verb *verb);

struct Ctl {
    const Verb *verb;
    char **words;     /* positionals behind the verb; borrowed from argv */
    SpecLayer *layer; /* settings of the command line */
    Roster *roster;
    Store *store;
    int exit_status; /* with a failure of run or exec: 125 to 127 */

    uint64_t begun_usec; /* monotonic: when this program was started */

    /* Options, by the table. */
    bool help, all, follow, json, no_legend, quiet, value, force, print_plan, interactive, tty, detach, privileged,
        timestamps, no_size_limit, replace, keep_unit, missing, now, any, no_stream;
    const char *output, *output_directory, *settings, *signal, *whom, *user, *workdir, *since, *until, *lines, *timeout,
        *reference, *architecture, *condition, *columns;
    const char *pull, *platform, *tls_verify, *auth_file, *username; /* registries */
    bool password_stdin, verbose, dry_run;
    char **properties, **environment;
    const char *priority, *stream, *instance; /* logs */
    bool runtime;                             /* set-property, update */
    bool archive, mkdir, read_only;           /* files */
    char **filters;                           /* list, events */
    bool no_follow;                           /* events */
    const char *message, *author, *pause;     /* commit, import */
    char **changes;
    const char *file, *format; /* save */
    bool squash;
    const char *with_key; /* secret */
};

void ctl_done(Ctl *ctl);

/* Opens the roster and takes back what dead machines left; idempotent. */
int ctl_open_roster(Ctl *ctl, Error *error);
/* The same without creating anything: -ENOENT when nothing ever ran here. */
int ctl_open_store(Ctl *ctl, bool create, Error *error);
/* The running machine of that name; -ENOENT with the nearest name as a hint. */
int ctl_load_machine(Ctl *ctl, const char *name, Machine **ret, Error *error);
/* Runs `one` for every word of the command line; goes on after a failure, reports each but the last, which is returned. */
int ctl_for_each_word(Ctl *ctl, int (*one)(Ctl *ctl, const char *name, void *userdata, Error *error), void *userdata,
                      Error *error);
/* Starts a container by its definition, in the background. In verb-run.c. */
int ctl_start(Ctl *ctl, const char *name, Error *error);
/* What was pulled by a short name has the full one of where it was found. -ENOENT leaves the Error as it is. In verb-pull.c. */
int ctl_find_searched(Ctl *ctl, const char *name, StoreImage **ret, Error *error);
/* Gets an image from its registry when `run` wants that: 1 when there was nothing to do. In verb-pull.c. */
int ctl_pull_for_run(Ctl *ctl, const char *name, bool is_here, Error *error);
/* `login` to the system of a container. In verb-system.c. */
int ctl_login_machine(Ctl *ctl, Error *error);
/* Runs a helper program of the libexec directory in place of this one's work; returns its exit status. */
int ctl_run_helper(const char *name, char *const *arguments, Error *error);
/* The importer's command and the store, of root only: what the arguments of each of its runs begin with. */
int ctl_begin_importer(const char *command, char ***ret, Error *error);

/* verbs, one file per family */
int verb_run(Ctl *ctl, Error *error);
int verb_pull(Ctl *ctl, Error *error);
int verb_create(Ctl *ctl, Error *error);
int verb_start(Ctl *ctl, Error *error);
int verb_cat(Ctl *ctl, Error *error);
int verb_edit(Ctl *ctl, Error *error);
int verb_import_quadlet(Ctl *ctl, Error *error);
int verb_verify_file(Ctl *ctl, Error *error);
int verb_enable(Ctl *ctl, Error *error);
int verb_disable(Ctl *ctl, Error *error);
int verb_list(Ctl *ctl, Error *error);
int verb_status(Ctl *ctl, Error *error);
int verb_show(Ctl *ctl, Error *error);
int verb_exec(Ctl *ctl, Error *error);
int verb_shell(Ctl *ctl, Error *error);
int verb_login(Ctl *ctl, Error *error);
int verb_logout(Ctl *ctl, Error *error);
int verb_poweroff(Ctl *ctl, Error *error);
int verb_reboot(Ctl *ctl, Error *error);
int verb_attach(Ctl *ctl, Error *error);
int verb_logs(Ctl *ctl, Error *error);
int verb_events(Ctl *ctl, Error *error);
int verb_kill(Ctl *ctl, Error *error);
int verb_stop(Ctl *ctl, Error *error);
int verb_terminate(Ctl *ctl, Error *error);
int verb_wait(Ctl *ctl, Error *error);
int verb_pause(Ctl *ctl, Error *error);
int verb_resume(Ctl *ctl, Error *error);
int verb_restart(Ctl *ctl, Error *error);
int verb_top(Ctl *ctl, Error *error);
int verb_stats(Ctl *ctl, Error *error);
int verb_port(Ctl *ctl, Error *error);
int verb_rename(Ctl *ctl, Error *error);
int verb_set_property(Ctl *ctl, Error *error);
int verb_update(Ctl *ctl, Error *error);
int verb_prune(Ctl *ctl, Error *error);
int verb_df(Ctl *ctl, Error *error);
int verb_analyze(Ctl *ctl, Error *error);
int verb_rm(Ctl *ctl, Error *error);
int verb_cp(Ctl *ctl, Error *error);
int verb_copy_to(Ctl *ctl, Error *error);
int verb_copy_from(Ctl *ctl, Error *error);
int verb_export(Ctl *ctl, Error *error);
int verb_list_images(Ctl *ctl, Error *error);
int verb_image_status(Ctl *ctl, Error *error);
int verb_show_image(Ctl *ctl, Error *error);
int verb_clone(Ctl *ctl, Error *error);
int verb_remove(Ctl *ctl, Error *error);
int verb_read_only(Ctl *ctl, Error *error);
int verb_set_limit(Ctl *ctl, Error *error);
int verb_clean(Ctl *ctl, Error *error);
int verb_diff(Ctl *ctl, Error *error);
int verb_volume(Ctl *ctl, Error *error);
int verb_secret(Ctl *ctl, Error *error);
int verb_bind(Ctl *ctl, Error *error);
int verb_unbind(Ctl *ctl, Error *error);
int verb_load(Ctl *ctl, Error *error);
int verb_images(Ctl *ctl, Error *error);
int verb_inspect(Ctl *ctl, Error *error);
int verb_rmi(Ctl *ctl, Error *error);
int verb_commit(Ctl *ctl, Error *error);
int verb_import(Ctl *ctl, Error *error);
int verb_save(Ctl *ctl, Error *error);
int verb_verify(Ctl *ctl, Error *error);
int verb_tag(Ctl *ctl, Error *error);
int verb_untag(Ctl *ctl, Error *error);
int verb_history(Ctl *ctl, Error *error);
int verb_rollback(Ctl *ctl, Error *error);
int verb_show_profile(Ctl *ctl, Error *error);
int verb_info(Ctl *ctl, Error *error);

/* help.c */
void print_help(void);
void print_verb_help(const Verb *verb);
int print_introspection(Error *error);
