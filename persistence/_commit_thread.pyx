# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""A thread that writes and syncs without the interpreter lock: the kernel of ``commit_thread``.

    start()                    thread                              the loop's reader
    buffers held, iovecs set   pwritev ... fdatasync, eventfd      buffers released, done() called

One job at a time. The thread uses no Python object; the buffers that it reads are held until it is
done.

A single part of ``persistence.direct_memory`` goes past the page cache, but for its two ends:

    page cache | O_DIRECT, whole pages | page cache      then fdatasync, as ever

A file system that has no such writes gets all of it through the page cache.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.errno cimport EAGAIN, EINTR, EINVAL, EIO, errno
from libc.stdint cimport int64_t, uint64_t, uintptr_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_t:
        pass
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    int pthread_create(pthread_t *, void *, void *(*)(void *) noexcept nogil, void *)
    int pthread_join(pthread_t, void **)
    int pthread_mutex_init(pthread_mutex_t *, void *)
    int pthread_mutex_destroy(pthread_mutex_t *)
    int pthread_mutex_lock(pthread_mutex_t *)
    int pthread_mutex_unlock(pthread_mutex_t *)
    int pthread_cond_init(pthread_cond_t *, void *)
    int pthread_cond_destroy(pthread_cond_t *)
    int pthread_cond_wait(pthread_cond_t *, pthread_mutex_t *)
    int pthread_cond_signal(pthread_cond_t *)

cdef extern from "<signal.h>" nogil:
    ctypedef struct sigset_t:
        pass
    int SIG_SETMASK
    int sigfillset(sigset_t *)
    int pthread_sigmask(int, const sigset_t *, sigset_t *)

cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void *iov_base
        size_t iov_len
    ssize_t pwritev(int, const iovec *, int, int64_t)

cdef extern from "<sys/eventfd.h>" nogil:
    int EFD_CLOEXEC
    int EFD_NONBLOCK
    int eventfd(unsigned int, int)

cdef extern from "<fcntl.h>" nogil:
    unsigned int SYNC_FILE_RANGE_WRITE
    int sync_file_range(int, int64_t, int64_t, unsigned int)
    int O_CLOEXEC
    int O_DIRECT
    int O_RDWR
    int open(const char *, int, ...)

cdef extern from "<unistd.h>" nogil:
    int close(int)
    int fdatasync(int)
    ssize_t read(int, void *, size_t)
    ssize_t write(int, const void *, size_t)
    ssize_t pwrite(int, const void *, size_t, int64_t)

cdef enum:
    PARTS_PER_WRITE_MAX = 1024
    PAGE_BYTES = 4096
    DIRECT_BYTES_MIN = 262144

cdef struct Job:
    int descriptor
    int64_t position
    iovec *parts
    Py_ssize_t parts_count
    bint sync

cdef struct Shared:
    pthread_mutex_t lock
    pthread_cond_t wake
    bint has_job
    bint must_stop
    int event
    Job job
    int error_number
    bint failed_in_sync


cdef int write_octets(
    int descriptor, const char *octets, int64_t size_bytes, int64_t position
) noexcept nogil:
    """Write octets; return 0, or the error number."""
    cdef ssize_t written
    while size_bytes:
        written = pwrite(descriptor, octets, size_bytes, position)
        if written < 0:
            if errno == EINTR:
                continue
            return errno
        if written == 0:
            return EIO
        octets += written
        position += written
        size_bytes -= written
    return 0


cdef bint may_go_past_cache(Job *job) noexcept nogil:
    """Return whether the octets lie in a page of memory as they will in one of the file."""
    cdef uintptr_t at = <uintptr_t> job.parts[0].iov_base
    return (
        job.parts_count == 1
        and job.parts[0].iov_len >= DIRECT_BYTES_MIN
        and at % PAGE_BYTES == <uintptr_t> (job.position % PAGE_BYTES)
    )


cdef int write_past_cache(Job *job) noexcept nogil:
    """Write a single part, its whole pages past the page cache; return 0, or the error number."""
    cdef const char *octets = <const char *> job.parts[0].iov_base
    cdef int64_t size_bytes = <int64_t> job.parts[0].iov_len, position = job.position
    cdef int64_t head_bytes = (PAGE_BYTES - position % PAGE_BYTES) % PAGE_BYTES
    cdef int64_t pages_end = size_bytes - (position + size_bytes) % PAGE_BYTES
    cdef char[32] path
    cdef int direct, failed
    # Another descriptor of the same file. One that is there already would be in the way of readers.
    snprintf(path, sizeof(path), "/proc/self/fd/%d", job.descriptor)
    direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC)
    if direct < 0:
        return write_octets(job.descriptor, octets, size_bytes, position)
    failed = write_octets(
        direct, octets + head_bytes, pages_end - head_bytes, position + head_bytes
    )
    close(direct)
    if failed == EINVAL:
        return write_octets(job.descriptor, octets, size_bytes, position)
    if not failed:
        failed = write_octets(job.descriptor, octets, head_bytes, position)
    if not failed:
        failed = write_octets(
            job.descriptor, octets + pages_end, size_bytes - pages_end, position + pages_end
        )
    return failed


cdef int write_all(Job *job) noexcept nogil:
    """Write all parts; return 0, or the error number."""
    cdef iovec *parts = job.parts
    cdef Py_ssize_t left = job.parts_count
    cdef int64_t position = job.position
    cdef ssize_t written
    while left:
        written = pwritev(job.descriptor, parts, min(left, PARTS_PER_WRITE_MAX), position)
        if written < 0:
            if errno == EINTR:
                continue
            return errno
        if written == 0:
            return EIO
        position += written
        while left and <size_t> written >= parts.iov_len:
            written -= parts.iov_len
            parts += 1
            left -= 1
        if left:
            parts.iov_base = <char *> parts.iov_base + written
            parts.iov_len -= written
    return 0


