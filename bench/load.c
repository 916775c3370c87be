/*
 * Load client of the benchmark: opens many event streams, counts what arrives, measures the server.
 *
 * Usage: load --port P (--path PATH | --paths FILE) --streams N [options], see `options` below.
 * It takes commands on stdin, one per line, and answers with one JSON object per line on stdout:
 *
 *   (start)          {"event": "open", ...}   all streams have read their ready marker; with
 *                                             --caught-up a recent message behind it too
 *   measure SECONDS  {"event": "measured", ...}
 *   stop N           {"event": "stopped"}     N streams read nothing from now on
 *   slow N           {"event": "slowed"}      while it measures, each stream reads N bytes per
 *                                             second at most; 0: as much as comes, again
 *   settle SECONDS   {"event": "settled"}     nothing came for 300 ms, or SECONDS are over
 *   (end of stdin)   ends
 *
 * Reading everything would cost about what the server's writing costs, on a machine that has to
 * run both.  So with --sample K only K streams (spread over all) are read and searched; of the
 * others the kernel throws the bytes away uncopied (MSG_TRUNC), and their number is divided by
 * the sample's bytes per delivery.  That is exact where all streams get the same bytes; `settle`
 * reports the least and the most bytes of any stream, which proves it, and all deliveries to those
 * that are read, since they opened.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum {
    ADDRESSES = 250,         /* source addresses 127.0.0.1 .. 127.0.0.250 */
    CARRY = 64,              /* bytes kept of a read, so that a marker cut in two is found */
    BUFFER = 1 << 18,
    DISCARD = 1 << 24,
    EVENTS = 512,
    PIDS = 16,
    LATENCIES = 4 << 20,
    SLOW_RECEIVE_BUFFER = 64 << 10,
    SETTLED_MS = 300,
    LOOKS_PER_S = 20, /* at the server's memory; slow streams read as often */
};

static const char MARKER[] = "\"t\":";
static const size_t TIME_LENGTH = 24; /* marker and digits of a time with six decimals */
static const char PING[] = "event: ping\n";

typedef struct {
    int fd; /* -1 when closed */
    bool sent, ready, live, sampled, stopped, chunked, in_size;
    long long chunk_size, chunk_left;
    int carried;
    char carry[CARRY];
    long long bytes;
    double last_ping_s;
    z_stream *inflater;
} Stream;

typedef struct {
    long long deliveries, sampled_bytes, other_bytes;
} Counts;

static struct {
    int port, streams, sample, concurrency;
    bool gzip;
    double ping_interval_s, connect_limit_s, pause_s, caught_up_s;
    const char *path, *paths_file, *ready;
    int pids[PIDS], pid_count;
} settings = {.concurrency = 128, .ready = "event: ready\n", .connect_limit_s = 60, .sample = -1};

static Stream *streams;
static char **paths;
static int path_count, opened, pending, ready_count, closed_count, poll_fd;
static Counts counts;
static float *latencies;
static long long latency_count;
static double ping_late_max_s, recent_s;
static size_t slow_bytes; /* that a stream may read at a look; 0: as much as comes */
static long long ping_count;
static char raw[CARRY + BUFFER], inflated[CARRY + BUFFER * 4];

