/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the supervisor has to know as long as the container lives. */

#include "plan/internal.h"

#include "base/strv.h"
#include "spec/log.h"

static void plan_log(Planner *planner, StepSupervise *step)
{
    const ContainerSpec *spec = planner->spec;
    _cleanup_strv_ char **fields = NULL;
    _cleanup_free_ char *tag = NULL;
    LogOptions options = {};
    int r = log_options_parse(spec->log_options, &options, NULL); /* spec_finish() has checked them */

    if (r == 0 && options.tag)
        r = log_tag_format(options.tag, spec->name, planner->facts->id, spec->image, &tag, NULL);
    if (r == 0)
        r = log_label_fields(options.labels, spec->labels, &fields);
    if (r < 0)
        planner->list->failed = r;
    step->tag = step_list_string(planner->list, tag ? tag : spec->name);
    if (planner->facts->log == STEP_LOG_JOURNAL)
        step->log_fields = step_list_strings(planner->list, fields);
    if (planner->facts->log != STEP_LOG_FILE)
        return;
    step->log_fd = planner->facts->log_fd;
    step->log_max_bytes = options.max_bytes;
    step->log_max_files = options.max_files;
}

static bool has_restart_policy(const ContainerSpec *spec)
{
    return spec->restart.mode != RESTART_NO && spec->detach && !spec->keep_unit;
}

static bool restarts_on_reboot(const ContainerSpec *spec)
{
    return spec->boot && !spec->keep_unit;
}

bool plan_restarts(const ContainerSpec *spec)
{
    return restarts_on_reboot(spec) || has_restart_policy(spec);
}

static void plan_health(Planner *planner, StepSupervise *step)
{
    const ContainerSpec *spec = planner->spec;
    const HostFacts *facts = planner->facts;

    step->health_plan = step_list_bytes(planner->list, facts->health_plan, facts->health_plan_size);
    step->health_plan_size = facts->health_plan_size;
    step->health_interval_usec = spec->health_interval_usec;
    step->health_timeout_usec = spec->health_timeout_usec;
    step->health_start_period_usec = spec->health_start_period_usec;
    step->health_start_interval_usec = spec->health_start_interval_usec;
    step->health_retries = spec->health_retries;
    step->health_on_failure = spec->health_on_failure;
}

void plan_supervise(Planner *planner)
{
    const ContainerSpec *spec = planner->spec;
    const HostFacts *facts = planner->facts;
    Step *step = step_list_add(planner->list, STEP_SUPERVISE, spec_origin(spec, offsetof(ContainerSpec, log_driver)));

    step->supervise = (StepSupervise){
        .name = step_list_string(planner->list, spec->name),
        .id = step_list_string(planner->list, facts->id),
        .image = step_list_string(planner->list, spec->image),
        .unit = step_list_string(planner->list, facts->unit),
        .stop_signal = (uint64_t) spec->stop_signal,
        .stop_timeout_usec = spec->timeout_stop_usec,
        .log = facts->log,
        .echo = facts->log != STEP_LOG_PASSTHROUGH && !spec->detach && !spec->tty && !spec->boot,
        .run_fd = facts->run_fd,
        .keep_exit = facts->keeps_exit,
        .forget_log = spec->remove,
        .attach_fd = facts->attach_fd,
        .is_system = spec->boot,
        .restarts = restarts_on_reboot(spec),
        .restart_mode = has_restart_policy(spec) ? spec->restart.mode : RESTART_NO,
        .restart_attempts = has_restart_policy(spec) ? spec->restart.attempts : 0,
        .file_label = step_list_string(planner->list, facts->file_label),
        .notify = spec->notify,
        .unit_notify_fd = facts->unit_notify_fd,
        .watchdog_usec = facts->watchdog_usec,
        .registrar_fd = facts->registrar_fd,
        .trace = facts->is_traced,
        .leaves = spec->bundle,
    };
    plan_log(planner, &step->supervise);
    if (facts->health_plan_size > 0)
        plan_health(planner, &step->supervise);
}
