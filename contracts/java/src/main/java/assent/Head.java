package assent;

/**
 * Where an accepted chain is.
 *
 * @param seq -1 before the first record
 * @param sha256 what the next record names as its prev
 */
record Head(long seq, String sha256, long governance, long nextOffset) {}
