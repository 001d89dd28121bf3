/* Chat client with two threads: main watches the keyboard, the receiver answers heartbeats.
 * Ctrl-C and the receiver reach main through a pipe, so that one poll() waits for everything. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PROMPT "Enter message to send: "
#define LONGEST_LINE 4096
#define PATIENCE_MS 5000 /* for a server that does not answer */

/* What is written into the pipe. */
enum event { INTERRUPTED = 'i', SERVER_CLOSED = 'c', SERVER_LOST = 'l' };

static int sock;
static int events[2];
static volatile sig_atomic_t interrupted;
static pthread_mutex_t sending = PTHREAD_MUTEX_INITIALIZER;
static bool quitting; /* guarded by sending */

struct lines {
    char text[LONGEST_LINE];
    size_t used;
    bool skipping; /* in a line that is too long */
};

static void tell(enum event event)
{
    char byte = (char)event;
    if (write(events[1], &byte, 1) < 0)
        return; /* the pipe is full: main has enough to wake up for */
}

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    int saved = errno;
    interrupted = 1;
    tell(INTERRUPTED);
    errno = saved;
}

/* Send one whole line; false when the connection is lost. */
static bool send_line(const char *text, size_t length)
{
    bool fine = true;
    pthread_mutex_lock(&sending);
    for (size_t done = 0; !quitting && done < length;) {
        ssize_t sent = send(sock, text + done, length - done, MSG_NOSIGNAL);
        if (sent >= 0) {
            done += (size_t)sent;
        } else if (errno != EINTR || interrupted) {
            fine = false;
            break;
        }
    }
    pthread_mutex_unlock(&sending);
    return fine;
}

/* Hand each complete line in data to handle, without its line end; false when handle said so. */
static bool feed(struct lines *lines, const char *data, size_t length, bool (*handle)(char *))
{
    for (size_t i = 0; i < length; i++) {
        if (data[i] != '\n') {
            if (lines->used == sizeof lines->text - 1)
                lines->skipping = true;
            else
                lines->text[lines->used++] = data[i];
            continue;
        }
        bool whole = !lines->skipping;
        lines->text[lines->used] = '\0';
        lines->used = 0;
        lines->skipping = false;
        if (!whole)
            printf("(a line was too long)\n");
        else if (!handle(lines->text))
            return false;
    }
    return true;
}

static bool handle_received(char *line)
{
    size_t end = strlen(line);
    if (end > 0 && line[end - 1] == '\r')
        line[end - 1] = '\0';
    if (strncmp(line, "HEARTBEAT ", 10) == 0) {
        const char *number = line + 10;
        char answer[LONGEST_LINE];
        if (*number == '\0' || number[strspn(number, "0123456789")] != '\0' || strlen(number) > 20)
            return true;
        int length = snprintf(answer, sizeof answer, "HEARTBEAT-ACK %s\n", number);
        return send_line(answer, (size_t)length);
    }
    if (strncmp(line, "BROADCAST ", 10) == 0) {
        printf("\nBroadcast: %s\n" PROMPT, line + 10);
        fflush(stdout);
    }
    return true;
}

static bool handle_typed(char *line)
{
    char message[LONGEST_LINE + 8];
    if (strcmp(line, "/quit") == 0)
        return false;
    int length = snprintf(message, sizeof message, "MSG %s\n", line);
    if (length > LONGEST_LINE)
        printf("That line is too long, it was not sent.\n");
    else if (!send_line(message, (size_t)length))
        tell(SERVER_LOST);
    printf(PROMPT);
    fflush(stdout);
    return true;
}

static void *receive(void *unused)
{
    static struct lines lines;
    char data[2048];
    (void)unused;
    for (;;) {
        ssize_t got = recv(sock, data, sizeof data, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got > 0 && feed(&lines, data, (size_t)got, handle_received))
            continue;
        tell(got == 0 ? SERVER_CLOSED : SERVER_LOST);
        return NULL;
    }
}

/* Wait for the pipe, and for the keyboard if asked to; the event, or 0 when a line can be read or time is up. */
static int wait_for_event(bool keyboard, int timeout)
{
    struct pollfd ready[2] = {{.fd = events[0], .events = POLLIN}, {.fd = keyboard ? 0 : -1, .events = POLLIN}};
    while (poll(ready, 2, timeout) < 0) {
        if (errno != EINTR)
            abort();
    }
    char byte;
    if (ready[0].revents & POLLIN && read(events[0], &byte, 1) == 1)
        return byte;
    return 0;
}

/* Send what is typed until the person or the server has had enough; the event that ended it. */
static int type(void)
{
    static struct lines lines;
    char data[2048];
    for (;;) {
        int event = wait_for_event(true, -1);
        if (event != 0)
            return event;
        ssize_t got = read(0, data, sizeof data);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (lines.used > 0)
                feed(&lines, "\n", 1, handle_typed);
            return INTERRUPTED;
        }
        if (!feed(&lines, data, (size_t)got, handle_typed))
            return INTERRUPTED;
    }
}

/* FIN after everything that was typed, then wait for the server's; the event that came, 0 for none. */
static int leave(void)
{
    pthread_mutex_lock(&sending);
    quitting = true;
    pthread_mutex_unlock(&sending);
    shutdown(sock, SHUT_WR);
    int event;
    do {
        event = wait_for_event(false, PATIENCE_MS);
    } while (event == INTERRUPTED);
    return event;
}

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    int fd = socket(found->ai_family, found->ai_socktype, 0);
    struct timeval limit = {.tv_sec = PATIENCE_MS / 1000}, none = {0};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* bounds connect() as well */
    int failed = connect(fd, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
    return failed ? -1 : fd;
}

int main(int argc, char **argv)
{
    const char *host = argc > 2 ? argv[1] : "127.0.0.1", *port = argc > 2 ? argv[2] : "12001";
    struct sigaction action = {.sa_handler = on_interrupt}; /* no SA_RESTART: a blocked call must notice */
    if (pipe(events) != 0) {
        perror("pipe");
        return 1;
    }
    sigaction(SIGINT, &action, NULL);
    sock = connect_to(host, port);
    if (sock < 0) {
        if (interrupted)
            return 0;
        printf("Cannot connect to %s:%s: %s\n", host, port, errno == EINPROGRESS ? "no answer" : strerror(errno));
        return 1;
    }
    printf("Connected to %s:%s\n" PROMPT, host, port);
    fflush(stdout);

    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_t receiver;
    pthread_sigmask(SIG_BLOCK, &interrupt, NULL); /* inherited: Ctrl-C belongs to main */
    if (pthread_create(&receiver, NULL, receive, NULL) != 0)
        abort();
    pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);

    int event = type();
    if (event == INTERRUPTED)
        event = leave();
    else if (event == SERVER_CLOSED)
        printf("\nThe server has closed the connection.\n");
    if (event == SERVER_LOST || event == 0)
        printf("\nThe connection to the server was lost.\n");
    if (event == SERVER_CLOSED)
        pthread_join(receiver, NULL);
    close(sock);
    return event == SERVER_CLOSED ? 0 : 1;
}
