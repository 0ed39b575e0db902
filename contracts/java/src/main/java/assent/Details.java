package assent;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a submission can state about its change besides what is changed and why. What is empty is left out. A policy can
 * demand some of it. Begin with {@link #NONE}.
 *
 * @param tested references to what shows that it was tested
 * @param emergency whether the change cannot wait; null states nothing
 * @param base the version of the object from which the change was made, as the target names it
 * @param notBefore the time before which the change cannot be applied, ms since 1970; null if there is none
 * @param notAfter the time after which the change cannot be applied, ms since 1970; null if there is none
 * @param members how many members the payload lists, if this is a set (R29), else 0; {@link Publisher#submitSet} makes one
 * @param partOf the request of the set of which this change is a member
 */
public record Details(
        String impact, String fallback, List<HashedReference> tested, String expected, Boolean emergency,
        List<String> tickets, String base, Long notBefore, Long notAfter, int members, String partOf) {
    public static final Details NONE = new Details("", "", List.of(), "", null, List.of(), "", null, null, 0, "");

    /** What the change affects, and how much. */
    public Details withImpact(String text) {
        return new Details(
                text, fallback, tested, expected, emergency, tickets, base, notBefore, notAfter, members, partOf);
    }

    /** How the change is taken back. */
    public Details withFallback(String text) {
        return new Details(
                impact, text, tested, expected, emergency, tickets, base, notBefore, notAfter, members, partOf);
    }

    /** How the change was tested. */
    public Details withTested(HashedReference... references) {
        return new Details(
                impact, fallback, List.of(references), expected, emergency, tickets, base, notBefore, notAfter, members,
                partOf);
    }

    /** What should be observed once the change is applied. */
    public Details withExpected(String text) {
        return new Details(
                impact, fallback, tested, text, emergency, tickets, base, notBefore, notAfter, members, partOf);
    }

    /** Whether the change cannot wait. */
    public Details withEmergency(boolean cannotWait) {
        return new Details(
                impact, fallback, tested, expected, cannotWait, tickets, base, notBefore, notAfter, members, partOf);
    }

    /** The tickets that the change belongs to. */
    public Details withTickets(String... ids) {
        return new Details(
                impact, fallback, tested, expected, emergency, List.of(ids), base, notBefore, notAfter, members, partOf);
    }

    /** The version of the object from which the change was made. */
    public Details withBase(String version) {
        return new Details(
                impact, fallback, tested, expected, emergency, tickets, version, notBefore, notAfter, members, partOf);
    }

    /** The window in which the change can be applied, ms since 1970; null is no limit. */
    public Details withWindow(Long begins, Long ends) {
        return new Details(
                impact, fallback, tested, expected, emergency, tickets, base, begins, ends, members, partOf);
    }

    /** The set of which the change is a member. */
    public Details withPartOf(String request) {
        return new Details(
                impact, fallback, tested, expected, emergency, tickets, base, notBefore, notAfter, members, request);
    }

    Details withMembers(int count) {
        return new Details(
                impact, fallback, tested, expected, emergency, tickets, base, notBefore, notAfter, count, partOf);
    }

    void addTo(JsonWriter object) {
        addText(object, "impact", impact);
        addText(object, "fallback", fallback);
        if (!tested.isEmpty()) {
            object.raw("tested", JsonWriter.array(tested.stream().map(Details::encode).toList()));
        }
        addText(object, "expected", expected);
        if (emergency != null) {
            object.raw("emergency", emergency.toString().getBytes(StandardCharsets.US_ASCII));
        }
        if (!tickets.isEmpty()) {
            object.raw("tickets", JsonWriter.array(
                    tickets.stream().map(each -> JsonWriter.encodeText("tickets", each)).toList()));
        }
        addText(object, "base", base);
        if (notBefore != null) {
            object.integer("not_before", notBefore);
        }
        if (notAfter != null) {
            object.integer("not_after", notAfter);
        }
        if (members != 0) {
            object.integer("members", members);
        }
        addText(object, "part_of", partOf);
    }

    private static void addText(JsonWriter object, String name, String text) {
        if (!text.isEmpty()) {
            object.text(name, text);
        }
    }

    private static byte[] encode(HashedReference reference) {
        JsonWriter object = new JsonWriter().text("what", reference.what()).text("sha256", reference.sha256());
        addText(object, "uri", reference.uri());
        return object.done();
    }
}
