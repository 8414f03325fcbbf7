/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/netfilter.h"

#include "base/cleanup.h"
#include "kernel/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define REPLY_SIZE       32768
#define COMMENT_TYPE     0 /* in the user data of an element, as libnftnl has it: type, length, text */
#define MESSAGE_OF(type) ((uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | (type)))

int netfilter_open(void)
{
    int fd = netlink_open(NETLINK_NETFILTER);

    return fd == -EPROTONOSUPPORT ? -EOPNOTSUPP : fd;
}

static void begin(NetlinkRequest *request, uint16_t type, uint16_t flags, uint16_t resource)
{
    struct nfgenmsg *message = netlink_begin(request, type, flags, sizeof(struct nfgenmsg));

    message->nfgen_family = NFPROTO_INET;
    message->version = NFNETLINK_V0;
    message->res_id = htons(resource);
}

static void add_value(NetlinkRequest *request, uint16_t type, const unsigned char *value, size_t size)
{
    struct rtattr *nest = netlink_open_nest(request, type);

    netlink_add(request, NFTA_DATA_VALUE, value, size);
    netlink_close_nest(request, nest);
}

static void add_element(NetlinkRequest *request, const char *table, const char *set, const NetfilterElement *element)
{
    size_t comment_size = strlen(element->comment) + 1;
    unsigned char userdata[NETFILTER_COMMENT_MAX + 2] = {COMMENT_TYPE, (unsigned char) comment_size};
    struct rtattr *list, *item;

    netlink_add_string(request, NFTA_SET_ELEM_LIST_TABLE, table);
    netlink_add_string(request, NFTA_SET_ELEM_LIST_SET, set);
    list = netlink_open_nest(request, NFTA_SET_ELEM_LIST_ELEMENTS);
    item = netlink_open_nest(request, NFTA_LIST_ELEM);
    add_value(request, NFTA_SET_ELEM_KEY, element->key, element->key_size);
    if (element->data_size > 0)
        add_value(request, NFTA_SET_ELEM_DATA, element->data, element->data_size);
    if (element->comment[0]) {
        memcpy(userdata + 2, element->comment, comment_size);
        netlink_add(request, NFTA_SET_ELEM_USERDATA, userdata, comment_size + 2);
    }
    netlink_close_nest(request, item);
    netlink_close_nest(request, list);
}

/* --- reading --- */

static const struct rtattr *find_attribute(const struct rtattr *attribute, int size, unsigned short type)
{
    for (; RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size))
        if ((attribute->rta_type & NLA_TYPE_MASK) == type)
            return attribute;
    return NULL;
}

static const struct rtattr *find_inside(const struct rtattr *nest, unsigned short type)
{
    return nest ? find_attribute(RTA_DATA(nest), (int) RTA_PAYLOAD(nest), type) : NULL;
}

static size_t take_value(const struct rtattr *item, unsigned short type, unsigned char value[NETFILTER_VALUE_MAX])
{
    const struct rtattr *found = find_inside(find_inside(item, type), NFTA_DATA_VALUE);
    size_t size = found ? RTA_PAYLOAD(found) : 0;

    if (size == 0 || size > NETFILTER_VALUE_MAX)
        return 0;
    memcpy(value, RTA_DATA(found), size);
    return size;
}

static void take_comment(const struct rtattr *item, char comment[NETFILTER_COMMENT_MAX])
{
    const struct rtattr *found = find_inside(item, NFTA_SET_ELEM_USERDATA);
    const unsigned char *bytes = found ? RTA_DATA(found) : NULL;
    size_t size = found ? RTA_PAYLOAD(found) : 0;

    if (size >= 3 && bytes[0] == COMMENT_TYPE && bytes[1] > 0 && bytes[1] <= size - 2 &&
        bytes[1] <= NETFILTER_COMMENT_MAX) {
        memcpy(comment, bytes + 2, bytes[1]);
        comment[bytes[1] - 1] = 0;
    }
}