static double now_s(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* ------------------------------------------------------------------------------ what is read */

static void note_latency(double seconds) {
    /* Past the end of the array a random earlier one gives way: still a fair sample. */
    long long at = latency_count++;
    if (at >= LATENCIES) at = random() % latency_count;
    if (at < LATENCIES) latencies[at] = (float)seconds;
}

static void note_ping(Stream *stream, double at_s) {
    if (stream->last_ping_s > 0) {
        double late_s = at_s - stream->last_ping_s - settings.ping_interval_s;
        if (late_s > ping_late_max_s) ping_late_max_s = late_s;
        ping_count++;
    }
    stream->last_ping_s = at_s;
}

static void search_pings(Stream *stream, const char *text, const char *end, double at_s) {
    while ((text = memmem(text, (size_t)(end - text), PING, sizeof PING - 1))) {
        note_ping(stream, at_s);
        text += sizeof PING - 1;
    }
}

static void become_live(Stream *stream) {
    stream->live = true;
    ready_count++;
    pending--;
}

/* Search `text`; returns where the part begins that must be searched again with what follows. */
static const char *search_times(Stream *stream, const char *text, const char *end, double at_s) {
    const char *found;
    while ((found = memmem(text, (size_t)(end - text), MARKER, sizeof MARKER - 1))) {
        if ((size_t)(end - found) < TIME_LENGTH) return found;
        counts.deliveries++;
        double sent_s = strtod(found + sizeof MARKER - 1, NULL);
        note_latency(at_s - sent_s);
        if (!stream->live && sent_s >= recent_s) become_live(stream);
        text = found + TIME_LENGTH;
    }
    size_t rest = (size_t)(end - text), keep = sizeof MARKER - 2;
    return end - (rest < keep ? rest : keep);
}

static void keep_rest(Stream *stream, const char *rest, const char *end) {
    stream->carried = (int)(end - rest);
    memcpy(stream->carry, rest, (size_t)stream->carried);
}

static void become_ready(Stream *stream) {
    stream->ready = true;
    stream->last_ping_s = now_s(CLOCK_MONOTONIC);
    if (settings.caught_up_s <= 0) become_live(stream);
    if (!stream->sampled && stream->inflater) {
        inflateEnd(stream->inflater);
        free(stream->inflater);
        stream->inflater = NULL;
    }
}

/* Take plain text that was read; `text` has CARRY free bytes before it. */
static void take_text(Stream *stream, char *text, size_t length) {
    char *start = text - stream->carried, *end = text + length;
    memcpy(start, stream->carry, (size_t)stream->carried);
    if (!stream->ready) {
        size_t marker = strlen(settings.ready);
        char *found = memmem(start, (size_t)(end - start), settings.ready, marker);
        if (!found) {
            size_t rest = (size_t)(end - start);
            keep_rest(stream, end - (rest < marker - 1 ? rest : marker - 1), end);
            return;
        }
        become_ready(stream);
        start = found + marker;
    }
    if (!stream->sampled) return;
    if (settings.ping_interval_s > 0) search_pings(stream, start, end, now_s(CLOCK_MONOTONIC));
    keep_rest(stream, search_times(stream, start, end, now_s(CLOCK_REALTIME)), end);
}

static void take_compressed(Stream *stream, char *bytes, size_t length) {
    z_stream *z = stream->inflater;
    z->next_in = (unsigned char *)bytes;
    z->avail_in = (unsigned)length;
    do {
        z->next_out = (unsigned char *)inflated + CARRY;
        z->avail_out = sizeof inflated - CARRY;
        int result = inflate(z, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_BUF_ERROR) {
            fprintf(stderr, "inflate failed: %d %s\n", result, z->msg ? z->msg : "");
            exit(1);
        }
        size_t got = sizeof inflated - CARRY - z->avail_out;
        if (got) take_text(stream, inflated + CARRY, got);
        if (!stream->inflater) return; /* it is ready, and not in the sample */
    } while (z->avail_out == 0 || z->avail_in > 0);
}

/*
 * Only compressed bytes are taken out of their chunks.  Events are searched as they come: a chunk
 * is whole events, so what is between two chunks is never within a marker or a time.
 */
static void take_chunks(Stream *stream, char *bytes, size_t length) {
    char *end = bytes + length;
    while (bytes < end && stream->inflater) {
        if (stream->chunk_left > 0) {
            long long there = end - bytes, n = there < stream->chunk_left ? there : stream->chunk_left;
            stream->chunk_left -= n;
            take_compressed(stream, bytes, (size_t)n);
            bytes += n;
        } else if (isxdigit((unsigned char)*bytes)) {
            int digit = *bytes <= '9' ? *bytes - '0' : (*bytes | 32) - 'a' + 10;
            stream->chunk_size = stream->chunk_size * 16 + digit;
            stream->in_size = true;
            bytes++;
        } else if (*bytes++ == '\n' && stream->in_size) { /* not the one behind a chunk */
            stream->chunk_left = stream->chunk_size;
            stream->chunk_size = 0;
            stream->in_size = false;
        }
    }
}

static void take_body(Stream *stream, char *bytes, size_t length) {
    if (!stream->inflater)
        take_text(stream, bytes, length);
    else if (stream->chunked)
        take_chunks(stream, bytes, length);
    else
        take_compressed(stream, bytes, length);
}

/* The head of the response is not compressed; `text` may hold the end of it. */
static void take_head(Stream *stream, char *text, size_t length) {
    char *end = memmem(text, length, "\r\n\r\n", 4);
    if (!end) return fail("a response head in two pieces, or none");
    if (strncmp(text, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "answer: %.*s\n", (int)length, text);
        exit(1);
    }
    *end = 0;
    bool compressed = strcasestr(text, "\ncontent-encoding: gzip") != NULL;
    if (settings.gzip != compressed) fprintf(stderr, "gzip is %d\n", compressed), exit(1);
    stream->chunked = strcasestr(text, "\ntransfer-encoding: chunked") != NULL;
    if (compressed) {
        stream->inflater = calloc(1, sizeof *stream->inflater);
        if (inflateInit2(stream->inflater, 15 + 16) != Z_OK) fail("inflateInit2");
    }
    end += 4;
    size_t rest = length - (size_t)(end - text);
    if (rest > 0) take_body(stream, end, rest);
}

static void close_stream(Stream *stream) {
    epoll_ctl(poll_fd, EPOLL_CTL_DEL, stream->fd, NULL);
    close(stream->fd);
    stream->fd = -1;
    closed_count++;
    if (!stream->live) {
        fprintf(stderr, "a stream was closed before it was ready\n");
        exit(1);
    }
}

static void read_stream(Stream *stream) {
    bool discard = stream->ready && !stream->sampled;
    size_t most = discard ? DISCARD : BUFFER;
    if (slow_bytes && slow_bytes < most) most = slow_bytes;
    ssize_t n = discard ? recv(stream->fd, NULL, most, MSG_TRUNC)
                        : recv(stream->fd, raw + CARRY, most, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return close_stream(stream);
    bool first = stream->bytes == 0;
    stream->bytes += n;
    *(stream->sampled ? &counts.sampled_bytes : &counts.other_bytes) += n;
    if (discard) return;
    if (first)
        take_head(stream, raw + CARRY, (size_t)n);
    else
        take_body(stream, raw + CARRY, (size_t)n);
}

/* ------------------------------------------------------------------------------- connecting */

/* What Chromium's EventSource sends, so that parsing costs what it costs in reality. */
static void send_request(Stream *stream) {
    char request[8192];
    int length = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: keep-alive\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
        "Accept: text/event-stream\r\nCache-Control: no-cache\r\nAccept-Language: en-US,en\r\n"
        "%s\r\n",
        paths[(stream - streams) % path_count], settings.port,
        settings.gzip ? "Accept-Encoding: gzip, deflate, br, zstd\r\n" : "");
    if (send(stream->fd, request, (size_t)length, MSG_NOSIGNAL) != length) fail("send");
    stream->sent = true;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = stream};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, stream->fd, &event);
}

