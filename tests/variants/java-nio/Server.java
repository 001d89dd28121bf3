import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Chat server with one selector for all: accepting, reading, writing, and the clock of every client. */
public final class Server {
    private static final long INTERVAL =
            (long) (1e9 * Double.parseDouble(System.getenv().getOrDefault("HEARTBEAT_INTERVAL", "5")));
    private static final int LONGEST_LINE = 4096;
    private static final int MISSED_LIMIT = 3;
    private static final int MOST_UNSENT = 10_000; // lines; whoever lets more pile up is dropped
    private static final long PATIENCE = 1_000_000_000L; // nanoseconds a client has for its FIN after ours
    private static final Pattern ANSWER = Pattern.compile("HEARTBEAT-ACK ([1-9][0-9]{0,17})");
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final Selector selector = Selector.open();
    private final ServerSocketChannel listener = ServerSocketChannel.open();
    private final List<Client> clients = new ArrayList<>();
    private final ByteBuffer arriving = ByteBuffer.allocate(65536);
    private volatile boolean interrupted;
    private boolean stopping;

    private Server(String host, int port) throws IOException {
        listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        listener.bind(new InetSocketAddress(host, port));
        listener.configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
    }

    /** One accepted connection. */
    private final class Client {
        private final SocketChannel channel;
        private final SelectionKey key;
        private final String name;
        private final ByteArrayOutputStream line = new ByteArrayOutputStream();
        private final Deque<ByteBuffer> leaving = new ArrayDeque<>();
        private long sent;
        private long answered;
        private long due = System.nanoTime() + INTERVAL; // of the next heartbeat; of the end, once parting
        private boolean parting;
        private boolean finSent;

        Client(SocketChannel channel) throws IOException {
            this.channel = channel;
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            key = channel.register(selector, SelectionKey.OP_READ, this);
            InetSocketAddress address = (InetSocketAddress) channel.getRemoteAddress();
            name = "('" + address.getAddress().getHostAddress() + "', " + address.getPort() + ")";
        }

        void send(String text) {
            if (!parting) {
                leaving.add(ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8)));
                if (leaving.size() > MOST_UNSENT) {
                    remove();
                } else {
                    write();
                }
            }
        }

        void part() {
            if (!parting) {
                parting = true;
                due = System.nanoTime() + PATIENCE;
                write();
            }
        }

        void tick() {
            if (due - System.nanoTime() > 0) {
                return;
            }
            if (parting) {
                remove();
            } else if (sent - answered >= MISSED_LIMIT) {
                part();
            } else {
                due = System.nanoTime() + INTERVAL;
                send("HEARTBEAT " + ++sent);
            }
        }

        void write() {
            try {
                while (!leaving.isEmpty()) {
                    channel.write(leaving.peek());
                    if (leaving.peek().hasRemaining()) {
                        break;
                    }
                    leaving.remove();
                }
                key.interestOps(SelectionKey.OP_READ | (leaving.isEmpty() ? 0 : SelectionKey.OP_WRITE));
                if (parting && leaving.isEmpty() && !finSent) {
                    finSent = true;
                    channel.shutdownOutput();
                }
            } catch (IOException e) {
                remove();
            }
        }

        void read() {
            try {
                int count;
                while ((count = channel.read(arriving.clear())) > 0) {
                    for (int i = 0; i < count; i++) {
                        byte octet = arriving.get(i);
                        if (octet != '\n') {
                            if (line.size() < LONGEST_LINE) {
                                line.write(octet);
                            }
                            continue;
                        }
                        if (line.size() < LONGEST_LINE) {
                            understand(line.toString(StandardCharsets.UTF_8));
                        }
                        line.reset();
                    }
                }
                if (count < 0) {
                    remove();
                }
            } catch (IOException e) {
                remove(); // a reset is one more way to leave
            }
        }

        private void understand(String text) {
            text = text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
            Matcher answer = ANSWER.matcher(text);
            if (text.startsWith("MSG ")) {
                say("Received from " + name + ": " + text.substring("MSG ".length()));
            } else if (answer.matches()) {
                long number = Long.parseLong(answer.group(1));
                answered = number <= sent ? Math.max(answered, number) : answered;
            }
        }

        void remove() {
            if (clients.remove(this)) {
                try {
                    channel.close();
                } catch (IOException e) {
                    // it is gone in any case
                }
                say("Disconnected " + name);
            }
        }
    }

    private static void say(String text) {
        OUT.print(text + "\n");
        OUT.flush();
    }

    private void accept() throws IOException {
        for (SocketChannel channel; (channel = listener.accept()) != null; ) {
            Client client = new Client(channel);
            clients.add(client);
            say("Connected " + client.name);
        }
    }

    private void stop() throws IOException {
        if (!stopping) {
            stopping = true;
            accept(); // closing the listener would reset those who wait at the door
            listener.close();
            List.copyOf(clients).forEach(Client::part);
        }
    }

    private void run() throws IOException {
        Keyboard keyboard = new Keyboard(selector);
        while (!stopping || !clients.isEmpty()) {
            if (interrupted) {
                stop();
            }
            if (!stopping) {
                accept();
            }
            for (String text; (text = keyboard.poll()) != null; ) {
                if (text.equals(Keyboard.QUIT)) {
                    stop();
                } else if (("BROADCAST " + text + "\n").getBytes(StandardCharsets.UTF_8).length > LONGEST_LINE) {
                    say("That line is too long, it was not sent.");
                } else {
                    for (Client client : List.copyOf(clients)) {
                        client.send("BROADCAST " + text);
                    }
                }
            }
            List.copyOf(clients).forEach(Client::tick);
            if (stopping && clients.isEmpty()) {
                break;
            }
            long soonest = Long.MAX_VALUE;
            for (Client client : clients) {
                soonest = Math.min(soonest, client.due - System.nanoTime());
            }
            long wait = clients.isEmpty() ? 0 : Math.max(1, soonest / 1_000_000 + 1); // milliseconds; 0: no limit
            selector.select(interrupted && !stopping ? 1 : wait);
            for (SelectionKey key : selector.selectedKeys()) {
                if (key.attachment() instanceof Client client) {
                    if (key.isValid() && key.isWritable()) {
                        client.write();
                    }
                    if (key.isValid() && key.isReadable()) {
                        client.read();
                    }
                }
            }
            selector.selectedKeys().clear();
        }
    }

    public static void main(String[] args) throws IOException {
        String host = args.length > 1 ? args[0] : "127.0.0.1";
        int port = args.length > 1 ? Integer.parseInt(args[1]) : 12001;
        Server server;
        try {
            server = new Server(host, port);
        } catch (IOException e) {
            say("Cannot listen on " + host + ":" + port + ": " + e.getMessage());
            System.exit(1);
            return;
        }
        Thread network = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> { // Ctrl-C, or our own exit()
            server.interrupted = true;
            server.selector.wakeup();
            try {
                network.join(5_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            OUT.flush();
            Runtime.getRuntime().halt(0); // the JVM's own status after Ctrl-C would be 130
        }));
        say("Listening on " + host + ":" + port);
        server.run();
        // main() may not call exit(), which waits for the hook, which waits for main()
        new Thread(() -> System.exit(0)).start();
    }
}
