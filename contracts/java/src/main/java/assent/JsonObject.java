package assent;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The members of a JSON object in their order. Each value is a slice of the object's bytes. */
final class JsonObject {
    record Member(String name, byte[] value) {}

    private final List<Member> members = new ArrayList<>();

    private JsonObject() {}

    static JsonObject read(byte[] data) throws NotJsonException {
        JsonObject found = new JsonObject();
        new JsonScanner(data).object((name, value) -> found.members.add(new Member(name, value)));
        return found;
    }

    /** The object without members. */
    static JsonObject empty() {
        return new JsonObject();
    }

    /** The elements of the one JSON array that data is. */
    static List<byte[]> readArray(byte[] data) throws NotJsonException {
        List<byte[]> found = new ArrayList<>();
        new JsonScanner(data).array(found::add);
        return found;
    }

    /** The string that data is, or null. */
    static String readText(byte[] data) {
        try {
            return new JsonScanner(data).onlyText();
        } catch (NotJsonException notText) {
            return null;
        }
    }

    List<Member> members() {
        return members;
    }

    /** The bytes of a member, or null. Of two members with one name the later one counts. */
    byte[] raw(String name) {
        for (int index = members.size() - 1; index >= 0; index--) {
            if (members.get(index).name().equals(name)) {
                return members.get(index).value();
            }
        }
        return null;
    }

    boolean has(String name) {
        return raw(name) != null;
    }

    /** A member that is a string, or null. */
    String text(String name) {
        byte[] raw = raw(name);
        return raw == null ? null : readText(raw);
    }

    /** A member that is a string, or the empty string. */
    String textOr(String name) {
        String text = text(name);
        return text == null ? "" : text;
    }

    /** A member that is an integer, written without point and exponent; or null. */
    Long integer(String name) {
        byte[] raw = raw(name);
        if (raw == null || raw.length > 20) {
            return null;
        }
        try {
            return Long.valueOf(new String(raw, StandardCharsets.ISO_8859_1));
        } catch (NumberFormatException notWhole) {
            return null;
        }
    }

    /** A member that is an object, or null. */
    JsonObject object(String name) {
        byte[] raw = raw(name);
        try {
            return raw == null ? null : read(raw);
        } catch (NotJsonException notObject) {
            return null;
        }
    }

    /** A member that is an array of values, or null. */
    List<byte[]> array(String name) {
        byte[] raw = raw(name);
        try {
            return raw == null ? null : readArray(raw);
        } catch (NotJsonException notArray) {
            return null;
        }
    }

    /** The first name that two members have, or null. */
    String repeatedName() {
        Set<String> names = new HashSet<>();
        for (Member member : members) {
            if (!names.add(member.name())) {
                return member.name();
            }
        }
        return null;
    }
}