static void open_stream(int number) {
    Stream *stream = &streams[number];
    stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (stream->fd < 0) fail("socket");
    int one = 1;
    setsockopt(stream->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (unsigned)(number % ADDRESSES));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((unsigned short)settings.port);
    if (bind(stream->fd, (struct sockaddr *)&from, sizeof from) < 0) fail("bind");
    if (connect(stream->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        fail("connect");
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = stream};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, stream->fd, &event);
    opened++;
    pending++;
}

/* ---------------------------------------------------------------------------------- the loop */

static void turn(int timeout_ms) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(poll_fd, events, EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        Stream *stream = events[i].data.ptr;
        if (stream->fd < 0) continue;
        if (!stream->sent)
            send_request(stream);
        else
            read_stream(stream);
    }
}

static double connect_all(void) {
    double start_s = now_s(CLOCK_MONOTONIC);
    recent_s = now_s(CLOCK_REALTIME) - settings.caught_up_s;
    while (ready_count < settings.streams) {
        while (opened < settings.streams && pending < settings.concurrency) {
            open_stream(opened);
            /* A storm takes time to begin; answers that are there already are read meanwhile. */
            if (opened % 64 == 0) turn(0);
        }
        turn(100);
        if (now_s(CLOCK_MONOTONIC) - start_s > settings.connect_limit_s) {
            fprintf(stderr, "only %d of %d streams are ready\n", ready_count, settings.streams);
            exit(1);
        }
    }
    return now_s(CLOCK_MONOTONIC) - start_s;
}

