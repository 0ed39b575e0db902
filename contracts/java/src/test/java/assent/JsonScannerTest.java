package assent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

class JsonScannerTest {
    private static final JsonFactory JACKSON = new JsonFactory();
    private static final String[] SEEDS = {
        "{}", "{\"a\":[1,2.5e-3,\"x\\u00f6\\ud83d\\ude00\",true,null]}", "{\"a\":1,\"a\":2}", "{ \"a\" : [ ] , \"b\":{}}",
        "{\"a\":01}", "{\"a\":-0.10E+5}", "{\"a\":1}x", "{\"a\":\"\\\\\\\"\\/\\b\\f\\n\\r\\t\"}", "{\"ö✓😀\":\"ö✓😀\"}",
    };
    private static final String ALPHABET = "{}[]\",:\\/ubfnrt0123456789aeE+-. \n\tdD8cC\u0000\u007fö";

    /** What it takes is JSON, and what it refuses is not: compared with Jackson over changed texts. */
    @Test
    void itTakesWhatJacksonTakes() {
        Random random = new Random(1);
        int taken = 0;
        for (int round = 0; round < 200_000; round++) {
            StringBuilder text = new StringBuilder(SEEDS[random.nextInt(SEEDS.length)]);
            for (int changes = random.nextInt(3); changes > 0; changes--) {
                int at = random.nextInt(text.length());
                char other = ALPHABET.charAt(random.nextInt(ALPHABET.length()));
                switch (random.nextInt(3)) {
                    case 0 -> text.setCharAt(at, other);
                    case 1 -> text.insert(at, other);
                    default -> text.deleteCharAt(at);
                }
                if (text.length() == 0) {
                    text.append(' ');
                }
            }
            if (text.codePoints().anyMatch(point -> Character.getType(point) == Character.SURROGATE)) {
                continue; // no bytes in UTF-8 stand for it
            }
            boolean isTaken = isTaken(text.toString());
            assertEquals(isObject(text.toString()), isTaken, text.toString());
            taken += isTaken ? 1 : 0;
        }
        assertTrue(taken > 20_000, "enough of them are JSON: " + taken);
    }

    private static boolean isTaken(String text) {
        try {
            JsonObject.read(text.getBytes(StandardCharsets.UTF_8));
            return true;
        } catch (NotJsonException refused) {
            return false;
        }
    }

    /** Whether Jackson reads one object, in which no text has half of a character. */
    private static boolean isObject(String text) {
        try (JsonParser parser = JACKSON.createParser(ObjectReadContext.empty(), new StringReader(text))) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return false;
            }
            for (int depth = 1; depth > 0;) {
                JsonToken token = parser.nextToken();
                depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
                boolean isText = token == JsonToken.PROPERTY_NAME || token == JsonToken.VALUE_STRING;
                if (isText && parser.getString().codePoints()
                        .anyMatch(point -> Character.getType(point) == Character.SURROGATE)) {
                    return false;
                }
            }
            return parser.nextToken() == null;
        } catch (JacksonException refused) {
            return false;
        }
    }

    @Test
    void valuesAreSlicesOfTheBytes() throws Exception {
        JsonObject read = JsonObject.read(" {\"a\" : { \"z\":1.0 } ,\"\\u0061\":[1 , 2]} ".getBytes(StandardCharsets.UTF_8));
        assertArrayEquals("{ \"z\":1.0 }".getBytes(StandardCharsets.UTF_8), read.members().get(0).value());
        assertArrayEquals("[1 , 2]".getBytes(StandardCharsets.UTF_8), read.raw("a"), "the later one counts");
        assertEquals("a", read.repeatedName());
    }

    @Test
    void otherEncodingsAndDeepNestingAreRefused() {
        for (byte[] bytes : new byte[][] {
            "{}".getBytes(StandardCharsets.UTF_16LE), "{}".getBytes(StandardCharsets.UTF_16BE),
            "\ufeff{}".getBytes(StandardCharsets.UTF_8), {'{', '"', (byte) 0xc0, (byte) 0x80, '"', ':', '1', '}'},
            ("{\"a\":" + "[".repeat(2_000) + "]".repeat(2_000) + "}").getBytes(StandardCharsets.UTF_8),
        }) {
            assertThrows(NotJsonException.class, () -> JsonObject.read(bytes));
        }
    }
}
