package assent;

/**
 * One record that counts.
 *
 * @param value the record's bytes
 * @param sha256 of value, hex
 */
public record AcceptedRecord(LedgerRecord record, int partition, long offset, byte[] value, String sha256) {
    public long seq() {
        return record.seq();
    }
}
