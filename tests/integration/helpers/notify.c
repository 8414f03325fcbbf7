/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sends its arguments to $NOTIFY_SOCKET, one datagram each; "fork:TEXT" from a child. Ends with 0 on SIGTERM, or at once
 * with the argument "exit". */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (!path || strlen(path) >= sizeof(address.sun_path)) {
        fprintf(stderr, "no NOTIFY_SOCKET\n");
        exit(1);
    }
    strcpy(address.sun_path, path);
    if (sendto(fd, text, strlen(text), 0, (struct sockaddr *) &address, sizeof(address)) < 0) {
        perror(path);
        exit(1);
    }
    close(fd);
}

int main(int argc, char *argv[])
{
    sigset_t mask;
    int signal_number = 0;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "exit") == 0)
            return 0;
        if (strncmp(argv[i], "fork:", 5) != 0) {
            say(argv[i]);
            continue;
        }
        pid_t pid = fork();
        if (pid == 0) {
            say(argv[i] + 5);
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
    sigwait(&mask, &signal_number);
    return 0;
}
