/* Stands between a process and the disk: loaded by LD_PRELOAD, for files under one folder.
 *
 * DISK_SHIM_FOLDER   the folder, absolute; ends without a slash
 * DISK_SHIM_TRIGGER  while this file exists, fsync and fdatasync fail with EIO
 * DISK_SHIM_LIES     where set, syncs do nothing and say that they did: the fault to be found
 * DISK_SHIM_JOURNAL  file that gets a record for every change, with what it takes to undo it, and
 *                    one for every sync; tests/crash/power_cut.py reads it
 * DISK_SHIM_SAVED    folder on the same file system, for files that were removed or replaced
 *
 * A record: u8 kind, u8 0, u16 path length, u16 second path length, u16 0, u64 position,
 * u64 octets changed, u64 length before, u64 old octets that follow, u64 inode; path, second path,
 * old octets. Of a sync, position is where in the journal it began.
 * Kinds: W write or truncate, S sync of a file (all up to here is safe), D sync of a directory,
 *        C create, M make directory, R rename (the second path is the new name), U unlink,
 *        X remove directory.
 * What another thread writes while a sync goes on is not safe by it. One lock orders journal and
 * change. Of R and U the old octets are the path under which the file that lost its name is kept.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(result, name, ...)                                        \
    static result (*real_##name)(__VA_ARGS__);                         \
    if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

struct record {
    uint8_t kind, zero;
    uint16_t path_length, second_length, zero_too;
    uint64_t position, length, length_before, old_bytes, inode;
} __attribute__((packed));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder, *trigger, *journal_path, *saved;
static int journal = -1, lies;
static unsigned long saved_count;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("DISK_SHIM_FOLDER");
    trigger = getenv("DISK_SHIM_TRIGGER");
    journal_path = getenv("DISK_SHIM_JOURNAL");
    lies = getenv("DISK_SHIM_LIES") != NULL;
    saved = getenv("DISK_SHIM_SAVED");
    if (folder && journal_path)
        journal = open(journal_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_ours(const char *path) {
    size_t length = folder ? strlen(folder) : 0;
    return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

/* The path of a descriptor; 0 where it is none of ours. */
static int path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

/* The absolute path of a name in a directory; 0 where it is none of ours. */
static int path_at(int directory, const char *name, char *path) {
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return is_ours(path);
    }
    if (directory == AT_FDCWD) {
        if (!getcwd(path, PATH_MAX)) return 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, path, PATH_MAX - 1);
        if (length <= 0) return 0;
        path[length] = 0;
    }
    size_t length = strlen(path);
    snprintf(path + length, PATH_MAX - length, "/%s", name);
    return is_ours(path);
}

static void note_all(int kind, const char *path, const char *second, uint64_t position,
                     uint64_t length, uint64_t length_before, const void *old, uint64_t old_bytes, uint64_t inode) {
    struct record head = {kind,     0,  strlen(path), strlen(second), 0,
                          position, length, length_before, old_bytes, inode};
    struct iovec parts[4] = {{&head, sizeof head},
                             {(void *)path, head.path_length},
                             {(void *)second, head.second_length},
                             {(void *)old, old_bytes}};
    if (syscall(SYS_writev, journal, parts, 4) < 0) abort();
}

/* Before a change of octets: what is there now. */
static void note_write(int descriptor, uint64_t position, uint64_t length) {
    char path[PATH_MAX];
    struct stat status;
    if (journal < 0 || !path_of(descriptor, path) || fstat(descriptor, &status)) return;
    uint64_t size = status.st_size;
    uint64_t old_bytes = position >= size ? 0 : size - position < length ? size - position : length;
    char *old = malloc(old_bytes + 1);
    /* The descriptor itself may go past the page cache, which takes whole sectors only. */
    int reading = old_bytes ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    if (!old || (old_bytes && reading < 0)) abort();
    for (uint64_t done = 0; done < old_bytes;) {
        ssize_t count = pread(reading, old + done, old_bytes - done, position + done);
        if (count <= 0) abort();
        done += count;
    }
    if (reading >= 0) close(reading);
    note_all('W', path, "", position, length, size, old, old_bytes, status.st_ino);
    free(old);
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t position) {
    REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
    uint64_t length = 0;
    for (int index = 0; index < count; index++) length += parts[index].iov_len;
    pthread_mutex_lock(&lock);
    note_write(descriptor, position, length);
    ssize_t written = real_pwritev(descriptor, parts, count, position);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}
ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t position) {
    return pwritev(descriptor, parts, count, position);
}
/* What Python's os.pwritev calls where flags are known to the libc. */
ssize_t pwritev64v2(int descriptor, const struct iovec *parts, int count, off64_t position, int flags) {
    return flags ? (errno = EINVAL, -1) : pwritev(descriptor, parts, count, position);
}
ssize_t pwritev2(int descriptor, const struct iovec *parts, int count, off_t position, int flags) {
    return flags ? (errno = EINVAL, -1) : pwritev(descriptor, parts, count, position);
}

ssize_t pwrite(int descriptor, const void *data, size_t length, off_t position) {
    struct iovec part = {(void *)data, length};
    return pwritev(descriptor, &part, 1, position);
}
ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t position) {
    return pwrite(descriptor, data, length, position);
}

