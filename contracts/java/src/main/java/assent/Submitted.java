package assent;

import java.util.Arrays;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A submission as its exact bytes have it.
 *
 * @param onBehalfOf the person on whose behalf a service submitted it, or empty
 * @param payload a slice of the command's bytes
 * @param digest SHA-256 of payload, hex
 * @param sha256 SHA-256 of the whole command, hex: what approvals and completions name as submission
 */
public record Submitted(
        String id, String principal, String resource, String operation, String justification, String onBehalfOf,
        byte[] payload, String digest, String sha256, Details details) {
    private static final int PAYLOAD_MAX_BYTES = 256 << 10;
    private static final int COMMAND_MAX_BYTES = PAYLOAD_MAX_BYTES + (16 << 10);
    private static final int PAYLOAD_MAX_DEPTH = 64;
    private static final int NUMBER_MAX_CHARS = 64;
    private static final int JUSTIFICATION_MAX_CHARS = 1024;
    private static final Set<String> FIELDS = Set.of(
            "type", "id", "principal", "at", "resource", "operation", "justification", "payload", "on_behalf_of");
    private static final Pattern VERSIONED = Pattern.compile("(assent\\.[a-z-]+)\\.v[0-9]+");
    private static final Pattern TYPE_NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");

    /**
     * Takes a submission out of its exact bytes. Throws RefusedException for what a decider refuses for its form, but
     * does not know which characters the id of an object may have.
     */
    public static Submitted read(byte[] value) {
        if (value.length > COMMAND_MAX_BYTES) {
            throw tooLarge(
                    "The command has " + value.length + " bytes; at most " + COMMAND_MAX_BYTES + " are taken.");
        }
        if (value.length == 0 || value[0] != '{' || value[value.length - 1] != '}') {
            throw malformed("The value is not one JSON object in UTF-8, without anything before or after it.");
        }
        try {
            JsonObject members = JsonObject.read(value);
            checkType(members.textOr("type"));
            for (JsonObject.Member member : members.members()) {
                if (!FIELDS.contains(member.name()) && !DetailsReader.FIELDS.contains(member.name())) {
                    throw malformed("A submission has no field \"" + shortened(member.name()) + "\".");
                }
            }
            Submitted found = readMembers(members, value);
            refuseAmbiguous(value);
            return found;
        } catch (NotJsonException notJson) {
            throw malformed("The value is not one JSON object in UTF-8.");
        }
    }

    /** Whether both submit the same, whenever they were made. */
    boolean isSameAs(Submitted other) {
        return id.equals(other.id) && principal.equals(other.principal) && resource.equals(other.resource)
                && operation.equals(other.operation) && justification.equals(other.justification)
                && onBehalfOf.equals(other.onBehalfOf) && Arrays.equals(payload, other.payload)
                && details.equals(other.details);
    }

    private static void checkType(String type) {
        if (type.equals(Command.SUBMIT)) {
            return;
        }
        Matcher match = VERSIONED.matcher(type);
        if (match.matches() && Command.TYPES.contains(match.group(1) + ".v1")) {
            throw new RefusedException(
                    Refusal.of("unknown-version", "This version of " + match.group(1) + " is not known here."));
        }
        throw malformed("The value is not a submission.");
    }

    private static Submitted readMembers(JsonObject members, byte[] value) {
        String id = required(members, "id");
        String principal = required(members, "principal");
        String resource = required(members, "resource");
        String operation = required(members, "operation");
        String justification = optional(members, "justification");
        String onBehalfOf = optional(members, "on_behalf_of");
        Long at = members.integer("at");
        if (at == null || at < 0) {
            throw malformed("at is not a time in milliseconds since 1970.");
        }
        byte[] payload = members.raw("payload");
        if (payload == null) {
            throw malformed("payload is missing.");
        }
        int slash = resource.indexOf('/');
        if (slash < 0 || !isName(resource.substring(0, slash)) || slash == resource.length() - 1) {
            throw malformed("resource is not <type>/<id>: a type of a-z, 0-9 and -.");
        }
        if (payload.length > PAYLOAD_MAX_BYTES) {
            throw tooLarge(
                    "The payload has " + payload.length + " bytes; at most " + PAYLOAD_MAX_BYTES + " are taken.");
        }
        if (depthOf(payload) > PAYLOAD_MAX_DEPTH) {
            throw tooLarge("The payload is nested deeper than " + PAYLOAD_MAX_DEPTH + " levels.");
        }
        if (!isName(operation)) {
            throw malformed("operation is not a name of a-z, 0-9 and -, at most 64 characters.");
        }
        if (justification.codePointCount(0, justification.length()) > JUSTIFICATION_MAX_CHARS) {
            throw tooLarge("The justification has more than " + JUSTIFICATION_MAX_CHARS + " characters.");
        }
        if (justification.codePoints().allMatch(Submitted::isSpace)) {
            throw new RefusedException(Refusal.of("justification-required", "The justification is empty."));
        }
        return new Submitted(
                id, principal, resource, operation, justification, onBehalfOf, payload,
                Encodings.sha256Hex(payload), Encodings.sha256Hex(value), DetailsReader.read(members));
    }

    static boolean isSpace(int point) {
        return Character.isWhitespace(point) || Character.isSpaceChar(point);
    }

    private static boolean isName(String text) {
        return TYPE_NAME.matcher(text).matches();
    }

    private static String required(JsonObject members, String name) {
        String text = members.text(name);
        if (text == null) {
            throw malformed(name + " is missing, or is not a text.");
        }
        return text;
    }

    private static String optional(JsonObject members, String name) {
        return members.has(name) ? required(members, name) : "";
    }

    /**
     * Refuses what another reader might read otherwise: a name that comes twice in one object, at whatever depth, and
     * a number that some reader could not keep.
     */
    private static void refuseAmbiguous(byte[] value) throws NotJsonException {
        if (hasLongNumber(value)) {
            throw tooLarge("A number has more than " + NUMBER_MAX_CHARS + " characters.");
        }
        if (repeatsName(value)) {
            throw malformed("A name comes twice in one object.");
        }
    }

    private static boolean repeatsName(byte[] value) throws NotJsonException {
        if (value[0] == '{') {
            JsonObject members = JsonObject.read(value);
            if (members.repeatedName() != null) {
                return true;
            }
            for (JsonObject.Member member : members.members()) {
                if (repeatsName(member.value())) {
                    return true;
                }
            }
        } else if (value[0] == '[') {
            for (byte[] element : JsonObject.readArray(value)) {
                if (repeatsName(element)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean hasLongNumber(byte[] value) {
        int length = 0;
        int longest = 0;
        for (byte each : outsideTexts(value)) {
            length = "-+.0123456789eE".indexOf(each) < 0 ? 0 : length + 1;
            longest = Math.max(longest, length);
        }
        return longest > NUMBER_MAX_CHARS;
    }

    private static int depthOf(byte[] value) {
        int depth = 0;
        int deepest = 0;
        for (byte each : outsideTexts(value)) {
            if (each == '{' || each == '[') {
                depth++;
                deepest = Math.max(deepest, depth);
            } else if (each == '}' || each == ']') {
                depth--;
            }
        }
        return deepest;
    }

    /** The bytes of JSON that are not part of a string; of a string only its quotes. */
    private static byte[] outsideTexts(byte[] value) {
        byte[] outside = new byte[value.length];
        int count = 0;
        boolean inside = false;
        for (int index = 0; index < value.length; index++) {
            byte each = value[index];
            if (inside && each == '\\') {
                index++;
                continue;
            }
            if (each == '"') {
                inside = !inside;
            } else if (inside) {
                continue;
            }
            outside[count++] = each;
        }
        return Arrays.copyOf(outside, count);
    }

    private static String shortened(String text) {
        return text.codePoints().limit(80)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }

    private static RefusedException malformed(String detail) {
        return Refusal.malformed(detail).asException();
    }

    private static RefusedException tooLarge(String detail) {
        return Refusal.tooLarge(detail).asException();
    }
}
