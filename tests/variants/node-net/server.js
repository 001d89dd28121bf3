'use strict';

// Chat server: one event loop, a timer for each client's heartbeats.

const net = require('node:net');
const readline = require('node:readline');
const { splitLines, encodeLine } = require('./lines.js');

const host = process.argv[2] ?? '127.0.0.1';
const port = Number(process.argv[3] ?? 12001);
const INTERVAL = 1000 * Number(process.env.HEARTBEAT_INTERVAL ?? 5);
const MISSED_LIMIT = 3;
const PATIENCE = 1000; // milliseconds a client has for its FIN after ours

const clients = new Set();

class Client {
  constructor(socket) {
    this.socket = socket;
    this.name = `('${socket.remoteAddress}', ${socket.remotePort})`;
    this.sent = 0;
    this.answered = 0;
    this.leaving = false;
    console.log(`Connected ${this.name}`);
    clients.add(this);
    this.timer = setInterval(() => this.beat(), INTERVAL);
    socket.setNoDelay(true);
    socket.on('data', splitLines((line) => this.received(line)));
    socket.on('end', () => (this.leaving = true)); // node answers with our FIN
    socket.on('error', () => {}); // a reset is one more way to leave: 'close' follows
    socket.on('close', () => this.gone());
    this.beat(); // the first one goes out at once
  }

  send(line) {
    if (!this.leaving) this.socket.write(line);
  }

  beat() {
    if (this.sent - this.answered >= MISSED_LIMIT) {
      this.leave();
      return;
    }
    this.sent += 1;
    this.send(encodeLine(`HEARTBEAT ${this.sent}`));
  }

  received(line) {
    const answer = /^HEARTBEAT-ACK ([1-9][0-9]*)$/.exec(line);
    if (line.startsWith('MSG ')) {
      console.log(`Received from ${this.name}: ${line.slice(4)}`);
    } else if (answer !== null && Number(answer[1]) <= this.sent) {
      this.answered = Math.max(this.answered, Number(answer[1]));
    }
  }

  leave() {
    clearInterval(this.timer);
    if (this.leaving) return;
    this.leaving = true;
    this.socket.end();
    this.timer = setTimeout(() => this.socket.destroy(), PATIENCE);
  }

  gone() {
    clearInterval(this.timer);
    clearTimeout(this.timer);
    clients.delete(this);
    console.log(`Disconnected ${this.name}`);
  }
}

let stopping = false;

function stop() {
  if (stopping) return;
  stopping = true;
  keyboard.close();
  listener.close();
  for (const client of clients) client.leave();
}

function typed(text) {
  if (stopping) return;
  if (text === '/quit') {
    stop();
    return;
  }
  const line = encodeLine(`BROADCAST ${text}`);
  if (line === null) console.log('That line is too long, it was not sent.');
  else for (const client of clients) client.send(line);
}

const keyboard = readline.createInterface({ input: process.stdin, terminal: false });
keyboard.pause(); // until we listen

const listener = net.createServer((socket) => {
  const client = new Client(socket);
  if (stopping) client.leave();
});

listener.on('error', (error) => {
  console.log(`Cannot listen on ${host}:${port}: ${error.message}`);
  process.exit(1);
});

listener.listen({ host, port }, () => {
  console.log(`Listening on ${host}:${port}`);
  keyboard.on('line', typed);
  keyboard.resume();
  keyboard.on('close', stop); // Ctrl-D
});

process.on('SIGINT', stop);
