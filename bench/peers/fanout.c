/*
 * What C and the kernel can do: sends frames to every connection, the loop and nothing else.
 *
 * Usage: fanout (no options)
 * Prints "listening on http://127.0.0.1:PORT/", answers any request with a stream that is ready
 * at once.  Each line on stdin, "RATE JOINED BYTES", sets the messages per second from then on, how
 * many of them go into one send per stream (1 is the plain send() loop, more is the limit of
 * whoever writes the same joined chunks), and the bytes of a frame.  It makes its messages itself: no broker, no matching.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_STREAMS = 20000, MOST_BYTES = 8 << 20, TIME_DIGITS = 17 };

static const char HEAD[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    "Connection: close\r\n\r\nevent: ready\ndata: {}\nid: -\n\n";

static int streams[MOST_STREAMS], stream_count;
static char chunk[MOST_BYTES];
static int frame_bytes, time_at;
static double rate, joined = 1, carried;

static double now_s(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* A frame as ours: the text around it, a filler, and the place where the time is put. */
static void make_frames(void) {
    static const char before[] = "event: message\ndata: {\"payload\":{\"filler\":\"";
    static const char between[] = "\",\"t\":";
    static const char after[] =
        "},\"exchange\":\"bench\",\"routingKey\":\"a\",\"redelivered\":false,"
        "\"routes\":[],\"cc\":[]}\nid: -\n\n";
    size_t fixed = sizeof before + sizeof between + sizeof after - 3 + TIME_DIGITS;
    if (frame_bytes < (int)fixed || frame_bytes > MOST_BYTES) frame_bytes = (int)fixed;
    for (int at = 0; at + frame_bytes <= MOST_BYTES; at += frame_bytes) {
        char *p = mempcpy(chunk + at, before, sizeof before - 1);
        size_t filler = (size_t)frame_bytes - fixed;
        memset(p, 'x', filler);
        p = mempcpy(p + filler, between, sizeof between - 1);
        time_at = (int)(p - chunk - at);
        p += TIME_DIGITS;
        memcpy(p, after, sizeof after - 1);
    }
}

/* Send the next chunk; return the number of messages in it.  6.5 joined is 6 and 7 in turn. */
static int broadcast(void) {
    char digits[32];
    carried += joined;
    int messages = (int)carried;
    carried -= messages;
    snprintf(digits, sizeof digits, "%.6f", now_s(CLOCK_REALTIME));
    for (int i = 0; i < messages; i++) memcpy(chunk + i * frame_bytes + time_at, digits, TIME_DIGITS);
    size_t length = (size_t)messages * (size_t)frame_bytes;
    for (int i = 0; i < stream_count; i++) {
        /* Blocking: who is not read waits, without using a CPU. */
        for (size_t sent = 0; sent < length;) {
            ssize_t n = send(streams[i], chunk + sent, length - sent, MSG_NOSIGNAL);
            if (n < 0) exit(0); /* the load client is gone */
            sent += (size_t)n;
        }
    }
    return messages;
}

static void accept_stream(int listening) {
    char request[8192];
    int fd = accept(listening, NULL, NULL), one = 1;
    if (fd < 0) fail("accept");
    if (stream_count == MOST_STREAMS || recv(fd, request, sizeof request, 0) <= 0) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    send(fd, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL);
    streams[stream_count++] = fd;
}

static int open_listening(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, 4096) < 0) fail("listen");
    getsockname(fd, (struct sockaddr *)&at, &size);
    printf("listening on http://127.0.0.1:%d/\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static void obey(const char *line) {
    sscanf(line, "%lf %lf %d", &rate, &joined, &frame_bytes);
    make_frames();
    if (joined < 1) joined = 1;
    if (joined > MOST_BYTES / frame_bytes) joined = MOST_BYTES / frame_bytes;
}

int main(void) {
    setvbuf(stdin, NULL, _IONBF, 0); /* epoll does not see what stdio has read already */
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listening = open_listening(), poll_fd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    event.data.fd = listening;
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listening, &event);
    event.data.fd = STDIN_FILENO;
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    double due_s = 0;
    for (char line[64];;) {
        double wait_s = rate > 0 ? due_s - now_s(CLOCK_MONOTONIC) : 1;
        struct timespec timeout = {0, wait_s > 0 ? (long)(wait_s * 1e9) % 1000000000 : 0};
        if (wait_s >= 1) timeout = (struct timespec){1, 0};
        struct epoll_event ready[2];
        int n = epoll_pwait2(poll_fd, ready, 2, &timeout, NULL);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.fd == listening) {
                accept_stream(listening);
            } else {
                if (!fgets(line, sizeof line, stdin)) return 0;
                obey(line);
                due_s = now_s(CLOCK_MONOTONIC);
            }
        }
        if (rate > 0 && now_s(CLOCK_MONOTONIC) >= due_s) {
            due_s += broadcast() / rate;
            /* What could not be kept up with is not made up for. */
            if (now_s(CLOCK_MONOTONIC) > due_s + 0.1) due_s = now_s(CLOCK_MONOTONIC);
        }
    }
}
