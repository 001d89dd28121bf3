/* Chat client in C: a thread reads the socket line by line. */
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

#define PROMPT "Enter message to send: "

static int sock;
static volatile sig_atomic_t quitting;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void on_interrupt(int number)
{
    (void)number;
    quitting = 1;
}

static int send_text(const char *text)
{
    size_t length = strlen(text), done = 0;
    pthread_mutex_lock(&lock);
    while (!quitting && done < length) {
        ssize_t sent = send(sock, text + done, length - done, MSG_NOSIGNAL);
        if (sent < 0)
            break;
        done += (size_t)sent;
    }
    pthread_mutex_unlock(&lock);
    return done == length || quitting;
}

static void lost(void)
{
    printf("\nLost the connection to the server.\n");
    fflush(stdout);
    _exit(1);
}

static void *receiver(void *unused)
{
    char data[1024], line[4096], answer[64];
    size_t used = 0;
    ssize_t length, i;
    int number;
    while ((length = recv(sock, data, sizeof data, 0)) > 0) {
        for (i = 0; i < length; i++) {
            if (data[i] != '\n') {
                if (used < sizeof line - 1)
                    line[used++] = data[i];
                continue;
            }
            line[used] = '\0';
            line[strcspn(line, "\r")] = '\0';
            used = 0;
            if (sscanf(line, "HEARTBEAT %d", &number) == 1) {
                snprintf(answer, sizeof answer, "HEARTBEAT-ACK %d\n", number);
                if (!send_text(answer))
                    lost();
            } else if (strncmp(line, "BROADCAST ", 10) == 0) {
                printf("\nBroadcast: %s\n" PROMPT, line + 10);
                fflush(stdout);
            }
        }
    }
    if (length < 0)
        lost();
    if (!quitting) {
        printf("\nThe server has closed the connection.\n");
        fflush(stdout);
        close(sock);
        _exit(0);
    }
    return unused;
}

int main(int argc, char **argv)
{
    const char *host = argc > 2 ? argv[1] : "127.0.0.1";
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(argc > 2 ? atoi(argv[2]) : 12001)};
    struct sigaction action = {.sa_handler = on_interrupt};
    struct timeval limit = {.tv_sec = 5};
    char line[128], message[160];
    pthread_t thread;
    sigset_t interrupt;

    sigaction(SIGINT, &action, NULL);
    sock = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    inet_pton(AF_INET, host, &server.sin_addr);
    if (connect(sock, (struct sockaddr *)&server, sizeof server) < 0) {
        if (quitting)
            return 0;
        printf("Cannot connect to %s: %s\n", host, strerror(errno));
        return 1;
    }
    printf("Connected to %s:%d\n", host, ntohs(server.sin_port));
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, NULL); /* Ctrl-C is for the main thread */
    pthread_create(&thread, NULL, receiver, NULL);
    pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);

    while (!quitting) {
        printf(PROMPT);
        fflush(stdout);
        if (fgets(line, sizeof line, stdin) == NULL)
            break;
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "/quit") == 0)
            break;
        snprintf(message, sizeof message, "MSG %s\n", line);
        if (!send_text(message))
            lost();
    }
    pthread_mutex_lock(&lock);
    quitting = 1;
    pthread_mutex_unlock(&lock);
    shutdown(sock, SHUT_WR);
    struct timespec patience = {.tv_sec = time(NULL) + 5};
    pthread_timedjoin_np(thread, NULL, &patience);
    close(sock);
    return 0;
}
