/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the caller may: root may, others by polkit. Asking takes as long as a person needs for a password, and is never
 * waited for: the message is put aside, and when the answer is there the call is served from its beginning, so that
 * whatever was true before is looked at again (CVE-2020-1712 was a pointer kept over such a wait). */

#include "daemon/daemon.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "spec/widening.h"

#include <errno.h>
#include <string.h>

#define POLKIT_NAME      "org.freedesktop.PolicyKit1"
#define POLKIT_PATH      "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

/* Questions to polkit that one user may have open. */
#define PENDING_PER_USER_MAX 16
#define PENDING_MAX          256
/* Without a person in front of it, an answer comes at once or polkit is in trouble. */
#define ANSWER_USEC (25 * UINT64_C(1000000))

typedef struct Pending Pending;

struct Pending {
    Daemon *daemon;
    sd_bus_message *message;
    sd_bus_slot *slot;
    BusObject object;
    BusTier tier;
    uid_t uid;
    char *sender, *what; /* for the log */
    Pending *next;
};

static void pending_free(Pending *pending)
{
    if (!pending)
        return;
    for (Pending **at = &pending->daemon->pending; *at; at = &(*at)->next)
        if (*at == pending) {
            *at = pending->next;
            break;
        }
    sd_bus_slot_unref(pending->slot);
    sd_bus_message_unref(pending->message);
    free(pending->sender);
    free(pending->what);
    free(pending);
}
DEFINE_CLEANUP(Pending *, pending_free)

void authorize_cancel_all(Daemon *daemon)
{
    while (daemon->pending)
        pending_free(daemon->pending);
}

/* One line per decision, in the journal. */
static void audit(const Request *request, BusTier tier, const char *result)
{
    const Caller *caller = request->caller;

    log_info("%s %s of '%s' for uid %u, pid %d (pidfd id %llu, bus name %s): tier %s, %s", request->method->name,
             bus_interfaces[request->object].name, request->name ? request->name : "", (unsigned) caller->uid,
             (int) caller->pid, (unsigned long long) caller->pidfd_id, caller->sender,
             tier < _BUS_TIER_MAX ? bus_tier_to_string(tier) : "none", result);
}

/* The same words whatever the reason was, and whether or not there is what was asked for. */
int authorize_refuse(Request *request, BusTier tier, const char *reason)
{
    int r;

    audit(request, tier, reason);
    r = bus_reply_error(request->message, SD_BUS_ERROR_ACCESS_DENIED, "Access denied");
    return r < 0 ? r : 0;
}

static size_t count_pending(const Daemon *daemon, uid_t uid, size_t *ret_own)
{
    size_t count = 0, own = 0;

    for (const Pending *pending = daemon->pending; pending; pending = pending->next, count++)
        own += pending->uid == uid;
    *ret_own = own;
    return count;
}

typedef enum Answer { ANSWER_NO, ANSWER_YES, ANSWER_CHALLENGE } Answer;

static Answer read_answer(sd_bus_message *reply)
{
    int is_authorized = 0, is_challenge = 0;

    /* polkit is not there, does not know the action, or failed: that is a no. */
    if (sd_bus_message_is_method_error(reply, NULL))
        return ANSWER_NO;
    if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
        sd_bus_message_read(reply, "bb", &is_authorized, &is_challenge) < 0)
        return ANSWER_NO;
    return is_authorized ? ANSWER_YES : is_challenge ? ANSWER_CHALLENGE : ANSWER_NO;
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_(pending_freep) Pending *pending = userdata;
    Answer answer = read_answer(reply);
    Daemon *daemon = pending->daemon;

    (void) ret_error;
    idle_touch(daemon);
    if (answer == ANSWER_YES) {
        (void) sd_bus_message_rewind(pending->message, 1);
        return bus_dispatch(daemon, pending->object, pending->message, pending->tier);
    }
    log_info("%s for uid %u, bus name %s: tier %s, refused by polkit", pending->what, (unsigned) pending->uid,
             pending->sender, bus_tier_to_string(pending->tier));
    if (answer == ANSWER_CHALLENGE)
        return bus_reply_error(pending->message, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                               "Interactive authentication required");
    return bus_reply_error(pending->message, SD_BUS_ERROR_ACCESS_DENIED, "Access denied");
}