/* ------------------------------------------------------------------------------- the server */

static double thread_cpu_s(const char *path) {
    /* First number of schedstat: nanoseconds on a CPU; /proc/PID/stat has ticks of 10 ms. */
    FILE *file = fopen(path, "r");
    unsigned long long ns = 0;
    if (file) {
        if (fscanf(file, "%llu", &ns) != 1) ns = 0;
        fclose(file);
    }
    return (double)ns * 1e-9;
}

static double process_cpu_s(int pid) {
    char path[320];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    double total_s = 0;
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, entry->d_name);
        total_s += thread_cpu_s(path);
    }
    if (tasks) closedir(tasks);
    return total_s;
}

static long long status_number(int pid, const char *file_name, const char *key) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file_name);
    FILE *file = fopen(path, "r");
    long long value = 0;
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key))) value = atoll(line + strlen(key));
    if (file) fclose(file);
    return value;
}

/* ------------------------------------------------------------------------------- the reports */

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void print_latencies(void) {
    size_t n = (size_t)(latency_count < LATENCIES ? latency_count : LATENCIES);
    qsort(latencies, n, sizeof *latencies, compare);
    printf(", \"latency_ms\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}",
           n ? latencies[n / 2] * 1e3 : 0, n ? latencies[n * 99 / 100] * 1e3 : 0,
           n ? latencies[n - 1] * 1e3 : 0);
}

static long long all_rss_kb(void) {
    long long sum = 0;
    for (int i = 0; i < settings.pid_count; i++)
        sum += status_number(settings.pids[i], "status", "VmRSS:");
    return sum;
}

static void read_slowly(void) {
    for (int i = 0; i < settings.streams; i++)
        if (streams[i].fd >= 0 && !streams[i].stopped) read_stream(&streams[i]);
}

/* Run the loop for so long; return the most memory that the server had meanwhile. */
static long long run_for(double seconds) {
    double at_s = now_s(CLOCK_MONOTONIC), end_s = at_s + seconds, look_s = 0;
    long long most_kb = 0;
    for (; at_s < end_s; at_s = now_s(CLOCK_MONOTONIC)) {
        if (at_s >= look_s) {
            long long now_kb = all_rss_kb();
            if (now_kb > most_kb) most_kb = now_kb;
            if (slow_bytes) read_slowly();
            look_s = at_s + 1.0 / LOOKS_PER_S;
        }
        double wait_s = (look_s < end_s ? look_s : end_s) - at_s;
        turn((int)(wait_s * 1e3) + 1);
        if (settings.pause_s > 0) usleep((useconds_t)(settings.pause_s * 1e6));
    }
    return most_kb;
}

