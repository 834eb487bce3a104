/* The load: one epoll client that makes many transfers, a few at a time, and checks every octet of every copy.
 *
 * Each transfer is what client.py does: connect, wait for the server's hello, answer, read to the end of the
 * stream, close. It is in C so that the server is what is measured, and is the same for every server.
 *
 *     build/load PORT FILE TRANSFERS AT_A_TIME
 *
 * Prints the seconds it took; status 1 as soon as anything is not exactly as it should be.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "message.h"

struct transfer {
    int fd;
    size_t received;
    char octets[sizeof((struct message *)0)->octets + HELLO_LENGTH];
};

static char expected[sizeof((struct transfer *)0)->octets];
static size_t expected_length;
static struct sockaddr_in server;
static int poller;

static void start(struct transfer *t) {
    t->received = 0;
    t->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->fd < 0)
        die("socket");
    if (connect(t->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)
        die("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = t};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, t->fd, &event) < 0)
        die("epoll_ctl");
}

/* Take what has come; return 1 at the end of a stream that is right to the last octet. */
static int advance(struct transfer *t) {
    ssize_t n = recv(t->fd, t->octets + t->received, sizeof t->octets - t->received, 0);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n < 0)
        die("recv");
    size_t before = t->received;
    t->received += (size_t)n;
    if (memcmp(t->octets, expected, t->received) != 0 || t->received > expected_length ||
        (n == 0 && t->received < expected_length)) {
        fprintf(stderr, "load: wrong after %zu octets\n", t->received);
        exit(1);
    }
    if (before < HELLO_LENGTH && t->received >= HELLO_LENGTH &&
        send(t->fd, HELLO, HELLO_LENGTH, MSG_NOSIGNAL) != HELLO_LENGTH)
        die("send");
    return n == 0;
}

static void run(long transfers, long at_a_time) {
    struct transfer *all = calloc((size_t)at_a_time, sizeof *all);
    struct epoll_event events[256];
    long started = 0, done = 0;
    if (all == NULL)
        die("calloc");
    for (; started < at_a_time && started < transfers; started++)
        start(&all[started]);
    while (done < transfers) {
        int ready = epoll_wait(poller, events, 256, 10000);
        if (ready == 0) {
            fprintf(stderr, "load: nothing came for 10 seconds\n");
            exit(1);
        }
        for (int i = 0; i < ready; i++) {
            struct transfer *t = events[i].data.ptr;
            if (!advance(t))
                continue;
            close(t->fd);
            done++;
            if (started < transfers) {
                start(t);
                started++;
            }
        }
    }
    free(all);
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: load PORT FILE TRANSFERS AT_A_TIME\n");
        return 2;
    }
    struct message message;
    struct timespec begin, end;
    read_message(&message, argv[2]);
    memcpy(expected, HELLO, HELLO_LENGTH);
    memcpy(expected + HELLO_LENGTH, message.octets, message.length);
    expected_length = HELLO_LENGTH + message.length;
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poller = epoll_create1(EPOLL_CLOEXEC);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    run(atol(argv[3]), atol(argv[4]));
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.6f\n", (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    return 0;
}
