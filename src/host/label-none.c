/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Built without SELinux. */
#include "host/label.h"

#include <errno.h>
#include <string.h>

void label_done(Label *label)
{
    *label = (Label){.categories_fd = -EBADF};
}

bool label_lock_owner(const char *lock, int fd, char *owner, size_t size)
{
    (void) lock;
    (void) fd;
    (void) owner;
    (void) size;
    return false;
}

int label_make(const LabelRequest *request, int run_fd, Label *ret, Error *error)
{
    bool is_asked = request->process || request->file || request->user || request->role || request->type ||
                    request->level || request->file_type;

    (void) run_fd;
    (void) ret;
    return is_asked
               ? error_set(error, -EOPNOTSUPP, "a SELinux label was asked for, but Berth was built without SELinux")
               : (int) LABEL_IS_OFF;
}

int label_check_program(const Label *label, int program_fd, Error *error)
{
    (void) label;
    (void) program_fd;
    return error_set(error, -EOPNOTSUPP, "Berth was built without SELinux");
}

bool label_is_for_containers(int fd)
{
    (void) fd;
    return true;
}

char *label_file_type(int fd)
{
    (void) fd;
    return strdup("?");
}

int label_relabel(int fd, const char *host_path, const char *context, Error *error)
{
    (void) fd;
    (void) context;
    return error_set(error, -EOPNOTSUPP, "cannot label '%s': Berth was built without SELinux", host_path);
}
