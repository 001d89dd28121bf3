import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;

/** Chat client with one thread for the network: a selector, a non-blocking channel, buffers in both directions. */
public final class Client {
    private static final String PROMPT = "Enter message to send: ";
    private static final int LONGEST_LINE = 4096;
    private static final long PATIENCE = 5_000; // milliseconds, for a server that does not answer
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final Selector selector = Selector.open();
    private final SocketChannel channel;
    private final Keyboard keyboard = new Keyboard(selector);
    private final ByteBuffer arriving = ByteBuffer.allocate(4096);
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private final Deque<ByteBuffer> leaving = new ArrayDeque<>();
    private volatile boolean interrupted;
    private boolean finishing; // nothing more goes into leaving
    private boolean finSent;
    private long deadline;

    private Client(SocketChannel channel) throws IOException {
        this.channel = channel;
        channel.configureBlocking(false);
        channel.register(selector, SelectionKey.OP_READ);
    }

    public static void main(String[] args) throws InterruptedException {
        String host = args.length > 1 ? args[0] : "127.0.0.1";
        int port = args.length > 1 ? Integer.parseInt(args[1]) : 12001;
        Client client;
        try {
            SocketChannel channel = SocketChannel.open();
            channel.socket().connect(new InetSocketAddress(host, port), (int) PATIENCE);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            client = new Client(channel);
        } catch (IOException e) {
            OUT.println("Cannot connect to " + host + ":" + port + ": " + e.getMessage());
            System.exit(1);
            return;
        }
        Thread network = Thread.currentThread();
        int[] status = {1};
        Runtime.getRuntime().addShutdownHook(new Thread(() -> { // Ctrl-C, or our own exit()
            client.interrupted = true;
            client.selector.wakeup();
            try {
                network.join(2 * PATIENCE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            OUT.flush();
            Runtime.getRuntime().halt(status[0]); // the JVM's own status after Ctrl-C would be 130
        }));
        OUT.println("Connected to " + host + ":" + port);
        try {
            client.run();
            status[0] = 0;
        } catch (IOException e) {
            OUT.println("\nThe connection to the server was lost: " + e.getMessage());
        }
        // main() may not call exit(), which waits for the hook, which waits for main()
        new Thread(() -> System.exit(status[0])).start();
    }

    private void run() throws IOException {
        prompt();
        while (read()) {
            if (interrupted) {
                finish();
            }
            for (String text; (text = keyboard.poll()) != null; ) {
                type(text);
            }
            write();
            selector.selectedKeys().clear();
            if (finishing) {
                long left = deadline - System.currentTimeMillis();
                if (left <= 0) {
                    throw new IOException("no answer");
                }
                selector.select(left);
            } else if (!interrupted) {
                selector.select();
            }
        }
        channel.close();
        if (!finishing) {
            OUT.println("\nThe server has closed the connection.");
        }
    }

    private void type(String text) {
        if (text.equals(Keyboard.QUIT)) {
            finish();
        } else if (!finishing) {
            byte[] bytes = ("MSG " + text + "\n").getBytes(StandardCharsets.UTF_8);
            if (bytes.length > LONGEST_LINE) {
                OUT.println("That line is too long, it was not sent.");
            } else {
                leaving.add(ByteBuffer.wrap(bytes));
            }
            prompt();
        }
    }

    private void finish() {
        if (!finishing) {
            finishing = true;
            deadline = System.currentTimeMillis() + PATIENCE;
        }
    }

    /** Take what has arrived; false at the end of the stream. */
    private boolean read() throws IOException {
        int count;
        while ((count = channel.read(arriving.clear())) > 0) {
            for (byte octet : java.util.Arrays.copyOf(arriving.array(), count)) {
                if (octet != '\n') {
                    line.write(octet);
                    continue;
                }
                if (line.size() < LONGEST_LINE) {
                    understand(line.toString(StandardCharsets.UTF_8));
                }
                line.reset();
            }
        }
        return count == 0;
    }

    private void understand(String text) {
        text = text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
        if (text.matches("HEARTBEAT [0-9]+") && !finishing) {
            String answer = "HEARTBEAT-ACK " + text.substring("HEARTBEAT ".length()) + "\n";
            leaving.add(ByteBuffer.wrap(answer.getBytes(StandardCharsets.UTF_8)));
        } else if (text.startsWith("BROADCAST ")) {
            OUT.print("\nBroadcast: " + text.substring("BROADCAST ".length()) + "\n" + PROMPT);
            OUT.flush();
        }
    }

    /** Send what the channel takes, FIN behind the last of it when we finish. */
    private void write() throws IOException {
        while (!leaving.isEmpty()) {
            channel.write(leaving.peek());
            if (leaving.peek().hasRemaining()) {
                break;
            }
            leaving.remove();
        }
        channel.keyFor(selector).interestOps(SelectionKey.OP_READ | (leaving.isEmpty() ? 0 : SelectionKey.OP_WRITE));
        if (finishing && leaving.isEmpty() && !finSent) {
            finSent = true;
            channel.shutdownOutput();
        }
    }

    private static void prompt() {
        OUT.print(PROMPT);
        OUT.flush();
    }
}
