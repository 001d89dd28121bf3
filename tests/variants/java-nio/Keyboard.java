import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.channels.Selector;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** System.in cannot be selected: a thread reads it and wakes the selector. The queue's end is marked by QUIT. */
final class Keyboard {
    static final String QUIT = "/quit";

    private final Queue<String> typed = new ConcurrentLinkedQueue<>();

    Keyboard(Selector selector) {
        Thread thread = new Thread(() -> {
            try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
                for (String line; (line = in.readLine()) != null && !line.equals(QUIT); selector.wakeup()) {
                    typed.add(line);
                }
            } catch (IOException e) {
                // the terminal is gone: the same as its end
            }
            typed.add(QUIT);
            selector.wakeup();
        }, "keyboard");
        thread.setDaemon(true);
        thread.start();
    }

    /** What was typed next, or null if there is nothing yet. */
    String poll() {
        return typed.poll();
    }
}
