import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * Reads UTF-8 lines from a keyboard or a socket, wherever the pieces begin and end.
 * BufferedReader would also take a lone CR for a line end, and would return half a line at end-of-file.
 */
final class Lines {
    static final int LONGEST_LINE = 4096;

    private final InputStream in;
    private final byte[] buffer = new byte[4096];
    private int next;
    private int filled;

    Lines(InputStream in) {
        this.in = in;
    }

    /** The next line without its line end, or null at end-of-file; an unfinished last line counts if wanted. */
    String read(boolean unfinishedToo) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int skipped = 0;
        while (true) {
            if (next == filled) {
                next = 0;
                filled = in.read(buffer);
                if (filled < 0) {
                    filled = 0;
                    return unfinishedToo && line.size() > 0 ? line.toString(StandardCharsets.UTF_8) : null;
                }
                continue;
            }
            byte octet = buffer[next++];
            if (octet != '\n') {
                if (line.size() < LONGEST_LINE) {
                    line.write(octet);
                } else {
                    skipped++;
                }
            } else if (skipped > 0 || line.size() == LONGEST_LINE) {
                line.reset(); // longer than the protocol allows: ignored
                skipped = 0;
            } else {
                String text = line.toString(StandardCharsets.UTF_8);
                return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
            }
        }
    }

    /** The bytes of a line, or null if the protocol does not allow one that long. */
    static byte[] encode(String line) {
        byte[] octets = (line + "\n").getBytes(StandardCharsets.UTF_8);
        return octets.length <= LONGEST_LINE ? octets : null;
    }
}
