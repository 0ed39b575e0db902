package assent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

/** This library makes of the conformance vectors what all others do. */
class VectorsTest {
    @Test
    void keysAreInThePartitionsOfTheVectors() {
        for (JsonNode each : Vectors.read("partitions.json").get("keys")) {
            byte[] key = Vectors.bytes(each.get("key"));
            assertEquals(each.get("murmur2").asLong(), Integer.toUnsignedLong(Partitions.murmur2(key)));
            each.get("partition_of").properties().forEach(of -> assertEquals(
                    of.getValue().asInt(), Partitions.partitionFor(key, Integer.parseInt(of.getKey()))));
        }
    }

    @Test
    void signaturesAreThoseOfTheVectors() {
        JsonNode vectors = Vectors.read("signatures.json");
        for (JsonNode each : vectors.get("commands")) {
            byte[] value = Vectors.bytes(each.get("value"));
            checkSigned(each, Signatures.commandMessage(identity(each), value));
            assertEquals(Vectors.text(each, "signature"), key(each).sign(identity(each), value));
            assertEquals(Vectors.text(each, "public_key"), key(each).publicKey());
        }
        for (JsonNode each : vectors.get("seals")) {
            byte[] sum = Encodings.sha256(Vectors.bytes(each.get("value")));
            checkSigned(each, Signatures.sealMessage(
                    identity(each), Vectors.text(each, "ledger"), each.get("partition").asInt(),
                    each.get("seq").asLong(), sum, Vectors.text(each, "era")));
        }
        for (JsonNode each : vectors.get("heads")) {
            checkSigned(each, Signatures.headMessage(identity(each), Vectors.bytes(each.get("value"))));
        }
        for (JsonNode each : vectors.get("base64url")) {
            String text = Vectors.text(each, "text");
            assertArrayEquals(Vectors.bytes(each.get("bytes")), Encodings.fromBase64Url(text), text);
        }
    }

    private static Identity identity(JsonNode each) {
        return new Identity(Vectors.text(each, "identity"));
    }

    private static Key key(JsonNode each) {
        return Key.fromSeed("key", "principal", HexFormat.of().parseHex(Vectors.text(each, "secret")));
    }

    private static void checkSigned(JsonNode each, byte[] message) {
        assertEquals(Vectors.text(each, "message"), HexFormat.of().formatHex(message));
        assertEquals(Vectors.text(each, "signature"), Encodings.toBase64Url(key(each).signMessage(message)));
        byte[] publicKey = Encodings.fromBase64Url(Vectors.text(each, "public_key"));
        byte[] signature = Encodings.fromBase64Url(Vectors.text(each, "signature"));
        assertTrue(Signatures.verify(publicKey, message, signature));
        assertFalse(Signatures.verify(publicKey, Signatures.concat(message, new byte[1]), signature));
    }

    @TestFactory
    Stream<DynamicTest> payloadsAreSlicedOrRefusedAsTheVectorsSay() {
        return Vectors.read("payloads.json").get("commands").valueStream()
                .map(each -> DynamicTest.dynamicTest(Vectors.text(each, "name"), () -> checkPayload(each)));
    }

    private static void checkPayload(JsonNode each) {
        byte[] value = each.has("rule") ? longValue(each.get("rule")) : Vectors.bytes(each.get("value"));
        String refused = null;
        try {
            Submitted found = Submitted.read(value);
            assertEquals(Vectors.text(each, "digest"), found.digest());
            assertEquals(Vectors.text(each, "submission"), found.sha256());
            assertEquals(Vectors.detailsOf(each.path("details")), found.details());
            if (each.has("payload")) {
                assertArrayEquals(Vectors.bytes(each.get("payload")), found.payload());
            }
        } catch (RefusedException refusal) {
            refused = refusal.refusal().code();
        }
        assertEquals(Vectors.text(each, "refused"), refused);
    }

    private static byte[] longValue(JsonNode rule) {
        return Signatures.concat(
                Vectors.bytes(rule.get("before")), "x".repeat(rule.get("x").asInt()).getBytes(),
                Vectors.bytes(rule.get("after")));
    }

    @TestFactory
    Stream<DynamicTest> recordsCountAsTheVectorsSay() {
        JsonNode vectors = Vectors.read("acceptance.json");
        return vectors.get("ledgers").valueStream()
                .map(each -> DynamicTest.dynamicTest(Vectors.text(each, "name"), () -> checkLedger(vectors, each)));
    }

    private static void checkLedger(JsonNode vectors, JsonNode each) {
        List<JsonNode> governance = new ArrayList<>();
        if (each.path("shared").asBoolean(true)) {
            vectors.get("governance").forEach(governance::add);
        }
        each.path("governance").forEach(governance::add);
        Vectors.ReadLog read = Vectors.readLog(
                Vectors.text(vectors, "identity"), vectors.get("partition").asInt(), governance, each.path("ledger"),
                accepted -> { });
        assertEquals(Vectors.offsets(each.get("accepted_governance")), read.governanceOffsets());
        assertEquals(Vectors.offsets(each.get("accepted")), read.ledgerOffsets());
        Head head = read.ledger().head();
        JsonNode expected = each.get("head");
        assertEquals(expected.get("seq").asLong(), head.seq());
        assertEquals(Vectors.text(expected, "sha256"), head.sha256());
        assertEquals(expected.get("next_offset").asLong(), head.nextOffset());
    }

