/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proto/tier.h"

#include "base/cleanup.h"

const char *bus_tier_to_string(BusTier tier)
{
    static const char *const names[_BUS_TIER_MAX] = {
        [BUS_TIER_READ] = "read",     [BUS_TIER_INSPECT] = "inspect", [BUS_TIER_REGISTER] = "register",
        [BUS_TIER_MANAGE] = "manage", [BUS_TIER_ROOT] = "root",
    };

    return names[tier];
}

const char *bus_tier_action(BusTier tier)
{
    static const char *const actions[_BUS_TIER_MAX] = {
        [BUS_TIER_INSPECT] = "org.berth1.inspect-others",
        [BUS_TIER_REGISTER] = "org.berth1.register",
        [BUS_TIER_MANAGE] = "org.berth1.manage",
        [BUS_TIER_ROOT] = "org.berth1.root-equivalent",
    };

    return actions[tier];
}

BusTier required_tier(const TierFacts *facts)
{
    bool is_widening = facts->enters || facts->configures;

    if (facts->least == BUS_TIER_READ || facts->least == BUS_TIER_ROOT)
        return facts->least;
    if (facts->is_about && facts->is_missing)
        return is_widening ? BUS_TIER_ROOT : facts->least;
    /* Code of the caller's inside a machine without a user namespace is code with the host's ids, and an image or a
     * definition is no less than what it configures. Ownership does not help: it is the host's root that runs it. */
    if (is_widening && !facts->is_isolated)
        return BUS_TIER_ROOT;
    /* The owner of a registered process could do the same to it without us. */
    if (facts->is_own && facts->is_foreign && !is_widening)
        return BUS_TIER_READ;
    if (facts->is_own && facts->least == BUS_TIER_INSPECT)
        return BUS_TIER_READ;
    return facts->least;
}
