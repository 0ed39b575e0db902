package assent;

import static assent.Loss.FIRST_ERA;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * A log in this process, with a decider that knows as much as these tests need: it accepts submissions, releases them at
 * once, grants the first claim, renews leases and takes reports. It refuses changes to app/locked. Changes to app/manual…
 * wait for an approval and a completion, and those of sets for their release.
 */
final class FakeLog {
    static final int PARTITIONS = 2;
    static final Duration SOON = Duration.ofSeconds(30);

    /** What a command leads to: its events as JSON, or the code of a refusal; and the change that it releases. */
    private record Ruling(String events, String refusal, byte[] change) {}

    final FakeKafka kafka = new FakeKafka();
    final Identity identity;
    private final Key writer = key("writer-1", "decider");
    private final Duration lease;

    private final Map<Integer, Long> seqs = new HashMap<>();
    private final Map<Integer, String> prevs = new HashMap<>();
    private final Map<String, Long> decided = new HashMap<>();
    private final Map<String, String> claimed = new HashMap<>();
    private final Map<String, String> outcomes = new HashMap<>();
    private final Map<String, Submitted> open = new HashMap<>();
    private final Map<Integer, String> eras = new HashMap<>();
    private long governance;
    private String governancePrev;
    private final Map<String, Long> claimSeqs = new HashMap<>();
    private int claims;
    private boolean isWaiting;
    private boolean isSilent;
    private final Map<String, String> refused = new HashMap<>();
    private final Set<String> approvals = new HashSet<>();
    private final List<String> refusals = new ArrayList<>();
    private int renewals;
    private final Map<String, Long> ids = new HashMap<>();

    FakeLog(Duration lease) {
        this.lease = lease;
        String key = writer.publicKey();
        byte[] value = format("{'seq':0,'prev':'%s','epoch':1,'at':1,'events':[{'type':'assent.log-founded.v1',"
                + "'founding':{'founder':'%s','recovery':'%s','writers':{'writer-1':'%s'},'partitions':%d}}]}",
                "0".repeat(64), key, key, key, PARTITIONS);
        identity = new Identity(Encodings.sha256Hex(value));
        governancePrev = identity.hex();
        kafka.append(Topics.GOVERNANCE, 0, null, value, seal(writer.id(), "governance", 0, 0, value, FIRST_ERA));
        for (int partition = 0; partition < PARTITIONS; partition++) {
            prevs.put(partition, identity.hex());
        }
        kafka.onProduced(this::decide);
    }

    static Key key(String id, String principal) {
        return Key.fromSeed(id, principal, Encodings.sha256(id.getBytes(StandardCharsets.UTF_8)));
    }

    static Submission submission(String resource) {
        return new Submission(resource, "edit", "<&>\u2028 ✓", "{\"a\": 1e400,  \"b\":\"\\u00f6\"}");
    }

    Log connect() throws Exception {
        return Log.connect(identity, kafka, SOON);
    }

    private static byte[] format(String template, Object... arguments) {
        return String.format(template, arguments).replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    }

    private List<Header> seal(String id, String ledger, int partition, long seq, byte[] value, String era) {
        byte[] message = Signatures.sealMessage(identity, ledger, partition, seq, Encodings.sha256(value), era);
        byte[] seal = Encodings.toBase64Url(writer.signMessage(message)).getBytes(StandardCharsets.US_ASCII);
        return List.of(
                new RecordHeader(Signatures.HEADER_WRITER, id.getBytes(StandardCharsets.US_ASCII)),
                new RecordHeader(Signatures.HEADER_SEAL, seal));
    }

    // What a test can change or ask. Decisions are made with kafka's lock held.

    /** Leaves commands undecided until it is set back; then they are decided when they are sent again. */
    void setWaiting(boolean waiting) {
        synchronized (kafka) {
            isWaiting = waiting;
        }
    }

    /** Keeps releases off assent.changes. */
    void setSilent() {
        synchronized (kafka) {
            isSilent = true;
        }
    }

    /** Refuses commands of a type with this code; with an empty one it carries them out again. */
    void refuse(String type, String code) {
        synchronized (kafka) {
            refused.put(type, code);
        }
    }

    int renewals() {
        synchronized (kafka) {
            return renewals;
        }
    }

    /** The codes of what was refused, in order. */
    List<String> refusals() {
        synchronized (kafka) {
            return List.copyOf(refusals);
        }
    }

    Submitted submitted(String request) {
        synchronized (kafka) {
            return open.get(request);
        }
    }

    /** The request of an object. */
    String requestOf(String resource) {
        synchronized (kafka) {
            return open.entrySet().stream().filter(each -> each.getValue().resource().equals(resource))
                    .findFirst().orElseThrow().getKey();
        }
    }

