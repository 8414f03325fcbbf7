/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"

#include <string.h>

/* clang-format off */
const Verb verbs[] = {
    /* containers */
    {"run", "IMAGE|-D DIRECTORY [COMMAND...]", "run a container", 0, -1,
     VERB_SETTINGS | VERB_STOP_AT_POSITIONAL | VERB_NAMES_IMAGES, verb_run},
    {"create", "IMAGE|-D DIRECTORY [COMMAND...]", "write the definition of a container to /etc/berth", 0, -1,
     VERB_SETTINGS | VERB_STOP_AT_POSITIONAL | VERB_NAMES_IMAGES, verb_create},
    {"start", "NAME...", "start a container by its definition, in the background", 1, -1, VERB_NAMES_MACHINES,
     verb_start},
    {"list", "", "list running containers", 0, 0, 0, verb_list},
    {"status", "[NAME...]", "tell about containers in words", 0, -1, VERB_NAMES_MACHINES, verb_status},
    {"show", "[NAME...]", "print properties of containers", 0, -1, VERB_NAMES_MACHINES, verb_show},
    {"exec", "NAME COMMAND [ARGUMENT...]", "run a command in a running container", 2, -1,
     VERB_STOP_AT_POSITIONAL | VERB_NAMES_MACHINES, verb_exec},
    {"shell", "NAME [COMMAND...]", "run an interactive shell in a running container", 1, -1,
     VERB_STOP_AT_POSITIONAL | VERB_NAMES_MACHINES, verb_shell},
    {"login", "NAME|REGISTRY", "log in to a container's system, or to a registry", 1, 1, VERB_NAMES_MACHINES, verb_login},
    {"poweroff", "NAME...", "ask containers' systems to power off", 1, -1, VERB_NAMES_MACHINES, verb_poweroff},
    {"reboot", "NAME...", "ask containers' systems to reboot", 1, -1, VERB_NAMES_MACHINES, verb_reboot},
    {"attach", "NAME", "connect to a container's terminal or output", 1, 1, VERB_NAMES_MACHINES, verb_attach},
    {"logs", "NAME", "show what a container wrote", 1, 1, VERB_NAMES_MACHINES, verb_logs},
    {"events", "", "tell what happens to containers and images", 0, 0, 0, verb_events},
    {"kill", "NAME...", "send a signal to a container's processes", 1, -1, VERB_NAMES_MACHINES, verb_kill},
    {"stop", "NAME...", "stop containers in an orderly way", 1, -1, VERB_NAMES_MACHINES, verb_stop},
    {"terminate", "NAME...", "end containers at once", 1, -1, VERB_NAMES_MACHINES, verb_terminate},
    {"restart", "NAME...", "stop containers and start them again", 1, -1, VERB_NAMES_MACHINES, verb_restart},
    {"pause", "NAME...", "hold all processes of containers still", 1, -1, VERB_NAMES_MACHINES, verb_pause},
    {"resume", "NAME...", "let paused containers go on", 1, -1, VERB_NAMES_MACHINES, verb_resume},
    {"top", "NAME", "show the processes of a container", 1, 1, VERB_NAMES_MACHINES, verb_top},
    {"stats", "[NAME...]", "show what containers use of processor, memory, network and disk", 0, -1,
     VERB_NAMES_MACHINES, verb_stats},
    {"port", "NAME [PORT[/PROTOCOL]]", "show the ports of a container", 1, 2, VERB_NAMES_MACHINES, verb_port},
    {"wait", "NAME...", "wait until containers end, print their exit codes", 1, -1, VERB_NAMES_MACHINES, verb_wait},
    {"update", "NAME...", "change the limits of containers", 1, -1, VERB_RESOURCES | VERB_NAMES_MACHINES, verb_update},
    {"set-property", "NAME PROPERTY=VALUE...", "change resource properties of a container", 2, -1, VERB_NAMES_MACHINES,
     verb_set_property},
    {"rename", "NAME NEW-NAME", "give a stopped container another name", 2, 2, VERB_NAMES_MACHINES, verb_rename},
    {"rm", "NAME...", "remove stopped containers and what they wrote", 1, -1, VERB_NAMES_MACHINES, verb_rm},
    {"analyze", "[time|blame|plot] [NAME]", "tell where the time of starts went", 0, -1, VERB_NAMES_MACHINES,
     verb_analyze},
    {"prune", "", "remove stopped containers and images that nobody needs", 0, 0, 0, verb_prune},
    {"df", "", "show what images, containers and volumes take on the disk", 0, 0, 0, verb_df},
    /* definitions */
    {"enable", "NAME...", "start containers at boot", 1, -1, VERB_NAMES_MACHINES, verb_enable},
    {"disable", "NAME...", "do not start containers at boot", 1, -1, VERB_NAMES_MACHINES, verb_disable},
    {"cat", "NAME...", "print the definition of a container and its drop-ins", 1, -1, VERB_NAMES_MACHINES, verb_cat},
    {"edit", "NAME", "edit the definition of a container", 1, 1, VERB_NAMES_MACHINES, verb_edit},
    {"import-quadlet", "DIRECTORY", "make definition files of podman's quadlet files", 1, 1, 0, verb_import_quadlet},
    {"verify-file", "FILE...", "tell what is wrong with definition files", 1, -1, 0, verb_verify_file},
    {"cp", "NAME:PATH PATH|PATH NAME:PATH", "copy files between a container and here; - is a tar stream", 2, 2, VERB_NAMES_MACHINES, verb_cp},
    {"copy-to", "NAME PATH [PATH]", "copy files into a container, by default to the same path", 2, 3, VERB_NAMES_MACHINES, verb_copy_to},
    {"copy-from", "NAME PATH [PATH]", "copy files out of a container, by default to the same path", 2, 3, VERB_NAMES_MACHINES, verb_copy_from},
    {"bind", "NAME PATH [PATH]", "show a running container a file or directory, by default at the same path", 2, 3, VERB_NAMES_MACHINES, verb_bind},
    {"unbind", "NAME PATH...", "take back what bind has shown", 2, -1, VERB_NAMES_MACHINES, verb_unbind},
    {"diff", "NAME|IMAGE IMAGE", "list what a container has changed of its image, or in what the second image differs from the first", 1, 2, VERB_NAMES_MACHINES, verb_diff},
    {"export", "NAME|IMAGE", "write the files of a container or an image as a tar stream", 1, 1, VERB_NAMES_MACHINES, verb_export},
    /* images */
    {"pull", "REFERENCE...", "get images from registries", 1, -1, 0, verb_pull},
    {"push", "IMAGE [REFERENCE]", "put an image into a registry", 1, 2, VERB_NAMES_IMAGES, verb_pull},
    {"logout", "REGISTRY...", "forget the passwords of registries", 1, -1, 0, verb_logout},
    {"load", "FILE|DIRECTORY|-", "load images from an archive or an OCI layout", 1, 1, 0, verb_load},
    {"images", "", "list images", 0, 0, 0, verb_images},
    {"inspect", "IMAGE...", "print all about images as JSON", 1, -1, VERB_NAMES_IMAGES, verb_inspect},
    {"rmi", "IMAGE...", "remove images", 1, -1, VERB_NAMES_IMAGES, verb_rmi},
    {"commit", "NAME [IMAGE]", "make an image of what a container has written, on top of its own", 1, 2, VERB_NAMES_MACHINES, verb_commit},
    {"import", "FILE|DIRECTORY|- [IMAGE]", "make an image of a tar archive or a directory of files", 1, 2, 0, verb_import},
    {"save", "IMAGE...", "write images as an archive or an OCI layout", 1, -1, VERB_NAMES_IMAGES, verb_save},
    {"verify", "[IMAGE...]", "look for damage in the image store, and put it aside", 0, -1, VERB_NAMES_IMAGES, verb_verify},
    {"tag", "IMAGE NAME...", "give an image more names", 2, -1, VERB_NAMES_IMAGES, verb_tag},
    {"untag", "NAME...", "take names away, and keep the images", 1, -1, VERB_NAMES_IMAGES, verb_untag},
    {"history", "IMAGE", "show the layers of an image, and what its name meant before", 1, 1, VERB_NAMES_IMAGES, verb_history},
    {"rollback", "NAME[@N]...", "let names mean again what they meant before", 1, -1, VERB_NAMES_IMAGES, verb_rollback},
    /* volumes */
    {"volume", "create|list|inspect|rm|prune [NAME...]", "make, list, show and remove named volumes", 1, -1, 0, verb_volume},
    {"secret", "create|list|inspect|rm [NAME...]", "keep, list and remove secrets for containers", 1, -1, 0, verb_secret},
    /* machine images */
    {"list-images", "", "list machine images", 0, 0, 0, verb_list_images},
    {"image-status", "NAME...", "tell about machine images in words", 1, -1, 0, verb_image_status},
    {"show-image", "NAME...", "print properties of machine images", 1, -1, 0, verb_show_image},
    {"clone", "NAME NEW-NAME", "copy a machine image", 2, 2, 0, verb_clone},
    {"remove", "NAME...", "remove machine images, or containers as rm does", 1, -1, VERB_NAMES_MACHINES, verb_remove},
    {"read-only", "NAME [BOOLEAN]", "make a machine image read-only, or writable", 1, 2, 0, verb_read_only},
    {"set-limit", "NAME BYTES", "limit the size of a machine image", 2, 2, 0, verb_set_limit},
    {"clean", "", "remove what cut off work on machine images left", 0, 0, 0, verb_clean},
    {"show-profile", "[PROFILE...]", "tell what isolation profiles are", 0, -1, 0, verb_show_profile},
    {"info", "", "tell what this host offers and what is missing", 0, 0, 0, verb_info},
};

