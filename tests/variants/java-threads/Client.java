import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Chat client with a thread for the keyboard and one for the socket.
 *
 * Every way out (/quit, Ctrl-D, Ctrl-C, the server leaves) ends in the shutdown hook, which closes the connection
 * in order and halts with the exit status: left alone, the JVM would exit with 130 after Ctrl-C.
 */
public final class Client {
    private static final String PROMPT = "Enter message to send: ";
    private static final Pattern HEARTBEAT = Pattern.compile("HEARTBEAT ([0-9]+)");
    private static final int PATIENCE = 5000; // milliseconds, for a server that does not answer
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final Socket socket;
    private final OutputStream toServer;
    private final Thread receiver = new Thread(this::receive, "receiver");
    private final Object sending = new Object();
    private boolean quitting; // guarded by sending
    private volatile boolean serverLeft;
    private volatile String failure;

    private Client(Socket socket) throws IOException {
        this.socket = socket;
        this.toServer = socket.getOutputStream();
    }

    public static void main(String[] args) {
        String host = args.length > 1 ? args[0] : "127.0.0.1";
        int port = args.length > 1 ? Integer.parseInt(args[1]) : 12001;
        Socket socket = new Socket();
        try {
            socket.connect(new InetSocketAddress(host, port), PATIENCE);
            socket.setTcpNoDelay(true);
            Client client = new Client(socket);
            Runtime.getRuntime().addShutdownHook(new Thread(client::leave, "leave"));
            OUT.println("Connected to " + host + ":" + port);
            client.receiver.start();
            client.type();
        } catch (SocketTimeoutException e) {
            OUT.println("Cannot connect to " + host + ":" + port + ": no answer");
            System.exit(1);
        } catch (IOException e) {
            OUT.println("Cannot connect to " + host + ":" + port + ": " + e.getMessage());
            System.exit(1);
        }
    }

    private void type() {
        Lines keyboard = new Lines(System.in);
        try {
            prompt();
            for (String text; (text = keyboard.read(true)) != null && !text.equals("/quit"); prompt()) {
                if (text.isEmpty()) {
                    continue;
                }
                byte[] line = Lines.encode("MSG " + text);
                if (line == null) {
                    OUT.println("That line is too long, it was not sent.");
                } else {
                    send(line);
                }
            }
        } catch (IOException e) {
            failure = e.getMessage();
        }
        System.exit(0);
    }

    private void receive() {
        try {
            Lines lines = new Lines(socket.getInputStream());
            for (String line; (line = lines.read(false)) != null; ) {
                Matcher heartbeat = HEARTBEAT.matcher(line);
                if (heartbeat.matches()) {
                    send(Lines.encode("HEARTBEAT-ACK " + heartbeat.group(1)));
                } else if (line.startsWith("BROADCAST ")) {
                    OUT.print("\nBroadcast: " + line.substring("BROADCAST ".length()) + "\n" + PROMPT);
                    OUT.flush();
                }
            }
        } catch (IOException e) {
            failure = e.getMessage();
        }
        synchronized (sending) {
            if (quitting) {
                return;
            }
            serverLeft = true;
        }
        System.exit(0); // also while the other thread sits in System.in.read()
    }

    private void send(byte[] line) throws IOException {
        synchronized (sending) {
            if (!quitting) {
                toServer.write(line);
            }
        }
    }

    private static void prompt() {
        OUT.print(PROMPT);
        OUT.flush();
    }

    /** The shutdown hook: FIN after everything typed, the server's FIN, and the exit status. */
    private void leave() {
        try {
            synchronized (sending) {
                quitting = true;
            }
            if (serverLeft) {
                OUT.println(failure == null ? "\nThe server has closed the connection." : "");
            } else {
                socket.shutdownOutput();
                receiver.join(PATIENCE);
                if (receiver.isAlive()) {
                    failure = "no answer";
                }
            }
            socket.close();
        } catch (IOException | InterruptedException e) {
            failure = e.getMessage();
        }
        if (failure != null) {
            OUT.println("The connection to the server was lost: " + failure);
        }
        OUT.flush();
        Runtime.getRuntime().halt(failure == null ? 0 : 1);
    }
}
