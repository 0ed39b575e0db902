package assent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RequestFoldTest {
    private final List<End> ended = new ArrayList<>();
    private final RequestFold fold = new RequestFold(0, new SetReleases(), ended::add);
    private final Command command = Command.submit("alice", FakeLog.submission("app/a"));
    private final Submitted submitted = Submitted.read(command.value());
    private long seq;

    /** An accepted record with one event of request 0-0, as JSON with single quotes, at log time 100 + seq. */
    private void take(byte[] from, String event) {
        byte[] embedded = Signatures.concat(
                "{\"value\":".getBytes(StandardCharsets.UTF_8), from,
                ",\"key\":\"k\",\"signature\":\"s\"}".getBytes(StandardCharsets.UTF_8));
        byte[] events = ("[" + event.replace('\'', '"') + "]").getBytes(StandardCharsets.UTF_8);
        LedgerRecord record = new LedgerRecord(seq, "", 1, seq, 1, 100 + seq, 0, embedded, events, null);
        fold.take(new AcceptedRecord(record, 0, seq, new byte[0], ""));
        seq++;
    }

    private void submit() {
        take(command.value(), "{'type':'assent.change-submitted.v1','request':'0-0','resource':'app/a','operation':'edit',"
                + "'requester':'alice','submission':'" + submitted.sha256() + "','digest':'" + submitted.digest() + "'}");
    }

    private void event(String name, String more) {
        take(command.value(), "{'type':'assent." + name + ".v1','request':'0-0'" + more + "}");
    }

    private void release() {
        event("change-released", ",'digest':'" + submitted.digest() + "'");
    }

    private Change changeReleasedAt(long released) {
        return new Change(
                "0-0", "app/a", "edit", "alice", "", submitted.justification(), submitted.digest(), submitted.sha256(),
                released, 100 + released, submitted.payload(), "", new byte[0]);
    }

    private Verdict verdict(Change change) {
        OpenRequest found = fold.find("0-0");
        return Verdict.of(change, found, fold.doubt(found), Set.of(), false);
    }

    @Test
    void whatIsReleasedAgainIsClaimedAgainAndTheEarlierReleaseIsNot() {
        submit();
        release();
        assertNull(verdict(changeReleasedAt(1)), "it waits to be claimed");
        event("change-claimed", ",'applier':'x','digest':'" + submitted.digest() + "','deadline':500");
        event("lease-renewed", ",'applier':'x','deadline':900");
        assertEquals(
                new OpenRequest.Grant(2, command.id(), "x", submitted.digest(), 900), fold.find("0-0").grant());
        event("outcome-unknown", ",'cause':'lease-ended'");
        event("settlement-proposed", ",'outcome':'retry'");
        release();
        assertNull(fold.find("0-0").grant());
        assertNull(verdict(changeReleasedAt(6)));
        assertEquals(Result.NOT_OPEN, verdict(changeReleasedAt(1)).result());
        assertEquals(Result.FORGED, verdict(changeReleasedAt(3)).result());
        event("request-failed", ",'reporter':'bob'");
        assertNull(fold.find("0-0"));
        assertEquals("bob", ended.get(0).by());
    }

    @Test
    void nothingIsAppliedAfterAnEventThatCannotFollow() {
        submit();
        event("change-claimed", ",'applier':'x','digest':'" + submitted.digest() + "','deadline':500");
        release();
        assertEquals(Result.NO_EVIDENCE, verdict(changeReleasedAt(2)).result());
        assertTrue(verdict(changeReleasedAt(2)).detail().contains("Record 1"));
    }

    @Test
    void nothingInAPartitionIsAppliedAfterAnEventThatIsNotKnown() {
        submit();
        release();
        event("change-teleported", "");
        assertEquals(Result.NO_EVIDENCE, verdict(changeReleasedAt(1)).result());
    }

    @Test
    void anIdempotencyKeyIsThatOfTheOtherClients() {
        Change change = new Change(
                "3-0", "app/a", "edit", "alice", "", "", "", "cd".repeat(32), 44, 1767225600000L, new byte[0], "", new byte[0]);
        String key = change.idempotencyKey(new Identity("ab".repeat(32)));
        assertEquals("636d484b5560d5e0dd3f758514c28bface354e7fb04b2c938101978d61b1814a", key);
    }

    @Test
    void detailsAreReadAsTheyWereWritten() {
        Details details = Details.NONE.withImpact("None.").withFallback("Roll back.")
                .withTested(new HashedReference("CI", "https://ci.example/1", "ab".repeat(32))).withExpected("Works.")
                .withEmergency(false).withTickets("T-1", "T-2").withBase("v1")
                .withWindow(null, System.currentTimeMillis() + 1_000_000).withPartOf("0-1");
        Command stated = Command.submit("alice", FakeLog.submission("app/a").withDetails(details));
        assertEquals(details, Submitted.read(stated.value()).details());
        assertFalse(new String(command.value(), StandardCharsets.UTF_8).contains("impact"), "what is empty is left out");
    }
}
