import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Chat client: main() types, a second thread receives, the shutdown hook closes. */
public class Client {
    static final String PROMPT = "Enter message to send: ";
    static Socket socket;
    static PrintWriter out;
    static boolean quitting;
    static boolean serverLeft;
    static int status;

    static synchronized void send(String line) throws IOException {
        if (!quitting) {
            out.print(line + "\n");
        }
    }

    static void receive() {
        try {
            BufferedReader in = new BufferedReader(
                    new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            String line;
            while ((line = in.readLine()) != null) {
                Matcher heartbeat = Pattern.compile("HEARTBEAT ([0-9]+)").matcher(line);
                if (heartbeat.matches()) {
                    send("HEARTBEAT-ACK " + heartbeat.group(1));
                } else if (line.startsWith("BROADCAST ")) {
                    System.out.print("\nBroadcast: " + line.substring(10) + "\n" + PROMPT);
                    System.out.flush();
                }
            }
        } catch (IOException e) {
            System.out.println("\nLost the connection to the server: " + e.getMessage());
            status = 1;
        }
        synchronized (Client.class) {
            if (quitting) {
                return;
            }
            serverLeft = true;
        }
        System.exit(status);
    }

    public static void main(String[] args) {
        String host = args.length > 1 ? args[0] : "127.0.0.1";
        int port = args.length > 1 ? Integer.parseInt(args[1]) : 12001;
        System.setOut(new java.io.PrintStream(System.out, true, StandardCharsets.UTF_8));
        try {
            socket = new Socket(host, port);
            out = new PrintWriter(new OutputStreamWriter(socket.getOutputStream(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            System.out.println("Cannot connect to " + host + ":" + port + ": " + e.getMessage());
            System.exit(1);
        }
        System.out.println("Connected to " + host + ":" + port);
        Thread receiver = new Thread(Client::receive);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> leave(receiver)));
        receiver.start();
        try {
            BufferedReader keyboard = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            System.out.print(PROMPT);
            System.out.flush();
            String text;
            while ((text = keyboard.readLine()) != null && !text.equals("/quit")) {
                send("MSG " + text);
                System.out.print(PROMPT);
                System.out.flush();
            }
        } catch (IOException e) {
            System.out.println("\nLost the connection to the server: " + e.getMessage());
            status = 1;
        }
        System.exit(status);
    }

    /** Also after Ctrl-C: halt() because the JVM would exit with 130. */
    static void leave(Thread receiver) {
        try {
            synchronized (Client.class) {
                quitting = true;
            }
            if (serverLeft) {
                System.out.println("\nThe server has closed the connection.");
            } else {
                out.flush();
                socket.shutdownOutput();
                receiver.join(5000);
            }
            socket.close();
        } catch (IOException | InterruptedException e) {
            status = 1;
        }
        System.out.flush();
        Runtime.getRuntime().halt(status);
    }
}
