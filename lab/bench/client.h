/* The client's side of the bench: connections to one server on loopback, as many as there may be. */
#ifndef CLIENT_H
#define CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

static struct sockaddr_in server = {.sin_family = AF_INET};

static inline void set_server(const char *port) {
    server.sin_port = htons((uint16_t)atoi(port));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static inline void bind_to(int fd, uint32_t address) {
    struct sockaddr_in ours = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    int later = 1; /* the port is chosen by connect, which knows the whole connection */
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &later, sizeof later) < 0 ||
        bind(fd, (struct sockaddr *)&ours, sizeof ours) < 0)
        die("load: bind");
}

/* Return a socket that connects, or has connected, from any of our addresses.
 *
 * An address has some 28,000 ports to connect from (ip_local_port_range). When they are used up, the next of
 * 127.0.0.2, 127.0.0.3 ... takes over: all of 127.0.0.0/8 is ours. The server has the TIME_WAIT: it ends first. */
static inline int connect_from_anywhere(int kind) {
    static uint32_t source = INADDR_LOOPBACK;
    for (;;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | kind, 0);
        if (fd < 0)
            die("load: socket");
        if (source != INADDR_LOOPBACK)
            bind_to(fd, source);
        if (connect(fd, (struct sockaddr *)&server, sizeof server) == 0 || errno == EINPROGRESS)
            return fd;
        if (errno != EADDRNOTAVAIL || source == INADDR_LOOPBACK + 100)
            die("load: connect");
        close(fd);
        source++;
    }
}

/* Let this process have as many descriptors as it may. */
static inline void raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("load: getrlimit");
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

#endif
