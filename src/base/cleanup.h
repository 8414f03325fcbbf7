/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the ownership vocabulary: cleanup attributes, take, array sizes.
 * Never does: anything at run time but free what it is given.
 * Runs in: every process. */

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _printf_(at, first) __attribute__((format(printf, at, first)))
#define _unused_            __attribute__((unused))
#define _aligned_(size)     __attribute__((aligned(size)))

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b)         ((a) < (b) ? (a) : (b))
#define MAX(a, b)         ((a) > (b) ? (a) : (b))

/* Gives `type` a cleanup function `FUNCTIONp` for _cleanup_(); FUNCTION must accept NULL. */
#define DEFINE_CLEANUP(type, function)                                                                                 \
    static inline void function##p(type *object)                                                                       \
    {                                                                                                                  \
        function(*object);                                                                                             \
    }

static inline void freep(void *pointer)
{
    free(*(void **) pointer);
}
#define _cleanup_free_ _cleanup_(freep)

/* Closes and returns the value of an unset fd, so `fd = safe_close(fd)` never leaves a stale number. */
static inline int safe_close(int fd)
{
    if (fd >= 0)
        close(fd);
    return -9; /* -EBADF, without pulling errno.h into every header */
}

static inline void closep(int *fd)
{
    (void) safe_close(*fd);
}
#define _cleanup_close_ _cleanup_(closep)

/* Hands over what a variable owns; the variable is empty afterwards. */
#define TAKE_PTR(variable)                                                                                             \
    ({                                                                                                                 \
        __typeof__(variable) *_take_from = &(variable);                                                                \
        __typeof__(variable) _taken = *_take_from;                                                                     \
        *_take_from = NULL;                                                                                            \
        _taken;                                                                                                        \
    })

static inline int take_fd(int *fd)
{
    int taken = *fd;

    *fd = -9;
    return taken;
}
#define TAKE_FD(variable) take_fd(&(variable))