/* All elements of one message. */
static int take_message(const struct nlmsghdr *message, NetfilterVisit visit, void *userdata)
{
    const size_t begin_size = NLMSG_LENGTH(sizeof(struct nfgenmsg));
    const struct rtattr *list, *item;
    int size;

    if (message->nlmsg_type != MESSAGE_OF(NFT_MSG_NEWSETELEM) || message->nlmsg_len < begin_size)
        return 0;
    list = find_attribute((const struct rtattr *) (const void *) ((const char *) message + begin_size),
                          (int) (message->nlmsg_len - begin_size), NFTA_SET_ELEM_LIST_ELEMENTS);
    if (!list)
        return 0;
    item = RTA_DATA(list);
    size = (int) RTA_PAYLOAD(list);
    for (; RTA_OK(item, size); item = RTA_NEXT(item, size)) {
        NetfilterElement element = {};
        int r;

        element.key_size = take_value(item, NFTA_SET_ELEM_KEY, element.key);
        element.data_size = take_value(item, NFTA_SET_ELEM_DATA, element.data);
        take_comment(item, element.comment);
        r = element.key_size > 0 ? visit(&element, userdata) : 0;
        if (r != 0)
            return r;
    }
    return 0;
}

/* EINVAL: no subsystem of this number, and no module for it. */
static int error_of(const struct nlmsghdr *message)
{
    int r = message->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
                ? -EBADMSG
                : ((const struct nlmsgerr *) NLMSG_DATA(message))->error;

    return r == -EINVAL ? -EOPNOTSUPP : r;
}

/* Until the end of what the kernel answers: one message, or those of a dump up to DONE. */
static int receive(int fd, bool is_dump, NetfilterVisit visit, void *userdata)
{
    _cleanup_free_ char *buffer = malloc(REPLY_SIZE);
    int result = 0;

    if (!buffer)
        return -ENOMEM;
    for (;;) {
        ssize_t n = netlink_receive(fd, buffer, REPLY_SIZE);
        const struct nlmsghdr *message = (const struct nlmsghdr *) (void *) buffer;

        if (n < 0)
            return (int) n;
        for (uint32_t left = (uint32_t) n; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
            if (message->nlmsg_type == NLMSG_DONE)
                return result;
            if (message->nlmsg_type == NLMSG_ERROR)
                return error_of(message);
            if (result == 0)
                result = take_message(message, visit, userdata);
        }
        if (!is_dump)
            return result;
    }
}

static int keep_found(const NetfilterElement *element, void *userdata)
{
    *(NetfilterElement *) userdata = *element;
    return 1;
}

int netfilter_find(int fd, const char *table, const char *set, NetfilterElement *element)
{
    NetlinkRequest request;
    int r;

    begin(&request, MESSAGE_OF(NFT_MSG_GETSETELEM), 0, 0);
    add_element(&request, table, set, element);
    r = netlink_send(fd, &request);
    if (r == 0)
        r = receive(fd, false, keep_found, element);
    return r == 1 ? 0 : r == 0 ? -EBADMSG : r;
}

int netfilter_each(int fd, const char *table, const char *set, NetfilterVisit visit, void *userdata)
{
    NetlinkRequest request;
    int r;

    begin(&request, MESSAGE_OF(NFT_MSG_GETSETELEM), NLM_F_DUMP, 0);
    netlink_add_string(&request, NFTA_SET_ELEM_LIST_TABLE, table);
    netlink_add_string(&request, NFTA_SET_ELEM_LIST_SET, set);
    r = netlink_send(fd, &request);
    if (r == 0)
        r = receive(fd, true, visit, userdata);
    return r == -ENOENT ? 0 : r;
}