static void measure(double seconds) {
    Counts before = counts;
    double cpu_s[PIDS];
    long long writes[PIDS];
    latency_count = ping_count = 0;
    ping_late_max_s = 0;
    for (int i = 0; i < settings.pid_count; i++) {
        cpu_s[i] = process_cpu_s(settings.pids[i]);
        writes[i] = status_number(settings.pids[i], "io", "syscw:");
    }
    double own_s = process_cpu_s(getpid());
    double start_s = now_s(CLOCK_MONOTONIC);
    long long most_rss_kb = run_for(seconds);
    double took_s = now_s(CLOCK_MONOTONIC) - start_s;
    printf("{\"event\": \"measured\", \"seconds\": %.4f, \"servers\": [", took_s);
    for (int i = 0; i < settings.pid_count; i++)
        printf("%s{\"pid\": %d, \"cpu_s\": %.6f, \"writes\": %lld}", i ? ", " : "",
               settings.pids[i], process_cpu_s(settings.pids[i]) - cpu_s[i],
               status_number(settings.pids[i], "io", "syscw:") - writes[i]);
    double sampled = (double)(counts.deliveries - before.deliveries);
    double sampled_bytes = (double)(counts.sampled_bytes - before.sampled_bytes);
    double other_bytes = (double)(counts.other_bytes - before.other_bytes);
    double other = sampled_bytes > 0 ? other_bytes * sampled / sampled_bytes : 0;
    printf("], \"most_rss_kb\": %lld, \"deliveries\": %.0f, \"bytes\": %.0f, "
           "\"client_cpu_s\": %.3f, \"closed\": %d",
           most_rss_kb, sampled + other, sampled_bytes + other_bytes,
           process_cpu_s(getpid()) - own_s, closed_count);
    print_latencies();
    printf(", \"ping_late_ms\": %.1f, \"pings\": %lld}\n", ping_late_max_s * 1e3, ping_count);
}

static void settle(double limit_s) {
    double end_s = now_s(CLOCK_MONOTONIC) + limit_s, quiet_s = now_s(CLOCK_MONOTONIC);
    long long before = -1;
    for (double at_s; (at_s = now_s(CLOCK_MONOTONIC)) < end_s;) {
        long long total = counts.sampled_bytes + counts.other_bytes;
        if (total != before) quiet_s = at_s;
        if (at_s - quiet_s > SETTLED_MS * 1e-3) break;
        before = total;
        turn(50);
    }
    long long least = -1, most = 0;
    for (int i = 0; i < settings.streams; i++) {
        if (streams[i].fd < 0 || streams[i].stopped) continue;
        if (least < 0 || streams[i].bytes < least) least = streams[i].bytes;
        if (streams[i].bytes > most) most = streams[i].bytes;
    }
    printf("{\"event\": \"settled\", \"least_bytes\": %lld, \"most_bytes\": %lld, "
           "\"deliveries\": %lld, \"closed\": %d}\n",
           least, most, counts.deliveries, closed_count);
}

/* Not the megabytes that the kernel may grow it to: the server shall feel it soon. */
static void take_little(Stream *stream) {
    int size = SLOW_RECEIVE_BUFFER;
    setsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

/* The streams that stop are never of the sample: they are taken from between. */
static void stop(int count) {
    for (int i = 0; i < settings.streams && count > 0; i++) {
        Stream *stream = &streams[i];
        if (stream->sampled || stream->stopped || stream->fd < 0) continue;
        take_little(stream);
        epoll_ctl(poll_fd, EPOLL_CTL_DEL, stream->fd, NULL);
        stream->stopped = true;
        count--;
    }
    printf("{\"event\": \"stopped\"}\n");
}

static void slow(double bytes_per_s) {
    bool was_slow = slow_bytes > 0;
    slow_bytes = (size_t)(bytes_per_s / LOOKS_PER_S);
    bool is_slow = slow_bytes > 0;
    for (int i = 0; i < settings.streams && is_slow != was_slow; i++) {
        Stream *stream = &streams[i];
        if (stream->fd < 0 || stream->stopped) continue;
        if (is_slow) take_little(stream);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = stream};
        epoll_ctl(poll_fd, is_slow ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, stream->fd, &event);
    }
    printf("{\"event\": \"slowed\"}\n");
}

/* ------------------------------------------------------------------------------------- main */

static void read_paths(void) {
    if (!settings.paths_file) {
        paths = malloc(sizeof *paths);
        paths[path_count++] = strdup(settings.path);
        return;
    }
    FILE *file = fopen(settings.paths_file, "r");
    if (!file) fail(settings.paths_file);
    paths = calloc((size_t)settings.streams, sizeof *paths);
    char line[4096];
    while (path_count < settings.streams && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        paths[path_count++] = strdup(line);
    }
    fclose(file);
}

