package assent;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Reads the optional fields of a submission, and refuses what a decider refuses for its form. */
final class DetailsReader {
    /** The names of these fields. */
    static final Set<String> FIELDS = Set.of(
            "impact", "fallback", "tested", "expected", "emergency", "tickets", "base", "not_before", "not_after",
            "members", "part_of");

    private static final int TEXT_MAX_CHARS = 1024;
    private static final int TESTED_MAX = 16;
    private static final int WHAT_MAX_CHARS = 256;
    private static final int URI_MAX_CHARS = 1024;
    private static final int TICKETS_MAX = 16;
    private static final int TICKET_MAX_CHARS = 64;
    static final int VERSION_MAX_CHARS = 256;
    private static final long FOR_EVER_MS = (1L << 53) - 1;
    private static final long WINDOW_AHEAD_MAX_MS = Duration.ofDays(366).toMillis();
    private static final long LONGEST_MS = Duration.ofDays(36_500).toMillis();
    private static final Set<String> TESTED_FIELDS = Set.of("what", "uri", "sha256");

    private DetailsReader() {}

    /** Throws RefusedException. */
    static Details read(JsonObject members) {
        checkWindow(members);
        return new Details(
                words(members, "impact"), words(members, "fallback"), tested(members), words(members, "expected"),
                emergency(members), tickets(members),
                members.has("base") ? identifier("base", members.raw("base"), VERSION_MAX_CHARS) : "",
                members.integer("not_before"), members.integer("not_after"), count(members), partOf(members));
    }

    private static int count(JsonObject members) {
        if (!members.has("members")) {
            return 0;
        }
        Long count = members.integer("members");
        if (count == null) {
            throw Refusal.malformed("members is not a whole number.").asException();
        }
        // More than a set can have are refused by the rules, whatever the number.
        return (int) Math.max(0, Math.min(count, SetMembers.MOST + 1));
    }

    private static String partOf(JsonObject members) {
        if (members.has("part_of") && members.text("part_of") == null) {
            throw Refusal.malformed("part_of is not a text.").asException();
        }
        return members.textOr("part_of");
    }

    private static void checkWindow(JsonObject members) {
        for (String name : List.of("not_before", "not_after")) {
            Long time = members.integer(name);
            if (members.has(name) && (time == null || time < 0 || time >= FOR_EVER_MS)) {
                throw Refusal.malformed(name + " is not a time in milliseconds since 1970.").asException();
            }
        }
        Long begins = members.integer("not_before");
        Long ends = members.integer("not_after");
        long at = members.integer("at");
        if (begins != null && ends != null && begins >= ends) {
            throw Refusal.malformed("not_before is not earlier than not_after.").asException();
        }
        if (ends != null && ends - at > LONGEST_MS) {
            throw Refusal.malformed("not_after is more than a hundred years later than the command.").asException();
        }
        if (begins != null && begins - at > WINDOW_AHEAD_MAX_MS) {
            throw Refusal.malformed("not_before is more than 366 days later than the command.").asException();
        }
    }

    private static String words(JsonObject members, String name) {
        return members.has(name) ? words(name, members.raw(name), TEXT_MAX_CHARS) : "";
    }

    private static Boolean emergency(JsonObject members) {
        if (!members.has("emergency")) {
            return null;
        }
        return switch (new String(members.raw("emergency"), StandardCharsets.UTF_8)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw Refusal.malformed("emergency is neither true nor false.").asException();
        };
    }

    private static List<HashedReference> tested(JsonObject members) {
        List<HashedReference> found = new ArrayList<>();
        for (byte[] element : list(members, "tested", TESTED_MAX)) {
            found.add(reference(element));
        }
        return found;
    }

    private static HashedReference reference(byte[] element) {
        JsonObject test;
        try {
            test = JsonObject.read(element);
        } catch (NotJsonException notAnObject) {
            throw Refusal.malformed("An entry of tested is not an object.").asException();
        }
        for (JsonObject.Member member : test.members()) {
            if (!TESTED_FIELDS.contains(member.name())) {
                throw Refusal.malformed("An entry of tested has a field that is not known.").asException();
            }
        }
        String sha256 = test.textOr("sha256");
        if (!test.has("what") || !sha256.matches("[0-9a-f]{64}")) {
            throw Refusal.malformed(
                    "An entry of tested lacks what or sha256, or sha256 is not 64 lower-case hex digits.").asException();
        }
        String what = words("what of tested", test.raw("what"), WHAT_MAX_CHARS);
        if (what.chars().anyMatch(each -> each == '\n' || each == '\r' || each == '\t')) {
            throw Refusal.malformed("what of tested is one line.").asException();
        }
        String uri = test.has("uri") ? identifier("uri of tested", test.raw("uri"), URI_MAX_CHARS) : "";
        return new HashedReference(what, uri, sha256);
    }

    private static List<String> tickets(JsonObject members) {
        List<String> found = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (byte[] element : list(members, "tickets", TICKETS_MAX)) {
            String ticket = identifier("a ticket", element, TICKET_MAX_CHARS);
            if (!names.add(ticket)) {
                throw Refusal.malformed("tickets names one ticket twice.").asException();
            }
            found.add(ticket);
        }
        return found;
    }

    /** The elements of a list that is not empty; none where the field is absent. */
    private static List<byte[]> list(JsonObject members, String name, int most) {
        if (!members.has(name)) {
            return List.of();
        }
        List<byte[]> elements = members.array(name);
        if (elements == null) {
            throw Refusal.malformed(name + " is not a list.").asException();
        }
        if (elements.isEmpty()) {
            throw Refusal.malformed(name + " is an empty list: leave it out.").asException();
        }
        if (elements.size() > most) {
            throw Refusal.tooLarge(
                    name + " has " + elements.size() + " entries; at most " + most + " are taken.").asException();
        }
        return elements;
    }

    /** A text for people: not empty, no control characters, at most so many characters. */
    private static String words(String name, byte[] raw, int most) {
        String text = text(name, raw, most);
        boolean hasControl = text.chars().anyMatch(
                each -> Character.isISOControl(each) && each != '\n' && each != '\r' && each != '\t');
        if (hasControl) {
            throw Refusal.malformed(name + " has a control character.").asException();
        }
        if (text.codePoints().allMatch(Submitted::isSpace)) {
            throw Refusal.malformed(name + " is empty: leave it out, or say something.").asException();
        }
        return text;
    }

    private static String identifier(String name, byte[] raw, int most) {
        String text = text(name, raw, most);
        if (!isIdentifier(text, most)) {
            throw Refusal.malformed(
                    name + " is not 1 to " + most + " printable ASCII characters without spaces.").asException();
        }
        return text;
    }

    /** Whether text is 1 to so many printable ASCII characters without spaces. */
    static boolean isIdentifier(String text, int most) {
        return !text.isEmpty() && text.length() <= most && text.chars().allMatch(each -> each > ' ' && each <= '~');
    }

    private static String text(String name, byte[] raw, int most) {
        String text = JsonObject.readText(raw);
        if (text == null) {
            throw Refusal.malformed(name + " is not a text.").asException();
        }
        if (text.codePointCount(0, text.length()) > most) {
            throw Refusal.tooLarge(name + " has more than " + most + " characters.").asException();
        }
        return text;
    }
}
