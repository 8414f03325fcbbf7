/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work that waits for something, in a child: the loop goes on, and what the child looked at stays as it was. The child may
 * die with the daemon at any point, as berthctl may that does the same. It tells how it went as one JSON object. */

#include "daemon/daemon.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/strv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

/* What one user may have under way; root may have more. */
#define JOBS_PER_USER_MAX 16
#define JOBS_MAX          128
#define RESULT_MAX_BYTES  (1U << 20)

struct Job {
    Daemon *daemon;
    sd_bus_message *message;
    sd_event_source *source;
    JobReply reply;
    pid_t pid;
    int fd;
    uid_t uid;
    Buffer text;
    Job *next;
};

static void job_free(Job *job)
{
    if (!job)
        return;
    for (Job **at = &job->daemon->jobs; *at; at = &(*at)->next)
        if (*at == job) {
            *at = job->next;
            break;
        }
    sd_event_source_disable_unref(job->source);
    sd_bus_message_unref(job->message);
    safe_close(job->fd);
    buffer_done(&job->text);
    free(job);
}
DEFINE_CLEANUP(Job *, job_free)

void job_forget_all(Daemon *daemon)
{
    while (daemon->jobs)
        job_free(daemon->jobs);
}

bool job_has_room(const Daemon *daemon, uid_t uid)
{
    size_t count = session_count(daemon, uid), own = count;

    for (const Job *job = daemon->jobs; job; job = job->next, count++)
        own += job->uid == uid;
    return count < JOBS_MAX && (uid == 0 || own < JOBS_PER_USER_MAX);
}

static const char *get_text(json_t *result, const char *key)
{
    return json_string_value(json_object_get(result, key));
}

static int reply(Job *job)
{
    _cleanup_json_ json_t *result = NULL;
    _cleanup_error_ Error error = {};
    int code;

    if (json_parse_object(job->text.data ? job->text.data : "", job->text.size, &result, NULL) < 0)
        return bus_reply_error(job->message, BUS_ERROR_FAILED, "The request was interrupted");
    code = (int) json_integer_value(json_object_get(result, "code"));
    if (code >= 0)
        return job->reply ? job->reply(job->message, result) : sd_bus_reply_method_return(job->message, NULL);
    if (get_text(result, "text"))
        (void) error_set(&error, code, "%s", get_text(result, "text"));
    if (get_text(result, "hint"))
        (void) error_hint(&error, code, "%s", get_text(result, "hint"));
    return bus_reply_failure(job->message, code, &error);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    _cleanup_(job_freep) Job *job = userdata;
    char chunk[4096];
    ssize_t n = read(fd, chunk, sizeof(chunk));

    (void) source;
    (void) events;
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        n = 0;
    if (n > 0 && job->text.size < RESULT_MAX_BYTES)
        buffer_append(&job->text, chunk, (size_t) n);
    if (n != 0) {
        TAKE_PTR(job);
        return 0;
    }
    /* It closes the pipe by ending. */
    while (waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (reply(job) < 0)
        log_warning("a reply could not be sent");
    idle_touch(job->daemon);
    return 0;
}

/* In the child. Nothing of the bus may be used, and the connection must not outlive the daemon in here. */
static _Noreturn void run(Request *request, JobWork work, int fd)
{
    _cleanup_json_ json_t *result = json_object();
    _cleanup_error_ Error error = {};
    _cleanup_free_ char *text = NULL;
    sigset_t none;
    int r;

    safe_close(sd_bus_get_fd(request->daemon->bus));
    safe_close(sd_event_get_fd(request->daemon->event));
    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    r = result ? work(request, result, &error) : -ENOMEM;
    (void) json_object_set_new(result, "code", json_integer(r));
    if (r < 0 && error.text)
        (void) json_object_set_new(result, "text", json_safe_string(error.text));
    if (r < 0 && error.hint)
        (void) json_object_set_new(result, "hint", json_safe_string(error.hint));
    text = json_dumps(result, JSON_COMPACT);
    for (size_t done = 0, size = text ? strlen(text) : 0; done < size;) {
        ssize_t n = write(fd, text + done, size - done);

        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t) n : 0;
    }
    _exit(0);
}

int job_start(Request *request, JobWork work, JobReply job_reply)
{
    Daemon *daemon = request->daemon;
    _cleanup_(job_freep) Job *job = calloc(1, sizeof(*job));
    _cleanup_close_ int write_fd = -EBADF;
    int pipe_fds[2], r;

    if (!job)
        return -ENOMEM;
    job->daemon = daemon;
    job->fd = -EBADF;
    job->uid = request->caller->uid;
    job->reply = job_reply;
    if (!job_has_room(daemon, job->uid))
        return bus_reply_error(request->message, BUS_ERROR_TOO_MANY, "Too many requests are under way");
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    job->fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    r = sd_event_add_io(daemon->event, &job->source, job->fd, EPOLLIN, on_readable, job);
    if (r < 0)
        return r;
    job->pid = fork();
    if (job->pid < 0)
        return -errno;
    if (job->pid == 0)
        run(request, work, write_fd);
    job->message = sd_bus_message_ref(request->message);
    job->next = daemon->jobs;
    daemon->jobs = TAKE_PTR(job);
    return 0;
}