    @Test
    void changesAreJudgedAsTheVectorsSay() {
        JsonNode vectors = Vectors.read("changes.json");
        Map<String, End> ends = new HashMap<>();
        RequestFold fold = new RequestFold(
                vectors.get("partition").asInt(), new SetReleases(), end -> ends.put(end.request(), end));
        Vectors.readLog(vectors, fold::take);
        vectors.get("requests").forEach(each -> checkRequest(each, fold, ends));
        Set<String> inHand = new HashSet<>();
        for (JsonNode each : vectors.get("changes")) {
            // This library does not check the evidence of a release: its README states that.
            String without = Vectors.text(each, "without_evidence");
            String expected = without == null ? Vectors.text(each, "verdict") : without;
            assertEquals(expected, judge(fold, Vectors.bytes(each.get("value")), inHand), Vectors.text(each, "name"));
            if (each.has("idempotency_key")) {
                String key = Change.read(Vectors.bytes(each.get("value"))).idempotencyKey(identity(vectors));
                assertEquals(Vectors.text(each, "idempotency_key"), key);
            }
        }
    }

    private static void checkRequest(JsonNode each, RequestFold fold, Map<String, End> ends) {
        String request = Vectors.text(each, "request");
        OpenRequest found = fold.find(request);
        if (found == null) {
            assertEquals(new End(
                    request, Vectors.text(each, "status"), Vectors.text(each, "by"), Vectors.text(each, "message"),
                    Vectors.text(each, "version"), each.get("seq").asLong(), each.get("at").asLong()), ends.get(request));
            return;
        }
        String status = switch (found.state()) {
            case NEEDS_APPROVAL -> "needs_approval null";
            case APPROVED -> "approved null";
            case RELEASED -> "approved released";
            case APPLYING -> "approved applying";
            case UNSETTLED -> "approved unknown";
        };
        assertEquals(Vectors.text(each, "status") + " " + Vectors.text(each, "progress"), status, request);
        assertEquals(each.get("approvers").valueStream().map(JsonNode::asString).toList(), found.approvers(), request);
        assertEquals(each.has("claim"), found.grant() != null, request);
        if (found.grant() != null) {
            assertEquals(each.get("claim").asLong(), found.grant().seq());
            assertEquals(Vectors.text(each, "applier"), found.grant().applier());
            assertEquals(each.path("deadline").asLong(found.grant().deadline()), found.grant().deadline());
        }
    }

    private static String judge(RequestFold fold, byte[] value, Set<String> inHand) {
        Change change;
        try {
            change = Change.read(value);
        } catch (IllegalArgumentException notAChange) {
            return "unreadable";
        }
        OpenRequest found = fold.find(change.request());
        String doubt = found == null ? "" : fold.doubt(found);
        Verdict verdict = Verdict.of(change, found, doubt, Set.of(), inHand.contains(change.request()));
        if (verdict != null) {
            return verdict.result().toString();
        }
        inHand.add(change.request());
        return "claim";
    }

    @Test
    void commandsAreAnsweredAsTheVectorsSay() {
        JsonNode vectors = Vectors.read("answers.json");
        Map<Long, AcceptedRecord> answers = new HashMap<>();
        Map<Long, Decision> bySeq = new HashMap<>();
        Vectors.readLog(vectors, accepted -> {
            bySeq.put(accepted.seq(), Decision.of(accepted));
            if (accepted.record().input() >= 0) {
                answers.put(accepted.record().input(), accepted);
            }
        });
        for (JsonNode each : vectors.get("commands")) {
            AcceptedRecord answer = answers.get(each.get("offset").asLong());
            assertEquals(each.get("seq").isNull(), answer == null, each.toString());
            if (answer != null) {
                assertEquals(
                        each.get("recorded").asBoolean(), answer.record().recordedCommand().isPresent(), each.toString());
                checkAnswer(each, Decision.of(answer), bySeq);
            }
        }
    }

    private static void checkAnswer(JsonNode each, Decision answer, Map<Long, Decision> bySeq) {
        assertEquals(each.get("seq").asLong(), answer.seq());
        List<String> types = each.path("events").valueStream().map(JsonNode::asString).toList();
        assertEquals(types, answer.events().stream().map(Event::type).toList());
        assertEquals(Vectors.text(each, "refusal"), codeOf(answer));
        assertEquals(each.path("decided").isNumber(), answer.repeats().isPresent());
        answer.repeats().ifPresent(decided -> {
            assertEquals(each.get("decided").asLong(), decided);
            assertEquals(Vectors.text(each.get("first"), "refusal"), codeOf(bySeq.get(decided)));
        });
    }

    private static String codeOf(Decision answer) {
        return answer.refusal() == null ? null : answer.refusal().code();
    }
}