    /** What the writer does to a request by itself: a release, or another event without fields. */
    void act(String request, String name) {
        synchronized (kafka) {
            RequestId id = RequestId.parse(request);
            long at = System.currentTimeMillis();
            if (!name.equals("change-released")) {
                append(id.partition(), at, new byte[0],
                        "'events':[{'type':'assent." + name + ".v1','request':'" + request + "'}]", null);
                return;
            }
            claimed.remove(request);
            append(id.partition(), at, new byte[0], "'events':[" + releaseOf(request) + "]",
                    changeOf(request, seqs.getOrDefault(id.partition(), 0L), at));
        }
    }

    int claims() {
        synchronized (kafka) {
            return claims;
        }
    }

    /** The outcome of a request and its message; null before it is reported. */
    String outcome(String request) {
        synchronized (kafka) {
            return outcomes.get(request);
        }
    }

    /** A change of governance that concerns no writer. */
    void changeGovernance() {
        synchronized (kafka) {
            appendGovernance("{'type':'assent.settings-changed.v1'}", writer.id());
        }
    }

    /** Accepts a loss: of the partition of app/payroll the records after its first one are given up. */
    void lose() {
        synchronized (kafka) {
            int partition = Partitions.partitionFor("app/payroll", PARTITIONS);
            String kept = Encodings.sha256Hex(
                    kafka.recordsOf(new TopicPartition(Topics.LEDGER, partition)).get(0).value());
            String end = "{'ledger':'%s','partition':%d,'seq':%d,'sha256':'%s','next_offset':1,'topic_end':3,"
                    + "'next_input':1}";
            appendGovernance("{'type':'assent.loss-accepted.v1','loss':{'era':'loss-1','ends':["
                    + String.format(end, "governance", 0, governance, governancePrev) + ","
                    + String.format(end, "ledger", partition, 0, kept) + "]}}", Writers.RECOVERY);
            eras.put(partition, "loss-1");
            seqs.put(partition, 1L);
            prevs.put(partition, kept);
            claimed.clear();
        }
    }

    private void appendGovernance(String event, String sealer) {
        governance++;
        byte[] value = format("{'seq':%d,'prev':'%s','epoch':1,'at':1,'events':[%s]}",
                governance, governancePrev, event);
        governancePrev = Encodings.sha256Hex(value);
        kafka.append(Topics.GOVERNANCE, 0, null, value,
                seal(sealer, "governance", 0, governance, value, FIRST_ERA));
    }

    private void decide(ConsumerRecord<byte[], byte[]> record) {
        if (isWaiting || !record.topic().equals(Topics.COMMANDS)) {
            return;
        }
        int partition = record.partition();
        long at = System.currentTimeMillis();
        long seq = seqs.getOrDefault(partition, 0L);
        Long first = decided.putIfAbsent(Encodings.sha256Hex(record.value()), seq);
        Ruling ruling = first == null
                ? rule(record.value(), partition, seq, at)
                : new Ruling("[{'type':'assent.command-repeated.v1','decided':" + first + "}]", null, null);
        if (ruling.refusal() != null) {
            refusals.add(ruling.refusal());
        }
        String[] refusal = ruling.refusal() == null ? null : ruling.refusal().split(" ", 2);
        String decision = refusal == null
                ? "'events':" + ruling.events()
                : "'refusal':{'code':'" + refusal[0] + "','detail':'It is.'" + (refusal.length > 1 ? refusal[1] : "") + "}";
        byte[] command = Signatures.concat(
                format("'input':%d,'received':%d,'command':{'value':", record.offset(), at), record.value(),
                format(",'key':'%s','signature':'%s'},", header(record, Signatures.HEADER_KEY),
                        header(record, Signatures.HEADER_SIGNATURE)));
        append(partition, at, command, decision, ruling.change());
    }