/* Why it takes as much as it does: what in the definition leads to the host. NULL: no memory. */
static char *describe_reasons(const Request *request)
{
    _cleanup_strv_ char **reasons = NULL;
    _cleanup_free_ char *text = NULL;

    if (request->definition && spec_list_widening(request->definition, &reasons) < 0)
        return NULL;
    text = strv_join(reasons, ", ");
    return text ? text_escape(text, SIZE_MAX) : NULL;
}

/* What the person is told; polkit lets only root and the action's owner say it. */
static int append_details(sd_bus_message *call, const Request *request)
{
    _cleanup_free_ char *reasons = describe_reasons(request);
    int r = reasons ? sd_bus_message_open_container(call, 'a', "{ss}") : -ENOMEM;

    if (r >= 0)
        r = sd_bus_message_append(call, "{ss}{ss}", "verb", request->method->name, "reasons", reasons);
    if (r >= 0 && request->name && text_is_utf8(request->name, strlen(request->name)))
        r = sd_bus_message_append(call, "{ss}", "name", request->name);
    return r < 0 ? r : sd_bus_message_close_container(call);
}

static int ask(Pending *pending, const Request *request)
{
    bool is_interactive = sd_bus_message_get_allow_interactive_authorization(request->message) > 0;
    sd_bus_message *call = NULL;
    int r = sd_bus_message_new_method_call(pending->daemon->bus, &call, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                                           "CheckAuthorization");

    if (r >= 0)
        r = sd_bus_message_append(call, "(sa{sv})s", "system-bus-name", 1, "name", "s", request->caller->sender,
                                  bus_tier_action(pending->tier));
    if (r >= 0)
        r = append_details(call, request);
    if (r >= 0)
        r = sd_bus_message_append(call, "us", (uint32_t) is_interactive, "");
    if (r >= 0)
        r = sd_bus_call_async(pending->daemon->bus, &pending->slot, call, on_answer, pending,
                              is_interactive ? UINT64_MAX : ANSWER_USEC);
    sd_bus_message_unref(call);
    return r;
}

static int put_aside(Request *request, BusTier tier)
{
    Daemon *daemon = request->daemon;
    _cleanup_(pending_freep) Pending *pending = calloc(1, sizeof(*pending));
    int r;

    if (!pending)
        return -ENOMEM;
    pending->daemon = daemon;
    pending->message = sd_bus_message_ref(request->message);
    pending->object = request->object;
    pending->tier = tier;
    pending->uid = request->caller->uid;
    pending->sender = strdup(request->caller->sender);
    pending->what = text_format("%s of '%s'", request->method->name, request->name ? request->name : "");
    if (!pending->sender || !pending->what)
        return -ENOMEM;
    r = ask(pending, request);
    if (r < 0)
        return r;
    pending->next = daemon->pending;
    daemon->pending = TAKE_PTR(pending);
    return 0;
}

int authorize(Request *request, BusTier required, BusTier granted)
{
    Daemon *daemon = request->daemon;
    size_t own = 0;
    int r;

    if (required == BUS_TIER_READ)
        return 1;
    if (request->caller->is_inside)
        return authorize_refuse(request, required, "refused: the caller runs in a container");
    if (caller_is_privileged(daemon, request->caller) || granted >= required) {
        audit(request, required, granted >= required ? "allowed by polkit" : "allowed");
        return 1;
    }
    /* It asks for more than it did when polkit was asked. */
    if (granted > BUS_TIER_READ)
        return authorize_refuse(request, required, "refused: it changed while polkit was asked");
    if (daemon->is_user)
        return authorize_refuse(request, required, "refused: not this bus's user");
    if (count_pending(daemon, request->caller->uid, &own) >= PENDING_MAX || own >= PENDING_PER_USER_MAX) {
        audit(request, required, "refused: too many requests");
        r = bus_reply_error(request->message, BUS_ERROR_TOO_MANY, "Too many requests are waiting for authorization");
        return r < 0 ? r : 0;
    }
    r = put_aside(request, required);
    return r < 0 ? authorize_refuse(request, required, "refused: polkit cannot be asked") : 0;
}
