/* A V4L2 camera between a program and a tty: preloaded, it answers the requests of type 'V' with the kernel's own
 * structures and passes everything else on. Its pictures come from the tty: one ENQ asks for one, and 4 bytes of
 * length (little endian) and the picture come back. V4L2_SHIM may say what kind of device it is:
 * "no-pictures", "no-jpeg", "busy".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BUFFERS_MAX = 8, LENGTH = 1 << 20, GAP_MS = 300 };

static struct { void *start; int queued; } buffers[BUFFERS_MAX];
static unsigned count, next;
static int streaming, asked;

static int kind(const char *name) {
    const char *set = getenv("V4L2_SHIM");
    return set != NULL && strcmp(set, name) == 0;
}

static int fails(int number) {
    errno = number;
    return -1;
}

static void ask(int fd) {
    asked = write(fd, "\x05", 1) == 1;
}

/* Up to `wanted` bytes; fewer when nothing comes for GAP_MS; -1 when the line is gone. */
static ssize_t fill(int fd, unsigned char *into, size_t wanted) {
    size_t got = 0;
    while (got < wanted) {
        struct pollfd watch = { .fd = fd, .events = POLLIN };
        if (poll(&watch, 1, GAP_MS) <= 0)
            return got;
        ssize_t part = read(fd, into + got, wanted - got);
        if (part <= 0)
            return -1;
        got += part;
    }
    return got;
}

static ssize_t frame(int fd, unsigned char *into) {
    unsigned char head[4];
    asked = 0;
    ssize_t got = fill(fd, head, sizeof head);
    if (got < (ssize_t)sizeof head)
        return got < 0 ? -1 : 0;
    size_t length = head[0] | head[1] << 8 | head[2] << 16 | (size_t)head[3] << 24;
    return fill(fd, into, length < LENGTH ? length : LENGTH);
}

static int queue(int fd, struct v4l2_buffer *one) {
    if (one->index >= count)
        return fails(EINVAL);
    buffers[one->index].queued = 1;
    if (streaming && !asked)
        ask(fd);
    return 0;
}

static int dequeue(int fd, struct v4l2_buffer *one) {
    if (!streaming || !buffers[next].queued)
        return fails(EINVAL);
    ssize_t used = frame(fd, buffers[next].start);
    if (used < 0)
        return fails(ENODEV);
    one->index = next;
    one->bytesused = used;
    buffers[next].queued = 0;
    next = (next + 1) % count;
    return 0;
}

/* A picture asked for in an earlier stream may still come: it is then the first one of this. */
static int on(int fd) {
    struct pollfd watch = { .fd = fd, .events = POLLIN };
    streaming = 1;
    if (!asked || poll(&watch, 1, 0) == 0)
        ask(fd);
    return 0;
}

static int request_buffers(struct v4l2_requestbuffers *asked_for) {
    if (asked_for->memory != V4L2_MEMORY_MMAP || asked_for->count > BUFFERS_MAX)
        return fails(EINVAL);
    memset(buffers, 0, sizeof buffers);
    count = asked_for->count;
    return 0;
}

static int capability(struct v4l2_capability *able) {
    strcpy((char *)able->card, "Shim camera");
    able->capabilities = V4L2_CAP_DEVICE_CAPS | V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    able->device_caps = kind("no-pictures") ? V4L2_CAP_STREAMING : able->capabilities & ~V4L2_CAP_DEVICE_CAPS;
    return 0;
}

static int format(struct v4l2_format *wanted) {
    if (wanted->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
        return fails(EINVAL);
    if (kind("busy"))
        return fails(EBUSY);
    if (kind("no-jpeg") || wanted->fmt.pix.pixelformat != V4L2_PIX_FMT_MJPEG)
        wanted->fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
    return 0;
}

static int where(struct v4l2_buffer *one) {
    if (one->index >= count || one->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
        return fails(EINVAL);
    one->length = LENGTH;
    one->m.offset = one->index * LENGTH;
    return 0;
}

int ioctl(int fd, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *block = va_arg(rest, void *);
    va_end(rest);
    switch ((unsigned int)request) {
    case VIDIOC_QUERYCAP: return capability(block);
    case VIDIOC_S_FMT: return format(block);
    case VIDIOC_REQBUFS: return request_buffers(block);
    case VIDIOC_QUERYBUF: return where(block);
    case VIDIOC_QBUF: return queue(fd, block);
    case VIDIOC_DQBUF: return dequeue(fd, block);
    case VIDIOC_STREAMON: return on(fd);
    case VIDIOC_STREAMOFF: streaming = 0; next = 0; return 0;
    }
    int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, request, block);
}

static void *mapped(void *at, size_t length, int prot, int flags, int fd, off_t offset) {
    void *(*real)(void *, size_t, int, int, int, off_t) = dlsym(RTLD_NEXT, "mmap64");
    if (count == 0 || length != LENGTH || fd < 0 || !isatty(fd))
        return real(at, length, prot, flags, fd, offset);
    void *start = real(at, length, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    buffers[offset / LENGTH].start = start;
    return start;
}

void *mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset) {
    return mapped(at, length, prot, flags, fd, offset);
}

void *mmap64(void *at, size_t length, int prot, int flags, int fd, off64_t offset) {
    return mapped(at, length, prot, flags, fd, offset);
}
