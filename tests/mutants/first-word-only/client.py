"""A chat client as a class."""

import os
import signal
import socket
import sys
import threading

SERVER = ("127.0.0.1", 12001)


class ChatClient:
    prompt = "Enter message to send: "

    def __init__(self, address):
        self.sock = socket.create_connection(address, timeout=5)
        self.sock.settimeout(None)
        self.closing = False
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.receiver, name="receiver", daemon=True)

    def send(self, kind, text):
        data = f"{kind} {text}\n".encode(errors="replace")
        with self.lock:
            if not self.closing:
                self.sock.sendall(data)

    def leave_now(self, reason, status):
        """End the whole process, also when the main thread waits for the keyboard."""
        with self.lock:
            if self.closing and status == 0:
                return
            sys.stdout.write(f"\n{reason}\n")
            sys.stdout.flush()
            self.sock.close()
            os._exit(status)

    def receiver(self):
        try:
            with self.sock.makefile("r", encoding="utf-8", errors="replace", newline="\n") as stream:
                for line in stream:
                    if line.endswith("\n"):
                        self.dispatch(line.rstrip("\r\n"))
        except OSError:
            self.leave_now("Connection to the server lost", 1)
        self.leave_now("Server closed the connection", 0)

    def dispatch(self, line):
        kind, blank, rest = line.partition(" ")
        if kind == "HEARTBEAT" and rest.isdecimal() and rest.isascii():
            self.send("HEARTBEAT-ACK", rest)
        elif kind == "BROADCAST" and blank:
            sys.stdout.write(f"\nBroadcast: {rest}\n{self.prompt}")
            sys.stdout.flush()

    def chat(self):
        self.thread.start()
        try:
            while (text := input(self.prompt)) != "/quit":
                words = text.split()
                self.send("MSG", words[0] if words else "")
        except (KeyboardInterrupt, EOFError):
            print()
        except OSError:
            self.leave_now("Connection to the server lost", 1)
        self.close()

    def close(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with self.lock:
            self.closing = True
            self.sock.shutdown(socket.SHUT_WR)
        self.thread.join(5)
        self.sock.close()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        SERVER = (sys.argv[1], int(sys.argv[2]))
    try:
        client = ChatClient(SERVER)
    except OSError as error:
        sys.exit(print(f"No server at {SERVER[0]}:{SERVER[1]} ({error})") or 1)
    print(f"Connected to {SERVER[0]}:{SERVER[1]}")
    client.chat()
