package assent;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.common.header.Header;

/** One reader's view of one ledger partition: the acceptance rule of the contracts' README. */
final class Acceptance {
    static final String GOVERNANCE = "governance";
    static final String LEDGER = "ledger";

    // The limits of the unsealed records that a reader holds while it waits for their seal.
    private static final int RUN_MAX_RECORDS = 10_000;
    private static final int RUN_MAX_BYTES = 16 << 20;

    private final String ledger;
    private final int partition;
    private final Identity identity;
    private final Writers writers;
    private Head head;
    private List<AcceptedRecord> run = new ArrayList<>();
    private int runBytes;

    /** `ledger` is GOVERNANCE or LEDGER. */
    Acceptance(String ledger, int partition, Identity identity, Writers writers) {
        this.ledger = ledger;
        this.partition = partition;
        this.identity = identity;
        this.writers = writers;
        this.head = new Head(-1, isGovernance() ? "0".repeat(64) : identity.hex(), -1, 0);
    }

    Head head() {
        return head;
    }

    /**
     * Takes the next record of the partition and returns the run that it made accepted, most often none. Governance
     * has been read at least as far as it was when the record was read.
     */
    List<AcceptedRecord> offer(long offset, byte[] value, Iterable<Header> headers) {
        LedgerRecord record = value == null || value.length > LedgerRecord.MAX_BYTES ? null : LedgerRecord.read(value);
        if (record == null) {
            endRun();
            return List.of();
        }
        byte[] sum = Encodings.sha256(value);
        AcceptedRecord candidate =
                new AcceptedRecord(record, partition, offset, value, HexFormat.of().formatHex(sum));
        if (followsRun(candidate)) {
            run.add(candidate);
            runBytes += value.length;
        } else if (followsHead(candidate)) {
            endRun();
            run.add(candidate);
            runBytes = value.length;
        } else {
            endRun();
            return List.of();
        }
        if (isSealed(candidate, sum, headers)) {
            return acceptRun(candidate);
        }
        if (run.size() > RUN_MAX_RECORDS || runBytes > RUN_MAX_BYTES) {
            endRun();
        }
        return List.of();
    }

    private boolean isGovernance() {
        return ledger.equals(GOVERNANCE);
    }

    private boolean followsRun(AcceptedRecord candidate) {
        if (run.isEmpty()) {
            return false;
        }
        AcceptedRecord last = run.get(run.size() - 1);
        LedgerRecord record = candidate.record();
        return candidate.offset() == last.offset() + 1 && record.prev().equals(last.sha256())
                && record.seq() == last.seq() + 1 && record.governance() >= last.record().governance();
    }

    private boolean followsHead(AcceptedRecord candidate) {
        LedgerRecord record = candidate.record();
        return record.prev().equals(head.sha256()) && record.seq() == head.seq() + 1
                && record.governance() >= head.governance()
                && (record.seq() > 0 || !isGovernance() || candidate.sha256().equals(identity.hex()));
    }

    private boolean isSealed(AcceptedRecord candidate, byte[] sum, Iterable<Header> headers) {
        // The last header of a name counts.
        byte[] writer = null;
        byte[] seal = null;
        for (Header header : headers) {
            if (header.key().equals(Signatures.HEADER_WRITER)) {
                writer = header.value();
            } else if (header.key().equals(Signatures.HEADER_SEAL)) {
                seal = header.value();
            }
        }
        if (writer == null || seal == null || !JsonScanner.isUtf8(writer)) {
            return false;
        }
        byte[] signature = Encodings.fromBase64Url(new String(seal, StandardCharsets.ISO_8859_1));
        byte[] key = signature == null ? null : writerKey(new String(writer, StandardCharsets.UTF_8), candidate);
        if (key == null) {
            return false;
        }
        Loss lost = isGovernance() ? null : Loss.before(partition, candidate.seq(), writers.losses());
        String era = lost == null ? Loss.FIRST_ERA : lost.era();
        return Signatures.verify(
                key, Signatures.sealMessage(identity, ledger, partition, candidate.seq(), sum, era), signature);
    }

    private byte[] writerKey(String id, AcceptedRecord candidate) {
        AcceptedRecord first = run.get(0);
        if (!isGovernance()) {
            // Else a key that was retired before the loss would count again.
            Loss lost = Loss.before(partition, first.seq(), writers.losses());
            if (lost != null && !lost.isKnownAt(first.record().governance())) {
                return null;
            }
            return writers.publicKey(id, candidate.record().governance());
        }
        if (head.seq() >= 0) {
            return writers.governanceSealer(id, head.seq(), run);
        }
        // The run begins with record 0, whose hash is the identity: it names its own writers.
        Writers founding = new Writers();
        try {
            founding.apply(first.record());
        } catch (UnreadableLedgerException notFounding) {
            return null;
        }
        return founding.governanceSealer(id, 0, run);
    }

    private List<AcceptedRecord> acceptRun(AcceptedRecord last) {
        List<AcceptedRecord> accepted = run;
        endRun();
        head = new Head(last.seq(), last.sha256(), last.record().governance(), last.offset() + 1);
        return accepted;
    }

    private void endRun() {
        run = new ArrayList<>();
        runBytes = 0;
    }
}