cdef int sync_file(int descriptor) noexcept nogil:
    """Sync; return 0, or the error number."""
    while fdatasync(descriptor) < 0:
        if errno != EINTR:
            return errno
    return 0


cdef void *run(void *argument) noexcept nogil:
    cdef Shared *shared = <Shared *> argument
    cdef uint64_t one = 1
    while True:
        pthread_mutex_lock(&shared.lock)
        while not shared.has_job and not shared.must_stop:
            pthread_cond_wait(&shared.wake, &shared.lock)
        if not shared.has_job:
            pthread_mutex_unlock(&shared.lock)
            return NULL
        shared.has_job = False
        pthread_mutex_unlock(&shared.lock)
        if may_go_past_cache(&shared.job):
            shared.error_number = write_past_cache(&shared.job)
        else:
            shared.error_number = write_all(&shared.job)
        shared.failed_in_sync = False
        if not shared.error_number and shared.job.sync:
            shared.error_number = sync_file(shared.job.descriptor)
            shared.failed_in_sync = shared.error_number != 0
        # This write also makes the results above visible to the other thread.
        while write(shared.event, &one, sizeof(one)) < 0 and errno == EINTR:
            pass


cdef class DiskWriter:
    """See ``persistence.commit_thread.DiskWriter``."""

    cdef Shared shared
    cdef pthread_t thread
    cdef bint is_running
    cdef object loop
    cdef object done
    cdef Py_buffer *buffers
    cdef Py_ssize_t buffers_count

    def __cinit__(self, loop, done):
        cdef sigset_t blocked, before
        cdef int failed
        self.is_running = False
        self.buffers = NULL
        self.buffers_count = 0
        self.shared.job.parts = NULL
        self.shared.has_job = self.shared.must_stop = False
        self.loop = loop
        self.done = done
        self.shared.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
        if self.shared.event < 0:
            raise OSError(errno, "no eventfd for the thread that syncs")
        pthread_mutex_init(&self.shared.lock, NULL)
        pthread_cond_init(&self.shared.wake, NULL)
        # The main thread handles signals.
        sigfillset(&blocked)
        pthread_sigmask(SIG_SETMASK, &blocked, &before)
        failed = pthread_create(&self.thread, NULL, run, &self.shared)
        pthread_sigmask(SIG_SETMASK, &before, NULL)
        if failed:
            raise OSError(failed, "no thread that syncs")
        self.is_running = True
        loop.add_reader(self.shared.event, self._ready)

    def __dealloc__(self):
        self.join()
        self.let_go()
        if self.shared.event >= 0:
            close(self.shared.event)
            pthread_mutex_destroy(&self.shared.lock)
            pthread_cond_destroy(&self.shared.wake)

    def takes(self, file):
        """Return whether this writer can write to the file."""
        return file.fileno() >= 0

    def start(self, file, int64_t position, parts, bint fsync):
        """Begin to write, and to sync after it."""
        cdef Py_ssize_t index, count = len(parts)
        cdef Job *job = &self.shared.job
        self.let_go()
        self.buffers = <Py_buffer *> calloc(max(count, 1), sizeof(Py_buffer))
        job.parts = <iovec *> calloc(max(count, 1), sizeof(iovec))
        if self.buffers == NULL or job.parts == NULL:
            raise MemoryError("no memory for a write")
        for index in range(count):
            PyObject_GetBuffer(parts[index], &self.buffers[index], PyBUF_SIMPLE)
            self.buffers_count = index + 1
            job.parts[index].iov_base = self.buffers[index].buf
            job.parts[index].iov_len = self.buffers[index].len
        job.parts_count = count
        job.descriptor = file.fileno()
        job.position = position
        job.sync = fsync
        pthread_mutex_lock(&self.shared.lock)
        self.shared.has_job = True
        pthread_cond_signal(&self.shared.wake)
        pthread_mutex_unlock(&self.shared.lock)

    def begin_fsync(self, file, int64_t position):
        """Have the disk begin; an error is told by the sync too."""
        sync_file_range(file.fileno(), position, 0, SYNC_FILE_RANGE_WRITE)

    def _ready(self):
        """Handle the end of a job; the loop calls it as its reader."""
        cdef uint64_t count
        if read(self.shared.event, &count, sizeof(count)) < 0 and errno == EAGAIN:
            return
        self.let_go()
        self.done(self.shared.error_number, bool(self.shared.failed_in_sync))

    def stop(self):
        """Wait for the job under way, report its end, and end the thread."""
        if self.is_running:
            self.join()
            self.loop.remove_reader(self.shared.event)
            self._ready()

    cdef void join(self):
        cdef Shared *shared = &self.shared
        if not self.is_running:
            return
        self.is_running = False
        with nogil:
            pthread_mutex_lock(&shared.lock)
            shared.must_stop = True
            pthread_cond_signal(&shared.wake)
            pthread_mutex_unlock(&shared.lock)
            pthread_join(self.thread, NULL)

    cdef void let_go(self):
        cdef Py_ssize_t index
        for index in range(self.buffers_count):
            PyBuffer_Release(&self.buffers[index])
        self.buffers_count = 0
        free(self.buffers)
        free(self.shared.job.parts)
        self.buffers = NULL
        self.shared.job.parts = NULL
