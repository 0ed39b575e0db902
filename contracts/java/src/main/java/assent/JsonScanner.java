package assent;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Walks over JSON text by position. What is signed, hashed or compared are slices of the bytes as they came.
 *
 * <p>It takes RFC 8259 in UTF-8 and nothing else: no byte order mark, no other encoding, no lone surrogate.
 */
final class JsonScanner {
    private static final int DEPTH_MAX = 1000;
    private static final String SHORT_ESCAPES = "\"\\/bfnrt";
    private static final String ESCAPED = "\"\\/\b\f\n\r\t";

    private final byte[] data;
    private int at;

    JsonScanner(byte[] data) throws NotJsonException {
        this.data = data;
        if (!isUtf8(data)) {
            throw new NotJsonException();
        }
    }

    static boolean isUtf8(byte[] data) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(data));
            return true;
        } catch (CharacterCodingException notUtf8) {
            return false;
        }
    }

    /** Reads the one object that the text is. */
    void object(BiConsumer<String, byte[]> each) throws NotJsonException {
        space();
        members(1, each);
        end();
    }

    /** Reads the one array that the text is. */
    void array(Consumer<byte[]> each) throws NotJsonException {
        space();
        elements(1, each);
        end();
    }

    /** Reads the one string that the text is, without anything around it. */
    String onlyText() throws NotJsonException {
        String text = text();
        if (at != data.length) {
            throw new NotJsonException();
        }
        return text;
    }

    private void end() throws NotJsonException {
        space();
        if (at != data.length) {
            throw new NotJsonException();
        }
    }

    private void space() {
        while (at < data.length && (data[at] == ' ' || data[at] == '\t' || data[at] == '\n' || data[at] == '\r')) {
            at++;
        }
    }

    private boolean take(char wanted) {
        if (at < data.length && data[at] == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void need(char wanted) throws NotJsonException {
        if (!take(wanted)) {
            throw new NotJsonException();
        }
    }

    /** Moves past one value. */
    private void value(int depth) throws NotJsonException {
        if (at >= data.length || depth > DEPTH_MAX) {
            throw new NotJsonException();
        }
        switch (data[at]) {
            case '{' -> members(depth + 1, null);
            case '[' -> elements(depth + 1, null);
            case '"' -> text();
            default -> scalar();
        }
    }

    private byte[] slice(int depth) throws NotJsonException {
        int start = at;
        value(depth);
        return Arrays.copyOfRange(data, start, at);
    }

    private void members(int depth, BiConsumer<String, byte[]> each) throws NotJsonException {
        need('{');
        space();
        if (take('}')) {
            return;
        }
        do {
            space();
            String name = text();
            space();
            need(':');
            space();
            if (each == null) {
                value(depth);
            } else {
                each.accept(name, slice(depth));
            }
            space();
        } while (take(','));
        need('}');
    }

    private void elements(int depth, Consumer<byte[]> each) throws NotJsonException {
        need('[');
        space();
        if (take(']')) {
            return;
        }
        do {
            space();
            if (each == null) {
                value(depth);
            } else {
                each.accept(slice(depth));
            }
            space();
        } while (take(','));
        need(']');
    }

    /** Moves past true, false, null or a number. */
    private void scalar() throws NotJsonException {
        for (String word : new String[] {"true", "false", "null"}) {
            byte[] bytes = word.getBytes(StandardCharsets.US_ASCII);
            int stop = at + bytes.length;
            if (stop <= data.length && Arrays.equals(data, at, stop, bytes, 0, bytes.length)) {
                at = stop;
                return;
            }
        }
        number();
    }

    /** Moves past a number. What follows it is for the caller, who needs a comma, a bracket or the end. */
    private void number() throws NotJsonException {
        take('-');
        if (!take('0')) {
            digits();
        }
        if (take('.')) {
            digits();
        }
        if (take('e') || take('E')) {
            if (!take('+')) {
                take('-');
            }
            digits();
        }
    }

    private void digits() throws NotJsonException {
        int start = at;
        while (at < data.length && data[at] >= '0' && data[at] <= '9') {
            at++;
        }
        if (at == start) {
            throw new NotJsonException();
        }
    }

    /** Moves past a string and returns what it stands for. */
    private String text() throws NotJsonException {
        need('"');
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        while (at < data.length) {
            byte next = data[at++];
            if (next == '"') {
                return text.toString(StandardCharsets.UTF_8);
            }
            if (next >= 0 && next < 0x20) {
                throw new NotJsonException();
            }
            if (next == '\\') {
                text.writeBytes(Character.toString(escape()).getBytes(StandardCharsets.UTF_8));
            } else {
                text.write(next);
            }
        }
        throw new NotJsonException();
    }

    private int escape() throws NotJsonException {
        if (at >= data.length) {
            throw new NotJsonException();
        }
        char kind = (char) data[at++];
        int known = SHORT_ESCAPES.indexOf(kind);
        if (known >= 0) {
            return ESCAPED.charAt(known);
        }
        if (kind != 'u') {
            throw new NotJsonException();
        }
        char first = hex();
        if (!Character.isSurrogate(first)) {
            return first;
        }
        need('\\');
        need('u');
        char second = hex();
        if (!Character.isSurrogatePair(first, second)) {
            throw new NotJsonException();
        }
        return Character.toCodePoint(first, second);
    }

    private char hex() throws NotJsonException {
        if (at + 4 > data.length) {
            throw new NotJsonException();
        }
        int code = 0;
        for (int end = at + 4; at < end; at++) {
            // Not Character.digit, which also takes digits of other scripts.
            int digit = "0123456789abcdef".indexOf(data[at] >= 'A' && data[at] <= 'F' ? data[at] + 32 : data[at]);
            if (digit < 0) {
                throw new NotJsonException();
            }
            code = code << 4 | digit;
        }
        return (char) code;
    }
}
