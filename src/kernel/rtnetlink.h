/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the messages of rtnetlink(7) that containers' networks need: links, IPv4 addresses, routes. Each call is one
 *       request and its acknowledgement.
 * Never does: decide which; wait for anything but the kernel.
 * Runs in: fat programs on the host side, the supervisor; a socket belongs to the network namespace that it was opened in.
 *
 * IPv4 addresses are numbers in the host's byte order. Errors are the kernel's, as negative errno. */

#include <stdint.h>
#include <sys/types.h>

/* A name of a link, with its end (IFNAMSIZ), and an alternative one (ALTIFNAMSIZ; Linux 5.5). */
#define RTNETLINK_NAME_SIZE        16
#define RTNETLINK_ALTERNATIVE_SIZE 128

/* A socket of the calling thread's network namespace, close-on-exec. */
int rtnetlink_open(void);

/* -ENODEV: there is none of this name. */
int rtnetlink_find_link(int fd, const char *name, uint32_t *ret_index);

/* A bridge, down, with the spanning tree protocol off. It keeps the hardware address that it is given: one without takes
 * that of a port, and another when that goes. -EEXIST. */
int rtnetlink_make_bridge(int fd, const char *name, const unsigned char hardware_address[6]);

/* A pair of virtual ethernet links: `name`, up, as a port of the bridge with this index; `peer_name`, down, in the network
 * namespace of the process. One request: there never is one without the other, and both end with the namespace.
 * -EEXIST: either name is taken. */
int rtnetlink_make_veth(int fd, const char *name, uint32_t bridge, const char *peer_name, pid_t peer_pid);

/* Another, longer name for a link. */
int rtnetlink_add_name(int fd, uint32_t index, const char *name);

int rtnetlink_set_up(int fd, uint32_t index);

/* -EEXIST: the link has it. */
int rtnetlink_add_address(int fd, uint32_t index, uint32_t address, unsigned prefix_length);

int rtnetlink_add_default_route(int fd, uint32_t index, uint32_t gateway);

/* The same for IPv6. An address is usable at once: nobody is asked whether it is somebody else's. */
int rtnetlink_add_address6(int fd, uint32_t index, const unsigned char address[16], unsigned prefix_length);
int rtnetlink_add_default_route6(int fd, uint32_t index, const unsigned char gateway[16]);

/* With both ends, when it is one of a pair. */
int rtnetlink_remove_link(int fd, uint32_t index);

/* A port of a bridge: what came in by it may leave by it. */
int rtnetlink_set_hairpin(int fd, uint32_t index);

/* Called for each; 0 to go on, anything else ends the walk and is returned. */
typedef int (*RtnetlinkVisit)(uint32_t index, uint32_t address, unsigned prefix_length, void *userdata);
/* All IPv4 addresses of all links. */
int rtnetlink_each_address(int fd, RtnetlinkVisit visit, void *userdata);
/* The destinations of all IPv4 routes of all tables, but the default ones; index 0. */
int rtnetlink_each_route(int fd, RtnetlinkVisit visit, void *userdata);

typedef int (*RtnetlinkVisit6)(uint32_t index, const unsigned char address[16], unsigned prefix_length, void *userdata);
int rtnetlink_each_address6(int fd, RtnetlinkVisit6 visit, void *userdata);
int rtnetlink_each_route6(int fd, RtnetlinkVisit6 visit, void *userdata);
