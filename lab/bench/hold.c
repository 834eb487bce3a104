/* The idle clients: they connect, read the server's hello, and say nothing until this program ends.
 *
 *     build/hold PORT COUNT       prints "holding"; ends with its standard input
 */
#define _GNU_SOURCE
#include "client.h"

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: hold PORT COUNT\n");
        return 2;
    }
    raise_limit();
    set_server(argv[1]);
    for (long held = 0; held < atol(argv[2]); held++) {
        char hello[HELLO_LENGTH];
        ssize_t n = recv(connect_from_anywhere(0), hello, sizeof hello, MSG_WAITALL);
        if (n != HELLO_LENGTH || memcmp(hello, HELLO, HELLO_LENGTH) != 0) {
            fprintf(stderr, "hold: client %ld was not greeted\n", held + 1);
            return 1;
        }
    }
    puts("holding");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
