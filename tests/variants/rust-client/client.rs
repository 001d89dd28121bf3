//! Chat client in Rust, standard library only: three threads report to main over a channel.
//!
//! Keyboard, socket and Ctrl-C each have a thread that sends an `Event`; main owns every decision.
//! Ctrl-C arrives through a socket pair, because a signal handler may do little more than write().

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{channel, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

const PROMPT: &str = "Enter message to send: ";
const LONGEST_LINE: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(5);
const SIGINT: i32 = 2;

enum Event {
    Typed(Vec<u8>),
    Quit,
    Heartbeat(String),
    Broadcast(String),
    ServerClosed,
    ServerLost(io::Error),
}

extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn write(fd: i32, data: *const u8, length: usize) -> isize;
}

static BELL: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_interrupt(_: i32) {
    unsafe { write(BELL.load(Ordering::Relaxed), b"!".as_ptr(), 1) };
}

fn show(text: &str) {
    let mut screen = io::stdout().lock();
    let _ = screen.write_all(text.as_bytes());
    let _ = screen.flush();
}

/// The next line without its end; None at end-of-file. A line that is too long comes as an empty one.
fn next_line(source: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if source.take(LONGEST_LINE as u64).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && line.len() == LONGEST_LINE {
        let mut rest = Vec::new();
        source.read_until(b'\n', &mut rest)?;
        return Ok(Some(Vec::new()));
    }
    Ok(Some(line))
}

fn listen_to_keyboard(events: Sender<Event>) {
    let mut keyboard = io::stdin().lock();
    while let Ok(Some(mut line)) = next_line(&mut keyboard) {
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line == b"/quit" || events.send(Event::Typed(line)).is_err() {
            break;
        }
    }
    let _ = events.send(Event::Quit);
}

fn listen_to_server(stream: TcpStream, events: Sender<Event>) {
    let mut source = BufReader::new(stream);
    loop {
        let event = match next_line(&mut source) {
            Ok(Some(line)) if line.last() == Some(&b'\n') => match understand(&line) {
                Some(event) => event,
                None => continue,
            },
            Ok(Some(_)) => continue, // cut off by the end of the stream, or too long
            Ok(None) => Event::ServerClosed,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Event::ServerLost(error),
        };
        let last = matches!(event, Event::ServerClosed | Event::ServerLost(_));
        if events.send(event).is_err() || last {
            return;
        }
    }
}

fn understand(line: &[u8]) -> Option<Event> {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\r', '\n']);
    if let Some(number) = text.strip_prefix("HEARTBEAT ") {
        let right = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        return right.then(|| Event::Heartbeat(number.to_string()));
    }
    text.strip_prefix("BROADCAST ").map(|said| Event::Broadcast(said.to_string()))
}

fn connect(host: &str, port: &str) -> io::Result<TcpStream> {
    let address = format!("{host}:{port}").to_socket_addrs()?.next();
    let address = address.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such host"))?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().collect();
    let host = given.get(1).map_or("127.0.0.1", String::as_str);
    let port = given.get(2).map_or("12001", String::as_str);
    let stream = match connect(host, port) {
        Ok(stream) => stream,
        Err(error) => {
            show(&format!("Cannot connect to {host}:{port}: {error}\n"));
            return ExitCode::from(1);
        }
    };
    match chat(stream, &format!("Connected to {host}:{port}\n{PROMPT}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show(&format!("\nThe connection to the server was lost: {error}\n"));
            ExitCode::from(1)
        }
    }
}

fn chat(mut stream: TcpStream, welcome: &str) -> io::Result<()> {
    let (events, inbox) = channel();
    let (mut alarm, bell) = UnixStream::pair()?;
    BELL.store(bell.as_raw_fd(), Ordering::Relaxed);
    unsafe { signal(SIGINT, on_interrupt) };
    show(welcome);

    let (from_keyboard, from_alarm, reader) = (events.clone(), events.clone(), stream.try_clone()?);
    thread::spawn(move || listen_to_keyboard(from_keyboard));
    thread::spawn(move || listen_to_server(reader, events));
    thread::spawn(move || {
        let mut byte = [0];
        while let Ok(1) = alarm.read(&mut byte) {
            let _ = from_alarm.send(Event::Quit);
        }
    });

    let mut deadline: Option<Instant> = None; // set once our FIN is out
    loop {
        let wait = deadline.map_or(Duration::from_secs(3600), |end| end.saturating_duration_since(Instant::now()));
        match inbox.recv_timeout(wait) {
            Ok(Event::Typed(line)) if deadline.is_none() => {
                let line = [b"MSG ", line.as_slice(), b"\n"].concat();
                if line.len() > LONGEST_LINE {
                    show("That line is too long, it was not sent.\n");
                } else {
                    stream.write_all(&line)?;
                }
                show(PROMPT);
            }
            Ok(Event::Heartbeat(number)) if deadline.is_none() => {
                stream.write_all(format!("HEARTBEAT-ACK {number}\n").as_bytes())?;
            }
            Ok(Event::Broadcast(said)) => show(&format!("\nBroadcast: {said}\n{PROMPT}")),
            Ok(Event::Quit) if deadline.is_none() => {
                stream.shutdown(Shutdown::Write)?;
                deadline = Some(Instant::now() + PATIENCE);
            }
            Ok(Event::ServerClosed) => {
                if deadline.is_none() {
                    show("\nThe server has closed the connection.\n");
                }
                return Ok(());
            }
            Ok(Event::ServerLost(error)) => return Err(error),
            Ok(_) => {} // typed or asked for after our FIN
            Err(RecvTimeoutError::Timeout) if deadline.is_none() => {}
            Err(_) => return Err(io::Error::new(io::ErrorKind::TimedOut, "no answer")),
        }
    }
}
