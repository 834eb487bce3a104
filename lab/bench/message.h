/* What a server of this protocol says, for the two C programs of the bench. protocol.md is the norm. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO "HELLO 1\n"
#define HELLO_LENGTH 8
#define HELLO_LIMIT 10
#define FILE_LIMIT 80

struct message {
    char bytes[FILE_LIMIT + 32];
    size_t length;
};

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

static inline uint32_t crc32(const unsigned char *bytes, size_t length) {
    uint32_t crc = 0xffffffff;
    while (length--) {
        crc ^= *bytes++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
    }
    return ~crc;
}

/* Make the file message, header and body, of the file named `path`. */
static inline void read_message(struct message *message, const char *path) {
    unsigned char body[FILE_LIMIT + 1];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        die(path);
    size_t length = fread(body, 1, sizeof body, file);
    if (ferror(file) || length > FILE_LIMIT) {
        fprintf(stderr, "%s: cannot be read, or more than %d bytes\n", path, FILE_LIMIT);
        exit(1);
    }
    fclose(file);
    int header = sprintf(message->bytes, "FILE %zu %08x\n", length, crc32(body, length));
    memcpy(message->bytes + header, body, length);
    message->length = (size_t)header + length;
}

#endif
