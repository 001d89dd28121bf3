/* Chat server in C: a thread for each client, one for the heartbeats, main() reads the keyboard. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MOST 64

struct client {
    int sock;
    int port;
    int sent, answered;
    int leaving, ended;
    pthread_t thread;
};

static struct client clients[MOST];
static int count;
static int listener;
static double interval = 5;
static volatile sig_atomic_t quitting;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void on_interrupt(int number)
{
    (void)number;
    quitting = 1;
}

/* Send one line; the lock is held. A client that reads nothing for a second is cut off. */
static void send_line(struct client *client, const char *line)
{
    if (!client->leaving && send(client->sock, line, strlen(line), 0) < (ssize_t)strlen(line)) {
        client->leaving = 1;
        shutdown(client->sock, SHUT_RDWR);
    }
}

static void leave(struct client *client)
{
    if (!client->leaving) {
        client->leaving = 1;
        shutdown(client->sock, SHUT_WR);
    }
}

static void handle(struct client *client, const char *line)
{
    int number;
    if (strncmp(line, "MSG ", 4) == 0) {
        printf("Received from ('127.0.0.1', %d): %s\n", client->port, line + 4);
        fflush(stdout);
    } else if (sscanf(line, "HEARTBEAT-ACK %d", &number) == 1) {
        pthread_mutex_lock(&lock);
        if (number > client->answered && number <= client->sent)
            client->answered = number;
        pthread_mutex_unlock(&lock);
    }
}

static void *serve(void *argument)
{
    struct client *client = argument;
    char data[1024], line[4096];
    size_t used = 0;
    ssize_t length;
    while ((length = recv(client->sock, data, sizeof data, 0)) > 0) {
        for (ssize_t i = 0; i < length; i++) {
            if (data[i] != '\n') {
                if (used < sizeof line - 1)
                    line[used++] = data[i];
                continue;
            }
            line[used] = '\0';
            line[strcspn(line, "\r")] = '\0';
            used = 0;
            handle(client, line);
        }
    }
    pthread_mutex_lock(&lock);
    if (length == 0) {
        leave(client);
        close(client->sock);
        client->leaving = 1;
    }
    client->ended = 1;
    pthread_mutex_unlock(&lock);
    printf("Disconnected ('127.0.0.1', %d)\n", client->port);
    fflush(stdout);
    return NULL;
}

static void *beat(void *unused)
{
    struct timespec pause = {.tv_sec = (time_t)interval, .tv_nsec = (long)((interval - (time_t)interval) * 1e9)};
    char line[64];
    for (;;) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&lock);
        for (int i = 0; i < count; i++) {
            struct client *client = &clients[i];
            if (client->leaving || client->ended)
                continue;
            if (client->sent - client->answered >= 3) {
                leave(client);
                continue;
            }
            snprintf(line, sizeof line, "HEARTBEAT %d\n", ++client->sent);
            send_line(client, line);
        }
        pthread_mutex_unlock(&lock);
    }
    return unused;
}

static void *accept_clients(void *unused)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int sock;
    while ((sock = accept(listener, (struct sockaddr *)&address, &size)) >= 0 && count < MOST) {
        struct timeval limit = {.tv_sec = 1};
        setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        pthread_mutex_lock(&lock);
        struct client *client = &clients[count++];
        client->sock = sock;
        client->port = ntohs(address.sin_port);
        printf("Connected ('127.0.0.1', %d)\n", client->port);
        fflush(stdout);
        pthread_create(&client->thread, NULL, serve, client);
        pthread_mutex_unlock(&lock);
    }
    return unused;
}

int main(int argc, char **argv)
{
    const char *host = argc > 2 ? argv[1] : "127.0.0.1";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(argc > 2 ? atoi(argv[2]) : 12001)};
    struct sigaction action = {.sa_handler = on_interrupt};
    char line[4096], message[4200];
    pthread_t thread;
    sigset_t interrupt;
    int on = 1;

    if (getenv("HEARTBEAT_INTERVAL"))
        interval = atof(getenv("HEARTBEAT_INTERVAL"));
    sigaction(SIGINT, &action, NULL);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    inet_pton(AF_INET, host, &address.sin_addr);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 16) < 0) {
        printf("Cannot listen on %s:%d: %s\n", host, ntohs(address.sin_port), strerror(errno));
        return 1;
    }
    printf("Listening on %s:%d\n", host, ntohs(address.sin_port));
    fflush(stdout);
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, NULL); /* Ctrl-C is for the main thread */
    pthread_create(&thread, NULL, accept_clients, NULL);
    pthread_create(&thread, NULL, beat, NULL);
    pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);

    while (!quitting && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "/quit") == 0)
            break;
        snprintf(message, sizeof message, "BROADCAST %s\n", line);
        pthread_mutex_lock(&lock);
        for (int i = 0; i < count; i++)
            send_line(&clients[i], message);
        pthread_mutex_unlock(&lock);
    }
    signal(SIGINT, SIG_IGN);
    pthread_mutex_lock(&lock);
    int leaving = count;
    for (int i = 0; i < leaving; i++)
        leave(&clients[i]);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < leaving; i++) {
        struct timespec patience = {.tv_sec = time(NULL) + 2};
        pthread_timedjoin_np(clients[i].thread, NULL, &patience);
    }
    return 0;
}
