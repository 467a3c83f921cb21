/* Loaded by LD_PRELOAD: syncs take longer, and the wall clock is shifted, by numbers in two files.
 *
 * SLOW_DISK_DELAY   file with the ms that each fsync and fdatasync takes longer; none is 0
 * SLOW_DISK_SHIFT   file with the ms that CLOCK_REALTIME is ahead; none is 0
 *
 * The first is read at every sync. The second is looked at once in 64 readings of the clock, so
 * that a program that reads it often does not wait for files.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long number_in(const char *variable) {
    const char *path = getenv(variable);
    char text[32];
    if (!path) return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return 0;
    text[length] = 0;
    return atoll(text);
}

static void wait_longer(void) {
    long long delay_ms = number_in("SLOW_DISK_DELAY");
    struct timespec left = {delay_ms / 1000, delay_ms % 1000 * 1000000};
    while (delay_ms > 0 && nanosleep(&left, &left)) continue;
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    wait_longer();
    return real(file);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    wait_longer();
    return real(file);
}

static long long shift_ms(void) {
    static __thread unsigned readings;
    static volatile long long known_ms;
    if (readings++ % 64 == 0) known_ms = number_in("SLOW_DISK_SHIFT");
    return known_ms;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME && !result) {
        long long ahead_ms = shift_ms();
        now->tv_sec += ahead_ms / 1000;
        now->tv_nsec += ahead_ms % 1000 * 1000000;
        if (now->tv_nsec >= 1000000000) now->tv_sec++, now->tv_nsec -= 1000000000;
        if (now->tv_nsec < 0) now->tv_sec--, now->tv_nsec += 1000000000;
    }
    return result;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *also) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (also) *also = precise.tv_sec;
    return precise.tv_sec;
}
