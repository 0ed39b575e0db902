package assent;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What a submission can state about its change besides what is changed and why. What is empty is left out. A policy can
 * demand some of it.
 *
 * @param tested references to what shows that it was tested
 * @param emergency whether the change cannot wait; null states nothing
 * @param base the version of the object from which the change was made, as the target names it
 * @param notBefore the time before which the change cannot be applied, ms since 1970; null if there is none
 * @param notAfter the time after which the change cannot be applied, ms since 1970; null if there is none
 */
public record Details(
        String impact, String fallback, List<HashedReference> tested, String expected, Boolean emergency,
        List<String> tickets, String base, Long notBefore, Long notAfter) {
    public static final Details NONE = new Details("", "", List.of(), "", null, List.of(), "", null, null);

    void addTo(JsonWriter members) {
        addText(members, "impact", impact);
        addText(members, "fallback", fallback);
        if (!tested.isEmpty()) {
            members.raw("tested", array(tested.stream().map(Details::encode).toList()));
        }
        addText(members, "expected", expected);
        if (emergency != null) {
            members.raw("emergency", emergency.toString().getBytes(StandardCharsets.US_ASCII));
        }
        if (!tickets.isEmpty()) {
            members.raw("tickets", array(tickets.stream().map(each -> JsonWriter.encodeText("tickets", each)).toList()));
        }
        addText(members, "base", base);
        if (notBefore != null) {
            members.integer("not_before", notBefore);
        }
        if (notAfter != null) {
            members.integer("not_after", notAfter);
        }
    }

    private static void addText(JsonWriter members, String name, String text) {
        if (!text.isEmpty()) {
            members.text(name, text);
        }
    }

    private static byte[] encode(HashedReference reference) {
        JsonWriter members = new JsonWriter().text("what", reference.what()).text("sha256", reference.sha256());
        addText(members, "uri", reference.uri());
        return members.done();
    }

    private static byte[] array(List<byte[]> elements) {
        return elements.stream().map(each -> new String(each, StandardCharsets.UTF_8))
                .collect(Collectors.joining(",", "[", "]")).getBytes(StandardCharsets.UTF_8);
    }
}
