import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Chat server with two threads for each client: one reads, one writes what waits in a queue and sends heartbeats.
 * As in the client, every way out ends in the shutdown hook.
 */
public final class Server {
    private static final double INTERVAL =
            Double.parseDouble(System.getenv().getOrDefault("HEARTBEAT_INTERVAL", "5"));
    private static final int MISSED_LIMIT = 3;
    private static final int MOST_UNSENT = 10_000; // lines; whoever lets more pile up is dropped
    private static final int PATIENCE = 1000; // milliseconds a client has for its FIN after ours
    private static final Pattern ANSWER = Pattern.compile("HEARTBEAT-ACK ([1-9][0-9]{0,17})");
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final Set<Client> clients = ConcurrentHashMap.newKeySet();
    private final ServerSocket listener;

    private Server(ServerSocket listener) {
        this.listener = listener;
    }

    private static void say(String text) {
        OUT.print(text + "\n"); // one write, so that lines of several threads do not mix
        OUT.flush();
    }

    /** One accepted connection. */
    private final class Client {
        private final Socket socket;
        private final String name;
        private final BlockingQueue<byte[]> outgoing = new LinkedBlockingQueue<>();
        private final byte[] goodbye = new byte[0];
        private final AtomicBoolean leaving = new AtomicBoolean();
        private final CountDownLatch readToTheEnd = new CountDownLatch(1);
        private final Thread reader = new Thread(this::read);
        private final Thread writer = new Thread(this::write);
        private long sent;
        private volatile long answered;

        Client(Socket socket) {
            this.socket = socket;
            this.name = "('" + socket.getInetAddress().getHostAddress() + "', " + socket.getPort() + ")";
        }

        void start() {
            clients.add(this); // first: who is told of here gets every broadcast from now on
            say("Connected " + name);
            reader.start();
            writer.start();
        }

        void send(byte[] line) {
            outgoing.add(line);
            if (outgoing.size() > MOST_UNSENT) {
                closeNow();
            }
        }

        /** Let the writer send FIN after what is queued. */
        void leave() {
            if (leaving.compareAndSet(false, true)) {
                outgoing.add(goodbye);
            }
        }

        private void read() {
            try {
                Lines lines = new Lines(socket.getInputStream());
                for (String line; (line = lines.read(false)) != null; ) {
                    Matcher answer = ANSWER.matcher(line);
                    if (line.startsWith("MSG ")) {
                        say("Received from " + name + ": " + line.substring(4));
                    } else if (answer.matches()) {
                        answered = Math.max(answered, Long.parseLong(answer.group(1)));
                    }
                }
            } catch (IOException e) {
                // a reset is one more way to leave
            }
            readToTheEnd.countDown();
            clients.remove(this);
            leave();
            try {
                writer.join(PATIENCE);
                socket.close();
            } catch (IOException | InterruptedException e) {
                // nothing is left that could be done for this client
            }
            say("Disconnected " + name);
        }

        private void write() {
            long period = (long) (INTERVAL * 1e9);
            long nextBeat = System.nanoTime() + period;
            try {
                while (true) {
                    byte[] line = outgoing.poll(Math.max(0, nextBeat - System.nanoTime()), TimeUnit.NANOSECONDS);
                    if (line == goodbye) {
                        break;
                    }
                    if (line != null) {
                        socket.getOutputStream().write(line);
                        continue;
                    }
                    if (sent - answered >= MISSED_LIMIT) {
                        leaving.set(true);
                        break;
                    }
                    nextBeat = System.nanoTime() + period;
                    socket.getOutputStream().write(Lines.encode("HEARTBEAT " + ++sent));
                }
                socket.shutdownOutput();
                if (!readToTheEnd.await(PATIENCE, TimeUnit.MILLISECONDS)) {
                    closeNow();
                }
            } catch (IOException | InterruptedException e) {
                closeNow();
            }
        }

        /** Also wakes up the reader. */
        private void closeNow() {
            try {
                socket.close();
            } catch (IOException e) {
                // it is closed already
            }
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = listener.accept();
                socket.setTcpNoDelay(true);
                new Client(socket).start();
            }
        } catch (SocketException e) {
            // the listener was closed: we are leaving
        } catch (IOException e) {
            say("Cannot accept: " + e.getMessage());
        }
    }

    private void type() throws IOException {
        Lines keyboard = new Lines(System.in);
        for (String text; (text = keyboard.read(true)) != null && !text.equals("/quit"); ) {
            byte[] line = Lines.encode("BROADCAST " + text);
            if (line == null) {
                say("That line is too long, it was not sent.");
            } else {
                clients.forEach(client -> client.send(line));
            }
        }
    }

    /** The shutdown hook: part from every client, then exit with status 0 whatever the signal was. */
    private void leave() {
        try {
            listener.close();
            for (Client client : clients) {
                client.leave();
            }
            long deadline = System.nanoTime() + 2 * PATIENCE * 1_000_000L;
            for (Client client : Set.copyOf(clients)) {
                client.reader.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
            }
        } catch (IOException | InterruptedException e) {
            say("Cannot close: " + e.getMessage());
        }
        OUT.flush();
        Runtime.getRuntime().halt(0);
    }

    public static void main(String[] args) throws IOException {
        String host = args.length > 1 ? args[0] : "127.0.0.1";
        int port = args.length > 1 ? Integer.parseInt(args[1]) : 12001;
        ServerSocket listener = new ServerSocket();
        try {
            listener.setReuseAddress(true);
            listener.bind(new InetSocketAddress(InetAddress.getByName(host), port));
        } catch (IOException e) {
            say("Cannot listen on " + host + ":" + port + ": " + e.getMessage());
            System.exit(1);
        }
        Server server = new Server(listener);
        Runtime.getRuntime().addShutdownHook(new Thread(server::leave));
        say("Listening on " + host + ":" + port);
        Thread acceptor = new Thread(server::accept);
        acceptor.setDaemon(true);
        acceptor.start();
        server.type();
        System.exit(0);
    }
}
