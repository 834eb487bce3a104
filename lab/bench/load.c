/* The load: one epoll client that makes many transfers, some at a time, and checks every byte of every copy.
 *
 * Each transfer is what client.py does: connect, wait for the server's hello, answer, read to the end of the
 * stream, close. It is in C so that its own cost is small beside the server's, and the same for every server.
 *
 *     build/load PORT FILE TRANSFERS AT_A_TIME               in a row: as one ends, the next begins
 *     build/load PORT FILE TRANSFERS AT_A_TIME together      in waves: nobody answers before all are greeted
 *
 * In a row, a fast client's connection waits mostly in the kernel's backlog, however many there are. In waves
 * all are open in the server at once, and then all ready at once: this shows how the cost of a server grows.
 *
 * Prints as JSON: the seconds it took; the share of them in which this program was busy; and, in microseconds,
 * the median, two percentiles and the maximum of the times from connect to the end of stream. It ends with
 * status 1 as soon as anything is not exactly as it should be.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <sys/epoll.h>
#include <time.h>

#include "client.h"

struct transfer {
    int fd;
    size_t received;
    double begun;
    char bytes[sizeof((struct message *)0)->bytes + HELLO_LENGTH];
};

static char expected[sizeof((struct transfer *)0)->bytes];
static size_t expected_length;
static int poller;

static struct transfer *all, **unused;
static long transfers, at_a_time, started, greeted, done;
static bool together;
static double *took; /* seconds, of each transfer that is done */

#define UNGREETED 1000 /* at most, lest connections be lost before a backlog that is full */

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void start(struct transfer *t) {
    t->begun = now(CLOCK_MONOTONIC);
    t->received = 0;
    t->fd = connect_from_anywhere(SOCK_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = t};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, t->fd, &event) < 0)
        die("load: epoll_ctl");
    started++;
}

static void answer(struct transfer *t) {
    if (send(t->fd, HELLO, HELLO_LENGTH, MSG_NOSIGNAL) != HELLO_LENGTH)
        die("load: send");
}

/* The hello is here: answer, or in waves wait until everybody has it. */
static void greet(struct transfer *t) {
    greeted++;
    if (!together)
        answer(t);
    else if (greeted % at_a_time == 0)
        for (long i = 0; i < at_a_time; i++)
            answer(&all[i]);
}

/* Take what has come; return true at the end of a stream that is right to the last byte. */
static bool advance(struct transfer *t) {
    ssize_t n = recv(t->fd, t->bytes + t->received, sizeof t->bytes - t->received, 0);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n < 0)
        die("load: recv");
    size_t before = t->received;
    t->received += (size_t)n;
    if (memcmp(t->bytes, expected, t->received) != 0 || t->received > expected_length ||
        (n == 0 && t->received < expected_length)) {
        fprintf(stderr, "load: wrong after %zu bytes\n", t->received);
        exit(1);
    }
    if (before < HELLO_LENGTH && t->received >= HELLO_LENGTH)
        greet(t);
    return n == 0;
}

static void finish(struct transfer *t) {
    took[done++] = now(CLOCK_MONOTONIC) - t->begun;
    close(t->fd);
    unused[at_a_time - 1 - (started - done)] = t;
}

/* Begin as many as may be: all in turn, or those of the present wave. */
static void begin(void) {
    long end = together ? (done / at_a_time + 1) * at_a_time : transfers;
    while (started < end && started < transfers && started - done < at_a_time &&
           started - greeted < UNGREETED)
        start(unused[at_a_time - 1 - (started - done)]);
}

static void run(void) {
    struct epoll_event events[256];
    while (done < transfers) {
        begin();
        int ready = epoll_wait(poller, events, 256, 30000);
        if (ready == 0) {
            fprintf(stderr, "load: nothing came for 30 seconds\n");
            exit(1);
        }
        for (int i = 0; i < ready; i++)
            if (advance(events[i].data.ptr))
                finish(events[i].data.ptr);
    }
}

static int compare(const void *one, const void *other) {
    double difference = *(const double *)one - *(const double *)other;
    return (difference > 0) - (difference < 0);
}

/* Return the microseconds that this share of all transfers did not exceed. */
static double percentile(double share) {
    long place = (long)(share * (double)transfers);
    return 1e6 * took[place < transfers ? place : transfers - 1];
}

static void report(double seconds, double busy) {
    qsort(took, (size_t)transfers, sizeof *took, compare);
    printf("{\"seconds\": %.6f, \"busy\": %.3f, ", seconds, busy / seconds);
    printf("\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f}\n", percentile(0.5), percentile(0.9),
           percentile(0.99), percentile(1));
}

static void read_arguments(int argc, char **argv) {
    if (argc != 5 && (argc != 6 || strcmp(argv[5], "together") != 0)) {
        fprintf(stderr, "usage: load PORT FILE TRANSFERS AT_A_TIME [together]\n");
        exit(2);
    }
    struct message message;
    read_message(&message, argv[2]);
    memcpy(expected, HELLO, HELLO_LENGTH);
    memcpy(expected + HELLO_LENGTH, message.bytes, message.length);
    expected_length = HELLO_LENGTH + message.length;
    set_server(argv[1]);
    together = argc == 6;
    at_a_time = atol(argv[4]);
    transfers = atol(argv[3]);
    if (at_a_time < 1 || transfers < 1) {
        fprintf(stderr, "load: at least one transfer, one at a time\n");
        exit(2);
    }
    if (together) /* whole waves */
        transfers = (transfers + at_a_time - 1) / at_a_time * at_a_time;
}

int main(int argc, char **argv) {
    read_arguments(argc, argv);
    raise_limit();
    poller = epoll_create1(EPOLL_CLOEXEC);
    all = calloc((size_t)at_a_time, sizeof *all);
    unused = calloc((size_t)at_a_time, sizeof *unused);
    took = calloc((size_t)transfers, sizeof *took);
    if (poller < 0 || all == NULL || unused == NULL || took == NULL)
        die("load");
    for (long i = 0; i < at_a_time; i++)
        unused[i] = &all[i];
    double begin_at = now(CLOCK_MONOTONIC), busy = now(CLOCK_PROCESS_CPUTIME_ID);
    run();
    report(now(CLOCK_MONOTONIC) - begin_at, now(CLOCK_PROCESS_CPUTIME_ID) - busy);
    return 0;
}
