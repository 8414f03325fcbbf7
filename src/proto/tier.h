/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: how much a request over the bus asks for, and which polkit action lets somebody do it.
 * Never does: ask polkit, look at the caller or at this host. Pure.
 * Runs in: berthd, before anything that the request could change. */

#include <stdbool.h>

/* Ascending: who may do one may do those before it, too. */
typedef enum BusTier {
    BUS_TIER_READ,     /* names and states: everybody. What is one's own is also here, see below */
    BUS_TIER_INSPECT,  /* the whole record of somebody else's machine */
    BUS_TIER_REGISTER, /* a process of one's own enters the roster */
    BUS_TIER_MANAGE,   /* the life of machines that are no way to the host */
    BUS_TIER_ROOT,     /* whoever may do it is root on this host, or can be */
    _BUS_TIER_MAX,
} BusTier;

/* "read", "inspect", …; for messages and the log. */
const char *bus_tier_to_string(BusTier tier);
/* The polkit action, NULL for BUS_TIER_READ. */
const char *bus_tier_action(BusTier tier);

/* What required_tier() decides on: the method's row and the effective configuration of what it is about. */
typedef struct TierFacts {
    BusTier least;    /* of the method's row */
    bool is_about;    /* the method is about one machine or image */
    bool is_missing;  /* and there is none of that name, or none that can be read */
    bool is_own;      /* it belongs to the caller */
    bool is_foreign;  /* registered: no container of ours, its processes are its owner's */
    bool enters;      /* the caller's program runs inside */
    bool configures;  /* a whole configuration is put into effect */
    bool is_isolated; /* user namespace of its own, and nothing in its configuration that leads to the host */
} TierFacts;

/* The one place that decides. For what is not there the answer is what the method can need at most, so that an error tells
 * nobody what exists. */
BusTier required_tier(const TierFacts *facts);
