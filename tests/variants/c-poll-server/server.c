/* Chat server in one thread: ppoll() waits for the keyboard, the listener and every client.
 * SIGINT is blocked except inside ppoll(), so that no Ctrl-C can slip in between. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_LINE 4096
#define MOST_CLIENTS 256
#define MOST_UNSENT (1 << 20) /* bytes; whoever lets more pile up is dropped */
#define MISSED_LIMIT 3
#define PATIENCE 1.0 /* seconds a client has for its FIN after ours */

struct lines {
    char text[LONGEST_LINE];
    size_t used;
    bool skipping; /* in a line that is too long */
};

struct client {
    int fd;
    char name[64];
    struct lines lines;
    char *unsent;
    size_t unsent_length;
    unsigned long beats, answered;
    double next_beat, deadline; /* deadline is 0 until we want to part */
    bool fin_sent, gone;
};

static struct client *clients[MOST_CLIENTS];
static size_t client_count;
static double interval = 5.0;
static int listener;
static bool stopping;
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Write what the socket takes; when nothing is left and we want to part, FIN. */
static void flush(struct client *client)
{
    while (client->unsent_length > 0) {
        ssize_t sent = send(client->fd, client->unsent, client->unsent_length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR)
                client->gone = true;
            return;
        }
        client->unsent_length -= (size_t)sent;
        memmove(client->unsent, client->unsent + sent, client->unsent_length);
    }
    if (client->deadline != 0 && !client->fin_sent) {
        client->fin_sent = true;
        shutdown(client->fd, SHUT_WR);
    }
}

static void send_to(struct client *client, const char *line, size_t length)
{
    if (client->gone || client->deadline != 0)
        return;
    if (client->unsent_length + length > MOST_UNSENT) {
        client->gone = true;
        return;
    }
    client->unsent = realloc(client->unsent, client->unsent_length + length);
    if (client->unsent == NULL)
        abort();
    memcpy(client->unsent + client->unsent_length, line, length);
    client->unsent_length += length;
    flush(client);
}

static void part(struct client *client)
{
    if (client->deadline == 0) {
        client->deadline = now() + PATIENCE;
        flush(client);
    }
}

/* Hand each complete line to handle, without its line end. */
static void feed(struct lines *lines, const char *data, size_t length, void (*handle)(void *, char *), void *who)
{
    for (size_t i = 0; i < length; i++) {
        if (data[i] != '\n') {
            if (lines->used == sizeof lines->text - 1)
                lines->skipping = true;
            else
                lines->text[lines->used++] = data[i];
            continue;
        }
        lines->text[lines->used] = '\0';
        if (!lines->skipping)
            handle(who, lines->text);
        lines->used = 0;
        lines->skipping = false;
    }
}

static void handle_received(void *who, char *line)
{
    struct client *client = who;
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\r')
        line[length - 1] = '\0';
    if (strncmp(line, "MSG ", 4) == 0) {
        printf("Received from %s: %s\n", client->name, line + 4);
    } else if (strncmp(line, "HEARTBEAT-ACK ", 14) == 0) {
        char *end;
        unsigned long number = strtoul(line + 14, &end, 10);
        if (end != line + 14 && *end == '\0' && client->answered < number && number <= client->beats)
            client->answered = number;
    }
}

static void handle_typed(void *nobody, char *line)
{
    char broadcast[LONGEST_LINE + 16];
    (void)nobody;
    if (stopping)
        return;
    if (strcmp(line, "/quit") == 0) {
        stopping = true;
        return;
    }
    int length = snprintf(broadcast, sizeof broadcast, "BROADCAST %s\n", line);
    if (length > LONGEST_LINE) {
        printf("That line is too long, it was not sent.\n");
        return;
    }
    for (size_t i = 0; i < client_count; i++)
        send_to(clients[i], broadcast, (size_t)length);
}

static void read_keyboard(void)
{
    static struct lines lines;
    char data[2048];
    ssize_t got = read(0, data, sizeof data);
    if (got > 0) {
        feed(&lines, data, (size_t)got, handle_typed, NULL);
    } else if (got == 0 || errno != EINTR) {
        if (lines.used > 0)
            feed(&lines, "\n", 1, handle_typed, NULL);
        stopping = true;
    }
}

static void read_client(struct client *client)
{
    char data[4096];
    ssize_t got = recv(client->fd, data, sizeof data, MSG_DONTWAIT);
    if (got > 0)
        feed(&client->lines, data, (size_t)got, handle_received, client);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        client->gone = true;
}