int netfilter_get_generation(int fd, uint32_t *ret)
{
    union {
        struct nlmsghdr header;
        char bytes[4096];
    } answer;
    const struct rtattr *found = NULL;
    const size_t begin_size = NLMSG_LENGTH(sizeof(struct nfgenmsg));
    NetlinkRequest request;
    uint32_t number = 0;
    ssize_t n;
    int r;

    begin(&request, MESSAGE_OF(NFT_MSG_GETGEN), 0, 0);
    r = netlink_send(fd, &request);
    n = r < 0 ? r : netlink_receive(fd, &answer, sizeof(answer));
    if (n < 0)
        return (int) n;
    if (!NLMSG_OK(&answer.header, (uint32_t) n) || answer.header.nlmsg_len < begin_size)
        return -EBADMSG;
    if (answer.header.nlmsg_type == NLMSG_ERROR)
        return error_of(&answer.header);
    found = find_attribute((const struct rtattr *) (const void *) (answer.bytes + begin_size),
                           (int) (answer.header.nlmsg_len - begin_size), NFTA_GEN_ID);
    if (!found || RTA_PAYLOAD(found) < sizeof(number))
        return -EBADMSG;
    memcpy(&number, RTA_DATA(found), sizeof(number));
    *ret = ntohl(number);
    return 0;
}

/* --- changing --- */

void netfilter_batch_done(NetfilterBatch *batch)
{
    free(batch->bytes);
}

static void append(NetfilterBatch *batch, NetlinkRequest *request)
{
    size_t size = NLMSG_ALIGN(request->header.nlmsg_len);

    if (batch->size + size > batch->room) {
        size_t room = batch->room * 2 + size + 4096;
        char *larger = realloc(batch->bytes, room);

        if (!larger) {
            batch->has_failed = true;
            return;
        }
        batch->bytes = larger;
        batch->room = room;
    }
    request->header.nlmsg_seq = batch->count++;
    batch->last = batch->size;
    memset(batch->bytes + batch->size, 0, size);
    memcpy(batch->bytes + batch->size, &request->header, request->header.nlmsg_len);
    batch->size += size;
}

static void change(NetfilterBatch *batch, uint16_t type, uint16_t flags, const char *table, const char *set,
                   const NetfilterElement *element)
{
    NetlinkRequest request;

    if (batch->size == 0) {
        begin(&request, NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES);
        if (batch->generation > 0)
            netlink_add_u32(&request, NFNL_BATCH_GENID, htonl(batch->generation));
        append(batch, &request);
    }
    begin(&request, MESSAGE_OF(type), flags, 0);
    add_element(&request, table, set, element);
    append(batch, &request);
}

void netfilter_batch_add(NetfilterBatch *batch, const char *table, const char *set, const NetfilterElement *element)
{
    change(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, table, set, element);
}

void netfilter_batch_remove(NetfilterBatch *batch, const char *table, const char *set, const NetfilterElement *element)
{
    NetfilterElement key = *element;

    key.data_size = 0;
    key.comment[0] = 0;
    change(batch, NFT_MSG_DELSETELEM, 0, table, set, &key);
}

/* Errors are answered in the order of the changes, and the one that was asked for comes after them: so the first answer
 * tells how it ended. (That the end of a batch can be acknowledged is new in Linux 6.10.) */
int netfilter_batch_commit(NetfilterBatch *batch, int fd)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    union {
        struct nlmsghdr header;
        char bytes[4096];
    } answer;
    NetlinkRequest request;
    ssize_t n;

    if (batch->has_failed)
        return -ENOMEM;
    if (batch->size == 0)
        return 0;
    ((struct nlmsghdr *) (void *) (batch->bytes + batch->last))->nlmsg_flags |= NLM_F_ACK;
    begin(&request, NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES);
    append(batch, &request);
    if (batch->has_failed)
        return -ENOMEM;
    while (sendto(fd, batch->bytes, batch->size, MSG_NOSIGNAL, (struct sockaddr *) &kernel, sizeof(kernel)) < 0)
        if (errno != EINTR)
            return -errno;
    n = netlink_receive(fd, &answer, sizeof(answer));
    if (n < 0)
        return (int) n;
    return NLMSG_OK(&answer.header, (uint32_t) n) && answer.header.nlmsg_type == NLMSG_ERROR ? error_of(&answer.header)
                                                                                             : -EBADMSG;
}
