package assent;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Writes one JSON object without spaces, its members in the order of the calls. */
final class JsonWriter {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private boolean isFirst = true;

    /** Throws IllegalArgumentException for text with a lone surrogate, which no UTF-8 has. */
    JsonWriter text(String name, String value) {
        return raw(name, encodeText(name, value));
    }

    JsonWriter integer(String name, long value) {
        return raw(name, Long.toString(value).getBytes(StandardCharsets.US_ASCII));
    }

    /** A value that is JSON already, byte for byte. */
    JsonWriter raw(String name, byte[] value) {
        bytes.write(isFirst ? '{' : ',');
        isFirst = false;
        bytes.writeBytes(encodeText(name, name));
        bytes.write(':');
        bytes.writeBytes(value);
        return this;
    }

    byte[] done() {
        bytes.writeBytes((isFirst ? "{}" : "}").getBytes(StandardCharsets.US_ASCII));
        return bytes.toByteArray();
    }

    /** A JSON array of values that are JSON already. */
    static byte[] array(List<byte[]> elements) {
        ByteArrayOutputStream array = new ByteArrayOutputStream();
        char before = '[';
        for (byte[] element : elements) {
            array.write(before);
            array.writeBytes(element);
            before = ',';
        }
        array.writeBytes((elements.isEmpty() ? "[]" : "]").getBytes(StandardCharsets.US_ASCII));
        return array.toByteArray();
    }

    /** Text as a JSON string. Throws as `text`. */
    static byte[] encodeText(String name, String text) {
        StringBuilder encoded = new StringBuilder("\"");
        text.codePoints().forEach(point -> {
            if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
                throw new IllegalArgumentException(name + " has half of a character: repair the text first");
            }
            if (point == '"' || point == '\\') {
                encoded.append('\\').append((char) point);
            } else if (point < 0x20) {
                encoded.append(String.format("\\u%04x", point));
            } else {
                encoded.appendCodePoint(point);
            }
        });
        return encoded.append('"').toString().getBytes(StandardCharsets.UTF_8);
    }
}
