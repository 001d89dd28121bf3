//! Chat server in Rust, standard library only: a reading and a writing thread for each client, bounded channels between.
//!
//! A client's writer owns what goes out to it: lines from its channel and the heartbeats in between. A client
//! whose channel is full reads too slowly and is dropped; nobody waits for it.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::mpsc::{channel, sync_channel, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const LONGEST_LINE: usize = 4096;
const MISSED_LIMIT: u64 = 3;
const MOST_UNSENT: usize = 4096; // lines
const PATIENCE: Duration = Duration::from_secs(1);
const SIGINT: i32 = 2;

extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn write(fd: i32, data: *const u8, length: usize) -> isize;
}

static BELL: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_interrupt(_: i32) {
    unsafe { write(BELL.load(Ordering::Relaxed), b"!".as_ptr(), 1) };
}

fn say(text: &str) {
    let mut screen = io::stdout().lock();
    let _ = screen.write_all(format!("{text}\n").as_bytes());
    let _ = screen.flush();
}

enum Order {
    Send(Arc<[u8]>),
    Leave,
}

struct Seat {
    orders: SyncSender<Order>,
    stream: TcpStream,
}

/// Everybody who is connected, by the number of their visit.
struct Room {
    seats: Mutex<HashMap<u64, Seat>>,
    empty: Condvar,
}

impl Room {
    fn broadcast(&self, line: &[u8]) {
        let line: Arc<[u8]> = line.into();
        for seat in self.seats.lock().unwrap().values() {
            if seat.orders.try_send(Order::Send(line.clone())).is_err() {
                let _ = seat.stream.shutdown(Shutdown::Both); // reads far too slowly: its two threads end by this
            }
        }
    }

    fn see_everybody_off(&self) {
        let end = Instant::now() + 2 * PATIENCE;
        let mut seats = self.seats.lock().unwrap();
        for seat in seats.values() {
            let _ = seat.orders.try_send(Order::Leave);
        }
        while !seats.is_empty() && Instant::now() < end {
            seats = self.empty.wait_timeout(seats, end.saturating_duration_since(Instant::now())).unwrap().0;
        }
    }
}

fn name(address: SocketAddr) -> String {
    format!("('{}', {})", address.ip(), address.port())
}

/// Lines with their end, until end-of-file or an error; what is too long or cut off is left out.
fn each_line(source: impl Read, mut handle: impl FnMut(&[u8])) {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    let mut skipping = false;
    loop {
        line.clear();
        match source.by_ref().take(LONGEST_LINE as u64).read_until(b'\n', &mut line) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) | Ok(0) => return,
            Ok(_) => {
                let whole = line.last() == Some(&b'\n');
                if whole && !skipping {
                    handle(line.strip_suffix(b"\r\n").unwrap_or(&line[..line.len() - 1]));
                }
                skipping = !whole;
            }
        }
    }
}

fn read(stream: TcpStream, who: &str, answered: &AtomicU64) {
    each_line(stream, |line| {
        let text = String::from_utf8_lossy(line);
        if let Some(said) = text.strip_prefix("MSG ") {
            say(&format!("Received from {who}: {said}"));
        } else if let Some(number) = text.strip_prefix("HEARTBEAT-ACK ").and_then(|word| word.parse().ok()) {
            answered.fetch_max(number, Ordering::Relaxed);
        }
    });
}

fn write_to(mut stream: &TcpStream, orders: Receiver<Order>, interval: Duration, answered: &AtomicU64) -> io::Result<()> {
    let mut sent = 0;
    let mut next = Instant::now() + interval;
    loop {
        match orders.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Order::Send(line)) => stream.write_all(&line)?,
            Ok(Order::Leave) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                if sent - answered.load(Ordering::Relaxed).min(sent) >= MISSED_LIMIT {
                    break;
                }
                sent += 1;
                next += interval;
                stream.write_all(format!("HEARTBEAT {sent}\n").as_bytes())?;
            }
        }
    }
    stream.shutdown(Shutdown::Write)
}

fn visit(stream: TcpStream, who: String, room: Arc<Room>, visit: u64, orders: Receiver<Order>, interval: Duration) {
    let answered = Arc::new(AtomicU64::new(0));
    let (done, over): (Sender<()>, Receiver<()>) = channel();
    let reader = {
        let (answered, who, orders) = (answered.clone(), who.clone(), room.seats.lock().unwrap()[&visit].orders.clone());
        let stream = stream.try_clone();
        thread::spawn(move || {
            if let Ok(stream) = stream {
                read(stream, &who, &answered);
            }
            let _ = done.send(());
            let _ = orders.try_send(Order::Leave); // at once: a heartbeat to one who has closed would bring RST
        })
    };
    let fine = write_to(&stream, orders, interval, &answered).is_ok();
    if !fine || over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
        let _ = stream.shutdown(Shutdown::Both);
    }
    let _ = reader.join();
    drop(stream);
    let mut seats = room.seats.lock().unwrap();
    seats.remove(&visit);
    say(&format!("Disconnected {who}"));
    room.empty.notify_all();
}

fn accept(listener: TcpListener, room: Arc<Room>, interval: Duration) {
    for number in 0.. {
        let Ok((stream, address)) = listener.accept() else { continue };
        let _ = stream.set_nodelay(true);
        let (orders, waiting) = sync_channel(MOST_UNSENT);
        let Ok(own) = stream.try_clone() else { continue };
        room.seats.lock().unwrap().insert(number, Seat { orders, stream: own });
        say(&format!("Connected {}", name(address)));
        let room = room.clone();
        thread::spawn(move || visit(stream, name(address), room, number, waiting, interval));
    }
}

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().collect();
    let host = given.get(1).map_or("127.0.0.1", String::as_str);
    let port = given.get(2).map_or("12001", String::as_str);
    let seconds = std::env::var("HEARTBEAT_INTERVAL").ok().and_then(|text| text.parse().ok()).unwrap_or(5.0);
    let listener = match TcpListener::bind(format!("{host}:{port}")) {
        Ok(listener) => listener, // std sets SO_REUSEADDR
        Err(error) => {
            say(&format!("Cannot listen on {host}:{port}: {error}"));
            return ExitCode::from(1);
        }
    };
    let (mut alarm, bell) = UnixStream::pair().expect("a socket pair");
    BELL.store(bell.as_raw_fd(), Ordering::Relaxed);
    unsafe { signal(SIGINT, on_interrupt) };
    say(&format!("Listening on {host}:{port}"));

    let room = Arc::new(Room { seats: Mutex::new(HashMap::new()), empty: Condvar::new() });
    let guests = room.clone();
    thread::spawn(move || accept(listener, guests, Duration::from_secs_f64(seconds)));

    let (end, ending) = channel();
    let pressed = end.clone();
    thread::spawn(move || {
        let _ = alarm.read(&mut [0]);
        let _ = pressed.send(());
    });
    let guests = room.clone();
    thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            let Ok(typed) = line else { break };
            if typed == b"/quit" {
                break;
            }
            let line = [b"BROADCAST ", typed.as_slice(), b"\n"].concat();
            if line.len() > LONGEST_LINE {
                say("That line is too long, it was not sent.");
            } else {
                guests.broadcast(&line);
            }
        }
        let _ = end.send(());
    });
    let _ = ending.recv();
    room.see_everybody_off();
    ExitCode::SUCCESS
}
