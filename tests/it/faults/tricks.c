/* Loaded before the C library by tests: a clock that jumps, names that are not found, and a disk that is full. What is so
 * stands in files of the folder TRICKS: `clock`, seconds to add to the time of day; `names`, `fail` or `hang`, for
 * `slow.test` or for every name below `.test`; they are this machine's; `disk`, `full` for files and standard error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void told(const char *name, char *text, size_t size) {
    char path[4096];
    const char *folder = getenv("TRICKS");
    text[0] = 0;
    if (!folder) return;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file) return;
    if (!fgets(text, (int)size, file)) text[0] = 0;
    fclose(file);
}

int clock_gettime(clockid_t id, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, id, now);
    if (!failed && id == CLOCK_REALTIME) {
        char text[64];
        told("clock", text, sizeof text);
        now->tv_sec += atol(text);
    }
    return (int)failed;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
    size_t length = name ? strlen(name) : 0;
    if (length < 5 || strcmp(name + length - 5, ".test")) return real(name, service, hints, found);
    char text[64];
    told("names", text, sizeof text);
    if (!strncmp(text, "fail", 4)) return EAI_AGAIN;
    if (!strncmp(text, "hang", 4) && !strncmp(name, "slow", 4)) sleep(20);
    return real("127.0.0.1", service, hints, found);
}

ssize_t write(int to, const void *bytes, size_t size) {
    struct stat what;
    if (to == 2 || (!fstat(to, &what) && S_ISREG(what.st_mode))) {
        char text[64];
        told("disk", text, sizeof text);
        if (!strncmp(text, "full", 4)) {
            errno = ENOSPC;
            return -1;
        }
    }
    return syscall(SYS_write, to, bytes, size);
}
