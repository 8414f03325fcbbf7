/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the elements of sets and maps of nf_tables, in the family inet: finding, walking, adding and removing them. That is too
 *       frequent for libnftables, whose loading alone takes milliseconds.
 * Never does: make tables, sets, chains or rules (host/firewall.h does, by libnftables); know what elements mean.
 * Runs in: fat programs on the host side, the supervisor; a socket belongs to the network namespace that it was opened in. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETFILTER_VALUE_MAX   32
#define NETFILTER_COMMENT_MAX 128 /* with its end; nft(8) shows it */

/* Keys and data are as the kernel has them: fields in network byte order, each filled up to four bytes. */
typedef struct NetfilterElement {
    unsigned char key[NETFILTER_VALUE_MAX], data[NETFILTER_VALUE_MAX];
    size_t key_size, data_size; /* data_size 0: of a set */
    char comment[NETFILTER_COMMENT_MAX];
} NetfilterElement;

/* -EOPNOTSUPP: this kernel has no nf_tables. */
int netfilter_open(void);

/* The element with this key; the rest of it is filled in. -ENOENT: there is none, or no such set or table. */
int netfilter_find(int fd, const char *table, const char *set, NetfilterElement *element);

/* Called for each; 0 to go on, anything else ends the walk and is returned. No table, no set: no element. The visitor must
 * not use the socket. */
typedef int (*NetfilterVisit)(const NetfilterElement *element, void *userdata);
int netfilter_each(int fd, const char *table, const char *set, NetfilterVisit visit, void *userdata);

/* A number that every change of anybody changes. */
int netfilter_get_generation(int fd, uint32_t *ret);

/* Changes that happen together or not at all. */
typedef struct NetfilterBatch {
    uint32_t generation; /* what the changes follow from; 0: they depend on nothing that was read */
    char *bytes;
    size_t size, room;
    uint32_t count;
    size_t last; /* where the last change begins */
    bool has_failed;
} NetfilterBatch;

void netfilter_batch_done(NetfilterBatch *batch);
#define _cleanup_netfilter_batch_ __attribute__((cleanup(netfilter_batch_done)))

/* Failures of memory are kept for the commit. */
void netfilter_batch_add(NetfilterBatch *batch, const char *table, const char *set, const NetfilterElement *element);
void netfilter_batch_remove(NetfilterBatch *batch, const char *table, const char *set, const NetfilterElement *element);

/* -EEXIST: one that was to be added is there, -ENOENT: one that was to be removed is not, or no such set or table;
 * -ERESTART: something was changed since that generation; -EMSGSIZE: too many at once. Nothing has changed then. An empty batch is nothing to do. */
int netfilter_batch_commit(NetfilterBatch *batch, int fd);