/* Accept one client; false when nobody is waiting. */
static bool accept_client(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int fd = accept4(listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EINTR || errno == ECONNABORTED;
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        abort();
    char dotted[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address.sin_addr, dotted, sizeof dotted);
    snprintf(client->name, sizeof client->name, "('%s', %d)", dotted, ntohs(address.sin_port));
    client->fd = fd;
    client->next_beat = now() + interval;
    clients[client_count++] = client;
    printf("Connected %s\n", client->name);
    return true;
}

static void remove_the_gone(void)
{
    for (size_t i = 0; i < client_count;) {
        struct client *client = clients[i];
        if (!client->gone) {
            i++;
            continue;
        }
        close(client->fd);
        printf("Disconnected %s\n", client->name);
        free(client->unsent);
        free(client);
        clients[i] = clients[--client_count];
    }
}

/* Do what is due; seconds until the next thing that will be, negative for never. */
static double tick(void)
{
    double soonest = -1, time = now();
    for (size_t i = 0; i < client_count; i++) {
        struct client *client = clients[i];
        if (client->deadline == 0 && client->next_beat <= time) {
            if (client->beats - client->answered >= MISSED_LIMIT) {
                part(client);
            } else {
                char line[64];
                int length = snprintf(line, sizeof line, "HEARTBEAT %lu\n", ++client->beats);
                client->next_beat = time + interval;
                send_to(client, line, (size_t)length);
            }
        } else if (client->deadline != 0 && client->deadline <= time) {
            client->gone = true;
        }
        double moment = client->gone ? time : client->deadline != 0 ? client->deadline : client->next_beat;
        if (soonest < 0 || moment - time < soonest)
            soonest = moment - time;
    }
    return soonest;
}

static void begin_to_stop(void)
{
    while (client_count < MOST_CLIENTS && accept_client())
        ; /* closing the listener would reset those who wait there */
    close(listener);
    listener = -1;
    for (size_t i = 0; i < client_count; i++)
        part(clients[i]);
}

static void serve(const sigset_t *while_waiting)
{
    struct pollfd ready[MOST_CLIENTS + 2];
    while (!stopping || listener >= 0 || client_count > 0) {
        if (stopping && listener >= 0) {
            begin_to_stop();
            continue;
        }
        double wait = tick();
        size_t count = client_count;
        ready[0] = (struct pollfd){.fd = stopping ? -1 : 0, .events = POLLIN};
        ready[1] = (struct pollfd){.fd = count < MOST_CLIENTS ? listener : -1, .events = POLLIN};
        for (size_t i = 0; i < count; i++)
            ready[i + 2] = (struct pollfd){.fd = clients[i]->fd,
                                           .events = POLLIN | (clients[i]->unsent_length > 0 ? POLLOUT : 0)};
        struct timespec timeout = {.tv_sec = (time_t)wait, .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9)};
        int found = ppoll(ready, count + 2, wait < 0 ? NULL : &timeout, while_waiting);
        if (interrupted)
            stopping = true;
        if (found > 0) {
            for (size_t i = 0; i < count; i++) {
                if (ready[i + 2].revents & POLLOUT)
                    flush(clients[i]);
                if (ready[i + 2].revents & (POLLIN | POLLHUP | POLLERR))
                    read_client(clients[i]);
            }
            if (ready[1].revents != 0)
                accept_client();
            if (ready[0].revents != 0)
                read_keyboard();
        }
        remove_the_gone();
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    const char *host = argc > 2 ? argv[1] : "127.0.0.1";
    int port = argc > 2 ? atoi(argv[2]) : 12001, yes = 1;
    const char *chosen = getenv("HEARTBEAT_INTERVAL");
    if (chosen != NULL && atof(chosen) > 0)
        interval = atof(chosen);

    struct sigaction action = {.sa_handler = on_interrupt};
    sigset_t interrupt, before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, &before);
    sigaction(SIGINT, &action, NULL);

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        errno = EADDRNOTAVAIL;
    else if (bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 64) == 0)
        errno = 0;
    if (errno != 0) {
        printf("Cannot listen on %s:%d: %s\n", host, port, strerror(errno));
        return 1;
    }
    printf("Listening on %s:%d\n", host, port);
    fflush(stdout);
    serve(&before);
    return 0;
}
