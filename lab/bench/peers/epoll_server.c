/* The yardstick: the same wire protocol in C, straight on epoll, with nothing left out that is on the wire.
 *
 * It says hello at once, waits for the client's exact hello, sends the file message, half-closes, reads on to
 * the client's end of stream, and closes; or closes when the client's time is over. What it leaves out, and
 * server.py has: a cap on clients, pausing at the limit of open files, the drain, messages for people, and most
 * words of its refusals. So the ratio to it is what Python *and* all of that cost together.
 *
 *     build/epoll_server [--timeout S] FILE       prints "listening on 127.0.0.1:PORT", serves until killed
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

#include "../message.h"

enum state { HELLO_SENT, SENDING, DONE };

struct connection {
    struct connection *earlier, *later; /* the queue of deadlines: all are equally long, so the order is kept */
    double deadline;
    int fd;
    enum state state;
    size_t received; /* bytes of the client's hello so far */
    size_t sent;     /* bytes of the file message so far */
    char hello[HELLO_LIMIT];
};

static struct message message;
static int poller;
static double timeout = 10;                                         /* seconds, as server.py's default */
static struct connection queue = {.earlier = &queue, .later = &queue}; /* its ends meet here */

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void watch(struct connection *c, int operation, unsigned interest) {
    struct epoll_event event = {.events = interest, .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &event) < 0)
        die("epoll_ctl");
}

static void finish(struct connection *c) {
    c->earlier->later = c->later;
    c->later->earlier = c->earlier;
    watch(c, EPOLL_CTL_DEL, 0);
    close(c->fd);
    free(c);
}

static void send_file(struct connection *c) {
    /* MSG_MORE: the shutdown that follows travels in the same segment. */
    ssize_t n = send(c->fd, message.bytes + c->sent, message.length - c->sent, MSG_NOSIGNAL | MSG_MORE);
    if (n < 0 && errno != EAGAIN) {
        finish(c);
        return;
    }
    c->sent += n > 0 ? (size_t)n : 0;
    if (c->sent < message.length) {
        watch(c, EPOLL_CTL_MOD, EPOLLOUT);
        return;
    }
    if (c->state == SENDING && shutdown(c->fd, SHUT_WR) < 0) {
        finish(c);
        return;
    }
    c->state = DONE;
}

static void read_hello(struct connection *c) {
    ssize_t n = recv(c->fd, c->hello + c->received, sizeof c->hello - c->received, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0)
        c->received += (size_t)n;
    size_t known = c->received < HELLO_LENGTH ? c->received : HELLO_LENGTH;
    if (n <= 0 || memcmp(c->hello, HELLO, known) != 0) {
        static const char refusal[] = "ERROR expected HELLO 1\n";
        send(c->fd, refusal, sizeof refusal - 1, MSG_NOSIGNAL);
        finish(c);
        return;
    }
    if (c->received >= HELLO_LENGTH) {
        c->state = SENDING;
        send_file(c);
    }
}

static void discard_until_end(struct connection *c) {
    char bytes[4096];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        finish(c);
}

static void accept_clients(int listener) {
    for (int i = 0; i < 64; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct connection *c = calloc(1, sizeof *c);
        if (c == NULL)
            die("calloc");
        c->fd = fd;
        c->deadline = now() + timeout;
        c->earlier = queue.earlier;
        c->later = &queue;
        queue.earlier = c->earlier->later = c;
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
        if (send(fd, HELLO, HELLO_LENGTH, MSG_NOSIGNAL) != HELLO_LENGTH)
            finish(c); /* a fresh socket has room for eight bytes, unless its peer is gone */
    }
}

/* Return the milliseconds to the earliest deadline, rounded up; -1: there is none. */
static int patience(double asleep) {
    if (queue.later == &queue)
        return -1;
    double left = queue.later->deadline - asleep;
    return left > 0 ? (int)(left * 1000) + 1 : 0;
}

static int listen_on_loopback(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 ||
        listen(listener, 4096) < 0 || getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        die("listen");
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void turn(int listener) {
    struct epoll_event events[256];
    double asleep = now();
    int ready = epoll_wait(poller, events, 256, patience(asleep));
    for (int i = 0; i < ready; i++) {
        struct connection *c = events[i].data.ptr;
        if (c == NULL)
            accept_clients(listener);
        else if (c->state == HELLO_SENT)
            read_hello(c);
        else if (c->state == SENDING)
            send_file(c);
        else
            discard_until_end(c);
    }
    while (queue.later != &queue && queue.later->deadline <= asleep)
        finish(queue.later);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--timeout") == 0)
        timeout = atof(argv[2]);
    else if (argc != 2) {
        fprintf(stderr, "usage: epoll_server [--timeout S] FILE\n");
        return 2;
    }
    read_message(&message, argv[argc - 1]);
    int listener = listen_on_loopback();
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}; /* NULL: the listener */
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0)
        die("epoll");
    for (;;)
        turn(listener);
}
