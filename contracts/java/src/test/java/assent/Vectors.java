package assent;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Consumer;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The files of contracts/vectors, and the logs in them as a reader gets them. */
final class Vectors {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Vectors() {}

    static JsonNode read(String name) {
        try {
            return JSON.readTree(Files.readAllBytes(Path.of("..", "vectors", name)));
        } catch (IOException missing) {
            throw new UncheckedIOException(missing);
        }
    }

    static JsonNode parse(byte[] json) {
        return JSON.readTree(json);
    }

    static byte[] bytes(JsonNode node) {
        return node == null || node.isNull() ? null : Base64.getDecoder().decode(node.asString());
    }

    /** What a member is as text; null if it is absent or null. */
    static String text(JsonNode node, String name) {
        JsonNode member = node.get(name);
        return member == null || member.isNull() ? null : member.asString();
    }

    /** The optional fields of a submission. */
    static Details detailsOf(JsonNode stated) {
        HashedReference[] tested = stated.path("tested").valueStream()
                .map(each -> new HashedReference(textOr(each, "what"), textOr(each, "uri"), textOr(each, "sha256")))
                .toArray(HashedReference[]::new);
        String[] tickets = stated.path("tickets").valueStream().map(JsonNode::asString).toArray(String[]::new);
        Details found = Details.NONE.withImpact(textOr(stated, "impact")).withFallback(textOr(stated, "fallback"))
                .withTested(tested).withExpected(textOr(stated, "expected")).withTickets(tickets)
                .withBase(textOr(stated, "base")).withWindow(number(stated, "not_before"), number(stated, "not_after"))
                .withMembers(stated.path("members").asInt(0)).withPartOf(textOr(stated, "part_of"));
        return stated.has("emergency") ? found.withEmergency(stated.get("emergency").asBoolean()) : found;
    }

    static String textOr(JsonNode node, String name) {
        String text = text(node, name);
        return text == null ? "" : text;
    }

    static Long number(JsonNode node, String name) {
        return node.has(name) ? node.get(name).asLong() : null;
    }

    /** Gives the records of vectors to a rule. */
    static void offerAll(Acceptance rule, Iterable<JsonNode> entries, Consumer<AcceptedRecord> take) {
        for (JsonNode entry : entries) {
            long offset = entry.get("offset").asLong();
            if (entry.has("rule")) {
                offerMany(rule, offset, entry.get("rule"), take);
            } else {
                rule.offer(offset, bytes(entry.get("value")), headers(entry)).forEach(take);
            }
        }
    }

    private static void offerMany(Acceptance rule, long offset, JsonNode many, Consumer<AcceptedRecord> take) {
        String prev = many.get("prev").asString();
        String pad = "x".repeat(many.path("pad").asInt(0));
        for (int number = 0; number < many.get("count").asInt(); number++) {
            byte[] value = many.get("template").asString()
                    .replace("{seq}", Long.toString(many.get("first_seq").asLong() + number))
                    .replace("{prev}", prev).replace("{pad}", pad).getBytes(StandardCharsets.UTF_8);
            prev = Encodings.sha256Hex(value);
            rule.offer(offset + number, value, List.of()).forEach(take);
        }
    }

    private static List<Header> headers(JsonNode entry) {
        List<Header> headers = new ArrayList<>();
        for (JsonNode header : entry.path("headers")) {
            headers.add(new RecordHeader(header.get(0).asString(), bytes(header.get(1))));
        }
        return headers;
    }

    /** A log as a reader has it: the rule of its ledger, and the offsets that count. */
    record ReadLog(Acceptance ledger, List<Long> governanceOffsets, List<Long> ledgerOffsets) {}

    /** Reads governance, and then the ledger. */
    static ReadLog readLog(
            String identity, int partition, Iterable<JsonNode> governance, Iterable<JsonNode> ledger,
            Consumer<AcceptedRecord> take) {
        Writers writers = new Writers();
        List<Long> ofGovernance = new ArrayList<>();
        offerAll(new Acceptance(Acceptance.GOVERNANCE, 0, new Identity(identity), writers), governance, accepted -> {
            writers.apply(accepted.record());
            ofGovernance.add(accepted.offset());
        });
        List<Long> ofLedger = new ArrayList<>();
        Acceptance reader = new Acceptance(Acceptance.LEDGER, partition, new Identity(identity), writers);
        offerAll(reader, ledger, accepted -> {
            ofLedger.add(accepted.offset());
            take.accept(accepted);
        });
        return new ReadLog(reader, ofGovernance, ofLedger);
    }

    /** The log of a file of vectors. */
    static void readLog(JsonNode vectors, Consumer<AcceptedRecord> take) {
        readLog(
                vectors.get("identity").asString(), vectors.get("partition").asInt(), vectors.get("governance"),
                vectors.get("ledger"), take);
    }

    static List<Long> offsets(JsonNode ranges) {
        List<Long> offsets = new ArrayList<>();
        for (JsonNode range : ranges) {
            for (long offset = range.get(0).asLong(); offset <= range.get(1).asLong(); offset++) {
                offsets.add(offset);
            }
        }
        return offsets;
    }
}
