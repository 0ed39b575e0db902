package assent;

import static assent.Vectors.textOr;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** This library makes the commands of the conformance vectors. */
class CommandVectorsTest {
    @TestFactory
    Stream<DynamicTest> commandsAreMadeAsTheVectorsSay() {
        return Vectors.read("commands.json").get("commands").valueStream().map(each -> DynamicTest.dynamicTest(
                Vectors.text(each, "name"),
                () -> checkCommand(Vectors.bytes(each.get("value")), CommandVectorsTest::again)));
    }

    @TestFactory
    Stream<DynamicTest> whatAHandlerStatesIsReportedAsTheVectorsSay() {
        return Vectors.read("commands.json").get("applied").valueStream().map(each -> DynamicTest.dynamicTest(
                Vectors.text(each, "name"), () -> checkCommand(Vectors.bytes(each.get("value")), stated -> Command.report(
                        textOr(stated, "principal"), changeOf(stated),
                        Outcome.succeeded(new Applied(textOr(each, "message"), textOr(each, "version"))),
                        stated.get("claim").asLong()))));
    }

    /**
     * Compares the members of what is made again, but for its id and its time. Their order, and how a text is escaped, are
     * free; the bytes of the payload are not.
     */
    private static void checkCommand(byte[] value, Function<JsonNode, Command> again) throws Exception {
        ObjectNode stated = (ObjectNode) Vectors.parse(value);
        byte[] payload = JsonObject.read(value).raw("payload");
        if (payload != null) {
            stated.put("payload", payload); // byte for byte
        }
        assertEquals(membersOf(value), membersOf(again.apply(stated).value()));
    }

    private static Map<String, Object> membersOf(byte[] value) throws NotJsonException {
        Map<String, Object> members = new HashMap<>();
        for (JsonObject.Member each : JsonObject.read(value).members()) {
            members.put(each.name(), each.name().equals("payload")
                    ? new String(each.value(), StandardCharsets.UTF_8)
                    : Vectors.parse(each.value()));
        }
        members.remove("id");
        members.remove("at");
        return members;
    }

    private static Change changeOf(JsonNode stated) {
        return new Change(
                textOr(stated, "request"), textOr(stated, "resource"), "", "", "", "", "", "", 0, 0, new byte[0], "",
                new byte[0]);
    }

    /** The same command, made by this library with an id and a time of its own. */
    private static Command again(JsonNode stated) {
        String principal = textOr(stated, "principal");
        String resource = textOr(stated, "resource");
        String request = textOr(stated, "request");
        String submission = textOr(stated, "submission");
        return switch (textOr(stated, "type")) {
            case Command.SUBMIT -> Command.submit(principal, new Submission(
                    resource, textOr(stated, "operation"), textOr(stated, "justification"),
                    stated.get("payload").binaryValue(), Vectors.text(stated, "on_behalf_of"),
                    Vectors.detailsOf(stated), null));
            case Command.APPROVE -> Command.approve(principal, resource, request, submission, textOr(stated, "note"));
            case Command.REJECT -> Command.reject(principal, resource, request, submission, textOr(stated, "note"));
            case Command.REVOKE -> Command.revoke(principal, resource, request, textOr(stated, "note"));
            case Command.COMPLETE -> Command.complete(principal, resource, request, submission);
            case Command.CANCEL -> Command.cancel(principal, resource, request);
            case Command.CLOSE -> Command.close(principal, resource, request, textOr(stated, "reason"));
            case Command.SETTLE -> Command.settle(
                    principal, resource, request, textOr(stated, "outcome"), textOr(stated, "reason"),
                    stated.get("claim").asLong());
            case Command.CLAIM -> Command.claim(principal, changeOf(stated));
            case Command.RENEW -> Command.renew(principal, changeOf(stated), stated.get("claim").asLong());
            case Command.REPORT -> Command.report(
                    principal, changeOf(stated),
                    new Outcome(Result.ofOutcome(textOr(stated, "outcome")), textOr(stated, "message"), "", ""),
                    stated.get("claim").asLong());
            default -> throw new AssertionError("this library does not make " + stated);
        };
    }
}
