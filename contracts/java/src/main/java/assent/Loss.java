package assent;

import java.util.ArrayList;
import java.util.List;

/** A loss that the recovery key has accepted: a new era of the log begins at these ends. */
record Loss(String era, List<End> ends, List<String> givenUp) {
    /** The era of a log before a loss was accepted. */
    static final String FIRST_ERA = "";

    /** Where one ledger partition ends, once what came after it is given up as lost. */
    record End(String ledger, long partition, long seq, String sha256, long nextOffset) {}

    /** The end of one partition, or null if the loss names none. */
    End end(String ledger, long partition) {
        for (End end : ends) {
            if (end.ledger().equals(ledger) && end.partition() == partition) {
                return end;
            }
        }
        return null;
    }

    /** Whether a record of a partition of requests is given up with this loss. */
    boolean givesUp(int partition, long seq) {
        End end = end("ledger", partition);
        return end != null && end.seq() < seq;
    }

    /** Whether a record that names this governance seq was decided under one that has the loss. */
    boolean isKnownAt(long governance) {
        End end = end("governance", 0);
        return end == null || governance > end.seq();
    }

    /** The last loss behind whose end a partition of requests has the record seq; null if there is none. */
    static Loss before(int partition, long seq, List<Loss> losses) {
        for (int index = losses.size() - 1; index >= 0; index--) {
            if (losses.get(index).givesUp(partition, seq)) {
                return losses.get(index);
            }
        }
        return null;
    }

    /**
     * The losses that were accepted after an era. There are none after an era that governance does not know, unless
     * a loss names it as given up.
     */
    static List<Loss> since(String era, List<Loss> losses) {
        if (era.equals(FIRST_ERA)) {
            return losses;
        }
        for (int index = 0; index < losses.size(); index++) {
            if (era.equals(losses.get(index).era())) {
                return losses.subList(index + 1, losses.size());
            }
            if (losses.get(index).givenUp().contains(era)) {
                return losses.subList(index, losses.size());
            }
        }
        return List.of();
    }

    /** Reads the loss of an event assent.loss-accepted.v1; null if it cannot be read. */
    static Loss read(Event event) {
        JsonObject members = event.members().object("loss");
        String era = members == null ? null : members.text("era");
        List<byte[]> raws = members == null ? null : members.array("ends");
        if (era == null || raws == null) {
            return null;
        }
        List<End> ends = new ArrayList<>();
        for (byte[] raw : raws) {
            End end = readEnd(raw);
            if (end == null) {
                return null;
            }
            ends.add(end);
        }
        List<String> givenUp = new ArrayList<>();
        List<byte[]> given = members.has("given_up") ? members.array("given_up") : List.of();
        if (given == null) {
            return null;
        }
        for (byte[] raw : given) {
            String text = JsonObject.readText(raw);
            if (text == null) {
                return null;
            }
            givenUp.add(text);
        }
        return new Loss(era, List.copyOf(ends), List.copyOf(givenUp));
    }

    private static End readEnd(byte[] raw) {
        try {
            JsonObject members = JsonObject.read(raw);
            String ledger = members.text("ledger");
            Long partition = members.integer("partition");
            Long seq = members.integer("seq");
            String sha256 = members.text("sha256");
            Long nextOffset = members.integer("next_offset");
            if (ledger == null || partition == null || seq == null || sha256 == null || nextOffset == null) {
                return null;
            }
            return new End(ledger, partition, seq, sha256, nextOffset);
        } catch (NotJsonException unreadable) {
            return null;
        }
    }
}