ssize_t write(int descriptor, const void *data, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    char path[PATH_MAX];
    if (journal < 0 || descriptor <= 2 || !path_of(descriptor, path))
        return real_write(descriptor, data, length);
    pthread_mutex_lock(&lock);
    struct stat status;
    off_t position = fcntl(descriptor, F_GETFL) & O_APPEND && !fstat(descriptor, &status)
                         ? status.st_size
                         : lseek(descriptor, 0, SEEK_CUR);
    note_write(descriptor, position, length);
    ssize_t written = real_write(descriptor, data, length);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

int ftruncate(int descriptor, off_t length) {
    REAL(int, ftruncate, int, off_t);
    struct stat status;
    pthread_mutex_lock(&lock);
    if (journal >= 0 && !fstat(descriptor, &status)) {
        uint64_t size = status.st_size, from = (uint64_t)length < size ? (uint64_t)length : size;
        note_write(descriptor, from, size - from);
    }
    int result = real_ftruncate(descriptor, length);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

static int sync_of(int descriptor, int (*real)(int)) {
    char path[PATH_MAX];
    struct stat status;
    if (!path_of(descriptor, path)) return real(descriptor);
    if (lies) return 0;
    if (trigger && !access(trigger, F_OK)) return errno = EIO, -1;
    if (journal < 0 || fstat(descriptor, &status)) return real(descriptor);
    uint64_t begun_at = lseek(journal, 0, SEEK_END);
    int result = real(descriptor);
    int error = errno;
    pthread_mutex_lock(&lock);
    if (!result)
        note_all(S_ISDIR(status.st_mode) ? 'D' : 'S', path, "", begun_at, 0, status.st_size, "", 0,
                 status.st_ino);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int fdatasync(int descriptor) {
    REAL(int, fdatasync, int);
    return sync_of(descriptor, real_fdatasync);
}
int fsync(int descriptor) {
    REAL(int, fsync, int);
    return sync_of(descriptor, real_fsync);
}

/* Keep a file that is about to lose its name; its new name goes into the record. */
static void save(const char *path, char *kept) {
    struct stat status;
    kept[0] = 0;
    if (!saved || lstat(path, &status) || !S_ISREG(status.st_mode)) return;
    snprintf(kept, PATH_MAX, "%s/%d.%lu", saved, getpid(), saved_count++);
    if (link(path, kept)) abort();
}

static int open_noting(int directory, const char *name, int flags, mode_t mode) {
    REAL(int, openat64, int, const char *, int, ...);
    char path[PATH_MAX];
    struct stat status;
    if (journal < 0 || !(flags & O_CREAT) || !path_at(directory, name, path))
        return real_openat64(directory, name, flags, mode);
    pthread_mutex_lock(&lock);
    int is_new = lstat(path, &status) != 0;
    int descriptor = real_openat64(directory, name, flags, mode);
    int error = errno;
    if (is_new && descriptor >= 0 && !fstat(descriptor, &status))
        note_all('C', path, "", 0, 0, 0, "", 0, status.st_ino);
    pthread_mutex_unlock(&lock);
    errno = error;
    return descriptor;
}
#define MODE_OF(flags) \
    mode_t mode = 0; \
    if ((flags) & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, int); va_end(rest); }
int openat64(int directory, const char *name, int flags, ...) {
    MODE_OF(flags)
    return open_noting(directory, name, flags, mode);
}
int openat(int directory, const char *name, int flags, ...) {
    MODE_OF(flags)
    return open_noting(directory, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
    MODE_OF(flags)
    return open_noting(AT_FDCWD, name, flags, mode);
}
int open(const char *name, int flags, ...) {
    MODE_OF(flags)
    return open_noting(AT_FDCWD, name, flags, mode);
}

int mkdirat(int directory, const char *name, mode_t mode) {
    REAL(int, mkdirat, int, const char *, mode_t);
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    int result = real_mkdirat(directory, name, mode);
    int error = errno;
    if (!result && journal >= 0 && path_at(directory, name, path))
        note_all('M', path, "", 0, 0, 0, "", 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int renameat(int old_directory, const char *old, int new_directory, const char *new) {
    REAL(int, renameat, int, const char *, int, const char *);
    char from[PATH_MAX], to[PATH_MAX], kept[PATH_MAX];
    if (journal < 0 || !path_at(old_directory, old, from) || !path_at(new_directory, new, to))
        return real_renameat(old_directory, old, new_directory, new);
    pthread_mutex_lock(&lock);
    save(to, kept);
    int result = real_renameat(old_directory, old, new_directory, new);
    int error = errno;
    if (!result) note_all('R', from, to, 0, 0, 0, kept, strlen(kept), 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }

int unlinkat(int directory, const char *name, int flags) {
    REAL(int, unlinkat, int, const char *, int);
    char path[PATH_MAX], kept[PATH_MAX] = "";
    if (journal < 0 || !path_at(directory, name, path)) return real_unlinkat(directory, name, flags);
    pthread_mutex_lock(&lock);
    if (!(flags & AT_REMOVEDIR)) save(path, kept);
    int result = real_unlinkat(directory, name, flags);
    int error = errno;
    if (!result)
        note_all(flags & AT_REMOVEDIR ? 'X' : 'U', path, "", 0, 0, 0, kept, strlen(kept), 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
