package assent;

/** How far a partition was read, and in which era of the log. */
record KeptHead(Head head, String era) {}