/* What users of docker, podman and machinectl type for the same thing. */
const VerbAlias verb_aliases[] = {
    {"ps", "list"},
    {"ls", "list"},
    {"unpause", "resume"},
    {"image", "images"},
    {"monitor", "events"},
};

#define AT(member) offsetof(Ctl, member)

const CtlOption ctl_options[] = {
    {"help", 'h', CTL_OPTION_BOOL, AT(help), "*", NULL, "show this text"},
    {"print-plan", 0, CTL_OPTION_BOOL, AT(print_plan), "run", NULL, "print what would be done, and do nothing"},
    {"replace", 0, CTL_OPTION_BOOL, AT(replace), "run create import-quadlet", NULL,
     "remove a container of the same name first; write over files"},
    {"output", 'o', CTL_OPTION_STRING, AT(output), "list images status show logs info load wait top stats port events analyze show-profile pull push", "FORMAT",
     "table or json; for logs: short, cat or json"},
    {"all", 'a', CTL_OPTION_BOOL, AT(all), "list show", NULL, "stopped containers too; empty properties too"},
    {"no-legend", 0, CTL_OPTION_BOOL, AT(no_legend), "list images top stats port analyze show-profile", NULL, "no header and no summary"},
    {"quiet", 'q', CTL_OPTION_BOOL, AT(quiet), "list images load pull push run", NULL, "names or identifiers only"},
    {"filter", 'f', CTL_OPTION_LIST, AT(filters), "list", "KEY=PATTERN",
     "only those whose name, state, image, directory or unit matches"},
    {"property", 'p', CTL_OPTION_LIST, AT(properties), "show", "NAME", "only this property"},
    {"value", 0, CTL_OPTION_BOOL, AT(value), "show", NULL, "values without names"},
    {"env", 'e', CTL_OPTION_LIST, AT(environment), "exec shell", "KEY[=VALUE]", "environment variable"},
    {"user", 'u', CTL_OPTION_STRING, AT(user), "exec shell", "USER[:GROUP]", "user to run as"},
    {"workdir", 'w', CTL_OPTION_STRING, AT(workdir), "exec shell", "PATH", "working directory inside"},
    {"interactive", 'i', CTL_OPTION_BOOL, AT(interactive), "exec", NULL, "keep standard input connected"},
    {"tty", 't', CTL_OPTION_BOOL, AT(tty), "exec", NULL, "give the command a terminal"},
    {"detach", 'd', CTL_OPTION_BOOL, AT(detach), "exec", NULL, "do not wait for the command"},
    {"privileged", 0, CTL_OPTION_BOOL, AT(privileged), "exec shell", NULL,
     "all capabilities, no system call filter"},
    {"follow", 'f', CTL_OPTION_BOOL, AT(follow), "logs", NULL, "go on until the container ends"},
    {"lines", 'n', CTL_OPTION_STRING, AT(lines), "logs status", "N", "only the last N lines of output"},
    {"since", 'S', CTL_OPTION_STRING, AT(since), "logs events", "TIME", "not before this time: 2026-11-23 14:00, or 10min ago"},
    {"until", 'U', CTL_OPTION_STRING, AT(until), "logs events", "TIME", "not after this time"},
    {"priority", 'p', CTL_OPTION_STRING, AT(priority), "logs", "PRIORITY", "only lines as urgent as this, or of a range FROM..TO"},
    {"stream", 0, CTL_OPTION_STRING, AT(stream), "logs", "STREAM", "only stdout or only stderr"},
    {"filter", 0, CTL_OPTION_LIST, AT(filters), "events", "KEY=VALUE", "only events like that: event=, container=, image=, type=, ..."},
    {"no-follow", 0, CTL_OPTION_BOOL, AT(no_follow), "events", NULL, "end with what has happened by now"},
    {"instance", 0, CTL_OPTION_STRING, AT(instance), "logs", "ID", "the run with this id instead of the last, or 'all', from the journal"},
    {"timestamps", 0, CTL_OPTION_BOOL, AT(timestamps), "logs", NULL, "put the time before each line"},
    {"columns", 0, CTL_OPTION_STRING, AT(columns), "top", "LIST", "these columns, with commas between them"},
    {"no-stream", 0, CTL_OPTION_BOOL, AT(no_stream), "stats", NULL, "once, also on a terminal"},
    {"runtime", 0, CTL_OPTION_BOOL, AT(runtime), "update set-property", NULL, "only until the container ends"},
    {"signal", 's', CTL_OPTION_STRING, AT(signal), "kill", "SIGNAL", "signal to send; default SIGTERM"},
    {"kill-whom", 0, CTL_OPTION_STRING, AT(whom), "kill", "WHOM", "leader (default), supervisor or all"},
    {"time", 't', CTL_OPTION_STRING, AT(timeout), "stop restart", "TIME", "kill after this time instead of the container's own"},
    {"time", 't', CTL_OPTION_STRING, AT(timeout), "wait", "TIME", "give up after this time"},
    {"condition", 0, CTL_OPTION_STRING, AT(condition), "wait", "STATE", "stopped (default), running or paused"},
    {"any", 0, CTL_OPTION_BOOL, AT(any), "wait", NULL, "until one of them is, instead of all"},
    {"name", 0, CTL_OPTION_STRING, AT(reference), "load", "REFERENCE", "name of the image instead of those in the archive"},
    {"architecture", 0, CTL_OPTION_STRING, AT(architecture), "load", "ARCH", "which image of several; default: this machine's"},
    {"missing", 0, CTL_OPTION_BOOL, AT(missing), "load", NULL, "nothing to do when there is an image of the name that --name= gives"},
    {"settings", 0, CTL_OPTION_STRING, AT(settings), "run", "MODE", "read systemd-nspawn's file of this name: no, yes, override or trusted"},
    {"output-dir", 0, CTL_OPTION_STRING, AT(output_directory), "import-quadlet", "DIRECTORY", "write here instead of /etc/berth"},
    {"now", 0, CTL_OPTION_BOOL, AT(now), "enable disable", NULL, "start or stop them, too"},
    {"keep-unit", 0, CTL_OPTION_BOOL, AT(keep_unit), "start", NULL,
     "run the container in the unit that berthctl was started in, and become its supervisor"},
    {"pull", 0, CTL_OPTION_STRING, AT(pull), "run", "WHEN", "get the image from its registry: missing (default), newer, always, never"},
    {"platform", 0, CTL_OPTION_STRING, AT(platform), "pull run", "OS/ARCH[/VARIANT]", "which image of several; default: this machine's"},
    {"tls-verify", 0, CTL_OPTION_STRING, AT(tls_verify), "pull push run login", "BOOL", "whether registries must have TLS and a good certificate"},
    {"authfile", 0, CTL_OPTION_STRING, AT(auth_file), "pull push run login logout", "PATH", "file with passwords of registries"},
    {"username", 'u', CTL_OPTION_STRING, AT(username), "login", "USER", "user of a registry, instead of asking"},
    {"password-stdin", 0, CTL_OPTION_BOOL, AT(password_stdin), "login", NULL, "read the password of a registry from standard input"},
    {"no-size-limit", 0, CTL_OPTION_BOOL, AT(no_size_limit), "load pull", NULL, "accept what looks like a decompression bomb"},
    {"all", 'a', CTL_OPTION_BOOL, AT(all), "prune", NULL, "images with a name, too, if no container uses them"},
    {"force", 'f', CTL_OPTION_BOOL, AT(force), "prune", NULL, "do not ask"},
    {"dry-run", 'n', CTL_OPTION_BOOL, AT(dry_run), "prune", NULL, "only tell what would be removed"},
    {"filter", 0, CTL_OPTION_LIST, AT(filters), "prune", "KEY=VALUE", "only what is so: type=container or image, until=AGE, reference=PATTERN, label=KEY[=VALUE], dangling=BOOL"},
    {"filter", 0, CTL_OPTION_LIST, AT(filters), "images", "KEY=VALUE", "only what is so: reference=PATTERN, label=KEY[=VALUE], until=AGE, dangling=BOOL"},
    {"format", 0, CTL_OPTION_STRING, AT(format), "images inspect", "FIELD,...", "only these members of the JSON, or what JSON pointers (/config/Env/0) lead to"},
    {"verbose", 'v', CTL_OPTION_BOOL, AT(verbose), "df", NULL, "each image, container and volume, with what images share"},
    {"output", 'o', CTL_OPTION_STRING, AT(output), "df", "FORMAT", "table or json"},
    {"no-legend", 0, CTL_OPTION_BOOL, AT(no_legend), "df", NULL, "no header"},
    {"change", 'c', CTL_OPTION_LIST, AT(changes), "commit import", "INSTRUCTION", "change the configuration, as in a Containerfile: 'CMD [\"/bin/web\"]'"},
    {"message", 'm', CTL_OPTION_STRING, AT(message), "commit import", "TEXT", "a comment for the image's history"},
    {"author", 'a', CTL_OPTION_STRING, AT(author), "commit import", "TEXT", "who made the image"},
    {"squash", 0, CTL_OPTION_BOOL, AT(squash), "commit", NULL, "one layer in place of all"},
    {"pause", 'p', CTL_OPTION_STRING, AT(pause), "commit", "BOOLEAN", "hold a running container still meanwhile (default: yes)"},
    {"all", 'a', CTL_OPTION_BOOL, AT(all), "verify", NULL, "the files of layers, too"},
    {"file", 0, CTL_OPTION_STRING, AT(file), "save", "PATH", "write here instead of standard output"},
    {"format", 0, CTL_OPTION_STRING, AT(format), "save", "FORMAT", "oci-archive (default), docker-archive or oci-dir"},
    {"archive", 'a', CTL_OPTION_BOOL, AT(archive), "cp copy-to copy-from", NULL, "keep owners, set-ID bits, capabilities"},
    {"follow-link", 'L', CTL_OPTION_BOOL, AT(follow), "cp copy-to copy-from", NULL, "copy what a link leads to, when the source is one"},
    {"mkdir", 0, CTL_OPTION_BOOL, AT(mkdir), "cp copy-to copy-from bind", NULL, "make what is missing of the target"},
    {"read-only", 0, CTL_OPTION_BOOL, AT(read_only), "bind clone", NULL, "what is bound or cloned cannot be written to"},
    {"all", 'a', CTL_OPTION_BOOL, AT(all), "list-images clean", NULL, "hidden images, too; for clean: all images"},
    {"output", 'o', CTL_OPTION_STRING, AT(output), "diff list-images show-image history commit import verify", "FORMAT", "table or json"},
    {"no-legend", 0, CTL_OPTION_BOOL, AT(no_legend), "list-images history", NULL, "no header"},
    {"property", 'p', CTL_OPTION_LIST, AT(properties), "show-image", "NAME", "only this property"},
    {"quiet", 'q', CTL_OPTION_BOOL, AT(quiet), "clone", NULL, "no progress"},
    {"force", 'f', CTL_OPTION_BOOL, AT(force), "remove", NULL, "of a container: stop it first"},
    {"output", 'o', CTL_OPTION_STRING, AT(output), "volume", "FORMAT", "table or json"},
    {"no-legend", 0, CTL_OPTION_BOOL, AT(no_legend), "volume", NULL, "no header and no summary"},
    {"quiet", 'q', CTL_OPTION_BOOL, AT(quiet), "volume", NULL, "names only; for create: nothing"},
    {"force", 'f', CTL_OPTION_BOOL, AT(force), "volume", NULL, "prune: do not ask; rm: what is not there is no error"},
    {"output", 'o', CTL_OPTION_STRING, AT(output), "secret", "FORMAT", "table or json"},
    {"no-legend", 0, CTL_OPTION_BOOL, AT(no_legend), "secret", NULL, "no header and no summary"},
    {"quiet", 'q', CTL_OPTION_BOOL, AT(quiet), "secret", NULL, "names only; for create and rm: nothing"},
    {"force", 'f', CTL_OPTION_BOOL, AT(force), "secret", NULL, "rm: what is not there is no error"},
    {"replace", 0, CTL_OPTION_BOOL, AT(replace), "secret", NULL, "create: put it in the place of one that is there"},
    {"with-key", 0, CTL_OPTION_STRING, AT(with_key), "secret", "KEY", "create: auto, host, tpm2, host+tpm2, or none: not encrypted"},
    {"force", 0, CTL_OPTION_BOOL, AT(force), "copy-to copy-from", NULL, "replace files that exist"},
    {"force", 'f', CTL_OPTION_BOOL, AT(force), "rm rmi", NULL, "stop a running container first; remove all names"},
};
/* clang-format on */

const size_t verbs_count = ELEMENTSOF(verbs);
const size_t verb_aliases_count = ELEMENTSOF(verb_aliases);
const size_t ctl_options_count = ELEMENTSOF(ctl_options);

bool ctl_setting_applies(const Setting *setting, const Verb *verb)
{
    return setting->option &&
           ((verb->flags & VERB_SETTINGS) ||
            ((verb->flags & VERB_RESOURCES) && setting->offset == offsetof(ContainerSpec, properties)));
}

bool ctl_option_applies(const CtlOption *option, const Verb *verb)
{
    size_t length = strlen(verb->name);

    if (strcmp(option->verbs, "*") == 0)
        return true;
    for (const char *word = option->verbs; *word;) {
        size_t n = strcspn(word, " ");

        if (n == length && strncmp(word, verb->name, n) == 0)
            return true;
        word += n + strspn(word + n, " ");
    }
    return false;
}