static void read_options(int count, char **words) {
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"streams", required_argument, NULL, 'n'},
        {"path", required_argument, NULL, 'u'},          /* what all streams ask for */
        {"paths", required_argument, NULL, 'U'},         /* file, a line for each stream */
        {"gzip", no_argument, NULL, 'z'},                /* accept it, and insist on it */
        {"sample", required_argument, NULL, 's'},        /* streams that are read; default: all */
        {"concurrency", required_argument, NULL, 'c'},   /* connects under way at once */
        {"ready", required_argument, NULL, 'r'},         /* text that makes a stream ready */
        {"caught-up", required_argument, NULL, 'C'},     /* open: when it has read a message that was
                                                            sent so many seconds before the start, or
                                                            later; needs all streams to be read */
        {"within", required_argument, NULL, 'l'},        /* seconds until all are open, at most */
        {"ping-interval", required_argument, NULL, 'i'}, /* seconds; measures their lateness */
        {"pause-ms", required_argument, NULL, 'w'},      /* between reads, to read more at once */
        {"pid", required_argument, NULL, 'P'},           /* a server process; may be repeated */
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(count, words, "", options, NULL)) >= 0;) {
        switch (option) {
            case 'p': settings.port = atoi(optarg); break;
            case 'n': settings.streams = atoi(optarg); break;
            case 'u': settings.path = optarg; break;
            case 'U': settings.paths_file = optarg; break;
            case 'z': settings.gzip = true; break;
            case 's': settings.sample = atoi(optarg); break;
            case 'c': settings.concurrency = atoi(optarg); break;
            case 'r': settings.ready = optarg; break;
            case 'C': settings.caught_up_s = atof(optarg); break;
            case 'l': settings.connect_limit_s = atof(optarg); break;
            case 'i': settings.ping_interval_s = atof(optarg); break;
            case 'w': settings.pause_s = atof(optarg) * 1e-3; break;
            case 'P':
                if (settings.pid_count < PIDS) settings.pids[settings.pid_count++] = atoi(optarg);
                break;
            default: exit(2);
        }
    }
    if (!settings.port || settings.streams < 1 || !(settings.path || settings.paths_file)) {
        fprintf(stderr, "load needs --port, --streams and --path or --paths\n");
        exit(2);
    }
}

static void make_streams(void) {
    streams = calloc((size_t)settings.streams, sizeof *streams);
    latencies = malloc(LATENCIES * sizeof *latencies);
    int sample = settings.sample;
    if (sample < 0 || sample > settings.streams) sample = settings.streams;
    for (int i = 0; i < sample; i++) /* evenly spread: a server writes in some order */
        streams[(long long)i * settings.streams / sample].sampled = true;
}

static void obey(const char *line) {
    double number = 0;
    char word[16] = "";
    sscanf(line, "%15s %lf", word, &number);
    if (!strcmp(word, "measure")) measure(number);
    else if (!strcmp(word, "stop")) stop((int)number);
    else if (!strcmp(word, "slow")) slow(number);
    else if (!strcmp(word, "settle")) settle(number);
    else fprintf(stderr, "no such command: %s\n", line), exit(2);
    fflush(stdout);
}

int main(int count, char **words) {
    setvbuf(stdin, NULL, _IONBF, 0); /* epoll does not see what stdio has read already */
    read_options(count, words);
    read_paths();
    make_streams();
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poll_fd = epoll_create1(0);
    printf("{\"event\": \"open\", \"seconds\": %.4f}\n", connect_all());
    fflush(stdout);

    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int both = epoll_create1(0); /* the streams' epoll and stdin: commands between two turns */
    event.data.fd = poll_fd;
    epoll_ctl(both, EPOLL_CTL_ADD, poll_fd, &event);
    event.data.fd = STDIN_FILENO;
    epoll_ctl(both, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (char line[256];;) {
        struct epoll_event ready[2];
        int n = epoll_wait(both, ready, 2, -1);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.fd == poll_fd) turn(0);
            else if (fgets(line, sizeof line, stdin)) obey(line);
            else return 0;
        }
    }
}