    /** Writes the next record of a partition, and the change that it releases, which may be null. */
    private void append(int partition, long at, byte[] command, String decision, byte[] change) {
        long seq = seqs.getOrDefault(partition, 0L);
        byte[] value = Signatures.concat(
                format("{'seq':%d,'prev':'%s','epoch':1,'at':%d,'governance':%d,",
                        seq, prevs.get(partition), at, governance),
                command, decision.replace('\'', '"').getBytes(StandardCharsets.UTF_8), new byte[] {'}'});
        String era = eras.getOrDefault(partition, FIRST_ERA);
        kafka.append(Topics.LEDGER, partition, null, value, seal(writer.id(), "ledger", partition, seq, value, era));
        seqs.put(partition, seq + 1);
        prevs.put(partition, Encodings.sha256Hex(value));
        if (change != null && !isSilent) {
            kafka.append(Topics.CHANGES, partition, null, change, List.of());
        }
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.US_ASCII);
    }

    private Ruling rule(byte[] value, int partition, long seq, long at) {
        try {
            JsonObject command = JsonObject.read(value);
            String request = command.textOr("request");
            String code = refused.getOrDefault(command.textOr("type"), "");
            if (!code.isEmpty()) {
                return new Ruling(null, code, null);
            }
            return switch (command.textOr("type")) {
                case Command.APPROVE -> approve(request);
                case Command.COMPLETE -> approvals.contains(request)
                        ? new Ruling("[" + releaseOf(request) + "]", null, changeOf(request, seq, at))
                        : new Ruling(null, "not-approved", null);
                case Command.CANCEL -> event("request-canceled", request, "");
                case Command.RENEW -> renew(request, command.textOr("principal"), at);
                case Command.SUBMIT -> submit(Submitted.read(value), partition + "-" + seq, seq, at);
                case Command.CLAIM -> claim(request, command.textOr("principal"), seq, at);
                default -> report(request, command);
            };
        } catch (NotJsonException notJson) {
            throw new AssertionError(notJson);
        }
    }

    private Ruling submit(Submitted submitted, String request, long seq, long at) {
        if (submitted.resource().equals("app/locked")) {
            return new Ruling(null, "resource-locked", null);
        }
        Long first = ids.putIfAbsent(submitted.id(), seq);
        if (first != null) {
            return new Ruling(null, "id-reused ,'decided':" + first, null);
        }
        open.put(request, submitted);
        Details details = submitted.details();
        String set = details.members() > 0 ? ",'members':" + details.members() : "";
        set += details.partOf().isEmpty() ? "" : ",'part_of':'" + details.partOf() + "'";
        String event = String.format("{'type':'assent.change-submitted.v1',%s,'submission':'%s','digest':'%s'%s}",
                about(request), submitted.sha256(), submitted.digest(), set);
        return set.isEmpty() && !submitted.resource().startsWith("app/manual")
                ? new Ruling("[" + event + "," + releaseOf(request) + "]", null, changeOf(request, seq, at))
                : new Ruling("[" + event + "]", null, null);
    }

    /** The members that a submission's event and its change share. */
    private String about(String request) {
        Submitted of = open.get(request);
        return String.format("'request':'%s','resource':'%s','operation':'%s','requester':'%s'",
                request, of.resource(), of.operation(), of.principal());
    }

    private String releaseOf(String request) {
        return String.format("{'type':'assent.change-released.v1','request':'%s','digest':'%s'}",
                request, open.get(request).digest());
    }

    private byte[] changeOf(String request, long seq, long at) {
        Submitted of = open.get(request);
        return Signatures.concat(
                format("{'type':'assent.change.v1',%s,'digest':'%s','submission':'%s','released':%d,'at':%d,",
                        about(request), of.digest(), of.sha256(), seq, at),
                ("\"justification\":\"" + of.justification() + "\",\"payload\":").getBytes(StandardCharsets.UTF_8),
                of.payload(), new byte[] {'}'});
    }

    private static Ruling event(String name, String request, String more) {
        return new Ruling("[{'type':'assent." + name + ".v1','request':'" + request + "'" + more + "}]", null, null);
    }

    private Ruling approve(String request) {
        approvals.add(request);
        return event("request-approved", request, "");
    }

    private Ruling renew(String request, String principal, long at) {
        renewals++;
        return event("lease-renewed", request, ",'applier':'" + principal + "','deadline':" + (at + lease.toMillis()));
    }

    private Ruling claim(String request, String principal, long seq, long at) {
        if (claimed.putIfAbsent(request, principal) != null) {
            return new Ruling(null, "not-released", null);
        }
        claims++;
        claimSeqs.put(request, seq);
        return new Ruling(String.format("[{'type':'assent.change-claimed.v1','request':'%s','applier':'%s','digest':'%s',"
                + "'deadline':%d}]", request, principal, open.get(request).digest(), at + lease.toMillis()), null, null);
    }

    private Ruling report(String request, JsonObject command) {
        if (!claimed.containsKey(request) || !command.integer("claim").equals(claimSeqs.get(request))) {
            return new Ruling(null, "claim-superseded", null);
        }
        String outcome = command.textOr("outcome");
        outcomes.put(request, (outcome + ": " + command.textOr("message") + " " + command.textOr("version")).strip());
        String type = switch (outcome) {
            case "succeeded" -> "assent.request-completed.v1";
            case "failed" -> "assent.request-failed.v1";
            default -> "assent.outcome-unknown.v1";
        };
        return new Ruling(String.format("[{'type':'%s','request':'%s','reporter':'%s','version':'%s'}]",
                type, request, command.textOr("principal"), command.textOr("version")), null, null);
    }
}
