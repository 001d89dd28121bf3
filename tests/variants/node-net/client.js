'use strict';

// Chat client: readline draws the prompt (in raw mode, with escape sequences), the event loop does the rest.

const net = require('node:net');
const readline = require('node:readline');
const { splitLines, encodeLine } = require('./lines.js');

const host = process.argv[2] ?? '127.0.0.1';
const port = Number(process.argv[3] ?? 12001);
const PATIENCE = 5000; // milliseconds, for a server that does not answer

let terminal = null;
let quitting = false;
let failure = null;

const socket = net.connect({ host, port, noDelay: true });
let patience = setTimeout(() => socket.destroy(new Error('no answer')), PATIENCE);

function show(text) {
  readline.cursorTo(process.stdout, 0);
  readline.clearScreenDown(process.stdout);
  process.stdout.write(`${text}\n`);
  if (!quitting) terminal.prompt(true); // keeps what is typed so far
}

function quit() {
  if (quitting) return;
  quitting = true;
  terminal.close();
  socket.end(); // FIN once everything is written
  patience = setTimeout(() => socket.destroy(new Error('no answer')), PATIENCE);
}

function typed(text) {
  if (quitting) return;
  if (text === '/quit') {
    quit();
    return;
  }
  const line = encodeLine(`MSG ${text}`);
  if (line === null) console.log('That line is too long, it was not sent.');
  else socket.write(line);
  terminal.prompt();
}

function received(line) {
  const heartbeat = /^HEARTBEAT ([0-9]+)$/.exec(line);
  if (heartbeat !== null) {
    if (!quitting) socket.write(encodeLine(`HEARTBEAT-ACK ${heartbeat[1]}`));
  } else if (line.startsWith('BROADCAST ')) {
    show(`Broadcast: ${line.slice('BROADCAST '.length)}`);
  }
}

socket.on('connect', () => {
  clearTimeout(patience);
  console.log(`Connected to ${host}:${port}`);
  terminal = readline.createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: 'Enter message to send: ',
  });
  terminal.on('line', typed);
  terminal.on('close', quit); // Ctrl-D
  terminal.on('SIGINT', quit); // Ctrl-C in raw mode
  terminal.prompt();
});

socket.on('data', splitLines(received));

socket.on('end', () => {
  if (quitting) return;
  quitting = true;
  console.log('\nThe server has closed the connection.');
});

socket.on('error', (error) => {
  failure = error;
});

socket.on('close', () => {
  clearTimeout(patience);
  if (failure !== null) {
    const what = terminal === null ? `Cannot connect to ${host}:${port}` : '\nThe connection to the server was lost';
    console.log(`${what}: ${failure.message}`);
    process.exitCode = 1;
  }
  quitting = true;
  if (terminal !== null) terminal.close();
  process.stdin.unref?.();
});

process.on('SIGINT', () => (terminal === null ? process.exit(0) : quit()));
